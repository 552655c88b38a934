"""Runs that are ended at any moment leave no child, no temporary file and no lock; the next run is as if nothing had been."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import measured
from support.machos import bundle
from support.sites import add_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

CONFTEST = """
from pathlib import Path
from pytest_archcheck.accelerators.model import Framework

def pytest_archcheck_frameworks():
    adapter = Path(__file__).with_name("adapter.py")
    return [Framework(name="fake", title="Fake", distributions=("pytest",), adapter=str(adapter))]
"""
#: A framework that hangs, with a process of its own that ignores what it can.
ADAPTER = """
import os, signal, time
def load():
    open(os.environ["STARTED"], "w").close()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
def devices():
    return []
"""
#: A variable that marks all processes of a test: they inherit it.
MARK = "ARCHCHECK_KILL_TEST"


class Runs:
    """Starts pytest in a folder, finds everything that came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.started = folder / "started"
        self.report = folder / "out" / "report.json"
        self.log = folder / "log.txt"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        self.started.unlink(missing_ok=True)
        ours = {MARK: str(self.folder), "TMPDIR": str(self.temporary), "STARTED": str(self.started)}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--archcheck-json={self.report}", *arguments]
        with self.log.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=measured.environment() | ours,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def processes(self) -> list[int]:
        """Every living process of this test."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if f"{MARK}={self.folder}\0".encode() in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def assert_nothing_is_left(self) -> None:
        end = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left
        assert [path.name for path in self.temporary.rglob("*") if path.name.startswith("archcheck")] == []

    def end(self) -> None:
        for process in self.processes():
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores SIGINT, and would hand that on to the runs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_hanging_framework_ends_with_the_run(runs: Runs, number: signal.Signals) -> None:
    (runs.folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (runs.folder / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    child = runs.start("archcheck::accelerator::fake")
    end = time.monotonic() + 60
    while not runs.started.exists() and child.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert runs.started.exists(), runs.log.read_text()
    time.sleep(0.2)  # it forks
    child.send_signal(number)
    child.wait(20)
    runs.assert_nothing_is_left()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    content = bundle()
    for number in range(300):
        add_distribution(folder, f"good-{number}", files={f"g{number}/_{part}.so": content for part in "ab"}, tags=())
    return folder


def check_at_random(runs: Runs, site: Path, times: int, *arguments: str) -> None:
    """End a run after a random while, by a random signal, again and again; then let one go to its end."""
    chance = random.Random(7)  # noqa: S311 - no secret
    options = [f"--archcheck-path={site}", "--archcheck-target=macosx_14_0_arm64", *arguments]
    begin = time.monotonic()
    assert runs.start(*options).wait(120) == 0, runs.log.read_text()
    whole = time.monotonic() - begin
    expected = _timeless(runs.report)
    for _ in range(times):
        child = runs.start(*options)
        time.sleep(chance.uniform(0.1, whole))
        victims = runs.processes() if chance.random() < 0.5 else [child.pid]  # a worker may be hit alone, or any of them
        number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT])
        with contextlib.suppress(ProcessLookupError):  # it was faster
            os.kill(chance.choice(victims or [child.pid]), number)
        child.wait(60)
        runs.assert_nothing_is_left()
        if runs.report.exists():
            json.loads(runs.report.read_text(encoding="ascii"))  # the old one or the new one, never a part
    for part in runs.report.parent.glob(".archcheck-*.part"):  # killed in the very moment of writing
        part.unlink()
    assert runs.start(*options).wait(120) == 0, runs.log.read_text()
    assert [path.name for path in runs.report.parent.iterdir()] == ["report.json"]
    assert _timeless(runs.report) == expected


def _timeless(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    del report["scan"]["seconds"]
    return report


def test_killed_at_random(runs: Runs, site: Path) -> None:
    check_at_random(runs, site, 4)


@pytest.mark.corpus
def test_killed_at_random_many_times(runs: Runs, site: Path) -> None:
    check_at_random(runs, site, 30)


@pytest.mark.corpus
def test_workers_killed_at_random(runs: Runs, site: Path) -> None:
    pytest.importorskip("xdist")
    check_at_random(runs, site, 12, "-n2", "--max-worker-restart=2")


def test_a_report_is_written_over_nothing_but_the_report(runs: Runs, site: Path, tmp_path: Path) -> None:
    """Neither through a link that was put where a part of it could lie, nor over a file that looks like an old part."""
    runs.report.parent.mkdir()
    mine = tmp_path / "mine"
    mine.write_text("mine", encoding="ascii")
    numbers = {1, *range(os.getpid(), os.getpid() + 50)}  # of processes: the run's own is likely to be among them
    links = [runs.report.with_name(f"report.json.{number}.part") for number in numbers]
    for link in links:
        link.symlink_to(mine)
    old = runs.report.with_name("report.json.old.part")
    old.write_text("{", encoding="ascii")
    os.utime(old, (0, 0))
    options = (f"--archcheck-path={site}", "--archcheck-target=macosx_14_0_arm64", "-k", "good-1")
    assert runs.start(*options).wait(120) == 0
    assert mine.read_text(encoding="ascii") == "mine"
    assert {path.name for path in runs.report.parent.iterdir()} == {"report.json", old.name, *(link.name for link in links)}
