"""``pylock.toml`` (PEP 751), read by :mod:`packaging.pylock`.

Installed by default are the packages whose markers hold with no extras and with the lock's own ``default-groups``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from pytest_archcheck.locks.model import LockedPackage, Malformed, Selection
from pytest_archcheck.locks.tables import specifiers
from pytest_archcheck.locks.tags import file_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from packaging.markers import Marker
    from packaging.pylock import Package

    from pytest_archcheck.locks.model import Origin


class PylockFile:
    """A ``pylock.toml``."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take the parsed TOML. Raises :class:`Malformed`."""
        if "lock-version" not in data:
            raise Malformed("not a pylock file: it has no 'lock-version'")
        try:
            from packaging.pylock import (
                Pylock,
                PylockUnsupportedVersionError,
                PylockValidationError,
            )
        except ImportError:
            raise Malformed("reading pylock files needs packaging 26.0 or newer: pip install 'packaging>=26.0'") from None
        try:
            self._lock = Pylock.from_dict(data)
        except PylockUnsupportedVersionError as error:
            raise Malformed(f"a schema that this pytest-archcheck does not read: {error}") from None
        except (PylockValidationError, RecursionError, ValueError) as error:
            raise Malformed(f"not what PEP 751 says: {str(error)[:200]}") from None

        self.requires_python = specifiers(self._lock.requires_python)

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Everything in it, whatever the machine."""
        return tuple(map(_package, self._lock.packages))

    def select(self, environment: Mapping[str, str]) -> Selection:
        """Return what is installed where the marker variables have these values."""
        lock = self._lock
        groups = tuple(lock.default_groups or ())
        if lock.environments and not any(_holds(marker, environment, groups) for marker in lock.environments):
            return Selection(excluded="it is locked only for: " + ", ".join(map(str, lock.environments)))
        chosen = [item for item in lock.packages if item.marker is None or _holds(item.marker, environment, groups)]
        python = environment["python_full_version"]
        for item in chosen:
            if item.requires_python is not None and not item.requires_python.contains(python, prereleases=True):
                return Selection(excluded=f"its package {item.name} is locked for Python {item.requires_python}")
        left_out = [f"extra {name}" for name in lock.extras or ()]
        left_out += [f"group {name}" for name in lock.dependency_groups or () if name not in groups]
        return Selection.of(map(_package, chosen), left_out)


def _holds(marker: Marker, environment: Mapping[str, str], groups: tuple[str, ...]) -> bool:
    variables: dict[str, str | AbstractSet[str]] = {
        **environment,
        "extras": frozenset[str](),
        "dependency_groups": frozenset(groups),
    }
    try:
        return marker.evaluate(variables, context="lock_file")
    except (KeyError, ValueError, RecursionError) as error:
        raise Malformed(f"marker {str(marker)[:200]!r} cannot be evaluated: {error}") from None


def _package(item: Package) -> LockedPackage:
    wheels = [file_name(wheel.name or wheel.url or wheel.path or "") for wheel in item.wheels or ()]
    origin: Origin = "index"
    if item.vcs is not None:
        origin = "git"
    elif item.directory is not None:
        origin = "local"
    elif item.archive is not None:
        name = file_name(item.archive.url or item.archive.path or "")
        origin = "wheel" if name.endswith(".whl") else "archive"
        wheels = [name] if origin == "wheel" else []
    return LockedPackage(
        name=canonicalize_name(item.name),
        version=str(item.version) if item.version is not None else None,
        origin=origin,
        wheels=tuple(wheels),
        has_sdist=item.sdist is not None,
    )
