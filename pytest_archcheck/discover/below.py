"""What lies below a folder that is no environment itself, or above a path inside one: environments, and wheels.

Names only are read. A folder of wheels may be a mirror of ten thousand, in folders by project or by hash.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover import conda

if TYPE_CHECKING:
    from collections.abc import Iterator

_SITES = ("site-packages", "dist-packages")
_LIBRARY_FOLDER = re.compile(r"lib\d*|Lib")
_PYTHON_FOLDER = re.compile(r"python\d(?:\.\d+t?)?")
#: Folders of an environment that are given for it: ``.venv/bin``, ``.venv/lib/python3.12``.
_PARTS = re.compile(r"bin|Scripts|lib\d*|Lib|include|share|python\d(?:\.\d+t?)?")
#: Never gone into: no environment lies there, and some are huge.
_PASSED = frozenset({"__pycache__", ".git", ".hg", ".svn", "node_modules"})
#: Of a whole system: views of the kernel, and what a package manager keeps.
_PASSED_OF_ROOT = frozenset({"proc", "sys", "dev"})
_WHEEL = ".whl"
#: The ends of source distributions, which lie beside wheels.
_SDISTS = (".tar.gz", ".tgz", ".tar.bz2", ".zip")
#: A folder named by a hash or a part of one: ``packages/3f/a0/0c91...`` of a mirror, ``wheels/1a/2b/3c/...`` of pip's cache.
_HASHED = re.compile(r"[0-9a-f]{2}|[0-9a-f]{32,}")


@dataclass(slots=True)
class Below:
    """What was found. Wheels and source distributions lie in folders of which none is an environment's."""

    environments: list[str] = field(default_factory=list)
    #: Folders with the metadata of installed projects, which may also lie there for tests.
    loose: list[str] = field(default_factory=list)
    #: Wheel files, below the folder that was looked through, with ``/``; sorted.
    wheels: list[str] = field(default_factory=list)
    sdists: list[str] = field(default_factory=list)
    #: How many folders could not be read.
    unread: int = 0
    #: Whether there was more than is looked through.
    cut: bool = False


def look_below(root: str) -> Below:
    """Look through the folders below one that is no environment; what is one is not gone into.

    Links to folders are followed for wheels, each folder once: not into what is looked through anyway, nor to what is above it.

    :raises OSError: the folder itself cannot be read.
    """
    walk = _Walk(root)
    walk.through("", root)
    own_wheels = any("/" not in place for place in walk.found.wheels)
    if own_wheels or not (walk.found.environments or walk.found.loose):
        walk.follow_links()
    walk.take_linked_wheels()
    walk.found.wheels.sort()
    walk.found.sdists.sort()
    return walk.found


@dataclass(slots=True)
class _Folder:
    """What one folder holds, by name."""

    names: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    #: To anything, or to nothing.
    links: list[str] = field(default_factory=list)
    wheels: list[str] = field(default_factory=list)
    sdists: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: str) -> _Folder:
        """Read it. Raises :class:`OSError`."""
        folder = cls()
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                folder.names.add(name)
                if entry.is_dir(follow_symlinks=False):
                    folder.folders.append(name)
                elif entry.is_symlink():
                    folder.links.append(name)
                elif name.endswith(_WHEEL) and entry.is_file(follow_symlinks=False):
                    folder.wheels.append(name)
                elif name.endswith(_SDISTS):
                    folder.sdists.append(name)
        return folder


