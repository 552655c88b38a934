"""One compiled file, with what lies beside it: its libraries may be there."""

from __future__ import annotations

import os

from pytest_archcheck import limits
from pytest_archcheck.discover.below import environment_around
from pytest_archcheck.discover.environments import FILES, NothingToInspect, environment_at
from pytest_archcheck.discover.files import Walk, has_passed_name, look_at
from pytest_archcheck.discover.metadata import has_projects
from pytest_archcheck.discover.model import Distribution, Environment

#: Folders between a file and the site-packages folder that it is installed in; PySide6 nests ten.
_ABOVE = 16


def file_environment(path: str) -> Environment:
    """The environment in which a file is installed; else its own folder, not what lies below.

    :raises NothingToInspect: it is no compiled file.
    """
    folder, name = os.path.split(os.path.abspath(path))
    own = Walk()
    look_at(own, path, folder, name)
    if not own.binaries:
        unread = "; ".join(skip.reason for skip in own.skipped)
        raise NothingToInspect(f"{path}: {unread or f'nothing that can be inspected; expected {FILES}'}")
    site = _site_above(folder)
    if site is not None:
        return environment_at(environment_around(os.path.dirname(site)) or site)
    with os.scandir(folder) as entries:
        beside = [entry.name for number, entry in enumerate(entries) if number < limits.FILES_BESIDE and entry.is_file()]
    for other in sorted(beside):
        if other != name and not has_passed_name(other):
            look_at(own, os.path.join(folder, other), folder, other)
    files = Distribution(name=None, version=None, installer=None, tags=(), location=folder, binaries=tuple(own.binaries))
    return Environment(
        kind="folder", path=path, label=name, interpreter=None, distributions=(files,), skipped=tuple(own.skipped), files=1
    )


def _site_above(folder: str) -> str | None:
    for _ in range(_ABOVE):
        if has_projects(folder):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return None
