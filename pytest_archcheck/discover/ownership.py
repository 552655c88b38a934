"""Who owns which compiled file: the records of installed projects and of conda, else the place where the file lies."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck.discover.model import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.conda import CondaPackage
    from pytest_archcheck.discover.metadata import Project


class Owners:
    """Hands every compiled file of an environment to those who claim it.

    Two projects that record one file both get it. A project without a record gets what lies in its top-level packages and is
    in nobody's record.
    """

    def __init__(self) -> None:
        self.projects: list[Project] = []
        self._records: list[tuple[str, CondaPackage]] = []
        #: Absolute paths of the metadata that conda records.
        self._metadata_by_conda: set[str] = set()
        #: Name of a project -> files that are its own by where they were found.
        self._assigned: dict[str, set[str]] = defaultdict(set)

    def add_projects(self, installed: Iterable[Project]) -> None:
        """Installed projects of one site directory."""
        self.projects += installed

    def add_records(self, prefix: str, records: Iterable[CondaPackage]) -> None:
        """conda's records of a prefix."""
        for record in records:
            self._records.append((prefix, record))
            metadata = (name for name in record.files if name.endswith(("/METADATA", "/PKG-INFO", ".egg-info")))
            self._metadata_by_conda.update(os.path.normpath(os.path.join(prefix, name)) for name in metadata)

    def assign(self, binaries: Iterable[Binary], owner: str | None) -> None:
        """Files outside the site directories, whose owner is known from what led to them."""
        if owner is not None:
            self._assigned[owner].update(_key(binary) for binary in binaries)

    def distributions(self, binaries: Iterable[Binary]) -> tuple[Distribution, ...]:
        """One for each owner of a compiled file, by name; the files of nobody last."""
        files: dict[str, Binary] = {}
        for binary in binaries:
            files.setdefault(_key(binary), binary)
        owned, claimed = self._of_projects(files)
        below: dict[str, dict[str, str]] = {}
        for prefix, record in self._records:
            if prefix not in below:
                below[prefix] = {os.path.relpath(key, prefix).replace(os.sep, "/"): key for key in files}
            mine = {below[prefix][name] for name in below[prefix].keys() & record.files} - claimed
            if mine:
                owned.append(_conda_distribution(prefix, record, [files[key] for key in mine]))
                claimed |= mine
        owned.sort(key=lambda dist: (dist.name or "", dist.location))
        unowned: dict[str, list[Binary]] = defaultdict(list)
        for key in files.keys() - claimed:
            unowned[files[key].location].append(files[key])
        return (*owned, *(_unowned(location, unowned[location]) for location in sorted(unowned)))

    def _of_projects(self, files: dict[str, Binary]) -> tuple[list[Distribution], set[str]]:
        sites: dict[str, dict[str, str]] = defaultdict(dict)
        for key, binary in files.items():
            sites[binary.location][binary.path] = key
        owned: list[Distribution] = []
        claimed: set[str] = set()
        of_name: dict[tuple[str, str], set[str]] = defaultdict(set)
        names = Counter(project.name for project in self.projects)
        shared = {name for name, count in names.items() if count > 1}
        del names
        for project in sorted(self.projects, key=lambda one: _precedence(one, alone=one.name not in shared), reverse=True):
            mine = _claim(project, sites[project.site])
            if project.files is None:
                mine -= claimed
            mine |= self._assigned.get(project.name, set()) & files.keys()
            # Metadata that an upgrade left behind records the same files once more.
            mine -= of_name.get((project.name, project.site), set())
            if mine:
                of_name[project.name, project.site] |= mine
                owned.append(self._distribution(project, [files[key] for key in mine]))
                claimed |= mine
        return owned, claimed

    def _distribution(self, project: Project, binaries: list[Binary]) -> Distribution:
        locations = {binary.location for binary in binaries}
        return Distribution(
            name=project.name,
            version=project.version,
            installer="conda" if self._is_by_conda(project) else project.installer,
            tags=project.tags,
            location=locations.pop() if len(locations) == 1 else project.site,
            binaries=_sorted(binaries),
            metadata=project.folder,
            editable=project.editable_root is not None,
            root=project.editable_root,
            requires=project.requires,
            for_extras=project.for_extras,
        )

    def _is_by_conda(self, project: Project) -> bool:
        folder = os.path.normpath(project.folder)
        evidence = {folder, os.path.join(folder, "METADATA"), os.path.join(folder, "PKG-INFO")}
        return not evidence.isdisjoint(self._metadata_by_conda)


def _key(binary: Binary) -> str:
    """One name for one file: a script is found as ``site-packages/../../../bin/x`` and as ``bin/x``."""
    return os.path.normpath(binary.file)


def _precedence(project: Project, *, alone: bool) -> tuple[bool, str, Version | None, str]:
    """Projects with a record before those without; of those with one name newer versions before older ones."""
    if alone:
        return project.files is not None, project.name, None, project.folder
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(project.version or "0")
    except InvalidVersion:
        version = Version("0")
    return project.files is not None, project.name, version, project.folder


def _claim(project: Project, here: dict[str, str]) -> set[str]:
    """The project's files in its site directory, given as path -> key."""
    if project.files is None:
        tops = tuple(f"{top}{end}" for top in project.top_level for end in "/.")
        return {key for path, key in here.items() if path.startswith(tops)}
    found = {here[path] for path in project.files & here.keys()}
    for path in project.outside:
        # ``pip install --target`` records ``../../bin/x`` for what lies in ``bin/x``.
        if (moved := re.sub(r"^(?:\.\./)+", "", path)) in here:
            found.add(here[moved])
    return found


def _conda_distribution(prefix: str, record: CondaPackage, binaries: list[Binary]) -> Distribution:
    return Distribution(
        name=record.name.lower(),
        version=record.version,
        installer="conda",
        tags=(),
        location=prefix,
        binaries=_sorted(binaries),
        metadata=record.record,
    )


def _unowned(location: str, binaries: list[Binary]) -> Distribution:
    return Distribution(name=None, version=None, installer=None, tags=(), location=location, binaries=_sorted(binaries))


def _sorted(binaries: list[Binary]) -> tuple[Binary, ...]:
    return tuple(sorted(binaries, key=lambda binary: (binary.path, binary.location)))
