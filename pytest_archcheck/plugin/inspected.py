"""What a run inspects, in the form that items and reports take it: subjects fit for ids, the allow-list applied.

The place below the session, the questions and the needs, where each finds the settings and the inspection of its run.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import NothingToInspect
from pytest_archcheck.findings import Check, Finding
from pytest_archcheck.inspection import Inspection, Request, open_wheel, run
from pytest_archcheck.plugin import settings
from pytest_archcheck.plugin.allowlist import STALE_RULE, AllowList
from pytest_archcheck.plugin.settings import Settings
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The settings of a run, also with the checks off.
SETTINGS = pytest.StashKey[Settings]()
#: What this run inspects, once the checks are on; wheels are only named.
INSPECTION = pytest.StashKey[Inspection]()
#: The same with every wheel opened, once somebody asked for that.
_WHOLE = pytest.StashKey[Inspection]()
#: The running environment for this machine, where that is something else.
_RUNNING = pytest.StashKey[Inspection]()

#: Rules of our own doing: choosing rules does not choose these away.
_ALWAYS = frozenset({STALE_RULE, "unmet-requirement"})

#: pytest 9.2 reads "[" in an item's name as the beginning of parameters; --lf then loses the item.
_BRACKETS = str.maketrans("[]", "()")


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a run, also with the checks off."""
    if SETTINGS not in config.stash:
        config.stash[SETTINGS] = settings.read(config, config.option)
    return config.stash[SETTINGS]


def inspection_of(config: pytest.Config) -> Inspection:
    """All that this run inspects, every wheel opened; with the checks off the running environment."""
    if INSPECTION not in config.stash:
        return running_inspection(config)
    found = config.stash[INSPECTION]
    if not found.wheels:
        return found
    if _WHOLE not in config.stash:
        settings = settings_of(config)
        asked = request(settings)
        config.stash[_WHOLE] = found.joined(prepared(open_wheel(asked, found.target, one), settings) for one in found.wheels)
    return config.stash[_WHOLE]


def running_inspection(config: pytest.Config) -> Inspection:
    """The inspection of the running environment for this machine: this run's own, or made when first asked for."""
    here = settings_of(config)
    if INSPECTION in config.stash and not here.paths and here.target == "host":
        return config.stash[INSPECTION]
    if _RUNNING not in config.stash:
        config.stash[_RUNNING] = inspect(here._replace(paths=(), target="host"))
    return config.stash[_RUNNING]


def inspect(checked: Settings) -> Inspection:
    """Inspect what the settings name; wheels are left to their items.

    Raises :class:`pytest.UsageError` where a path holds nothing that can be inspected.
    """
    try:
        return prepared(run(request(checked)), checked)
    except ValueError as error:
        from pytest_archcheck.locks.model import LockInvalid

        if not isinstance(error, NothingToInspect | LockInvalid):
            raise
        raise pytest.UsageError(f"--archcheck-path: {text.sentence(str(error), limits.USAGE_ERROR_LENGTH)}") from error


def request(checked: Settings) -> Request:
    """What is asked of the library."""
    return Request(
        paths=checked.paths,
        target=checked.target,
        python=checked.python,
        select=checked.select,
        ignore=checked.ignore,
        all_pages=checked.all_pages,
        leave_wheels=True,
    )


def prepared(inspection: Inspection, settings: Settings) -> Inspection:
    """Make subjects fit for ids and apply the allow-list to what the inspection found."""
    allowed = allow_list(settings, inspection)
    checks = []
    for check in inspection.checks:
        subject = identifier(check.subject)
        findings = tuple(replace(finding, subject=subject) for finding in check.findings)
        if check.unasked is None:
            findings = allowed.judge(subject, findings, check.targets)
        checks.append(replace(check, subject=subject, findings=findings))
    return replace(inspection, checks=tuple(checks))


def joined(inspection: Inspection, findings: Iterable[Finding], settings: Settings) -> Inspection:
    """Add findings of other plugins to a prepared inspection; a subject that has no check gets one."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in findings:
        subject = identifier(finding.subject)
        if asked_for(finding, settings):
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


def allow_list(settings: Settings, inspection: Inspection) -> AllowList:
    """The lines, read for this run."""
    return AllowList(lines=settings.allow, target=inspection.target.tag, select=settings.select, ignore=settings.ignore)


def asked_for(finding: Finding, settings: Settings) -> bool:
    """Whether a finding's rule was chosen; rules of our own doing always are."""
    if finding.rule in _ALWAYS:
        return True
    return finding.rule not in settings.ignore and (not settings.select or finding.rule in settings.select)


def about(finding: Finding, subject: str) -> Finding:
    """The finding, as one of that check."""
    return replace(finding, subject=subject)


def identifier(subject: str) -> str:
    """A subject, fit for an id: itself, where it is."""
    if len(subject) <= limits.ID_LENGTH and subject.isprintable() and "[" not in subject and "]" not in subject:
        return subject
    plain = text.escape(subject).translate(_BRACKETS)
    if len(plain) <= limits.ID_LENGTH:
        return plain
    return f"{plain[: limits.ID_LENGTH]}~{zlib.crc32(plain.encode()):08x}"
