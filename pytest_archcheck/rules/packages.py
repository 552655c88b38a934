"""Judge the installed packages as a whole: who installed them, for which platform, and whether they go together.

Rules ``wrong-conda-subdir``, ``wrong-platform`` (wheels for Windows), ``mixed-installers``, ``duplicate-distribution``,
``duplicate-runtime`` and those of :mod:`pytest_archcheck.rules.conflicts`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_archcheck.discover.model import Home
from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.architecture import version_numbers
from pytest_archcheck.rules.commands import Installer, command, one_after_another, requirement
from pytest_archcheck.rules.conflicts import conflicts
from pytest_archcheck.rules.pythons import conda_environment
from pytest_archcheck.rules.versions import parsed
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import CondaPrefix, Environment, InstalledProject
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.machine.target import Target

#: conda's platform names (its ``subdir``) by system and architecture of a target.
_SUBDIRS = {
    ("macos", "arm64"): "osx-arm64",
    ("macos", "x86_64"): "osx-64",
    ("linux", "x86_64"): "linux-64",
    ("linux", "i686"): "linux-32",
    ("linux", "aarch64"): "linux-aarch64",
    ("linux", "armv7l"): "linux-armv7l",
    ("linux", "ppc64le"): "linux-ppc64le",
    ("linux", "s390x"): "linux-s390x",
    ("linux", "riscv64"): "linux-riscv64",
    ("windows", "x86_64"): "win-64",
    ("windows", "arm64"): "win-arm64",
}
#: File names of the OpenMP runtimes: LLVM's, Intel's and GNU's, also with the hash that auditwheel puts into the name.
_OPENMP = re.compile(r"lib(?P<runtime>i?omp5?|gomp)(?:-[0-9a-f]+)?(?:\.\d+)*\.(?:dylib|so)(?:\.\d+)*")
#: So many files or packages are named; the others are counted.
_SHOWN = 6


def conda_subdir(target: Target) -> str | None:
    """conda's name of the platform; None where it has none, as for two architectures at once."""
    return _SUBDIRS.get((target.system, target.architecture))


def judge_packages(
    environment: Environment, subject: str, target: Target, removed_names: Mapping[str, str] | None = None
) -> list[Finding]:
    """Everything that is to be said of the packages of one environment.

    :param removed_names: metadata of a TensorFlow -> a name that importing it takes from numpy, and numpy 2 no longer has.
    """
    findings: list[Finding] = []
    if environment.conda is not None:
        findings += _wrong_subdir(environment.conda, subject, target)
    findings += _of_windows(environment.projects, subject, target)
    findings += conflicts(environment, subject, removed_names or {})
    findings += _mixed_installers(environment.projects, subject)
    findings += _duplicates(environment.projects, subject)
    findings += _duplicate_runtime(environment, subject, target)
    return findings


def _wrong_subdir(prefix: CondaPrefix, subject: str, target: Target) -> Iterator[Finding]:
    """conda packages for another platform, and settings that bring more of them."""
    if len(target.architectures) != 1:  # no conda environment holds two
        return
    wanted = conda_subdir(target)
    if wanted is None:
        return
    for other, count in Counter(subdir for _, _, subdir in prefix.packages).most_common():
        if other in (None, "noarch", wanted):
            continue
        names = [name for name, _, subdir in prefix.packages if subdir == other]
        have = "conda package is" if count == 1 else "conda packages are"
        message = f"{count} of {len(prefix.packages)} {have} for {other}, the target needs {wanted}: {listed(names, _SHOWN)}"
        python = next((version for name, version, _ in prefix.packages if name == "python" and version), None)
        minor = ".".join(python.split(".")[:2]) if python else None
        remedy = f"make a new environment: {conda_environment(wanted, minor)}, and install the packages there"
        yield _finding("wrong-conda-subdir", "warning", subject, message, remedy)
    for where, subdir in prefix.settings:
        if subdir != wanted:
            message = f"{where} says {subdir}: what conda installs from now on is for that, the target needs {wanted}"
            remedy = f"export CONDA_SUBDIR={wanted}" if where == "CONDA_SUBDIR" else _set_subdir(where, wanted)
            yield _finding("wrong-conda-subdir", "warning", subject, message, remedy)


def _set_subdir(file: str, wanted: str) -> str:
    """``conda config --env`` would speak of the activated environment."""
    return command("conda", "config", "--file", file, "--set", "subdir", wanted)


