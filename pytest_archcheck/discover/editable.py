"""Folders outside the site directories that an environment imports from: ``.pth`` files and editable installs.

They point at a project's root or its ``src``. Only the packages in there belong to the environment, not the project's test
data, its ``.git``, ``node_modules`` or other environments.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover import pth
from pytest_archcheck.discover.metadata import has_projects, projects
from pytest_archcheck.discover.paths import is_in_kernel, is_inside, path_in
from pytest_archcheck.discover.text import read_text
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.discover.metadata import Project

#: Folders of a project that are importable by accident, not by intent (setuptools' flat-layout discovery passes them too).
_NOT_PACKAGES = frozenset(
    "test tests testing doc docs example examples benchmark benchmarks build dist node_modules venv env tools scripts".split()
)
#: Names under which build backends write the finders of editable installs: setuptools, hatchling, scikit-build-core,
#: meson-python.
_FINDERS = re.compile(r"(?:__editable__.*finder|_editable_impl_.*|_.*_editable(?:_loader)?)\.py")


def is_project_root(folder: str) -> bool:
    """Whether a folder is a project's checkout."""
    return any(os.path.exists(os.path.join(folder, name)) for name in ("pyproject.toml", "setup.py", ".git"))


def with_linked_sites(sites: list[str]) -> dict[str, pth.Additions]:
    """The site directories, followed by those that their .pth files name, with what else those add."""
    found = {os.path.realpath(site): site for site in sites}
    waiting = list(found.values())
    added = {}
    for site in waiting:
        added[site] = pth.additions(site)
        for _, folder in added[site].folders:
            real = os.path.realpath(folder)
            if real not in found and has_projects(folder, ".dist-info") and not is_project_root(folder):
                found[real] = folder
                waiting.append(folder)
    return added


def developed_projects(added: pth.Additions, installed: list[Project]) -> list[Project]:
    """Projects that only their own folder knows: ``setup.py develop`` leaves an egg-info there and a .pth file here."""
    known = {project.name for project in installed}
    folders = sorted({folder for _, folder in added.folders if has_projects(folder, ".egg-info")})
    return [
        project._replace(editable_root=_root_of(folder))
        for folder in folders
        for project in projects(folder)
        if project.name not in known
    ]


def _root_of(folder: str) -> str:
    """The checkout that holds ``src``, or the folder itself."""
    above = os.path.dirname(folder)
    return above if is_project_root(above) and not is_project_root(folder) else folder


def outside_folders(site: str, added: pth.Additions, installed: list[Project], skipped: list[Skipped]) -> dict[str, str | None]:
    """Package folders and extension modules outside the site directory -> the name of the project that owns them, if known.

    :param skipped: gets what is not looked at.
    """
    found: dict[str, str | None] = {}
    owners = _Owners(installed)
    for name, folder in added.folders:
        owner = owners.of_folder(folder) or owners.named_in(name)
        found.update(dict.fromkeys(_importable(folder, owner), owner.name if owner else None))
    for path in _finder_modules(site):
        owner = owners.named_in(os.path.basename(path))
        try:
            folders = mapped_folders(path)
        except (OSError, ValueError) as error:
            skipped.append(Skipped(path, f"this import finder cannot be read: {error}"))
            continue
        for folder in folders:
            found.setdefault(folder, owner.name if owner else None)
    return found


class _Owners:
    """Which of the installed projects a folder outside belongs to."""

    def __init__(self, installed: list[Project]) -> None:
        self._names: dict[str, Project] = {}
        self._roots: dict[str, Project] = {}
        for project in installed:
            self._names.setdefault(project.name, project)
            if project.editable_root:
                self._roots.setdefault(os.path.realpath(project.editable_root), project)

    def of_folder(self, folder: str) -> Project | None:
        """The editable project whose root holds that folder; of several the innermost."""
        folder = os.path.realpath(folder)
        while folder not in self._roots:
            above = os.path.dirname(folder)
            if above == folder:
                return None
            folder = above
        return self._roots[folder]

    def named_in(self, file_name: str) -> Project | None:
        """The project with the longest name that the name of a .pth file or finder holds, between dashes."""
        words = re.sub(r"[-_.]+", "-", file_name).lower().split("-")
        for size in range(len(words), 0, -1):
            for first in range(len(words) - size + 1):
                if project := self._names.get("-".join(words[first : first + size])):
                    return project
        return None


