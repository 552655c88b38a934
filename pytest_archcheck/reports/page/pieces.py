"""Small pieces that several parts of the page are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from pytest_archcheck import limits
from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.markup import Html, tag

if TYPE_CHECKING:
    from pytest_archcheck.reports.page.facts import State

#: The sign and the word of a state: colour is never the only one.
SIGNS: dict[State, tuple[str, str]] = {
    "error": ("✕", "error"),
    "warning": ("!", "warning"),
    "unknown": ("?", "not judged"),
    "note": ("i", "note"),
    "pass": ("✓", "sound"),
}


def href(anchor: str) -> str:
    """A link within the page."""
    return f"#{quote(anchor)}"


def sign(state: State) -> Html:
    """A state's sign, with its word for those who hear the page."""
    mark, word = SIGNS[state]
    return tag(
        "span", tag("span", mark, aria_hidden="true"), tag("span", word, class_="hear"), class_=f"sign {state}", title=word
    )


def part(level: int, *words: object) -> Html:
    """The heading of a part of the page."""
    return tag(f"h{level}", *words, class_="part")


def item(level: int, *words: object) -> Html:
    """The heading of something in a part."""
    return tag(f"h{level + 1}", *words, class_="item")


def folded(heading: str, body: Html) -> Html:
    """Something that a script folds away; without one it stands open."""
    return tag("details", tag("summary", heading), body, open=True, class_="more")


def remedy_of(remedy: str, command: str | None) -> Html:
    """The remedy, its first command set off."""
    said = text.sentence(remedy, limits.USAGE_ERROR_LENGTH)
    first = command.split(" && ")[0] if command else None
    if first is None or first not in said:
        return tag("p", said, class_="remedy")
    before, _, after = said.partition(first)
    words = [part for word in first.split(" ") for part in (" ", tag("span", word))][1:]
    return tag("p", before, tag("code", words), after, class_="remedy")
