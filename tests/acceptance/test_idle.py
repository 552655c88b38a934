"""What a run knows of us that has the checks off, and how the checks are switched on all the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.plugin import every_run, options

if TYPE_CHECKING:
    from collections.abc import Callable

HOOKS = "pytest_archcheck.plugin.hooks"
LOADED = f"""
    import sys

    def pytest_report_header():
        return "HOOKS" if "{HOOKS}" in sys.modules else "NONE"
"""


class Declared:
    """Stands where pytest's parser does."""

    def __init__(self) -> None:
        self.options: dict[str, object] = {}

    def getgroup(self, *_: object) -> Declared:
        return self

    def addoption(self, name: str, *, default: object = None, **_: object) -> None:
        self.options[name] = default


def test_an_option_is_worth_the_same_whether_it_is_declared_or_not(pytester: pytest.Pytester) -> None:
    declared = Declared()
    options.declare(declared)  # type: ignore[arg-type]
    assert {f"--{name}": None for name in every_run.OPTIONS} == declared.options
    pytester.makeconftest(
        f"""
        def pytest_report_header(config):
            names = {every_run.OPTIONS!r}
            given = [config.getoption("--" + name) for name in names]
            given += [config.getoption(name.replace("-", "_")) for name in names[2:]]
            return "GIVEN %s" % [value for value in given if value is not None]
        """
    )
    for arguments, given in ([], "[]"), (["--archcheck-python=3.12", "--no-archcheck"], "[False, False, '3.12', '3.12']"):
        assert f"GIVEN {given}" in pytester.runpytest(*arguments).outlines


@pytest.mark.parametrize("arguments", [[], ["test_own.py"], ["test_own.py::test_one"], ["--co", "-q", "-v"]])
def test_what_says_nothing_of_us_loads_nothing_of_us(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makeconftest(LOADED)
    pytester.makepyfile(test_own="def test_one(): pass\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=60)
    assert "NONE" in result.outlines
    assert result.ret in {0, 5}


FILES = {
    "pytest.ini": "[pytest]\n{}\n",
    "tox.ini": "[pytest]\n{}\n",
    "setup.cfg": "[tool:pytest]\n{}\n",
    "pyproject.toml": "[tool.pytest.ini_options]\n{}\n",
}
OURS = "archcheck::h5py"


@pytest.fixture
def collected(pytester: pytest.Pytester) -> Callable[..., bool]:
    """Whether a run collects our checks of an environment."""
    pytester.makepyfile(test_own="def test_one(): pass\n")

    def collected(*arguments: str, ini: str = "", file: str = "pytest.ini") -> bool:
        if file == "pyproject.toml":
            ini = ini.replace(" = ", ' = "', 1) + '"' if ini else ini
        Path(file).write_text(FILES[file].format(ini), encoding="utf-8")
        return OURS in pytester.runpytest("--co", "-q", *arguments).outlines

    return collected


@pytest.mark.parametrize("file", FILES)
def test_addopts_of_every_ini_file(collected: Callable[..., bool], healthy: Path, file: str) -> None:
    assert collected(ini=f"addopts = --archcheck-path={healthy} --archcheck-target=macosx_14_0_arm64", file=file)


def test_a_value_of_the_ini_file_alone(collected: Callable[..., bool], healthy: Path) -> None:
    given = f"archcheck_paths = {healthy}\narchcheck_target = macosx_14_0_arm64"
    assert collected(ini=given)
    assert not collected("--no-archcheck", ini=given)
    assert not collected("test_own.py::test_one", ini=given)


def test_the_environment_and_overridden_values(
    collected: Callable[..., bool], healthy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "archcheck_target=macosx_14_0_arm64"
    assert collected("-o", f"archcheck_paths={healthy}", "-o", target)
    assert collected("--override-ini", f"archcheck_paths={healthy}", "--override-ini", target)
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--archcheck-path={healthy} --archcheck-target=macosx_14_0_arm64")
    assert collected()


@pytest.mark.skipif(pytest.version_tuple < (8, 2), reason="pytest reads files of arguments since 8.2")
def test_a_file_of_arguments(collected: Callable[..., bool], healthy: Path) -> None:
    Path("arguments").write_text(f"--archcheck-path={healthy}\n--archcheck-target=macosx_14_0_arm64\n", encoding="utf-8")
    assert collected("@arguments")


def test_the_value_of_an_option_behind_a_space_is_no_test_file(collected: Callable[..., bool], healthy: Path) -> None:
    environment = ["--archcheck-path", str(healthy), "--archcheck-target", "macosx_14_0_arm64"]
    assert collected("-c", "pytest.ini", *environment)


@pytest.mark.parametrize("typo", ["--archchek", "--archcheck-pat=x", "--archcheck-nothing"])
def test_what_nobody_declares_is_refused_in_pytest_s_words(pytester: pytest.Pytester, typo: str) -> None:
    result = pytester.runpytest(typo)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*error: unrecognized arguments: {typo}"])


@pytest.mark.parametrize("place", [".", "below"])
def test_hooks_of_others_are_known_with_the_checks_off(pytester: pytest.Pytester, place: str) -> None:
    folder = pytester.path / place
    folder.mkdir(exist_ok=True)
    (folder / "test_own.py").write_text("def test_one(): pass\n")
    conftest = folder / "conftest.py"
    conftest.write_text("def pytest_archcheck_findings(inspection):\n    return []\n")
    pytester.runpytest_subprocess(timeout=60).assert_outcomes(passed=1)
    conftest.write_text("def pytest_archcheck_finding(inspection):\n    return [] # misspelled\n")
    result = pytester.runpytest_subprocess(timeout=60)
    assert "unknown hook 'pytest_archcheck_finding'" in result.stdout.str() + result.stderr.str()
