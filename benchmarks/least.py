"""The least that a scan and a check of Mach-O trees must do, in plain Python: what the language itself allows.

    python benchmarks/least.py scan FOLDER      walk, first 4 KiB of each candidate, load commands, who recorded which file
    python benchmarks/least.py check FOLDER     also the first page's hash, the file that each link leads to, and the symbols
                                                that one distribution needs of another

It asks the questions of healthy trees only: no damaged file is told from a sound one, nothing is bounded, no answer is worded,
and what needs more than these (Python sources, numpy's texts, plugins) is left out. Prints the line that ``floor.py`` prints.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import time
from array import array
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import timing  # noqa: F401 - finds the package

from pytest_archcheck.discover.files import _PASSED_FOLDERS, _TEXT_NAMES, TEXT_AND_DATA_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

_THIN, _FAT = b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"
_ARM64 = 0x0100000C
_SYSTEM = ("/usr/lib/", "/System/")
_PREFIX, _PAIR, _FIELDS = (struct.Struct(layout).unpack_from for layout in ("<7I", "<2I", "<8x4I"))
_READ = frozenset({0x0C, 0x80000018, 0x8000001F, 0x0D, 0x8000001C, 0x32, 0x1D, 0x02})
_UNDEFINED = bytes(kind == 1 for kind in range(256))
_DEFINED = bytes(kind & 0xF1 == 1 and kind & 0x0E != 0 for kind in range(256))


class Slice(NamedTuple):
    """One slice: its file and place, name, platform and oldest OS, and where its signature and symbols are."""

    file: str
    offset: int
    name: bytes
    build: tuple[int, ...]
    libraries: list[bytes]
    rpaths: tuple[bytes, ...]
    signature: tuple[int, ...]
    symbols: tuple[int, ...]
    head: bytes


def scan(root: str) -> tuple[int, list[Slice], dict[str, str]]:
    """Walk and read; return directory entries, arm64 slices, and file -> the project that recorded it."""
    entries = 0
    found: list[Slice] = []
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as listing:
            for entry in listing:
                entries += 1
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name not in _PASSED_FOLDERS:
                        folders.append(entry.path)
                    continue
                _, dot, suffix = name.rpartition(".")
                if (dot and suffix.lower() in TEXT_AND_DATA_SUFFIXES) or name in _TEXT_NAMES:
                    continue
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                head = os.pread(descriptor, 4096, 0)
                if head[:4] in (_THIN, _FAT):
                    found += _slices(descriptor, entry.path, head)
                os.close(descriptor)
    return entries, [one for one in found if one.head], _owners(root, found)


def _owners(root: str, found: list[Slice]) -> dict[str, str]:
    paths = {one.file[len(root) + 1 :] for one in found}
    owners = {}
    for folder in os.listdir(root):
        if folder.endswith(".dist-info"):
            for file in ("METADATA", "WHEEL", "INSTALLER"):
                _beginning(f"{root}/{folder}/{file}", 8192)
            lines = _beginning(f"{root}/{folder}/RECORD", 1 << 26).decode().split("\n")
            for path in paths.intersection([line.partition(",")[0] for line in lines]):
                owners[f"{root}/{path}"] = folder
    return owners


def _beginning(path: str, size: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)


def _slices(descriptor: int, file: str, head: bytes) -> Iterator[Slice]:
    if head[:4] == _THIN:
        yield _slice(descriptor, file, 0, head)
        return
    for at in range(8, 8 + 20 * head[7], 20):
        kind, _, offset = struct.unpack_from(">3I", head, at)
        yield _slice(descriptor, file, offset, os.pread(descriptor, 4096, offset), kind)


def _slice(descriptor: int, file: str, offset: int, head: bytes, kind: int = _ARM64) -> Slice:
    _, _, _, _, count, size, _ = _PREFIX(head)
    if size + 32 > len(head):
        head = os.pread(descriptor, size + 32, offset)
    libraries, rpaths, name = [], [], b""
    build = signature = symbols = (0, 0, 0, 0)
    at = 32
    for _ in range(count):
        command, length = _PAIR(head, at)
        if command in _READ:
            if command in (0x0C, 0x80000018, 0x8000001F):
                libraries.append(head[at + 24 : head.find(0, at + 24)])
            elif command == 0x8000001C:
                rpaths.append(head[at + 12 : head.find(0, at + 12)])
            elif command == 0x0D:
                name = head[at + 24 : head.find(0, at + 24)]
            elif command == 0x32:
                build = _FIELDS(head, at)
            elif command == 0x1D:
                signature = _PAIR(head, at + 8)
            else:
                symbols = _FIELDS(head, at)
        at += length
    return Slice(
        file, offset, name, build, libraries, tuple(rpaths), signature, symbols, head[:4096] if kind == _ARM64 else b""
    )


def check(slices: list[Slice], owners: dict[str, str]) -> int:
    """Compare hashes, links and symbols; return how many do not hold."""
    broken = 0
    files = {one.file: one for one in slices}
    known: dict[tuple[str, tuple[bytes, ...]], dict[bytes, Slice | None]] = {}
    wanted: dict[str, set[bytes]] = {}
    for one in slices:
        descriptor = os.open(one.file, os.O_RDONLY)
        broken += not _holds(descriptor, one)
        folder = os.path.dirname(one.file)
        here = known.setdefault((folder, one.rpaths), {})
        foreign = {}
        for ordinal, library in enumerate(one.libraries, 1):
            if library.startswith((b"/usr/lib/", b"/System/")):
                continue
            if library not in here:
                here[library] = _found(library, folder, one.rpaths, files)
            other = here[library]
            broken += other is None
            if other and owners.get(other.file) != owners.get(one.file):
                foreign[ordinal] = other
        if foreign:
            for ordinal, names in _names(descriptor, one, _UNDEFINED, foreign).items():
                wanted.setdefault(foreign[ordinal].file, set()).update(names)
        os.close(descriptor)
    for file, together in wanted.items():
        descriptor = os.open(file, os.O_RDONLY)
        broken += len(together.difference(_names(descriptor, files[file], _DEFINED, None)[0]))
        os.close(descriptor)
    return broken


def _holds(descriptor: int, one: Slice) -> bool:
    blob = os.pread(descriptor, 4096, one.offset + one.signature[0])
    if blob[:4] != b"\xfa\xde\x0c\xc0":
        return False
    (at,) = struct.unpack_from(">I", blob, 16)
    hashes, shift = struct.unpack_from(">I", blob, at + 16)[0], blob[at + 39]
    page = one.head if shift == 12 else os.pread(descriptor, 1 << shift, one.offset)
    return hashlib.sha256(page).digest() == blob[at + hashes : at + hashes + 32]


def _found(library: bytes, folder: str, rpaths: tuple[bytes, ...], files: dict[str, Slice]) -> Slice | None:
    name = library.decode()
    candidates = [f"{path.decode()}{name[6:]}" for path in rpaths] if name.startswith("@rpath/") else [name]
    paths = (os.path.normpath(path.replace("@loader_path", folder, 1)) for path in candidates)
    return next((files[path] for path in paths if path in files), None)


def _names(descriptor: int, one: Slice, kinds: bytes, ordinals: dict[int, Slice] | None) -> dict[int, list[bytes]]:
    symbols, count, strings, _ = one.symbols
    table = os.pread(descriptor, count * 16, one.offset + symbols)
    chosen = table[4::16].translate(kinds)
    first, end = chosen.find(1), chosen.rfind(1) + 1
    if not end:
        return {0: []}
    places = array("I", table[first * 16 : end * 16])[::4]
    text = os.pread(descriptor, places[-1] - places[0] + 8192, one.offset + strings + places[0])
    names = text.split(b"\0", len(places))
    if ordinals is None:
        return {0: list(compress(names, chosen[first:end]))}
    upper = table[7::16][first:end]
    return {ordinal: list(compress(names, map(ordinal.__eq__, upper))) for ordinal in ordinals}


if __name__ == "__main__":
    start = time.perf_counter()
    seen, arm64, recorded = scan(sys.argv[2])
    if sys.argv[1] == "check":
        check(arm64, recorded)
    print(seen, len({one.file for one in arm64}), 0, time.perf_counter() - start)
