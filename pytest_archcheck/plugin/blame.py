"""Whose hook broke, where a conftest file takes every item for a test function of a file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

#: A line of a traceback, in the text of one that happened in a worker of pytest-xdist.
_LINE = r'File "([^"\n]{1,1000})", line \d+, in (pytest_\w+)'
#: Hooks of these are called around everybody's.
_FRAMES = ("_pytest", "pluggy", "xdist", "pytest_archcheck")


def hint(excinfo: pytest.ExceptionInfo[BaseException], root: Path) -> str | None:
    """Name the hook of a conftest file (or of the project's own plugin) that raised, and what to do; None where none did."""
    entries = [(str(entry.path), entry.name) for entry in excinfo.traceback]
    entries += re.findall(_LINE, str(excinfo.value)[-100_000:])
    for file, name in reversed(entries):
        if name.startswith("pytest_") and not any(part in _FRAMES for part in file.replace("\\", "/").split("/")):
            return (
                f"{name} of {text.escape(_shown(file, root))} raised an error: it may not expect items in no file; "
                "pytest --noconftest archcheck runs the checks without conftest files"
            )
    return None


def _shown(file: str, root: Path) -> str:
    try:
        relative = os.path.relpath(file, root)
    except ValueError:  # another drive of Windows
        return file
    return file if relative.startswith("..") else relative
