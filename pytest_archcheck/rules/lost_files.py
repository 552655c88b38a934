"""Judge files that an installer recorded and that are gone: rule ``missing-file``.

``pip uninstall`` that was interrupted, ``rm -rf site-packages/numpy``, ``*.so`` in ``.dockerignore``, ``pip uninstall
opencv-python`` beside opencv-python-headless: the metadata stays, and ``pip install`` says that all is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer, requirement
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.discover.model import InstalledProject
    from pytest_archcheck.findings import Severity

RULE = "missing-file"
#: What ``uv pip install --link-mode=symlink`` leaves once its cache is cleaned, or is not in the image.
_LINKS = "symbolic links that lead nowhere"
#: So many are named in a sentence, and so many in one command.
_SHOWN, _TOGETHER = 6, 12


def judge_gone(projects: Sequence[InstalledProject], subject: str, *, links: bool = False) -> Finding:
    """Report projects of one folder of which only the metadata is left, or (``links``) symbolic links that lead nowhere."""
    named = listed([project.title for project in projects], _SHOWN)
    message = f"nothing of {named} is there but {_LINKS if links else 'metadata'}: what was installed cannot be imported"
    return _finding(projects, subject, "error", message)


def judge_lost(project: InstalledProject, subject: str, fails: str | None, *, named: bool, links: bool = False) -> Finding:
    """Report a project without some of its compiled files.

    :param fails: which import surely fails, and why; None where none is seen.
    :param named: whether what importing the package runs names one of them: as ``ctypes`` loads a library.
    :param links: they are there as symbolic links that lead nowhere.
    """
    first, more = project.lost[0], len(project.lost) - 1
    files = f"{first} and {more} more compiled files" if more > 1 else f"{first} and one more" if more else first
    gone = f"{files}, which {project.title} installed, {'are' if more else 'is'} gone"
    if links:
        gone += f" ({_LINKS})" if more else " (a symbolic link that leads nowhere)"
    if fails:
        return _finding([project], subject, "error", f"{gone}: {fails}")
    return _finding([project], subject, "warning" if named else "note", gone)


def _finding(projects: Sequence[InstalledProject], subject: str, severity: Severity, message: str) -> Finding:
    wanted = [word for project in projects if (word := requirement(project.name, project.version))]
    installers = {Installer.of(project) for project in projects}
    if 0 < len(wanted) <= _TOGETHER and len(installers) == 1:
        remedy = installers.pop().again(wanted)
    else:
        remedy = "install them again, from what they were installed from"
    return Finding(
        rule=RULE,
        severity=severity,
        subject=subject,
        distribution=projects[0].name if len(projects) == 1 else None,
        path=None,
        message=message,
        remedy="none needed" if severity == "note" else remedy,
    )
