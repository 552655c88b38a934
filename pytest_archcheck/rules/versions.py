"""Versions by PEP 440, of what may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version


def parsed(text: str | None) -> Version | None:
    """The version that a file names; None where it is none."""
    from packaging.version import Version

    try:
        return Version(text or "")
    except ValueError:  # none, or with a number of more digits than Python reads
        return None


def known(text: str) -> Version:
    """A version that stands in our own code."""
    from packaging.version import Version

    return Version(text)
