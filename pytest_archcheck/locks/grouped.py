"""Lock files that list packages with their groups, and with the marker that holds wherever a package is installed.

``poetry.lock`` since lock-version 2.1 (Poetry 2) is such, and ``pdm.lock`` with pdm's default strategy ``inherit_metadata``.
Both leave to the pyproject.toml beside them what is installed by default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_archcheck.locks.markers import holds
from pytest_archcheck.locks.model import LockedPackage, Malformed, Selection
from pytest_archcheck.locks.poetry_pythons import poetry_pythons
from pytest_archcheck.locks.tables import inner, name_and_version, specifiers, tables, text, texts
from pytest_archcheck.locks.tags import file_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from pytest_archcheck.locks.model import Origin, Pythons

#: pdm's names of systems: ``macos_14_0_arm64``, ``manylinux_2_28_x86_64``, ``windows_amd64``, ``linux``.
_PDM_SYSTEMS = {"darwin": ("macos",), "linux": ("linux", "manylinux", "musllinux", "alpine"), "win32": ("windows",)}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One ``[[package]]``."""

    package: LockedPackage
    #: Group -> its marker, None where there is none. Without groups it is of the default one.
    groups: Mapping[str, str | None]


class GroupedLock:
    """What both have in common."""

    def __init__(self, entries: list[_Entry], requires_python: Pythons | None, chosen: AbstractSet[str]) -> None:
        """Take the packages, and the groups that are installed by default."""
        self._entries = entries
        self.requires_python = requires_python
        self._chosen = chosen

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Everything in it, whatever the machine."""
        return tuple(entry.package for entry in self._entries)

    def select(self, environment: Mapping[str, str]) -> Selection:
        """Return what is installed by default where the marker variables have these values."""
        known: dict[str | None, bool] = {None: True}
        found: dict[tuple[str, str | None], LockedPackage] = {}
        extras: set[str] = set()
        for entry in self._entries:
            for group in self._chosen & entry.groups.keys():
                marker = entry.groups[group]
                if marker not in known:
                    known[marker] = holds(marker, {**environment, "extra": ""})
                if known[marker]:
                    found[entry.package.name, entry.package.version] = entry.package
                elif marker and (named := re.search(r"""\bextra *== *['"]([^'"]*)""", marker)):
                    extras.add(named[1])
        groups = {group for entry in self._entries for group in entry.groups} - self._chosen
        left_out = (*(f"extra {name}" for name in sorted(extras)), *(f"group {name}" for name in sorted(groups)))
        return Selection.of(found.values(), left_out)


class PoetryLock(GroupedLock):
    """A ``poetry.lock``."""

    def __init__(self, data: Mapping[str, Any], project: Mapping[str, Any]) -> None:
        """Take the parsed TOML, and that of the pyproject.toml beside it. Raises :class:`Malformed`."""
        metadata = inner(data, "metadata")
        version = text(metadata, "lock-version")
        if version is None:
            raise Malformed("not a poetry.lock: its metadata has no 'lock-version'")
        if not version.startswith("2."):
            raise Malformed(f"its lock-version is {version[:20]}, and 2.1 and newer are read: {_AGAIN}")
        if version == "2.0":
            raise Malformed(f"Poetry 1 made it, which does not record for which machines a package is: {_AGAIN}")
        found = [_poetry_entry(table) for table in tables(data, "package")]
        settings = inner(inner(project, "tool"), "poetry")
        optional = {
            canonicalize_name(name)
            for name, group in inner(settings, "group").items()
            if isinstance(group, dict) and group.get("optional") is True
        }
        groups = {group for entry in found for group in entry.groups}
        super().__init__(found, poetry_pythons(text(metadata, "python-versions")), groups - optional)


_AGAIN = "poetry lock, with Poetry 2 (pip install --upgrade poetry)"


