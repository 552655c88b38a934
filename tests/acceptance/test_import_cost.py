"""Installed and not switched on, the plugin imports nothing beyond the standard library and pytest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

CHECK = """
import sys

def test_modules():
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"macholib", "importlib_metadata", "packaging", "zipp", "altgraph"}, loaded
    ours = {name for name in sys.modules if name.startswith("pytest_archcheck.")}
    idle = {"plugin", "plugin.arguments", "plugin.hookspecs", "plugin.needs", "plugin.settings"}
    assert ours == {f"pytest_archcheck.{name}" for name in idle}
"""


def test_off_imports_nothing_heavy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(CHECK)
    result = pytester.runpytest_subprocess("-p", "pytest_archcheck.plugin", timeout=60)
    result.assert_outcomes(passed=1)


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
