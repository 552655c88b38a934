"""Run the child: in a process group of its own, with a deadline, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import beginning_of

#: The folder of the child's code.
CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child")

#: The child takes its code by path: neither the working directory nor an importable pytest-archcheck plays a part.
_BOOTSTRAP = """\
import importlib.util, sys
sys.path[:] = [entry for entry in sys.path if entry]
folder, request = sys.argv[1:]
spec = importlib.util.spec_from_file_location("archcheck_child", folder + "/__init__.py", submodule_search_locations=[folder])
package = sys.modules["archcheck_child"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from archcheck_child.main import main
main(request)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A child that is gone."""

    #: Exit status, negative for a signal; None where the deadline passed.
    status: int | None
    seconds: float
    #: The lines that the child reported, in order.
    reported: tuple[dict[str, Any], ...]
    #: Beginning and end of standard output and standard error.
    output: str
    errors: str
    #: Python's stack at a crash, or shortly before the deadline.
    trace: str


#: Called with a stage and seconds.
Watch = Callable[[str, float], None]
_WATCHED_EVERY = 0.5  # seconds between two words of it
_LOOKS = 3  # at all processes, one after the other, that must find nothing of the child: a daemon forks twice


class _Drain(threading.Thread):
    """Reads a pipe to its end and keeps little of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True, name="archcheck-probe-output")
        self._pipe = pipe
        self._head = b""
        self._tail = b""
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            most = limits.CHILD_OUTPUT_SIZE
            while chunk := os.read(self._pipe.fileno(), 65536):
                room = most - len(self._head)
                self._head += chunk[:room]
                self._tail = (self._tail + chunk[room:] if room < len(chunk) else self._tail)[-most:]

    def finish(self) -> str:
        """Return what was kept. A descendant that left the process group may hold the pipe open: it is not waited for."""
        self.join(limits.KILLED_CHILD_SECONDS)
        if not self.is_alive():
            self._pipe.close()
        return (self._head + self._tail).decode("utf-8", "replace")


def run(deadline: float, watch: Watch | None = None, **request: object) -> Ended:
    """Run a child with that request and wait for it, at most ``deadline`` seconds.

    :param watch: told now and then which stage the child has reported, and how long it has run.

    Raises nothing; a process that cannot be started has the exit status 127, as in a shell.
    """
    with tempfile.TemporaryDirectory(prefix="archcheck-", ignore_cleanup_errors=True) as folder:
        report, trace = os.path.join(folder, "report"), os.path.join(folder, "trace")
        # What the framework leaves in its temporary folder (TensorFlow: the code that AutoGraph makes) goes away with this one.
        scratch = os.path.join(folder, "tmp")
        os.mkdir(scratch)
        # The child holds the reading end of a pipe on which nothing is ever written: where this process ends, however that may
        # be, the pipe does, and the child with it. Windows hands no descriptors down.
        lifeline, held = os.pipe() if sys.platform != "win32" else (None, None)
        start = time.monotonic()
        own = {"report": report, "trace": trace, "deadline": deadline, "start": start, "lifeline": lifeline}
        text = json.dumps({**request, **own})
        try:
            child = subprocess.Popen(
                [sys.executable, *_interpreter_flags(), "-c", _BOOTSTRAP, CHILD, text],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                # By its name, which no other process has, descendants are known that have left the group.
                env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch),
                pass_fds=() if lifeline is None else (lifeline,),
            )
        except OSError as error:
            _close(held)
            return Ended(status=127, seconds=0.0, reported=(), output="", errors=str(error), trace="")
        finally:
            _close(lifeline)
        assert child.stdout is not None  # noqa: S101 - for the type checker: both are pipes
        assert child.stderr is not None  # noqa: S101 - as above
        drains = _Drain(child.stdout), _Drain(child.stderr)
        try:
            status = _wait(child, deadline, watch, report)
        finally:
            _kill(child)
            _kill_detached(scratch)
            _close(held)
            output, errors = (drain.finish() for drain in drains)
        return Ended(
            status=status,
            seconds=time.monotonic() - start,
            reported=tuple(_lines(report)),
            output=output,
            errors=errors,
            trace=_read(trace, limits.CHILD_OUTPUT_SIZE),
        )


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _interpreter_flags() -> list[str]:
    """The child sees the packages that this process sees."""
    flags = {
        "-I": sys.flags.isolated,
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-S": sys.flags.no_site,
    }
    return [flag for flag, given in flags.items() if given]


def _wait(child: subprocess.Popen[bytes], deadline: float, watch: Watch | None, report: str) -> int | None:
    start = time.monotonic()
    while True:
        left = deadline - (time.monotonic() - start)
        try:
            return child.wait(left if watch is None else max(min(_WATCHED_EVERY, left), 0.0))
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - start
            if watch is None or passed >= deadline:
                return None
            watch(_stage(report), passed)


def _stage(report: str) -> str:
    """The last stage that the child has reported so far."""
    return next((str(facts["stage"]) for facts in reversed(_lines(report)) if "stage" in facts), "start")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started, also where it is gone already and left something behind."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(child.pid)],  # noqa: S607 - found on every Windows
            check=False,
            capture_output=True,
        )
    else:
        # start_new_session made the child the leader of a group with its own number. SIGKILL: the rest can be ignored.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(limits.KILLED_CHILD_SECONDS)


def _kill_detached(scratch: str) -> None:
    """End what the child started and detached from its process group (a daemon): its environment names the child's folder.

    Linux shows it. Elsewhere such a process stays.
    """
    mark = f"TMPDIR={scratch}".encode()
    until = time.monotonic() + limits.KILLED_CHILD_SECONDS
    # One look is not enough: a process that forks and exits may be gone when it is read, and its child came after the listing.
    looks_left = _LOOKS
    while sys.platform == "linux" and looks_left and time.monotonic() < until:
        found = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and mark in _environment(entry)]
        looks_left = _LOOKS if found else looks_left - 1
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if found:
            time.sleep(0.01)  # until they are gone, and what they started meanwhile


def _environment(process: str) -> list[bytes]:
    """What it was started with; nothing where that is not ours to know, or it is gone."""
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            return file.read(limits.CHILD_REPORT_SIZE).split(b"\0")
    except OSError:
        return []


def _lines(path: str) -> list[dict[str, Any]]:
    found = []
    for line in _read(path, limits.CHILD_REPORT_SIZE).splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            facts = json.loads(line)
            if isinstance(facts, dict):
                found.append(facts)
    return found


def _read(path: str, limit: int) -> str:
    # By now it may be anything: the child could write where the report lies.
    return beginning_of(path, limit).decode("utf-8", "replace")
