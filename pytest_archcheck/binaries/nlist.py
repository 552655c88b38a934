"""Read from a symbol table which symbols an image needs from others, and which it has for them (``<mach-o/nlist.h>``).

Tables have thousands of entries, and what is done with each is done in C: their fields are slices of the table, and names that
follow each other in the string table, as linkers write them, are one piece of it that is split at its NULs.
"""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate, compress
from operator import and_, eq, sub
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_archcheck.binaries.model import Extent, MachOSlice, SymbolTable
    from pytest_archcheck.binaries.source import Source

# Library ordinals with a meaning of their own (GET_LIBRARY_ORDINAL).
SELF_LIBRARY = 0x00
DYNAMIC_LOOKUP = 0xFE
EXECUTABLE = 0xFF

_MH_TWOLEVEL = 0x80
_N_STAB, _N_PEXT, _N_TYPE, _N_EXT = 0xE0, 0x10, 0x0E, 0x01  # masks of n_type
_N_UNDF = 0x00  # n_type & N_TYPE
_N_WEAK_REF = 0x40  # n_desc: may stay unresolved

_CHUNK_ENTRIES = 1 << 16
_NAMES = 1 << 13  # bytes of the string table that are read at a time where names are asked for one by one
_WORTH = 4  # entries in a run for each that is asked for, up to which it is worth to take the names of all


def _flags(kinds: Iterable[int]) -> bytes:
    """A table for bytes.translate(): 1 for these values, 0 for the others."""
    wanted = frozenset(kinds)
    return bytes(value in wanted for value in range(0x100))


_UNDEFINED = _flags([_N_UNDF | _N_EXT])  # by n_type
_DEFINED_FOR_OTHERS = _flags(
    kind for kind in range(0x100) if kind & (_N_STAB | _N_PEXT | _N_EXT) == _N_EXT and kind & _N_TYPE != _N_UNDF
)
STRONG = _flags(desc for desc in range(0x100) if not desc & _N_WEAK_REF)  #: by the lower byte of n_desc


class SymbolsInvalid(ValueError):
    """The symbol table is damaged; the message says how."""


class Undefined(NamedTuple):
    """Symbols that an image needs, field by field."""

    #: May raise :class:`SymbolsInvalid` on the way.
    names: Iterable[bytes]
    #: The position of the library among the linked ones, from 1, or one of the special values of this module.
    ordinals: bytes
    #: The lower byte of n_desc.
    descriptions: bytes


def undefined_runs(source: Source, piece: MachOSlice, ordinals: Collection[int] | None = None) -> Iterator[Undefined]:
    """Yield what one slice needs, in runs, in the order of its symbol table.

    In an image without two-level namespace every ordinal is DYNAMIC_LOOKUP.

    :param ordinals: only the symbols of these libraries; None for all.
    :raises SymbolsInvalid: the table is damaged.
    :raises OSError: the file cannot be read.
    """
    if piece.symbol_table is None:
        return
    symbols, strings = _checked(piece.symbol_table, piece)
    two_level = bool(piece.flags & _MH_TWOLEVEL)
    if not two_level:
        if ordinals is not None and DYNAMIC_LOOKUP not in ordinals:
            return
        ordinals = None
    asked = None if ordinals is None else _flags(ordinals)
    count = 0
    names = _Names(source, strings)
    for entries in _chunks(source, piece, symbols):
        undefined = entries.types.translate(_UNDEFINED)
        count += undefined.count(1)
        if count > limits.UNDEFINED_SYMBOLS:
            raise SymbolsInvalid("its symbol table does not end")
        first, end = _around(undefined)  # they follow each other, nearly always
        run, chosen = entries.between(first, end), undefined[first:end]
        if asked is not None:
            chosen = bytes(map(and_, chosen, run.ordinals.translate(asked)))
        if here := chosen.count(1):
            libraries = bytes(compress(run.ordinals, chosen)) if two_level else bytes([DYNAMIC_LOOKUP]) * here
            yield Undefined(names.chosen(run.offsets, chosen), libraries, bytes(compress(run.descriptions, chosen)))


def _checked(tables: SymbolTable, piece: MachOSlice) -> SymbolTable:
    for table in tables:
        if table.offset + table.size > piece.extent.offset + piece.extent.size:
            raise SymbolsInvalid("its symbol table lies past the end of the file")
    if tables.symbols.size > limits.SYMBOL_TABLE_SIZE:
        raise SymbolsInvalid("its symbol table is too large to read")
    return tables


