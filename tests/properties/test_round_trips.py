"""What a builder put into a file is what the readers find in it."""

from __future__ import annotations

import csv
import io
import re
from unittest import mock

from hypothesis import assume, given
from hypothesis import strategies as st
from support import elfs, machos
from support.sources import BytesSource
from support.tries import export_trie
from support.undefined import undefined_symbols

from pytest_archcheck.binaries.export_trie import Export, ExportTrie
from pytest_archcheck.binaries.model import Binary, ElfSlice, Extent, MachOSlice
from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.discover import record
from pytest_archcheck.loader.signing import read_signature

#: Install names and rpaths: any text that a C string can hold.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
SYMBOLS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
VERSIONS = st.tuples(st.integers(1, 99), st.integers(0, 99)).map(lambda pair: f"{pair[0]}.{pair[1]}")
KINDS = st.sampled_from(["regular", "weak", "reexport", "upward", "lazy"])


def read(data: bytes) -> Binary:
    found = read_binary("pkg/_x.so", "/site", BytesSource(data), data[:4096])
    assert found is not None
    assert found.problem is None
    return found


@given(
    arch=st.sampled_from(["arm64", "arm64e", "x86_64", "i386", "ppc", "ppc64", "armv7"]),
    minos=VERSIONS,
    sdk=VERSIONS,
    libraries=st.lists(st.tuples(NAMES, KINDS), max_size=6),
    rpaths=st.lists(NAMES, max_size=4),
    install_name=NAMES,
    undefined=st.lists(st.tuples(SYMBOLS, st.integers(0, 255), st.booleans()), max_size=6),
)
def test_macho(
    arch: str, minos: str, sdk: str, libraries: list[tuple[str, str]], rpaths: list[str], install_name: str,
    undefined: list[tuple[str, int, bool]],
) -> None:  # fmt: skip
    data = machos.dylib(arch, install_name, libraries=libraries, rpaths=rpaths, minos=minos, sdk=sdk, undefined=undefined)
    (piece,) = read(data).slices
    assert isinstance(piece, MachOSlice)
    assert (piece.architecture, piece.min_os, piece.sdk, piece.install_name) == (arch, minos, sdk, install_name)
    assert [(library.name, library.kind) for library in piece.libraries] == libraries
    assert list(piece.rpaths) == rpaths
    found = [(symbol.name.decode(), symbol.ordinal, symbol.weak) for symbol in undefined_symbols(BytesSource(data), piece)]
    assert found == undefined
    assert read_signature(BytesSource(data), piece, all_pages=True).kind == ("ad-hoc" if arch.startswith("arm64") else "none")


@given(st.data())
def test_one_changed_byte_breaks_the_signature(data: st.DataObject) -> None:
    content = bytearray(machos.bundle())
    (piece,) = read(bytes(content)).slices
    assert isinstance(piece, MachOSlice)
    assert piece.signature is not None
    at = data.draw(st.integers(0, piece.signature.offset - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    assert read_signature(BytesSource(bytes(content)), piece, all_pages=True).kind == "invalid"


@given(st.lists(st.sampled_from(["arm64", "x86_64", "i386", "ppc"]), min_size=1, max_size=4, unique=True), st.booleans())
def test_fat(architectures: list[str], is_64: bool) -> None:  # noqa: FBT001 - a parameter
    data = machos.fat(*(machos.bundle(arch) for arch in architectures), is_64=is_64, align=12)
    assert list(read(data).architectures) == architectures


@given(
    arch=st.sampled_from(sorted(elfs.ARCHITECTURES)),
    needed=st.lists(NAMES, max_size=5, unique=True),
    runpath=st.none() | st.lists(NAMES, min_size=1, max_size=4).map(":".join),
    soname=st.none() | NAMES,
    versions=st.dictionaries(SYMBOLS, st.lists(SYMBOLS, min_size=1, max_size=3, unique=True), max_size=3),
)
def test_elf(arch: str, needed: list[str], runpath: str | None, soname: str | None, versions: dict[str, list[str]]) -> None:
    (piece,) = read(elfs.shared(arch, needed=needed, runpath=runpath, soname=soname, versions=versions)).slices
    assert isinstance(piece, ElfSlice)
    assert (piece.architecture, piece.install_name) == (arch, soname)
    assert [library.name for library in piece.libraries] == needed
    assert list(piece.rpaths) == (runpath.split(":") if runpath else [])
    assert sorted(piece.required_versions) == sorted((name, one) for name, group in versions.items() for one in group)


@given(st.sets(SYMBOLS, min_size=1, max_size=40), SYMBOLS)
def test_trie(names: set[str], other: str) -> None:
    data = export_trie(dict.fromkeys(names, b"\0\0"))
    found = ExportTrie(BytesSource(data), Extent(0, len(data)))
    assert all(found.find(name.encode()) == Export() for name in names)
    assert (found.find(other.encode()) is not None) == (other in names)


#: A quoted path may hold a line break.
_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\") | st.just("\n")
PATHS = st.builds(
    "{}{}".format,
    st.text(_CHARACTERS, min_size=1),
    st.sampled_from(["", "", ".so", ".so.1", ".so.1.2k", ".dylib", ".so.x", ".dist-info/RECORD"]),
)


def _in_metadata(path: str) -> bool:
    return path.partition("/")[0].endswith((".dist-info", ".egg-info"))


@given(st.sets(PATHS, max_size=8), st.sets(PATHS, max_size=2), st.sampled_from([1, 7, 64]), st.sampled_from(["\n", "\r\n"]))
def test_record(paths: set[str], others: set[str], block: int, line_end: str) -> None:
    assume(all(path.strip() for path in paths))
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows([path, "sha256=x", 1] for path in sorted(paths))
    with mock.patch.object(record, "_BLOCK", block):
        source = BytesSource(text.getvalue().encode())
        found = record._record(record._paths(record.record_blocks(source)), None)
        some = record._record(record._paths(record.record_blocks(source)), others)
    assert found.files == paths
    assert some == found._replace(files=paths & others, unasked=some.unasked)
    compiled = {path for path in paths - others if path.endswith((".so", ".dylib")) or re.search(r"\.so(\.\d+[a-z]?)+\Z", path)}
    assert set(some.unasked) == {path for path in compiled if path[:3] != "../" and not _in_metadata(path)}
    assert set(found.outside) == {path for path in paths if path[:3] == "../" or path[0] == "/" or path[1:3] == ":/"}
    assert found.problems == () or found.outside
