"""``uv.lock``: a graph of packages, walked from the project as ``uv sync`` walks it.

Installed by default are the project at the lock's folder (every workspace member where there is none), its ``dev`` group
(``tool.uv.default-groups`` where the pyproject.toml beside the lock says so), no extras, and what these need on that machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_archcheck import limits
from pytest_archcheck.locks.markers import holds
from pytest_archcheck.locks.model import LockedPackage, Malformed, Selection
from pytest_archcheck.locks.tables import inner, name_and_version, specifiers, tables, text, texts
from pytest_archcheck.locks.tags import file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_archcheck.locks.model import Origin

#: The schema that this module reads; uv raises it for what older readers would misunderstand, and ``revision`` for the rest.
VERSION = 1
#: One of them is in every lock of that schema.
_TABLES = {"package", "manifest", "requires-python"}
DEFAULT_GROUPS = ("dev",)
_LOCAL = ("virtual", "editable", "directory")


@dataclass(frozen=True, slots=True)
class _Node:
    """One ``[[package]]``."""

    package: LockedPackage
    source: Mapping[str, Any]
    #: One of these must hold where the same package is locked in several versions.
    forks: tuple[str, ...]
    dependencies: tuple[Mapping[str, Any], ...]
    extras: Mapping[str, tuple[Mapping[str, Any], ...]]
    groups: Mapping[str, tuple[Mapping[str, Any], ...]]


@dataclass(slots=True)
class _Walk:
    """What was reached so far."""

    environment: Mapping[str, str]
    #: uv's names of what was installed in the walk before, for markers of conflicting extras and groups.
    before: frozenset[str]
    required_by: dict[int, set[str]] = field(default_factory=dict)
    #: The same for this walk.
    active: set[str] = field(default_factory=set)
    #: What was asked already: a marker is true or not, and an edge means these packages.
    _markers: dict[str, bool] = field(default_factory=dict)
    targets: dict[tuple[object, ...], list[int]] = field(default_factory=dict)

    def holds(self, marker: str | None) -> bool:
        """Whether a marker is true in this walk."""
        if not marker:
            return True
        if marker not in self._markers:
            self._markers[marker] = holds(marker, self.environment, self.before)
        return self._markers[marker]


class UvLock:
    """A ``uv.lock``."""

    def __init__(self, data: Mapping[str, Any], default_groups: tuple[str, ...] | None = DEFAULT_GROUPS) -> None:
        """Take the parsed TOML; ``default_groups`` None means every group. Raises :class:`Malformed`."""
        version = data.get("version")
        if not isinstance(version, int) or (version <= VERSION and not data.keys() & _TABLES):
            raise Malformed("not a uv.lock: it has no 'version' number and no [[package]] tables")
        if version != VERSION:
            raise Malformed(
                f"its schema version is {version}, and this pytest-archcheck reads {VERSION}: upgrade pytest-archcheck"
            )
        self._default_groups = default_groups
        self._supported = texts(data, "supported-markers")
        self._manifest = inner(data, "manifest")
        self.requires_python = specifiers(text(data, "requires-python"))
        self._nodes = [_node(table) for table in tables(data, "package")]
        self._by_name: dict[str, list[int]] = {}
        self._by_version: dict[tuple[str, str | None], list[int]] = {}
        for index, node in enumerate(self._nodes):
            self._by_name.setdefault(node.package.name, []).append(index)
            self._by_version.setdefault((node.package.name, node.package.version), []).append(index)

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Everything in it, whatever the machine."""
        return tuple(node.package for node in self._nodes)

    def select(self, environment: Mapping[str, str]) -> Selection:
        """Return what ``uv sync`` installs where the marker variables have these values."""
        if self._supported and not any(holds(marker, environment) for marker in self._supported):
            return Selection(excluded="it is locked only for: " + ", ".join(self._supported))
        active: set[str] = set()
        room = limits.LOCK_EDGES
        # Markers of conflicting extras ask what is installed, which the walk finds out: walk until nothing new comes.
        for _round in range(limits.LOCK_WALKS):
            walk = _Walk(environment, frozenset(active))
            room = self._walk(walk, room)
            if walk.active <= active:
                break
            active |= walk.active
        reached = [(self._nodes[index], sorted(parents)) for index, parents in walk.required_by.items()]
        packages = (
            replace(node.package, required_by=tuple(parents)) for node, parents in reached if node.package.origin != "local"
        )
        return Selection(
            packages=tuple(sorted(packages, key=lambda package: (package.name, package.version or ""))),
            local=tuple(sorted({node.package.name for node, _ in reached if _is_built(node)})),
            left_out=tuple(self._left_out()),
        )

    def _roots(self) -> list[int]:
        """Return the project at the lock's folder; every member of a workspace whose root is no project."""
        local = [index for index, node in enumerate(self._nodes) if node.package.origin == "local"]
        root = [index for index in local if any(self._nodes[index].source.get(kind) == "." for kind in _LOCAL)]
        if root:
            return root
        members = {canonicalize_name(name) for name in texts(self._manifest, "members")}
        return [index for index in local if self._nodes[index].package.name in members]

    def _is_default(self, group: str) -> bool:
        return self._default_groups is None or group in self._default_groups

    def _left_out(self) -> Iterable[str]:
        for index in self._roots():
            node = self._nodes[index]
            yield from (f"extra {name} of {node.package.name}" for name in node.extras)
            yield from (f"group {name} of {node.package.name}" for name in node.groups if not self._is_default(name))
        roots = set(self._roots())
        if roots and any(self._nodes[index].source.get(kind) == "." for index in roots for kind in _LOCAL):
            names = {canonicalize_name(name) for name in texts(self._manifest, "members")}
            yield from (f"workspace member {name}" for name in sorted(names - {self._nodes[i].package.name for i in roots}))

    def _walk(self, walk: _Walk, room: int) -> int:
        """Follow every edge that counts from the roots on; return how much of the room for work is left."""
        pending: list[tuple[Mapping[str, Any], str]] = []
        for index in self._roots():
            node = self._nodes[index]
            name = node.package.name
            walk.required_by.setdefault(index, set())
            walk.active.add(f"project-{len(name)}-{name}")
            pending.extend((edge, name) for edge in node.dependencies)
            for group, edges in node.groups.items():
                if self._is_default(group):
                    walk.active.add(f"group-{len(name)}-{name}-{group}")
                    pending.extend((edge, name) for edge in edges)
        pending.extend((edge, "the lock's own requirements") for edge in self._own_requirements())
        done: set[tuple[int, str]] = set()
        while pending:
            edge, parent = pending.pop()
            if not walk.holds(text(edge, "marker")):
                continue
            targets, compared = self._targets(edge, walk)
            room -= 1 + compared
            if room < 0:
                raise Malformed("its packages depend on each other in too many ways")
            extras = ("", *texts(edge, "extra"), *texts(edge, "extras"))
            for index in targets:
                node = self._nodes[index]
                walk.required_by.setdefault(index, set()).add(parent)
                for extra in extras:
                    if (index, extra) not in done:
                        done.add((index, extra))
                        pending.extend((below, node.package.name) for below in self._edges(node, extra, walk))
        return room

    def _edges(self, node: _Node, extra: str, walk: _Walk) -> tuple[Mapping[str, Any], ...]:
        if not extra:
            return node.dependencies
        walk.active.add(f"extra-{len(node.package.name)}-{node.package.name}-{extra}")
        return node.extras.get(extra, ())

    def _own_requirements(self) -> Iterable[Mapping[str, Any]]:
        """Yield what belongs to no package: a script's requirements, groups of a workspace root that is no project."""
        yield from tables(self._manifest, "requirements")
        for group, edges in _table_lists(self._manifest, "dependency-groups").items():
            if self._is_default(group):
                yield from edges

    def _targets(self, edge: Mapping[str, Any], walk: _Walk) -> tuple[list[int], int]:
        """The packages that an edge means, and how many were looked at to tell.

        The edge names version and source only where the name alone is ambiguous.
        """
        name = canonicalize_name(text(edge, "name") or "")
        if name not in self._by_name:
            raise Malformed(f"a package depends on {name[: limits.NAME_LENGTH]!r}, which is not in the lock")
        version, source, wanted = text(edge, "version"), edge.get("source"), text(edge, "specifier")
        candidates = self._by_name[name] if version is None else self._by_version.get((name, version), [])
        if len(candidates) < 2 and source is None:
            return candidates, len(candidates)
        asked = (name, version, repr(source), wanted)
        if asked in walk.targets:
            return walk.targets[asked], len(walk.targets[asked])
        found = candidates
        if source is not None:
            found = [index for index in found if self._nodes[index].source == source]
        if len(found) > 1 and wanted:
            found = [index for index in found if _satisfies(self._nodes[index].package.version, wanted)]
        if len(found) > 1:
            found = [
                index
                for index in found
                if not self._nodes[index].forks or any(walk.holds(marker) for marker in self._nodes[index].forks)
            ]
        walk.targets[asked] = found
        return found, len(candidates)


