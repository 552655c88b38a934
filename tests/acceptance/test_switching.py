"""When the checks are on, and what is collected then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

OURS = ["archcheck::environment::packages", "archcheck::h5py", "archcheck::pandas"]
THEIRS = ["test_project.py::test_one"]


@pytest.fixture(autouse=True)
def _tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_project="def test_one(): pass\n")


@pytest.fixture
def listed(pytester: pytest.Pytester) -> Callable[..., list[str]]:
    """What a run with these arguments would collect."""

    def listed(*args: str) -> list[str]:
        return [line for line in pytester.runpytest("--co", "-q", *args).outlines if "::" in line]

    return listed


def ini(pytester: pytest.Pytester, environment: Path, *lines: str) -> None:
    """A pytest.ini that names what to inspect."""
    pytester.makeini(
        "\n".join(["[pytest]", "archcheck_target = macosx_14_0_arm64", f"archcheck_paths = {environment}", *lines])
    )


def test_off_by_default(listed: Callable[..., list[str]]) -> None:
    assert listed() == THEIRS


def test_ini_paths_switch_on_but_keep_the_tests(
    listed: Callable[..., list[str]], pytester: pytest.Pytester, healthy: Path
) -> None:
    ini(pytester, healthy)
    assert listed() == OURS + THEIRS


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], OURS + THEIRS),
        (["test_project.py"], THEIRS),
        (["test_project.py", "--archcheck"], OURS + THEIRS),
        (["test_project.py", "archcheck"], OURS + THEIRS),
        (["test_project.py", "archcheck::h5py"], OURS[1:2] + THEIRS),
        (["archcheck"], OURS),
        (["archcheck::pandas"], OURS[2:]),
        (["--no-archcheck"], THEIRS),
        (["--archcheck", "--no-archcheck"], THEIRS),
        (["--no-archcheck", "--archcheck"], OURS + THEIRS),
    ],
)
@pytest.mark.parametrize("how", ["ini", "addopts"])
def test_on_by_default_gives_way_to_named_tests(
    listed: Callable[..., list[str]], pytester: pytest.Pytester, healthy: Path, how: str, args: list[str], expected: list[str]
) -> None:
    ini(pytester, healthy, {"ini": "archcheck = true", "addopts": "addopts = --archcheck"}[how])
    assert listed(*args) == expected


def test_no_archcheck_in_addopts_is_overruled_by_what_is_typed(
    listed: Callable[..., list[str]], pytester: pytest.Pytester, healthy: Path
) -> None:
    ini(pytester, healthy, "archcheck = true", "addopts = --no-archcheck")
    assert listed() == THEIRS
    assert listed("--archcheck") == OURS + THEIRS
    assert listed("archcheck::h5py") == OURS[1:2]


def test_a_folder_called_archcheck_wins_but_has_no_ids(
    listed: Callable[..., list[str]], pytester: pytest.Pytester, healthy: Path
) -> None:
    ini(pytester, healthy)
    pytester.mkdir("archcheck").joinpath("test_theirs.py").write_text("def test_it(): pass\n", encoding="utf-8")
    assert listed("archcheck") == ["archcheck/test_theirs.py::test_it"]
    assert listed("archcheck::h5py") == OURS[1:2]


def test_a_file_called_archcheck_wins(pytester: pytest.Pytester, healthy: Path) -> None:
    ini(pytester, healthy)
    pytester.path.joinpath("archcheck").write_text("", encoding="utf-8")
    for argument in ("archcheck", "archcheck::h5py"):
        result = pytester.runpytest(argument)
        result.stdout.no_fnmatch_line("*archcheck ..*")
        assert result.ret in (4, 5)


def test_the_word_as_an_options_value_means_nothing(listed: Callable[..., list[str]]) -> None:
    assert listed("-k", "archcheck or one") == THEIRS


def test_an_option_of_a_conftest_may_have_the_word_as_its_value(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--project')")
    result = pytester.runpytest("--project", "archcheck")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("archcheck: target*")


@pytest.mark.parametrize("name", ["nmpy", "h5", "environment::nothing"])
def test_an_unknown_id_is_a_usage_error(pytester: pytest.Pytester, healthy: Path, name: str) -> None:
    ini(pytester, healthy)
    result = pytester.runpytest(f"archcheck::{name}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: not found: archcheck::{name} (no such check; *)"])


def test_an_unknown_id_names_what_is_near(pytester: pytest.Pytester, healthy: Path) -> None:
    ini(pytester, healthy)
    result = pytester.runpytest("archcheck::panda", "test_project.py")
    result.stderr.fnmatch_lines(["*did you mean archcheck::pandas?*"])


def test_the_active_environment_is_inspected_in_an_empty_folder(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("test_project.py").unlink()
    assert pytester.runpytest().ret == 5
    result = pytester.runpytest("--archcheck")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["archcheck: target *"])


def test_several_environments_have_labels(run: Run, healthy: Path, broken: Path) -> None:
    result = run(healthy, f"--archcheck-path={broken}", "--co", "-q")
    listed = [line for line in result.outlines if "::" in line]
    assert len(listed) == 7
    assert all(line.count("::") in (2, 3) for line in listed)
    label = next(line for line in listed if line.endswith("::numpy"))
    run(healthy, f"--archcheck-path={broken}", label).assert_outcomes(failed=1)


def test_paths_are_relative_to_the_folder_they_are_typed_in(run: Run, healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(healthy)
    run(Path()).assert_outcomes(passed=3)


IDLE = "*ArchcheckWarning: --archcheck-json, --archcheck-target: without effect, as the checks are off; add --archcheck"
REPORT = ("--archcheck-json=report.json", "--archcheck-target", "host")


def test_options_that_switch_nothing_on_are_warned_of(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-q", *REPORT)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([IDLE])
    assert not (pytester.path / "report.json").exists()


def test_the_warning_may_be_an_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-W", "error", *REPORT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --archcheck-json, --archcheck-target: without effect, *; add --archcheck"])


@pytest.mark.parametrize(("addopts", "args"), [(" ".join(REPORT), ()), ("", ("--no-archcheck", *REPORT))])
def test_what_nobody_typed_is_not_warned_of(pytester: pytest.Pytester, addopts: str, args: tuple[str, ...]) -> None:
    pytester.makeini(f"[pytest]\naddopts = {addopts}\n")
    pytester.runpytest(*args).assert_outcomes(passed=1, warnings=0)


@pytest.mark.parametrize("how", ["-p module", "-p name", "variable", "conftest"])
def test_named_although_it_is_loaded_by_itself(
    run_child: Run, healthy: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """pytest refuses a plugin that is registered twice under different names."""
    options = {"-p module": ("-p", "pytest_archcheck.plugin"), "-p name": ("-p", "pytest_archcheck")}.get(how, ())
    if how == "variable":
        monkeypatch.setenv("PYTEST_PLUGINS", "pytest_archcheck.plugin")
    if how == "conftest":
        pytester.makeconftest("pytest_plugins = ['pytest_archcheck.plugin']")
    run_child(healthy, *options).assert_outcomes(passed=3)
