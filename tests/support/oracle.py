"""What is in a tree, found without the product: first bytes of every file, RECORD, and LLVM."""

from __future__ import annotations

import csv
import os
import re
import struct
from typing import TYPE_CHECKING

from support.tools import find_tool, output_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_THIN = {0xFEEDFACE, 0xFEEDFACF, 0xCEFAEDFE, 0xCFFAEDFE}
_FAT = {0xCAFEBABE, 0xCAFEBABF}


def mach_o_files(tree: Path) -> set[str]:
    """Absolute path of every regular file that begins like Mach-O (a Java class has no count of slices below 20)."""
    return {path for path in _files(tree) if _is_mach_o(head(path))}


def elf_files(tree: Path) -> set[str]:
    """Absolute path of every regular file that begins like ELF."""
    return {path for path in _files(tree) if head(path)[:4] == b"\x7fELF"}


def lipo_architectures(files: set[str]) -> dict[str, set[str]]:
    """What ``llvm-lipo`` says of each file; ``-info`` names the same architectures as ``-archs``, for many files at once."""
    found: dict[str, set[str]] = {}
    for text in _in_batches((find_tool("llvm-lipo"), "-info"), files):
        for line in text.splitlines():
            name, archs = line.removeprefix("Non-fat file: ").removeprefix("Architectures in the fat file: "), ""
            for middle in (" is architecture: ", " are: "):
                if middle in name:
                    name, archs = name.split(middle)
            found[name] = set(archs.split())
    assert found.keys() == files
    return found


def minimum_macos(files: set[str]) -> dict[str, tuple[int, ...]]:
    """The oldest macOS that ``llvm-otool -l`` says of each file's arm64 slice: (14, 4); files that do not say are left out."""
    pattern = re.compile(r" +(?:minos|version) (\d+)\.(\d+)")  # of LC_BUILD_VERSION, LC_VERSION_MIN_MACOSX
    found: dict[str, tuple[int, ...]] = {}
    for text in _in_batches((find_tool("llvm-otool"), "-arch", "arm64", "-l"), files):
        name = ""
        for line in text.splitlines():
            if line.startswith("/"):
                name = line.rstrip(":")
            elif match := pattern.match(line):
                found.setdefault(name, tuple(map(int, match.groups())))
    return found


def _in_batches(command: tuple[str, ...], files: set[str]) -> Iterator[str]:
    """Standard output of the command for a hundred files at a time."""
    names = sorted(files)
    for first in range(0, len(names), 100):
        yield output_of(*command, *names[first : first + 100])


def owners(tree: Path) -> dict[str, str]:
    """Absolute path: normalised name of the distribution whose RECORD lists it."""
    found = {}
    for record in tree.glob("*.dist-info/RECORD"):
        name = re.sub(r"[-_.]+", "-", record.parent.name.rpartition("-")[0].partition("-")[0]).lower()
        with record.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                found[os.path.normpath(tree / row[0])] = name
    return found


def _files(tree: Path) -> list[str]:
    paths = (os.path.join(folder, name) for folder, _, names in os.walk(tree) for name in names)
    return [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]


def head(path: str) -> bytes:
    """The first 8 bytes."""
    with open(path, "rb") as file:
        return file.read(8)


def _is_mach_o(first: bytes) -> bool:
    if len(first) < 8:
        return False
    magic, count = struct.unpack(">II", first)
    return magic in _THIN or (magic in _FAT and count < 20)
