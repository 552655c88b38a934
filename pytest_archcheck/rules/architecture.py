"""Judge files one by one: made for the target, and whole.

Rules ``wrong-architecture``, ``wrong-platform``, ``newer-os-required`` and ``unreadable-binary``.

Severities follow the loader. dyld and ld.so refuse a file of another architecture, system or C library, so that is an error
for all that gets loaded or run. dyld does not refuse a library for its minimum OS (a promise of the build, not a fact), so that
is a warning; ld.so does refuse a symbol version that its glibc lacks, so that is an error.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.binaries.model import ALSO_LOADS, LOADED_ROLES, Binary, ElfSlice, MachOSlice, Slice
from pytest_archcheck.binaries.names import is_for_another_version, is_test_data
from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.remedies import install_fitting, install_other, reinstall, reinstall_for, tag_serves
from pytest_archcheck.rules.twins import architectures_named, serving_twins, systems_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.machine.target import Target

#: The format that each system's loader takes.
NATIVE_FORMATS = {"macos": "mach-o", "linux": "elf", "windows": "pe"}
_FIRST_ARM64 = (11,)
_PLATFORM_NAMES = {"elf": "Linux", "mach-o": "macOS"}


class _Misfit(NamedTuple):
    """Why a file does not serve the target."""

    rule: str
    message: str


def judge_architecture(distribution: Distribution, subject: str, target: Target, python: str | None = None) -> list[Finding]:
    """Judge every file that a distribution owns.

    :param python: the version of the environment's Python (``3.11.7``), None where it is not known.
    """
    if target.system == "windows":
        return []
    twin = serving_twins(distribution.binaries, lambda other: misfit(other, target) is None and not other.problem)
    native = NATIVE_FORMATS[target.system]
    twin_of_system = serving_twins(distribution.binaries, lambda other: other.format == native and not other.problem)

    def judged(binary: Binary) -> list[Finding]:
        if binary.problem:
            return [_unreadable(distribution, binary, subject, target)]
        wrong = misfit(binary, target)
        if wrong is None:
            return _newer_os(distribution, binary, subject, target)
        serving = twin(binary)
        if serving is None and binary.format != native:
            serving = twin_of_system(binary)  # where that is for another architecture, it has the one finding
        finding = _misfitting(distribution, binary, subject, target, wrong, serving)
        if is_for_another_version(binary.path, python):
            finding = replace(finding, severity="note", remedy=f"none needed: Python {python} does not import it")
        return [finding]

    sound = _sound_kinds(target)
    findings: list[Finding] = []
    for binary in distribution.binaries:
        if binary.role != "object" and binary.format != "pe" and (kind := _kind(binary)) not in sound:
            said = judged(binary)
            findings += said
            if kind and not said:
                sound.add(kind)
    return findings


def _kind(binary: Binary) -> tuple[object, ...] | None:
    """All that decides what is said of a Mach-O file; of an ELF file the libraries matter, too."""
    if binary.format == "elf":
        return None
    pieces = [(piece.architecture, piece.platform, piece.min_os) for piece in binary.slices]
    return (binary.format, binary.problem, *pieces)


@lru_cache(maxsize=16)
def _sound_kinds(_target: Target) -> set[tuple[object, ...]]:
    """The kinds of files of which nothing is to be said, filled while files are judged: there are far fewer than files."""
    return set()


def misfit(binary: Binary, target: Target) -> _Misfit | None:
    """Why the target's loader would refuse the file, or None."""
    if binary.format != NATIVE_FORMATS[target.system]:
        if binary.format == "pe":
            return _Misfit("wrong-platform", f"is a Windows file, the target is {target.name}")
        return _Misfit("wrong-platform", f"is made for {_PLATFORM_NAMES[binary.format]}, the target is {target.name}")
    missing = [name for name in target.architectures if not _slices_for(binary, name)]
    if missing:
        return _Misfit("wrong-architecture", f"has {_only(binary.architectures)}, the target needs {' and '.join(missing)}")
    if target.system == "macos":
        return _mac_platform_misfit(binary, target)
    return _libc_misfit(binary, target)


