"""A gate whose install step failed must not stay green: where nothing could be judged, pytest ends with 5."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.machos import bundle
from support.sites import add_distribution, make_venv, write
from support.wheels import write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    Run = Callable[..., pytest.RunResult]

ARM64 = ("--archcheck-target", "macosx_14_0_arm64")


def ended(pytester: pytest.Pytester, *arguments: str) -> tuple[int, bool, str]:
    """Exit status, the report's ``complete``, the screen."""
    result = pytester.runpytest(*arguments, "--archcheck-json=report.json")
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    return int(result.ret), report["complete"], str(result.stdout)


def test_an_empty_folder(pytester: pytest.Pytester) -> None:
    pytester.mkdir("env")
    status, complete, screen = ended(pytester, "--archcheck-path=env", *ARM64)
    assert (status, complete) == (5, False)
    assert "env: nothing is installed there" in screen


def test_an_environment_into_which_nothing_was_installed(pytester: pytest.Pytester) -> None:
    make_venv(pytester.path / "env")
    status, complete, screen = ended(pytester, "--archcheck-path=env")
    assert (status, complete) == (5, False)
    assert "nothing is installed there" in screen


def test_pure_python_is_a_pass(pytester: pytest.Pytester) -> None:
    add_distribution(pytester.path / "env", "attrs", files={"attr/__init__.py": ""})
    assert ended(pytester, "--archcheck-path=env", *ARM64)[:2] == (0, True)


def test_a_target_whose_files_nobody_reads(pytester: pytest.Pytester, healthy: Path) -> None:
    status, complete, screen = ended(pytester, f"--archcheck-path={healthy}", "--archcheck-target=win_amd64")
    assert (status, complete) == (5, False)
    assert "none of its 2 compiled files could be judged for Windows x86_64" in screen
    assert "2 skipped" in screen


def test_one_empty_path_among_others(pytester: pytest.Pytester, healthy: Path) -> None:
    pytester.mkdir("env")
    assert ended(pytester, f"--archcheck-path={healthy}", "--archcheck-path=env", *ARM64)[:2] == (5, False)


def test_an_error_is_an_error_still(pytester: pytest.Pytester, broken: Path) -> None:
    pytester.mkdir("env")
    assert ended(pytester, f"--archcheck-path={broken}", "--archcheck-path=env", *ARM64)[0] == 1


def test_wheels_that_never_claimed_the_target(pytester: pytest.Pytester) -> None:
    intel = {"demo/_core.cpython-311-darwin.so": bundle("x86_64")}
    write_wheel(pytester.path / "dist", "demo", intel, tag="cp311-cp311-macosx_10_9_x86_64")
    status, complete, screen = ended(pytester, "--archcheck-path=dist", *ARM64, "-rs")
    assert (status, complete) == (5, False)
    assert "not for this target: its tags promise macOS 10.9 x86_64, not macOS 14.0 arm64" in screen
    assert "build the wheel" not in screen
    write_wheel(pytester.path / "dist", "demo", {"demo/_core.so": bundle()}, tag="cp311-cp311-macosx_11_0_arm64")
    status, complete, screen = ended(pytester, "--archcheck-path=dist", *ARM64)
    assert (status, complete) == (0, True)
    assert "1 passed, 1 skipped" in screen


def test_a_wheel_that_claims_the_target_falsely_is_an_error(pytester: pytest.Pytester) -> None:
    intel = {"demo/_core.cpython-311-darwin.so": bundle("x86_64")}
    write_wheel(pytester.path / "dist", "demo", intel, tag="cp311-cp311-macosx_11_0_arm64")
    assert ended(pytester, "--archcheck-path=dist", *ARM64)[0] == 1


def test_a_folder_that_is_called_like_the_checks(pytester: pytest.Pytester) -> None:
    write(pytester.path / "archcheck" / "test_own.py", "def test(): pass\n")
    told = "archcheck: a file or folder of this name is here and was taken for tests; for the checks: pytest archcheck::"
    result = pytester.runpytest("archcheck")
    assert told in result.outlines
    assert result.ret == 0
    assert told not in pytester.runpytest("archcheck", "--archcheck", "--archcheck-select=wrong-python").outlines
    assert told not in pytester.runpytest("archcheck/test_own.py").outlines
