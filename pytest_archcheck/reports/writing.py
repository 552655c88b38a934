"""Writes the files of a report, each all at once: a reader sees the old one or the new one."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import time

from pytest_archcheck import limits


def check_writable(path: str) -> None:
    """Make the folder of the report and try to write there. Raises :class:`OSError`."""
    if is_special(path):
        return
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _remove_leftovers(os.path.realpath(path))
    trial = _beside(path)
    with open(trial, "wb"):
        pass
    os.remove(trial)


def write_text(path: str, content: str) -> None:
    """Write a file, all at once. Raises :class:`OSError`."""
    if is_special(path):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(content)
        return
    real = os.path.realpath(path)
    trial = _beside(real)
    try:
        with open(trial, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
        os.replace(trial, real)
    finally:
        if os.path.exists(trial):
            os.remove(trial)


def _beside(path: str) -> str:
    return f"{path}.{os.getpid()}.part"


def _remove_leftovers(path: str) -> None:
    """Remove the part of a report that a run left when it was killed while it wrote."""
    for part in glob.glob(f"{glob.escape(path)}.*.part"):
        with contextlib.suppress(OSError):  # it is gone, or somebody else's
            if os.path.getmtime(part) < time.time() - limits.REPORT_PART_SECONDS:
                os.remove(part)


def is_special(path: str) -> bool:
    """Whether it is a device, a FIFO: not to be replaced by a file, and read as it is written."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
