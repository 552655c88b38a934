"""What a file is taken for by its first bytes and its name, and that no bytes at all make the reader fail."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest
from support import elfs, machos
from support.sources import BytesSource

from pytest_archcheck.binaries.reader import read_binary, read_file
from pytest_archcheck.binaries.source import FileSource, open_file

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.binaries.model import Binary

MACHO = machos.bundle()
ELF = bytes(elfs.Elf())
JAVA = struct.pack(">IHHHB", 0xCAFEBABE, 0, 65, 30, 10) + bytes(200)
PE = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(20)


def read(path: str, data: bytes) -> Binary | None:
    return read_binary(path, "/site", BytesSource(data), data[:4096])


@pytest.mark.parametrize(
    ("path", "data", "form", "role"),
    [
        ("pkg/_x.cpython-312-darwin.so", MACHO, "mach-o", "extension"),
        ("pkg/libx.dylib", machos.dylib(), "mach-o", "library"),
        ("pkg/Qt.framework/Versions/A/Qt", machos.dylib(), "mach-o", "library"),
        ("pkg/binding.node", MACHO, "mach-o", "library"),
        ("pkg/bin/tool", machos.executable(), "mach-o", "executable"),
        ("pkg/tool.so", machos.executable(), "mach-o", "executable"),
        ("tensorflow-plugins/libmetal.dylib", machos.dylib(), "mach-o", "plugin"),
        ("pkg/x.o", machos.relocatable(), "mach-o", "object"),
        ("pkg/x.so.dSYM/Contents/Resources/DWARF/x.so", machos.dsym(), "mach-o", "object"),
        ("pkg/x.dsymbols", machos.dsym(), "mach-o", "object"),
        ("pkg/_x.so", ELF, "elf", "extension"),
        ("pkg/libx.so.1", ELF, "elf", "library"),
        ("pkg/x.dll", PE, "pe", "library"),
        ("pkg/x.pyd", PE, "pe", "extension"),
        ("pkg/x.EXE", PE, "pe", "executable"),
    ],
)
def test_formats_and_roles(path: str, data: bytes, form: str, role: str) -> None:
    binary = read(path, data)
    assert binary is not None
    assert (binary.format, binary.role, binary.problem) == (form, role, None)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("pkg/Main.class", JAVA),
        ("pkg/main", JAVA),
        ("pkg/notes", b"MZ is how DOS programs begin"),
        ("pkg/notes", b"MZ" + b"\xff" * 100),
        ("pkg/empty", b""),
        ("pkg/data.bin", bytes(5000)),
        ("pkg/libc.so", b"/* GNU ld script\n*/\nGROUP ( /lib/libc.so.6 )\n"),
        ("pkg/libx.so", b"INPUT(libx.so.1)\n"),
        ("pkg/libx.so", b"libx.so.1"),
        ("pkg/libx.dylib", b"../lib/libx.1.dylib\n"),
        ("pkg/._libx.dylib", b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(96)),  # AppleDouble
    ],
)
def test_what_is_no_compiled_file(path: str, data: bytes) -> None:
    assert read(path, data) is None


@pytest.mark.parametrize(
    ("path", "data", "role", "says"),
    [
        ("pkg/_x.cpython-312-darwin.so", b"", "extension", "the file is empty"),
        ("pkg/libx.so.1", b"", "library", "the file is empty"),
        ("pkg/_x.so", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "extension", "Git LFS pointer"),
        ("pkg/libx.dylib", b"Not Found\n", "library", "begins with 4e 6f 74"),
        ("pkg/_x.so", JAVA, "extension", "begins with ca fe ba be"),
        ("pkg/_x.so", MACHO[:200], "extension", "the file ends inside its load commands"),
        ("pkg/_x.so", MACHO[:5000], "extension", "segment __TEXT ends"),
        ("pkg/Qt.framework/Versions/A/Qt", MACHO[:200], "library", "ends inside"),
        ("pkg/corpus/crash-1", MACHO[:200], "object", "ends inside"),
        ("src/manifest-libx-16.so", b"T x_compile_16@@X_10\nT x_copy_16@@X_10\n", "object", "begins with 54 20 78"),
        ("pkg/foo-bar.so", b"T x\0\n", "extension", "begins with"),
        ("pkg/_x.so", ELF[:30], "extension", ""),
    ],
)
def test_damaged_files(path: str, data: bytes, role: str, says: str) -> None:
    binary = read(path, data)
    assert binary is not None
    assert (binary.role, binary.slices) == (role, ())
    assert binary.problem
    assert says in binary.problem


def test_names_say_the_format_that_a_lost_file_had() -> None:
    formats = {}
    for name in ("_x.cpython-312-darwin.so", "x.dylib", "libx.so.1", "_x.cpython-312-x86_64-linux-gnu.so"):
        binary = read(name, b"")
        assert binary is not None
        formats[name] = binary.format
    assert list(formats.values()) == ["mach-o", "mach-o", "elf", "elf"]


def test_nothing_makes_it_raise() -> None:
    random.seed(7)
    for number in range(1500):
        data = bytearray((MACHO, ELF, PE)[number % 3])
        for _ in range(random.randint(1, 6)):  # noqa: S311 - no secret
            data[random.randrange(min(len(data), 800))] = random.randrange(256)  # noqa: S311
        del data[random.choice([len(data), random.randrange(len(data))]) :]  # noqa: S311
        read("pkg/_x.so", bytes(data))


def test_reading_stays_inside_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    with open_file(str(tmp_path / "x")) as source:
        assert (source.size, source.read(8, 100), source.read(10, 1), source.read(1 << 63, 1), source.read(0, -1)) == (
            10, b"89", b"", b"", b"",
        )  # fmt: skip
        descriptor = source.descriptor
    with pytest.raises(OSError, match="Bad file descriptor"):
        FileSource(descriptor, 10).read(0, 1)


def test_read_file(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(MACHO)
    binary = read_file(str(tmp_path / "x.so"))
    assert binary is not None
    assert binary.file == str(tmp_path / "x.so")
    assert read_file(str(tmp_path / "nowhere")) is None
    assert read_file(str(tmp_path)) is None
