"""Judge wheels, and the tags of what was installed from them: rules ``unreadable-wheel`` and ``mistagged-wheel``."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.model import LOADED_ROLES, MachOSlice
from pytest_archcheck.binaries.names import is_test_data
from pytest_archcheck.findings import Finding
from pytest_archcheck.machine.wheel_tags import wheel_targets
from pytest_archcheck.rules.architecture import NATIVE_FORMATS, misfit, version_numbers
from pytest_archcheck.rules.catalog import RULES
from pytest_archcheck.rules.twins import serving_twins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.machine.target import Target

_SYSTEMS = {"mach-o": "macOS", "elf": "Linux", "pe": "Windows"}


def judge_wheel_file(problems: Iterable[str], distribution: Distribution, subject: str) -> list[Finding]:
    """Say why installers would refuse a wheel.

    :param problems: of :class:`pytest_archcheck.discover.wheels.Wheel`.
    """
    return [
        Finding(
            rule="unreadable-wheel",
            severity=RULES["unreadable-wheel"].severity,
            subject=subject,
            distribution=distribution.name,
            path=None,
            message=f"the wheel is not sound: {problem}",
            remedy=f"build {os.path.basename(distribution.location)} again, or download it again{_download(distribution)}",
        )
        for problem in problems
    ]


def judge_tags(distribution: Distribution, subject: str) -> Finding | None:
    """Compare a wheel's tags with its binaries. The binaries are the truth; a wrong tag misleads installers.

    What conda or a developer's checkout brings is chosen by no tag.
    """
    if distribution.installer == "conda" or distribution.editable:
        return None
    loaded = [
        binary
        for binary in distribution.binaries
        if binary.role in LOADED_ROLES and not (binary.problem or is_test_data(binary.path))
    ]
    if not loaded or not distribution.tags:
        return None
    if all(tag.endswith("-any") for tag in distribution.tags):
        if len({binary.format for binary in distribution.binaries}) > 1:
            return None  # payload for several systems, one of which is chosen at run time
        message = f"its tag promises every machine, and it holds binaries for {', '.join(sorted(set(map(_words, loaded))))}"
    else:
        broken = [words for target in wheel_targets(distribution.tags) if (words := _broken_promise(target, loaded))]
        if not broken:
            return None
        message = "; ".join(broken)
    return Finding(
        rule="mistagged-wheel",
        severity=RULES["mistagged-wheel"].severity,
        subject=subject,
        distribution=distribution.name,
        path=None,
        message=message,
        remedy=_mend(distribution, loaded),
    )


def _download(distribution: Distribution) -> str:
    if distribution.version is None:
        return ""
    return f": pip download --no-deps --no-cache-dir {shlex.quote(f'{distribution.name}=={distribution.version}')}"


def _mend(distribution: Distribution, loaded: Iterable[Binary]) -> str:
    if not distribution.is_wheel:
        return f"none needed where it works; tell the maintainers of {distribution.name} that its tags are wrong"
    platform, name = _mac_platform(loaded), shlex.quote(os.path.basename(distribution.location))
    right = f": wheel tags --remove --platform-tag {platform} {name}" if platform else f" of {name}"
    return f"before it is published, build what its tags promise, or correct the tags{right}"


def _mac_platform(loaded: Iterable[Binary]) -> str | None:
    """The platform tag that Mach-O files fulfil all together; None for other files, or where they have nothing in common."""
    files = list(loaded)
    common = {"arm64", "x86_64"}.intersection(*(file.architectures if file.format == "mach-o" else () for file in files))
    if not common:
        return None
    machine = next(iter(common)) if len(common) == 1 else "universal2"
    oldest: tuple[int, ...] = (11, 0) if machine == "arm64" else (10, 9)
    for piece in (piece for file in files for piece in file.slices):
        if isinstance(piece, MachOSlice) and piece.architecture in common and piece.min_os:
            needed = (*version_numbers(piece.min_os), 0, 0)[:2]
            # In a universal2 wheel's tag 10.9 speaks of Intel Macs: no arm64 Mac is older than 11.0.
            oldest = max(oldest, needed) if piece.architecture == "x86_64" or needed > (11, 0) else oldest
    return f"macosx_{'_'.join(map(str, _installable(oldest)))}_{machine}"


def _installable(version: tuple[int, ...]) -> tuple[int, ...]:
    """From macOS 11 on installers take wheels for a year's first release only: what needs 12.3 is for 13.0, 15.4 for 26.0."""
    major, minor = version
    if major < 11 or minor == 0:
        return version
    return (26 if major == 15 else major + 1), 0


def _broken_promise(target: Target, loaded: list[Binary]) -> str | None:
    if target.system == "windows":  # PE files are counted, not read
        return None
    native = [binary for binary in loaded if binary.format == NATIVE_FORMATS[target.system]]
    if not native:
        which = f"none of its {len(loaded)} compiled files is" if len(loaded) > 1 else "its compiled file is not"
        return f"its tags promise {target.name}, and {which} for that system"
    twin = serving_twins(loaded, lambda other: misfit(other, target) is None)
    missing = [
        binary
        for binary in native
        if (wrong := misfit(binary, target)) is not None and wrong.rule == "wrong-architecture" and not twin(binary)
    ]
    if not missing:
        return None
    found = sorted({name for binary in missing for name in binary.architectures})
    which = f"{len(missing)} of its {len(native)} compiled files have" if len(native) > 1 else "its compiled file has"
    return f"its tags promise {target.name}, and {which} only {', '.join(found)}"


def _words(binary: Binary) -> str:
    return " ".join([_SYSTEMS[binary.format], *binary.architectures])
