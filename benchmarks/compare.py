"""Compares archcheck with what else one could run on an environment, and with the least that any of them must do.

    python benchmarks/compare.py                        warm: every tool on every tree, then what each says of broken ones
    python benchmarks/compare.py --cold                 the file cache is dropped before every run (Linux, root)
    python benchmarks/compare.py --trees tensorflow 100000 --tools archcheck file --rounds 3

Needs ``pip install -e '.[bench]'``, a C compiler, ``file``, and Apple's or LLVM's otool for delocate. The first run downloads
wheels and makes the synthetic trees; later ones need no network. Whole processes are timed from outside, start of the
interpreter included; "inside" is what our own processes and the floor measure of themselves, imports done.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import timing
import tools
import trees
from timing import Bench, Inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from timing import Process
    from tools import Answer, Tool
    from trees import Tree

DEFAULT_TREES = ("tensorflow", "popular", "100000")
COLD_TREES = ("tensorflow", "popular")
#: Their answers are compared; the first two are healthy.
ANSWERED = ("tensorflow", "popular", "mixed", "relabelled")
#: Seconds: a run that takes longer is stopped. A tool that took half of it is not tried on a larger synthetic tree.
LIMIT = 65.0
#: Seconds: a tool's rounds on one tree end before they take longer together.
BUDGET = 8.0
ROUNDS, COLD_ROUNDS = 7, 3


@dataclass(slots=True)
class Runs:
    """All runs of one tool on one tree."""

    tool: Tool
    processes: list[Process] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Of the whole processes."""
        return [process.seconds for process in self.processes]

    @property
    def inside(self) -> list[float]:
        """What they measured of themselves; empty if they do not."""
        return [Inside.parse(process.output).seconds for process in self.processes] if self.tool.times_itself else []

    @property
    def stopped(self) -> bool:
        """It did not end in time."""
        return any(process.stopped for process in self.processes)

    @property
    def answer(self) -> Answer:
        """What the last run said."""
        return self.tool.answer(self.processes[-1])

    def wanted(self, rounds: int) -> bool:
        """Whether one more run is within the rounds and the budget."""
        done = len(self.processes)
        if self.stopped or self.tool.unavailable or done >= rounds:
            return False
        return done == 0 or sum(self.seconds) * (done + 1) / done <= BUDGET


def main() -> int:
    """Print the tables, or write them."""
    options = _options()
    rounds = options.rounds or (COLD_ROUNDS if options.cold else ROUNDS)
    text = report(options.trees, options.tools, rounds, cold=options.cold)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def report(
    tree_names: Sequence[str] = DEFAULT_TREES, words: Sequence[str] = ("",), rounds: int = ROUNDS, *, cold: bool = False
) -> str:
    """Measure the tools whose name holds one of ``words`` on the trees of these names; return Markdown.

    Warm, what they say of broken trees comes last; it is the same cold.
    """
    parts = []
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        chosen = [tool for tool in tools.all_tools(bench) if any(word in tool.name for word in words)]
        measured: dict[str, list[Runs]] = {}
        for tree_name in tree_names:
            tree = trees.named(tree_name)
            slow = {
                runs.tool.name
                for all_runs in measured.values()
                for runs in all_runs
                if max(runs.seconds, default=0) > LIMIT / 2
            }
            small_enough = [tool for tool in chosen if not tree_name.isdigit() or tool.name not in slow]
            measured[tree_name] = measure(bench, tree, small_enough, rounds, cold=cold)
            parts.append(_timed(tree, chosen, measured[tree_name], cold=cold))
        if not cold:
            for tree_name in ANSWERED:
                if tree_name not in measured:
                    # The compiled files of "relabelled" are those of "mixed".
                    asked = [tool for tool in chosen if tool.reads_tags or tree_name != "relabelled"]
                    measured[tree_name] = measure(bench, trees.named(tree_name), asked, 1)
            parts.append(_answered(chosen, measured))
    return "\n\n".join(parts) + "\n"


