"""What the plugin adds to a pytest run: not installed, kept out, installed and off, switched on; and what it imports when on.

    python benchmarks/startup.py
    python benchmarks/startup.py --rounds 100

Whole processes of ``python -m pytest`` on a project with one trivial test, in turn (the order changes every round), no other
plugin. Two folders hold the same packages, one of them also this project as pip installs its wheel. "On" also inspects an
environment with one compiled file. Differences are taken within each round; the interval is that of the sign test, which
assumes nothing about how the times are spread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import timing
from timing import Bench

#: What the project requires, in the versions that are installed here.
_PACKAGES = ("importlib-metadata", "macholib", "packaging", "pytest")
#: A line of ``-X importtime``: microseconds of the module itself, with those it imports, its name.
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_IMPORT_ROUNDS = 9
#: Of all medians, so many lie in the interval.
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Way:
    """One way of starting pytest."""

    name: str
    #: Whether this project is installed.
    installed: bool
    arguments: tuple[str, ...] = ()
    #: No bytecode is written: as with ``PYTHONDONTWRITEBYTECODE``, or in the first run after installing.
    bytecode: bool = True
    #: The way that it is compared with.
    beside: str | None = "not installed"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure what the plugin adds to pytest's start.")
    parser.add_argument("--rounds", type=int, default=40, help="runs of each (%(default)s)")
    print(report(parser.parse_args().rounds), end="")
    return 0


def report(rounds: int = 40) -> str:
    """Measure; return the tables as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench.make(Path(name))
        (bench.folder / "pytest.ini").write_text("[pytest]\n")
        (bench.folder / "test_one.py").write_text("def test_one():\n    assert True\n")
        folders = install(bench.folder)
        on = (f"--archcheck-path={bench.small}", f"--archcheck-target={timing.TARGET}")
        ways = [
            Way("not installed", installed=False, beside=None),
            Way("installed, `-p no:pytest_archcheck`", installed=True, arguments=("-p", "no:pytest_archcheck")),
            Way("installed, off", installed=True),
            Way("on: one compiled file", installed=True, arguments=on),
            Way("not installed, no bytecode written", installed=False, bytecode=False, beside=None),
            Way(
                "installed, off, no bytecode written",
                installed=True,
                bytecode=False,
                beside="not installed, no bytecode written",
            ),
        ]
        seconds, peaks = _measure(bench, folders, ways, rounds)
        imported = _imports(bench, folders[True], on)
    seconds_of = {way.name: of_one for way, of_one in zip(ways, seconds, strict=True)}
    rows = []
    for way, of_one, peak in zip(ways, seconds, peaks, strict=True):
        added = ""
        if way.beside is not None:
            added = _interval([one - plain for one, plain in zip(of_one, seconds_of[way.beside], strict=True)])
        rows.append([way.name, timing.spread(of_one), added, f"{max(peak) / 1e6:.1f}"])
    kept_out = _interval([one - plain for one, plain in zip(seconds[2], seconds[1], strict=True)])
    head = ["plugin", "whole process, ms", f"added, ms: median ({_CONFIDENCE:.0%} interval)", "peak MB"]
    return (
        f"{timing.table(head, rows)}\n\nOf the third row, our own code is the difference to the second: {kept_out} ms. The "
        f"rest is pytest's: it looks at every file that pip has recorded for a plugin.\n\n{imported}\n"
    )


