"""A warning is told once, a failure at most twice: by pytest where pytest tells it, else by our own section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

WARNING = "newer-os-required: 1 file says that it needs macOS 15.0, the target has 14.0"
FAILURE = "wrong-architecture: 20 files have only x86_64, the target needs arm64"

#: Where pytest shows warnings, and where our own section has to.
BY_PYTEST = ["-q", "-v", "-rA", "-rN", "-Wdefault", "-n2"]
BY_US = ["-pno:warnings", "--disable-warnings", "--disable-pytest-warnings", "-Wignore", "-Wignore::UserWarning"]


def told(result: pytest.RunResult, words: str) -> list[str]:
    return [line for line in result.outlines + result.errlines if words in line]


def section(result: pytest.RunResult) -> bool:
    return any(line.startswith("=") and line.strip("= ") == "archcheck" for line in result.outlines)


@pytest.mark.parametrize("option", BY_PYTEST + BY_US)
def test_a_warning_is_told_once(run_child: Run, broken: Path, option: str) -> None:
    if option == "-n2":
        pytest.importorskip("xdist")
    result = run_child(broken, option)
    assert result.ret == 1
    (line,) = told(result, WARNING)
    assert section(result) is (option in BY_US)
    assert line == (f"scipy: {WARNING}" if option in BY_US else f"  archcheck:1: ArchcheckWarning: {WARNING}")


def test_a_filter_of_the_project_that_ignores_it(run_child: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfilterwarnings =\n    ignore::pytest_archcheck.ArchcheckWarning\n")
    assert told(run_child(broken), WARNING) == [f"scipy: {WARNING}"]


def test_of_two_equal_warnings_a_filter_shows_one(run_child: Run, broken: Path, tmp_path: Path) -> None:
    """``-W once`` keeps the second of two that say the same from pytest's summary: ours has it."""
    twin = tmp_path / "twin"
    twin.symlink_to(broken)
    result = run_child(broken, f"--archcheck-path={twin}", "-Wonce", "-knewer or scipy")
    assert len(told(result, WARNING)) == 2


def test_a_warning_that_is_an_error_is_a_failure(run_child: Run, broken: Path) -> None:
    result = run_child(broken, "-Werror::pytest_archcheck.ArchcheckWarning")
    result.assert_outcomes(failed=2, passed=2)
    assert told(result, WARNING) == [WARNING, f"FAILED archcheck::scipy - {WARNING}"]
    assert not section(result)


@pytest.mark.parametrize("option", ["-v", "-q", "-rA", "-n2", "--tb=short", "--tb=native", "--tb=long", "--tb=no"])
def test_a_failure_is_told_twice_at_most(run_child: Run, broken: Path, option: str) -> None:
    if option == "-n2":
        pytest.importorskip("xdist")
    result = run_child(broken, option)
    first = f"numpy: {FAILURE}" if option == "--tb=no" else FAILURE
    assert told(result, FAILURE) == [first, f"FAILED archcheck::numpy - {FAILURE}"]
    assert told(result, "checks failed") == ["archcheck: 1 of 4 checks failed: numpy"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_one_line_for_a_failure_names_the_check(run_child: Run, broken: Path, workers: str) -> None:
    pytest.importorskip("xdist")
    result = run_child(broken, "--tb=line", workers)
    assert told(result, FAILURE) == [f"archcheck::numpy:1: {FAILURE}", f"FAILED archcheck::numpy - {FAILURE}"]
    assert "numpy/core/_part00.so" not in result.stdout.str()


def test_collecting_alone_names_what_will_fail(run_child: Run, broken: Path) -> None:
    result = run_child(broken, "--co")
    assert told(result, FAILURE) + told(result, WARNING) == []
    assert told(result, "checks failed") == ["archcheck: 1 of 4 checks failed: numpy"]


@pytest.mark.parametrize("file", ["conftest.py", "test_module.py"])
def test_where_no_check_can_run_all_is_told_once(run_child: Run, broken: Path, pytester: pytest.Pytester, file: str) -> None:
    (pytester.path / file).write_text("import no_such_module\n", encoding="utf-8")
    result = run_child(broken, ".")
    assert result.ret in (2, 4)
    assert len(told(result, FAILURE)) == len(told(result, WARNING)) == 1
    assert told(result, "remedy: ")
