"""A wheel is opened by the item that asks of it, in the process that runs the item; nothing of it stays but the answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_archcheck.inspection import open_wheel
from pytest_archcheck.plugin.inspected import about, identifier, joined, prepared, request
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.outcome import Answer, Opened, Question, pack

if TYPE_CHECKING:
    import pytest

    from pytest_archcheck.discover.wheel_names import WheelFile
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.machine.target import Target
    from pytest_archcheck.plugin.settings import Settings

#: Of a wheel that nobody has opened yet nothing is known.
_PENDING = Answer(pending=True)


def question_of_wheel(config: pytest.Config, inspection: Inspection, settings: Settings, wheel: WheelFile) -> Question:
    """What the item of a wheel asks, one of those that the inspection only named."""
    title = wheel.title
    return Question(
        subject=identifier(wheel.label),
        title=title,
        ask=partial(_ask, config, inspection.target, settings, wheel),
        known=_PENDING,
        keywords=wheel.keywords,
        properties=(("archcheck_title", title),),
    )


def _ask(config: pytest.Config, common: Target, settings: Settings, wheel: WheelFile) -> Answer:
    part = prepared(open_wheel(request(settings), common, wheel), settings)
    (check,) = _with_findings_of_others(config, settings, part).checks
    binaries = part.binaries
    reports = settings.json or settings.html or settings.sarif
    return Answer(
        findings=check.findings,
        unasked=check.unasked,
        opened=Opened(
            path=wheel.path,
            skipped=part.skipped,
            packed=pack(json_report.distributions(part)) if reports else "",
            files=part.files,
            binaries=len(binaries),
            windows=sum(binary.format == "pe" for binary in binaries),
            seconds=part.seconds,
        ),
    )


def _with_findings_of_others(config: pytest.Config, settings: Settings, part: Inspection) -> Inspection:
    """Ask other plugins for findings of theirs; whatever subject they give, this wheel is what they speak of."""
    (check,) = part.checks
    theirs = config.hook.pytest_archcheck_findings(inspection=part)
    findings = [about(finding, check.subject) for some in theirs for finding in some or ()]
    return joined(part, findings, settings) if findings else part
