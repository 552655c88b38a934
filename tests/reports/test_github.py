"""What the step summary shows of hostile names: text, no links."""

from __future__ import annotations

import pytest

from pytest_archcheck.findings import Finding
from pytest_archcheck.inspection import Inspection
from pytest_archcheck.machine.target import Target
from pytest_archcheck.reports.github import summary
from pytest_archcheck.reports.outcome import Answer, Outcome, Result

NOTHING = Inspection(
    target=Target.parse("macosx_14_0_arm64"),
    environments=(),
    checks=(),
    skipped=(),
    signatures={},
    wheel_targets={},
    files=0,
    seconds=0.0,
)


@pytest.mark.parametrize("name", ["www.example.com", "WWW.example.com", "https://example.com", "a@example.com", "<a href=x>"])
def test_no_name_becomes_a_link(name: str) -> None:
    finding = Finding(
        rule="missing-library", severity="error", subject=name, distribution=None, path=name, message=name, remedy=f"pip {name}"
    )
    outcome = Outcome(subject=name, title=name, state="failed", answer=Answer(findings=(finding,)))
    shown = summary(Result(inspection=NOTHING, outcomes=(outcome,), notes=(), complete=True))
    assert "example" in shown or "href" in shown
    assert name not in shown


@pytest.mark.parametrize(("number", "counted"), [(3, ""), (4, "... and 1 more")])
def test_the_files_beyond_the_first_are_counted(number: int, counted: str) -> None:
    findings = tuple(
        Finding(rule="r", severity="error", subject="s", distribution=None, path=f"{one}.so", message="m", remedy="x")
        for one in range(number)
    )
    outcome = Outcome(subject="s", title="s", state="failed", answer=Answer(findings=findings))
    told = summary(Result(inspection=NOTHING, outcomes=(outcome,), notes=(), complete=True))
    assert "2.so" in told
    assert "3.so" not in told
    assert ("more" in told) is bool(counted)
    assert counted in told
