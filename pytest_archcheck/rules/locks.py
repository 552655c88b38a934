"""Judge locked packages: whether a wheel of each installs on the target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from pytest_archcheck.findings import Finding
from pytest_archcheck.locks.tags import any_version, fits_python, platforms, supported_tags, wheel_tags
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.catalog import RULES
from pytest_archcheck.rules.commands import command
from pytest_archcheck.rules.versions import known, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_archcheck.locks.model import LockedPackage, Pythons

#: Pythons that a remedy may name.
_PYTHONS = tuple((3, minor) for minor in range(8, 17))
#: Releases of one minor version; Python 3.9 had 26.
_RELEASES = 40
#: How platform tags of a system begin, and what the marker variable calls it.
_PLATFORMS = {"macos": ("macosx",), "linux": ("manylinux", "musllinux", "linux"), "windows": ("win",)}
_SYS_PLATFORM = {"macos": "darwin", "linux": "linux", "windows": "win32"}
#: What makes a lock anew, by the beginning of its name.
_LOCKERS = {"uv.lock": "uv lock", "poetry.lock": "poetry lock", "pdm.lock": "pdm lock"}
_SYSTEMS = {"macos": "macosx", "linux": "manylinux", "windows": "win"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lock is to be installed: one machine of one architecture and one Python."""

    label: str
    machine: Target
    #: ``3.12`` or ``3.12.4``.
    python: str

    @property
    def minor_python(self) -> tuple[int, int]:
        """``(3, 12)``."""
        version = Version(self.python)
        return version.major, version.minor

    def release(self, allowed: Pythons | None) -> str | None:
        """The release of Python that is meant: of ``3.12`` the first that the lock allows; None where it allows none."""
        releases = [self.python] if self.python.count(".") > 1 else _releases(self.minor_python)
        return next((one for one in releases if allowed is None or allowed.contains(one, prereleases=True)), None)

    @property
    def words(self) -> str:
        """``Python 3.12 on macOS 14.0 arm64``."""
        libc = self.machine.libc
        return f"{_python(self.minor_python)} on {self.machine.name}" + (f" ({libc[0]} {libc[1]})" if libc else "")

    @property
    def wheel_words(self) -> str:
        """``macosx arm64 wheel for Python 3.12``."""
        system = "musllinux" if self.machine.libc and self.machine.libc[0] == "musl" else _SYSTEMS[self.machine.system]
        return f"{system} {self.machine.architectures[0]} wheel for {_python(self.minor_python)}"


def judge_python(place: Place, excluded: str) -> Finding:
    """Say that the lock as a whole is not for this Python or machine."""
    return Finding(
        rule="lock-excludes-target",
        severity=RULES["lock-excludes-target"].severity,
        subject=f"{place.label}::environment::packages",
        distribution=None,
        path=None,
        message=f"an installer refuses this lock for {place.words}: {excluded}",
        remedy=f"widen requires-python or the environments in pyproject.toml and {_lock_again(place)}, or judge it for a "
        "Python (--archcheck-python) and a target (--archcheck-target) that it is locked for",
    )


def locked_elsewhere(package: LockedPackage, everything: Iterable[LockedPackage]) -> list[LockedPackage]:
    """Return the other versions of a package that the same lock holds for other environments, newest first."""
    others = {other.version: other for other in everything if other.name == package.name and other.version != package.version}
    return sorted(others.values(), key=lambda other: _order(other.version), reverse=True)


def only_for(packages: Iterable[LockedPackage], place: Place) -> str | None:
    """The one machine that all compiled wheels of a lock are for, where that is another: ``Linux x86_64``.

    Only a pylock is made so: by ``uv pip compile`` without ``--universal``. Other tools lock for every machine.
    """
    if not place.label.startswith("pylock"):
        return None
    machines = set()
    for package in packages:
        platforms = {words for name in package.wheels for tag in wheel_tags(name) for words in _platform_words(tag.platform)}
        machines |= {words.partition(" (")[0] for words in platforms - {"any"}}
        if len(machines) > 1:
            return None
    machine = next(iter(machines), None)
    system, _, rest = place.machine.name.partition(" ")
    return None if machine == f"{system} {rest.rpartition(' ')[2]}" else machine


