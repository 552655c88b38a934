"""The hunt for misses: every bundled library of real wheels is removed in turn, and an error is expected.

Usage: python benchmarks/removed.py FOLDER OUT.jsonl COUNT

FOLDER is what ``benchmarks/hunt.py fetch`` made. Takes COUNT wheels for macOS arm64 and as many for Linux x86_64 that bundle a
library which another of their files links to. Each such library is taken out of the wheel, with its line of RECORD, as one who
built it might forget it; and out of the unpacked wheel, where RECORD still names it. Whether anything breaks is asked
elsewhere: of dlopen for Linux (a module that loaded before loads no more), of LIEF for macOS (a link, not weak, that led to the
file). ``--table OUT.jsonl``
names what was missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import lief
from hunt import MACHINES, unpack
from independent import elf_links, macho_links

from pytest_archcheck import inspect

_CHILD = Path(__file__).parent.parent / "tests" / "support" / "dlopen_child.py"
_TARGETS = {"macOS arm64": MACHINES["macOS arm64"].tag, "Linux x86_64": "host"}
_LARGEST = 25 << 20  # bytes of a wheel: each is written once for every library


def users(folder: Path) -> dict[str, list[str]]:
    """Bundled library -> the files that link to it, by LIEF."""
    found: dict[str, list[str]] = {}
    files = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]
    by_name = {file.name: file for file in files}
    for file in files:
        links: list[tuple[str, list[str]]] = []
        if lief.is_macho(str(file)):
            links = [(name, places) for _, name, places in macho_links(file)]
        elif lief.is_elf(str(file)):
            links = elf_links(file)
        for name, places in links:
            there = next((Path(place) for place in places if os.path.isfile(place)), None)
            if there is None and lief.is_elf(str(file)):
                there = by_name.get(name)  # by the DT_RPATH of one that loads it
            if there is not None and there != file and there.is_relative_to(folder):
                found.setdefault(str(there.relative_to(folder)), []).append(str(file.relative_to(folder)))
    return found


def loadable(folder: Path) -> set[str]:
    """The modules and libraries that dlopen takes, each in a process of its own."""
    files = [str(Path(parent, name)) for parent, _, names in os.walk(folder) for name in names if ".so" in name]
    child = subprocess.run(
        [sys.executable, "-I", str(_CHILD)], input=json.dumps(files), capture_output=True, text=True, check=True
    )
    return {path for path, error in json.loads(child.stdout).items() if error is None}


def without(wheel: Path, member: str, folder: Path) -> Path:
    """The wheel without a file and its line of RECORD."""
    copy = folder / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(copy, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".dist-info/RECORD"):
                content = b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(member.encode()))
            if info.filename != member:
                new.writestr(info.filename, content)
    return copy


def has_error(path: Path, target: str) -> bool:
    """Whether the product says so."""
    return any(one.severity == "error" for one in inspect(str(path), target).findings)


def examine(wheel: Path, machine: str) -> list[dict[str, Any]]:
    """Remove each library in turn."""
    results = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "site"
        unpack(wheel, folder)
        bundled = users(folder)
        if not bundled or has_error(folder, _TARGETS[machine]) or has_error(wheel, "host"):
            return []
        before = loadable(folder) if machine.startswith("Linux") else set()
        for library, askers in sorted(bundled.items()):
            hidden = Path(place) / "hidden"
            os.rename(folder / library, hidden)
            broken = sorted(before - loadable(folder) - {str(folder / library)}) if before else askers
            as_folder = has_error(folder, _TARGETS[machine])
            os.rename(hidden, folder / library)
            as_wheel = has_error(without(wheel, library, Path(place)), "host")
            results.append(
                {"library": library, "breaks": len(broken), "of": askers[:3], "wheel": as_wheel, "folder": as_folder}
            )
    return results


def hunt(wheels: Path, out: Path, count: int) -> None:
    """Until there are enough wheels for each machine."""
    entries = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    seen = {entry["wheel"] for entry in entries}
    for machine in _TARGETS:
        enough = sum(entry["machine"] == machine and bool(entry["libraries"]) for entry in entries)
        for wheel in sorted((wheels / MACHINES[machine].tag).glob("*.whl")):
            if wheel.name in seen or enough >= count or not 0 < wheel.stat().st_size < _LARGEST:
                continue
            libraries = examine(wheel, machine)
            enough += bool(libraries)
            with out.open("a") as file:
                file.write(json.dumps({"machine": machine, "wheel": wheel.name, "libraries": libraries}) + "\n")


def table(out: Path) -> None:
    """Print the counts, and name each miss."""
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    for machine in _TARGETS:
        wheels = [entry for entry in entries if entry["machine"] == machine and entry["libraries"]]
        libraries = [(entry["wheel"], one) for entry in wheels for one in entry["libraries"]]
        breaking = [(wheel, one) for wheel, one in libraries if one["breaks"]]
        missed = {way: [(wheel, one) for wheel, one in breaking if not one[way]] for way in ("wheel", "folder")}
        numbers = (len(wheels), len(libraries), len(breaking), len(missed["wheel"]), len(missed["folder"]))
        print("|", machine, "|", " | ".join(map(str, numbers)), "|")
        for way, ones in missed.items():
            for wheel, one in ones:
                print("missed as", way, wheel, one["library"], "of", one["of"])


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        table(Path(sys.argv[2]))
    else:
        hunt(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
