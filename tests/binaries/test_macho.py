"""The Mach-O reader on built and linked files, and on every kind of lie that a header can tell."""

from __future__ import annotations

import random
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import machos
from support.sources import BytesSource
from support.tools import find_tool, output_of

from pytest_archcheck.binaries.load_commands import MachOInvalid
from pytest_archcheck.binaries.macho import is_java_class, read_macho
from pytest_archcheck.binaries.model import LinkedLibrary

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.binaries.model import MachOSlice

#: No load command has this number (yet).
UNKNOWN_COMMAND = 0x7E


def read(data: bytes) -> tuple[MachOSlice, ...]:
    return read_macho(BytesSource(data), data[:4096])


def read_one(data: bytes) -> MachOSlice:
    (piece,) = read(data)
    return piece


def patched(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def test_every_fact() -> None:
    libraries = [machos.LIBSYSTEM, ("@rpath/weak.dylib", "weak"), ("@rpath/re.dylib", "reexport")]
    data = machos.dylib(
        install_name="@rpath/libß.dylib",
        libraries=libraries,
        rpaths=["@loader_path/.dylibs", "/opt/x"],
        minos="11.3.1",
        sdk="15.4",
    )
    piece = read_one(data)
    assert (piece.architecture, piece.platform, piece.min_os, piece.sdk) == ("arm64", "macos", "11.3.1", "15.4")
    assert (piece.install_name, piece.rpaths) == ("@rpath/libß.dylib", ("@loader_path/.dylibs", "/opt/x"))
    expected = ((machos.LIBSYSTEM, "regular"), ("@rpath/weak.dylib", "weak"), ("@rpath/re.dylib", "reexport"))
    assert piece.libraries == tuple(LinkedLibrary(name, kind) for name, kind in expected)  # type: ignore[arg-type]
    assert (piece.filetype, piece.is_64, piece.big_endian, piece.has_uuid) == (6, True, False, True)
    assert piece.extent.size == len(data)
    assert piece.signature is not None
    assert data[piece.signature.offset :][:4] == bytes.fromhex("fade0cc0")  # CSMAGIC_EMBEDDED_SIGNATURE


@pytest.mark.parametrize("arch", machos.ARCHITECTURES)
def test_architectures(arch: str) -> None:
    piece = read_one(machos.bundle(arch))
    assert piece.architecture == arch
    assert piece.big_endian == arch.startswith("ppc")


@pytest.mark.parametrize(
    ("facts", "platform"),
    [
        ({}, "macos"),
        ({"platform": "ios"}, "ios"),
        ({"platform": "iossimulator"}, "ios-simulator"),
        ({"platform": "maccatalyst"}, "mac-catalyst"),
        ({"platform": "driverkit"}, "driverkit"),
        ({"version_command": "min"}, "macos"),
        ({"version_command": "min", "platform": "tvos"}, "tvos"),
        ({"version_command": None}, "macos"),
    ],
)
def test_platforms(facts: dict[str, Any], platform: str) -> None:
    assert read_one(machos.bundle(**facts)).platform == platform


def test_a_zippered_file_is_for_macos_whichever_comes_first() -> None:
    mac = struct.pack("<6I", 0x32, 24, 1, 0xB0000, 0xE0000, 0)
    piece = read_one(machos.bundle(platform="maccatalyst", minos="14.0", commands=[mac]))
    assert (piece.platform, piece.min_os) == ("macos", "11.0")


def test_delayed_and_weak_uses_of_xcode_16() -> None:
    # dylib_use_command: LC_LOAD_DYLIB whose timestamp is the marker; flags 1 is DYLIB_USE_WEAK_LINK
    use = struct.pack("<7I", 0xC, 40, 28, 0x1A741800, 0x10000, 0x10000, 1) + b"@rpath/a\0\0\0\0"
    assert read_one(machos.bundle(commands=[use])).libraries[-1] == LinkedLibrary("@rpath/a", "weak")


@pytest.mark.parametrize("is_64", [False, True])
def test_fat_files_agree_with_llvm(is_64: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    data = machos.fat(machos.bundle("x86_64"), machos.bundle("arm64", minos="12.0"), is_64=is_64)
    (tmp_path / "x.so").write_bytes(data)
    pieces = read(data)
    assert [piece.architecture for piece in pieces] == output_of(
        find_tool("llvm-lipo"), "-archs", str(tmp_path / "x.so")
    ).split()
    assert [piece.min_os for piece in pieces] == ["11.0", "12.0"]
    for piece in pieces:
        assert data[piece.extent.offset :][:4] == bytes.fromhex("cffaedfe")
        assert read_one(data[piece.extent.offset :][: piece.extent.size]).architecture == piece.architecture


def test_a_linked_file(tmp_path: Path) -> None:
    (tmp_path / "a.o").write_bytes(machos.relocatable())
    command = [
        find_tool("ld64.lld"),
        "-dylib",
        "-arch",
        "arm64",
        "-platform_version",
        "macos",
        "12.1",
        "14.2",
        "-rpath",
        "@loader_path/x",
    ]
    command += ["-install_name", "@rpath/liba.dylib", "-undefined", "dynamic_lookup", "-o", str(tmp_path / "liba.dylib")]
    output_of(*command, str(tmp_path / "a.o"))
    piece = read_one((tmp_path / "liba.dylib").read_bytes())
    assert (piece.architecture, piece.min_os, piece.sdk) == ("arm64", "12.1", "14.2")
    assert (piece.install_name, piece.rpaths) == ("@rpath/liba.dylib", ("@loader_path/x",))
    assert piece.signature
    assert piece.symbol_table
    assert piece.has_uuid


def test_slices_that_hold_static_archives() -> None:
    archive = b"!<arch>\n" + bytes(100)
    data = bytearray(machos.fat(machos.relocatable("x86_64"), machos.relocatable("arm64")))
    for piece in read(bytes(data)):
        data[piece.extent.offset : piece.extent.offset + len(archive)] = archive
    pieces = read(bytes(data))
    assert [(piece.architecture, piece.filetype) for piece in pieces] == [("x86_64", 1), ("arm64", 1)]


@pytest.mark.parametrize("major", [45, 52, 65, 67])
def test_java_classes(major: int) -> None:
    # magic, minor, major version, number of constants, then the tag of the first one
    assert is_java_class(struct.pack(">IHHHBB", 0xCAFEBABE, 0, major, 30, 10, 0))


def test_a_fat_file_is_no_java_class() -> None:
    assert not is_java_class(machos.fat(machos.bundle("x86_64"), machos.bundle("arm64")))
    assert not is_java_class(machos.bundle())


THIN = machos.bundle()
FAT = machos.fat(machos.bundle("x86_64"), THIN)
#: Where the second slice's fat_arch begins: cputype, cpusubtype, offset, size, align.
SECOND = 8 + 20

LIES = {
    "nothing": b"",
    "magic only": THIN[:4],
    "fat magic only": FAT[:4],
    "no slices": struct.pack(">II", 0xCAFEBABE, 0) + bytes(100),
    "4294967295 slices": struct.pack(">II", 0xCAFEBABE, 0xFFFFFFFF) + bytes(8192),
    "4294967295 slices, 64 bit": struct.pack(">II", 0xCAFEBABF, 0xFFFFFFFF) + bytes(8192),
    "cut fat table": FAT[: SECOND + 10],
    "slice past the end": patched(FAT, SECOND + 8, ">I", len(FAT) + 1),
    "slice larger than the file": patched(FAT, SECOND + 12, ">I", len(FAT)),
    "slice of no bytes": patched(FAT, SECOND + 12, ">I", 0),
    "slice of 20 bytes": patched(FAT, SECOND + 12, ">I", 20),
    "slice inside the fat header": patched(FAT, SECOND + 8, ">I", 4),
    "overlapping slices": patched(FAT, SECOND, ">5I", *struct.unpack_from(">5I", FAT, 8)),
    "slice of zeros": FAT[: len(FAT) - len(THIN)] + bytes(len(THIN)),
    "slice that is a fat file": FAT[: len(FAT) - len(THIN)] + FAT[: len(THIN)],
    "fat header promises another processor": patched(FAT, SECOND, ">II", 0x01000012, 0),
    "fat header promises another kind": patched(FAT, SECOND + 4, ">I", 2),
    "millions of load commands": patched(THIN, 16, "<I", 5_000_000),
    "more commands than their bytes": patched(THIN, 16, "<II", 1000, 1000),
    "gigabytes of load commands": patched(THIN, 20, "<I", 0xFFFFFFFF),
    "load commands past the end": patched(THIN, 20, "<I", len(THIN)),
    "cmdsize 0": patched(THIN, 36, "<I", 0),
    "cmdsize 7": patched(THIN, 36, "<I", 7),
    "cmdsize past the commands": patched(THIN, 36, "<I", 0x7FFFFFFF),
    "segment past the end": patched(THIN, 32 + 48, "<Q", len(THIN) + 1),
    "segment that overflows": patched(THIN, 32 + 40, "<QQ", 0xFFFFFFFFFFFFFFFF, 1),
    "segment command of 8 bytes": machos.bundle(commands=[struct.pack("<II", 0x19, 8)]),
    "rpath outside its command": machos.bundle(commands=[struct.pack("<IIII", 0x8000001C, 16, 17, 0)]),
    "rpath inside its header": machos.bundle(commands=[struct.pack("<IIII", 0x8000001C, 16, 0, 0)]),
    "dylib command of 12 bytes": machos.bundle(commands=[struct.pack("<III", 0xC, 12, 0)]),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_lies_are_refused_at_once(data: bytes) -> None:
    begin = time.process_time()
    with pytest.raises(MachOInvalid) as caught:
        read(data)
    assert str(caught.value)
    assert time.process_time() - begin < 0.5


@pytest.mark.parametrize(
    "data", [THIN, FAT, machos.executable("ppc"), machos.fat(THIN, is_64=True)], ids=["thin", "fat", "ppc", "fat64"]
)
def test_files_cut_anywhere_in_their_headers(data: bytes) -> None:
    start = read(data)[-1].extent.offset
    for length in [*range(64), *range(start, start + 900)]:
        with pytest.raises(MachOInvalid):
            read(data[:length])


def test_unknown_commands_and_trailing_space_are_stepped_over() -> None:
    unknown = struct.pack("<II", UNKNOWN_COMMAND, 16) + b"whatever"
    assert read_one(machos.bundle(commands=[unknown])).architecture == "arm64"


@pytest.mark.parametrize("make", [machos.relocatable, machos.dsym])
def test_segments_that_nothing_maps_need_not_lie_in_the_file(make: Any) -> None:
    # dsymutil keeps the segments of the program that the symbols are of.
    segment = struct.pack("<II16s4Q4I", 0x19, 72, b"__TEXT", 0, 1 << 20, 0, 1 << 20, 5, 5, 0, 0)
    assert read_one(make(commands=[segment])).architecture == "arm64"
    with pytest.raises(MachOInvalid, match="__TEXT ends"):
        read(machos.bundle(commands=[segment]))


def test_mutations_of_real_files_raise_nothing_else() -> None:
    random.seed(20250101)
    libraries = [machos.LIBSYSTEM, ("@rpath/b.dylib", "weak")]
    seeds = [
        machos.dylib(libraries=libraries, rpaths=["@loader_path"], exports=["_a"], undefined=["_b"]),
        machos.fat(machos.bundle("x86_64"), THIN),
        machos.fat(machos.bundle("i386"), machos.bundle("ppc"), is_64=True),
    ]
    refused = 0
    for number in range(3000):
        data = bytearray(seeds[number % 3])
        start = random.choice([0, *(piece.extent.offset for piece in read(bytes(data)))])  # noqa: S311 - no secret
        for _ in range(random.randint(1, 4)):  # noqa: S311
            data[start + random.randrange(700)] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])  # noqa: S311
        try:
            read(bytes(data))
        except MachOInvalid:
            refused += 1
    assert 500 < refused < 3000
