"""Several reports side by side: a row for each distribution, a column for each report, in each cell how well it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.facts import STATES
from pytest_archcheck.reports.page.markup import Html, tag
from pytest_archcheck.reports.page.pieces import SIGNS, href, part, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.reports.page.facts import Report, Subject


def matrix(reports: Sequence[Report]) -> Html:
    """The table, rows with errors first."""
    rows: dict[str, dict[int, Subject]] = {}
    for report in reports:
        for subject in report.subjects:
            cells = rows.setdefault(subject.row, {})
            known = cells.get(report.number)
            if known is None or STATES.index(subject.state) < STATES.index(known.state):
                cells[report.number] = subject
    # The worst first, and among equals those that are bad in more places; otherwise in the order of the reports.
    order = sorted(rows, key=lambda row: sorted(STATES.index(subject.state) for subject in rows[row].values()))
    head = tag("tr", tag("th", "Distribution or check", scope="col"), [_column(report) for report in reports])
    body = [
        tag(
            "tr",
            tag("th", text.sentence(row), scope="row"),
            [_cell(rows[row].get(report.number)) for report in reports],
            data_row=row,
        )
        for row in order
    ]
    table = tag(
        "table",
        tag("caption", "How well each distribution is on each target", class_="hear"),
        tag("thead", head),
        tag("tbody", body),
    )
    return tag(
        "section",
        part(2, "Side by side"),
        tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Distributions against targets"),
    )


def _column(report: Report) -> Html:
    verdict = report.document["verdict"]
    failing = report.counts["error"]
    said = f"{failing} of {sum(report.counts.values())} fail" if verdict == "fail" else "passes"
    if not report.document["complete"]:
        said = f"{said}, not complete"
    return tag(
        "th",
        text.sentence(report.label or "", 60),
        tag("small", text.sentence(report.aim, 80)),
        tag("small", said),
        scope="col",
    )


def _cell(subject: Subject | None) -> Html:
    if subject is None:
        return tag("td", tag("span", "not there", class_="absent"))
    groups = [group for group in subject.groups if group.allowed is None and group.severity != "note"]
    words = groups[0].rule if groups else SIGNS[subject.state][1]
    return tag("td", tag("a", sign(subject.state), tag("span", words), href=href(subject.anchor)), class_=subject.state)
