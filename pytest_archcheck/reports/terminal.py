"""What the terminal shows: a header, and a section where there is something to say. Lines only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Skipped
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.reports.outcome import Outcome, Result

#: So many failing checks are named above everything else; the others are counted.
SHOWN_SUBJECTS = 8
#: So many paths of which nothing could be judged are told, each with the reason.
SHOWN_UNJUDGED = 10

Colour = Literal["red", "yellow"]


class Line(NamedTuple):
    """One line of output and its colour."""

    text: str
    colour: Colour | None = None


def header(inspection: Inspection, outcomes: Sequence[Outcome]) -> list[str]:
    """What was inspected for which target, and the names of the checks that are known to fail: pytest will tell why."""
    lines = [f"archcheck: target {inspection.aim}, {_counts(inspection)}"]
    broken = [outcome.subject for outcome in outcomes if outcome.broken]
    if broken:
        told = f"{len(broken)} of {text.count(len(outcomes), 'check')} failed"
        lines.append(f"archcheck: {told}: {text.joined(broken, SHOWN_SUBJECTS)}")
    return lines


def in_full(outcomes: Sequence[Outcome]) -> list[str]:
    """Everything that the checks say, for a run that ends before any item can."""
    lines = []
    pending = sum(outcome.answer.pending for outcome in outcomes)
    if pending:
        lines.append(f"archcheck: nothing was judged of {text.count(pending, 'wheel')}: pytest ended before their checks ran")
    for outcome in outcomes:
        said = text.failing(outcome.answer.findings) + text.warning(outcome.answer.findings)
        if said:
            lines.append(f"archcheck::{outcome.subject} ({text.sentence(outcome.title)})")
        for one in text.group(said):
            first, *rest = one.lines()
            lines += [f"  {first}{' (warning)' if one.severity == 'warning' else ''}", *(f"  {line}" for line in rest)]
    return lines


def summary(result: Result, verbosity: int, *, failures_shown: bool, warnings_shown: Collection[str] = ()) -> list[Line]:
    """The section at the end; empty where all is well and nobody asked for more.

    :param failures_shown: pytest has shown what failed: it is not said again.
    :param warnings_shown: subjects whose warnings pytest has shown: they are not said again.
    """
    lines = list(_interrupted(result))
    for outcome in result.outcomes:
        warned = outcome.subject in warnings_shown
        lines += _of_outcome(outcome, verbosity, failures_shown=failures_shown, warnings_shown=warned)
    if verbosity > 0:
        for one in text.group(result.notes):
            lines += [Line(f"{one.headline} (note)"), *(Line(line) for line in one.lines()[1:])]
        windows = sum(binary.format == "pe" for binary in result.inspection.binaries)
        windows += sum(one.windows for one in result.opened)
        if windows:
            lines.append(Line(f"{text.count(windows, 'compiled file')} for Windows: counted, not inspected"))
        told = {*result.unjudged, *_of_locks(result)}
        lines += [
            Line(f"not looked at: {text.sentence(skip.subject)}: {text.sentence(skip.reason)}")
            for skip in result.skipped
            if skip not in told
        ]
    return lines


def answers(result: Result) -> list[str]:
    """The lines that are shown also when all is well: each once, and none that another continues."""
    given = [text.sentence(outcome.answer.line) for outcome in result.outcomes if outcome.answer.line is not None]
    lines = list(dict.fromkeys(given))
    told = [line for line in lines if not any(other != line and other.startswith(line) for other in lines)]
    return told + [f"{text.escape(skip.subject)}: {text.sentence(skip.reason)}" for skip in _of_locks(result)]


def _of_locks(result: Result) -> list[Skipped]:
    """Of each lock what it cannot tell: that every wheel exists is not yet that they fit each other."""
    return [one.skipped[0] for one in result.inspection.environments if one.kind == "lock" and one.skipped]


def _counts(inspection: Inspection) -> str:
    locks = [environment for environment in inspection.environments if environment.kind == "lock"]
    others = [environment for environment in inspection.environments if environment.kind != "lock"]
    binaries = inspection.binaries
    parts = []
    if locks:
        parts.append(f"Python {locks[0].python}")
        parts.append(text.count(len({one.name for lock in locks for one in lock.distributions}), "locked package"))
    if others:
        installed = sum(_installed(environment) for environment in others)
        # Of files that lie somewhere without metadata nobody expects distributions.
        parts += [text.count(installed, "distribution")] if installed or not binaries else []
        parts.append(text.count(len(binaries), "compiled file"))
    if inspection.wheels:
        parts.append(text.count(len(inspection.wheels), "wheel"))
    windows = sum(binary.format == "pe" for binary in binaries)
    if windows and windows == len(binaries):
        parts.append("all of them for Windows and not inspected")
    unseen = len(inspection.skipped) - len(inspection.unjudged) - len(locks)  # those are told at the end
    if unseen > 0:
        parts.append(f"{text.count(unseen, 'place')} not looked at (-v)")
    return ", ".join([*parts, f"{inspection.seconds:.2f} s"])


def _installed(environment: Environment) -> int:
    """Distributions, those without a compiled file included: what ``pip list`` counts."""
    named = {one.name for one in environment.distributions if one.name is not None}
    return len(named.union(project.name for project in environment.projects))


def _interrupted(result: Result) -> Iterator[Line]:
    for skip in result.unjudged[:SHOWN_UNJUDGED]:
        yield Line(f"nothing was judged of {text.sentence(skip.subject)}: {text.sentence(skip.reason)}", "red")
    if len(result.unjudged) > SHOWN_UNJUDGED:
        yield Line(f"... and of {len(result.unjudged) - SHOWN_UNJUDGED} more", "red")
    if unseen := [skip for skip in result.skipped if skip.unseen]:
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        yield Line(f"not complete: {text.sentence(unseen[0].subject)}{more} could not be looked at", "yellow")
    if not result.outcomes and result.left_out:
        yield Line(f"no check was run: none of {result.left_out} is selected")
    waiting = [outcome for outcome in result.outcomes if outcome.state == "not run"]
    if waiting:
        pending = sum(outcome.answer.pending for outcome in waiting)
        found = any(text.failing(one.answer.findings) or text.warning(one.answer.findings) for one in waiting)
        told = [
            "what the inspection found is shown" if found else "",
            f"nothing is known of {text.count(pending, 'wheel')}" if pending else "",
        ]
        said = f"{len(waiting)} of {text.count(len(result.outcomes), 'check')} did not run"
        yield Line("; ".join([said, *filter(None, told)]))


def _of_outcome(outcome: Outcome, verbosity: int, *, failures_shown: bool, warnings_shown: bool) -> Iterator[Line]:
    all_shown = outcome.state == "failed" and failures_shown
    if all_shown and verbosity <= 0:
        return
    for one in text.group(outcome.answer.findings):
        if one.allowed is not None or one.severity == "note":
            if verbosity > 0:
                why = "note" if one.allowed is None else f"allowed: {text.sentence(one.allowed)}"
                yield Line(f"{outcome.subject}: {one.headline} ({why})")
                if one.allowed is None:
                    yield from (Line(line) for line in one.lines()[1:])
        elif not (all_shown or (one.severity == "warning" and warnings_shown)):
            state = " (not run)" if outcome.state == "not run" else ""
            first, *rest = one.lines()
            yield Line(f"{outcome.subject}: {first}{state}", "red" if one.severity == "error" else "yellow")
            yield from (Line(line) for line in rest)
    if outcome.state == "other" and outcome.reason is not None:
        yield Line(f"{outcome.subject}: {text.sentence(outcome.reason)}", "red")
    if outcome.state in ("skipped", "not run") and verbosity > 0 and outcome.reason is not None:
        yield Line(f"{outcome.subject}: skipped: {text.sentence(outcome.reason)}")
