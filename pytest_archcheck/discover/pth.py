"""``.pth`` files of a site directory, which add folders to ``sys.path`` (:mod:`site`)."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.discover.paths import is_in_kernel
from pytest_archcheck.discover.text import read_paths

if TYPE_CHECKING:
    from collections.abc import Iterator


class Additions(NamedTuple):
    """What the .pth files of one site directory add."""

    #: (name of the .pth file, folder) for every folder that is there and is not the site directory itself.
    folders: tuple[tuple[str, str], ...]
    #: (path of the .pth file, why something that it names is not looked at).
    problems: tuple[tuple[str, str], ...]


def additions(site: str) -> Additions:
    """Read the .pth files of a site directory."""
    here = os.path.normpath(site)
    problems: list[tuple[str, str]] = []
    folders: dict[tuple[str, str], None] = {}
    seen: set[tuple[str, str]] = set()
    for name, line in _lines(site, problems):
        folder = os.path.normpath(os.path.join(site, line))
        if folder == here or (name, folder) in seen:
            continue
        seen.add((name, folder))
        if reason := _unreachable(folder):
            problems.append((os.path.join(site, name), f"it names a folder that cannot be looked at: {line}: {reason}"))
        else:
            folders[name, folder] = None
    return Additions(tuple(folders), tuple(problems))


def _lines(site: str, problems: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(name of the .pth file, line) for every line of every .pth file that adds a folder."""
    left = limits.PTH_LINES
    for name in _names(site):
        path = os.path.join(site, name)
        try:
            text = read_paths(path, limits.SETTINGS_FILE_SIZE)
        except OSError as error:
            problems.append((path, f"this .pth file cannot be read: {error.strerror or error}"))
            continue
        if "\0" in text:
            problems.append((path, "this .pth file is no UTF-8 text"))
        for line in io.StringIO(text, newline=None):
            if not line.strip() or line.startswith(("#", "import ", "import\t")) or "\0" in line:
                continue
            if left == 0:
                problems.append((path, f"the .pth files beside it name more than {limits.PTH_LINES} folders"))
                return
            left -= 1
            yield name, line.rstrip()


def _unreachable(folder: str) -> str | None:
    try:
        if not stat.S_ISDIR(os.stat(folder).st_mode):
            return "it is a file"
    except OSError as error:
        return error.strerror or str(error)
    return "it is no place for files" if is_in_kernel(folder) else None


def _names(site: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(site) if name.endswith(".pth") and not name.startswith("."))
    except OSError:
        return []
