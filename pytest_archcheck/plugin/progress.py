"""Long work says what it is at, on a terminal: one line that is written over and leaves nothing behind.

Silent where nobody watches: the output is no terminal, ``-q``, a CI's log, a worker of pytest-xdist.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

#: What takes no longer than this says nothing.
_SILENT = 1.0
#: Between two lines.
_EVERY = 0.5

#: What a child is at, for its line.
_DOING = {
    "start": "starting",
    "import": "importing",
    "devices": "listing devices",
    "compute": "a matmul",
    "read back": "reading the result",
    "compare": "comparing the result",
    "measure": "measuring",
}


@contextlib.contextmanager
def inspecting(config: pytest.Config, what: str) -> Iterator[None]:
    """Say how long an inspection takes. It runs before pytest has a terminal reporter, and before output is captured."""
    if not _is_watched(config) or not sys.stdout.isatty():
        yield
        return
    stop = threading.Event()
    begin = time.monotonic()
    line = _Line(sys.stdout.write, sys.stdout.flush, shutil.get_terminal_size().columns)

    def tell() -> None:
        wait = _SILENT
        while not stop.wait(wait):
            line.show(f"archcheck: inspecting {what}, {time.monotonic() - begin:.0f} s")
            wait = _EVERY

    teller = threading.Thread(target=tell, daemon=True, name="archcheck-progress")
    teller.start()
    try:
        yield
    finally:
        stop.set()
        teller.join()
        line.clear()


@contextlib.contextmanager
def probing(config: pytest.Config, name: str, deadline: float) -> Iterator[Callable[[str, float], None]]:
    """Give what is to be told of a child's stage and the seconds since its start; at the end the line is as it was."""
    watch = _Probing(config, name, deadline)
    try:
        yield watch
    finally:
        watch.clear()


class _Probing:
    """What a framework's child is at."""

    def __init__(self, config: pytest.Config, name: str, deadline: float) -> None:
        self._name = name
        self._deadline = deadline
        self._capture = config.pluginmanager.getplugin("capturemanager")
        reporter = config.pluginmanager.getplugin("terminalreporter")
        self._line: _Line | None = None
        if reporter is not None and _is_watched(config) and getattr(reporter, "isatty", False):
            writer = config.get_terminal_writer()
            # What is written raw does not move the place that the writer takes itself to be at. pytest 7 has no such method.
            write = getattr(writer, "write_raw", None) or writer._file.write  # noqa: SLF001 - see above
            self._line = _Line(write, writer.flush, writer.fullwidth - writer.width_of_current_line)

    def __call__(self, stage: str, seconds: float) -> None:
        """Write the line, once it has taken long enough."""
        if self._line is not None and seconds >= _SILENT:
            doing = _DOING.get(stage, stage)
            with self._uncaptured():
                self._line.show(f" {self._name}: {doing}, {seconds:.0f} of {self._deadline:.0f} s")

    def clear(self) -> None:
        """Leave the line as it was."""
        if self._line is not None:
            with self._uncaptured():
                self._line.clear()

    def _uncaptured(self) -> contextlib.AbstractContextManager[None]:
        if self._capture is None:
            return contextlib.nullcontext()
        disabled: contextlib.AbstractContextManager[None] = self._capture.global_and_fixture_disabled()
        return disabled


class _Line:
    """Text behind what stands on the line, taken back with backspaces."""

    def __init__(self, write: Callable[[str], object], flush: Callable[[], None], room: int) -> None:
        self._write = write
        self._flush = flush
        self._room = room
        self._shown = 0

    def show(self, text: str) -> None:
        cut = escape(text)[: max(self._room - 1, 0)]
        blank = max(self._shown - len(cut), 0)
        self._write("\b" * self._shown + cut + " " * blank + "\b" * blank)
        self._flush()
        self._shown = len(cut)

    def clear(self) -> None:
        self._write("\b" * self._shown + " " * self._shown + "\b" * self._shown)
        self._flush()
        self._shown = 0


def _is_watched(config: pytest.Config) -> bool:
    options = config.known_args_namespace
    in_ci = any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))  # as pytest asks
    without = "no:terminal" in options.plugins  # then there is no option verbose
    quiet = without or options.verbose < 0 or options.collectonly
    return not (in_ci or quiet or hasattr(config, "workerinput") or os.environ.get("TERM") == "dumb")