def judge_package(
    package: LockedPackage,
    place: Place,
    others: Sequence[LockedPackage],
    requires_python: Pythons | None,
    elsewhere: str | None = None,
) -> Finding | None:
    """Say what is wrong with installing one package at one place; None where a wheel fits.

    :param others: other versions of it in the same lock.
    :param requires_python: the Pythons that the lock is for; a remedy names no other.
    :param elsewhere: the one other machine that the lock was made for, as :func:`only_for` says.
    """
    if _installs(package, place.machine, place.minor_python):
        return None
    pin = _pin(package, place, others)
    if package.origin in {"git", "archive"}:
        source = "a git repository" if package.origin == "git" else "a source archive"
        return _finding("source-only", package, place, f"comes from {source}: it is built on the target", _build(pin))
    reason, other = _why(package, place, requires_python)
    if elsewhere and package.wheels:
        reason, other = f"the whole lock names wheels for {elsewhere} only", None
        pin = "lock again for every machine: its first lines' command with --universal, or uv export --format pylock.toml"
    elif not package.has_sdist or _systems(package) == {"macos"}:  # pyobjc-core; of lxml an older version had wheels for Linux
        pin = _elsewhere(package, place) or pin
    if package.has_sdist:
        message = f"has no wheel for {place.words}, only a source distribution: it is built on the target; {reason}"
        return _finding("source-only", package, place, message, _build(pin))
    if package.origin == "wheel":
        pin = f"lock the {place.wheel_words}, by its URL or from an index"
    message = f"has no wheel for {place.words} and no source distribution; {reason}"
    return _finding("no-wheel-for-target", package, place, message, f"{other}, or {pin}" if other else pin)


def _finding(rule: str, package: LockedPackage, place: Place, message: str, remedy: str) -> Finding:
    needed = f" (needed by {', '.join(package.required_by[:3])})" if package.required_by else ""
    return Finding(
        rule=rule,
        severity=RULES[rule].severity,
        subject=f"{place.label}::{package.name}",
        distribution=package.name,
        path=None,
        message=f"{package.title}{needed} {message}",
        remedy=remedy,
    )


def _build(pin: str) -> str:
    return f"{pin}, or have what it is built with on the target"


def _pin(package: LockedPackage, place: Place, others: Sequence[LockedPackage]) -> str:
    """Name the nearest version that is known to have a wheel: one that the lock already holds."""
    for other in others:
        if other.version and _installs(other, place.machine, place.minor_python):
            return f"pin {package.name}=={other.version}, which this lock holds for other environments and which has a wheel"
    return f"pin a version of {package.name} that has a {place.wheel_words} and {_lock_again(place)}"


def _elsewhere(package: LockedPackage, place: Place) -> str | None:
    """What to do about a package that no version, as far as the lock tells, brings to such machines; None if one may."""
    tags = [tag.platform for name in package.wheels for tag in wheel_tags(name)]
    if not tags or "any" in tags:
        return None
    systems = _systems(package)
    if systems and place.machine.system not in systems:
        names = " or ".join(f"sys_platform == '{_SYS_PLATFORM[system]}'" for system in sorted(systems))
        return f"where it is required, say where it is wanted: {package.name} ; {names}; then {_lock_again(place)}"
    libc = place.machine.libc[0] if place.machine.libc else None
    if libc == "musl" and not any(tag.startswith("musllinux") for tag in tags):
        return "use a system with glibc: an image of Debian or Ubuntu (python:3.12-slim) instead of Alpine's"
    return None


def _systems(package: LockedPackage) -> set[str]:
    tags = [tag.platform for name in package.wheels for tag in wheel_tags(name)]
    return {system for system, prefix in _PLATFORMS.items() if any(tag.startswith(prefix) for tag in tags)}


def _lock_again(place: Place) -> str:
    script = re.match(r"(.+\.py)\.lock", place.label)
    if script:
        return f"lock again ({command('uv', 'lock', '--script', script[1])})"
    typed = next((typed for name, typed in _LOCKERS.items() if place.label.startswith(name)), None)
    return f"lock again ({typed})" if typed else "lock again, with what made this lock"


#: tensorflow-metal up to here links to a library of TensorFlow that is gone since there.
_LAST_METAL, _FIRST_WITHOUT = Version("1.2.0"), Version("2.20.0.dev0")


def judge_plugin_pair(packages: Iterable[LockedPackage], place: Place) -> Finding | None:
    """Say that the locked tensorflow-metal cannot be loaded into the locked TensorFlow.

    Which pairs load is read from their files where they are installed. Only what is certain of published versions is said of a
    lock: no requirement of tensorflow-metal says it, so no installer does.
    """
    found = {package.name: package for package in packages}
    metal, tensorflow = found.get("tensorflow-metal"), found.get("tensorflow") or found.get("tensorflow-macos")
    if metal is None or tensorflow is None or place.machine.system != "macos" or None in (metal.version, tensorflow.version):
        return None
    if _order(metal.version) > _LAST_METAL or _order(tensorflow.version) < _FIRST_WITHOUT:
        return None
    return Finding(
        rule="plugin-incompatible",
        severity="warning",
        subject=f"{place.label}::{metal.name}",
        distribution=metal.name,
        path=None,
        message=f"{metal.title} links to a library that {tensorflow.title} does not have under that name: "
        "importing tensorflow fails",
        remedy=f"require tensorflow==2.19.1 with tensorflow-metal==1.2.0, or no tensorflow-metal, and {_lock_again(place)}",
    )


