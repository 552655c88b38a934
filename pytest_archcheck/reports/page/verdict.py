"""The sentence at the top of a report, the figures below it, and what was not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.facts import bytes_of
from pytest_archcheck.reports.page.markup import Html, tag
from pytest_archcheck.reports.page.pieces import folded, part

if TYPE_CHECKING:
    from pytest_archcheck.reports.page.facts import Report

#: So many inspected paths are named.
_SHOWN_PATHS = 8
#: So many places that were not looked at stand open.
_SHOWN_SKIPPED = 12


def verdict(report: Report) -> str:
    """The one sentence."""
    document, counts = report.document, report.counts
    aim = text.sentence(report.aim)
    checks = sum(counts.values())
    broken, warned, waiting = counts["error"], counts["warning"], counts["unknown"]
    if document["verdict"] == "fail":
        said = f"{broken} of {text.count(checks, 'check')} {'fails' if broken == 1 else 'fail'} on {aim}"
    elif not checks:
        said = f"There was nothing to judge for {aim}"
    elif report.document["complete"] and not warned:
        said = f"Everything compiled here loads and runs natively on {aim}"
    else:
        said = f"No check fails on {aim}" if report.document["complete"] else f"Nothing is known to fail on {aim}"
    more = []
    if warned:
        more.append(f"{warned} {'warns' if warned == 1 else 'warn'}")
    if waiting:
        more.append(f"{text.count(waiting, 'check')} did not run")
    return f"{said}; {', '.join(more)}." if more else f"{said}."


def summary(report: Report) -> Html:
    """Figures under the verdict."""
    document = report.document
    interpreter = document["environment"]["interpreter"]
    size = sum(subject.size for subject in report.subjects)
    files = sum(len(subject.files) for subject in report.subjects)
    owners = sum(1 for subject in report.subjects if subject.distributions)
    facts: list[tuple[str, str]] = [("Target", document["target"]["tag"])]
    facts += [("Inspected", path) for path in document["environment"]["paths"][:_SHOWN_PATHS]]
    if len(document["environment"]["paths"]) > _SHOWN_PATHS:
        facts.append(("and", f"{len(document['environment']['paths']) - _SHOWN_PATHS} more"))
    if interpreter:
        emulated = f", under {interpreter['emulation']}" if interpreter["emulation"] else ""
        architectures = " + ".join(interpreter["architectures"])
        facts.append(("Python", f"{interpreter['version'] or '?'} {architectures}{emulated}"))
    facts.append(("Compiled", f"{text.count(files, 'file')} of {text.count(owners, 'distribution')}, {bytes_of(size)}"))
    facts.append(("Scan", f"{document['scan']['files']:,} entries in {document['scan']['seconds']:.2f} s"))
    return tag("dl", [tag("div", tag("dt", name), tag("dd", said)) for name, said in facts], class_="facts")


def not_looked_at(report: Report) -> Html | None:
    """What could not be looked at, or did not run."""
    skipped = report.document["skipped"]
    if not skipped:
        return None
    rows = [tag("li", tag("code", text.sentence(one["subject"])), " ", text.sentence(one["reason"])) for one in skipped]
    listed = tag("ul", rows, class_="skipped")
    heading = f"Not looked at: {text.count(len(skipped), 'place')}"
    return tag("section", part(report.level, heading), folded("Show", listed) if len(rows) > _SHOWN_SKIPPED else listed)
