"""One cause, many consequences: what stops because of one missing library is counted, not said forty times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.binaries.model import Binary


def consequence(others: Sequence[Binary], word: str = "so") -> str:
    """``; so a, b, c and 37 more cannot be imported``; nothing where nothing else stops."""
    if not others:
        return ""
    fate = "imported" if all(binary.role == "extension" for binary in others) else "loaded"
    return f"; {word} {listed(binary.path for binary in others)} cannot be {fate}"
