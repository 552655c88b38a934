"""Compares the product's scan with the least that any scan must do, written in C (``floor.c``) and in Python (``floor.py``).

    python benchmarks/scan.py                     the pinned TensorFlow environment (downloaded once, then cached)
    python benchmarks/scan.py PATH                any environment
    python benchmarks/scan.py --synthetic 500000  a tree of that many files (made once, then cached)
    python benchmarks/scan.py --page              every real tree of trees.py; rewrites the table of docs/evidence/speed.md
    python benchmarks/scan.py --page --before COMMIT   the same with that version's check beside it, in the same rounds
    python benchmarks/scan.py --hold              end with 1 where scan or check cost nearly twice what was recorded

All run in fresh processes, in turn, on the same tree, timed inside the process; the product's imports are done before its
clock starts. Peak memory is the product's process above a bare interpreter. Machines are noisy: look at the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import pages
import timing
import trees
from support import corpus
from timing import Bench, Inside

#: Tree -> least scan and least check to the least floor. The least of nine runs in turn is what noise disturbs least; that of
#: a change which doubles the cost is beyond the bounds.
_RECORDED = {
    "tensorflow": {"scan": 1.6, "check": 2.4},
    "popular": {"scan": 3.2, "check": 5.3},
    "linux": {"scan": 3.7, "check": 6.5},
}
_BOUND = 1.6
_LEAST = timing.HERE / "least.py"
_EXPLAINED = """\
Ratios of medians to the C program that walks the same tree and reads 4 KiB of each candidate, all of one run in turn, warm, in
fresh processes, imports done. Nothing that the distributions require is missing. `python benchmarks/scan.py --page`.

"Least" is what Python itself allows: a program of two pages that only walks, reads load commands and records, hashes a page of
each file, follows each link and compares names, as if nothing could be damaged (`benchmarks/least.py`; it reads Mach-O only,
and neither the Python sources nor the texts of numpy that a check asks).
"""
_FLOORS = {"floor": "C walk and 4 KiB read", "python floor": "the same in Python"}


def main() -> int:
    """Run the comparison and print medians, spread, ratios to the floor, and memory."""
    options = _options()
    if options.page:
        pages.replace_section(pages.SPEED, "Every tree", report(options.rounds, options.before))
        return 0
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        if options.hold:
            return max(_hold(bench, tree, options.rounds) for tree in _RECORDED)
        _show(bench, options)
    return 0


def report(rounds: int = 9, before: str | None = None) -> str:
    """The table of every real tree.

    :param before: a commit, or the path of a checkout, whose check is measured in the same rounds.
    """
    rows = []
    shown = ("python floor", "least scan", "scan", "least check", *(["check before"] if before else []), "check")
    head = ["", "entries", "compiled", "C floor, ms", *shown]
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench.make(Path(scratch))
        checkout = timing.version_of(before, Path(scratch)) if before else None
        for name, target in trees.REAL.items():
            site = trees.named(name).site
            more = {"check before": timing.product_of(checkout, "check", bench.small, site, target)} if checkout else {}
            if target.startswith("macosx"):
                more |= {f"least {stage}": [sys.executable, str(_LEAST), stage, str(site)] for stage in ("scan", "check")}
            runs = timing.in_turn(bench, site, rounds, target=target, python_floor=True, more=more)
            floor = statistics.median(run.seconds for run in runs["floor"])
            seconds = {stage: statistics.median(run.seconds for run in of_one) for stage, of_one in runs.items()}
            ratios = [f"{seconds[stage] / floor:.2f}" if stage in seconds else "" for stage in shown]
            scan = runs["scan"][0]
            rows.append([name, f"{scan.entries:,}", f"{scan.files:,}", timing.milliseconds(floor), *ratios])
            print(*rows[-1], flush=True)
    return f"{_EXPLAINED}\n{timing.table(head, rows)}"


def _show(bench: Bench, options: argparse.Namespace) -> None:
    """Print medians, spread, ratios to the floor, and memory of one tree."""
    tree = _tree(options)
    runs = timing.in_turn(bench, tree, options.rounds, target=options.target, cold=options.cold, python_floor=True)
    entries = runs["scan"][0].entries
    print(f"{tree}: {entries} entries, {'cold' if options.cold else 'warm'}, {options.rounds} rounds in turn")
    bare = timing.bare_peak()
    floor = statistics.median(run.seconds for run in runs["floor"])
    for stage, of_one in runs.items():
        ratio = statistics.median(run.seconds for run in of_one) / floor
        above = f", {(max(run.peak for run in of_one) - bare) / 1e6:.1f} MB above a bare interpreter" if of_one[0].peak else ""
        print(_row(_FLOORS.get(stage, stage), of_one, f"ratio {ratio:.2f}{above}"))


def _hold(bench: Bench, name: str, rounds: int) -> int:
    """Compare the ratios of a tree with what was recorded; return the exit code."""
    runs = timing.in_turn(bench, trees.named(name).site, rounds, target=trees.REAL[name])
    least = {stage: min(run.seconds for run in of_one) for stage, of_one in runs.items()}
    worse = 0
    for stage, recorded in _RECORDED[name].items():
        ratio = least[stage] / least["floor"]
        stale = "; record it: twice this would pass" if 2 * ratio <= recorded * _BOUND else ""
        print(
            f"{name}, {stage}: least ratio {ratio:.2f}, recorded {recorded}, at most {recorded * _BOUND:.2f}{stale}", flush=True
        )
        worse |= ratio > recorded * _BOUND
    return worse


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the scan with the same walk and read in C.")
    parser.add_argument("tree", nargs="?", type=Path, help="an environment (default: the pinned TensorFlow environment)")
    parser.add_argument("--synthetic", type=int, metavar="FILES", help="a tree of that many made-up files instead")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each (%(default)s)")
    parser.add_argument("--target", default=timing.TARGET, help="what the tree is judged for (%(default)s)")
    parser.add_argument("--page", action="store_true", help="measure every real tree, and rewrite the table of the evidence")
    parser.add_argument("--before", metavar="COMMIT", help="with --page: the check of that version too")
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