def _of_windows(projects: tuple[InstalledProject, ...], subject: str, target: Target) -> Iterator[Finding]:
    """Wheels that promise Windows alone: what they hold is not inspected, and no other system imports it."""
    if target.system == "windows":
        return
    for project in projects:
        platforms = {tag.rpartition("-")[2] for tag in project.tags}
        if platforms and all(platform.startswith("win") for platform in platforms) and not project.by_conda:
            made_for = listed(sorted(platforms), _SHOWN)
            message = f"{project.title} is a wheel for Windows ({made_for}), the target is {target.name}"
            pinned = requirement(project.name, project.version)
            installer = Installer.of(project)
            again = installer.again([pinned]) if pinned else "install it again, by hand"
            gone = installer.remove([project.name]).removeprefix(f"{installer.home.elsewhere}: ")
            remedy = f"{again}; or, if there is none for that: {gone}"
            yield _finding("wrong-platform", "error", subject, message, remedy, project.name)


def _mixed_installers(projects: tuple[InstalledProject, ...], subject: str) -> Iterator[Finding]:
    """Packages of another installer on top of conda's; conda still believes in its own files."""
    for project in projects:
        if project.over_conda:
            theirs = listed(project.over_conda, _SHOWN)
            message = f"{project.installer or 'another installer'} put {project.title} over conda's {theirs}"
            names = [title.partition(" ")[0] for title in project.over_conda]
            home = project.home or Home()
            gone, again = Installer.of(project).remove([project.name]), Installer("conda", home).again(names)
            remedy = f"keep one: {one_after_another(home, gone, again)}"
            yield _finding("mixed-installers", "note", subject, message, remedy, project.name)


def _duplicates(projects: tuple[InstalledProject, ...], subject: str) -> Iterator[Finding]:
    """One project installed twice: in one folder what is left of an update, in two the first on ``sys.path`` counts."""
    by_name: dict[str, list[InstalledProject]] = {}
    for project in projects:
        by_name.setdefault(project.name, []).append(project)
    for name, found in by_name.items():
        same_version = len({project.version for project in found}) == 1
        if len(found) == 1 or (same_version and any(project.editable or _is_egg(project) for project in found)):
            continue  # an editable install has its build's egg-info beside the sources, a Debian package its own
        places = listed([f"{project.version or '?'} ({project.metadata})" for project in found], _SHOWN)
        leftovers = [project.metadata for project in found if os.path.basename(project.metadata).startswith("~")]
        newest = max(found, key=_age)
        pinned = requirement(name, newest.version) or name
        installer = Installer.of(newest)
        remedy = f"{installer.remove([name])}, until it says that nothing is installed, then {installer.other([pinned])}"
        if leftovers:  # pip renames what it is about to remove; an interrupted run leaves it
            remedy = f"pip was interrupted: remove {leftovers[0]}"
        message = f"{name} is installed {len(found)} times: {places}"
        yield _finding("duplicate-distribution", "note", subject, message, remedy, name)


def _age(project: InstalledProject) -> tuple[bool, Any]:
    """By PEP 440: 1.2 is newer than 1.2rc1, 1!0.1 newer than 2.0; what is no such version is older than all that are."""
    version = parsed(project.version)
    return (False, version_numbers(project.version or "")) if version is None else (True, version)


def _is_egg(project: InstalledProject) -> bool:
    return project.metadata.endswith(".egg-info")


def _duplicate_runtime(environment: Environment, subject: str, target: Target) -> Iterator[Finding]:
    """OpenMP runtimes: each file is an image of its own, also where wheels bundle the same library."""
    images: list[tuple[str, str, Binary]] = []
    for distribution in environment.distributions:
        for binary in distribution.binaries:
            match = _OPENMP.fullmatch(os.path.basename(binary.path))
            if match and binary.role == "library" and not set(target.architectures).isdisjoint(binary.architectures):
                owner = distribution.name or "no distribution"
                images.append((f"lib{match['runtime']}", owner, binary))
    if len(images) < 2:
        return
    files = listed([f"{binary.path} of {owner}" for _, owner, binary in images], _SHOWN)
    kinds = listed(sorted({runtime for runtime, _, _ in images}), _SHOWN)
    owners = listed(dict.fromkeys(owner for _, owner, _ in images), _SHOWN)
    yield _finding(
        "duplicate-runtime",
        "note",
        subject,
        f"{len(images)} OpenMP runtimes ({kinds}), which do not share their threads if one process loads several: {files}",
        f"none needed unless a process slows down, hangs or ends with 'OMP: Error #15': then install {owners} with "
        "conda install -c conda-forge, by the names that they have there: those share one runtime",
    )


def _finding(
    rule: str, severity: Severity, subject: str, message: str, remedy: str, distribution: str | None = None
) -> Finding:
    return Finding(
        rule=rule, severity=severity, subject=subject, distribution=distribution, path=None, message=message, remedy=remedy
    )