def _slices_for(binary: Binary, architecture: str) -> list[MachOSlice | ElfSlice]:
    wanted = ALSO_LOADS.get(architecture, (architecture,))
    return [piece for piece in binary.slices if piece.architecture in wanted and isinstance(piece, (MachOSlice, ElfSlice))]


def serving_slices(binary: Binary, target: Target) -> list[MachOSlice | ElfSlice]:
    """The slices that processes of the target would use."""
    return [piece for name in target.architectures for piece in _slices_for(binary, name)[:1]]


def _only(architectures: Iterable[str]) -> str:
    names = list(dict.fromkeys(architectures))
    return f"only {names[0]}" if len(names) == 1 else " and ".join(names) or "no slice"


def _mac_platform_misfit(binary: Binary, target: Target) -> _Misfit | None:
    for piece in serving_slices(binary, target):
        if piece.platform != "macos":
            return _Misfit("wrong-platform", f"has a slice for {piece.platform}, which a macOS process does not load")
    return None


def _libc_misfit(binary: Binary, target: Target) -> _Misfit | None:
    """glibc and musl do not load each other's files: one process holds one C library."""
    piece = binary.slices[0]
    if piece.platform != "linux":
        return _Misfit("wrong-platform", f"is made for {piece.platform}, the target is {target.name}")
    if target.libc is None:
        return None
    other = _other_libc(piece, target.libc[0])
    return _Misfit("wrong-platform", f"is linked to {other}, the target has {target.libc[0]}") if other else None


def _other_libc(piece: Slice, libc: str) -> str | None:
    """The C library that a file was linked to, where it is not that one."""
    if libc == "glibc":
        for library in piece.libraries:
            if library.name.startswith("libc.musl-"):
                return "musl"
        return None
    # musl's loader takes libc.so.6 for itself: a file that wants none of glibc's versions was built to load with both.
    versions = piece.required_versions if isinstance(piece, ElfSlice) else ()
    names = {library.name for library in piece.libraries}
    return "glibc" if "libc.so.6" in names and any(version.startswith("GLIBC_") for _, version in versions) else None


def _misfitting(
    distribution: Distribution, binary: Binary, subject: str, target: Target, wrong: _Misfit, serving: Binary | None
) -> Finding:
    severity: Severity = "error"
    message, remedy = wrong.message, reinstall_for(distribution, target, wrong.rule)
    if serving is not None:
        severity, remedy = "note", "none needed: it is payload for another machine"
        serves = "serves the target" if misfit(serving, target) is None else f"is for {_PLATFORM_NAMES[serving.format]}"
        message += f"; {serving.path} beside it {serves}"
    elif is_test_data(binary.path):
        severity, remedy = "note", "none needed: it lies in a folder of tests"
    elif wrong.rule == "wrong-platform" and binary.role != "extension" and _named_for_others(binary.path, target):
        severity, remedy = "note", "none needed unless this feature is used: the file's path names the system that it is for"
    elif wrong.rule == "wrong-architecture" and binary.role != "extension" and _named_for_another_processor(binary, target):
        severity, remedy = "note", "none needed unless this feature is used: its folder names the processor that it is for"
    return _finding(wrong.rule, severity, distribution, binary, subject, message, remedy)


def _named_for_others(path: str, target: Target) -> bool:
    """``bin/linux/tool``: by its path, payload that another system picks."""
    named = systems_named(path)
    return bool(named) and target.system not in named


def _named_for_another_processor(binary: Binary, target: Target) -> bool:
    """``tools/x86_64/tool``: a folder named for the processor that the file is for, and not the target's."""
    named = architectures_named(binary.path.rpartition("/")[0])
    return not named.isdisjoint(binary.architectures) and named.isdisjoint(target.architectures)


def _unreadable(distribution: Distribution, binary: Binary, subject: str, target: Target) -> Finding:
    severity: Severity = "error" if binary.role in LOADED_ROLES else "note"
    message, remedy = f"cannot be loaded: {binary.problem}", reinstall(distribution)
    if binary.role != "extension" and _named_for_others(binary.path, target):
        severity, remedy = "note", "none needed: the file's path names the system that it is for"
    return _finding("unreadable-binary", severity, distribution, binary, subject, message, remedy)


