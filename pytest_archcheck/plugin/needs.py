"""What tests may require of the running environment: markers ``requires_*`` and ``--archcheck-require``.

A new need is one more entry of :data:`NEEDS` and of :data:`~pytest_archcheck.plugin.settings.DEMANDS`: marker, option value and
item come from them.
"""

from __future__ import annotations

import re
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.reports.outcome import Answer

#: Why a test with a marker that ``archcheck_require`` names must fail.
_FAILURE = pytest.StashKey[str]()


class Need(NamedTuple):
    """One thing that may be required."""

    #: The marker's arguments as ``pytest --markers`` shows them.
    signature: str
    #: One sentence for ``pytest --markers``.
    summary: str
    #: Why a test with this marker cannot run here, None where it can. Called just before the test; works with the checks off.
    unmet: Callable[[pytest.Config, pytest.Mark], str | None]
    #: What the item ``archcheck::require::<name>`` asks of this run's inspection.
    ask: Callable[[pytest.Config, Inspection], Answer]


def register(config: pytest.Config) -> None:
    """Tell pytest of every marker."""
    config.addinivalue_line("markers", "archcheck: a check of pytest-archcheck; -m 'not archcheck' leaves them all out.")
    for name, need in NEEDS.items():
        config.addinivalue_line("markers", f"requires_{name}({need.signature}): {need.summary}")


def hold_back(item: pytest.Item) -> None:
    """Skip a test with an unmet need, or note why it fails where the need is demanded. For ``pytest_runtest_setup``."""
    for name, need in NEEDS.items():
        for mark in item.iter_markers(f"requires_{name}"):
            reason = need.unmet(item.config, mark)
            if reason is None:
                continue
            from pytest_archcheck.plugin.inspected import settings_of

            if name in settings_of(item.config).require:
                item.stash[_FAILURE] = f"requires_{name}: {reason}"
                return
            # A marker, so that -rs shows the test's own line and not ours.
            item.add_marker(pytest.mark.skip(reason=f"requires_{name}: {reason}"))
            return


def fail(item: pytest.Item) -> None:
    """Fail a test whose need is demanded and unmet. For ``pytest_runtest_call``: in setup it would count as an error."""
    reason = item.stash.get(_FAILURE, None)
    if reason is not None:
        pytest.fail(reason, pytrace=False)


def reject_bad_arguments(collector: pytest.Collector, report: pytest.CollectReport) -> None:
    """Make a collection error of a marker whose framework nobody knows. For ``pytest_make_collect_report``."""
    for item in report.result:
        for mark in item.iter_markers() if isinstance(item, pytest.Item) else ():
            if mark.name not in ("requires_metal", "requires_gpu"):
                continue
            from pytest_archcheck.plugin import accelerators

            problem = accelerators.bad_marker(collector.config, mark)
            if problem is not None:
                report.outcome, report.longrepr, report.result = "failed", f"{item.nodeid}: {problem}", []
                return


def _gpu_unmet(what: str, config: pytest.Config, mark: pytest.Mark) -> str | None:
    from pytest_archcheck.plugin import accelerators

    return accelerators.unmet(what, config, mark)


def _gpu(what: str, config: pytest.Config, _inspection: Inspection) -> Answer:
    from pytest_archcheck.plugin import accelerators

    return accelerators.require(what, config)


def _clean_unmet(config: pytest.Config, mark: pytest.Mark) -> str | None:
    from pytest_archcheck.plugin.inspected import running_inspection
    from pytest_archcheck.reports import text

    names = [_normalised(name) for name in mark.args]
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
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.reports import text
    from pytest_archcheck.reports.outcome import Answer

    subjects = [check.subject for check in inspection.checks if text.failing(check.findings)]
    if not subjects:
        return Answer()
    verb = "has" if len(subjects) == 1 else "have"
    return Answer(
        findings=(
            Finding(
                rule="unmet-requirement",
                severity="error",
                subject="require::clean",
                distribution=None,
                path=None,
                message=f"{text.count(len(subjects), 'check')} {verb} errors: {text.joined(subjects)}",
                remedy=f"mend what these checks show: pytest {' '.join(f'archcheck::{subject}' for subject in subjects[:3])}",
            ),
        )
    )


def _native_unmet(_config: pytest.Config, _mark: pytest.Mark) -> str | None:
    from pytest_archcheck.machine.host import this_host

    emulated = this_host().emulated
    return None if emulated is None else f"this Python runs as {emulated}"


def _native(_config: pytest.Config, _inspection: Inspection) -> Answer:
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.machine.host import this_host
    from pytest_archcheck.reports.outcome import Answer

    emulated = this_host().emulated
    if emulated is None:
        return Answer()
    return Answer(
        findings=(
            Finding(
                rule="unmet-requirement",
                severity="error",
                subject="require::native",
                distribution=None,
                path=None,
                message=f"this Python runs as {emulated}",
                remedy="start a native Python; how: pytest archcheck::environment::interpreter",
            ),
        )
    )


def _normalised(name: object) -> str:
    """PEP 503: ``Scikit_Learn`` is ``scikit-learn``."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


#: By the name that ``--archcheck-require`` takes; the marker is ``requires_<name>``.
NEEDS: dict[str, Need] = {
    "clean": Need(
        signature="*distributions",
        summary="these distributions are installed and pytest-archcheck finds no error in them; no name: in all of them.",
        unmet=_clean_unmet,
        ask=_clean,
    ),
    "gpu": Need(
        signature="framework='tensorflow'",
        summary="a GPU has just computed a correct matmul through that framework; None: through any framework.",
        unmet=partial(_gpu_unmet, "gpu"),
        ask=partial(_gpu, "gpu"),
    ),
    "metal": Need(
        signature="framework='tensorflow'",
        summary="a Metal GPU has just computed a correct matmul through that framework; None: Metal offers a device.",
        unmet=partial(_gpu_unmet, "metal"),
        ask=partial(_gpu, "metal"),
    ),
    "native": Need(
        signature="",
        summary="this Python is not emulated: not under Rosetta, not under QEMU.",
        unmet=_native_unmet,
        ask=_native,
    ),
}
