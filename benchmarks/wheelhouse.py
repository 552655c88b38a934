"""Thousands of wheels: what a folder of them costs, whole and in part, beside the tools that look at wheels today.

    pip install -e '.[bench]'
    python benchmarks/wheelhouse.py              about ten minutes; the first run also downloads 370 wheels, 440 MB
    python benchmarks/wheelhouse.py --quick      three minutes: a thousand wheels in place of ten thousand, fewer rounds
    python benchmarks/wheelhouse.py --parts cost tools --no-page

Rewrites docs/evidence/wheelhouse.md. All wheels are real: 130 projects for macOS arm64, macOS x86_64 and Linux x86_64. Ten
thousand are made of them by build tags, as hard links. Whole processes in turn, timed from outside; medians.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pages
import timing
import tools
from support import corpus
from timing import Bench

from pytest_archcheck.discover.wheels import read_wheel
from pytest_archcheck.judge.wheel import read_and_judge
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from timing import Process

#: pip's platform tags for each machine. Of macOS' it takes older ones too, of manylinux' only those that are named.
_PLATFORMS = (
    ("macosx_14_0_arm64",),
    ("macosx_14_0_x86_64",),
    (
        *(f"manylinux_2_{glibc}_x86_64" for glibc in (28, 27, 26, 24, 17, 12, 5)),
        *(f"manylinux{year}_x86_64" for year in (2014, 2010, 1)),
    ),
)
#: Wheels of the folders by which growth is measured; the hundred are multiplied.
SIZES, QUICK_SIZES = (100, 1_000, 3_000, 10_000), (100, 300, 1_000)
#: Seconds: the rounds of one tool end before they take longer together.
BUDGET = 20.0
#: Wheels that the slow tools are given: spread evenly over the sorted names.
SAMPLE = 24
ROUNDS = 5
_PLUGIN = """
import os, pathlib, signal
import pytest

# One of the parts of a run: every item whose number has that remainder, as pytest-shard does.
SHARD = os.environ.get("SHARD")
# A worker of pytest-xdist that dies once, at this item.
DYING, MARK = os.environ.get("DYING"), os.environ.get("MARK", "")

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if SHARD:
        part, parts = map(int, SHARD.split("/"))
        config.hook.pytest_deselected(items=[item for number, item in enumerate(items) if number % parts != part])
        items[:] = [item for number, item in enumerate(items) if number % parts == part]

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if DYING and item.nodeid.endswith(DYING) and "PYTEST_XDIST_WORKER" in os.environ and not os.path.exists(MARK):
        pathlib.Path(MARK).touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""
#: The least that collecting can be: items that hold nothing, and functions in one file, as tests are.
_EMPTY = """
import pytest

class Empty(pytest.Item):
    def runtest(self):
        pass

class Many(pytest.File):
    def collect(self):
        return [Empty.from_parent(self, name=f"item-{number:05}") for number in range(COUNT)]

def pytest_collect_file(parent, file_path):
    return Many.from_parent(parent, path=file_path) if file_path.suffix == ".many" else None
"""
#: What pytest-xdist allows: as many items, each of which takes so much CPU and says nothing.
_BURN = """end = time.thread_time() + EACH
        while time.thread_time() < end:
            pass"""
_BURNING = "import time\n" + _EMPTY.replace("pass", _BURN)


def main() -> int:
    """Measure, and rewrite the page."""
    parts: dict[str, Callable[[House], str]] = {
        "cost": _cost, "growth": _growth, "parts": _parts, "tools": _tools, "same": _same,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description="Measure what a folder of thousands of wheels costs.")
    parser.add_argument("--quick", action="store_true", help="fewer wheels and rounds")
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts), help="what to measure (everything)")
    parser.add_argument("--no-page", action="store_true", help="print, leave docs/evidence/wheelhouse.md as it is")
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, House.make(Path(scratch), quick=options.quick) as house:
        for name in options.parts:
            body = parts[name](house)
            print(f"## {_TITLES[name]}\n\n{body}\n", flush=True)
            if not options.no_page:
                pages.replace_section(pages.WHEELHOUSE, _TITLES[name], body)
    print(f"{time.monotonic() - begin:.0f} s")
    return 0


