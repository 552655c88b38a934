"""Read from a symbol table which symbols an image needs from others (``<mach-o/nlist.h>``)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_archcheck.binaries.model import Extent, MachOSlice
    from pytest_archcheck.binaries.source import Source

# Library ordinals with a meaning of their own (GET_LIBRARY_ORDINAL).
SELF_LIBRARY = 0x00
DYNAMIC_LOOKUP = 0xFE
EXECUTABLE = 0xFF

_MH_TWOLEVEL = 0x80
_N_UNDF_EXT = 0x01  # n_type: N_UNDF | N_EXT
_N_WEAK_REF = 0x40  # n_desc: may stay unresolved

_CHUNK_ENTRIES = 1 << 16
_NAMES = 1 << 13  # bytes of the string table that are read at a time: names lie in the order of their symbols, nearly always


class SymbolsInvalid(ValueError):
    """The symbol table is damaged; the message says how."""


class UndefinedSymbol(NamedTuple):
    """A symbol that an image needs."""

    name: bytes
    #: The position of the library among the linked ones, from 1, or one of the special values of this module.
    ordinal: int
    #: A weak reference: its absence is no error.
    weak: bool


def undefined_symbols(source: Source, piece: MachOSlice, ordinals: Collection[int] | None = None) -> Iterator[UndefinedSymbol]:
    """Yield what one slice needs, in the order of its symbol table.

    In an image without two-level namespace every ordinal is DYNAMIC_LOOKUP.

    :param ordinals: yield only the symbols of these libraries; None for all.
    :raises SymbolsInvalid: the table is damaged.
    :raises OSError: the file cannot be read.
    """
    if piece.symbol_table is None:
        return
    symbols, strings = piece.symbol_table.symbols, piece.symbol_table.strings
    for table in (symbols, strings):
        if table.offset + table.size > piece.extent.offset + piece.extent.size:
            raise SymbolsInvalid("its symbol table lies past the end of the file")
    if symbols.size > limits.SYMBOL_TABLE_SIZE:
        raise SymbolsInvalid("its symbol table is too large to read")
    two_level = bool(piece.flags & _MH_TWOLEVEL)
    if not two_level:
        if ordinals is not None and DYNAMIC_LOOKUP not in ordinals:
            return
        ordinals = None
    # nlist_64 and nlist: n_strx (4 bytes), n_type, n_sect, n_desc (2), n_value (8 or 4)
    size = 16 if piece.is_64 else 12
    string = struct.Struct(">I" if piece.big_endian else "<I").unpack_from
    ordinal_at, flags_at = (6, 7) if piece.big_endian else (7, 6)  # the ordinal is the upper byte of n_desc
    name_at = _Names(source, strings).at
    count = 0
    for begin in range(0, symbols.size, _CHUNK_ENTRIES * size):
        data = source.read(symbols.offset + begin, min(_CHUNK_ENTRIES * size, symbols.size - begin))
        data = data[: len(data) - len(data) % size]
        types = data[4::size]  # n_type of every entry: most are defined, and are stepped over at the speed of C
        count += types.count(_N_UNDF_EXT)
        if count > limits.UNDEFINED_SYMBOLS:
            raise SymbolsInvalid("its symbol table does not end")
        for index in _undefined(types, data[ordinal_at::size], ordinals):
            at = index * size
            ordinal = data[at + ordinal_at] if two_level else DYNAMIC_LOOKUP
            weak = data[at + flags_at] & _N_WEAK_REF != 0
            yield UndefinedSymbol(name_at(string(data, at)[0]), ordinal, weak)


def _undefined(types: bytes, upper: bytes, ordinals: Collection[int] | None) -> list[int]:
    """The entries of undefined symbols with one of these ordinals."""
    if ordinals is None:
        return list(_places(types, _N_UNDF_EXT))
    of_these = (index for ordinal in set(ordinals) for index in _places(upper, ordinal))
    return sorted(index for index in of_these if types[index] == _N_UNDF_EXT)


def _places(data: bytes, byte: int) -> Iterator[int]:
    """Every place of a byte. None for what is no byte."""
    index = data.find(byte) if byte < 0x100 else -1
    while index >= 0:
        yield index
        index = data.find(byte, index + 1)


class _Names:
    """The strings of a table, of which a piece is kept."""

    __slots__ = ("_begin", "_piece", "_source", "_strings")

    def __init__(self, source: Source, strings: Extent) -> None:
        self._source = source
        self._strings = strings
        self._piece, self._begin = b"", 0

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
