"""Where the dynamic symbols of an ELF file and their names lie, and what each costs to read: what questions about them share.

Names follow ``<elf.h>`` and the System V gABI, chapter 4 (symbol table, string table). There may be no section headers: counts
come from the hash tables, as in the loader.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import ElfInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.binaries.elf_image import Image, Layout

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_GNU_HASH = 4, 5, 6, 10, 0x6FFFFEF5
STB_GLOBAL = 1

_OPENING = 64  # look-ups that take as long as opening a file does
_ROOM = 1 << 16  # bytes; names of a small file


class Tables:
    """Symbols and their names in one open file."""

    def __init__(self, image: Image, layout: Layout, entries: list[tuple[int, int]]) -> None:
        self.image = image
        self.values = dict(entries)
        self.is_64 = layout.is_64
        order = layout.dynamic.format[:1]
        # st_name, st_info, st_other and st_shndx; st_value and st_size come last in 64 bits, after st_name in 32.
        self.symbol = struct.Struct(f"{order}IBBH16x" if self.is_64 else f"{order}I8xBBH")
        self.word = struct.Struct(f"{order}I")
        self.order = order
        self.strings = self._at(DT_STRTAB, "the string table")
        self.symbols = self._at(DT_SYMTAB, "the symbol table")
        self.string_size = self.values.get(DT_STRSZ, 0)
        self.work = _OPENING
        #: Bytes that names may still take, see :data:`limits.ELF_NAMES_SHARE`.
        self.room = limits.ELF_NAMES_SHARE * self.string_size + _ROOM

    def _at(self, tag: int, what: str) -> int:
        if tag not in self.values:
            raise ElfInvalid(f"it has no {what.removeprefix('the ')}")
        return self.image.offset_of(self.values[tag], what)

    def _words(self, offset: int, count: int, what: str) -> tuple[int, ...]:
        if not 0 <= count <= 4 * limits.ELF_SYMBOLS:
            raise ElfInvalid(f"{what} is larger than any real one")
        return struct.unpack(f"{self.order}{count}I", self.image.read(offset, 4 * count, what))

    def _name(self, offset: int) -> bytes:
        if offset >= self.string_size:
            raise ElfInvalid("the name of a symbol lies outside of the string table")
        name = self.image.text(self.strings + offset, "the name of a symbol", limits.ELF_SYMBOL_NAME_SIZE).encode(
            errors="surrogateescape"
        )
        self._spend(len(name))
        return name

    def _spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise ElfInvalid("its symbols share their names in a way that no linker makes")

    def _symbols(self, index: int, count: int) -> Iterator[tuple[int, ...]]:
        """st_name, st_info, st_other and st_shndx of a run of symbols."""
        size = self.symbol.size
        if count > limits.ELF_SYMBOLS:
            raise ElfInvalid("the symbol table is larger than any real one")
        return self.symbol.iter_unpack(self.image.read(self.symbols + index * size, count * size, "the symbol table"))

    def _fields(self, index: int, count: int) -> list[tuple[int, int, int]]:
        """(st_name, st_info, st_shndx) of a run of symbols."""
        return [(name, info, section) for name, info, _, section in self._symbols(index, count)]

    def _undefined_count(self) -> int:
        """How many symbols to read to see every undefined one."""
        if DT_HASH in self.values:
            return self._words(self._at(DT_HASH, "the hash table"), 2, "the hash table")[1]  # nbucket, nchain
        if DT_GNU_HASH in self.values:  # hashed symbols are defined, and come last
            first = self._words(self._at(DT_GNU_HASH, "the hash table"), 2, "the hash table")[1]  # nbuckets, symoffset
            if first > 1:
                return first
            # Nothing is exported (GNU ld then writes 1): tables of linkers lie side by side, symbols before their names.
            gap = self.strings - self.symbols
            return gap // self.symbol.size if 0 < gap <= limits.ELF_TABLE_SIZE else 0
        return 0
