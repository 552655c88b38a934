"""Several environments are inspected side by side: by this process, and by children of it on the other cores.

A child is a fresh Python that imports this package and nothing that is inspected. Whatever goes wrong with one, this process
does the work itself: children only save time.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

#: Run with ``-I``: neither the current folder nor PYTHONPATH gives it modules. Its arguments are the folders of ours.
_CHILD = "import sys; sys.path += sys.argv[1:]; from pytest_archcheck.judge.side_by_side import serve; serve()"


def each(function: Callable[..., _T], calls: Sequence[tuple[Any, ...]]) -> list[_T]:
    """Call a function with each of these arguments; the results in this order. The first error that it raises is raised."""
    results: dict[int, _T] = {}
    waiting = deque(enumerate(calls))
    helpers: list[_Helper] = []
    begin = time.perf_counter()
    try:
        while waiting:
            with contextlib.suppress(IndexError):  # a helper was faster
                number, call = waiting.popleft()
                results[number] = function(*call)
            ahead = (time.perf_counter() - begin) / max(len(results), 1) * len(waiting)
            if not helpers and ahead > limits.SIDE_BY_SIDE_SECONDS:
                helpers = [_Helper(function, waiting, results) for _ in range(min(_cores() - 1, len(waiting)))]
        for helper in helpers:
            helper.thread.join()
    finally:
        for helper in helpers:
            helper.end()
    return [results[number] if number in results else function(*call) for number, call in enumerate(calls)]


class _Helper:
    """A child, and the thread that hands it one call after another."""

    def __init__(
        self, function: Callable[..., Any], waiting: deque[tuple[int, tuple[Any, ...]]], results: dict[int, Any]
    ) -> None:
        self._function = function
        self._waiting = waiting
        self._results = results
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = False
        self.thread = threading.Thread(target=self._drive, daemon=True, name="archcheck-side-by-side")
        self.thread.start()

    def _drive(self) -> None:
        # A child that dies, and one that could not even be started, leaves its call to whoever waits for the results.
        with contextlib.suppress(OSError, EOFError, pickle.PickleError, IndexError), _start() as child:
            self._child = child
            try:
                self._hand_out(child)
            finally:
                child.kill()

    def _hand_out(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None  # noqa: S101 - tells the type checker what pipes are
        assert child.stdout is not None  # noqa: S101 - the same
        while not self._ended:
            number, call = self._waiting.popleft()
            pickle.dump((self._function, call), child.stdin)
            child.stdin.flush()
            found = pickle.load(child.stdout)  # noqa: S301 - written by our own child
            if found is not None:
                self._results[number] = found

    def end(self) -> None:
        """End the child, also where the run is interrupted."""
        self._ended = True
        if self._child is not None:
            self._child.kill()
        self.thread.join()


def _start() -> subprocess.Popen[bytes]:
    sites = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    written = () if not sys.dont_write_bytecode else ("-B",)
    command = [sys.executable, "-I", *written, "-c", _CHILD, ours, *sites]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _cores() -> int:
    if not sys.executable:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve() -> None:
    """Answer calls until there are no more: the work of a child."""
    gc.disable()
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whoever prints does not write into the answers
    with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            function, call = pickle.load(asked)  # noqa: S301 - written by our own parent
            try:
                found = function(*call)
            except Exception:  # noqa: BLE001 - the parent calls it again, and meets the error itself
                found = None
            pickle.dump(found, answers)
            answers.flush()
