"""Look names up in an export trie without walking all of it.

The trie of a large library takes 40 MB; a look-up touches some twenty nodes of it, and names that are looked up together share
most of them. Layout: ``<mach-o/loader.h>``, beside dyld_info_command. A node is: ULEB128 size of its terminal payload, the
payload, a byte that counts the edges, and for each edge a NUL-terminated label and the ULEB128 offset of the child.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.binaries.model import Extent
    from pytest_archcheck.binaries.source import Source

_REEXPORT = 0x08  # EXPORT_SYMBOL_FLAGS_REEXPORT: payload is a library ordinal and the name there

_BLOCK = 1 << 12  # bytes; large tries are read in blocks, each with the beginning of the next one, where its last node may end
_OVERLAP = 1 << 10
_WHOLE = 1 << 16  # bytes; a smaller trie is read at once
_LONG = 1 << 12  # bytes; longer names are looked up with care: what leads to them is copied at each edge
_WORTH = 1 << 10  # bytes; so is one of which no more comes to each name: most of its blocks would be read
_ULEB_SIZE = 10  # bytes that a 64-bit number takes at most


class TrieInvalid(ValueError):
    """The trie is damaged; the message says how."""


class Export(NamedTuple):
    """What a trie says of a name that it offers."""

    #: For a re-export the ordinal of the library that really has the symbol; None for a symbol of this image.
    ordinal: int | None = None
    #: Its name in that library; None for the same name.
    name: bytes | None = None


_OWN = Export()


class Found(NamedTuple):
    """What a trie says of many names; it offers none of the others."""

    exports: dict[bytes, Export]
    #: Names that damage kept from being looked up to their end, and what is wrong.
    unknown: dict[bytes, str]


#: (offset of a node, how much of the names led there, these names)
_Step: TypeAlias = "tuple[int, int, list[bytes]]"


class ExportTrie:
    """The names that one image offers."""

    __slots__ = ("_blocks", "_extent", "_source")

    def __init__(self, source: Source, extent: Extent) -> None:
        self._source = source
        self._extent = extent
        #: Offset -> the bytes that begin there.
        self._blocks: dict[int, bytes] = {}

    def find(self, name: bytes) -> Export | None:
        """Return what is said of a name, None where it is not offered.

        :raises TrieInvalid: the trie is damaged.
        :raises OSError: the file cannot be read.
        """
        found = self.find_all([name])
        if found.unknown:
            raise TrieInvalid(found.unknown[name])
        return found.exports.get(name)

    def find_all(self, names: Iterable[bytes]) -> Found:
        """Look many names up in one walk, which visits each node once.

        Tries written by older linkers hold edges with an empty label, so that several edges of a node can match: all of them
        are followed. A trie is a tree, and each step but such takes a character of each name: a walk of more bytes, or of more
        steps, goes through a trie that is none.

        :raises OSError: the file cannot be read.
        """
        found = Found({}, {})
        wanted = sorted(set(names))
        if self._extent.size == 0 or not wanted:
            return found
        if self._extent.size <= max(_WHOLE, min(_WORTH * len(wanted), limits.TRIE_READ_SIZE)):
            data = self._blocks[0] = self._source.read(self._extent.offset, self._extent.size)
            if max(map(len, wanted)) <= _LONG:
                _find_plain(data, wanted, found.exports)
            wanted = [name for name in wanted if name not in found.exports]
        return self._find_carefully(wanted, found) if wanted else found

    def _find_carefully(self, wanted: list[bytes], found: Found) -> Found:
        bytes_left = limits.TRIE_WALKS * self._extent.size + _WHOLE
        steps_left = sum(map(len, wanted)) + limits.TRIE_EMPTY_STEPS * len(wanted)
        pending: list[_Step] = [(0, 0, wanted)]
        visited: dict[tuple[int, int], list[bytes]] = {}
        while pending:
            offset, matched, group = pending.pop()
            before = visited.get((offset, matched))
            if before is None:
                visited[offset, matched] = group
            else:
                group = list(set(group).difference(before))  # those that were not here yet
                visited[offset, matched] = before + group
            if not group:
                continue
            steps_left -= len(group)
            if steps_left < 0 or bytes_left < 0 or max(len(visited), len(pending)) > limits.TRIE_VISITS:
                left = [*group, *(name for *_, others in pending for name in others)]
                found.unknown.update(dict.fromkeys(left, "its export trie does not end"))
                break
            try:
                bytes_left -= self._visit(offset, matched, group, found, pending)
            except TrieInvalid as error:
                found.unknown.update(dict.fromkeys(group, str(error)))
        for name in found.exports:
            found.unknown.pop(name, None)
        return found

    def _visit(self, offset: int, matched: int, group: list[bytes], found: Found, pending: list[_Step]) -> int:
        """Read one node for names that led there: note those that end, put the others down; return the node's size."""
        if offset >= self._extent.size:
            raise TrieInvalid("its export trie points outside itself")
        data, at = self._at(offset)
        room = min(self._extent.size - offset, limits.TRIE_NODE_SIZE)
        while True:
            try:
                return _visit(data, at, matched, group, found, pending) - at
            except IndexError:
                if len(data) - at >= room:
                    raise TrieInvalid("its export trie is cut short") from None
            window = min((len(data) - at) * 8, room)
            data, at = self._source.read(self._extent.offset + offset, window), 0
            if len(data) < window:
                room = len(data)  # the file ends here

    def _at(self, offset: int) -> tuple[bytes, int]:
        """The bytes of the block that holds an offset, and its place there."""
        if self._extent.size <= len(self._blocks.get(0, b"")):
            return self._blocks[0], offset
        begin = offset & -_BLOCK
        size = min(_BLOCK + _OVERLAP, self._extent.size - begin)
        block = self._blocks.get(begin)
        if block is None:
            if len(self._blocks) >= limits.TRIE_BLOCKS:
                self._blocks.clear()
            block = self._blocks[begin] = self._source.read(self._extent.offset + begin, size)
        return block, offset - begin


