"""From an inspection to the questions that become items."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_archcheck.plugin.inspected import allow_list, asked_for
from pytest_archcheck.plugin.needs import NEEDS
from pytest_archcheck.plugin.settings import DEMANDS
from pytest_archcheck.reports.outcome import Answer, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from pytest_archcheck.findings import Check
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.allowlist import AllowList
    from pytest_archcheck.plugin.settings import Settings
    from pytest_archcheck.reports.outcome import Question


def of_wheels(config: pytest.Config, inspection: Inspection, settings: Settings) -> tuple[Question, ...]:
    """The questions of all wheels: nothing that is found out later changes them."""
    if not inspection.wheels:
        return ()
    from pytest_archcheck.plugin.wheels import Folder, WheelQuestion

    folder = Folder(config, inspection.target, settings)
    return tuple(WheelQuestion(folder, wheel) for wheel in inspection.wheels)


def build(
    config: pytest.Config, inspection: Inspection, settings: Settings, wheels: Sequence[Question]
) -> tuple[Question, ...]:
    """Every question of a run, in the order of collection, for a prepared inspection.

    Questions that are answered when the item runs (accelerators, benchmarks) are added here: their ``ask`` is wrapped by
    :func:`_settled`, so that chosen rules and the allow-list hold for them too.
    """
    static: list[Question] = [*map(_of_check, inspection.checks), *wheels]
    required = [
        Prepared(
            subject=f"require::{name}",
            title=f"required: {DEMANDS[name]}",
            ask=partial(NEEDS[name].ask, config, inspection),
        )
        for name in settings.require
    ]
    if not settings.paths:  # accelerators are asked about in the running environment only
        from pytest_archcheck.plugin import accelerators

        required = [*accelerators.questions(config, settings.require), *required]
    allowed = allow_list(settings, inspection)
    return (*static, *(one._replace(ask=partial(_settled, one.subject, one.ask, allowed, settings)) for one in required))


def _of_check(check: Check) -> Question:
    answer = Answer(findings=check.findings, unasked=check.unasked)
    return Prepared(
        subject=check.subject,
        title=check.title,
        ask=lambda: answer,
        known=answer,
        keywords=check.keywords,
        properties=(("archcheck_title", check.title),),
    )


def _settled(subject: str, ask: Callable[[], Answer], allowed: AllowList, settings: Settings) -> Answer:
    answer = ask()
    if answer.unasked is not None:
        return answer
    findings = [finding for finding in answer.findings if asked_for(finding, settings)]
    return answer._replace(findings=allowed.judge(subject, findings))
