"""Pieces of sentences: long lists and long names made short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Iterable


def listed(names: Iterable[str], most: int = 3) -> str:
    """``a, b, c and 37 more``."""
    names = list(names)
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def shortened(symbol: str) -> str:
    """A symbol's name for a sentence: C++ names can take kilobytes."""
    return symbol if len(symbol) <= limits.SHOWN_SYMBOL_LENGTH else f"{symbol[: limits.SHOWN_SYMBOL_LENGTH - 3]}..."


def and_others(count: int) -> str:
    """`` (and 3 others)`` for what is not named; nothing for none."""
    return f" (and {count} other{'s' if count > 1 else ''})" if count else ""