def _installs(package: LockedPackage, machine: Target, python: tuple[int, int]) -> bool:
    supported = supported_tags(machine, python)
    return any(not supported.isdisjoint(wheel_tags(name)) for name in package.wheels)


def _why(package: LockedPackage, place: Place, requires_python: Pythons | None) -> tuple[str, str | None]:
    """Say what the wheels are for instead, and the change of Python or machine that would do, if any."""
    if not package.wheels:
        return "the lock has no wheel of it at all", None
    fitting = [python for python in _PYTHONS if _installs(package, place.machine, python)]
    if fitting:
        reason = f"its wheels for that machine are for {_pythons(fitting)}"
        allowed = [
            python for python in fitting if requires_python is None or any(map(requires_python.contains, _releases(python)))
        ]
        if not allowed:
            return reason, None
        below = [python for python in allowed if python < place.minor_python]
        nearest = max(below) if below else min(allowed)
        return reason, f"use {_python(nearest)} (--archcheck-python={nearest[0]}.{nearest[1]})"
    newer = any_version(place.machine)
    if _installs(package, newer, place.minor_python):
        return _needs_newer(package, place, newer)
    return _machines(package, place.minor_python), None


def _needs_newer(package: LockedPackage, place: Place, newer: Target) -> tuple[str, str | None]:
    """Name the oldest OS or C library that one of the wheels is for."""
    supported = supported_tags(newer, place.minor_python)
    accepted = {tag.platform for name in package.wheels for tag in wheel_tags(name) & supported}
    # platforms() lists versions in falling order: the last accepted one is the oldest.
    oldest = Target.parse([name for name in platforms(newer) if name in accepted][-1])
    wanted = f"{oldest.libc[0]} {oldest.libc[1]}" if oldest.libc else f"macOS {oldest.os_version}"
    tag = oldest.tag.replace("universal2", place.machine.architecture)
    return f"its wheels need {wanted} or newer", f"use a system with {wanted} (--archcheck-target={tag})"


def _machines(package: LockedPackage, python: tuple[int, int]) -> str:
    """``its wheels for Python 3.12 are for Linux x86_64 (glibc), macOS arm64``."""
    found = [tag for name in package.wheels for tag in wheel_tags(name)]
    if not found:
        return "the file names of its wheels say nothing of machines"
    for_python = [tag for tag in found if fits_python(tag, python)]
    names = sorted({words for tag in for_python or found for words in _platform_words(tag.platform)}, key=str.casefold)
    if for_python:
        return f"its wheels for {_python(python)} are for {', '.join(names[:12])}"
    interpreters = sorted({tag.interpreter for tag in found})
    return f"its wheels are for {', '.join(names[:12])} and {', '.join(interpreters[:12])}"


def _platform_words(name: str) -> tuple[str, ...]:
    """``macosx_11_0_universal2`` -> ``macOS arm64``, ``macOS x86_64``."""
    parts = name.split("_", 3)
    if parts[0] == "macosx" and len(parts) == 4:
        architectures = ("arm64", "x86_64") if parts[3] == "universal2" else (parts[3],)
        return tuple(f"macOS {architecture}" for architecture in architectures)
    if parts[0] in {"manylinux", "musllinux"} and len(parts) == 4:
        return (f"Linux {parts[3]} ({'glibc' if parts[0] == 'manylinux' else 'musl'})",)
    if parts[0] in {"manylinux1", "manylinux2010", "manylinux2014"}:
        return (f"Linux {name.partition('_')[2]} (glibc)",)
    if name.startswith("win"):
        return (f"Windows {'x86' if name == 'win32' else name.removeprefix('win_')}",)
    return (name,)


def _python(python: tuple[int, int]) -> str:
    return f"Python {python[0]}.{python[1]}"


def _releases(python: tuple[int, int]) -> list[str]:
    return [f"{python[0]}.{python[1]}.{number}" for number in range(_RELEASES)]


def _pythons(found: Sequence[tuple[int, int]]) -> str:
    names = [f"{major}.{minor}" for major, minor in found]
    return "Python " + (names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1])


def _order(version: str | None) -> Version:
    return parsed(version) or known("0")
