"""Read from a symbol table which symbols an image needs from others (``<mach-o/nlist.h>``)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

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
_FIRST_NAME = 512


class SymbolsInvalid(ValueError):
    """The symbol table is damaged; the message says how."""


@dataclass(frozen=True, slots=True)
class UndefinedSymbol:
    """A symbol that an image needs."""

    name: bytes
    #: The position of the library among the linked ones, from 1, or one of the special values of this module.
    ordinal: int
    #: A weak reference: its absence is no error.
    weak: bool


def undefined_symbols(source: Source, piece: MachOSlice, ordinals: Container[int] | None = None) -> Iterator[UndefinedSymbol]:
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
    # nlist_64 and nlist: n_strx, n_type, n_sect, n_desc, n_value
    layout = struct.Struct((">" if piece.big_endian else "<") + ("IBBHQ" if piece.is_64 else "IBBHI"))
    two_level = bool(piece.flags & _MH_TWOLEVEL)
    found, most = 0, limits.UNDEFINED_SYMBOLS
    for at in range(0, symbols.size, _CHUNK_ENTRIES * layout.size):
        data = source.read(symbols.offset + at, min(_CHUNK_ENTRIES * layout.size, symbols.size - at))
        types = data[4 :: layout.size]  # n_type of every entry: most are defined, and are stepped over at the speed of C
        index = types.find(_N_UNDF_EXT)
        while index >= 0 and (index + 1) * layout.size <= len(data):
            string, _, _, description, _ = layout.unpack_from(data, index * layout.size)
            found += 1
            if found > most:
                raise SymbolsInvalid("its symbol table does not end")
            ordinal = description >> 8 if two_level else DYNAMIC_LOOKUP
            if ordinals is None or ordinal in ordinals:
                yield UndefinedSymbol(_name(source, strings, string), ordinal, bool(description & _N_WEAK_REF))
            index = types.find(_N_UNDF_EXT, index + 1)


def _name(source: Source, strings: Extent, offset: int) -> bytes:
    if offset >= strings.size:
        raise SymbolsInvalid("a symbol's name lies outside its string table")
    room = min(strings.size - offset, limits.SYMBOL_NAME_SIZE)
    for window in (min(_FIRST_NAME, room), room):
        data = source.read(strings.offset + offset, window)
        end = data.find(b"\0")
        if end >= 0:
            return data[:end]
    raise SymbolsInvalid("a symbol's name does not end")
