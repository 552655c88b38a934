"""Our rows in pytest-html's table, as its hooks are called; tests/compatibility runs the real one."""

from __future__ import annotations

import pytest

from pytest_archcheck.findings import Finding
from pytest_archcheck.plugin.html_rows import HtmlRows
from pytest_archcheck.reports.outcome import Answer, Prepared

EVIL = "<img src=x onerror=alert(1)>"


def rows() -> HtmlRows:
    finding = Finding(
        rule="r", severity="warning", subject=EVIL, distribution=None, path=EVIL, message=f"is {EVIL}", remedy=EVIL
    )
    answer = Answer(findings=(finding,))
    return HtmlRows(lambda: {EVIL: Prepared(subject=EVIL, title=f"title {EVIL}", ask=Answer)}, lambda _: answer)


def report(outcome: str = "passed", nodeid: str = f"archcheck::{EVIL}") -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, outcome, None, "call")  # type: ignore[arg-type]


def test_a_row_has_title_finding_and_remedy_as_text() -> None:
    cells = ["<td>Passed</td>", f"<td>archcheck::{EVIL}</td>", "<td>0 ms</td>", "<td></td>"]
    rows().pytest_html_results_table_row(report(), cells)
    escaped = "&lt;img src=x onerror=alert(1)&gt;"
    assert cells[1] == (
        f'<td class="col-testId">archcheck::{escaped}<div>title {escaped}</div>'
        f"<div><b>warning</b> r: 1 file is {escaped}<br>remedy: {escaped}</div></td>"
    )
    assert cells[0] == "<td>Passed</td>"


def test_the_log_of_a_check_that_passes_has_its_findings() -> None:
    data = ["No log output captured."]
    rows().pytest_html_results_table_html(report(), data)
    assert len(data) > 2
    assert not any("<" in line for line in data)
    failed = ["its own text"]
    rows().pytest_html_results_table_html(report("failed"), failed)
    assert failed == ["its own text"]


@pytest.mark.parametrize("cells", [[], ["<td></td>"], [object(), object()], ["<td></td>", "<td>test_own.py::test</td>"]])
def test_rows_of_others_and_of_other_versions_stay_as_they_are(cells: list[object]) -> None:
    nodeid = "test_own.py::test" if cells and cells[-1] == "<td>test_own.py::test</td>" else f"archcheck::{EVIL}"
    before = list(cells)
    rows().pytest_html_results_table_row(report(nodeid=nodeid), cells)
    assert cells == before
