"""Folders outside the site directories that an environment imports from: ``.pth`` files and editable installs.

They point at a project's root or its ``src``. Only the packages in there belong to the environment, not the project's test
data, its ``.git``, ``node_modules`` or other environments.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover import pth
from pytest_archcheck.discover.metadata import has_projects, projects
from pytest_archcheck.discover.text import read_text

if TYPE_CHECKING:
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


def with_linked_sites(sites: list[str]) -> list[str]:
    """The site directories, followed by those that their .pth files name."""
    found = {os.path.realpath(site): site for site in sites}
    waiting = list(found.values())
    for site in waiting:
        for _, folder in _pth_folders(site):
            real = os.path.realpath(folder)
            if real not in found and has_projects(folder, ".dist-info") and not is_project_root(folder):
                found[real] = folder
                waiting.append(folder)
    return waiting


def developed_projects(site: str, installed: list[Project]) -> list[Project]:
    """Projects that only their own folder knows: ``setup.py develop`` leaves an egg-info there and a .pth file here."""
    known = {project.name for project in installed}
    folders = sorted({folder for _, folder in _pth_folders(site) if has_projects(folder, ".egg-info")})
    return [
        replace(project, editable_root=_root_of(folder))
        for folder in folders
        for project in projects(folder)
        if project.name not in known
    ]


def _root_of(folder: str) -> str:
    """The checkout that holds ``src``, or the folder itself."""
    above = os.path.dirname(folder)
    return above if is_project_root(above) and not is_project_root(folder) else folder


def _pth_folders(site: str) -> list[tuple[str, str]]:
    """(name of the .pth file, folder) for every folder outside the site directory that one adds to ``sys.path``."""
    here = os.path.normpath(site)
    lines = ((name, os.path.normpath(os.path.join(site, line))) for name, line in pth.lines(site))
    return [(name, folder) for name, folder in dict.fromkeys(lines) if folder != here and os.path.isdir(folder)]


def outside_folders(site: str, installed: list[Project]) -> dict[str, str | None]:
    """Package folders and extension modules outside the site directory -> the name of the project that owns them, if known."""
    found: dict[str, str | None] = {}
    for name, folder in _pth_folders(site):
        owner = _owner(folder, name, installed)
        found.update(dict.fromkeys(_importable(folder, owner), owner.name if owner else None))
    for path in _finder_modules(site):
        owner = _owner_of_finder(os.path.basename(path), installed)
        for folder in _mapped_folders(path):
            found.setdefault(folder, owner.name if owner else None)
    return found


def _owner(folder: str, pth_name: str, installed: list[Project]) -> Project | None:
    """The editable project whose root holds that folder, or whose name the .pth file bears."""
    real = os.path.realpath(folder)
    for project in installed:
        if project.editable_root:
            root = os.path.realpath(project.editable_root)
            if real == root or real.startswith(root + os.sep):
                return project
    return _owner_of_finder(pth_name, installed)


def _owner_of_finder(file_name: str, installed: list[Project]) -> Project | None:
    plain = re.sub(r"[-_.]+", "-", file_name).lower()
    candidates = [project for project in installed if re.search(rf"(?:^|-){re.escape(project.name)}(?:-|$)", plain)]
    return max(candidates, key=lambda project: len(project.name), default=None)


def _importable(folder: str, owner: Project | None) -> list[str]:
    """Packages and extension modules directly in a folder of ``sys.path``."""
    named = set(owner.top_level) | {owner.name.replace("-", "_")} if owner else set()
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
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


def _mapped_folders(path: str) -> list[str]:
    """Existing folders and compiled files among the strings of an import finder's source; it is parsed, never run."""
    try:
        tree = ast.parse(read_text(path, limits.FINDER_FILE_SIZE))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    found = []
    above = os.path.realpath(path)
    # hatchling's ``editables`` map a package to its __init__.py; scikit-build-core's finders list sources in that way, and load
    # compiled modules from the site directory.
    maps_modules = os.path.basename(path).startswith("_editable_impl_")
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    paths = (text.removesuffix(os.sep + "__init__.py") if maps_modules else text for text in constants if os.path.isabs(text))
    for value in dict.fromkeys(os.path.normpath(path) for path in paths if "\0" not in path):
        is_module = value.endswith((".so", ".pyd", ".dylib")) and os.path.isfile(value)
        is_folder = os.path.isdir(value) and not is_project_root(value)
        if is_module or (is_folder and not above.startswith(os.path.join(os.path.realpath(value), ""))):
            found.append(value)
    # A package's folder covers what lies in it.
    return [item for item in found if not any(item != other and item.startswith(other + os.sep) for other in found)]