class PdmLock(GroupedLock):
    """A ``pdm.lock``."""

    def __init__(self, data: Mapping[str, Any], project: Mapping[str, Any]) -> None:
        """Take the parsed TOML, and that of the pyproject.toml beside it. Raises :class:`Malformed`."""
        metadata = inner(data, "metadata")
        version = text(metadata, "lock_version")
        if version is None:
            raise Malformed("not a pdm.lock: its metadata has no 'lock_version'")
        if not version.startswith("4."):
            raise Malformed(f"its lock_version is {version[:20]}, and 4 is read: pdm lock")
        if "inherit_metadata" not in texts(metadata, "strategy"):
            raise Malformed("it does not record for which machines a package is: pdm lock --strategy inherit_metadata")
        self._targets = tables(metadata, "targets")
        settings = inner(inner(project, "tool"), "pdm")
        development = (*inner(project, "dependency-groups"), *inner(settings, "dev-dependencies"))
        chosen = {"default", *map(canonicalize_name, development)}
        # Packages with an extra stand there again for it, without other files.
        super().__init__([_pdm_entry(table) for table in tables(data, "package")], None, chosen)

    def select(self, environment: Mapping[str, str]) -> Selection:
        """Return what ``pdm sync`` installs where the marker variables have these values."""
        if self._targets and not any(_is_for(target, environment) for target in self._targets):
            named = [" ".join(str(value) for _, value in sorted(target.items())) for target in self._targets]
            return Selection(excluded="it is locked only for: " + ", ".join(named))
        return super().select(environment)


def _is_for(target: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether one of pdm's targets (``requires_python``, ``platform``, ``implementation``) is this machine."""
    requires, platform = specifiers(text(target, "requires_python")), text(target, "platform")
    if requires is not None and not requires.contains(environment["python_full_version"], prereleases=True):
        return False
    if (text(target, "implementation") or "cpython") != "cpython":
        return False
    if platform is None:
        return True
    machine = environment["platform_machine"].lower()
    return platform.startswith(_PDM_SYSTEMS[environment["sys_platform"]]) and (
        "_" not in platform or platform.endswith(machine) or (platform.endswith("arm64") and machine == "aarch64")
    )


def _poetry_entry(table: Mapping[str, Any]) -> _Entry:
    source = inner(table, "source")
    kinds: dict[str, Origin] = {"git": "git", "directory": "local", "file": "wheel", "url": "wheel"}
    groups = texts(table, "groups") or ("main",)
    markers = table.get("markers")
    by_group = markers if isinstance(markers, dict) else dict.fromkeys(groups, markers)
    return _entry(table, kinds.get(text(source, "type") or "", "index"), {name: text(by_group, name) for name in groups})


def _pdm_entry(table: Mapping[str, Any]) -> _Entry:
    origin: Origin = "git" if "git" in table else "local" if "path" in table else "wheel" if "url" in table else "index"
    if origin == "local" and str(table["path"]).endswith((".whl", ".tar.gz", ".zip")):
        origin = "wheel"
    return _entry(table, origin, dict.fromkeys(texts(table, "groups") or ("default",), text(table, "marker")))


def _entry(table: Mapping[str, Any], origin: Origin, groups: Mapping[str, str | None]) -> _Entry:
    name, version = name_and_version(table)
    files = [file_name(text(file, "file") or text(file, "url") or "") for file in tables(table, "files")]
    wheels = tuple(file for file in files if file.endswith(".whl"))
    if origin == "wheel" and not wheels:
        origin = "archive"
    return _Entry(
        LockedPackage(
            name=canonicalize_name(name),
            version=_plain(version),
            origin=origin,
            wheels=wheels,
            has_sdist=len(wheels) < len(files),
        ),
        {canonicalize_name(group): marker for group, marker in groups.items()},
    )


def _plain(version: str | None) -> str | None:
    try:
        return version and str(Version(version))
    except (InvalidVersion, ValueError):
        return version
