"""Typed access to parsed TOML: a value of another type is said, not guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet

from pytest_archcheck import limits
from pytest_archcheck.locks.model import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names and versions become ids, and words of commands to type.
_WORD = re.compile(rf"[A-Za-z0-9._!+-]{{1,{limits.NAME_LENGTH}}}")


def text(table: Mapping[str, Any], key: str) -> str | None:
    """Return a string, None where there is none."""
    value = table.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Malformed(f"{key!r} is {type(value).__name__}, expected a string")


def texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return an array of strings, empty where there is none."""
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise Malformed(f"{key!r} is no array of strings")


def tables(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return an array of tables, empty where there is none."""
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    raise Malformed(f"{key!r} is no array of tables")


def inner(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the table of that name, empty where there is none."""
    value = table.get(key, {})
    if isinstance(value, dict):
        return value
    raise Malformed(f"{key!r} is no table")


def name_and_version(package: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what a ``[[package]]`` calls itself: a name, and a version where it has one."""
    name, version = text(package, "name"), text(package, "version")
    if not name:
        raise Malformed("a [[package]] has no name")
    for word in (name, version or name):
        if not _WORD.fullmatch(word):
            raise Malformed(f"a [[package]] has the name or version {word[:80]!r}")
    return name, version


def specifiers(value: str | SpecifierSet | None) -> SpecifierSet | None:
    """Return a set of version specifiers, None where there is none; what it compares with is read now, not when it is asked."""
    if not value:
        return None
    try:
        found = SpecifierSet(value) if isinstance(value, str) else value
        found.contains("3.0")
    except ValueError as error:  # InvalidSpecifier, or a number of more digits than Python reads
        raise Malformed(f"{str(value)[:100]!r} says no versions: {str(error)[:200]}") from None
    return found
