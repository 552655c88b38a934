"""The least that a scan and a check of a Linux environment must do, in plain Python: what the language itself allows.

    python benchmarks/linux_floor.py scan FOLDER      walk, take out of each ELF file what the rules go by (architecture,
                                                      libraries, search path, versions), and out of each project's metadata
                                                      its name, its requirements and who owns which compiled file
    python benchmarks/linux_floor.py check FOLDER     also the files that each module brings into its process, and the newest
                                                      glibc that one asks for

It asks the questions of healthy trees only: one byte that is not as it should be ends it, nothing is bounded or worded, what
needs more (Python sources, numpy's texts, versions of Python) is left out. Prints the line that ``floor.py`` prints.
"""

from __future__ import annotations

import gc
import os
import re
import struct
import sys
import time

import timing  # noqa: F401 - finds the package

from pytest_archcheck.discover.files import _TEXT_NAMES, TEXT_AND_DATA_SUFFIXES

_HEADER, _PROGRAM = struct.Struct("<HH12xQ14xHH6x"), struct.Struct("<I4xQQ8xQ16x")
_LIBRARY, _VERSION = struct.Struct("<HHIII").unpack_from, struct.Struct("<IHHII").unpack_from
#: Architecture, libraries, search path and required versions of one file.
_File = tuple[int, list[str], list[str], list[str]]
_NAME, _REQUIRED = re.compile(r"^Name: *(.*)$", re.MULTILINE), re.compile(r" *([\w.-]+)")


def scan(root: str) -> tuple[int, dict[str, _File], int]:
    """Return directory entries, compiled files and projects."""
    entries = 0
    compiled: dict[str, _File] = {}
    projects: list[str] = []
    folders = [root]
    strip = len(root) + 1
    while folders:
        with os.scandir(folders.pop()) as listing:
            for entry in listing:
                entries += 1
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name.endswith(".dist-info"):
                        projects.append(entry.path)
                    if name != "__pycache__":
                        folders.append(entry.path)
                    continue
                _, dot, suffix = name.rpartition(".")
                if (dot and suffix.lower() in TEXT_AND_DATA_SUFFIXES) or name in _TEXT_NAMES:
                    continue
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                head = os.pread(descriptor, 4096, 0)
                if head[:4] == b"\x7fELF":
                    compiled[entry.path[strip:]] = _elf(descriptor, head, os.fstat(descriptor).st_size)
                os.close(descriptor)
    owned = [_project(folder, compiled.keys()) for folder in projects]
    return entries, compiled, len(owned)


def check(compiled: dict[str, _File]) -> tuple[int, str]:
    """Return how many libraries are the system's, over all processes, and the newest glibc."""
    known: dict[str, list[str | None]] = {}
    found: dict[tuple[str, tuple[str, ...], str], str | None] = {}
    outside = 0
    for module in compiled:
        process = {module: True}
        waiting = [module]
        for user in waiting:
            if user not in known:
                folder, (_, libraries, rpaths, _) = user.rpartition("/")[0], compiled[user]
                places = tuple(rpaths)
                for name in libraries:
                    if (folder, places, name) not in found:
                        found[folder, places, name] = _library(folder, places, name, compiled)
                known[user] = [found[folder, places, name] for name in libraries]
            for library in known[user]:
                if library is None:
                    outside += 1
                elif library not in process:
                    process[library] = True
                    waiting.append(library)
    versions = {version for *_, required in compiled.values() for version in required if version[:6] == "GLIBC_"}
    return outside, max(versions, key=lambda version: [int(part) for part in version[6:].split(".") if part.isdigit()])


def _library(folder: str, places: tuple[str, ...], name: str, compiled: dict[str, _File]) -> str | None:
    paths = (os.path.normpath(f"{place.replace('$ORIGIN', folder)}/{name}") for place in places)
    return next((path for path in paths if path in compiled), None)


def _elf(descriptor: int, head: bytes, size: int) -> _File:
    _, machine, table, entry_size, count = _HEADER.unpack_from(head, 16)
    headers = list(_PROGRAM.iter_unpack(head[table : table + entry_size * count]))
    loads = [(address, address + length, offset - address) for kind, offset, address, length in headers if kind == 1]
    assert all(end + shift <= size for _, end, shift in loads)  # noqa: S101 - see above
    where = [(address, length) for kind, _, address, length in headers if kind == 2]
    if not where:
        return machine, [], [], []
    section = os.pread(descriptor, where[0][1], _offset(loads, where[0][0]))
    words = struct.unpack(f"<{len(section) // 8}Q", section)
    tags = words[::2]
    pairs = list(zip(tags[: tags.index(0)], words[1::2], strict=False))
    values = dict(pairs)
    strings = _offset(loads, values[5])
    versions = _offset(loads, values[0x6FFFFFFE]) if 0x6FFFFFFE in values else strings
    near = strings <= versions < strings + 30_000
    held = os.pread(descriptor, versions + 1024 - strings if near else min(values[10], 200_000), strings)
    table_of_versions, at = (held, versions - strings) if near else (os.pread(descriptor, 1024, versions), 0)
    required = []
    for _ in range(values.get(0x6FFFFFFF, 0)):
        _, number, library, first, following = _LIBRARY(table_of_versions, at)
        step = at + first
        for _ in range(number):
            _, _, _, version, further = _VERSION(table_of_versions, step)
            required.append((library, version))
            step += further
        at += following
    wanted = {value for tag, value in pairs if tag in (1, 14, 15, 29)}.union(*required)
    names = {index: held[index : held.find(0, index)].decode() for index in wanted}
    libraries = [names[value] for tag, value in pairs if tag == 1]
    rpaths = [part for tag, value in pairs if tag in (15, 29) for part in names[value].split(":")]
    return machine, libraries, rpaths, [names[version] for _, version in required]


def _offset(loads: list[tuple[int, int, int]], address: int) -> int:
    return next(address + shift for begin, end, shift in loads if begin <= address < end)


def _project(folder: str, compiled: object) -> tuple[object, ...]:
    head = _read(f"{folder}/METADATA")[: 1 << 17].partition("\n\n")[0]
    required = [_REQUIRED.match(part) for part in head.split("\nRequires-Dist:")[1:]]
    paths = {line.partition(",")[0] for line in _read(f"{folder}/RECORD").split("\n")}
    name = _NAME.search(head)
    return name and name[1], required, paths & compiled, _read(f"{folder}/WHEEL"), _read(f"{folder}/INSTALLER")  # type: ignore[operator]


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    text = os.read(descriptor, os.fstat(descriptor).st_size).decode(errors="replace")
    os.close(descriptor)
    return text


if __name__ == "__main__":
    gc.disable()
    start = time.perf_counter()
    seen, files, installed = scan(sys.argv[2].rstrip("/"))
    if sys.argv[1] == "check":
        check(files)
    print(seen, len(files), installed, time.perf_counter() - start)
