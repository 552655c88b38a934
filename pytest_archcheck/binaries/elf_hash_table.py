"""Look-ups of names in the hash table of an ELF file, and all that it exports.

DT_GNU_HASH: https://flapenguin.me/elf-dt-gnu-hash, ``elf/dl-lookup.c``; DT_HASH: gABI, chapter 5.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_tables import DT_GNU_HASH, DT_HASH, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.binaries.elf_image import Image, Layout

BYTES_PER_LOOK_UP = 12  # by so many bits: reading 4 KiB takes as long as a look-up
_WORTH = 1 << 11  # bytes of a table for each name: to read it all takes no longer than three small reads for the name
_MANY = 1 << 14  # exported names that are listed; Python exports 1,700, glibc 2,800
_PAGE, _PAGES = 1 << 12, 1 << 9  # bytes of a page, and pages that are kept while a file is open


class HashTable(Tables):
    """What one open file exports."""

    def __init__(self, image: Image, layout: Layout, entries: list[tuple[int, int]]) -> None:
        super().__init__(image, layout, entries)
        #: A part of the file that was read beforehand, and its offset.
        self.held = 0, b""
        #: Pages of the file that look-ups came to, by number: tools that repair wheels put names at the end of a file, far from
        #: the symbols, and then the tables are not held at once.
        self.pages: dict[int, bytes] = {}

    def defines(self, names: Iterable[bytes]) -> set[bytes]:
        """Those of the names that the file exports, in whatever version."""
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
        self.work += len(content) >> BYTES_PER_LOOK_UP
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
        """All that the file exports; None where it has no DT_GNU_HASH, or so much that asking for names is quicker."""
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
