"""Symbol tables that no linker makes: what is asked of them stays small."""

from __future__ import annotations

import struct
import subprocess
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from support.tools import find_tool

from pytest_archcheck.binaries import elf_hash_table, elf_symbol_table
from pytest_archcheck.binaries.elf_hash_table import gnu_hash
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.binaries.source import FileSource
from pytest_archcheck.inspection import Request, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ROOM = 20 << 20  # bytes; the file has two megabytes, its names may take four times its strings


def _sharing(count: int, name_size: int) -> bytes:
    """An x86-64 library of symbols whose names are the tails of one name: half are wanted, half exported."""
    strings = b"\0" + b"a" * name_size + b"\0"
    # Elf64_Sym: st_name, st_info (STB_GLOBAL, STT_FUNC), st_other, st_shndx, st_value, st_size
    symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", 1 + number, 0x12, 0, number % 2, 0, 0) for number in range(count))
    table = struct.pack("<4I", 1, count + 1, 0, 0)  # DT_HASH: nbucket, nchain
    # Elf64_Rela of R_X86_64_GLOB_DAT for each symbol: r_offset, r_info, r_addend
    relocations = b"".join(struct.pack("<3Q", 0, number << 32 | 6, 0) for number in range(1, 41))
    start = 64 + 2 * 56
    places = {}
    body = b""
    for tag, content in ((5, strings), (6, symbols), (4, table), (7, relocations)):  # STRTAB, SYMTAB, HASH, RELA
        places[tag] = start + len(body)
        body += content + bytes(-len(content) % 8)
    entries = [*places.items(), (10, len(strings)), (11, 24), (8, len(relocations)), (9, 24), (0, 0)]  # STRSZ, SYMENT, RELASZ
    dynamic = b"".join(struct.pack("<2Q", *entry) for entry in entries)
    end = start + len(body)
    size = end + len(dynamic)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, size, size, 0x1000)  # PT_LOAD
    return header + load + struct.pack("<IIQQQQQQ", 2, 4, end, end, end, len(dynamic), len(dynamic), 8) + body + dynamic


def test_names_that_share_their_tails_as_a_linker_makes_them(tmp_path: Path) -> None:
    path = tmp_path / "libx.so"
    path.write_bytes(_sharing(4, 4))
    table = SymbolTable(str(path))
    assert table.wanted() == {b"aaaa"[number:] for number in (0, 2)}
    assert table.defines([b"aaa", b"aaaa", b"b"]) == {b"aaa"}
    assert table.relocated([b"aaaa", b"a"]) == {b"aaaa"}


@pytest.mark.parametrize(
    "question", [SymbolTable.wanted, lambda table: table.defines([b"a"]), lambda table: table.relocated([b"a"])]
)
def test_names_that_share_the_tail_of_a_huge_one(tmp_path: Path, question: Callable[[SymbolTable], object]) -> None:
    path = tmp_path / "libx.so"
    path.write_bytes(_sharing(40_000, (1 << 20) - 1))
    tracemalloc.start()
    try:
        with pytest.raises(ElfInvalid, match="share their names in a way that no linker makes"):
            question(SymbolTable(str(path)))
        assert tracemalloc.get_traced_memory()[1] < _ROOM
    finally:
        tracemalloc.stop()


def test_a_module_of_such_names(tmp_path: Path) -> None:
    """A whole inspection for Linux stays as small."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "_x.cpython-311-x86_64-linux-gnu.so").write_bytes(_sharing(40_000, (1 << 20) - 1))
    tracemalloc.start()
    try:
        run(Request(paths=(str(tmp_path),), target="manylinux_2_34_x86_64"))
        assert tracemalloc.get_traced_memory()[1] < _ROOM
    finally:
        tracemalloc.stop()


def test_the_hash_is_that_of_the_loader() -> None:
    assert gnu_hash(b"printf") == 0x156B2BB8  # as in glibc's and the hash table's own documentation
    for size in (*range(300), 5000):
        name = bytes((7 * number * number + size) % 256 for number in range(size))
        value = 5381
        for byte in name:
            value = (value * 33 + byte) % (1 << 32)
        assert gnu_hash(name) == value


def test_many_names_find_the_same_as_each_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many are asked for, the tables are read at once."""
    source = "".join(f"int name_of_function_{number}(void) {{ return {number}; }}\n" for number in range(500))
    (tmp_path / "source.c").write_text(source)
    library = tmp_path / "library.so"
    command = [find_tool("gcc"), "-shared", "-fPIC", "-o", str(library), str(tmp_path / "source.c")]
    subprocess.run([*command, "-Wl,--hash-style=gnu"], check=True)
    asked = [f"name_of_function_{number}".encode() for number in range(700)]
    table = SymbolTable(str(library))
    assert table.defines(asked) == set(asked[:500])
    reads = []
    monkeypatch.setattr(elf_symbol_table._Reader, "_hold", lambda *_: reads.append(1))
    assert table.defines(asked) == set(asked[:500])
    assert reads == [1]
    assert [name for name in asked if table.defines([name])] == asked[:500]
    table = SymbolTable(str(library))
    exported = table.exports()
    assert exported is not None
    assert set(asked[:500]) <= exported
    assert table.defines(exported) == exported


def test_pages_of_a_table_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names lie far from the symbols, as tools that repair wheels leave them, the tables are not held at once."""
    source = "".join(f"int name_of_function_{number}(void) {{ return {number}; }}\n" for number in range(500))
    (tmp_path / "source.c").write_text(source)
    library = tmp_path / "library.so"
    command = [find_tool("gcc"), "-shared", "-fPIC", "-Wl,--hash-style=gnu", "-o", str(library), str(tmp_path / "source.c")]
    subprocess.run(command, check=True)
    monkeypatch.setattr(elf_symbol_table._Reader, "_hold", lambda *_: None)
    read = []
    original = FileSource.read

    def counting(self: FileSource, offset: int, size: int) -> bytes:
        read.append(offset)
        return original(self, offset, size)

    monkeypatch.setattr(FileSource, "read", counting)
    names = [f"name_of_function_{number}".encode() for number in range(500)]
    assert SymbolTable(str(library)).defines(names) == set(names)
    assert len(read) < 50  # three looks for each name


def test_what_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are asked for one by one in a table without DT_GNU_HASH, and in one with more names than the interpreter has."""
    (tmp_path / "source.c").write_text("int one(void) { return 1; }\nint two(void) { return 2; }\n")
    library = tmp_path / "library.so"
    for style, listed in (("sysv", None), ("gnu", frozenset({b"one", b"two"}))):
        command = [find_tool("gcc"), "-shared", "-nostdlib", "-fPIC", f"-Wl,--hash-style={style}", "-o", str(library)]
        subprocess.run([*command, str(tmp_path / "source.c")], check=True)
        assert SymbolTable(str(library)).exports() == listed
        assert SymbolTable(str(library)).defines([b"one", b"gone"]) == {b"one"}
    monkeypatch.setattr(elf_hash_table, "_MANY", 1)
    assert SymbolTable(str(library)).exports() is None
