"""Judge files that an installer recorded and that are gone: rule ``missing-file``.

``pip uninstall`` that was interrupted, ``rm -rf site-packages/numpy``, ``*.so`` in ``.dockerignore``, ``pip uninstall
opencv-python`` beside opencv-python-headless: the metadata stays, and ``pip install`` says that all is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer, requirement

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import InstalledProject
    from pytest_archcheck.findings import Severity

RULE = "missing-file"


def judge_gone(project: InstalledProject, subject: str) -> Finding:
    """Report a project of which only the metadata is left."""
    message = f"nothing of {project.title} is there but its metadata: its packages cannot be imported"
    return _finding(project, subject, "error", message)


def judge_lost(project: InstalledProject, subject: str, fails: str | None, *, named: bool) -> Finding:
    """Report a project without some of its compiled files.

    :param fails: which import surely fails, and why; None where none is seen.
    :param named: whether what importing the package runs names one of them: as ``ctypes`` loads a library.
    """
    first, more = project.lost[0], len(project.lost) - 1
    files = f"{first} and {more} more compiled files" if more > 1 else f"{first} and one more" if more else first
    gone = f"{files}, which {project.title} installed, {'are' if more else 'is'} gone"
    if fails:
        return _finding(project, subject, "error", f"{gone}: {fails}")
    return _finding(project, subject, "warning" if named else "note", gone)


def _finding(project: InstalledProject, subject: str, severity: Severity, message: str) -> Finding:
    wanted = requirement(project.name, project.version)
    remedy = Installer.of(project).again([wanted]) if wanted else "install it again, by hand"
    return Finding(
        rule=RULE,
        severity=severity,
        subject=subject,
        distribution=project.name,
        path=None,
        message=message,
        remedy="none needed" if severity == "note" else remedy,
    )
