"""Root file systems of other machines that lie in a folder: an extracted image of a container, a mounted disk.

There an absolute link leads to what lies below that folder, never to this machine's own files.
"""

from __future__ import annotations

import os

#: What says that a folder is a system's root, beside ``usr`` and ``etc``.
_RELEASES = ("etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/debian_version")
#: Links that are followed for one path, as Linux does.
_LINKS = 40


def root_above(path: str) -> str | None:
    """The root of another system that a folder is, or lies in; None where it is this machine's."""
    folder = os.path.abspath(path)
    while (above := os.path.dirname(folder)) != folder:
        if _is_root(folder):
            return folder
        folder = above
    return None


def _is_root(folder: str) -> bool:
    places = [os.path.join(folder, name) for name in ("usr", "etc")]
    return all(map(os.path.isdir, places)) and any(os.path.lexists(os.path.join(folder, name)) for name in _RELEASES)


def real_path(path: str, root: str | None) -> str:
    """The real path of a file below a root, as that system would see it; without a root, as this one does.

    A path that cannot be followed (links in a circle) is given back as it is.
    """
    if root is None:
        return os.path.realpath(path)
    if not path.startswith(root + os.sep):
        return path
    waiting = path[len(root) :].split(os.sep)[::-1]
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part in ("", os.curdir):
            continue
        if part == os.pardir:
            found = found[:-1]
            continue
        here = os.path.join(root, *found, part)
        try:
            link = os.readlink(here)
        except (OSError, ValueError):  # no link, or nothing there
            found.append(part)
            continue
        links += 1
        if links > _LINKS:
            return path
        if link.startswith(os.sep):
            found = []
        waiting += link.split(os.sep)[::-1]
    return os.path.join(root, *found)


def below(root: str | None, path: str) -> str:
    """An absolute path of that system as one of this machine."""
    return path if root is None or path.startswith(root + os.sep) else root + path
