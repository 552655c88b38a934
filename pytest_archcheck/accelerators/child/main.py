"""The child's main function: arm the watchdogs, do one task, say what happened, and leave without tidying up."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any

from . import matmul, metal, probe
from .adapter import load_adapter
from .report import Report

#: Seconds past the deadline after which the child ends itself, should the parent no longer be there to do it.
_ORPHAN_SECONDS = 5
_TRACEBACK_CHARACTERS = 4000


def main(request_text: str) -> None:
    """Carry out a request, the JSON that :func:`pytest_archcheck.accelerators.process.run` writes; never returns."""
    request = json.loads(request_text)
    # The parent's clock, which all processes of a machine share: starting Python is part of the deadline.
    begin = min(request["start"], time.monotonic())
    sys.argv = ["archcheck"]
    _arm(request["trace"], request["deadline"], begin)
    if request["lifeline"] is not None:
        threading.Thread(target=_follow, args=(request["lifeline"], os.path.dirname(request["trace"])), daemon=True).start()
    report = Report(request["report"])
    try:
        _run(request, report, begin)
        report.stage("done")
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a framework are its failures too
        text = "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:]
        report.say(error_type=type(error).__name__, message=str(error)[:_TRACEBACK_CHARACTERS], traceback=text)
    # Exit handlers and destructors of a framework may hang or crash; the answer is on disk already.
    os._exit(0)


def _run(request: dict[str, Any], report: Report, begin: float) -> None:
    if request["task"] == "metal":
        metal.run(report)
        return
    adapter = load_adapter(request["adapter"])
    if request["task"] == "probe":
        probe.run(adapter, report)
    else:
        deadline = begin + request["deadline"]
        matmul.run(adapter, report, request["size"], request["dtype"], deadline, measure=request["measure"])


def _follow(lifeline: int, folder: str) -> None:
    """End this process and all that it started when the parent ends, and take away the folder that it made for us."""
    os.read(lifeline, 1)  # until the parent's end of the pipe is closed
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _leave_no_core() -> None:
    """A crash is told by its signal and stack; a file of some gigabytes in the project's folder is of no use to anybody."""
    try:
        import resource  # Windows has none
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _arm(trace: str, deadline: float, begin: float) -> None:
    """Have Python's stack written on a crash and shortly before the deadline, and the process ended after it in any case.

    The stack says who did it (a plugin, say); faulthandler's own thread writes it even while a hang holds the GIL.
    """
    _leave_no_core()
    file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    faulthandler.enable(file=file, all_threads=False)
    faulthandler.dump_traceback_later(max(deadline * 0.9 - (time.monotonic() - begin), 0.1), file=file)
    if hasattr(signal, "alarm"):
        # Not reset by anything short of the framework itself asking for SIGALRM; its default action needs no Python.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(deadline) + _ORPHAN_SECONDS)
