"""Which parts of a compiled file hold its texts, on files that clang makes."""

from __future__ import annotations

import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.elfs import shared
from support.sources import BytesSource
from support.tools import find_tool

from pytest_archcheck.binaries import constants
from pytest_archcheck.binaries.constants import constants_of
from pytest_archcheck.binaries.model import Extent
from pytest_archcheck.binaries.reader import HEAD_SIZE, read_binary

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
const char a_constant[] = "text of a constant";
char a_variable[] = "text of a variable";
const char *symbol_of_a_function(int number) { return number + "text in the code's own expression"; }
__asm__(".text\\n.fill 5000, 1, 0x90\\n.asciz \\"bytes between instructions\\"\\n.fill 5000, 1, 0x90\\n");
"""
TEXTS = (b"text of a constant", b"text of a variable", b"text in the code's own expression")


def parts_of(data: bytes) -> bytes:
    source = BytesSource(data)
    binary = read_binary("module.so", "/nowhere", source, data[:HEAD_SIZE])
    assert binary is not None
    return b"".join(source.read(*part) for part in constants_of(source, binary))


@pytest.mark.parametrize(
    "target",
    [
        "arm64-apple-macos11",
        "i386-apple-macos10.9",
        "x86_64-linux-gnu",
        "armv7-linux-gnueabihf",
        "powerpc-linux-gnu",  # 32 bits, big-endian
        "s390x-linux-gnu",
    ],
)
def test_texts_are_among_them_and_code_is_not(target: str, tmp_path: Path) -> None:
    (tmp_path / "source.c").write_text(SOURCE)
    command = [
        find_tool("clang"),
        f"--target={target}",
        "-c",
        "-O1",
        "-o",
        str(tmp_path / "module.so"),
        str(tmp_path / "source.c"),
    ]
    subprocess.run(command, check=True)
    data = (tmp_path / "module.so").read_bytes()
    found = parts_of(data)
    assert b"bytes between instructions" in data
    assert b"symbol_of_a_function" in data
    assert [text for text in TEXTS if text not in found] == []
    assert b"bytes between instructions" not in found
    assert b"symbol_of_a_function" not in found


@pytest.mark.parametrize("section", [".eh_frame", ".gcc_except_table"])
@pytest.mark.parametrize("target", ["x86_64-linux-gnu", "powerpc-linux-gnu"])
def test_tables_for_exceptions_are_passed_over(target: str, section: str, tmp_path: Path) -> None:
    """They are two fifths of what is neither code nor symbols in C++, and hold no text."""
    lines = [f'.section {section}2,"a",%progbits', ".fill 5000", '.asciz "text of another"', ".fill 5000"]
    lines += [f'.section {section},"a",%progbits', ".fill 5000", '.asciz "bytes about exceptions"', ".fill 5000", ""]
    (tmp_path / "source.s").write_text("\n".join(lines))
    command = [find_tool("clang"), f"--target={target}", "-c", "-o", str(tmp_path / "module.so"), str(tmp_path / "source.s")]
    subprocess.run(command, check=True)
    found = parts_of((tmp_path / "module.so").read_bytes())
    assert b"text of another" in found
    assert b"bytes about exceptions" not in found


def test_without_sections_it_is_all_of_a_slice() -> None:
    thin = machos.bundle()
    assert parts_of(thin) == thin
    both = machos.fat(machos.bundle("x86_64"), machos.bundle())
    assert machos.bundle() in parts_of(both)


def test_what_lies_near_is_read_together() -> None:
    parts = [Extent(0, 10), Extent(20, 10), Extent(25, 1), Extent(50_000, 5), Extent(50_005, 5)]
    assert list(constants._together(parts)) == [Extent(0, 30), Extent(50_000, 10)]
    assert list(constants._together([Extent(9000, 4)])) == [Extent(9000, 4)]


def test_commands_that_share_their_sections() -> None:
    """Each of many segments claims all sections up to the end: none is believed, and it takes no time."""
    count = 14_000
    # segment_command_64: cmd, cmdsize, segname, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags
    commands = b"".join(
        struct.pack("<2I16s4Q4I", 0x19, 72, b"__TEXT", 0, 0, 0, 0, 7, 7, (count - number - 1) * 72 // 80, 0)
        for number in range(count)
    )
    # mach_header_64: magic, cputype arm64, cpusubtype, filetype MH_BUNDLE, ncmds, sizeofcmds, flags, reserved
    data = struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 8, count, len(commands), 0, 0) + commands
    begin = time.process_time()
    assert parts_of(data) == data
    assert time.process_time() - begin < 2


def test_section_headers_of_another_size_are_no_section_headers() -> None:
    data = bytearray(shared())
    data[58:60] = struct.pack("<H", 65)  # e_shentsize
    assert parts_of(bytes(data)) == bytes(data)