def names_for_others(source: Source, piece: MachOSlice) -> list[bytes] | None:
    """The symbols that an image has and that others see; None where the names of its table do not follow each other.

    :raises OSError: the file cannot be read.
    """
    if piece.symbol_table is None:
        return None
    symbols, strings = piece.symbol_table
    if symbols.size > limits.SYMBOLS_READ_SIZE:
        return None
    found: list[bytes] = []
    names = _Names(source, strings)
    for entries in _chunks(source, piece, symbols):
        defined = entries.types.translate(_DEFINED_FOR_OTHERS)
        first, end = _around(defined)
        if end:
            run = names.in_order(entries.between(first, end).offsets)
            if run is None:
                return None
            found += compress(run, defined[first:end])
    return found


def _around(flags: bytes) -> tuple[int, int]:
    """Where the first 1 is, and where the last one ends."""
    return max(flags.find(1), 0), flags.rfind(1) + 1


class _Entries:
    """Some entries of a symbol table, field by field."""

    __slots__ = ("_big_endian", "_data", "_size")

    # nlist_64 and nlist: n_strx (4 bytes), n_type, n_sect, n_desc (2), n_value (8 or 4)

    def __init__(self, data: bytes, size: int, *, big_endian: bool) -> None:
        self._data = data
        self._size = size
        self._big_endian = big_endian

    def between(self, first: int, end: int) -> _Entries:
        """Those from one to before another."""
        return _Entries(self._data[first * self._size : end * self._size], self._size, big_endian=self._big_endian)

    @property
    def offsets(self) -> array[int]:
        """n_strx: where their names begin."""
        column = array("I", self._data)
        if self._big_endian != (sys.byteorder == "big"):
            column.byteswap()
        return column[:: self._size // 4]

    @property
    def types(self) -> bytes:
        """n_type."""
        return self._data[4 :: self._size]

    @property
    def ordinals(self) -> bytes:
        """The upper byte of n_desc."""
        return self._data[6 if self._big_endian else 7 :: self._size]

    @property
    def descriptions(self) -> bytes:
        """The lower byte of n_desc."""
        return self._data[7 if self._big_endian else 6 :: self._size]


def _chunks(source: Source, piece: MachOSlice, symbols: Extent) -> Iterator[_Entries]:
    size = 16 if piece.is_64 else 12
    for begin in range(0, symbols.size, _CHUNK_ENTRIES * size):
        data = source.read(symbols.offset + begin, min(_CHUNK_ENTRIES * size, symbols.size - begin))
        yield _Entries(data[: len(data) - len(data) % size], size, big_endian=piece.big_endian)


class _Names:
    """The strings of a table, of which a piece is kept."""

    __slots__ = ("_begin", "_piece", "_source", "_strings")

    def __init__(self, source: Source, strings: Extent) -> None:
        self._source = source
        self._strings = strings
        self._piece, self._begin = b"", 0

    def chosen(self, offsets: array[int], chosen: bytes) -> Iterable[bytes]:
        """The names that begin at those offsets for which there is a 1."""
        if len(offsets) <= _WORTH * chosen.count(1) and (names := self.in_order(offsets)) is not None:
            return compress(names, chosen)
        return map(self.at, compress(offsets, chosen))

    def in_order(self, offsets: array[int]) -> list[bytes] | None:
        """The names that begin at these offsets, where each begins behind the end of the one before it; else None."""
        begin, last = offsets[0], offsets[-1]
        if not 0 <= last - begin <= limits.SYMBOLS_READ_SIZE or last >= self._strings.size:
            return None
        data = self._source.read(self._strings.offset + begin, min(last - begin + _NAMES, self._strings.size - begin))
        names = data.split(b"\0", len(offsets))
        if len(names) <= len(offsets):
            return None
        names.pop()  # what comes after the last of them
        lengths = list(map(len, names))
        # With the NULs before it, the lengths of all names before one make its offset.
        if not all(map(eq, accumulate(lengths[:-1], initial=begin), map(sub, offsets, range(len(offsets))))):
            return None
        return None if max(lengths) > limits.SYMBOL_NAME_SIZE else names

    def at(self, offset: int) -> bytes:
        """The name that begins there."""
        if offset >= self._strings.size:
            raise SymbolsInvalid("a symbol's name lies outside its string table")
        start = offset - self._begin
        end = self._piece.find(0, start) if start >= 0 else -1
        if end < 0:
            room = self._strings.size - offset
            for window in (min(_NAMES, room), min(limits.SYMBOL_NAME_SIZE, room)):
                self._piece, self._begin, start = self._source.read(self._strings.offset + offset, window), offset, 0
                end = self._piece.find(0)
                if end >= 0:
                    break
            else:
                raise SymbolsInvalid("a symbol's name does not end")
        if end - start > limits.SYMBOL_NAME_SIZE:
            raise SymbolsInvalid("a symbol's name does not end")
        return self._piece[start:end]
