"""Breaks ELF files of a copied environment in known ways; the originals (hard links) are never written to."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.elf import DT_NEEDED, DT_SONAME, DT_STRTAB
from pytest_archcheck.binaries.elf_image import open_image
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from support.sources import BytesSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: e_machine of an architecture that no test machine has: SPARC V9.
_OTHER_MACHINE = 43


def remove(path: Path) -> None:
    path.unlink()


def swap_architecture(path: Path) -> None:
    def edit(content: bytearray) -> None:
        content[18:20] = _OTHER_MACHINE.to_bytes(2, "little")

    _rewrite(path, edit)


def rename(path: Path) -> None:
    """Give a library another soname and file name, as a newer major version of it would have."""

    def edit(content: bytearray) -> None:
        for offset in _strings(content, DT_SONAME):
            _change(content, offset)

    _rewrite(path, edit)
    path.rename(path.with_name("x" + path.name[1:]))


def change_needed(path: Path) -> bool:
    """Let a file need a library that nobody has; False where it needs none that could be changed."""
    names = _needed(path)

    def edit(content: bytearray) -> None:
        _change(content, names[0])

    if names:
        _rewrite(path, edit)
    return bool(names)


def _needed(path: Path) -> list[int]:
    content = bytearray(path.read_bytes())
    # The libraries of the process serve under any path, so that a changed libc.so.6 would be found out just the same.
    return _strings(content, DT_NEEDED)


def rename_symbol(path: Path, name: bytes) -> bool:
    """Change the first letter of a symbol's name; False where the name has no string of its own."""
    content = path.read_bytes()
    image, _, entries = open_image(BytesSource(content), content[:4096])
    start = image.offset_of(dict(entries)[DT_STRTAB], "the string table")
    offset = content.find(b"\0" + name + b"\0", start)
    if offset < 0:
        return False

    def edit(content: bytearray) -> None:
        _change(content, offset + 1)

    _rewrite(path, edit)
    return True


def shared_symbols(user: str, library: str) -> list[bytes]:
    """Names that one file wants and another exports, sorted; long ones, which only that library has."""
    return sorted(name for name in SymbolTable(library).defines(SymbolTable(user).wanted()) if len(name) > 8)


def wanted_of_python(path: str) -> list[bytes]:
    """Functions of Python's C API that a file wants, sorted."""
    return sorted(name for name in SymbolTable(path).wanted() if re.match(rb"_?Py[A-Z]", name))


def _strings(content: bytearray, wanted: int) -> list[int]:
    image, _, entries = open_image(BytesSource(bytes(content)), bytes(content[:4096]))
    start = image.offset_of(dict(entries)[DT_STRTAB], "the string table")
    return [start + value for tag, value in entries if tag == wanted]


def _change(content: bytearray, offset: int) -> None:
    content[offset] = ord("x") if content[offset] != ord("x") else ord("y")


def _rewrite(path: Path, edit: Callable[[bytearray], None]) -> None:
    content = bytearray(path.read_bytes())
    edit(content)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    os.replace(fresh, path)