def install(folder: Path) -> dict[bool, Path]:
    """Make the two folders: whether this project is in it -> the folder."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        sys.exit("startup.py needs uv: pip install -e '.[bench]'")
    pinned = [f"{name}=={version(name)}" for name in _PACKAGES]
    folders = {False: folder / "without", True: folder / "with"}
    for path in folders.values():
        command = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", sys.executable, "--target", str(path), *pinned]
        subprocess.run(command, check=True)
    subprocess.run([uv, "build", "-q", "--wheel", "-o", str(folder / "dist"), str(timing.HERE.parent)], check=True)
    wheel = next((folder / "dist").glob("*.whl"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(folders[True]),
        str(wheel),
    ]
    subprocess.run(command, check=True)
    return folders


def version(name: str) -> str:
    """The version that is installed here."""
    return importlib.metadata.version(name)


def _measure(
    bench: Bench, folders: dict[bool, Path], ways: list[Way], rounds: int
) -> tuple[list[list[float]], list[list[int]]]:
    """Seconds and peak bytes of each way's runs."""
    seconds: list[list[float]] = [[] for _ in ways]
    peaks: list[list[int]] = [[] for _ in ways]
    for turn in range(-1, rounds):  # the first round fills caches and does not count
        for index in range(len(ways)):
            place = (turn + index) % len(ways)
            way = ways[place]
            if not way.bytecode:
                for cached in (folders[way.installed] / "pytest_archcheck").rglob("*-pytest-*.pyc"):
                    cached.unlink()
            switch = [] if way.bytecode else ["-B"]
            process = bench.measure(_command(*switch, arguments=way.arguments), environment=_found(folders[way.installed]))
            if process.status != 0:
                sys.exit(f"{way.name}: pytest ended with {process.status}:\n{process.output}")
            if turn >= 0:
                seconds[place].append(process.seconds)
                peaks[place].append(process.peak)
    return seconds, peaks


def _command(*switches: str, arguments: tuple[str, ...]) -> list[str]:
    # -S: nothing but the folder on PYTHONPATH is installed.
    return [sys.executable, "-S", *switches, "-m", "pytest", "-p", "no:cacheprovider", *arguments, "test_one.py"]


def _found(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": ""}


def _interval(differences: list[float]) -> str:
    """Median of differences within a round, in milliseconds, with the interval of the sign test."""
    ordered = sorted(value * 1000 for value in differences)
    count = len(ordered)
    outside, at = 0.0, 0
    while outside + math.comb(count, at) / 2**count <= (1 - _CONFIDENCE) / 2:
        outside += math.comb(count, at) / 2**count
        at += 1
    low, high = ordered[max(at - 1, 0)], ordered[min(count - at, count - 1)]
    return f"{statistics.median(ordered):+.1f} ({low:+.1f} to {high:+.1f})"


def _imports(bench: Bench, folder: Path, on: tuple[str, ...]) -> str:
    """What a run with the checks on imports beyond one with them off."""
    ours, others, shares, counts = [], [], [], []
    for turn in range(-1, _IMPORT_ROUNDS):
        off_times, on_times = (
            _times(bench.measure(_command("-X", "importtime", arguments=arguments), environment=_found(folder)).output)
            for arguments in ((), on)
        )
        if turn < 0:
            continue
        added = {name: spent for name, spent in on_times.items() if name not in off_times}
        own = sum(spent for name, spent in added.items() if name.startswith("pytest_archcheck"))
        ours.append(own / 1000)
        others.append((sum(added.values()) - own) / 1000)
        shares.append(sum(added.values()) / sum(on_times.values()))
        counts.append(sum(name.startswith("pytest_archcheck") for name in added))
    return (
        f"Imports of a run on a folder of Mach-O files beyond those of a run with the checks off (`-X importtime`, medians of "
        f"{_IMPORT_ROUNDS}): {statistics.median(ours):.0f} ms ({min(ours):.0f} to {max(ours):.0f}) in {counts[0]} modules of "
        f"ours, {statistics.median(others):.0f} ms in others; together {statistics.median(shares):.0%} of all that is imported."
    )


def _times(output: str) -> dict[str, int]:
    """Module -> microseconds of its own."""
    times: dict[str, int] = {}
    for spent, name in _IMPORT.findall(output):
        times[name] = times.get(name, 0) + int(spent)
    return times


if __name__ == "__main__":
    sys.exit(main())
