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
