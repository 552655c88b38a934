"""Which wheels install on a machine that is not this one: wheel tags of a target and a Python.

Everything comes from the target and the Python's number; nothing of the running interpreter leaks in (its ABI flags, its
platform), which is why the ABI is always given explicitly to :mod:`packaging.tags`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging import tags

from pytest_archcheck import limits
from pytest_archcheck.machine.wheel_tags import tags_in

if TYPE_CHECKING:
    from packaging.tags import Tag

    from pytest_archcheck.machine.target import Target

#: PEP 513, 571, 599: the glibc of each old name. The first two exist for Intel only.
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
#: PEP 600: profiles older than glibc 2.17 exist for these only.
_OLD_GLIBC = frozenset({"x86_64", "i686"})
#: For a target that does not say its libc or OS version: newer than any wheel asks for.
_NEWEST = 99


def machines(target: Target) -> tuple[Target, ...]:
    """Split a ``universal2`` target into the two machines that it stands for."""
    if len(target.architectures) == 1:
        return (target,)
    return tuple(
        replace(target, tag=target.tag.replace("universal2", architecture), architectures=(architecture,))
        for architecture in target.architectures
    )


def platforms(machine: Target) -> tuple[str, ...]:
    """Return the platform tags of wheels that install on a machine, best first."""
    architecture = machine.architectures[0]
    if machine.system == "windows":
        return (machine.tag,)
    if machine.system == "macos":
        major, minor = (min(number, _NEWEST) for number in _version(machine.os_version or f"{_NEWEST}.0"))
        return tuple(tags.mac_platforms((major, minor), architecture))
    found: list[str] = []
    kind, version = machine.libc or (None, f"0.{_NEWEST}")
    minor = min(_version(version)[1], _NEWEST)
    if kind in {"glibc", None}:
        oldest = 5 if architecture in _OLD_GLIBC else 17
        for number in range(minor, oldest - 1, -1):
            found.append(f"manylinux_2_{number}_{architecture}")
            if number in _LEGACY:
                found.append(f"{_LEGACY[number]}_{architecture}")
    if kind in {"musl", None}:
        found.extend(f"musllinux_1_{number}_{architecture}" for number in range(minor, -1, -1))
    return (*found, f"linux_{architecture}")


@lru_cache(maxsize=256)
def supported_tags(machine: Target, python: tuple[int, int]) -> frozenset[Tag]:
    """Return every tag of wheels that CPython ``python`` (with the GIL) installs on a machine of one architecture."""
    return _tags(python, platforms(machine))


@lru_cache(maxsize=4096)
def fits_python(tag: Tag, python: tuple[int, int]) -> bool:
    """Whether a wheel of this tag is for CPython ``python``, whatever its platform."""
    return tag in _tags(python, (tag.platform,))


def _tags(python: tuple[int, int], names: tuple[str, ...]) -> frozenset[Tag]:
    interpreter = f"cp{python[0]}{python[1]}"
    native = tags.cpython_tags(python, abis=[interpreter], platforms=names)
    portable = tags.compatible_tags(python, interpreter=interpreter, platforms=names)
    return frozenset(native) | frozenset(portable)


def any_version(machine: Target) -> Target:
    """Return the same machine with an OS (or C library) newer than any wheel asks for."""
    if machine.system == "macos":
        return replace(machine, os_version=f"{_NEWEST}.0")
    if machine.libc is not None:
        return replace(machine, libc=(machine.libc[0], f"{_version(machine.libc[1])[0]}.{_NEWEST}"))
    return machine


def file_name(location: str) -> str:
    """Return the file name at the end of a URL or path."""
    path = location.split("#", 1)[0].split("?", 1)[0]
    return unquote(path.replace("\\", "/").rsplit("/", 1)[-1])


@lru_cache(maxsize=16384)
def wheel_tags(name: str) -> frozenset[Tag]:
    """Return the tags in a wheel's file name; none where it is no such name."""
    parts = name.removesuffix(".whl").rsplit("-", 3)
    if not name.endswith(".whl") or len(parts) < 4:
        return frozenset()
    return tags_in("-".join(parts[1:]), limits.LOCKED_WHEEL_TAGS) or frozenset()


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)
