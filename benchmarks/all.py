"""Every benchmark of the scan, one after the other, and the tables and pictures of docs/evidence.md and its pages.

    pip install -e '.[bench]'
    python benchmarks/all.py             about a quarter of an hour; the first run downloads wheels and makes 4 GB of files
    python benchmarks/all.py start idle  only these parts, in their order: tools trees growth start idle memory
    python benchmarks/all.py --no-cold   without the runs that drop the file cache (they need Linux and root)

Rewrites docs/evidence/tools.md's tables, those of docs/evidence/speed.md that name a script of all.py's, the first of
docs/evidence.md, and docs/*.svg; says how long each part took. Other pages say which command prints their tables; those are
copied by hand.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import shutil
import sys
import time
from typing import TYPE_CHECKING

import compare
import glance
import growth
import instructions
import memory
import pages
import scan
import startup
import timing

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPARED = """\
Every tool as its users call it, in turn, in fresh processes timed from outside; "inside" is what the floor and our own
processes measure of themselves, imports done. "To floor" is the ratio of medians to the C program `benchmarks/floor.c`,
which walks the same tree and reads the first 4 KiB of the files that the scan looks into. Times are medians (least to
largest); memory is the largest process. A slow tool has fewer runs, is stopped after {limit:.0f} s, and where it took half of
that not tried on a synthetic tree. Cold, tools are left out that compute for longer than they wait. `python
benchmarks/compare.py`, `python benchmarks/compare.py --cold`.

- macholib and LIEF: walk, read four bytes of each file, parse what has a Mach-O magic. "Quick" is a setting of LIEF's.
- `file`: `find -type f -print0 | xargs -0 file`. It and the two libraries say what a file is; the verdict is a search for
  files without arm64 in what they print.
- delocate needs otool. Where the system has none it gets LLVM's, through a script of three lines that drops an option which
  LLVM's does not know. It resolves libraries and does not judge architectures.
- `pip check` and `uv pip check` take an interpreter, not a folder: the tree is the site-packages folder of a virtual
  environment with this machine's interpreter. pip has no option for another target, so on Linux every macOS wheel is
  foreign to it. uv is told `--python-platform aarch64-apple-darwin` and macOS 14. Both read metadata only, whatever the
  files hold.
- pytest runs without other plugins.

Versions: {versions}.
"""
_GROWN = """\
Synthetic trees of small files, 1% of them compiled; warm, timed inside the process, in turn. The exponent is b in seconds =
a · files^b, fitted to the medians: 1 is linear. `python benchmarks/growth.py` also draws the picture.

![Seconds over the number of files, both axes logarithmic: C floor, scan and whole check](../growth.svg)
"""
_STARTED = """\
`python -m pytest` on a project with one trivial test, no other plugin, whole processes in turn; "not installed" is a folder
with the same packages but this one, which pip has put into the other. Differences are taken within each round; the interval is
that of the sign test for their median. `python benchmarks/startup.py`.
"""
_MEMORY = """\
Peak of the resident memory of whole processes: `pytest --collect-only` on an empty folder, and `pytest --archcheck-path` on
each tree. `python benchmarks/memory.py`.
"""


def main() -> int:
    """Measure and rewrite the sections."""
    parser = argparse.ArgumentParser(description="Run all benchmarks and fill the pages of the evidence.")
    parser.add_argument("parts", nargs="*", help=f"which; all: {', '.join(PARTS)}")
    parser.add_argument("--no-cold", action="store_true", help="do not drop the file cache")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"got {', '.join(sorted(unknown))}, expected {', '.join(PARTS)}")
    for part, measure in PARTS.items():
        if part in options.parts or not options.parts:
            start = time.monotonic()
            measure(cold=not options.no_cold)
            print(f"{part}: {time.monotonic() - start:.0f} s", flush=True)
    return 0


def _tools(*, cold: bool) -> None:
    compared = [_COMPARED.format(limit=compare.LIMIT, versions=_versions()), compare.report()]
    if cold:
        compared.append(compare.report(compare.COLD_TREES, _QUICK, compare.COLD_ROUNDS, cold=True))
    pages.replace_section(pages.TOOLS, "Against other tools", "\n".join(compared))
    glance.main()


def _section(title: str, make: Callable[[], str]) -> Callable[..., None]:
    def measure(*, cold: bool) -> None:  # noqa: ARG001 - only the first part has runs that are cold
        pages.replace_section(pages.SPEED, title, make())

    return measure


#: Cold, only tools that a disk can slow down: LIEF, file and delocate compute for longer than they wait.
_QUICK = ("C walk", "archcheck", "macholib", "pip check")
PARTS: dict[str, Callable[..., None]] = {
    "tools": _tools,
    "trees": _section("Every tree", scan.report),
    "growth": _section("Growth", lambda: f"{_GROWN}\n{growth.report(rounds=5)}"),
    "start": _section("Start-up", lambda: f"{_STARTED}\n{startup.report()}"),
    "idle": _section("Instructions of an idle run", instructions.report),
    "memory": _section("Memory", lambda: f"{_MEMORY}\n{memory.report()}"),
}


def _versions() -> str:
    names = ("delocate", "lief", "macholib", "pip", "pytest", "uv")
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    if shutil.which("file"):
        found.insert(1, timing.output_of(["file", "--version"]).partition("\n")[0].replace("-", " "))
    return ", ".join([*found, f"Python {platform.python_version()}"])


if __name__ == "__main__":
    sys.exit(main())
