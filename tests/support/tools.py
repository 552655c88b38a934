"""Finds the programs that tests compare with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

#: Program -> the Debian packages that bring it. One list for the tests and for ``.ci/run``.
PACKAGES = {
    name: packages
    for name, *packages in map(str.split, Path(__file__).with_name("tools.txt").read_text(encoding="utf-8").splitlines())
    if not name.startswith("#")
}


def find_tool(name: str) -> str:
    """Path of a program such as ``llvm-lipo``, also under its versioned name (``llvm-lipo-14``), the newest one first.

    Where there is none the test is skipped; it fails if ``ARCHCHECK_REQUIRE_TOOLS`` is set, as CI does. A program that is not
    in ``tools.txt`` is an error: CI would not install it.
    """
    packages = " ".join(PACKAGES[name])
    if found := shutil.which(name):
        return found
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    for folder in os.get_exec_path():
        names = os.listdir(folder) if os.path.isdir(folder) else []
        versions = sorted((int(match[1]) for other in names if (match := pattern.fullmatch(other))), reverse=True)
        if versions:
            return os.path.join(folder, f"{name}-{versions[0]}")
    if os.environ.get("ARCHCHECK_REQUIRE_TOOLS"):
        pytest.fail(f"{name} is not on PATH, and ARCHCHECK_REQUIRE_TOOLS is set")
    pytest.skip(f"{name} is not on PATH (Debian: apt-get install {packages})")


def output_of(*command: str) -> str:
    """Standard output of a program that must end with status 0 and say nothing on standard error."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (result.returncode, result.stderr) == (0, ""), f"{command}: {result.returncode} {result.stderr}"
    return result.stdout
