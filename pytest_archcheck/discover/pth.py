"""``.pth`` files of a site directory, which add folders to ``sys.path`` (:mod:`site`)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover.text import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines(site: str) -> Iterator[tuple[str, str]]:
    """(name of the .pth file, line) for every line of every .pth file that adds a folder (:mod:`site`)."""
    for name in _names(site):
        try:
            text = read_text(os.path.join(site, name), limits.SETTINGS_FILE_SIZE, errors="surrogateescape")
        except OSError:
            continue
        for line in text.splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")) and "\0" not in line:
                yield name, line.rstrip()


def problems(site: str) -> Iterator[tuple[str, str]]:
    """(path of the .pth file, why something that it names is not looked at)."""
    for name in _names(site):
        path = os.path.join(site, name)
        try:
            if "\0" in read_text(path, limits.SETTINGS_FILE_SIZE, errors="surrogateescape"):
                yield path, "this .pth file is no UTF-8 text"
        except OSError as error:
            yield path, f"this .pth file cannot be read: {error.strerror or error}"
    for name, line in lines(site):
        if reason := _unreachable(os.path.join(site, line)):
            yield os.path.join(site, name), f"it names a folder that cannot be looked at: {line}: {reason}"


def _unreachable(folder: str) -> str | None:
    try:
        return None if stat.S_ISDIR(os.stat(folder).st_mode) else "it is a file"
    except OSError as error:
        return error.strerror or str(error)


def _names(site: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(site) if name.endswith(".pth") and not name.startswith("."))
    except OSError:
        return []
