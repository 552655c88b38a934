"""Which machine a root file system is for: its own programs and its own C library say so."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.binaries.model import ElfSlice
from pytest_archcheck.binaries.reader import read_file
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.image_root import below, real_path
from pytest_archcheck.machine.target import InvalidTarget, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.discover.model import Environment

#: Programs that nearly every system has; an image that is made for one program has at least its Python.
_PROGRAMS = ("bin/sh", "usr/bin/env", "bin/busybox", "usr/bin/python3", "usr/local/bin/python3")
_MUSL = re.compile(r"/ld-musl-[^/]+$")
#: musl keeps its version as a text of its own: ``1.2.5``.
_MUSL_VERSION = re.compile(rb"\0(1\.\d{1,2})\.\d{1,2}\0")
_USUAL_MUSL = "1.2"


def machine_of_root(environment: Environment) -> Target | None:
    """The machine of the root that the environment lies in; None where it lies in none, or nothing there tells."""
    root = environment.root
    if root is None:
        return None
    for piece in _programs(environment, root):
        if piece.loader and (target := _target(piece, piece.loader, root)):
            return target
    return None


def _programs(environment: Environment, root: str) -> Iterator[ElfSlice]:
    if environment.interpreter is not None:
        yield from (piece for file in environment.interpreter.binaries for piece in file.slices if isinstance(piece, ElfSlice))
    for name in _PROGRAMS:
        path = real_path(os.path.join(root, name), root)
        program = read_file(path) if os.path.isfile(path) else None
        yield from (piece for piece in (program.slices if program else ()) if isinstance(piece, ElfSlice))


def _target(piece: ElfSlice, loader: str, root: str) -> Target | None:
    real = real_path(below(root, loader), root)
    if _MUSL.search(loader):
        system = f"musllinux_{_musl_version(real).replace('.', '_')}"
    else:
        glibc = _glibc_version(real, root)
        system = f"manylinux_{glibc[0]}_{glibc[1]}" if glibc else "linux"
    try:
        return Target.parse(f"{system}_{piece.architecture}")
    except InvalidTarget:
        return None


def _musl_version(library: str) -> str:
    try:
        with open_file(library) as file:
            found = _MUSL_VERSION.search(file.read(0, limits.MUSL_SIZE))
    except OSError:
        return _USUAL_MUSL
    return found[1].decode() if found else _USUAL_MUSL


def _glibc_version(loader: str, root: str) -> tuple[int, int] | None:
    """The newest version that the C library beside the loader has symbols of."""
    for folder in (os.path.dirname(loader), *(os.path.join(root, name) for name in ("lib64", "usr/lib64", "lib", "usr/lib"))):
        path = real_path(os.path.join(folder, "libc.so.6"), root)
        if not os.path.isfile(path):
            continue
        try:
            versions = SymbolTable(path).versions()
        except (OSError, ElfInvalid):
            continue
        numbers = [match for name in versions if (match := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)*", name))]
        if numbers:
            return max((int(match[1]), int(match[2])) for match in numbers)
    return None
