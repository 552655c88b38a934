"""What every benchmark here shares: compiled helpers, fresh processes, the product's child, the file cache, medians."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from support import machos, sites  # noqa: E402 - found through the line above

from pytest_archcheck.discover import files as product_files  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: What trees of macOS wheels are judged for.
TARGET = "macosx_14_0_arm64"
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
#: ru_maxrss counts bytes on macOS and KiB elsewhere.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
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
#: Names the folder of another version of the product, to be measured in place of this one.
CHECKOUT = "ARCHCHECK_CHECKOUT"
#: What is timed: "scan" finds, reads and judges every file by itself; "check" is the whole inspection. A small environment
#: comes first, so that every lazy import is done. The second line names what has an error.
_PRODUCT = f"""
import gc, os, sys, time
sys.path.insert(0, os.environ.get({CHECKOUT!r}, {str(HERE.parent)!r}))
from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.inspection import Request, run
from pytest_archcheck.rules.architecture import judge_architecture
from pytest_archcheck.machine.target import Target

def scan(tree, target):
    gc.disable()  # as an inspection does
    environment = environment_at(tree)
    findings = []
    for distribution in environment.distributions:
        findings += judge_architecture(distribution, "subject", target)
    gc.enable()
    return environment.files, len(environment.binaries), findings

def check(tree, target):
    inspection = run(Request(paths=(tree,), target=target.tag))
    return inspection.files, len(inspection.binaries), inspection.findings

stage, warm, tree, tag = sys.argv[1:]
work = dict(scan=scan, check=check)[stage]
work(warm, Target.parse(tag))
start = time.perf_counter()
entries, binaries, findings = work(tree, Target.parse(tag))
seconds = time.perf_counter() - start
{_PEAK}
print(entries, binaries, 0, seconds, peak())
print(*sorted({{finding.distribution or finding.subject for finding in findings if finding.severity == "error"}}))
"""


@dataclass(frozen=True, slots=True)
class Inside:
    """What ``floor`` and the product's child say of themselves."""

    entries: int
    files: int
    seconds: float
    #: Peak memory in bytes; 0 where it was not asked.
    peak: int = 0

    @classmethod
    def parse(cls, output: str) -> Inside:
        """Read their first line."""
        entries, files, _, seconds, *peak = output.partition("\n")[0].split()
        return cls(int(entries), int(files), float(seconds), int(peak[0]) if peak else 0)


