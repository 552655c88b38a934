"""What the plugin adds to a pytest run: kept out, installed and off, switched on.

    python benchmarks/startup.py
    python benchmarks/startup.py --rounds 100

Whole processes of ``python -m pytest`` on a project with one trivial test, in turn (the order changes every round), no other
plugin. "On" also inspects an environment with one compiled file. Differences are taken within each round.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import timing
from timing import Bench

_MODULES = "import sys, pytest; pytest.main(sys.argv[1:]); print('\\nMODULES', *sorted(sys.modules))"
PLAIN, OFF, ON = "plugin kept out", "installed, off", "on: one compiled file"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure what the plugin adds to pytest's start.")
    parser.add_argument("--rounds", type=int, default=41, help="runs of each (%(default)s)")
    print(report(parser.parse_args().rounds), end="")
    return 0


def report(rounds: int = 41) -> str:
    """Measure; return the table as Markdown and a line on imports."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        (bench.folder / "pytest.ini").write_text("[pytest]\n")
        (bench.folder / "test_one.py").write_text("def test_one():\n    assert True\n")
        arguments = _arguments(bench)
        seconds, peaks = _measure(bench, arguments, rounds)
        extra = _modules(bench, arguments[OFF]) - _modules(bench, arguments[PLAIN])
    rows = []
    for way, of_one in seconds.items():
        differences = [one - plain for one, plain in zip(of_one, seconds[PLAIN], strict=True)]
        added = "" if way == PLAIN else _difference(differences)
        rows.append([way, timing.spread(of_one), added, f"{max(peaks[way]) / 1e6:.1f}"])
    ours = sum(module.partition(".")[0] == "pytest_archcheck" for module in extra)
    head = ["plugin", "whole process, ms", "added within a round, ms: median (quartiles)", "peak MB"]
    return (
        f"{timing.table(head, rows)}\n\nOff, it imports {len(extra)} modules more than pytest alone, {ours} of them its own.\n"
    )


def _arguments(bench: Bench) -> dict[str, list[str]]:
    common = ["-p", "no:cacheprovider", *timing.without_others(), "test_one.py"]
    return {
        PLAIN: ["-p", "no:pytest_archcheck", *common],
        OFF: common,
        ON: [f"--archcheck-path={bench.small}", f"--archcheck-target={timing.TARGET}", *common],
    }


def _measure(bench: Bench, arguments: dict[str, list[str]], rounds: int) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Seconds and peak bytes of each way's runs."""
    seconds: dict[str, list[float]] = {way: [] for way in arguments}
    peaks: dict[str, list[int]] = {way: [] for way in arguments}
    ways = list(arguments)
    for turn in range(-1, rounds):  # the first round fills caches and does not count
        for index in range(len(ways)):
            way = ways[(turn + index) % len(ways)]
            process = bench.measure([sys.executable, "-m", "pytest", *arguments[way]])
            if process.status != 0:
                sys.exit(f"{way}: pytest ended with {process.status}:\n{process.output}")
            if turn >= 0:
                seconds[way].append(process.seconds)
                peaks[way].append(process.peak)
    return seconds, peaks


def _difference(values: list[float]) -> str:
    low, middle, high = (value * 1000 for value in statistics.quantiles(values, n=4))
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"


def _modules(bench: Bench, arguments: list[str]) -> set[str]:
    output = bench.measure([sys.executable, "-c", _MODULES, *arguments]).output
    return set(output.rpartition("\nMODULES ")[2].split())


if __name__ == "__main__":
    sys.exit(main())