def measure(bench: Bench, tree: Tree, chosen: list[Tool], rounds: int, *, cold: bool = False) -> list[Runs]:
    """Run the tools in turn on one tree."""
    if not cold:
        small = trees.synthetic(100)
        trees.warm(tree)
        for tool in chosen:
            if not tool.unavailable:
                bench.measure(tool.command(bench, small), environment=tool.environment)  # the tool itself into the file cache
    all_runs = [Runs(tool) for tool in chosen]
    while waiting := [runs for runs in all_runs if runs.wanted(rounds)]:
        for runs in waiting:
            if cold:
                timing.drop_caches()
            print(f"{tree.name}: {runs.tool.name}", file=sys.stderr)
            process = bench.measure(runs.tool.command(bench, tree), environment=runs.tool.environment, limit=LIMIT)
            if not process.stopped and process.status not in runs.tool.statuses:
                sys.exit(f"{runs.tool.name} ended with {process.status} on {tree.name}:\n{process.output[-2000:]}")
            runs.processes.append(process)
    return all_runs


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare archcheck with other tools.")
    known = f"{', '.join(trees.NAMED)}, or a number of synthetic files"
    parser.add_argument("--trees", nargs="+", default=DEFAULT_TREES, metavar="TREE", help=f"{known} (%(default)s)")
    parser.add_argument("--tools", nargs="+", default=[""], metavar="TEXT", help="only tools whose name holds one of these")
    parser.add_argument("--rounds", type=int, help=f"most runs of each ({ROUNDS}; cold {COLD_ROUNDS})")
    parser.add_argument("--cold", action="store_true", help="drop the file cache before every run (Linux, root)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there instead")
    return parser.parse_args()


def _timed(tree: Tree, chosen: list[Tool], measured: list[Runs], *, cold: bool) -> str:
    count = sum(len(names) for _, _, names in os.walk(tree.site))
    head = ["tool", "whole process, ms", "to floor", "runs", "inside, ms", "to floor", "peak MB", "looked into"]
    of_tool = {runs.tool.name: runs for runs in measured}
    rows = [_row(tool, of_tool.get(tool.name), of_tool.get(tools.FLOOR)) for tool in chosen]
    return f"**{tree.name}**, {count:,} files, {'cold' if cold else 'warm'}:\n\n{timing.table(head, rows)}"


def _row(tool: Tool, runs: Runs | None, floor: Runs | None) -> list[str]:
    excuse = tool.unavailable
    if runs is None:
        excuse = "not tried: slow on a smaller tree"
    elif runs.stopped:
        excuse = f"more than {LIMIT:.0f} s: stopped"
    if runs is None or excuse:
        return [tool.name, excuse, *[""] * 6]
    peak = max(process.peak for process in runs.processes) / 1e6
    return [
        tool.name,
        timing.spread(runs.seconds),
        _ratio(runs.seconds, floor.seconds if floor else []),
        str(len(runs.processes)),
        timing.spread(runs.inside) if runs.inside else "",
        _ratio(runs.inside, floor.inside if floor else []),
        f"{peak:,.0f}",
        runs.answer.seen,
    ]


def _ratio(of_tool: list[float], of_floor: list[float]) -> str:
    return f"{statistics.median(of_tool) / statistics.median(of_floor):,.2f}" if of_tool and of_floor else ""


def _answered(chosen: list[Tool], measured: dict[str, list[Runs]]) -> str:
    broken = " and ".join(trees.BROKEN)
    caption = (
        f"What each calls broken. In `mixed` {broken} are the x86_64 wheels; `relabelled` is the same with tags that promise "
        "arm64; the other two trees are healthy. Tools that read no tags are asked once:"
    )
    rows = [[tool.name, *(_said(tool, measured[name]) for name in ANSWERED)] for tool in chosen if tool.name != tools.FLOOR]
    return f"{caption}\n\n{timing.table(['tool', *(f'`{name}`' for name in ANSWERED)], rows)}"


def _said(tool: Tool, measured: list[Runs]) -> str:
    runs = next((runs for runs in measured if runs.tool is tool), None)
    if runs is None:
        return "as in `mixed`"
    if tool.unavailable or runs.stopped:
        return tool.unavailable or "not finished"
    return runs.answer.named


if __name__ == "__main__":
    sys.exit(main())
