"""Installed and not switched on, the plugin imports nothing beyond the standard library and pytest."""

from __future__ import annotations

import re
import sys

import pytest
from support import machos, sites

from pytest_archcheck.plugin.needs import NEEDS
from pytest_archcheck.plugin.settings import DEMANDS

CHECK = """
import sys

def test_modules(pytestconfig):
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"macholib", "importlib_metadata", "packaging", "zipp", "altgraph"}, loaded
    ours = sorted(name for name in sys.modules if name.startswith("pytest_archcheck"))
    assert ours == ["pytest_archcheck", "pytest_archcheck.plugin", "pytest_archcheck.plugin.every_run"]
    # Past pytest's rewriter, which would read it a field at a time.
    assert type(sys.modules[ours[2]].__loader__).__name__ == "SourceFileLoader"
    (plugin,) = (one for one in pytestconfig.pluginmanager.get_plugins() if "archcheck" in str(one))
    assert {one.name for one in pytestconfig.pluginmanager.get_hookcallers(plugin)} == set("HOOKS".split())
    assert {name for name in vars(plugin) if name.startswith("pytest_")} <= set(dir(plugin))
"""


#: What an idle run registers; each takes some 40 µs.
HOOKS = """
    pytest_addoption pytest_configure pytest_load_initial_conftests pytest_make_collect_report pytest_runtest_call
    pytest_runtest_setup
"""


def test_off_imports_nothing_heavy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(CHECK.replace("HOOKS", " ".join(HOOKS.split())))
    result = pytester.runpytest_subprocess("-p", "pytest_archcheck.plugin", timeout=60)
    result.assert_outcomes(passed=1)


def test_what_the_plugin_declares_is_what_may_be_needed(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest("--help").stdout.str()
    assert f"holds of the running environment: {', '.join(DEMANDS)};" in " ".join(shown.split())
    markers = pytester.runpytest("--markers").stdout.str()
    assert set(re.findall(r"@pytest.mark.requires_(\w+)\(", markers)) == set(NEEDS) == set(DEMANDS)


#: The modules of ours that a run on a folder of Mach-O files imports. What a run needs only sometimes (lock files, wheels, ELF,
#: frameworks, reports) is imported inside functions and is not here. A new module belongs here if such a run cannot do without.
NEEDED = """
findings inspection limits
plugin: allowlist arguments blame every_run faces hooks hookspecs inspected items kept made needs options progress questions
    report_files rootdir session settings start telling
reports: outcome terminal text
judge: access dependencies environment homes inputs links macos numpy unjudged while_open
rules: architecture catalog causes commands conflicts dependencies elsewhere environment homebrew interpreter load_commands
    macho_links modules numpy_api ownership packages pythons remedies signing symbols tensorflow_plugins twins versions
    wheels words
loader: import_lines imports macho_links macho_search macho_symbols optional package_files python_files recorded signing
    surely_imported survival symbol_pairs tensorflow_plugins
discover: conda editable environments files image_root inputs installed interpreters metadata model names ownership paths pth
    record text wheel_names
binaries: archive constants elf elf_image export_trie load_commands macho model names nlist numpy_api reader source
machine: host python target wheel_tags
"""
#: Those of others, where pytest or another plugin has not imported them already.
NEEDED_OTHERS = set("array blake2 csv hashlib lazy_importer macholib sysconfig zipp".split())


def _needed() -> set[str]:
    names: set[str] = set()
    room = ""
    for word in NEEDED.split():
        if word.endswith(":"):
            room = word.removesuffix(":")
        names.add(f"{room}.{word}" if room and not word.endswith(":") else word.removesuffix(":"))
    return {f"pytest_archcheck.{name}" for name in names}


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments: inspect a folder of Mach-O files."""
    sites.add_distribution(pytester.path / "site-packages", "good", files={"good.abi3.so": machos.bundle()})
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return ["--archcheck-path=site-packages", "--archcheck-target=macosx_14_0_arm64"]


def test_on_imports_what_this_input_needs(pytester: pytest.Pytester, folder: list[str]) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            print("\\nLOADED", *sys.modules)
        """
    )
    plain = ["-s", "-p", "pytest_archcheck.plugin"]
    idle, loaded = (
        set(re.search(r"LOADED (.*)", pytester.runpytest_subprocess(*plain, *more, timeout=60).stdout.str())[1].split())  # type: ignore[index]
        for more in ([], folder)
    )
    ours = {name for name in loaded if name.startswith("pytest_archcheck.")}
    assert (sorted(ours - _needed()), sorted(_needed() - ours)) == ([], [])
    assert {name.partition(".")[0].lstrip("_") for name in loaded - idle - ours} <= NEEDED_OTHERS


def test_asserts_of_ours_are_not_rewritten(pytester: pytest.Pytester, folder: list[str]) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            judge = sys.modules["pytest_archcheck.judge.environment"]
            print("\\nLOADER", type(judge.__loader__).__name__)

        def pytest_configure():
            left = 1
            assert left == 2, "rewriting goes on"
        """
    )
    arguments = ["-s", "-p", "pytest_archcheck.plugin", *folder]
    broken = pytester.runpytest_subprocess(*arguments, timeout=60)
    assert "assert 1 == 2" in broken.stdout.str() + broken.stderr.str()  # the latter on newer pytests
    conftest = pytester.path / "conftest.py"
    # Of another size: else the bytecode of this very second would be taken for the new text's.
    conftest.write_text(conftest.read_text().replace("left == 2", "left"))
    result = pytester.runpytest_subprocess(*arguments, timeout=60)
    result.assert_outcomes(passed=2)
    assert "LOADER SourceFileLoader\n" in result.stdout.str()


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
