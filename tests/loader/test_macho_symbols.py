"""Where symbols are found: ordinals, re-exports, flat look-up, and what cannot be known."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sources import BytesSource
from support.undefined import undefined_symbols

from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.binaries.model import Binary, Extent, MachOSlice, SymbolTable
from pytest_archcheck.binaries.nlist import SymbolsInvalid
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.loader.macho_symbols import FLAT, FlatNamespace, Image, MissingSymbol, SymbolReport, SymbolSpace, image_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_archcheck.binaries.source import Source
    from pytest_archcheck.loader.macho_symbols import Provider


class World:
    """Files by name; a linked library ``@rpath/NAME`` is served by the file of that name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Binary] = {}

    def add(self, name: str, data: bytes) -> Binary:
        (self.folder / name).write_bytes(data)
        slices = read_macho(BytesSource(data), data[:4096])
        self.files[name] = Binary(
            path=name, location=str(self.folder), format="mach-o", role="library", slices=slices, size=len(data)
        )
        return self.files[name]

    def providers(self, _binary: Binary, piece: MachOSlice) -> list[Provider]:
        return [
            "system" if library.name.startswith("/usr/lib/") else self.files.get(library.name.removeprefix("@rpath/"))
            for library in piece.libraries
        ]

    def check(self, name: str, flat: FlatNamespace | None = None, ordinals: set[int] | None = None) -> SymbolReport:
        space = SymbolSpace(self.providers)
        return space.check(self.image(name), flat, ordinals=ordinals)

    def image(self, name: str, architecture: str = "arm64") -> Image:
        found = image_of(self.files[name], architecture)
        assert found is not None
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def user(*symbols: str | tuple[str, int, bool], libraries: tuple[str, ...] = ("@rpath/a.dylib",)) -> bytes:
    return machos.bundle(libraries=libraries, undefined=symbols)


def test_found_and_missing(world: World) -> None:
    world.add("a.dylib", machos.dylib(exports=["_one", "_two"]))
    world.add("user.so", user("_one", "_two", "_three"))
    assert world.check("user.so") == SymbolReport((MissingSymbol("_three", "@rpath/a.dylib"),), 2, {})


def test_a_weak_reference_may_be_missing(world: World) -> None:
    world.add("a.dylib", machos.dylib(exports=["_one"]))
    world.add("user.so", user(("_gone", 1, True), ("_one", 1, False)))
    assert world.check("user.so") == SymbolReport((), 1, {})


def test_the_ordinal_decides_which_library_is_asked(world: World) -> None:
    world.add("a.dylib", machos.dylib(exports=["_a"]))
    world.add("b.dylib", machos.dylib(exports=["_b"]))
    world.add("user.so", user(("_a", 2, False), ("_b", 2, False), libraries=("@rpath/a.dylib", "@rpath/b.dylib")))
    assert world.check("user.so").missing == (MissingSymbol("_a", "@rpath/b.dylib"),)
    assert world.check("user.so", ordinals={1}) == SymbolReport((), 0, {})


def test_what_lies_in_the_shared_cache_is_unchecked(world: World) -> None:
    world.add("user.so", user("_malloc", "_free", libraries=(machos.LIBSYSTEM,)))
    assert world.check("user.so") == SymbolReport((), 0, {machos.LIBSYSTEM: 2})


def test_a_library_that_is_not_there_is_another_findings_concern(world: World) -> None:
    world.add("user.so", user("_one"))
    assert world.check("user.so") == SymbolReport((), 0, {"@rpath/a.dylib": 1})


def test_special_ordinals(world: World) -> None:
    symbols = (("_flat", 0xFE, False), ("_program", 0xFF, False), ("_own", 0, False), ("_beyond", 9, False))
    world.add("user.so", machos.bundle(undefined=symbols, exports=["_own"]))
    assert world.check("user.so") == SymbolReport((), 1, {FLAT: 1, "the program": 1, "library 9": 1})


