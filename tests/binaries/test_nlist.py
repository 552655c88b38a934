"""Symbol tables: what is read of them in runs is what stands there entry by entry."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sources import BytesSource
from support.undefined import undefined_symbols

from pytest_archcheck import limits
from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.binaries.model import Extent, MachOSlice, SymbolTable
from pytest_archcheck.binaries.nlist import DYNAMIC_LOOKUP, names_for_others

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Name, n_type, n_desc.
Entry = tuple[bytes, int, int]
UNDEFINED, DEFINED, PRIVATE, LOCAL, DEBUGGING, ABSOLUTE = 0x01, 0x0F, 0x1F, 0x0E, 0x24, 0x03


def table(
    entries: Sequence[Entry],
    order: Sequence[int] | None = None,
    *,
    shared: bool = False,
    is_64: bool = True,
    big_endian: bool = False,
) -> tuple[BytesSource, MachOSlice]:
    """A file of symbols and strings alone.

    :param order: the entries in the order in which their names lie in the string table; theirs by default.
    :param shared: a name is not written again where it is the end of one that is there.
    """
    sample = machos.dylib()
    (piece,) = read_macho(BytesSource(sample), sample[:4096])
    piece = piece._replace(is_64=is_64, big_endian=big_endian)
    strings, places = b"\0", {}
    for index in range(len(entries)) if order is None else order:
        name = entries[index][0] + b"\0"
        there = strings.find(name) if shared else -1
        places[index] = there if there >= 0 else len(strings)
        strings += b"" if there >= 0 else name
    layout = (">" if piece.big_endian else "<") + ("IBBHQ" if piece.is_64 else "IBBHI")
    symbols = b"".join(struct.pack(layout, places[index], kind, 1, desc, 0) for index, (_, kind, desc) in enumerate(entries))
    tables = SymbolTable(Extent(0, len(symbols)), Extent(len(symbols), len(strings)))
    data = symbols + strings
    return BytesSource(data), piece._replace(symbol_table=tables, extent=Extent(0, len(data)))


MIXED: list[Entry] = [
    (b"_local", LOCAL, 0),
    (b"_debug", DEBUGGING, 0),
    (b"_one", DEFINED, 0),
    (b"_hidden", PRIVATE, 0),
    (b"_three", ABSOLUTE, 0),
    (b"_needed", UNDEFINED, 0x0100),
    (b"_weakly", UNDEFINED, 0x0240),
    (b"_flat", UNDEFINED, 0xFE00),
]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("is_64", [False, True])
def test_all_layouts(*, is_64: bool, big_endian: bool) -> None:
    source, piece = table(MIXED, is_64=is_64, big_endian=big_endian)
    assert [tuple(one) for one in undefined_symbols(source, piece)] == [
        (b"_needed", 1, False),
        (b"_weakly", 2, True),
        (b"_flat", DYNAMIC_LOOKUP, False),
    ]
    assert [one.name for one in undefined_symbols(source, piece, {2, 7})] == [b"_weakly"]
    assert names_for_others(source, piece) == [b"_one", b"_three"]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("sorted_kinds", [False, True])
@pytest.mark.parametrize("sorted_names", [False, True])
def test_any_order_says_the_same(*, sorted_names: bool, sorted_kinds: bool, shared: bool) -> None:
    """Linkers write locals, what is defined and what is undefined one after the other, and so their names; others may not."""
    chance = random.Random(18)  # noqa: S311 - no secret
    for _ in range(40):
        kinds = chance.choices((UNDEFINED, DEFINED, LOCAL, PRIVATE), k=chance.randrange(1, 60))
        entries = [(chance.choice((b"_", b"_a", b"")) + b"%d" % number, kind, 0x0100) for number, kind in enumerate(kinds)]
        if sorted_kinds:
            entries.sort(key=lambda entry: (LOCAL, PRIVATE, DEFINED, UNDEFINED).index(entry[1]))
        order = list(range(len(entries)))
        if not sorted_names:
            chance.shuffle(order)
        source, piece = table(entries, order, shared=shared)
        undefined = [name for name, kind, _ in entries if kind == UNDEFINED]
        defined = [name for name, kind, _ in entries if kind == DEFINED]
        assert [one.name for one in undefined_symbols(source, piece)] == undefined
        found = names_for_others(source, piece)
        assert found == defined or (found is None and not (sorted_names and not shared))


def test_only_names_behind_each_other_are_taken_together() -> None:
    source, piece = table(MIXED, list(reversed(range(len(MIXED)))))
    assert names_for_others(source, piece) is None
    assert len(list(undefined_symbols(source, piece))) == 3


def test_a_table_that_is_too_large_to_be_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source, piece = table(MIXED)
    monkeypatch.setattr(limits, "SYMBOLS_READ_SIZE", 10)
    assert names_for_others(source, piece) is None
    assert len(list(undefined_symbols(source, piece))) == 3


def test_names_without_an_end() -> None:
    source, piece = table(MIXED)
    tables = piece.symbol_table
    assert tables is not None
    cut = tables._replace(strings=Extent(tables.strings.offset, tables.strings.size - 1))
    assert names_for_others(source, piece._replace(symbol_table=cut)) == [b"_one", b"_three"]
    last = table(MIXED[:5])
    tables = last[1].symbol_table
    assert tables is not None
    cut = tables._replace(strings=Extent(tables.strings.offset, tables.strings.size - 1))
    assert names_for_others(last[0], last[1]._replace(symbol_table=cut)) is None
