"""Look names up in an export trie without walking all of it.

The trie of a large library takes 40 MB; a look-up touches some twenty nodes of it. Layout: ``<mach-o/loader.h>``, beside
dyld_info_command. A node is: ULEB128 size of its terminal payload, the payload, a byte that counts the edges, and for each edge
a NUL-terminated label and the ULEB128 offset of the child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_archcheck import limits

if TYPE_CHECKING:
    from pytest_archcheck.binaries.model import Extent
    from pytest_archcheck.binaries.source import Source

_REEXPORT = 0x08  # EXPORT_SYMBOL_FLAGS_REEXPORT: payload is a library ordinal and the name there

_FIRST_WINDOW = 512  # bytes; a node is read in a window that grows until the node fits
_ULEB_SIZE = 10  # bytes that a 64-bit number takes at most


class TrieInvalid(ValueError):
    """The trie is damaged; the message says how."""


@dataclass(frozen=True, slots=True)
class Export:
    """What a trie says of a name that it offers."""

    #: For a re-export the ordinal of the library that really has the symbol; None for a symbol of this image.
    ordinal: int | None = None
    #: Its name in that library; None for the same name.
    name: bytes | None = None


#: (terminal payload, or None where no name ends here; edges: label, offset of the child)
_Node: TypeAlias = "tuple[bytes | None, list[tuple[bytes, int]]]"


class ExportTrie:
    """The names that one image offers."""

    __slots__ = ("_cached", "_extent", "_nodes", "_source")

    def __init__(self, source: Source, extent: Extent) -> None:
        self._source = source
        self._extent = extent
        self._nodes: dict[int, _Node] = {}
        self._cached = 0

    def find(self, name: bytes) -> Export | None:
        """Return what is said of a name, None where it is not offered.

        Tries written by older linkers hold edges with an empty label, so that several edges of a node can match: all of them
        are followed.

        :raises TrieInvalid: the trie is damaged.
        :raises OSError: the file cannot be read.
        """
        if self._extent.size == 0:
            return None
        pending = [(0, 0)]  # (offset of a node, how much of the name led there)
        visited: set[tuple[int, int]] = set()
        most_visits = limits.TRIE_VISITS
        while pending:
            step = pending.pop()
            if step in visited:
                continue
            visited.add(step)
            if len(visited) > most_visits:
                raise TrieInvalid("its export trie does not end")
            offset, matched = step
            payload, edges = self._nodes.get(offset) or self._read(offset)
            if matched == len(name) and payload is not None:
                return _export(payload)
            for label, child in edges:
                if name.startswith(label, matched):
                    pending.append((child, matched + len(label)))
        return None

    def _read(self, offset: int) -> _Node:
        if offset >= self._extent.size:
            raise TrieInvalid("its export trie points outside itself")
        room = min(self._extent.size - offset, limits.TRIE_NODE_SIZE)
        window = min(_FIRST_WINDOW, room)
        while True:
            data = self._source.read(self._extent.offset + offset, window)
            try:
                node = _parse(data)
                break
            except IndexError:
                if window == room or len(data) < window:
                    raise TrieInvalid("its export trie is cut short") from None
                window = min(window * 8, room)
        self._cached += len(data)
        if self._cached > limits.TRIE_CACHE_SIZE:
            self._nodes.clear()
            self._cached = len(data)
        self._nodes[offset] = node
        return node


def _parse(data: bytes) -> _Node:
    """Read the node at the beginning of the data. Raises IndexError where it does not end inside."""
    size, at = _uleb(data, 0)
    payload = data[at : at + size] if size else None
    at += size
    count = data[at]
    at += 1
    edges = []
    for _ in range(count):
        end = data.find(b"\0", at)
        if end < 0:
            raise IndexError
        label = data[at:end]
        child, at = _uleb(data, end + 1)
        edges.append((label, child))
    return payload, edges


def _export(payload: bytes) -> Export:
    try:
        flags, at = _uleb(payload, 0)
        if not flags & _REEXPORT:
            return Export()
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
