"""What to do: findings by what mends them, the worst first, each with a button to copy its command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.markup import Html, tag
from pytest_archcheck.reports.page.pieces import folded, href, part, remedy_of, sign
from pytest_archcheck.reports.page.remedies import command_of, todos

if TYPE_CHECKING:
    from pytest_archcheck.reports.page.facts import Report
    from pytest_archcheck.reports.page.remedies import Todo

#: So many things to do stand open; the others are folded away.
_SHOWN_TODOS = 12


def what_to_do(report: Report) -> Html | None:
    """Findings by what mends them."""
    found = todos(report.subjects)
    urgent = [todo for todo in found if todo.severity != "note"]
    notes = [todo for todo in found if todo.severity == "note"]
    if not found:
        return None
    cards = [_todo(todo) for todo in urgent]
    shown, rest = cards[:_SHOWN_TODOS], cards[_SHOWN_TODOS:]
    parts: list[object] = []
    if shown:
        parts.append(tag("ol", shown, class_="todos"))
    if rest:
        parts.append(folded(f"{len(rest)} more things to do", tag("ol", rest, class_="todos")))
    if notes:
        parts.append(
            folded(
                f"{text.count(len(notes), 'note')}: nothing to do",
                tag("ol", [_todo(todo) for todo in notes], class_="todos"),
            )
        )
    return tag("section", part(report.level, "What to do" if urgent else "Worth knowing"), parts, class_="do")


def _todo(todo: Todo) -> Html:
    command = command_of(todo.remedy)
    parts = [
        tag("li", tag("a", subject.title, href=href(subject.anchor)), " ", tag("span", group.headline, class_="why"))
        for subject, group in todo.parts
    ]
    return tag(
        "li",
        sign(todo.severity),
        tag(
            "div",
            remedy_of(todo.remedy, command),
            tag("ul", parts),
        ),
        tag(
            "button",
            "Copy",
            type="button",
            class_="copy",
            data_copy=command or todo.remedy,
            aria_label=f"Copy: {command or todo.remedy}",
        ),
        class_=f"todo {todo.severity}",
        data_s=todo.severity,
        data_r=" ".join(dict.fromkeys(group.rule for _, group in todo.parts)),
    )
