"""Export tries: look-ups, empty edges, and tries that lie."""

from __future__ import annotations

import random
import time

import pytest
from support.sources import BytesSource
from support.tries import export_trie

from pytest_archcheck.binaries.export_trie import Export, ExportTrie, TrieInvalid
from pytest_archcheck.binaries.model import Extent

REGULAR = b"\0\0"  # flags, address


class CountingSource(BytesSource):
    """Counts the bytes that are asked for."""

    asked = 0

    def read(self, offset: int, size: int) -> bytes:
        self.asked += size
        return super().read(offset, size)


def trie(data: bytes) -> ExportTrie:
    return ExportTrie(BytesSource(data), Extent(0, len(data)))


def node(payload: bytes, *edges: tuple[bytes, int]) -> bytes:
    """One node; child offsets take two bytes of ULEB128."""
    out = bytes([len(payload)]) + payload + bytes([len(edges)])
    for label, child in edges:
        out += label + b"\0" + bytes([child & 0x7F | 0x80, child >> 7])
    return out


def test_names_and_their_neighbours() -> None:
    names = ["_a", "_ab", "_abc", "_b", "__ZN3foo3barEv", "__ZN3foo3bazEv"]
    found = trie(export_trie(dict.fromkeys(names, REGULAR)))
    for name in names:
        assert found.find(name.encode()) == Export()
    for name in ("", "_", "_abcd", "_ac", "__ZN3foo", "__ZN3foo3barEvv", "a"):
        assert found.find(name.encode()) is None


def test_a_node_larger_than_the_first_window() -> None:
    names = [f"_{first}{'x' * 300}{number}" for first in "abcdefghij" for number in range(3)]
    found = trie(export_trie(dict.fromkeys(names, REGULAR)))
    assert all(found.find(name.encode()) == Export() for name in names)
    assert found.find(b"_a" + b"x" * 300) is None


def test_reexports() -> None:
    found = trie(export_trie({"_same": b"\x08\x02\0", "_other": b"\x08\x83\x01_name\0"}))
    assert found.find(b"_same") == Export(2, None)
    assert found.find(b"_other") == Export(131, b"_name")


def test_a_stub_with_a_resolver_is_an_export() -> None:
    assert trie(export_trie({"_memcpy": b"\x10\x04\x08"})).find(b"_memcpy") == Export()


def test_every_edge_that_matches_is_followed() -> None:
    """Older linkers wrote edges with an empty label: the first edge that matches may be a dead end."""
    root = node(b"", (b"", 20), (b"_a", 40), (b"_", 60))
    data = root.ljust(20, b"\0") + node(b"", (b"_x", 80)).ljust(20, b"\0")
    data += node(b"", (b"q", 80)).ljust(20, b"\0") + node(b"", (b"ab", 80)).ljust(20, b"\0") + node(REGULAR)
    found = trie(data)
    assert found.find(b"_x") == Export()
    assert found.find(b"_aq") == Export()
    assert found.find(b"_ab") == Export()
    assert found.find(b"_a") is None


def test_many_names_share_a_walk() -> None:
    names = [f"_function_{number:05}" for number in range(0, 20_000, 2)]
    data = export_trie(dict.fromkeys(names, REGULAR))
    source = CountingSource(data)
    asked = [f"_function_{number:05}".encode() for number in range(20_000)]
    found = ExportTrie(source, Extent(0, len(data))).find_all(asked)
    assert set(found.exports) == {name.encode() for name in names}
    assert found.unknown == {}
    assert source.asked < 2 * len(data)  # no node is read for each name


def test_the_plain_walk_and_the_careful_one_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"_{first}{second}{'z' * third}" for first in "abc" for second in ("", "a", "b") for third in range(200)]
    data = export_trie(dict.fromkeys(names[::3], REGULAR) | {"_same": b"\x08\x02\0"})
    asked = [b"_same", *map(str.encode, names)]
    plain = trie(data).find_all(asked)
    monkeypatch.setattr("pytest_archcheck.binaries.export_trie._find_plain", lambda *_: None)
    assert trie(data).find_all(asked) == plain
    assert plain.exports == dict.fromkeys(map(str.encode, names[::3]), Export()) | {b"_same": Export(2, None)}


def test_damage_below_one_edge_is_not_the_others_concern() -> None:
    data = node(b"", (b"_a", 20), (b"_b", 5000)).ljust(20, b"\0") + node(REGULAR)
    found = trie(data).find_all([b"_a", b"_b", b"_bc", b"_c"])
    assert found.exports == {b"_a": Export()}
    assert set(found.unknown) == {b"_b", b"_bc"}


@pytest.mark.parametrize("names", [[b"_"], [b"_", b"_a"], [b"_" + b"a" * number for number in range(2000)]])
def test_a_tangle_costs_no_more_than_its_size(names: list[bytes]) -> None:
    """Each node leads to many others by edges with empty labels: the paths through it are without number."""
    count, edges = 80, 60
    size = 2 + 3 * edges
    nodes = [node(b"", *[(b"", size * ((number * 7 + edge) % count)) for edge in range(edges)]) for number in range(count)]
    data = b"".join(nodes)
    source = CountingSource(data)
    found = ExportTrie(source, Extent(0, len(data))).find_all(names)
    assert found.exports == {}
    assert source.asked < 8 * len(data)


def test_long_names_through_a_cycle() -> None:
    """A node with 120 edges, one of which leads back to it: each character of the names is a step through all of them."""
    edges = [(bytes([number]), 0 if number == 97 else 5) for number in range(1, 121)]
    begin = time.process_time()
    found = trie(node(b"", *edges)).find_all([b"a" * 16_000, b"a" * 15_999 + b"b"])
    assert found.exports == {}
    assert time.process_time() - begin < 3


def test_no_trie_at_all() -> None:
    assert trie(b"").find(b"_a") is None


def test_only_a_little_of_a_large_trie_is_read() -> None:
    names = {f"_function_number_{number:06}": REGULAR for number in range(10_000)}
    data = export_trie(names)
    source = CountingSource(data)
    found = ExportTrie(source, Extent(0, len(data)))
    assert found.find(b"_function_number_003141") == Export()
    assert len(data) > 80_000
    assert source.asked < 40_000


@pytest.mark.parametrize("data", [node(b"", (b"", 0)), node(b"", (b"", 0), (b"", 0), (b"_", 0))])
def test_cycles_end(data: bytes) -> None:
    assert trie(data).find(b"_" * 200) is None


@pytest.mark.parametrize(
    "data",
    [
        node(b"", (b"_", 5000)),  # child outside
        b"\xff\xff\xff\x7f\0",  # payload of 256 MB
        b"\0\xff_a",  # 255 edges in 2 bytes
        b"\0\x01" + b"_" * 50,  # a label that does not end
        b"\x80" * 20,  # a number that does not end
        b"\0",
    ],
)
def test_damage_is_told(data: bytes) -> None:
    with pytest.raises(TrieInvalid):
        trie(data).find(b"_a")


def test_a_damaged_entry() -> None:
    with pytest.raises(TrieInvalid):
        trie(export_trie({"_a": b"\x08\x80"})).find(b"_a")


def test_random_damage_gives_an_answer_or_the_one_error() -> None:
    names = [f"_{number}" for number in range(200)]
    data = export_trie(dict.fromkeys(names, b"\x08\x01_x\0"))
    chance = random.Random(1)  # noqa: S311 - reproducible damage, no secret
    refused = 0
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(5):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            for name in names[::20]:
                trie(bytes(broken)).find(name.encode())
        except TrieInvalid:
            refused += 1
    assert 0 < refused < 300
