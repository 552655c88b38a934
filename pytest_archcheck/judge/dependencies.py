"""Which packages cannot be imported, since what they require is not installed: finds the few that are looked through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_archcheck.discover.editable import finder_sources
from pytest_archcheck.discover.names import required_names
from pytest_archcheck.discover.text import canonical_name
from pytest_archcheck.judge.homes import python_of
from pytest_archcheck.loader.surely_imported import Importable, unimportable
from pytest_archcheck.rules.conflicts import TENSORFLOWS
from pytest_archcheck.rules.dependencies import judge_dependencies

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement

    from pytest_archcheck.discover.model import Distribution, Environment, InstalledProject
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.machine.target import Target


def judge_missing(
    environment: Environment, owned: Sequence[tuple[Distribution, str]], subject: str, target: Target, python: str | None
) -> Iterator[Finding]:
    """Say which packages cannot be imported, as something that they require and surely import is not installed.

    :param owned: distributions with compiled files, and their subjects.
    :param subject: of the packages as a whole, for what owns no compiled file.
    :param python: the Python that was asked for; counts where the environment has none of its own.
    """
    waiting = [project for project in environment.projects if project.requires and project.has_modules]
    if not waiting or environment.kind == "wheel":
        return
    installed = {project.name for project in environment.projects}
    if environment.conda:
        installed |= {canonical_name(name) for name, _, _ in environment.conda.packages}
    variables = _variables(environment, target, python)
    importable: Importable | None = None
    owners = {(owner.name, owner.location): (owner, where) for owner, where in owned}
    for project in waiting:
        absent = list(_not_installed(project.requires, installed, variables))
        if not absent:
            continue
        owner, where = owners.get((project.name, project.location), (None, subject))
        importable = importable or Importable(environment.search_path, finder_sources(environment.search_path))
        package = _package(project, owner)
        lacks = unimportable(project.location, package, importable) if package else None
        if package and lacks:
            yield judge_dependencies(project, where, package, lacks, absent, is_whole=environment.is_whole)


def _not_installed(
    lines: Sequence[str], installed: Container[str], variables: Mapping[str, str] | None
) -> Iterator[Requirement]:
    """The requirements that hold without an extra, of projects that are not there.

    :param lines: of ``Requires-Dist``.
    :param variables: of the target's markers; None: those with a marker are passed over.
    """
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        # Nearly all are installed, or of an extra: no parser is needed to see that.
        names = required_names([line])
        if (names and canonical_name(names[0]) in installed) or "extra" in line.partition(";")[2]:
            continue
        try:
            wanted = Requirement(line)
            if canonical_name(wanted.name) in installed or "extra" in str(wanted.marker or ""):
                continue
            if wanted.marker is None or (variables is not None and wanted.marker.evaluate(dict(variables))):
                yield wanted
        except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
            continue


def _variables(environment: Environment, target: Target, python: str | None) -> Mapping[str, str] | None:
    own = environment.interpreter.version if environment.interpreter else None
    version = own or python_of(environment, python)
    if version is None:
        return None
    from pytest_archcheck.locks.markers import marker_environment

    return marker_environment(target, version)


def _package(project: InstalledProject, owner: Distribution | None) -> str | None:
    """The package that people import of a project: the one of its name, or else the only one that holds compiled files."""
    name = "tensorflow" if project.name in TENSORFLOWS else project.name.replace("-", "_")
    folders = {one.path.partition("/")[0] for one in owner.binaries if "/" in one.path} if owner else set()
    inside = {folder for folder in folders if folder.isidentifier()}  # numpy.libs is none
    if named := [one for one in inside if one.casefold() == name]:
        inside = set(named)
    elif len(inside) != 1:
        inside = {name}
    package = inside.pop()
    return package if os.path.isfile(os.path.join(project.location, package, "__init__.py")) else None
