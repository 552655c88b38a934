"""Facts about every installed project and about a conda prefix: what the rules on packages go by."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover import conda
from pytest_archcheck.discover.metadata import Project, requirements
from pytest_archcheck.discover.model import CondaPrefix, InstalledProject
from pytest_archcheck.discover.record import recorded_hashes
from pytest_archcheck.discover.text import canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Projects whose requirements the rules always ask for; reading those of every project would cost more than it tells.
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
    projects = list(projects)
    claims = _Claims(prefix, records, projects)
    over_conda = claims.overwritten(projects)
    here = {project.name for project in projects} | {canonical_name(record.name) for record in records}
    at_fault = {project.folder for project in _without_files(projects) if not claims.holds_metadata_of(project)}
    found = [
        InstalledProject(
            name=project.name,
            version=project.version,
            location=project.site,
            metadata=project.folder,
            tags=project.tags,
            installer=project.installer,
            requires=(
                requirements(project.folder)
                if project.name.startswith(_WITH_REQUIREMENTS) or not here.issuperset(project.requires)
                else ()
            ),
            editable=project.editable_root is not None,
            has_modules=project.has_modules or project.editable_root is not None,
            by_conda=claims.holds_metadata_of(project),
            over_conda=tuple(over_conda.get(project.folder, ())),
            lost=project.lost if project.folder in at_fault else (),
            is_gone=project.is_gone and project.folder in at_fault,
        )
        for project in projects
    ]
    return tuple(sorted(found, key=lambda item: (item.name, item.location, item.metadata)))


def _without_files(projects: Iterable[Project]) -> list[Project]:
    """Those that have lost files; of two that are there by one name, one is what is left of an older version."""
    suspects = [project for project in projects if (project.lost or project.is_gone) and project.editable_root is None]
    if not suspects:
        return []
    names = Counter((project.name, project.site) for project in projects)
    return [project for project in suspects if names[project.name, project.site] == 1]


class _Claims:
    """What conda's records say of a prefix, by file and by name: each project is asked about once."""

    def __init__(self, prefix: str | None, records: Iterable[conda.CondaPackage], projects: Iterable[Project]) -> None:
        self._prefix = prefix
        #: Of hundreds of thousands of files those that will be asked for, nearly all of one record; the others that claim one
        #: are kept apart.
        self._by_file: dict[str, conda.CondaPackage] = {}
        self._also: dict[str, list[conda.CondaPackage]] = {}
        self._by_name: dict[str, list[conda.CondaPackage]] = {}
        asked = {path for project in projects for path in self._asked(project)} if prefix else set()
        for record in records:
            self._by_name.setdefault(canonical_name(record.name), []).append(record)
            for path in asked.intersection(record.files):
                if self._by_file.setdefault(path, record) is not record:
                    others = self._also.setdefault(path, [])
                    if len(others) < limits.CONDA_CLAIMS:
                        others.append(record)

    def holds_metadata_of(self, project: Project) -> bool:
        """Whether a record knows the project's own metadata."""
        return bool(self._by_file) and any(name in self._by_file for name in self._metadata_of(project))

    def _metadata_of(self, project: Project) -> tuple[str, ...]:
        folder = self._below(project) + os.path.basename(project.folder)
        return f"{folder}/METADATA", f"{folder}/PKG-INFO", folder  # dist-info; egg-info as a folder, as a file

    def _asked(self, project: Project) -> Iterator[str]:
        yield from self._metadata_of(project)
        below = self._below(project)
        yield from (below + path for path in project.files or ())

    def overwritten(self, projects: Iterable[Project]) -> dict[str, list[str]]:
        """Metadata folder of a project -> the conda packages of its name, and those some of whose files it has replaced."""
        asked = [
            (project, record, files)
            for project in projects
            if not (self._below(project).startswith("../") or self.holds_metadata_of(project))
            for record, files in self._disputed(project)
        ]
        # Every record is read once, whoever asks for some of its hashes.
        wanted: dict[str, set[str]] = defaultdict(set)
        for _, record, files in asked:
            wanted[record.record].update(files)
        theirs = {name: conda.hashes(name, paths) for name, paths in wanted.items() if paths}
        ours = {
            folder: recorded_hashes(folder, files or ())
            for folder, files in {project.folder: project.files for project, _, disputed in asked if disputed}.items()
        }
        found: dict[str, list[str]] = defaultdict(list)
        for project, record, files in asked:
            same_name = canonical_name(record.name) == project.name
            if same_name or _differ(files, theirs[record.record], ours[project.folder]):
                found[project.folder].append(f"{record.name} {record.version or ''}".strip())
        return found

    def _disputed(self, project: Project) -> Iterator[tuple[conda.CondaPackage, dict[str, str]]]:
        """The records of the project's name or with files of it, with those files: path below the prefix -> below the site."""
        below = self._below(project)
        records = {record.record: record for record in self._by_name.get(project.name, ())}
        files: dict[str, dict[str, str]] = defaultdict(dict)
        for path in project.files or ():
            if not path.endswith((".pyc", "/__init__.py")):
                first = self._by_file.get(below + path)
                for record in () if first is None else (first, *self._also.get(below + path, ())):
                    records[record.record] = record
                    files[record.record][below + path] = path
        for name in sorted(records):
            yield records[name], files[name]

    def _below(self, project: Project) -> str:
        if self._prefix is None:
            return "../"
        return os.path.relpath(project.site, self._prefix).replace(os.sep, "/") + "/"


def _differ(disputed: dict[str, str], theirs: dict[str, str], ours: dict[str, str]) -> bool:
    """Whether one of the files that both claim is not the same in both records.

    :param disputed: path below the prefix -> path below the site directory.
    """
    return any(theirs.get(path) is None or theirs[path] != ours.get(inner) for path, inner in disputed.items())
