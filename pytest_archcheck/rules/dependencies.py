"""Judge what is required and not installed: rule ``missing-dependency``.

That a requirement is not met breaks nothing by itself; it does where importing the package surely asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer, requirement, specified
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.requirements import Requirement

    from pytest_archcheck.discover.model import InstalledProject
    from pytest_archcheck.loader.surely_imported import Unimportable

RULE = "missing-dependency"
#: So many are named in a sentence; all are in the command.
_SHOWN = 6


def judge_dependencies(
    project: InstalledProject, subject: str, package: str, lacks: Unimportable, absent: Sequence[Requirement], *, is_whole: bool
) -> Finding:
    """Report a package that surely imports what is not there.

    :param absent: what the project requires and is not installed.
    :param is_whole: whether there can be no other folder that brings it.
    """
    unless = "" if is_whole else ", unless another folder on sys.path brings it"
    return Finding(
        rule=RULE,
        severity="error" if is_whole else "warning",
        subject=subject,
        distribution=project.name,
        path=None,
        message=f"import {package} fails{unless}: {lacks.path} imports {lacks.module}, which is nowhere. {project.title} "
        f"requires what is not installed: {listed((wanted.name for wanted in absent), _SHOWN)}",
        remedy=_remedy(project, absent),
    )


def _remedy(project: InstalledProject, absent: Sequence[Requirement]) -> str:
    typed = [specified(wanted.name, str(wanted.specifier)) or requirement(wanted.name) for wanted in absent]
    words = [word for word in typed if word]
    installer = Installer.of(project)
    if installer.tool == "conda":  # by names of the package index, which conda's may not be
        return installer.again_with_dependencies(requirement(project.name, project.version) or project.name)
    return installer.other(words)