def _newer_os(distribution: Distribution, binary: Binary, subject: str, target: Target) -> list[Finding]:
    newer = "newer-os-required"
    for piece in serving_slices(binary, target):
        if isinstance(piece, MachOSlice):
            if piece.min_os and target.os_version and version_numbers(piece.min_os) > _oldest(target.os_version, piece):
                message = f"says that it needs macOS {piece.min_os}, the target has {target.os_version}"
                remedy = f"update macOS to {piece.min_os}, or {_for_older_mac(distribution, target)}"
                return [_finding(newer, "warning", distribution, binary, subject, message, remedy)]
        elif target.libc and target.libc[0] == "glibc" and (needed := _newest_glibc(piece)) > version_numbers(target.libc[1]):
            version = ".".join(map(str, needed))
            message = f"needs glibc {version}, the target has {target.libc[1]}"
            remedy = (
                f"build the wheel on a system with glibc {target.libc[1]} or older, or give it the tag that its files need: "
                f"manylinux_{version.replace('.', '_')}"
                if distribution.is_wheel
                else f"use a system with glibc {version} or newer, or install a version that has a "
                f"manylinux_{target.libc[1].replace('.', '_')} wheel: {_older(distribution, target)}"
            )
            return [_finding(newer, "error", distribution, binary, subject, message, remedy)]
    return []


def _for_older_mac(distribution: Distribution, target: Target) -> str:
    if distribution.is_wheel:
        return f"build the wheel again with MACOSX_DEPLOYMENT_TARGET={target.os_version}"
    if distribution.editable:
        return f"with MACOSX_DEPLOYMENT_TARGET={target.os_version} {install_other(distribution)}"
    return f"install one that is built for macOS {target.os_version}: {_older(distribution, target)}"


def _older(distribution: Distribution, target: Target) -> str:
    """The command that brings files for an older system: which version has some, only the index knows.

    Where the wheel's own tags say that it is for such a system, the index would bring it again.
    """
    promised = any(tag_serves(tag, target) and not _is_newer(tag, target) for tag in distribution.tags)
    return install_other(distribution, "<") if promised or not distribution.tags else install_fitting(distribution)


def _is_newer(tag: str, target: Target) -> bool:
    """``cp312-cp312-macosx_15_0_arm64`` or ``..._manylinux_2_39_x86_64`` for an older target."""
    version = target.os_version or (target.libc[1] if target.libc else None)
    match = re.search(r"-(?:macosx|manylinux|musllinux)_(\d+)_(\d+)_\w+$", tag)
    return version is not None and match is not None and version_numbers(f"{match[1]}.{match[2]}") > version_numbers(version)


def _oldest(os_version: str, piece: MachOSlice) -> tuple[int, ...]:
    """The target's version; macosx_10_9_universal2 stands for 11.0 on Apple Silicon, which runs nothing older."""
    version = version_numbers(os_version)
    return max(version, _FIRST_ARM64) if piece.architecture.startswith("arm64") else version


def _newest_glibc(piece: ElfSlice) -> tuple[int, ...]:
    return max([_glibc(version) for _, version in piece.required_versions], default=())


@lru_cache(maxsize=1024)
def _glibc(version: str) -> tuple[int, ...]:
    """``GLIBC_2.17`` -> (2, 17); nothing for ``GLIBC_PRIVATE``, and for the versions of other libraries."""
    return version_numbers(version[6:]) if version.startswith("GLIBC_") and version[6:7].isdigit() else ()


@lru_cache(maxsize=1024)  # an environment has as many different versions as compilers, and thousands of files
def version_numbers(version: str) -> tuple[int, ...]:
    """``14.2`` -> (14, 2); ``14`` and ``14.0`` are the same version."""
    numbers = [int(part) for part in version.split(".") if part.isdecimal()]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _finding(
    rule: str, severity: Severity, distribution: Distribution, binary: Binary, subject: str, message: str, remedy: str
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        subject=subject,
        distribution=distribution.name,
        path=binary.path,
        message=message,
        remedy=remedy,
    )
