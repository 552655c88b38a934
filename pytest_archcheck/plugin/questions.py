"""From an inspection to the questions that become items."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.findings import Check, Finding
from pytest_archcheck.plugin.allowlist import STALE_RULE, AllowList
from pytest_archcheck.plugin.needs import NEEDS
from pytest_archcheck.reports.outcome import Answer, Question
from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.settings import Settings

#: Rules of our own doing: choosing rules does not choose these away.
_ALWAYS = frozenset({STALE_RULE, "unmet-requirement"})

#: pytest 9.2 reads "[" in an item's name as the beginning of parameters; --lf then loses the item.
_BRACKETS = str.maketrans("[]", "()")


def prepared(inspection: Inspection, settings: Settings) -> Inspection:
    """Make subjects fit for ids and apply the allow-list to what the inspection found."""
    allowed = allow_list(settings, inspection)
    checks = []
    for check in inspection.checks:
        subject = _identifier(check.subject)
        findings = tuple(replace(finding, subject=subject) for finding in check.findings)
        if check.unasked is None:
            findings = allowed.judge(subject, findings, check.targets)
        checks.append(replace(check, subject=subject, findings=findings))
    return replace(inspection, checks=tuple(checks))


def joined(inspection: Inspection, findings: Iterable[Finding], settings: Settings) -> Inspection:
    """Add findings of other plugins to a prepared inspection; a subject that has no check gets one."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in findings:
        subject = _identifier(finding.subject)
        if _asked_for(finding, settings):
            by_subject.setdefault(subject, []).append(replace(finding, subject=subject))
    if not by_subject:
        return inspection
    allowed = allow_list(settings, inspection)
    checks = []
    for check in inspection.checks:
        added = by_subject.pop(check.subject, [])
        found = [finding for finding in check.findings if finding.rule != STALE_RULE] + added
        checks.append(replace(check, findings=allowed.judge(check.subject, found, check.targets)) if added else check)
    checks += [
        Check(subject=subject, title=subject, findings=allowed.judge(subject, found)) for subject, found in by_subject.items()
    ]
    return replace(inspection, checks=tuple(checks))


def build(config: pytest.Config, inspection: Inspection, settings: Settings) -> tuple[Question, ...]:
    """Every question of a run, in the order of collection, for a prepared inspection.

    Questions that are answered when the item runs (accelerators, benchmarks) are added here: their ``ask`` is wrapped by
    :func:`_settled`, so that chosen rules and the allow-list hold for them too.
    """
    static = [_of_check(check) for check in inspection.checks]
    required = [
        Question(
            subject=f"require::{name}",
            title=f"required: {NEEDS[name].demand}",
            ask=partial(NEEDS[name].ask, config, inspection),
        )
        for name in settings.require
    ]
    if not settings.paths:  # accelerators are asked about in the running environment only
        from pytest_archcheck.plugin import accelerators as accelerator_items  # noqa: PLC0415 - not where another environment is inspected

        required = [*accelerator_items.questions(config, settings.require), *required]
    allowed = allow_list(settings, inspection)
    return (*static, *(replace(one, ask=partial(_settled, one.subject, one.ask, allowed, settings)) for one in required))


def allow_list(settings: Settings, inspection: Inspection) -> AllowList:
    """The lines, read for this run."""
    return AllowList(lines=settings.allow, target=inspection.target.tag, select=settings.select, ignore=settings.ignore)


def _of_check(check: Check) -> Question:
    answer = Answer(findings=check.findings, unasked=check.unasked)
    return Question(
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
    findings = [finding for finding in answer.findings if _asked_for(finding, settings)]
    return replace(answer, findings=allowed.judge(subject, findings))


def _asked_for(finding: Finding, settings: Settings) -> bool:
    if finding.rule in _ALWAYS:
        return True
    return finding.rule not in settings.ignore and (not settings.select or finding.rule in settings.select)


def _identifier(subject: str) -> str:
    plain = escape(subject).translate(_BRACKETS)
    if len(plain) <= limits.ID_LENGTH:
        return plain
    return f"{plain[: limits.ID_LENGTH]}~{zlib.crc32(plain.encode()):08x}"