_TITLES = {
    "cost": "What one wheel costs",
    "growth": "From a hundred to ten thousand",
    "parts": "One of ten thousand, and the first that fails",
    "tools": "Beside other tools",
    "same": "One answer",
}


@dataclass(frozen=True, slots=True)
class House:
    """The wheels, and where folders of them are made."""

    bench: Bench
    #: On the file system of the wheels: links are made there.
    folder: Path
    #: Sorted by name.
    wheels: tuple[Path, ...]
    quick: bool

    @classmethod
    @contextmanager
    def make(cls, scratch: Path, *, quick: bool) -> Iterator[House]:
        """Get the wheels, and remove the links in the end."""
        wheels = tuple(sorted(_wheels().glob("*.whl")))
        bench = Bench.make(scratch)
        (scratch / "pytest.ini").write_text("[pytest]\n")
        (scratch / "of_the_benchmark.py").write_text(_PLUGIN)
        with tempfile.TemporaryDirectory(dir=corpus.cache_folder(), prefix="wheelhouse-links-") as folder:
            yield cls(bench, Path(folder), wheels, quick)

    @property
    def many(self) -> int:
        """What stands for ten thousand."""
        return 1_000 if self.quick else 10_000

    def links(self, count: int, wheels: Sequence[Path] | None = None) -> Path:
        """A flat folder of so many wheels: all of them, then all with the build tag 1, and so on. Made once."""
        wheels = self.wheels if wheels is None else wheels
        folder = self.folder / f"{count}-of-{len(wheels)}"
        if not folder.is_dir():
            folder.mkdir()
            for number in range(count):
                build, index = divmod(number, len(wheels))
                os.link(wheels[index], folder / _built(wheels[index].name, build))
        return folder

    def chosen(self, name: str, wheels: Sequence[Path]) -> Path:
        """A folder of just these."""
        folder = self.folder / name
        if not folder.is_dir():
            folder.mkdir()
            for wheel in wheels:
                os.link(wheel, folder / wheel.name)
        return folder

    def run(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, xdist: bool = False) -> Process:
        """Judge a folder: pytest with no plugin but ours, and pytest-xdist where it is asked for."""
        others = [one for one in timing.without_others() if not (xdist and "xdist" in one)]
        command = [*timing.PYTEST, *others, "-p", "of_the_benchmark", "-q", f"--archcheck-path={folder}", *arguments]
        return self.bench.measure(command, environment=environment)


def _wheels() -> Path:
    """Every wheel, downloaded once into the cache of the tests, one after the other."""
    pins = corpus.read_pins("wheelhouse")

    def build(folder: Path) -> None:
        for platforms in _PLATFORMS:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            command += ["--dest", str(folder), "--python-version", "3.11", "--implementation", "cp"]
            subprocess.run([*command, *(word for tag in platforms for word in ("--platform", tag)), *pins], check=True)

    key = [*(tag for platforms in _PLATFORMS for tag in platforms), *pins]
    return corpus._cached("wheelhouse", key, build)  # noqa: SLF001 - one cache for tests and benchmarks


def _built(name: str, build: int) -> str:
    """The file name with that build tag, which stands before the three tags at the end: ``demo-1.0-7-cp311-...``."""
    if not build:
        return name
    project, version, *_, python, abi, platform = name.split("-")
    return "-".join([project, version, str(build), python, abi, platform])


