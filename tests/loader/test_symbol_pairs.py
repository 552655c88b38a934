"""Symbols between distributions, from files to findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sources import BytesSource

from pytest_archcheck import limits
from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.binaries.model import Binary, MachOSlice
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.loader import macho_symbols
from pytest_archcheck.loader.symbol_pairs import PairReport, check_pairs
from pytest_archcheck.rules.symbols import judge_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.loader.macho_symbols import Provider

OWNERS = {"base": "base", "addon": "addon", "loose": None}


def add(site: Path, path: str, data: bytes) -> Binary:
    (site / path).parent.mkdir(exist_ok=True)
    (site / path).write_bytes(data)
    slices = read_macho(BytesSource(data), data[:4096])
    return Binary(path=path, location=str(site), format="mach-o", role="extension", slices=slices, size=len(data))


def owner(binary: Binary) -> str | None:
    return OWNERS[binary.path.partition("/")[0]]


def compare(*binaries: Binary) -> PairReport:
    by_name = {f"@rpath/{binary.path.rpartition('/')[2]}": binary for binary in binaries}

    def providers(_binary: Binary, piece: MachOSlice) -> list[Provider]:
        return ["system" if library.name == machos.LIBSYSTEM else by_name.get(library.name) for library in piece.libraries]

    images = [(binary, piece) for binary in binaries for piece in binary.slices if isinstance(piece, MachOSlice)]
    return check_pairs(images, owner, providers)


def addon(*symbols: str) -> bytes:
    return machos.bundle(libraries=["@rpath/libbase.dylib", machos.LIBSYSTEM], undefined=[*symbols, ("_malloc", 2, False)])


def test_a_pair_that_fits(tmp_path: Path) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one"]))
    report = compare(base, add(tmp_path, "addon/x.so", addon("_one")))
    assert report == PairReport([], 1, 1, [])


def test_a_pair_that_does_not(tmp_path: Path) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one"]))
    user = add(tmp_path, "addon/x.so", addon("_one", "_two", "_three"))
    (pair,) = compare(base, user).broken
    assert (pair.binary, pair.provider, pair.library) == (user, base, "@rpath/libbase.dylib")
    assert pair.missing == ("_two", "_three")


def test_files_of_one_distribution_or_of_none_are_not_compared(tmp_path: Path) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one"]))
    assert compare(base, add(tmp_path, "base/x.so", addon("_gone"))).files == 0
    assert compare(base, add(tmp_path, "loose/x.so", addon("_gone"))).files == 0
    assert compare(add(tmp_path, "loose/libbase.dylib", machos.dylib()), add(tmp_path, "addon/x.so", addon("_gone"))).files == 0


def test_what_is_looked_up_in_several_turns_is_told_as_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one", "_two"]))
    users = [add(tmp_path, f"addon/{name}.so", addon("_one", "_two", f"_gone_{name}")) for name in "abc"]
    at_once = compare(base, *users)
    monkeypatch.setattr(limits, "PAIRED_AT_ONCE", 0)
    read = []
    monkeypatch.setattr(macho_symbols, "names_for_others", lambda _, piece: read.append(piece.install_name))
    assert compare(base, *users) == at_once
    assert [pair.missing for pair in at_once.broken] == [("_gone_a",), ("_gone_b",), ("_gone_c",)]
    assert (at_once.files, at_once.found) == (3, 6)
    assert len(read) == 3  # once a turn


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one"]))
    user = add(tmp_path, "addon/x.so", addon("_one"))
    (tmp_path / user.path).unlink()
    ((binary, reason),) = compare(base, user).unread
    assert binary == user
    assert "No such file" in reason


def test_the_finding(tmp_path: Path) -> None:
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=["_one"]))
    long = "__ZN" + "x" * 300
    user = add(tmp_path, "addon/x.so", addon(long, "_two", "_three"))
    owners = {
        name: Distribution(name=name, version="1.0", installer="pip", tags=(), location=str(tmp_path), binaries=())
        for name in ("base", "addon")
    }
    pairs = compare(base, user).broken
    (found,) = judge_pairs(owners["addon"], "addon", pairs, lambda binary: owners[binary.path.partition("/")[0]])
    assert (found.rule, found.severity, found.path) == ("missing-symbol", "error", "addon/x.so")
    assert found.message.startswith("needs the symbol __ZNxxx")
    assert found.message.endswith("... (and 2 others) of @rpath/libbase.dylib, which base 1.0 does not offer")
    assert len(found.message) < 250
    assert found.remedy.endswith("pip install --upgrade addon base")


@pytest.mark.parametrize("count", [3, 400])
def test_what_the_table_of_a_library_has_and_its_trie_has_not(tmp_path: Path, count: int) -> None:
    """Few names are looked up in the trie, many in the symbol table first; what is not there is asked of the trie, too."""
    names = [f"_name{number}" for number in range(400)]
    base = add(tmp_path, "base/libbase.dylib", machos.dylib(exports=names, reexports={"_alias": (1, "_malloc")}))
    user = add(tmp_path, "addon/x.so", addon(*names[:count], "_alias", "_gone"))
    report = compare(base, user)
    assert [pair.missing for pair in report.broken] == [("_gone",)]
    assert report.found == count
