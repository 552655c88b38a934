"""Compares the product's scan with the least that any scan must do, written in C (``floor.c``) and in Python (``floor.py``).

    python benchmarks/scan.py                     the pinned TensorFlow environment (downloaded once, then cached)
    python benchmarks/scan.py PATH                any environment
    python benchmarks/scan.py --synthetic 500000  a tree of that many files (made once, then cached)
    python benchmarks/scan.py --hold              end with 1 where scan or check cost twice what was recorded

All run in fresh processes, in turn, on the same tree, timed inside the process; the product's imports are done before its
clock starts. Peak memory is the product's process above a bare interpreter. Machines are noisy: look at the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import timing
import trees
from support import corpus
from timing import Bench, Inside

#: The ratios of the TensorFlow environment: least scan and least check to the least floor. The least of nine runs in turn is
#: what noise disturbs least; that of a change which doubles the cost is beyond the bounds.
_RECORDED = {"scan": 1.9, "check": 3.0}
_BOUND = 1.7
_FLOORS = {"floor": "C walk and 4 KiB read", "python floor": "the same in Python"}


def main() -> int:
    """Run the comparison and print medians, spread, ratios to the floor, and memory."""
    options = _options()
    tree = _tree(options)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        runs = timing.in_turn(bench, tree, options.rounds, target=options.target, cold=options.cold, python_floor=True)
    entries = runs["scan"][0].entries
    print(f"{tree}: {entries} entries, {'cold' if options.cold else 'warm'}, {options.rounds} rounds in turn")
    bare = timing.bare_peak()
    floor = statistics.median(run.seconds for run in runs["floor"])
    for stage, of_one in runs.items():
        ratio = statistics.median(run.seconds for run in of_one) / floor
        above = f", {(max(run.peak for run in of_one) - bare) / 1e6:.1f} MB above a bare interpreter" if of_one[0].peak else ""
        print(_row(_FLOORS.get(stage, stage), of_one, f"ratio {ratio:.2f}{above}"))
    return _hold(runs) if options.hold else 0


def _hold(runs: dict[str, list[Inside]]) -> int:
    """Compare the ratios with what was recorded; return the exit code."""
    least = {stage: min(run.seconds for run in of_one) for stage, of_one in runs.items()}
    worse = 0
    for stage, recorded in _RECORDED.items():
        ratio = least[stage] / least["floor"]
        print(f"{stage}: least ratio {ratio:.2f}, recorded {recorded}, at most {recorded * _BOUND:.2f}")
        worse |= ratio > recorded * _BOUND
    return worse


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the scan with the same walk and read in C.")
    parser.add_argument("tree", nargs="?", type=Path, help="an environment (default: the pinned TensorFlow environment)")
    parser.add_argument("--synthetic", type=int, metavar="FILES", help="a tree of that many made-up files instead")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each (%(default)s)")
    parser.add_argument("--target", default=timing.TARGET, help="what the tree is judged for (%(default)s)")
    parser.add_argument("--hold", action="store_true", help="compare with the recorded ratios")
    parser.add_argument("--cold", action="store_true", help="drop the file cache before every run (Linux, root)")
    return parser.parse_args()


def _tree(options: argparse.Namespace) -> Path:
    if options.synthetic:
        return trees.synthetic(options.synthetic).site
    if options.tree:
        return Path(options.tree).resolve()
    return corpus.arm64_tensorflow()


def _row(name: str, runs: list[Inside], note: str) -> str:
    times = sorted(run.seconds * 1000 for run in runs)
    seconds = f"median {statistics.median(times):8.1f} ms   from {times[0]:.1f} to {times[-1]:.1f} ms"
    return f"{name:24} {seconds}   {runs[0].files} files, {note}"


if __name__ == "__main__":
    sys.exit(main())