@dataclass(frozen=True, slots=True)
class Process:
    """What a whole process cost, seen from outside."""

    #: Wall clock from fork to exit.
    seconds: float
    #: Peak memory of the largest process in the tree, bytes.
    peak: int
    status: int
    #: Standard output and standard error together.
    output: str
    #: Stopped at the limit: ``seconds`` is the limit.
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """A scratch folder with the compiled helpers in it."""

    folder: Path

    @property
    def floor(self) -> str:
        """Program: the C walk and read."""
        return str(self.folder / "floor")

    @property
    def small(self) -> Path:
        """A small environment, for what is to happen once before the clock starts."""
        return self.folder / "small" / "site-packages"

    @classmethod
    def make(cls, folder: Path) -> Bench:
        """Compile ``floor.c`` and ``measure.c`` into ``folder``."""
        lists = {
            "SUFFIXES": product_files.TEXT_AND_DATA_SUFFIXES,
            "TEXT_NAMES": product_files._TEXT_NAMES,  # noqa: SLF001 - the floor passes over what the product passes over
        }
        (folder / "names.h").write_text("".join(_c_array(name, words) for name, words in lists.items()))
        for name in ("floor", "measure"):
            command = [_compiler(), "-O2", "-o", str(folder / name), f"-I{folder}", str(HERE / f"{name}.c")]
            subprocess.run(command, check=True)
        bench = cls(folder)
        # What it requires brings in the modules that look at requirements: an import is no part of what is timed.
        files: dict[str, bytes | str] = {"small/__init__.py": "import absent\n", "small/_core.abi3.so": machos.bundle()}
        requires = ("numpy", "absent; python_version >= '3'")
        sites.add_distribution(bench.small, "small", files=files, tags=["cp311-abi3-macosx_11_0_arm64"], requires=requires)
        sites.add_distribution(bench.small, "numpy", "2.0.2", files={"numpy/__init__.py": ""})
        return bench

    def measure(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, limit: float | None = None
    ) -> Process:
        """Run a command in the scratch folder.

        :param environment: variables to set beside the inherited ones.
        :param limit: seconds after which the command and all its children are killed.
        """
        report = self.folder / "report"
        report.unlink(missing_ok=True)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", dir=self.folder) as output:
            process = subprocess.Popen(
                [str(self.folder / "measure"), str(report), *command],
                cwd=self.folder,
                env=os.environ | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            text = output.read()
        if not report.exists():
            return Process(limit or 0.0, 0, process.returncode, text, stopped=True)
        seconds, peak = report.read_text().split()
        return Process(float(seconds), int(peak) * _MAXRSS_UNIT, process.returncode, text)


def in_turn(
    bench: Bench,
    tree: Path,
    rounds: int,
    *,
    target: str = TARGET,
    cold: bool = False,
    python_floor: bool = False,
    more: Mapping[str, list[str]] | None = None,
) -> dict[str, list[Inside]]:
    """Run the floor, the scan and the check of one tree in turn, each ``rounds`` times after one that does not count.

    :param python_floor: run ``floor.py`` too, after ``floor.c``.
    :param more: further commands by what they are called, run before the product.
    """
    commands = {"floor": [bench.floor, str(tree)]}
    if python_floor:
        commands["python floor"] = [sys.executable, str(HERE / "floor.py"), str(tree)]
    commands |= more or {}
    commands |= {stage: product(stage, bench.small, tree, target) for stage in ("scan", "check")}
    runs: dict[str, list[Inside]] = {name: [] for name in commands}
    for command in commands.values():
        output_of(command)  # warms the file cache for all
    for _ in range(rounds):
        for name, command in commands.items():
            if cold:
                drop_caches()
            runs[name].append(Inside.parse(output_of(command)))
    return runs


def product(stage: str, warm: Path, tree: Path, target: str = TARGET) -> list[str]:
    """Command: the product's ``scan`` or ``check`` of ``tree`` in a fresh interpreter, after the small tree ``warm``."""
    return [sys.executable, "-c", _PRODUCT, stage, str(warm), str(tree), target]


def product_of(checkout: Path, stage: str, warm: Path, tree: Path, target: str = TARGET) -> list[str]:
    """The same command for another version of the product, that of a checkout."""
    return ["env", f"{CHECKOUT}={checkout}", *product(stage, warm, tree, target)]


def version_of(name: str, scratch: Path) -> Path:
    """The folder of a checkout, or the package as a commit has it, unpacked into a scratch folder."""
    if Path(name).is_dir():
        return Path(name).resolve()
    folder = scratch / name.replace("/", "-")
    command = ["git", "-C", str(HERE.parent), "archive", name, "pytest_archcheck"]
    packed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder)  # noqa: S202 - this project's own files
    return folder


def without_others() -> list[str]:
    """Arguments that keep pytest from loading any installed plugin but ours: what they cost is not the question."""
    names = {entry.name for entry in importlib.metadata.entry_points(group="pytest11")}
    return [f"-pno:{name}" for name in sorted(names - {"pytest_archcheck"})]


def bare_peak() -> int:
    """Peak bytes of an interpreter that does nothing: the least of three."""
    return min(int(output_of([sys.executable, "-c", _BARE])) for _ in range(3))


def output_of(command: Sequence[str]) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def drop_caches() -> None:
    """Make the next read of every file go to the disk."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError as error:
        sys.exit(f"--cold needs Linux and root: {error}")


def spread(seconds: Sequence[float]) -> str:
    """``1,234 (1,200 to 1,300)``: median, least and largest in milliseconds."""
    if len(seconds) == 1:
        return milliseconds(seconds[0])
    return f"{milliseconds(statistics.median(seconds))} ({milliseconds(min(seconds))} to {milliseconds(max(seconds))})"


def milliseconds(seconds: float) -> str:
    """Three digits or more: ``0.88``, ``53.1``, ``1,234``."""
    value = seconds * 1000
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _compiler() -> str:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit("the benchmarks need a C compiler: set CC, or install gcc")
    return compiler


def _c_array(name: str, words: Iterable[str]) -> str:
    quoted = ", ".join(f'"{word}"' for word in sorted(words))
    return f"static const char *const {name}[] = {{{quoted}}};\n"