def _node(table: Mapping[str, Any]) -> _Node:
    name, version = name_and_version(table)
    source = table.get("source")
    if not isinstance(source, dict):
        raise Malformed(f"package {name!r} has no source table")
    wheels = tuple(
        file_name(text(wheel, "filename") or text(wheel, "url") or text(wheel, "path") or "")
        for wheel in tables(table, "wheels")
    )
    package = LockedPackage(
        name=canonicalize_name(name),
        version=version,
        origin=_origin(source, wheels),
        wheels=wheels,
        has_sdist="sdist" in table,
    )
    return _Node(
        package,
        source,
        texts(table, "resolution-markers"),
        tuple(tables(table, "dependencies")),
        _table_lists(table, "optional-dependencies"),
        _table_lists(table, "dev-dependencies"),
    )


def _is_built(node: _Node) -> bool:
    """Whether a local project is built and installed; of a virtual one only the dependencies are."""
    return node.package.origin == "local" and "virtual" not in node.source


def _origin(source: Mapping[str, Any], wheels: tuple[str, ...]) -> Origin:
    if "registry" in source:
        return "index"
    if "git" in source:
        return "git"
    if "url" in source or "path" in source:
        return "wheel" if wheels else "archive"
    if any(kind in source for kind in _LOCAL):
        return "local"
    raise Malformed(f"a package has a source of an unknown kind: {', '.join(sorted(source)) or 'empty'}")


def _table_lists(table: Mapping[str, Any], key: str) -> dict[str, tuple[Mapping[str, Any], ...]]:
    lists = inner(table, key)
    return {name: tuple(tables(lists, name)) for name in lists}


def _satisfies(version: str | None, specifier: str) -> bool:
    try:
        return version is None or SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except ValueError:  # no specifier, no version, or a number of more digits than Python reads
        return True
