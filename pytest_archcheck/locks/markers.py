"""Environment markers (PEP 508), evaluated for a target instead of the running interpreter."""

from __future__ import annotations

import platform
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.version import InvalidVersion

from pytest_archcheck.locks.model import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_archcheck.machine.target import Target

#: Kernel release where the target does not tell it: markers on it compare with old kernels.
_LINUX_RELEASE = "5.15.0"
#: Variables of which nobody says that they are versions, and markers compare them with some.
_OF_THE_KERNEL = ("platform_release", "platform_version")
_WINDOWS_MACHINES = {"x86_64": "AMD64", "arm64": "ARM64", "i686": "x86"}

#: uv writes the side of a conflict that an edge belongs to as ``extra == 'extra-4-demo-cpu'``; many of them can be active at
#: once, which a marker's single ``extra`` cannot say.
_CONFLICT = re.compile(r"""extra\s*(==|!=)\s*(['"])([^'"]*)\2""")
_TRUE, _FALSE = "os_name != ''", "os_name == ''"


def marker_environment(machine: Target, python: str) -> dict[str, str]:
    """Return the marker variables of CPython ``python`` (``3.12`` or ``3.12.4``) on a machine of one architecture."""
    numbers = python.split(".")
    full = python if len(numbers) > 2 else f"{python}.0"
    architecture = machine.architectures[0]
    common = {
        "implementation_name": "cpython",
        "implementation_version": full,
        "platform_python_implementation": "CPython",
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(numbers[:2]),
    }
    if machine.system == "macos":
        system = {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": architecture}
        release = _darwin_release(machine.os_version)
    elif machine.system == "linux":
        system = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": architecture}
        release = platform.release() if machine.is_host else _LINUX_RELEASE
    else:
        system = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}
        system["platform_machine"] = _WINDOWS_MACHINES.get(architecture, architecture)
        release = "10"
    return {**common, **system, "platform_release": release}


def holds(marker: str | None, environment: Mapping[str, str], active: frozenset[str] = frozenset()) -> bool:
    """Tell whether a marker is true; no marker is.

    :param active: uv's names of the extras, groups and projects that are installed.
    :raises Malformed: it is no marker.
    """
    if not marker:
        return True
    parsed = _parse(_CONFLICT.sub(lambda match: _TRUE if (match[3] in active) is (match[1] == "==") else _FALSE, marker))
    return evaluate(parsed, environment)


def evaluate(marker: Marker, environment: Mapping[str, str]) -> bool:
    """Evaluate a parsed marker. Raises :class:`Malformed` where its comparisons make no sense."""
    try:
        try:
            return marker.evaluate(dict(environment))
        except InvalidVersion:  # packaging before 25 compares 6.1.0-13-amd64 with no version
            return marker.evaluate({**environment, **{name: _numbers(environment[name]) for name in _OF_THE_KERNEL}})
    except (UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError) as error:
        raise Malformed(f"marker {str(marker)[:200]!r} cannot be evaluated: {error}") from None


@lru_cache(maxsize=4096)
def _parse(text: str) -> Marker:
    try:
        return Marker(text)
    except (InvalidMarker, RecursionError) as error:
        raise Malformed(f"{text[:200]!r} is no environment marker: {str(error).splitlines()[0]}") from None


def _numbers(text: str) -> str:
    found = re.match(r"\d+(?:\.\d+)*", text)
    return found[0] if found else "0"


def _darwin_release(os_version: str | None) -> str:
    """Return the kernel's release: macOS 10.15 is Darwin 19, 11 is 20, 15 is 24, and 26, the next after 15, is 25."""
    major, _, minor = (os_version or "26.0").partition(".")
    if major == "10":
        return f"{int(minor.partition('.')[0] or 0) + 4}.0.0"
    return f"{int(major) + (9 if int(major) < 26 else -1)}.0.0"
