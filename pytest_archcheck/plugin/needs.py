"""What tests may require of the running environment: markers ``requires_*`` and ``--archcheck-require``.

A new need is one more entry of :data:`NEEDS` and of :data:`~pytest_archcheck.plugin.settings.DEMANDS`, and a line on its marker
in ``every_run``, which says what pytest shows without this module.
"""

from __future__ import annotations

from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_archcheck import ArchcheckWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.reports.outcome import Answer

#: Why a test with a marker that ``archcheck_require`` names must fail.
_FAILURE = pytest.StashKey[str]()
#: The markers that were asked about before the test's fixtures were made.
_ASKED = pytest.StashKey[list[pytest.Mark]]()


class Need(NamedTuple):
    """One thing that may be required."""

    #: Why a test with this marker cannot run here, None where it can. Called just before the test; works with the checks off.
    unmet: Callable[[pytest.Config, pytest.Mark], str | None]
    #: What the item ``archcheck::require::<name>`` asks of this run's inspection.
    ask: Callable[[pytest.Config, Inspection], Answer]
    #: What a skip would hide, and must be warned of: a framework that is broken. Called where the need is unmet.
    alarms: Callable[[pytest.Config, pytest.Mark], Iterable[str]] = lambda _config, _mark: ()


def hold_back(item: pytest.Item) -> None:
    """Skip a test with an unmet need, or note why it fails where the need is demanded. For ``pytest_runtest_setup``."""
    marks = item.stash[_ASKED] = _marks(item)
    for mark in marks:
        reason = _unmet(item, mark)
        if reason is None:
            continue
        if _demanded(item, mark):
            item.stash[_FAILURE] = reason
            return
        # A marker, so that -rs shows the test's own line and not ours.
        item.add_marker(pytest.mark.skip(reason=reason))
        return


def fail(item: pytest.Item) -> None:
    """Fail a test whose need is demanded and unmet. For ``pytest_runtest_call``: in setup it would count as an error.

    And heed the markers that its fixtures have added: nobody could ask about them before.
    """
    reason = item.stash.get(_FAILURE, None)
    if reason is not None:
        pytest.fail(reason, pytrace=False)
    asked = item.stash.get(_ASKED, [])
    for mark in _marks(item):
        if any(mark is one for one in asked):
            continue
        reason = _bad(item.config, mark)
        if reason is not None:
            pytest.fail(reason, pytrace=False)
        reason = _unmet(item, mark)
        if reason is not None and _demanded(item, mark):
            pytest.fail(reason, pytrace=False)
        if reason is not None:
            raise pytest.skip.Exception(reason, _use_item_location=True)  # so that -rs shows the test's own line


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    return [mark for name in NEEDS for mark in item.iter_markers(f"requires_{name}")]


def _unmet(item: pytest.Item, mark: pytest.Mark) -> str | None:
    """Why the test cannot run here, with the marker's name; None where it can. Warns of what a skip would hide."""
    need = NEEDS[mark.name.removeprefix("requires_")]
    reason = need.unmet(item.config, mark)
    if reason is None:
        return None
    for message in need.alarms(item.config, mark):
        item.warn(ArchcheckWarning(message))
    return f"{mark.name}: {reason}"


def _demanded(item: pytest.Item, mark: pytest.Mark) -> bool:
    from pytest_archcheck.plugin.inspected import settings_of

    return mark.name.removeprefix("requires_") in settings_of(item.config).require


def _bad(config: pytest.Config, mark: pytest.Mark) -> str | None:
    """What is wrong with the arguments of a marker that names a framework; None where nothing is."""
    if mark.name not in ("requires_metal", "requires_gpu"):
        return None
    from pytest_archcheck.plugin import gpu_needs

    return gpu_needs.bad_marker(config, mark)


