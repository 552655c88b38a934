"""What one would write in ten minutes: walk everything, hand each Mach-O file to a library, name those without an arm64 slice.

Usage: python benchmarks/readers.py macholib|lief|lief-quick FOLDER

Prints the number of files read, and the paths without an arm64 slice.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: 32 and 64 bits, either byte order; fat, also with 64-bit offsets. Java classes begin as a fat file does.
MAGICS = {bytes.fromhex(digits) for digits in ("feedface cefaedfe feedfacf cffaedfe cafebabe cafebabf".split())}
_ARM64 = 0x0100000C


def macholib_reader() -> Callable[[str], set[int]]:
    """CPU types by macholib."""
    from macholib.MachO import MachO  # noqa: PLC0415 - one reader a process

    return lambda path: {header.header.cputype for header in MachO(path).headers}


def lief_reader(*, quick: bool) -> Callable[[str], set[int]]:
    """CPU types by LIEF; ``quick``: without exports, bindings and rebases."""
    import lief  # noqa: PLC0415 - one reader a process

    config = lief.MachO.ParserConfig.quick if quick else lief.MachO.ParserConfig()

    def read(path: str) -> set[int]:
        file = lief.MachO.parse(path, config)
        if file is None:
            raise ValueError(f"LIEF does not read {path}")
        return {int(part.header.cpu_type) for part in file}

    return read


def candidates(folder: str) -> Iterator[str]:
    """Every file that begins with a Mach-O magic."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb", buffering=0) as file:
                if file.read(4) in MAGICS:
                    yield path


def main() -> None:
    """Read the folder."""
    library, folder = sys.argv[1:]
    read = macholib_reader() if library == "macholib" else lief_reader(quick=library == "lief-quick")
    count = 0
    for path in candidates(folder):
        try:
            types = read(path)
        except Exception:  # noqa: BLE001 - whatever a reader raises on a Java class
            print("unreadable", path)
            continue
        count += 1
        if _ARM64 not in types:
            print("without arm64:", path)
    print("read", count)


if __name__ == "__main__":
    main()
