"""The dynamic symbols of one ELF file: what it exports, what it wants, and the versions that it defines.

Counts and look-ups go through DT_GNU_HASH (https://flapenguin.me/elf-dt-gnu-hash, ``elf/dl-lookup.c``) or DT_HASH (gABI,
chapter 5), as in the loader: there may be no section headers.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import ElfInvalid, Image, open_image
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.elf_image import Layout, ProgramHeader
    from pytest_archcheck.binaries.source import Source

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ = 4, 5, 6, 10
DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ, DT_JMPREL, DT_PLTREL, DT_PLTRELSZ = 7, 8, 17, 18, 23, 20, 2
DT_GNU_HASH, DT_VERDEF, DT_VERDEFNUM = 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFD
STB_GLOBAL, STB_WEAK = 1, 2


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


_FEW = 256  # dynamic entries and segments that are remembered of a file; real ones have 20 to 100
_OPENING = 64  # look-ups that take as long as opening a file does
_BYTES_PER_LOOK_UP = 12  # by so many bits: reading 4 KiB takes as long as a look-up
_WORTH = 1 << 11  # bytes of a table for each name: to read it all takes no longer than three small reads for the name
_MANY = 1 << 14  # exported names that are listed; Python exports 1,700, glibc 2,800
_PAGE, _PAGES = 1 << 12, 1 << 9  # bytes of a page, and pages that are kept while a file is open
_ROOM = 1 << 16  # bytes; names of a small file


class _Reader:
    """The work on one open file."""

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
        #: A part of the file that was read beforehand, and its offset.
        self.held = 0, b""
        #: Pages of the file that look-ups came to, by number: tools that repair wheels put names at the end of a file, far from
        #: the symbols, and then the tables are not held at once.
        self.pages: dict[int, bytes] = {}
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

    def wanted(self) -> frozenset[bytes]:
        count = self._undefined_count()
        symbols = self._symbols(0, count)
        names = [name for name, info, _, section in symbols if section == 0 and info >> 4 == STB_GLOBAL and name]
        if self.string_size > limits.ELF_TABLE_SIZE:
            return frozenset(self._name(name) for name in names)
        table = self.image.read(self.strings, self.string_size, "the string table")
        self.work += len(table) >> _BYTES_PER_LOOK_UP
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

    def defines(self, names: Iterable[bytes]) -> set[bytes]:
        if DT_GNU_HASH not in self.values:
            if DT_HASH not in self.values:
                return set()
            count = self._undefined_count()
            exported = {
                self._name(name) for name, info, section in self._fields(0, count) if section != 0 and info >> 4 != 0 and name
            }
            return exported.intersection(names)
        table = self._at(DT_GNU_HASH, what := "the hash table")
        buckets, first, bloom_words, shift = self._words(table, 4, what)
        size = 8 if self.is_64 else 4
        if not 0 < buckets <= limits.ELF_SYMBOLS or not 0 < bloom_words <= limits.ELF_SYMBOLS or shift > 63:
            raise ElfInvalid("the hash table makes no sense")
        chains = table + 16 + bloom_words * size + 4 * buckets
        content = self.image.read(table + 16, chains - table - 16, what)  # the Bloom filter, then the heads of the chains
        self.work += len(content) >> _BYTES_PER_LOOK_UP
        names = list(names)
        self._hold(min(table, self.symbols, self.strings), max(chains, self.strings + self.string_size), len(names))
        filter_word = struct.Struct(f"{self.order}{'Q' if self.is_64 else 'I'}").unpack_from
        bits = size * 8
        found = set()
        for name in names:
            value = gnu_hash(name)
            (present,) = filter_word(content, value // bits % bloom_words * size)
            if present >> value % bits & present >> (value >> shift) % bits & 1:
                (head,) = self.word.unpack_from(content, bloom_words * size + value % buckets * 4)
                if self._in_chain(name, value, head, chains, first):
                    found.add(name)
        return found

    def exports(self) -> frozenset[bytes] | None:
        if DT_GNU_HASH not in self.values:
            return None
        table = self._at(DT_GNU_HASH, what := "the hash table")
        buckets, first, bloom_words, _ = self._words(table, 4, what)
        heads = table + 16 + bloom_words * (8 if self.is_64 else 4)
        if buckets > _MANY or bloom_words > _MANY or self.string_size > _MANY * _WORTH:
            return None
        # The hashed symbols are the last ones, in the order of their buckets; a chain ends where the lowest bit is set.
        last = max(self._words(heads, buckets, what), default=0)
        if last < first:
            return frozenset()
        chains = heads + 4 * buckets
        while not self.word.unpack(self._peek(chains + 4 * (last - first), 4))[0] & 1:
            last += 1
            if last - first > _MANY:
                return None
        strings = self.image.read(self.strings, self.string_size, "the string table")
        self.work += last + 1 - first
        names = set()
        for name, _, _, section in self._symbols(first, last + 1 - first):
            if section:
                end = strings.find(0, name)
                self._spend(end - name)
                names.add(strings[name:end])
        return frozenset(names)

    def _in_chain(self, name: bytes, value: int, index: int, chains: int, first: int) -> bool:
        if index < first:  # an empty bucket
            return False
        for step in range(index, index + limits.ELF_HASH_CHAIN):
            self.work += 1
            (entry,) = self.word.unpack(self._peek(chains + 4 * (step - first), 4))
            if entry | 1 == value | 1 and self._is_defined_as(step, name):
                return True
            if entry & 1:
                return False
        return False

    def _is_defined_as(self, index: int, name: bytes) -> bool:
        self._spend(len(name))
        entry = self.symbol.unpack(self._peek(self.symbols + index * self.symbol.size, self.symbol.size))
        section = entry[3] if self.is_64 else entry[5]
        if section == 0 or entry[0] + len(name) >= self.string_size:
            return False
        return self._peek(self.strings + entry[0], len(name) + 1) == name + b"\0"

    def _hold(self, begin: int, end: int, names: int) -> None:
        """Read the tables at once, which lie side by side, where so many names are looked up in them that it pays."""
        if end - begin <= min(names * _WORTH, limits.ELF_TABLE_SIZE):
            self.held = begin, self.image.source.read(begin, end - begin)

    def _peek(self, offset: int, size: int) -> bytes:
        """A few bytes of tables that look-ups jump about in: they are read by the page, and pages are met again."""
        begin, held = self.held
        if begin <= offset <= begin + len(held) - size:
            return held[offset - begin : offset - begin + size]
        number, at = divmod(offset, _PAGE)
        if at + size <= _PAGE:
            page = self.pages.get(number)
            if page is None:
                if len(self.pages) >= _PAGES:
                    self.pages.clear()
                page = self.pages[number] = self.image.source.read(number * _PAGE, _PAGE)
            content = page[at : at + size]
        else:
            content = self.image.source.read(offset, size)
        if len(content) < size:
            raise ElfInvalid("the symbol table lies past the end of the file")
        return content

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


@lru_cache(maxsize=1 << 15)
def gnu_hash(name: bytes) -> int:
    """The hash of DT_GNU_HASH: Bernstein's, 32 bits. Modules of one package want the same names."""
    size = len(name)
    if size <= len(_POWERS):  # a sum of products takes half the time of a loop
        return (5381 * pow(33, size, 1 << 32) + sum(map(mul, name, _POWERS[-size:]))) & 0xFFFFFFFF if size else 5381
    value = 5381
    for byte in name:
        value = value * 33 + byte & 0xFFFFFFFF
    return value


#: Powers of 33, the largest first.
_POWERS = tuple(pow(33, power, 1 << 32) for power in reversed(range(256)))