def test_an_image_without_two_level_namespace_looks_up_flat(world: World) -> None:
    world.add("user.so", machos.bundle(undefined=["_one"], flags=0x5))
    assert world.check("user.so").unchecked == {FLAT: 1}


def test_flat_lookup_over_given_images(world: World) -> None:
    world.add("a.dylib", machos.dylib(exports=["_TF_one"]))
    world.add("user.so", user(("_TF_one", 0xFE, False), ("_TF_two", 0xFE, False), ("_objc_msgSend", 0xFE, False)))
    flat = FlatNamespace((world.image("a.dylib"),), lambda name: name.startswith(b"_TF_"))
    assert world.check("user.so", flat) == SymbolReport((MissingSymbol("_TF_two", FLAT),), 1, {FLAT: 1})


def test_reexported_symbols_are_followed_under_their_other_name(world: World) -> None:
    reexports = {"_here": (1, "_there"), "_same": (1, ""), "_gone": (1, "_nowhere"), "_system": (2, "")}
    world.add("deep.dylib", machos.dylib(exports=["_there", "_same"]))
    libraries = ("@rpath/deep.dylib", machos.LIBSYSTEM)
    world.add("a.dylib", machos.dylib(libraries=libraries, reexports=reexports))
    world.add("user.so", user("_here", "_same", "_gone", "_system"))
    assert world.check("user.so") == SymbolReport((MissingSymbol("_gone", "@rpath/a.dylib"),), 2, {"@rpath/a.dylib": 1})


def test_reexported_libraries_are_followed(world: World) -> None:
    world.add("deep.dylib", machos.dylib(exports=["_deep"]))
    world.add("middle.dylib", machos.dylib(libraries=[("@rpath/deep.dylib", "reexport")], exports=["_middle"]))
    world.add("plain.dylib", machos.dylib(exports=["_plain"]))
    world.add("a.dylib", machos.dylib(libraries=["@rpath/plain.dylib", ("@rpath/middle.dylib", "reexport")], exports=["_a"]))
    world.add("user.so", user("_a", "_middle", "_deep", "_plain"))
    report = world.check("user.so")
    assert report == SymbolReport((MissingSymbol("_plain", "@rpath/a.dylib"),), 3, {})


def test_a_reexported_system_library_leaves_it_open(world: World) -> None:
    world.add("a.dylib", machos.dylib(libraries=[("/usr/lib/libc++.1.dylib", "reexport")], exports=["_a"]))
    world.add("user.so", user("_a", "_perhaps"))
    assert world.check("user.so") == SymbolReport((), 1, {"@rpath/a.dylib": 1})


def test_libraries_that_reexport_each_other(world: World) -> None:
    world.add("a.dylib", machos.dylib(libraries=[("@rpath/b.dylib", "reexport")], reexports={"_loop": (1, "_loop")}))
    world.add("b.dylib", machos.dylib(libraries=[("@rpath/a.dylib", "reexport")], reexports={"_loop": (1, "_loop")}))
    world.add("user.so", user("_loop", "_none"))
    assert [symbol.name for symbol in world.check("user.so").missing] == ["_loop", "_none"]


@pytest.mark.parametrize("command", ["exports-trie", "dyld-info"])
def test_slices_of_fat_files_and_both_trie_commands(world: World, command: str) -> None:
    intel = machos.dylib("x86_64", exports=["_intel"], trie_command=command)
    world.add("a.dylib", machos.fat(intel, machos.dylib(exports=["_arm"], trie_command=command)))
    world.add("user.so", machos.fat(*(machos.bundle(arch, libraries=["@rpath/a.dylib"], undefined=["_arm", "_intel"])
                                      for arch in ("x86_64", "arm64"))))  # fmt: skip
    for architecture, missing in (("arm64", "_intel"), ("x86_64", "_arm")):
        space = SymbolSpace(world.providers)
        report = space.check(world.image("user.so", architecture))
        assert [symbol.name for symbol in report.missing] == [missing]


