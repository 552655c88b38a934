"""The symbols that a Mach-O image needs, one by one: the product takes them column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.binaries.nlist import STRONG, undefined_runs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_archcheck.binaries.model import MachOSlice
    from pytest_archcheck.binaries.source import Source


class UndefinedSymbol(NamedTuple):
    """A symbol that an image needs."""

    name: bytes
    ordinal: int
    weak: bool


def undefined_symbols(source: Source, piece: MachOSlice, ordinals: Collection[int] | None = None) -> Iterator[UndefinedSymbol]:
    """Yield what one slice needs, in the order of its symbol table."""
    for run in undefined_runs(source, piece, ordinals):
        for name, ordinal, description in zip(*run, strict=False):
            yield UndefinedSymbol(name, ordinal, weak=not STRONG[description])
