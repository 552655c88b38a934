"""The Pythons of a project in Poetry's own words: ``^3.10``, ``~3.9 || ~3.11``, ``>=3.9 <4``.

Poetry copies what stands in pyproject.toml into its lock: specifiers (PEP 440) of projects that say it under ``[project]``,
this language of all others ("Dependency specification" in Poetry's documentation).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pytest_archcheck.locks.model import Malformed

if TYPE_CHECKING:
    from pytest_archcheck.locks.model import Pythons

#: One relation and its version; ``*`` alone stands for all.
_ONE = re.compile(r"(?:(\^|~=|~|===?|!=|<=?|>=?|=)\s*)?v?(\*|\d[\w.!+*-]*)")
_ALTERNATIVE = re.compile(rf"\s*(?:{_ONE.pattern}[\s,]*)*")


class _AnyOf:
    """Several sets of specifiers, one of which is enough."""

    def __init__(self, text: str, sets: tuple[SpecifierSet, ...]) -> None:
        self._text = text
        self._sets = sets

    def contains(self, item: str, prereleases: bool | None = None) -> bool:  # noqa: FBT001 - as packaging has it
        return any(one.contains(item, prereleases=prereleases) for one in self._sets)

    def __str__(self) -> str:
        return self._text


def poetry_pythons(text: str | None) -> Pythons | None:
    """Return the Pythons that a poetry.lock is for; None for any. Raises :class:`Malformed`."""
    if not text:
        return None
    try:
        found = _AnyOf(text, tuple(map(_specifiers, re.split(r"\|\|?", text))))
        found.contains("3.0")  # what it compares with is read now, not when it is asked
    except ValueError as error:  # no version, or a number of more digits than Python reads
        raise Malformed(f"{text[:100]!r} says no versions: {str(error)[:200]}") from None
    return found


def _specifiers(alternative: str) -> SpecifierSet:
    if not _ALTERNATIVE.fullmatch(alternative):
        raise ValueError(f"{alternative.strip()[:100]!r} is no constraint")
    return SpecifierSet(",".join(_specifier(relation, version) for relation, version in _ONE.findall(alternative)))


def _specifier(relation: str, version: str) -> str:
    if version == "*":
        return ""
    if relation in ("^", "~"):
        lowest = Version(version)
        return f">={version},<{_above(lowest.release, relation)}"
    return f"{'==' if relation in ('', '=') else relation}{version}"


def _above(release: tuple[int, ...], relation: str) -> str:
    """``^1.2`` ends before 2, ``^0.2.3`` before 0.3, ``~1.2.3`` and ``~1.2`` before 1.3, ``~1`` before 2."""
    if relation == "~":
        kept = min(len(release), 2)
    else:
        kept = next((place for place, number in enumerate(release, 1) if number), len(release))
    *head, last = release[:kept]
    return ".".join(map(str, (*head, last + 1)))