def test_a_32_bit_big_endian_image(world: World) -> None:
    """The other layout of nlist, in the other byte order."""
    world.add("a.dylib", machos.dylib("ppc", exports=["_one"]))
    world.add("user.so", machos.bundle("ppc", libraries=["@rpath/a.dylib"], undefined=["_one", "_two"]))
    space = SymbolSpace(world.providers)
    report = space.check(world.image("user.so", "ppc"))
    assert report == SymbolReport((MissingSymbol("_two", "@rpath/a.dylib"),), 1, {})


def test_a_provider_without_the_architecture_is_another_findings_concern(world: World) -> None:
    world.add("a.dylib", machos.dylib("x86_64", exports=["_one"]))
    world.add("user.so", user("_one"))
    assert world.check("user.so").unchecked == {"@rpath/a.dylib": 1}


def test_few_files_are_open_at_a_time(world: World) -> None:
    for number in range(100):
        world.add(f"{number}.dylib", machos.dylib(exports=[f"_{number}"]))
    symbols = [(f"_{number}", number + 1, False) for number in range(100)] * 2
    libraries = tuple(f"@rpath/{number}.dylib" for number in range(100))
    world.add("user.so", user(*symbols, ("_none", 1, False), libraries=libraries))
    opened = most = 0

    @contextlib.contextmanager
    def opener(path: str) -> Iterator[Source]:
        nonlocal opened, most
        opened += 1
        most = max(most, opened)
        with open_file(path) as source:
            yield source
        opened -= 1

    space = SymbolSpace(world.providers, opener)
    report = space.check(world.image("user.so"))
    assert (report.found, len(report.missing)) == (200, 1)
    assert most <= 40
    assert opened == 0


def test_a_file_that_is_gone(world: World) -> None:
    world.add("a.dylib", machos.dylib(exports=["_one"]))
    world.add("user.so", user("_one"))
    (world.folder / "a.dylib").unlink()
    assert world.check("user.so") == SymbolReport((), 0, {"@rpath/a.dylib": 1})
    (world.folder / "user.so").unlink()
    assert "No such file" in str(world.check("user.so").problem)


def damaged(data: bytes, **facts: Extent) -> MachOSlice:
    (piece,) = read_macho(BytesSource(data), data[:4096])
    assert piece.symbol_table is not None
    return piece._replace(symbol_table=piece.symbol_table._replace(**facts))


@pytest.mark.parametrize(
    "facts",
    [
        {"symbols": Extent(0, 1 << 40)},
        {"symbols": Extent(1 << 40, 16)},
        {"strings": Extent(1 << 40, 16)},
        {"strings": Extent(0, 0)},
        {"strings": Extent(0, 3)},
    ],
)
def test_tables_that_lie(facts: dict[str, Extent]) -> None:
    data = user("_one", "_two")
    with pytest.raises(SymbolsInvalid):
        list(undefined_symbols(BytesSource(data), damaged(data, **facts)))


SAMPLE = machos.bundle()


def test_an_image_without_a_symbol_table_needs_nothing() -> None:
    (piece,) = read_macho(BytesSource(SAMPLE), SAMPLE[:4096])
    assert list(undefined_symbols(BytesSource(SAMPLE), piece._replace(symbol_table=None))) == []


def test_a_large_table_is_read_to_its_end() -> None:
    """More entries than one read takes, the undefined one at its end."""
    entries = struct.pack("<IBBHQ", 1, 0xF, 1, 0, 0) * 70_000 + struct.pack("<IBBHQ", 5, 0x1, 0, 0x100, 0)
    strings = b"\0_in\0_out\0"
    (piece,) = read_macho(BytesSource(SAMPLE), SAMPLE[:4096])
    table = SymbolTable(symbols=Extent(0, len(entries)), strings=Extent(len(entries), len(strings)))
    large = piece._replace(symbol_table=table, extent=Extent(0, len(entries) + len(strings)))
    (symbol,) = undefined_symbols(BytesSource(entries + strings), large)
    assert (symbol.name, symbol.ordinal, symbol.weak) == (b"_out", 1, False)
