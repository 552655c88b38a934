"""Compares the product's scan with the least that any scan must do, written in C (``floor.c``).

    python benchmarks/scan.py                     the pinned TensorFlow environment (downloaded once, then cached)
    python benchmarks/scan.py PATH                any environment
    python benchmarks/scan.py --synthetic 500000  a tree of that many files, made for the occasion

All run in fresh processes, in turn, on the same tree, timed inside the process; the product's imports are done before its
clock starts. Peak memory is the product's process above a bare interpreter. Machines are noisy: look at the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from support import corpus, machos, sites  # noqa: E402 - found through the line above

from pytest_archcheck.discover import files as product_files  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PEAK = """
def peak():
    # VmHWM is this program's own; ru_maxrss may be inherited from the process that started it.
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource, sys
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""
#: Prints peak bytes of an interpreter that does nothing.
_BARE = _PEAK + "print(peak())"
#: What is timed: "scan" finds, reads and judges every file by itself; "check" is the whole inspection. A small environment
#: comes first, so that every lazy import is done.
_PRODUCT = f"""
import gc, sys, time
sys.path.insert(0, {str(HERE.parent)!r})
from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.inspection import Request, run
from pytest_archcheck.rules.architecture import judge_architecture
from pytest_archcheck.target import Target

def scan(tree, target):
    gc.disable()  # as an inspection does
    environment = environment_at(tree)
    for distribution in environment.distributions:
        judge_architecture(distribution, "subject", target)
    gc.enable()
    return environment.files, len(environment.binaries)

def check(tree, target):
    inspection = run(Request(paths=(tree,), target=target.tag))
    return inspection.files, len(inspection.binaries)

stage, warm, tree, tag = sys.argv[1:]
work = dict(scan=scan, check=check)[stage]
work(warm, Target.parse(tag))
start = time.perf_counter()
entries, binaries = work(tree, Target.parse(tag))
seconds = time.perf_counter() - start
{_PEAK}
print(entries, binaries, 0, seconds, peak())
"""


@dataclass(frozen=True)
class Run:
    """What one process did."""

    entries: int
    files: int
    seconds: float
    #: Peak memory in bytes; 0 where it was not asked.
    peak: int = 0

    @classmethod
    def parse(cls, line: str) -> Run:
        """Read what ``floor`` and the product's child print."""
        entries, files, _, seconds, *peak = line.split()
        return cls(int(entries), int(files), float(seconds), int(peak[0]) if peak else 0)


def main() -> int:
    """Run the comparison and print medians, spread, ratios to the floor, and memory."""
    options = _options()
    with tempfile.TemporaryDirectory() as name, _tree(options) as tree:
        folder = Path(name)
        floor = _compile(folder)
        warm = _sample(folder / "warm" / "site-packages", 20)
        commands = {"C walk and 4 KiB read": [str(floor), str(tree)]}
        for stage in ("scan", "check"):
            commands[stage] = [sys.executable, "-c", _PRODUCT, stage, str(warm), str(tree), options.target]
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for command in commands.values():
            _child(command)  # warms the file cache for all
        for _ in range(options.rounds):
            for stage, command in commands.items():
                if options.cold:
                    _drop_caches()
                runs[stage].append(Run.parse(_child(command)))
        bare = min(int(_child([sys.executable, "-c", _BARE])) for _ in range(3))
    first = runs["scan"][0]
    print(f"{tree}: {first.entries} entries, {'cold' if options.cold else 'warm'}, {options.rounds} rounds in turn")
    medians = {name: statistics.median(run.seconds for run in of_one) for name, of_one in runs.items()}
    for name, of_one in runs.items():
        above = f"{(max(run.peak for run in of_one) - bare) / 1e6:.1f} MB above a bare interpreter" if of_one[0].peak else ""
        print(_row(name, of_one, f"{of_one[0].files} files, ratio {medians[name] / next(iter(medians.values())):.2f} {above}"))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the scan with the same walk and read in C.")
    parser.add_argument("tree", nargs="?", type=Path, help="an environment (default: the pinned TensorFlow environment)")
    parser.add_argument("--synthetic", type=int, metavar="FILES", help="make a tree of that many files instead")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each (%(default)s)")
    parser.add_argument("--target", default="macosx_14_0_arm64", help="what the tree is judged for (%(default)s)")
    parser.add_argument("--cold", action="store_true", help="drop the file cache before every run (Linux, root)")
    return parser.parse_args()


@contextlib.contextmanager
def _tree(options: argparse.Namespace) -> Iterator[Path]:
    if options.synthetic:
        with tempfile.TemporaryDirectory() as name:
            yield _sample(Path(name) / "site-packages", options.synthetic)
    elif options.tree:
        yield options.tree.resolve()
    else:
        yield corpus.arm64_tensorflow()


def _sample(site: Path, count: int) -> Path:
    """Make a site-packages folder of ``count`` files: of 100 files 1 is compiled and 7 have a suffix that is in no list."""
    compiled = machos.bundle()
    for first in range(0, count, 500):
        name = f"sample{first}"
        folder = f"{name}/part{{}}/"
        contents: dict[str, bytes | str] = {}
        for number in range(min(500, count - first)):
            kind = number % 100
            suffix = ".cpython-311-darwin.so" if kind == 0 else ".dat" if kind < 8 else ".py"
            contents[folder.format(number // 50) + f"file{number}{suffix}"] = compiled if kind == 0 else "x = 1\n"
        sites.add_distribution(site, name, files=contents, tags=["cp311-cp311-macosx_11_0_arm64"])
    return site


def _compile(folder: Path) -> Path:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit("benchmarks/scan.py needs a C compiler: set CC, or install gcc")
    lists = {
        "SUFFIXES": product_files.TEXT_AND_DATA_SUFFIXES,
        "TEXT_NAMES": product_files._TEXT_NAMES,  # noqa: SLF001 - the floor passes over what the product passes over
    }
    (folder / "names.h").write_text("".join(_c_array(name, words) for name, words in lists.items()))
    binary = folder / "floor"
    subprocess.run([compiler, "-O2", "-o", str(binary), f"-I{folder}", str(HERE / "floor.c")], check=True)
    return binary


def _c_array(name: str, words: Iterable[str]) -> str:
    quoted = ", ".join(f'"{word}"' for word in sorted(words))
    return f"static const char *const {name}[] = {{{quoted}}};\n"


def _child(command: list[str]) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout.strip()


def _drop_caches() -> None:
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError as error:
        sys.exit(f"--cold needs Linux and root: {error}")


def _row(name: str, runs: list[Run], note: str) -> str:
    times = sorted(run.seconds * 1000 for run in runs)
    return f"{name:24} median {statistics.median(times):8.1f} ms   from {times[0]:.1f} to {times[-1]:.1f} ms   {note}"


if __name__ == "__main__":
    sys.exit(main())
