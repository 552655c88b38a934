"""Runs a command and says what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Measured:
    """What one process took, its children apart."""

    status: int
    text: str
    seconds: float
    #: Largest resident size.
    megabytes: float


def environment() -> dict[str, str]:
    """The variables of a run that knows nothing of the one around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "GITHUB_"))}
    return kept | {"COLUMNS": "200"}


def run(folder: Path, arguments: Sequence[str | Path], deadline: float = 120) -> Measured:
    """Run ``python -m pytest`` with these arguments in a folder. Linux and macOS only (:func:`os.wait4`).

    Raises :class:`TimeoutError` where it does not end before the deadline (seconds), and ends it.
    """
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    log = folder / "output.txt"
    begin = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        peak = 0.0
        while True:
            peak = max(peak, _peak(child.pid))
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > deadline:
                child.kill()
            time.sleep(0.02)
    child.returncode = os.waitstatus_to_exitcode(status)  # it was waited for here, not by subprocess
    seconds = time.monotonic() - begin
    if seconds > deadline:
        raise TimeoutError(
            f"it ran for more than {deadline:g} s; the end of what it wrote: {log.read_text(errors='replace')[-500:]}"
        )
    if sys.platform == "darwin":
        peak = usage.ru_maxrss / (1 << 20)
    return Measured(child.returncode, log.read_text(errors="replace"), seconds, peak)


def _peak(pid: int) -> float:
    """The largest resident size so far of a running process, in MB; 0 where Linux does not tell.

    ``ru_maxrss`` would be that of whoever started it, if that was larger.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
