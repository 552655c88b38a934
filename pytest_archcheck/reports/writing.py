"""Writes the files of a report, each all at once: a reader sees the old one or the new one."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_writable(path: str) -> None:
    """Make the folder of the report and try to write there. Raises :class:`OSError`."""
    if is_special(path):
        return
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(f"{error.filename} is a file, and no folder") from error
    descriptor, trial = _part(os.path.dirname(path))
    os.close(descriptor)
    os.remove(trial)


def write_text(path: str, content: str) -> None:
    """Write a file, all at once. Raises :class:`OSError`."""
    write_pieces(path, [content])


def write_pieces(path: str, pieces: Iterable[str]) -> None:
    """Write a file of many pieces: whoever reads it sees all of them or none. Raises :class:`OSError`."""
    if is_special(path):
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(pieces)
        return
    real = os.path.realpath(path)
    descriptor, trial = _part(os.path.dirname(real))
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(pieces)
        os.replace(trial, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(trial)
        raise


def _part(folder: str) -> tuple[int, str]:
    """A new file in that folder. Nobody could have put anything there before, such as a link that leads away."""
    trial = os.path.join(folder, f".archcheck-{secrets.token_hex(8)}.part")
    return os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666), trial


def is_special(path: str) -> bool:
    """Whether it is a device, a FIFO: not to be replaced by a file, and read as it is written."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
