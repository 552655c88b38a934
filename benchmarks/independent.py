"""A second opinion on a file, by LIEF and nothing of the product: what it links to, and whether that lies there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import lief

lief.logging.disable()


class MachO(NamedTuple):
    """One slice."""

    processor: str
    #: (name, kind of load command)
    libraries: list[tuple[str, str]]
    rpaths: list[str]
    signed: bool


def macho_slices(path: Path) -> list[MachO]:
    """The slices of a Mach-O file; none for another file."""
    fat = lief.MachO.parse(str(path)) if lief.is_macho(str(path)) else None
    if fat is None:
        return []
    return [  # values only: LIEF's own do not outlive the file
        MachO(
            str(piece.header.cpu_type).rpartition(".")[2],
            [(str(library.name), str(library.command).rpartition(".")[2]) for library in piece.libraries],
            [str(rpath.path) for rpath in piece.rpaths],
            bool(piece.has_code_signature),
        )
        for piece in fat
    ]


def macho_links(path: Path) -> list[tuple[str, str, list[str]]]:
    """(architecture, linked library, places where dyld looks) of each slice, without weak links and without the system's."""
    found = []
    for piece in macho_slices(path):
        for name, kind in piece.libraries:
            if kind in {"ID_DYLIB", "LOAD_WEAK_DYLIB"} or name.startswith(("/usr/lib/", "/System/")):
                continue
            candidates = [f"{rpath}{name[6:]}" for rpath in piece.rpaths] if name.startswith("@rpath/") else [name]
            places = [os.path.normpath(one.replace("@loader_path", str(path.parent))) for one in candidates]
            found.append((piece.processor, name, places))
    return found


def elf_links(path: Path) -> list[tuple[str, list[str]]]:
    """(needed library, places where ld.so looks by the file's own search path)."""
    file = lief.ELF.parse(str(path))
    if file is None:
        return []
    text = ":".join(str(getattr(entry, "runpath", "") or getattr(entry, "rpath", "")) for entry in _paths(file))
    folders = [re.sub(r"\$\{?ORIGIN\}?", str(path.parent), folder) for folder in text.split(":") if folder]
    names = [name if isinstance(name, str) else os.fsdecode(name) for name in file.libraries]
    return [(name, [os.path.normpath(f"{folder}/{name}") for folder in folders]) for name in names]


def _paths(file: lief.ELF.Binary) -> list[lief.ELF.DynamicEntry]:
    wanted = (lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH)
    return [entry for entry in file.dynamic_entries if entry.tag in wanted]


def newest_glibc(path: Path) -> str:
    """The newest ``GLIBC_`` version that a file asks for."""
    file = lief.ELF.parse(str(path))
    names = [
        str(aux.name) for need in (file.symbols_version_requirement if file else ()) for aux in need.get_auxiliary_symbols()
    ]
    versions = [tuple(int(part) for part in re.findall(r"\d+", name)) for name in names if name.startswith("GLIBC_")]
    return ".".join(map(str, max(versions, default=())))


def _machine(path: Path) -> str:
    file = lief.ELF.parse(str(path))
    return str(file.header.machine_type) if file else "no ELF file"


def second_opinion(folder: Path, path: str | None, rule: str, _target: str) -> str:
    """What LIEF says of the file of a finding, in a few words."""
    if path is None:
        return "-"
    file = next(
        (
            place
            for place in (folder / path, *folder.glob(f"*.data/*/{path}"), *folder.glob(f"*.data/scripts/{Path(path).name}"))
            if place.is_file()
        ),
        None,
    )
    if file is None:
        return "no such file"
    slices = macho_slices(file)
    if rule in {"wrong-architecture", "mistagged-wheel", "wrong-platform"}:
        return " ".join(piece.processor for piece in slices) or _machine(file)
    if rule in {"unsigned-binary", "invalid-signature"}:
        return " ".join("signed" if piece.signed else "unsigned" for piece in slices)
    if rule == "newer-os-required":
        return "" if slices else f"GLIBC_{newest_glibc(file)}"
    if slices:
        absent = sorted({name for _, name, places in macho_links(file) if not any(os.path.exists(place) for place in places)})
        return f"not there: {', '.join(absent[:4])}"
    names = {entry for _, _, entries in os.walk(folder) for entry in entries}
    return f"not in the wheel: {', '.join([name for name, _ in elf_links(file) if name not in names][:6])}"
