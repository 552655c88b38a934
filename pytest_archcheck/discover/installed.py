"""Facts about every installed project and about a conda prefix: what the rules on packages go by."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pytest_archcheck.discover import conda
from pytest_archcheck.discover.metadata import Project, requirements
from pytest_archcheck.discover.model import CondaPrefix, InstalledProject
from pytest_archcheck.discover.record import recorded_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Projects whose requirements the rules ask for; reading those of every project would cost more than it tells.
_WITH_REQUIREMENTS = ("tensorflow", "tf-nightly", "intel-tensorflow")


def conda_prefix_facts(prefix: str, records: Iterable[conda.CondaPackage], *, active: bool) -> CondaPrefix:
    """What conda says of a prefix.

    :param active: it is the running environment.
    """
    return CondaPrefix(
        path=prefix,
        packages=tuple((record.name, record.version, record.subdir) for record in records),
        settings=tuple(conda.settings(prefix, active=active)),
    )


def installed_projects(
    projects: Iterable[Project], prefix: str | None, records: list[conda.CondaPackage]
) -> tuple[InstalledProject, ...]:
    """Every project, by name.

    :param prefix: the conda prefix that the records are of, if there is one.
    """
    found = []
    for project in projects:
        below = os.path.relpath(project.site, prefix).replace(os.sep, "/") + "/" if prefix else "../"
        folder = below + os.path.basename(project.folder)
        evidence = {f"{folder}/METADATA", f"{folder}/PKG-INFO", folder}  # dist-info; egg-info as a folder, as a file
        by_conda = any(not evidence.isdisjoint(record.files) for record in records)
        found.append(
            InstalledProject(
                name=project.name,
                version=project.version,
                location=project.site,
                metadata=project.folder,
                tags=project.tags,
                installer=project.installer,
                requires=requirements(project.folder) if project.name.startswith(_WITH_REQUIREMENTS) else (),
                editable=project.editable_root is not None,
                has_modules=project.has_modules or project.editable_root is not None,
                by_conda=by_conda,
                over_conda=() if by_conda or below.startswith("../") else _over_conda(project, below, records),
            )
        )
    return tuple(sorted(found, key=lambda item: (item.name, item.location, item.metadata)))


def _over_conda(project: Project, below: str, records: list[conda.CondaPackage]) -> tuple[str, ...]:
    """The conda packages of that name, and those some of whose files the project has replaced."""
    mine = {below + path: path for path in project.files or () if not path.endswith((".pyc", "/__init__.py"))}
    found = []
    for record in records:
        same_name = canonicalize_name(record.name) == project.name
        if same_name or _replaced(project, {path: mine[path] for path in mine.keys() & record.files}, record):
            found.append(f"{record.name} {record.version or ''}".strip())
    return tuple(found)


def _replaced(project: Project, disputed: dict[str, str], record: conda.CondaPackage) -> bool:
    """Whether one of the files that both claim is not the same in both records.

    :param disputed: path below the prefix -> path below the site directory.
    """
    if not disputed:
        return False
    theirs = conda.hashes(record.record, disputed)
    ours = recorded_hashes(project.folder, set(disputed.values()))
    return any(theirs.get(path) is None or theirs[path] != ours.get(inner) for path, inner in disputed.items())
