"""Inspections that no small environment gives: questions not asked, names that nobody should have."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import pytest_archcheck.plugin.inspected
from pytest_archcheck.findings import Check, Finding, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_archcheck.inspection import Inspection, Request

    Run = Callable[..., pytest.RunResult]


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace what the inspection finds."""
    real = pytest_archcheck.inspection.run

    def finds(*checks: Check, **facts: Any) -> None:
        def run(request: Request) -> Inspection:
            return replace(real(request), checks=checks, **facts)

        monkeypatch.setattr(pytest_archcheck.plugin.inspected, "run", run)

    return finds


def error(subject: str, **facts: Any) -> Finding:
    plain = {"rule": "wrong-architecture", "severity": "error", "path": "a.so", "message": "is bad", "remedy": "mend it"}
    return Finding(subject=subject, distribution=None, **(plain | facts))


def test_a_question_that_could_not_be_asked_is_skipped(
    run: Run, healthy: Path, pytester: pytest.Pytester, finds: Callable[..., None]
) -> None:
    finds(
        Check(subject="locked", title="locked 1", unasked="the folder cannot be read"),
        skipped=(Skipped(subject="deep/folder", reason="Permission denied"),),
    )
    result = run(healthy, "-rs", "-v", "--archcheck-json=out.json")
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "archcheck: target *, 1 place not looked at (-v), *",
            "archcheck::locked SKIPPED (the folder cannot be read)*",
            "locked: skipped: the folder cannot be read",
            "not looked at: deep/folder: Permission denied",
        ]
    )
    document = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert document["skipped"] == [
        {"subject": "deep/folder", "reason": "Permission denied"},
        {"subject": "locked", "reason": "the folder cannot be read"},
    ]
    assert document["verdict"] == "pass"


def test_names_that_would_break_ids(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    evil = "env[1]::\x1b[31mred"
    finds(Check(subject=evil, title=evil, findings=(error(evil),)))
    result = run(healthy)
    result.assert_outcomes(failed=1)
    shown = r"archcheck::env(1)::\x1b(31mred"
    result.stdout.fnmatch_lines([f"FAILED {shown.replace('[', '[[]')} - wrong-architecture: 1 file is bad"])
    assert "\x1b[31m" not in result.stdout.str()
    run(healthy, shown).assert_outcomes(failed=1)
    run(healthy, "--lf").assert_outcomes(failed=1)


def test_errors_and_warnings_of_one_check_are_one_failure(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    late = error("numpy", rule="newer-os-required", severity="warning", message="is late", remedy="update")
    finds(Check(subject="numpy", title="numpy 2", findings=(late, error("numpy"))))
    result = run(healthy)
    result.assert_outcomes(failed=1, warnings=0)
    result.stdout.fnmatch_lines(
        [
            "wrong-architecture: 1 file is bad",
            "  a.so",
            "  remedy: mend it",
            "newer-os-required: 1 file is late",
            "  a.so",
            "  remedy: update",
            "FAILED archcheck::numpy - wrong-architecture: 1 file is bad",
        ]
    )


def test_several_warnings_are_one(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    kinds = [error("numpy", severity="warning", message=f"is {word}") for word in ("old", "odd", "big")]
    finds(Check(subject="numpy", title="numpy 2", findings=tuple(kinds)))
    run(healthy).assert_outcomes(passed=1, warnings=1)
    result = run(healthy, "-W", "error::pytest_archcheck.ArchcheckWarning")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 file is old", "*1 file is odd", "*1 file is big"])


def test_notes_are_for_those_who_ask(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    finds(Check(subject="numpy", title="numpy 2", findings=(error("numpy", severity="note", rule="mistagged-wheel"),)))
    assert "mistagged" not in run(healthy).stdout.str()
    run(healthy, "-v").stdout.fnmatch_lines(["numpy: mistagged-wheel: 1 file is bad (note)"])


def test_hundreds_of_failures_can_be_read(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    finds(*(Check(subject=f"dist{number:03}", title="x", findings=(error(f"dist{number:03}"),)) for number in range(300)))
    lines = run(healthy, "--tb=no", "-rN", "--co").outlines
    above = [line for line in lines if line.startswith("archcheck: ")]
    assert len(above) == 2
    assert above[-1].startswith("archcheck: 300 of 300 checks failed: dist000, dist001, ")
    assert above[-1].endswith(", dist007 and 292 more")


def test_an_environment_without_anything_to_check_is_clean(run: Run, healthy: Path, finds: Callable[..., None]) -> None:
    finds()
    assert run(healthy).ret == 0
    assert run(healthy, ".").ret == 0


def test_a_project_whose_ini_file_pytest_did_not_find(pytester: pytest.Pytester, healthy: Path, run: Run) -> None:
    """pytest takes the path behind the space for a folder of tests before it knows the option."""
    pytester.makeini("[pytest]\n")
    result = pytester.runpytest("--archcheck-path", str(healthy), "--archcheck-target=macosx_14_0_arm64")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["archcheck: pytest did not read *tox.ini: write --archcheck-path=PATH, with '='"])
    run(healthy).stdout.no_fnmatch_line("*did not read*")
