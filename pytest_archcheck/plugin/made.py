"""Attributes that are made when they are first asked for: there may be ten thousand items, and most are asked for little."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def made(make: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - stands for an attribute of any type
    """Have an attribute made by ``make(instance)``; what is assigned to it takes its place."""
    return _Made(make)


def drop(instance: object, names: Iterable[str]) -> None:
    """Let go of attributes that can be made anew."""
    for name in names:
        with contextlib.suppress(AttributeError):  # it was not made
            delattr(instance, name)


class _Made:
    """As :class:`functools.cached_property`, which until Python 3.13 gives each instance a dictionary of its own."""

    __slots__ = ("_make", "_name")

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401 - see made()
        if instance is None:
            return self
        value = self._make(instance)
        setattr(instance, self._name, value)
        return value