def _find_plain(data: bytes, names: list[bytes], exports: dict[bytes, Export]) -> None:
    """Find sorted names in a trie as linkers write it, whose edges differ in their first character, to one end each.

    It stops at anything else: what is not found here may be there all the same. Twice as fast as the careful walk.
    """
    left = limits.TRIE_WALKS * len(data)
    pending = [(0, 0, 0, len(names))]  # offset of a node, how much of the names led there, the first of them and the one after
    try:
        while pending and left > 0:
            offset, matched, low, high = pending.pop()
            size, at = _uleb(data, offset)
            if size and len(names[low]) == matched:
                exports[names[low]] = _export(data[at : at + size])
                low += 1
                if low == high:
                    continue
            count, edge = data[at + size], at + size + 1
            for _ in range(count):
                end = data.find(0, edge)
                if end <= edge:
                    return
                label = data[edge:end]
                child, edge = _uleb(data, end + 1)
                first, last = low, high
                if high - low > 1:
                    prefix = names[low][:matched] + label
                    first = bisect_left(names, prefix, low, high)
                    last = bisect_left(names, prefix + b"\xff", first, high)  # no name holds this byte, which is not in UTF-8
                if first < last and names[first].startswith(label, matched):
                    pending.append((child, matched + len(label), first, last))
            left -= edge - offset
    except (IndexError, TrieInvalid):
        return


def _visit(data: bytes, at: int, matched: int, group: list[bytes], found: Found, pending: list[_Step]) -> int:
    """Read the node at an offset of the data; return where it ends. Raises IndexError where it does not end inside."""
    size, at = _uleb(data, at)
    ends = at + size
    count = data[ends]
    single = group[0] if len(group) == 1 else None
    steps, following = (
        _one_on(data, ends + 1, count, matched, single, group)
        if single is not None
        else _many_on(data, ends + 1, count, matched, group)
    )
    for name in group if size else ():
        if len(name) == matched and name not in found.exports:
            try:
                found.exports[name] = _export(data[at:ends])
            except TrieInvalid as error:
                found.unknown[name] = str(error)
    pending += steps
    return following


def _one_on(data: bytes, edge: int, count: int, matched: int, name: bytes, group: list[bytes]) -> tuple[list[_Step], int]:
    """Where edges lead a single name, which is most of the work; return that and where the edges end."""
    steps: list[_Step] = []
    wanted = name[matched] if matched < len(name) else -1
    for _ in range(count):
        end = data.find(0, edge)
        if end < 0:
            raise IndexError
        if end == edge or (data[edge] == wanted and name.startswith(data[edge:end], matched)):
            steps.append((_uleb(data, end + 1)[0], matched + end - edge, group))
        edge = end + 2 if data[end + 1] < 0x80 else _uleb(data, end + 1)[1]
    return steps, edge


def _many_on(data: bytes, edge: int, count: int, matched: int, group: list[bytes]) -> tuple[list[_Step], int]:
    """Where edges lead each of several names."""
    steps: list[_Step] = []
    by_next: dict[int, list[bytes]] = {}
    for name in group:
        if len(name) > matched:
            by_next.setdefault(name[matched], []).append(name)
    for _ in range(count):
        end = data.find(0, edge)
        if end < 0:
            raise IndexError
        child, following = _uleb(data, end + 1)
        some = group if end == edge else by_next.get(data[edge])
        if some and end - edge > 1:
            label = data[edge:end]
            some = [name for name in some if name.startswith(label, matched)]
        if some:
            steps.append((child, matched + end - edge, group if len(some) == len(group) else some))
        edge = following
    return steps, edge


def _export(payload: bytes) -> Export:
    try:
        flags, at = _uleb(payload, 0)
        if not flags & _REEXPORT:
            return _OWN
        ordinal, at = _uleb(payload, at)
    except IndexError:
        raise TrieInvalid("an entry of its export trie is cut short") from None
    name = payload[at:].split(b"\0", 1)[0]
    return Export(ordinal, name or None)


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    """Read a ULEB128 number; return it and the offset after it. Raises IndexError at the end of the data."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    number = shift = 0
    for here in range(at, at + _ULEB_SIZE):
        byte = data[here]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, here + 1
        shift += 7
    raise TrieInvalid("its export trie holds a number of more than 64 bits")
