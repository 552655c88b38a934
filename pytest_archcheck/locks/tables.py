"""Typed access to parsed TOML: a value of another type is said, not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_archcheck.locks.model import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping


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
