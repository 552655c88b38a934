"""The dynamic symbols of one ELF file: what it exports, what it wants, and the versions that it defines."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_hash_table import BYTES_PER_LOOK_UP, HashTable
from pytest_archcheck.binaries.elf_image import ElfInvalid, Image, open_image
from pytest_archcheck.binaries.elf_tables import DT_GNU_HASH, STB_GLOBAL
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.elf_image import Layout, ProgramHeader
    from pytest_archcheck.binaries.source import Source

DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ, DT_JMPREL, DT_PLTREL, DT_PLTRELSZ = 7, 8, 17, 18, 23, 20, 2
DT_VERDEF, DT_VERDEFNUM = 0x6FFFFFFC, 0x6FFFFFFD

_FEW = 256  # dynamic entries and segments that are remembered of a file; real ones have 20 to 100


class SymbolTable:
    """The dynamic symbols of one file.

    Every method opens the file for as long as it runs. They raise :class:`~pytest_archcheck.binaries.elf.ElfInvalid` for
    tables that make no sense, or are larger than any real ones, and :class:`OSError`.
    """

    __slots__ = ("_headers", "path", "work")

    def __init__(self, path: str) -> None:
        self.path = path
        #: Structs, dynamic entries and loaded segments, once they were read: a library is asked many questions.
        self._headers: tuple[Layout, list[tuple[int, int]], list[ProgramHeader]] | None = None
        #: What the last question cost to prepare, in look-ups of one name.
        self.work = 0

    def _reader(self, source: Source) -> _Reader:
        if self._headers is None:
            image, layout, entries = open_image(source, source.read(0, 4096))
            if len(entries) + len(image.loads) <= _FEW:
                self._headers = layout, entries, image.loads
        else:
            layout, entries, loads = self._headers
            image = Image(source, b"")
            image.loads = loads
        return _Reader(image, layout, entries)

    def wanted(self) -> frozenset[bytes]:
        """Names that must be found elsewhere when the file is loaded: undefined and not weak."""
        with open_file(self.path) as source:
            reader = self._reader(source)
            try:
                return reader.wanted()
            finally:
                self.work = reader.work

    def defines(self, names: Iterable[bytes]) -> set[bytes]:
        """Those of the names that the file exports, in whatever version."""
        with open_file(self.path) as source:
            reader = self._reader(source)
            try:
                return reader.defines(names)
            finally:
                self.work = reader.work

    def exports(self) -> frozenset[bytes] | None:
        """All that the file exports; None where it has no DT_GNU_HASH, or so much that asking for names is quicker."""
        with open_file(self.path) as source:
            reader = self._reader(source)
            try:
                return reader.exports()
            finally:
                self.work = reader.work

    def versions(self) -> frozenset[str]:
        """The versions that it defines (DT_VERDEF); empty for a library without versions, from which any is taken."""
        with open_file(self.path) as source:
            return self._reader(source).versions()

    def relocated(self, names: Iterable[bytes]) -> set[bytes]:
        """Those of the wanted names that a relocation uses; the loader never looks up the others."""
        with open_file(self.path) as source:
            return self._reader(source).relocated(names)

    def lost(self) -> set[bytes]:
        """Names that the file exports and relocations of its own use, but that no look-up finds: not in the hash table.

        So it is after a name was changed in place; the loader then does not find the file's own function either.
        """
        with open_file(self.path) as source:
            return self._reader(source).lost()


class _Reader(HashTable):
    """What else is asked of one open file."""

    def wanted(self) -> frozenset[bytes]:
        count = self._undefined_count()
        symbols = self._symbols(0, count)
        names = [name for name, info, _, section in symbols if section == 0 and info >> 4 == STB_GLOBAL and name]
        if self.string_size > limits.ELF_TABLE_SIZE:
            return frozenset(self._name(name) for name in names)
        table = self.image.read(self.strings, self.string_size, "the string table")
        self.work += len(table) >> BYTES_PER_LOOK_UP
        if max(names, default=-1) >= len(table):
            raise ElfInvalid("the name of a symbol lies outside of the string table")
        wanted = set()
        room = self.room
        for name in names:
            end = table.find(0, name)
            if end < 0:
                raise ElfInvalid("the name of a symbol has no end")
            room -= end - name
            if room < 0:
                break
            wanted.add(table[name:end])
        self._spend(self.room - room)
        return frozenset(wanted)

    def versions(self) -> frozenset[str]:
        if DT_VERDEF not in self.values:
            return frozenset()
        offset = self._at(DT_VERDEF, what := "the table of versions")
        # Elf*_Verdef: vd_version, vd_flags, vd_ndx, vd_cnt, vd_hash, vd_aux, vd_next; Elf*_Verdaux: vda_name, vda_next.
        definition = struct.Struct(f"{self.order}HHHHIII")
        names = set()
        for _ in range(min(self.values.get(DT_VERDEFNUM, 0), limits.ELF_VERSIONS)):
            *_, first, following = definition.unpack(self.image.read(offset, definition.size, what))
            (name,) = self.word.unpack(self.image.read(offset + first, 4, what))
            names.add(self._name(name).decode(errors="surrogateescape"))
            if not following:
                break
            offset += following
        return frozenset(names)

    def relocated(self, names: Iterable[bytes]) -> set[bytes]:
        used = self._used()
        found = set()
        for index, (name, info, section) in enumerate(self._fields(0, self._undefined_count())):
            if section == 0 and info >> 4 == STB_GLOBAL and name and index in used:
                found.add(self._name(name))
        return found.intersection(names)

    def lost(self) -> set[bytes]:
        if DT_GNU_HASH not in self.values:
            return set()
        first = self._words(self._at(DT_GNU_HASH, "the hash table"), 2, "the hash table")[1]
        last = first + limits.ELF_SYMBOLS
        used = [index for index in sorted(self._used()) if first <= index < last]
        fields = (self._fields(index, 1)[0] for index in used)
        # Lower visibilities than default (st_other) are bound by the linker and leave no relocation by name.
        names = {self._name(name) for name, info, section in fields if section != 0 and info >> 4 == STB_GLOBAL and name}
        return names - self.defines(names)

    def _used(self) -> set[int]:
        """The symbols that relocations refer to, by index."""
        used: set[int] = set()
        for start, size, with_addend in (
            (DT_RELA, DT_RELASZ, True),
            (DT_REL, DT_RELSZ, False),
            (DT_JMPREL, DT_PLTRELSZ, self.values.get(DT_PLTREL) == DT_RELA),
        ):
            if start in self.values and self.values.get(size, 0):
                used.update(self._relocation_symbols(start, self.values[size], with_addend=with_addend))
        return used

    def _relocation_symbols(self, tag: int, size: int, *, with_addend: bool) -> Iterator[int]:
        # r_offset, r_info and, in RELA, r_addend; the symbol's index is the upper part of r_info.
        code = "Q" if self.is_64 else "I"
        entry = struct.Struct(f"{self.order}{code * (3 if with_addend else 2)}")
        if size > limits.ELF_RELOCATIONS_SIZE:
            raise ElfInvalid("the relocations are larger than any real ones")
        size -= size % entry.size
        shift = 32 if self.is_64 else 8
        for relocation in entry.iter_unpack(self.image.read(self._at(tag, "the relocations"), size, "the relocations")):
            yield relocation[1] >> shift
