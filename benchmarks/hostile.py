"""What inputs take that are made to take long or much, at two sizes: ``python benchmarks/hostile.py``.

Prints the table of docs/evidence/hostile.md. Each input is inspected in a process of its own, first the small one, then
one ten times as large; the seconds are CPU time, the memory is the largest resident size above that of the same process after
the small one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import timing  # noqa: F401 - makes tests/support importable
from support.hostile import CHILD, GROWING, TARGET


def measure(name: str, folder: Path) -> tuple[float, float, float, int]:
    """Seconds for the small and for the large input, megabytes above the small one, and bytes of the large one."""
    make, size = GROWING[name]
    paths = [make(folder / str(scale), scale * size) for scale in (1, 10)]
    command = [sys.executable, "-c", CHILD, TARGET, *map(str, paths)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (small, before), (large, after) = (map(float, line.split()) for line in output.splitlines())
    root = folder / "10"
    size = sum(file.stat(follow_symlinks=False).st_size for file in root.rglob("*") if file.is_file() and not file.is_symlink())
    return small, large, (after - before) / 1024, size


def main() -> None:
    """Print a row for each input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *GROWING], default=[])
    names = parser.parse_args().names or GROWING
    print("| input, ten times | bytes | s, one | s, ten | MB more |\n|---|---:|---:|---:|---:|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            small, large, more, size = measure(name, Path(folder))
        print(f"| {name} | {size:,} | {small:.3f} | {large:.3f} | {more:.0f} |", flush=True)


if __name__ == "__main__":
    main()
