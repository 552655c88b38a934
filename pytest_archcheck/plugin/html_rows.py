"""Our rows in pytest-html's table: with title, findings and remedies, through its own hooks (pytest-html 4 and newer).

It writes ids as they are; ours hold names out of files, so here they are escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin.kept import PREFIX
from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.markup import join, plain, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_archcheck.reports.outcome import Answer, Question

#: So many paragraphs stand in a row; the row's log has all.
_SHOWN = 3


class HtmlRows:
    """The hooks; registered where pytest-html is."""

    def __init__(self, questions: Callable[[], Mapping[str, Question]], answer: Callable[[str], Answer]) -> None:
        """Take what gives the run's questions by subject, and what gives the answer to one."""
        self._questions = questions
        self._answer = answer

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[Any]) -> None:
        """Write the cell of the id anew: the id, the title, and what was found with what to do."""
        if not report.nodeid.startswith(PREFIX) or len(cells) < 2 or not isinstance(cells[1], str):
            return
        subject = report.nodeid[len(PREFIX) :]
        question = self._questions().get(subject)
        title = None if question is None else tag("div", text.sentence(question.title))
        groups = text.group(self._answer(subject).findings)
        shown = [tag("div", tag("b", one.severity), " ", one.headline, tag("br"), _what_to_do(one)) for one in groups[:_SHOWN]]
        more = tag("div", f"... and {len(groups) - _SHOWN} more") if len(groups) > _SHOWN else None
        when = "" if report.when == "call" else f"::{report.when}"
        cells[1] = str(tag("td", f"{report.nodeid}{when}", title, shown, more, class_="col-testId"))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: pytest.TestReport, data: list[Any]) -> None:
        """Add what a check that does not fail has to say; where one fails pytest-html shows it by itself."""
        if report.nodeid.startswith(PREFIX) and not report.failed and isinstance(data, list):
            lines = text.text(self._answer(report.nodeid[len(PREFIX) :]).findings).splitlines()
            data += [str(join(plain(line))) for line in lines]


def _what_to_do(group: text.Group) -> str:
    return f"allowed: {text.sentence(group.allowed)}" if group.allowed is not None else f"remedy: {text.sentence(group.remedy)}"
