"""Rule ``conflicting-distributions``: installed packages that break each other although pip accepts them.

Where the packages' own requirements say that they do not go together, those are the grounds; numbers stand here only for
releases of TensorFlow that do not say it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer, one_after_another, requirement, specified
from pytest_archcheck.rules.versions import known, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.requirements import Requirement

    from pytest_archcheck.discover.model import Environment, InstalledProject
    from pytest_archcheck.findings import Severity

#: Projects that bring the package ``tensorflow``, as a real wheel or as a metapackage of another of them.
TENSORFLOWS = frozenset(
    """
    tensorflow tensorflow-macos tensorflow-cpu tensorflow-gpu tensorflow-intel tensorflow-rocm tensorflow-aarch64
    tensorflow-cpu-aws intel-tensorflow tf-nightly tf-nightly-cpu
    """.split()
)
#: The first TensorFlow compiled for numpy 2; older ones fail with it ("compiled using NumPy 1.x"). Not all cap it.
_NUMPY_2_SINCE = "2.18.0.dev0"
#: TensorFlow from here, and up to there, imports distutils, which Python 3.12 no longer has and setuptools brings.
_DISTUTILS_SINCE, _DISTUTILS_UNTIL = "2.13.0.dev0", "2.19.0.dev0"


def conflicts(environment: Environment, subject: str, removed_names: Mapping[str, str]) -> list[Finding]:
    """Every such conflict in one environment.

    :param removed_names: metadata of a TensorFlow -> a name that importing it takes from numpy, and numpy 2 no longer has.
    """
    projects = {project.name: project for project in reversed(environment.projects)}  # the first of a name counts
    tensorflows = [project for name, project in sorted(projects.items()) if name in TENSORFLOWS]
    found: list[tuple[InstalledProject, str, str, Severity]] = [*_same_package(tensorflows)]
    for project, message, remedy in _numpy(tensorflows, projects.get("numpy")):
        if name := removed_names.get(project.metadata):
            found.append((project, f"{message}: importing it fails, numpy 2 has no {name}", remedy, "error"))
        else:
            found.append((project, message, remedy, "warning"))
    if "setuptools" not in projects:
        found += [(*one, "warning") for one in _distutils(tensorflows, environment)]
    return [
        Finding(
            rule="conflicting-distributions",
            severity=severity,
            subject=subject,
            distribution=project.name,
            path=None,
            message=message,
            remedy=remedy,
        )
        for project, message, remedy, severity in found
    ]


#: What comes of two builds in one folder: each file is of the one or the other.
_MIXED_UP = frozenset({"missing-symbol", "missing-library", "plugin-incompatible", "contested-file"})


def point_at_mixture(findings: Iterable[Finding], projects: Iterable[InstalledProject], where: str) -> list[Finding]:
    """Name the cause where several projects hold the package tensorflow: no update mends files that lie over each other.

    :param where: subject of the check that says so.
    """
    real = {project.name: project.title for project in projects if project.name in TENSORFLOWS and project.has_modules}
    if len(real) < 2:
        return list(findings)
    cause = f"see archcheck::{where} first: {' and '.join(real.values())} both hold the package tensorflow"
    return [
        replace(finding, remedy=cause)
        if finding.rule in _MIXED_UP and (finding.distribution in real or finding.rule == "plugin-incompatible")
        else finding
        for finding in findings
    ]


def _same_package(tensorflows: list[InstalledProject]) -> Iterator[tuple[InstalledProject, str, str, Severity]]:
    """Several packages called tensorflow in one folder, of different versions, or none at all."""
    if not tensorflows:
        return
    real = [project for project in tensorflows if project.has_modules]
    newest = max(tensorflows, key=lambda project: parsed(project.version) or known("0"))
    once = _instead(
        newest, [project.name for project in tensorflows], requirement("tensorflow", newest.version) or "tensorflow"
    )
    titles = " and ".join(project.title for project in tensorflows)
    if not real:
        is_macos = any(project.name == "tensorflow-macos" for project in tensorflows)
        hint = " (tensorflow-macos 2.15.1 was published empty)" if is_macos and newest.version == "2.15.1" else ""
        verb = "is" if len(tensorflows) == 1 else "are"
        yield tensorflows[0], f"{titles} {verb} empty{hint}: import tensorflow says No module named 'tensorflow'", once, "error"
    elif len(real) > 1:
        titles = " and ".join(project.title for project in real)
        yield real[0], f"{titles} both hold the package tensorflow: the files of one lie over the other's", once, "warning"
    elif len({project.version for project in tensorflows}) > 1:
        yield real[0], f"{titles} belong together and are of different versions", once, "warning"


def _instead(project: InstalledProject, gone: list[str], wanted: str) -> str:
    """The commands that take some away, which takes the files that they share, and then install one."""
    installer = Installer.of(project)
    return one_after_another(project.home, installer.remove(gone), installer.again_with_dependencies(wanted))


def _numpy(tensorflows: list[InstalledProject], numpy: InstalledProject | None) -> Iterator[tuple[InstalledProject, str, str]]:
    """numpy 2 beside a TensorFlow that was compiled for numpy 1."""
    version = parsed(numpy.version) if numpy else None
    if version is None or version.major < 2:
        return
    for project in tensorflows:
        own = parsed(project.version)
        needed, wanted = _required(project, "numpy"), "numpy<2"
        if not project.has_modules or own is None:
            continue
        if needed is not None and "<" in str(needed.specifier):
            allowed = needed.specifier.contains("2.0.2") or needed.specifier.contains(version, prereleases=True)
            says = f"requires numpy{needed.specifier}"
            wanted = specified("numpy", str(needed.specifier)) or wanted
        else:
            allowed, says = own >= known(_NUMPY_2_SINCE), "is compiled for numpy 1, although it does not say so"
        if not allowed:
            yield project, f"{project.title} {says}, and numpy {version} is installed", Installer.of(project).other([wanted])


def _distutils(tensorflows: list[InstalledProject], environment: Environment) -> Iterator[tuple[InstalledProject, str, str]]:
    for project in tensorflows:
        own, python = parsed(project.version), _python(project, environment)
        if not project.has_modules or own is None or python is None:
            continue
        if known(_DISTUTILS_SINCE) <= own < known(_DISTUTILS_UNTIL) and python >= (3, 12):
            message = (
                f"{project.title} imports distutils, which Python {python[0]}.{python[1]} lacks, and setuptools is missing"
            )
            yield project, message, Installer.of(project).other(["setuptools"])


def _python(project: InstalledProject, environment: Environment) -> tuple[int, int] | None:
    """The Python that the project was built for (``cp312``), or else the environment's."""
    for tag in project.tags:
        if match := re.match(r"cp(\d)(\d+)-", tag):
            return int(match[1]), int(match[2])
    version = environment.interpreter.version if environment.interpreter else None
    match = re.match(r"(\d+)\.(\d+)", version or "")
    return (int(match[1]), int(match[2])) if match else None


def _required(project: InstalledProject, name: str) -> Requirement | None:
    """The requirement of that name that holds unconditionally or for some Python; the first one that has a version."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in project.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name.lower() == name and "extra" not in str(requirement.marker or "") and requirement.specifier:
            return requirement
    return None
