"""How the time grows with the number of files, on synthetic trees: a table and docs/growth.svg.

    python benchmarks/growth.py
    python benchmarks/growth.py --sizes 1000 10000 --rounds 3 --picture growth.svg

Warm, in fresh processes, in turn, timed inside them. The trees are made once, in the tests' cache (about 4 GB).
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pages
import timing
import trees
from timing import Bench

SIZES = (10_000, 50_000, 100_000, 200_000, 500_000)
_LABELS = {"check": "whole check", "scan": "scan", "floor": "C walk and 4 KiB read"}
#: Readable on white and on near-black.
_INK = "#7a828c"
_COLOURS = {"check": "#d1605e", "scan": "#4c86c6", "floor": _INK}


@dataclass(frozen=True, slots=True)
class Growth:
    """Median seconds of each stage, one for each size."""

    sizes: tuple[int, ...]
    seconds: dict[str, list[list[float]]]

    def medians(self, stage: str) -> list[float]:
        """In seconds, in the order of ``sizes``."""
        return [statistics.median(runs) for runs in self.seconds[stage]]

    def exponent(self, stage: str) -> float:
        """The b of seconds = a * files**b, fitted by least squares to the logarithms; 1 is linear."""
        fit = statistics.linear_regression(
            [math.log(size) for size in self.sizes], [math.log(one) for one in self.medians(stage)]
        )
        return fit.slope


def main() -> int:
    """Print the table and write the picture."""
    parser = argparse.ArgumentParser(description="Measure and draw how the time grows with the number of files.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of files (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each (%(default)s)")
    parser.add_argument("--picture", type=Path, default=pages.GROWTH, help="where the SVG goes (%(default)s)")
    options = parser.parse_args()
    print(report(tuple(options.sizes), options.rounds, options.picture), end="")
    return 0


def report(sizes: tuple[int, ...] = SIZES, rounds: int = 7, picture: Path = pages.GROWTH) -> str:
    """Measure, draw ``picture``, return the table as Markdown."""
    growth = measure(sizes, rounds)
    draw(growth, picture)
    rows = []
    for index, size in enumerate(sizes):
        floor, scan, check = (growth.seconds[stage][index] for stage in ("floor", "scan", "check"))
        base = statistics.median(floor)
        ours = [(timing.spread(one), f"{statistics.median(one) / base:.2f}") for one in (scan, check)]
        per_file = f"{statistics.median(check) / size * 1e6:.1f}"
        rows.append([f"{size:,}", timing.spread(floor), *(cell for pair in ours for cell in pair), per_file])
    exponents = [f"{growth.exponent(stage):.2f}" for stage in ("floor", "scan", "check")]
    rows.append(["exponent", exponents[0], exponents[1], "", exponents[2], "", ""])
    return (
        timing.table(["files", "C floor, ms", "scan, ms", "to floor", "check, ms", "to floor", "check, µs a file"], rows) + "\n"
    )


def measure(sizes: tuple[int, ...], rounds: int) -> Growth:
    """Time floor, scan and check at each size."""
    seconds: dict[str, list[list[float]]] = {stage: [] for stage in _LABELS}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        for size in sizes:
            tree = trees.synthetic(size)
            trees.warm(tree)
            for stage, runs in timing.in_turn(bench, tree.site, rounds).items():
                seconds[stage].append([run.seconds for run in runs])
    return Growth(sizes, seconds)


def draw(growth: Growth, picture: Path) -> None:
    """Write an SVG whose bytes depend on the figures only."""
    import matplotlib as mpl  # noqa: PLC0415 - only this function needs it, and it takes a second

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of the backend

    settings: Any = {  # matplotlib lists every key in a type of its own
        "svg.hashsalt": "archcheck",
        "font.size": 11,
        "text.color": _INK,
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with plt.rc_context(settings):
        figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
        for stage, label in _LABELS.items():
            medians = growth.medians(stage)
            spread = [[m - min(runs), max(runs) - m] for m, runs in zip(medians, growth.seconds[stage], strict=True)]
            axes.errorbar(
                growth.sizes,
                medians,
                yerr=list(zip(*spread, strict=True)),
                color=_COLOURS[stage],
                marker="o",
                capsize=3,
                label=f"{label}: files$^{{{growth.exponent(stage):.2f}}}$",
            )
        first = growth.medians("check")[0] / growth.sizes[0]
        axes.plot(
            growth.sizes, [first * size for size in growth.sizes], color=_INK, linestyle=":", label="linear, for comparison"
        )
        axes.set(xscale="log", yscale="log", xlabel="files in the environment", ylabel="seconds, warm (median, least, most)")
        axes.set_xticks(growth.sizes, [f"{size:,}" for size in growth.sizes], rotation=20)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(visible=True, color=_INK, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(picture, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
