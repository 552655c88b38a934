"""HTML that is escaped by construction: what is no :class:`Html` becomes text, wherever it stands."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Elements without an end tag.
_VOID = frozenset({"br", "input", "link", "meta"})


class Html(str):
    """Markup: the only kind of string that is not escaped. Made by :func:`tag` and :func:`join`."""

    __slots__ = ()


def plain(words: object) -> Html:
    """Text as it is, control characters and those that turn the direction of writing made visible."""
    return Html(html.escape(escape(str(words)), quote=False))


def join(*children: object) -> Html:
    """Put markup and text one after the other."""
    return Html("".join(_flat(children)))


def tag(element: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    Attributes that Python keeps for itself have an underscore behind them (``class_``), others in place of the hyphen
    (``data_names``). ``True`` is an attribute without a value; ``None`` and ``False`` are none.
    """
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(escape(str(value)))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _VOID:
        return Html(f"<{element}{written}>")
    return Html(f"<{element}{written}>{join(*children)}</{element}>")


def _flat(children: Iterable[object]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str | int | float):
            yield plain(child)
        elif isinstance(child, list | tuple):
            yield from _flat(child)
        else:
            raise TypeError(f"{type(child).__name__} is neither markup nor text")
