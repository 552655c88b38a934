"""The machines that wheel tags promise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.machine.target import InvalidTarget, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.tags import Tag

#: macOS architectures of old tags that Target does not know, and what a current macOS runs of them.
_OLD_MAC_ARCHITECTURES = {"intel": "x86_64", "fat64": "x86_64", "universal": "x86_64"}

#: The first word of a platform tag -> the system, for those that are neither macOS nor Linux nor Windows (PEP 730, 738, 783).
_OTHER_SYSTEMS = {
    "ios": "iOS",
    "tvos": "tvOS",
    "watchos": "watchOS",
    "xros": "visionOS",
    "android": "Android",
    "emscripten": "Emscripten",
    "pyodide": "Pyodide",
    "pyemscripten": "Pyodide",
    "wasi": "WASI",
    "wasm": "WebAssembly",
}


def wheel_targets(tags: Iterable[str]) -> tuple[Target, ...]:
    """Return the machines that wheel tags promise, one for each system, C library and architecture.

    Of several versions the oldest counts: ``manylinux_2_17`` beside ``manylinux_2_28`` promises glibc 2.17. Empty for ``any``,
    and for systems that are not known.
    """
    found: dict[tuple[object, ...], Target] = {}
    for tag in tags:
        platform = tag.rpartition("-")[2]
        prefix, _, architecture = platform.rpartition("_")
        if platform.startswith("macosx_") and architecture in _OLD_MAC_ARCHITECTURES:
            platform = f"{prefix}_{_OLD_MAC_ARCHITECTURES[architecture]}"
        try:
            target = Target.parse(platform)
        except InvalidTarget:
            continue
        key = (target.system, target.libc and target.libc[0], target.architectures)
        if key not in found or _age(target) < _age(found[key]):
            found[key] = target
    return tuple(found[key] for key in sorted(found, key=str))


def other_system(tags: Iterable[str]) -> str | None:
    """Return the system that wheel tags promise where it is none that is judged here; None where one of them is, or ``any``."""
    platforms = list(dict.fromkeys(tag.rpartition("-")[2] for tag in tags))
    if not platforms or "any" in platforms or wheel_targets(platforms):
        return None
    return _OTHER_SYSTEMS.get(platforms[0].partition("_")[0], platforms[0])


def tags_in(text: str, most: int = limits.WHEEL_TAGS) -> frozenset[Tag] | None:
    """The tags that ``py2.py3-none-any`` stands for, every combination; None where it is none, or stands for too many."""
    parts = [part.split(".") for part in text.split("-")]
    if len(parts) != 3 or math.prod(map(len, parts)) > most:
        return None
    from packaging.tags import parse_tag

    try:
        return parse_tag(text)
    except ValueError:
        return None


def _age(target: Target) -> tuple[int, ...]:
    version = target.os_version or (target.libc[1] if target.libc else "0")
    return tuple(int(part) for part in version.split("."))
