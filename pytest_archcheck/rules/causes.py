"""One cause, many consequences: what stops because of one missing library is counted, not said forty times.

Where nothing that is needed stops, the cause is worth no more than a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.findings import Severity


def consequence(others: Sequence[Binary], word: str = "so") -> str:
    """``; so a, b, c and 37 more cannot be imported``; nothing where nothing else stops."""
    if not others:
        return ""
    fate = "imported" if all(binary.role == "extension" for binary in others) else "loaded"
    return f"; {word} {listed(binary.path for binary in others)} cannot be {fate}"


def by_need(severity: Severity, *, required: bool) -> Severity:
    """How bad a broken link of a file is: the environment may get by without that file."""
    return severity if required else "note"


def if_used(remedy: str, *, required: bool) -> str:
    """What to do about it."""
    return remedy if required else f"none needed unless this file is used: {remedy}"
