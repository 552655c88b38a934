"""Installed and not switched on, the plugin imports nothing beyond the standard library and pytest."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from support import machos, sites

from pytest_archcheck.plugin.needs import NEEDS
from pytest_archcheck.plugin.settings import DEMANDS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CHECK = """
import sys

def test_modules():
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"macholib", "importlib_metadata", "packaging", "zipp", "altgraph"}, loaded
    ours = {name for name in sys.modules if name.startswith("pytest_archcheck.")}
    assert ours == {"pytest_archcheck.plugin", "pytest_archcheck.plugin.hooks", "pytest_archcheck.plugin.options"}
    readers = {name: type(sys.modules[name].__loader__).__name__ for name in ours}
    rewritten = {name for name, reader in readers.items() if reader == "AssertionRewritingHook"}
    assert rewritten == {"pytest_archcheck.plugin"}  # the rest is imported past pytest's rewriter of asserts
"""


def test_off_imports_nothing_heavy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(CHECK)
    result = pytester.runpytest_subprocess("-p", "pytest_archcheck.plugin", timeout=60)
    result.assert_outcomes(passed=1)


def test_what_the_plugin_declares_is_what_may_be_needed(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest("--help").stdout.str()
    assert f"holds of the running environment: {', '.join(DEMANDS)};" in " ".join(shown.split())
    markers = pytester.runpytest("--markers").stdout.str()
    assert set(re.findall(r"@pytest.mark.requires_(\w+)\(", markers)) == set(NEEDS) == set(DEMANDS)


#: What a run on a tree of Mach-O files has no use for: our own modules and others'.
IDLE = """
    accelerators.probe accelerators.process binaries.elf_symbol_table discover.wheels judge.lock judge.wheel
    loader.elf_images loader.elf_links loader.elf_process loader.elf_symbols locks plugin.accelerators plugin.explaining
    reports.explain reports.github reports.html rules.elf_links rules.locks
""".split()
IDLE_OTHERS = "ctypes packaging pickle ssl tomllib urllib.request".split()


def test_on_imports_what_this_input_needs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    sites.add_distribution(site, "good", files={"good.abi3.so": machos.bundle()})
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            print("\\nLOADED", *sys.modules)
            judge = sys.modules["pytest_archcheck.judge.environment"]
            print("\\nLOADER", type(judge.__loader__).__name__)

        def pytest_configure():
            left = 1
            assert left == 2, "rewriting goes on"
        """
    )
    arguments = ["-s", "-p", "pytest_archcheck.plugin", f"--archcheck-path={site}", "--archcheck-target=macosx_14_0_arm64"]
    broken = pytester.runpytest_subprocess(*arguments, timeout=60)
    assert "assert 1 == 2" in broken.stdout.str() + broken.stderr.str()  # the latter on newer pytests
    conftest = pytester.path / "conftest.py"
    # Of another size: else the bytecode of this very second would be taken for the new text's.
    conftest.write_text(conftest.read_text().replace("left == 2", "left"))
    result = pytester.runpytest_subprocess(*arguments, timeout=60)
    result.assert_outcomes(passed=2)
    loaded = set(re.search(r"LOADED (.*)", result.stdout.str())[1].split())  # type: ignore[index]
    assert not loaded & {f"pytest_archcheck.{name}" for name in IDLE}
    assert not loaded & set(IDLE_OTHERS)
    assert "LOADER SourceFileLoader\n" in result.stdout.str()  # asserts of ours are not rewritten


def test_on_leaves_importlib_metadata_of_the_user_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import importlib.metadata
        import sys

        def test_distributions_are_those_of_the_standard_library():
            assert "pytest_archcheck.inspection" in sys.modules
            kinds = {type(one).__module__.partition(".")[0] for one in importlib.metadata.distributions()}
            assert kinds == {"importlib"}
            assert "importlib_metadata" not in {type(one).__module__.partition(".")[0] for one in sys.meta_path}
        """
    )
    result = pytester.runpytest_subprocess("--archcheck", "-k", "standard_library", timeout=60)
    assert result.parseoutcomes()["passed"] == 1


def test_the_package_is_lazy(pytester: pytest.Pytester) -> None:
    script = pytester.makepyfile(
        lazy="""
        import sys
        import pytest_archcheck

        assert not [name for name in sys.modules if name.startswith("pytest_archcheck.")]
        assert "pytest" not in sys.modules
        assert all(getattr(pytest_archcheck, name) is not None for name in pytest_archcheck.__all__)
        assert set(pytest_archcheck.__all__) <= set(dir(pytest_archcheck))
        assert pytest_archcheck.__version__[0].isdigit()
        assert "pytest" not in sys.modules
        """
    )
    result = pytester.run(sys.executable, script, timeout=60)
    assert (result.ret, result.errlines) == (0, [])