def _importable(folder: str, owner: Project | None) -> list[str]:
    """Packages and extension modules directly in a folder of ``sys.path``."""
    named = set(owner.top_level) | {owner.name.replace("-", "_")} if owner else set()
    found = []
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        # os.path asks without raising, whatever a link leads to: in a circle, or where nobody may look.
        if not os.path.isdir(entry.path):
            if entry.name.endswith((".so", ".pyd")):
                found.append(entry.path)
        elif entry.name in named or (
            entry.name not in _NOT_PACKAGES and os.path.isfile(os.path.join(entry.path, "__init__.py"))
        ):
            found.append(entry.path)
    return found


def _finder_modules(site: str) -> list[str]:
    try:
        return [os.path.join(site, name) for name in sorted(os.listdir(site)) if _FINDERS.fullmatch(name)]
    except OSError:
        return []


def finder_sources(folders: Iterable[str]) -> Iterator[bytes]:
    """The sources of the import finders of editable installs, as far as they can be read."""
    for path in (path for folder in folders for path in _finder_modules(folder)):
        with contextlib.suppress(OSError, ValueError):  # said where its folders were looked for
            yield read_text(path, limits.FINDER_FILE_SIZE).encode("utf-8", "surrogateescape")


#: Where a comment or a string begins, and what ends one that begins so or must be passed over in it.
_BEGIN = re.compile(r"""#|\"{3}|'{3}|["']""")
_STOPS = {
    mark: re.compile(rf"\\.|{mark}" if len(mark) == 3 else rf"\\.|{mark}|\n", re.DOTALL)
    for mark in ('"', "'", 3 * '"', 3 * "'")
}


def _strings(source: str) -> Iterator[str]:
    """The strings in a Python file, looked through once from front to back.

    Not by :mod:`ast`: of a few megabytes that makes gigabytes, and a long chain of operators ends Python 3.10.
    """
    position = 0
    while begin := _BEGIN.search(source, position):
        start = position = begin.end()
        if begin[0] == "#":
            position = source.find("\n", start)
            if position < 0:
                return
            continue
        for stop in _STOPS[begin[0]].finditer(source, start):
            position = stop.end()
            if stop[0][0] != "\\":  # its end, or the end of its line
                yield _unescaped(source[start : stop.start()])
                break
        else:
            return


#: An escape sequence in a string: by two, four or eight digits, or one character that stands for itself or another.
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(0[0-9a-fA-F]{7})|(.))", re.DOTALL)
_SHORT_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    if escape[4] is not None:
        return _SHORT_ESCAPES.get(escape[4], escape[4])
    number = int(escape[1] or escape[2] or escape[3], 16)
    return chr(number) if number <= sys.maxunicode else ""


def mapped_folders(path: str) -> list[str]:
    """Existing folders and compiled files among the strings of an import finder's source; it is read, never run."""
    above = os.path.realpath(path)
    # hatchling's ``editables`` map a package to its __init__.py; scikit-build-core's finders list sources in that way, and load
    # compiled modules from the site directory.
    maps_modules = os.path.basename(path).startswith("_editable_impl_")
    named: dict[str, None] = {}
    for text in _strings(read_text(path, limits.FINDER_FILE_SIZE)):
        folder = text.removesuffix(os.sep + "__init__.py") if maps_modules else text
        if len(folder) <= limits.PATH_LENGTH and os.path.isabs(folder) and (real := path_in(folder)) is not None:
            named[os.path.normpath(real)] = None
            if len(named) > limits.FINDER_PATHS:
                raise ValueError(f"it names more than {limits.FINDER_PATHS} paths")
    found = {value for value in named if _is_mapped(value, above)}
    # A package's folder covers what lies in it.
    return [item for item in named if item in found and not is_inside(os.path.dirname(item), found)]


def _is_mapped(value: str, finder: str) -> bool:
    """Whether a finder's path leads to a compiled file or a package, not to what the finder lies in."""
    if value.endswith((".so", ".pyd", ".dylib")):
        return os.path.isfile(value) and not is_in_kernel(value)
    if not os.path.isdir(value) or is_project_root(value) or is_in_kernel(value):
        return False
    return not finder.startswith(os.path.join(os.path.realpath(value), ""))
