"""What lies below a folder that is no environment itself, or above a path inside one: environments, and wheels."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from pytest_archcheck import limits
from pytest_archcheck.discover import conda

_SITES = ("site-packages", "dist-packages")
_LIBRARY_FOLDER = re.compile(r"lib\d*|Lib")
_PYTHON_FOLDER = re.compile(r"python\d(?:\.\d+t?)?")
#: Folders of an environment that are given for it: ``.venv/bin``, ``.venv/lib/python3.12``.
_PARTS = re.compile(r"bin|Scripts|lib\d*|Lib|include|share|python\d(?:\.\d+t?)?")
#: Never gone into: no environment lies there, and some are huge.
_PASSED = frozenset({"__pycache__", ".git", ".hg", ".svn", "node_modules"})
#: Of a whole system: views of the kernel, and what a package manager keeps.
_PASSED_OF_ROOT = frozenset({"proc", "sys", "dev"})


@dataclass(slots=True)
class Below:
    """What was found."""

    environments: list[str] = field(default_factory=list)
    #: Folders with the metadata of installed projects, which may also lie there for tests.
    loose: list[str] = field(default_factory=list)
    #: Wheel files, in folders of which none is an environment's.
    wheels: list[str] = field(default_factory=list)
    #: Whether there was more than is looked through.
    cut: bool = False


def look_below(root: str) -> Below:
    """Look through the folders below one that is no environment; what is one is not gone into."""
    found = Below()
    level = [root]
    seen = 0
    for _ in range(limits.ENVIRONMENT_DEPTH):
        deeper: list[str] = []
        for folder in level:
            seen += 1
            if seen > limits.SEARCHED_FOR_ENVIRONMENTS:
                found.cut = True
                return found
            deeper += _look_into(folder, found, root)
        level = sorted(deeper)
    found.cut = found.cut or bool(level)
    return found


def _look_into(folder: str, found: Below, root: str) -> list[str]:
    folders, wheels = [], []
    names: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.add(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.name.endswith(".whl"):
                    wheels.append(entry.path)
    except OSError:
        return []
    if folder != root and _is_environment(folder, names, folders):
        found.environments.append(folder)
        return []
    if folder != root and any(name.endswith(".dist-info") for name in folders):
        found.loose.append(folder)
        return []
    found.wheels += sorted(wheels)
    passed = _PASSED | _PASSED_OF_ROOT if folder == root and {"usr", "etc"} <= names else _PASSED
    return [os.path.join(folder, name) for name in folders if name not in passed]


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