class _Walk:
    """The folders below one, level by level."""

    def __init__(self, root: str) -> None:
        self.found = Below()
        self._root = root
        #: Folders that are looked through, with all below them: real path -> what leads there from the root, with ``/``.
        self._tops: dict[str, str] = {}
        #: What was met and not followed yet, as it is called from the root.
        self._links: list[str] = []
        self._linked_wheels: list[str] = []
        #: Folders that neither hold a wheel nor are named by a hash; all folders.
        self._searched = self._seen = 0

    def through(self, place: str, folder: str) -> None:
        """Go through a folder; ``place``: what leads to it from the root, empty or ending in ``/``."""
        top = os.path.realpath(folder)
        self._tops[top] = place
        level = [(place, folder)]
        for _ in range(limits.ENVIRONMENT_DEPTH):
            deeper: list[tuple[str, str]] = []
            for at, path in level:
                if self._is_enough():
                    self.found.cut = True
                    return
                if at == place or _at(top, at[len(place) : -1]) not in self._tops:
                    deeper += [(f"{at}{name}/", os.path.join(path, name)) for name in self._look_into(at, path)]
            level = sorted(deeper)
        self.found.cut = self.found.cut or bool(level)

    def _is_enough(self) -> bool:
        return (
            self._searched > limits.SEARCHED_FOR_ENVIRONMENTS
            or self._seen > limits.SEARCHED_FOR_WHEELS
            or len(self.found.wheels) > limits.WHEELS_BELOW
        )

    def _look_into(self, place: str, path: str) -> list[str]:
        """Note what one folder holds; return the names of the folders to go into. Only the root has to be readable."""
        self._seen += 1
        try:
            folder = _Folder.read(path)
        except OSError:
            if not place:
                raise
            self.found.unread += 1
            return []
        if not folder.wheels and not _HASHED.fullmatch(os.path.basename(path)):
            self._searched += 1
        if place and _is_environment(path, folder.names, folder.folders):
            self.found.environments.append(path)
            return []
        if place and any(name.endswith(".dist-info") for name in folder.folders):
            self.found.loose.append(path)
            return []
        self.found.wheels += [place + name for name in folder.wheels]
        self.found.sdists += [place + name for name in folder.sdists]
        is_system = not place and {"usr", "etc"} <= folder.names
        for name in folder.links:
            if name.endswith(_WHEEL):
                self._linked_wheels.append(place + name)
            elif not is_system:  # the links of an image mean another root than this machine's
                self._links.append(place + name)
        passed = _PASSED | _PASSED_OF_ROOT if is_system else _PASSED
        return [name for name in folder.folders if name not in passed]

    def follow_links(self) -> None:
        """Go through the folders that links lead to; environments there are not gone into."""
        found = len(self.found.environments), len(self.found.loose)
        around = set(_upwards(next(iter(self._tops))))
        while self._links:
            links, self._links = sorted(self._links), []
            for place in links:
                target = os.path.realpath(os.path.join(self._root, place))
                known = target in around or not self._tops.keys().isdisjoint(_upwards(target))
                if not known and os.path.isdir(target) and not self._is_enough():
                    self.through(f"{place}/", target)
        del self.found.environments[found[0] :], self.found.loose[found[1] :]

    def take_linked_wheels(self) -> None:
        """Take the wheels that are links themselves, but for those that only say once more what was found."""
        if not self._linked_wheels:
            return
        seen = {
            _at(top, wheel[len(place) :])
            for top, place in self._tops.items()
            for wheel in self.found.wheels
            if wheel.startswith(place)
        }
        for wheel in sorted(self._linked_wheels):
            target = os.path.realpath(os.path.join(self._root, wheel))
            said_again = target in seen and os.path.basename(target) == wheel.rpartition("/")[2]
            if not said_again and os.path.isfile(target):
                seen.add(target)
                self.found.wheels.append(wheel)


def _at(top: str, place: str) -> str:
    """The path of a place below a folder."""
    return f"{top.rstrip(os.sep)}{os.sep}{place.replace('/', os.sep)}"


def _upwards(path: str) -> Iterator[str]:
    """Yield a real path and the folders around it."""
    while True:
        yield path
        around = os.path.dirname(path)
        if around == path:
            return
        path = around


def _is_environment(folder: str, names: set[str], folders: list[str]) -> bool:
    if "pyvenv.cfg" in names or ("conda-meta" in names and conda.is_conda_prefix(folder)):
        return True
    if os.path.basename(folder) in _SITES:
        return True
    return any(_holds_site(os.path.join(folder, name)) for name in folders if _LIBRARY_FOLDER.fullmatch(name))


def _holds_site(library: str) -> bool:
    """``lib/python3.12/site-packages``, and Windows' ``Lib/site-packages``."""
    try:
        names = os.listdir(library)
    except OSError:
        return False
    places = [library, *(os.path.join(library, name) for name in names if _PYTHON_FOLDER.fullmatch(name))]
    return any(os.path.isdir(os.path.join(place, site)) for place in places for site in _SITES)


def environment_around(path: str) -> str | None:
    """The environment of which a path is a part that people give for it: its ``bin``, its Python."""
    folder = os.path.dirname(path) if not os.path.isdir(path) else path
    for _ in range(4):  # .venv/lib/python3.12/site-packages
        if not _PARTS.fullmatch(os.path.basename(folder)):
            return None
        folder = os.path.dirname(folder)
        if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) or conda.is_conda_prefix(folder):
            return folder
    return None
