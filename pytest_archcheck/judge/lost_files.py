"""Which packages have lost compiled files that they recorded, and whether importing them fails for it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.model import Binary
from pytest_archcheck.binaries.names import extension_role, extension_tag, is_for_another_version, is_test_data
from pytest_archcheck.discover.editable import finder_sources
from pytest_archcheck.judge.homes import python_of
from pytest_archcheck.loader.surely_imported import Importable, lost_import
from pytest_archcheck.rules.lost_files import judge_gone, judge_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_archcheck.discover.model import Distribution, Environment, InstalledProject
    from pytest_archcheck.findings import Finding

#: numpy's ``_multiarray_tests``: what makes images small may take it out.
_OF_TESTS = re.compile(r"(?:^|[._])test(?:s|ing|capi)?(?:$|[._])")


def judge_lost_files(
    environment: Environment,
    owned: Sequence[tuple[Distribution, str]],
    subject: str,
    survives: Callable[[Iterable[Binary]], bool | None],
) -> Iterator[Finding]:
    """Say which projects are not what their RECORD says.

    :param owned: distributions with compiled files, and their subjects.
    :param subject: of the packages as a whole, for what owns no compiled file (any more).
    :param survives: whether a package goes on after a failure wherever it imports a module; None where nothing imports it.
    """
    python = python_of(environment)
    waiting = [project for project in environment.projects if project.lost or project.is_gone]
    if environment.root is not None:  # a link in an image leads to a place in the image
        waiting = [project for project in waiting if not _of_links(project)]
    importable = Importable(environment.search_path, finder_sources(environment.search_path))
    owners = {(owner.name, owner.location): where for owner, where in owned}
    gone: dict[str, list[InstalledProject]] = {}
    for project in waiting:
        where = owners.get((project.name, project.location), subject)
        if project.is_gone:
            gone.setdefault(project.location, []).append(project)
        elif any(not is_test_data(path) for path in project.lost):
            fails, named = _import_of(project, importable)
            modules = [] if fails or named else _modules(project, python)[: limits.LOST_FILES_ASKED]
            # Where nothing in the package goes on without a failure, or nothing imports it, whoever uses the package may.
            named = named or any(survives([_stand_in(project, path)]) is not True for path in modules)
            yield judge_lost(project, where, fails, named=named, links=_of_links(project))
    for site, projects in gone.items():
        if not _is_frozen(site):
            for links in (False, True):
                if alike := [project for project in projects if _of_links(project) is links]:
                    yield judge_gone(alike, subject, links=links)


def _of_links(project: InstalledProject) -> bool:
    """Whether its files are there as symbolic links, which lead nowhere: its metadata is installed as they are."""
    files = (*project.lost[:1], os.path.join(project.metadata, "METADATA"))
    return any(os.path.islink(os.path.join(project.location, path)) for path in files)


def _modules(project: InstalledProject, python: str | None) -> list[str]:
    """The lost modules that Python would import, those for tests left out."""
    lost = (path for path in project.lost if extension_tag(path) is not None and not is_test_data(path))
    return [path for path in lost if not (is_for_another_version(path, python) or _OF_TESTS.search(_module(path)))]


def _stand_in(project: InstalledProject, path: str) -> Binary:
    """A lost module, to ask about: its name and place are all that counts."""
    return Binary(path=path, location=project.location, format="elf", role="extension", slices=(), size=0)


def _import_of(project: InstalledProject, importable: Importable) -> tuple[str | None, bool]:
    """Which import surely fails, and whether a source that importing runs names a file that is gone."""
    lost = [path for path in project.lost if not is_test_data(path)]
    modules = {_module(path) for path in lost if extension_role(path)}
    own = project.name.replace("-", "_")
    tops = sorted({path.partition("/")[0] for path in lost if "/" in path} | {own})
    packages = {path.partition("/")[0] for path in lost if "/" in path and extension_tag(path) is not None}
    named = False
    for package in tops:
        path = os.path.join(project.location, package)
        if package in packages and not os.path.lexists(path) and importable.lacks(package):
            return f"import {package} fails, as nothing of it is there", True  # numpy.libs may be left
        if not (os.path.isfile(os.path.join(path, "__init__.py")) or os.path.isfile(f"{path}.py")):
            continue
        found, text = lost_import(project.location, package, importable, modules)
        if found:
            return f"import {package} fails, as {found.path} imports {found.module}", True
        named = named or any(os.fsencode(os.path.basename(path)).partition(b".")[0] in text for path in lost)
    if own in modules and importable.lacks(own):
        return f"import {own} fails", True
    return None, named


def _module(path: str) -> str:
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return f"{folder.replace('/', '.')}.{stem}" if folder else stem


def _is_frozen(site: str) -> bool:
    """Whether modules lie in an archive beside their metadata, as PyInstaller, cx_Freeze and py2app have them."""
    try:
        return any(name.endswith((".zip", ".pyz")) for folder in (site, os.path.dirname(site)) for name in os.listdir(folder))
    except OSError:
        return True