def _spread_over(wheels: Sequence[Path], count: int) -> list[Path]:
    return [wheels[index * len(wheels) // count] for index in range(min(count, len(wheels)))]


def _checked(process: Process, *statuses: int) -> Process:
    if process.status not in (statuses or (0,)):
        sys.exit(f"ended with {process.status}:\n{process.output[-3000:]}")
    return process


def _in_turn(ways: Mapping[str, Callable[[], Process]], rounds: int) -> dict[str, list[Process]]:
    """Run each way in turn, so many times, after one that does not count where there are several."""
    runs: dict[str, list[Process]] = {name: [] for name in ways}
    for turn in range(rounds):
        names = list(ways)
        for index in range(len(names)):
            name = names[(turn + index) % len(names)]
            runs[name].append(ways[name]())
    return runs


def _median(processes: Sequence[Process]) -> float:
    return statistics.median(process.seconds for process in processes)


def _spread(processes: Sequence[Process]) -> str:
    return timing.spread([process.seconds for process in processes])


# -- what one wheel costs


def _cost(house: House) -> str:
    """Judging each wheel beside zlib inflating all its compiled members, in one process, in turn."""
    here = Target.parse(timing.TARGET)
    seconds: dict[str, list[tuple[float, float]]] = {}
    inflated = 0
    for wheel in house.wheels:
        distribution = read_wheel(str(wheel))
        members = {distribution.members[binary.path].filename for binary in distribution.distribution.binaries}
        pairs = []
        for _ in range(3 if house.quick else 5):
            begin = time.perf_counter()
            read_and_judge(str(wheel), wheel.stem, here, target_given=False)
            middle = time.perf_counter()
            size = _inflate(wheel, members)
            pairs.append((middle - begin, time.perf_counter() - middle))
        inflated += size
        seconds[wheel.name] = [(statistics.median(one), statistics.median(other)) for one, other in [zip(*pairs, strict=True)]]
    groups = {
        "macOS arm64": "_arm64", "macOS universal2": "_universal2", "macOS x86_64": "macosx_", "Linux x86_64": "manylinux"
    }  # fmt: skip
    rows = []
    left = dict(seconds)
    for title, word in groups.items():
        names = [name for name in left if word in name and ("macosx" in name or word == "manylinux")]
        if title == "macOS arm64":
            names = [name for name in names if "universal2" not in name]
        rows.append(_cost_row(title, [left.pop(name)[0] for name in names]))
    rows.append(_cost_row("**all**", [pairs[0] for pairs in seconds.values()]))
    return _COST.format(
        table=timing.table(
            ["wheels for", "wheels", "judged, ms a wheel", "zlib, ms a wheel", "ratio of sums", "median of ratios"], rows
        ),
        megabytes=f"{inflated / 1e6:,.0f}",
        size=f"{sum(wheel.stat().st_size for wheel in house.wheels) / 1e6:,.0f}",
    )


_COST = """\
Each of the wheels ({size} MB) judged for what its tags promise, and zlib inflating all its compiled members ({megabytes} MB)
in pieces of 1 MiB: the least that a tool must do which looks at all their bytes. One process, in turn, medians for each
wheel. A member is inflated once, and no further than a rule asks: to the load commands of x86_64 code, to the signature of
arm64 code, which lies at its end, to the dynamic section of ELF files. What that leaves unseen: damage behind that point, the
CRC of members (it needs every byte; `unzip -t` and installers compare it), and hashes in RECORD. Of arm64 code nothing less
than all of it gives the signature: zlib alone, in the pieces that suit it best, takes about 0.9 of what is called 1 here.

{table}
"""


def _cost_row(title: str, pairs: Sequence[tuple[float, float]]) -> list[str]:
    ours, limit = (sum(column) for column in zip(*pairs, strict=True))
    ratios = statistics.median(one / other for one, other in pairs)
    count = len(pairs)
    return [
        title,
        str(count),
        f"{ours / count * 1000:.2f}",
        f"{limit / count * 1000:.2f}",
        f"{ours / limit:.2f}",
        f"{ratios:.2f}",
    ]


def _inflate(wheel: Path, names: set[str]) -> int:
    """Inflate these members with zlib, as fast as Python can have it; return how many bytes they are."""
    total = 0
    with zipfile.ZipFile(wheel) as archive, wheel.open("rb") as file:
        for member in archive.infolist():
            if member.filename not in names:
                continue
            file.seek(member.header_offset + 26)  # lengths of the name and of the extra field
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            file.seek(member.header_offset + 30 + name + extra)
            data = file.read(member.compress_size)
            if member.compress_type == zipfile.ZIP_STORED:
                total += len(data)
                continue
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            piece = inflater.decompress(data, 1 << 20)
            while piece:
                total += len(piece)
                piece = inflater.decompress(inflater.unconsumed_tail, 1 << 20)
    return total


# -- growth


def _growth(house: House) -> str:
    """Time and memory by the number of wheels, and two processes beside one."""
    sizes = QUICK_SIZES if house.quick else SIZES
    hundred = _spread_over(house.wheels, 100)
    runs: dict[int, list[Process]] = {}
    for size in sizes:
        folder = house.links(size, hundred)
        rounds = 1 if size >= 3_000 else 3 if size >= 1_000 or house.quick else 5
        runs[size] = [_checked(house.run(folder)) for _ in range(rounds)]
    fit = statistics.linear_regression([math.log(size) for size in sizes], [math.log(_median(runs[size])) for size in sizes])
    first = max(process.peak for process in runs[sizes[0]])
    rows = [
        [
            f"{size:,}", _spread(of_size), f"{_median(of_size) / size * 1000:.2f}",
            f"{max(process.peak for process in of_size) / 1e6:.0f}",
            f"{max(process.peak for process in of_size) / first:.2f}",
        ]
        for size, of_size in runs.items()
    ]  # fmt: skip
    table = timing.table(["wheels", "whole process, ms", "ms a wheel", "peak MB", f"to {sizes[0]}"], rows)
    folder = house.links(600 if house.quick else 10 * len(house.wheels))
    count = len(list(folder.iterdir()))
    ways: dict[str, Callable[[], Process]] = {
        "one process": lambda: _checked(house.run(folder)),
        "-n 2": lambda: _checked(house.run(folder, "-n", "2", xdist=True)),
    }
    turns = _in_turn(ways, 2 if house.quick else 3)
    ratio = _median(turns["one process"]) / _median(turns["-n 2"])
    burning = house.bench.folder / "burning"
    burning.mkdir()
    each = _median(turns["one process"]) / count
    (burning / "conftest.py").write_text(_BURNING.replace("COUNT", str(count)).replace("EACH", f"{each:.6f}"))
    (burning / "empty.many").write_text("")
    plain = [*timing.PYTEST, *(one for one in timing.without_others() if "xdist" not in one), "-q", str(burning)]
    bounds = [_checked(house.bench.measure([*plain, *more])).seconds for more in ([], ["-n", "2"])]
    return _GROWTH.format(
        table=table,
        exponent=f"{fit.slope:.2f}",
        count=f"{count:,}",
        one=_spread(turns["one process"]),
        two=_spread(turns["-n 2"]),
        ratio=f"{ratio:.2f}",
        bound=f"{bounds[0] / bounds[1]:.2f}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    )


_GROWTH = """\
A hundred of the wheels, spread over their names, multiplied by build tags; `pytest --archcheck-path=FOLDER`, whole processes.
In seconds = a * wheels^b, b is **{exponent}**.

{table}

Two workers of pytest-xdist on {cores} cores, {count} wheels in turn: one process {one} ms, `-n 2` {two} ms: **{ratio} times
as fast**. As many items of pytest that burn the same CPU and say nothing: {bound}. Starting two workers takes a second of CPU,
which is less of a larger folder.
"""


# -- one of many


def _parts(house: House) -> str:
    """``-k`` and ``-x`` beside a run of pytest that only collects as many items."""
    many = house.many
    folder = house.links(many)
    wheels = sorted(wheel.name for wheel in folder.iterdir())
    broken = house.chosen("first-broken", [])
    for name in wheels:
        os.link(folder / name, broken / name)
    (broken / "aaa-1.0-py3-none-macosx_11_0_arm64.whl").write_bytes(b"PK\3\4 cut short")
    items, functions = house.bench.folder / "items", house.bench.folder / "functions"
    items.mkdir()
    functions.mkdir()
    (items / "conftest.py").write_text(_EMPTY.replace("COUNT", str(many)))
    (items / "empty.many").write_text("")
    (functions / "test_many.py").write_text("".join(f"def test_{number:05}(): pass\n" for number in range(many)))
    plain = [*timing.PYTEST, *timing.without_others(), "-p", "no:pytest_archcheck", "-q"]
    one = Path(wheels[many // 2]).stem
    ways: dict[str, Callable[[], Process]] = {
        "items": lambda: _checked(house.bench.measure([*plain, "-k", f"item-{many // 2:05}", str(items)])),
        "functions": lambda: _checked(house.bench.measure([*plain, "-k", f"test_{many // 2:05}", str(functions)])),
        "-k": lambda: _checked(house.run(folder, "-k", one)),
        "-x": lambda: _checked(house.run(broken, "-x"), 1),
        "id": lambda: _checked(house.run(folder, f"archcheck::{one}")),
        "--co": lambda: _checked(house.run(folder, "--co")),
    }
    for way in ways.values():
        way()  # bytecode and the file cache
    runs = _in_turn(ways, 3 if house.quick else 5)
    titles = {
        "items": f"pytest, {many:,} items of a class that does nothing, `-k` for one",
        "functions": f"pytest, {many:,} empty test functions, `-k` for one",
        "-k": f"`-k` for one of {many:,} wheels",
        "-x": "`-x`, where the first of them is broken",
        "id": "one of them by its id",
        "--co": "`--co`: all are listed, none is opened",
    }
    least, usual = _median(runs["items"]), _median(runs["functions"])
    rows = [
        [
            titles[name],
            _spread(of_one),
            f"{_median(of_one) / least:.2f}",
            f"{_median(of_one) / usual:.2f}",
            f"{max(process.peak for process in of_one) / 1e6:.0f}",
        ]
        for name, of_one in runs.items()
    ]
    return _PARTS.format(table=timing.table(["", "whole process, ms", "to empty items", "to empty functions", "peak MB"], rows))


_PARTS = """\
All wheels multiplied by build tags. A wheel is opened by the item that asks of it, so a run that asks of one costs what
pytest's own collecting of as many items does.

{table}
"""


# -- other tools


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool that looks at wheels."""

    name: str
    #: Its command, before the wheels.
    words: tuple[str, ...]
    #: It takes those with this word in the file name.
    only: str = ""
    #: It is called for each wheel; else once for all.
    each: bool = False
    environment: Mapping[str, str] | None = None
    #: How many of the wheels that it takes; 0: all.
    sample: int = SAMPLE
    #: What it is compared with has these arguments.
    beside: tuple[str, ...] = ()
    #: Exit statuses of a run that did its work.
    statuses: tuple[int, ...] = (0, 1)

    def run(self, house: House, wheels: Sequence[Path]) -> Process:
        """One process for all, or one for each: the sum."""
        names = [str(wheel) for wheel in wheels]
        if not self.each:
            return house.bench.measure([*self.words, *names], environment=self.environment)
        runs = [house.bench.measure([*self.words, name], environment=self.environment) for name in names]
        bad = next((one for one in runs if one.status not in self.statuses), runs[-1])
        return timing.Process(sum(one.seconds for one in runs), max(one.peak for one in runs), bad.status, bad.output)


def _rivals(house: House) -> list[Rival]:
    scripts = Path(sys.executable).parent
    listdeps = (str(scripts / "delocate-listdeps"), "--all")
    return [
        Rival("`unzip -tq`", ("unzip", "-tq"), each=True, sample=0),
        Rival("`check-wheel-contents`", (str(scripts / "check-wheel-contents"),), sample=0),
        Rival("`check-wheel-contents`, and `--co`", (str(scripts / "check-wheel-contents"),), sample=0, beside=("--co",)),
        Rival("`auditwheel show`", (str(scripts / "auditwheel"), "show"), "manylinux", each=True),
        Rival("`delocate-listdeps --all`", listdeps, "macosx", environment=tools.delocate_environment(house.bench)),
        Rival("`abi3audit`", (str(scripts / "abi3audit"),), "abi3", sample=0),
        Rival("`twine check`", (str(scripts / "twine"), "check"), sample=0),
    ]


def _tools(house: House) -> str:
    """Each tool and this one on the same wheels."""
    rows = []
    for rival in _rivals(house):
        if shutil.which(rival.words[0]) is None:
            rows.append([rival.name, "not installed", "", "", "", ""])
            continue
        takes = [wheel for wheel in house.wheels if rival.only in wheel.name]
        wheels = _spread_over(takes, rival.sample or len(takes))
        folder = house.chosen(re.sub(r"\W+", "-", rival.name), wheels)
        theirs: list[Process] = []
        ours: list[Process] = []
        spent = 0.0
        while not ours or (len(ours) < ROUNDS and spent * (len(ours) + 1) / len(ours) < BUDGET):
            theirs.append(_checked(rival.run(house, wheels), *rival.statuses))
            ours.append(_checked(house.run(folder, *rival.beside), 0, 1))
            spent += theirs[-1].seconds + ours[-1].seconds
        each = [_median(runs) / len(wheels) * 1000 for runs in (theirs, ours)]
        rows.append([rival.name, str(len(wheels)), str(len(ours)), *(f"{one:.1f}" for one in each), f"{each[0] / each[1]:.1f}"])
    head = ["tool", "wheels", "rounds", "tool, ms a wheel", "archcheck, ms a wheel", "times as fast"]
    return _TOOLS.format(table=timing.table(head, rows), versions=_versions())


_TOOLS = """\
Each tool as its users call it, on all wheels of the folder that it takes or on some that are spread over them, and `pytest
--archcheck-path` on the same ones, in turn; whole processes divided by wheels, so the start of Python and pytest is in it. They
answer other questions: `unzip -tq` compares every byte with its CRC, `auditwheel` (Linux), `delocate` (macOS) and `abi3audit`
(abi3) read the compiled files of one kind, `twine` reads the metadata, and `check-wheel-contents` reads names and inflates
nothing: whoever looks into compiled files is slower than that, so it stands beside `--co` as well, which reads the names of
wheels. `unzip` and `auditwheel show` take one wheel a call.

{table}

Versions: {versions}.
"""


def _versions() -> str:
    import importlib.metadata  # noqa: PLC0415 - for this line only

    names = ("abi3audit", "auditwheel", "check-wheel-contents", "delocate", "pytest", "pytest-xdist", "twine")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


# -- one answer


def _same(house: House) -> str:
    """The JSON of one folder, however it was run."""
    folder = house.links(120 if house.quick else 400)
    where = house.bench.folder
    (folder / "broken-1.0-cp311-cp311-macosx_11_0_arm64.whl").write_bytes(b"PK\3\4 cut short")
    victim = sorted(wheel.stem for wheel in folder.iterdir())[30]

    def report(name: str, *arguments: str, xdist: bool = False, **environment: str) -> Path:
        file = where / f"{name}.json"
        _checked(house.run(folder, f"--archcheck-json={file}", *arguments, xdist=xdist, environment=environment), 0, 1)
        return file

    whole = report("whole")
    reports = {
        "again": report("again"),
        "`-n 4`": report("four", "-n", "4", xdist=True),
        "`-n 2`, a worker killed on its way": report("killed", "-n", "2", xdist=True, DYING=victim, MARK=str(where / "mark")),
    }
    shards = [report(f"shard-{part}", SHARD=f"{part}/2") for part in range(2)]
    merged = where / "merged.json"
    command = [sys.executable, "-m", "pytest_archcheck.reports", *map(str, shards), "--json", str(merged)]
    merging = _checked(house.bench.measure(command), 0, 1, 2)
    reports["two shards, merged"] = merged
    plain = _without_times(whole)
    rows = [[name, _difference(plain, _without_times(file))] for name, file in reports.items()]
    return _SAME.format(
        table=timing.table(["", "JSON beside one process's, but for times"], rows),
        count=len(plain["checks"]),
        merged=merging.output.strip(),
    )


_SAME = """\
{count} wheels, one of them broken. Compared are the whole JSON reports.

{table}
"""


def _without_times(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    document["scan"].pop("seconds")
    for check in document["checks"]:
        check.pop("seconds", None)
    return document


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return f"differs in {', '.join(sorted(keys))}" if keys else "identical"


if __name__ == "__main__":
    sys.exit(main())
