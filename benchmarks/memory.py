"""How much memory a run takes above pytest's own.

    python benchmarks/memory.py
    python benchmarks/memory.py --hold    end with 1 where a run takes nearly twice what was recorded

Peak of the resident memory of whole processes, as the kernel counts it for a child: ``pytest --collect-only`` on an empty
folder, and ``pytest --archcheck-path`` on one compiled file (that is what our modules take) and on each tree, in turn, no other
plugin; the median of a few runs each.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import timing
import trees
from timing import Bench

TREES = ("tensorflow", "popular", "dense", "500000")
_ALONE, _SMALL = "pytest alone", "one compiled file"
#: Megabytes: of the run on one file above pytest alone, of each tree above the run on one file; they hardly vary.
_RECORDED = {_SMALL: 6.2, "tensorflow": 2.3, "popular": 4.8}
#: What takes the double is beyond it.
_BOUND = 1.6


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure the memory of a run above pytest's own.")
    parser.add_argument("trees", nargs="*", default=TREES, help="names of trees, numbers of files, or folders (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--hold", action="store_true", help="compare with what was recorded")
    options = parser.parse_args()
    if options.hold:
        return _hold()
    print(report(tuple(options.trees), options.rounds), end="")
    return 0


def report(names: tuple[str, ...] = TREES, rounds: int = 3) -> str:
    """Measure; return the table as Markdown."""
    peaks = _measure(names, rounds)
    alone = statistics.median(peaks[_ALONE])
    rows = []
    for name, measured in peaks.items():
        middle = statistics.median(measured)
        what = f"{int(name):,} synthetic files" if name.isdigit() else Path(name).name
        rows.append([what, f"{middle:.1f} ({min(measured):.1f} to {max(measured):.1f})", f"{middle - alone:+.1f}"])
    return timing.table(["run", "peak MB", "above pytest alone"], rows) + "\n"


def _hold() -> int:
    peaks = _measure(tuple(name for name in _RECORDED if name != _SMALL), 1)
    failed = 0
    for name, recorded in _RECORDED.items():
        base = _ALONE if name == _SMALL else _SMALL
        above = peaks[name][0] - peaks[base][0]
        print(f"{name}: {above:.1f} MB above {base}, recorded {recorded}, at most {recorded * _BOUND:.1f}")
        failed |= above > recorded * _BOUND
    return failed


def _measure(names: tuple[str, ...], rounds: int) -> dict[str, list[float]]:
    """Run -> peak megabytes."""
    sites = {name: Path(name).resolve() if "/" in name else trees.named(name).site for name in names}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench.make(Path(folder))
        empty = bench.folder / "empty"
        empty.mkdir()
        plain = [*timing.PYTEST, *timing.without_others()]
        commands = {_ALONE: [*plain, "--collect-only", str(empty)]}
        for name, site in {_SMALL: bench.small, **sites}.items():
            commands[name] = [*plain, f"--archcheck-path={site}", f"--archcheck-target={timing.TARGET}"]
        peaks: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                peaks[name].append(bench.measure(command).peak / 1e6)
    return peaks


if __name__ == "__main__":
    sys.exit(main())