def reject_bad_arguments(collector: pytest.Collector, report: pytest.CollectReport) -> None:
    """Make a collection error of a marker whose framework nobody knows. For ``pytest_make_collect_report``."""
    for item in report.result:
        for mark in item.iter_markers() if isinstance(item, pytest.Item) else ():
            problem = _bad(collector.config, mark)
            if problem is not None:
                report.outcome, report.longrepr, report.result = "failed", f"{item.nodeid}: {problem}", []
                return


def _gpu_unmet(what: str, config: pytest.Config, mark: pytest.Mark) -> str | None:
    from pytest_archcheck.plugin import gpu_needs

    return gpu_needs.unmet(what, config, mark)


def _gpu_alarms(what: str, config: pytest.Config, mark: pytest.Mark) -> Iterable[str]:
    from pytest_archcheck.plugin import gpu_needs

    return gpu_needs.alarms(what, config, mark)


def _gpu(what: str, config: pytest.Config, _inspection: Inspection) -> Answer:
    from pytest_archcheck.plugin import gpu_needs

    return gpu_needs.require(what, config)


def _clean_unmet(config: pytest.Config, mark: pytest.Mark) -> str | None:
    from pytest_archcheck.discover.text import canonical_name
    from pytest_archcheck.plugin.inspected import running_inspection
    from pytest_archcheck.reports import text

    names = [canonical_name(str(name)) for name in mark.args]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return f"not installed: {text.joined(missing)}"
    failing: dict[str, list[str]] = {}
    for check in running_inspection(config).checks:
        for finding in text.failing(check.findings):
            if not names or check.subject in names or finding.distribution in names:
                failing.setdefault(check.subject, []).append(finding.rule)
    if not failing:
        return None
    return text.joined([f"{subject} ({', '.join(dict.fromkeys(rules))})" for subject, rules in failing.items()])


def _clean(_config: pytest.Config, inspection: Inspection) -> Answer:
    from pytest_archcheck.reports import text
    from pytest_archcheck.reports.outcome import Answer
    from pytest_archcheck.rules.requirements import judge_unmet

    subjects = [check.subject for check in inspection.checks if text.failing(check.findings)]
    if not subjects:
        return Answer()
    verb = "has" if len(subjects) == 1 else "have"
    message = f"{text.count(len(subjects), 'check')} {verb} errors: {text.joined(subjects)}"
    remedy = f"mend what these checks show: pytest {' '.join(f'archcheck::{subject}' for subject in subjects[:3])}"
    return Answer(findings=(judge_unmet("clean", message, remedy),))


def _emulation() -> str | None:
    from pytest_archcheck.machine.host import this_host

    emulated = this_host().emulated
    return None if emulated is None else f"this Python runs as {emulated}"


def _native_unmet(_config: pytest.Config, _mark: pytest.Mark) -> str | None:
    return _emulation()


def _native(_config: pytest.Config, _inspection: Inspection) -> Answer:
    from pytest_archcheck.reports.outcome import Answer
    from pytest_archcheck.rules.requirements import judge_unmet

    emulation = _emulation()
    if emulation is None:
        return Answer()
    remedy = "start a native Python; how: pytest archcheck::environment::interpreter"
    return Answer(findings=(judge_unmet("native", emulation, remedy),))


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


#: By the name that ``--archcheck-require`` takes; the marker is ``requires_<name>``.
NEEDS: dict[str, Need] = {
    "clean": Need(
        unmet=_clean_unmet,
        ask=_clean,
    ),
    "gpu": Need(
        unmet=partial(_gpu_unmet, "gpu"),
        ask=partial(_gpu, "gpu"),
        alarms=partial(_gpu_alarms, "gpu"),
    ),
    "metal": Need(
        unmet=partial(_gpu_unmet, "metal"),
        ask=partial(_gpu, "metal"),
        alarms=partial(_gpu_alarms, "metal"),
    ),
    "native": Need(
        unmet=_native_unmet,
        ask=_native,
    ),
}
