"""Real wheels that are imported here, on Linux, and judged: an error must be an import that fails, and the other way round."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import corpus

from pytest_archcheck.inspection import Request, run

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="imports wheels for Linux x86_64"),
]
HERE = f"3.{sys.version_info[1]}"
OTHER = "3.12" if HERE != "3.12" else "3.11"


def tree(*pins: str, python: str = HERE) -> Path:
    name = "-".join(pin.replace("==", "-") for pin in pins)
    return corpus.installed(f"imported-{python}-{name}"[:100], pins, "linux-x86_64", python=python)


def imports(module: str, *folders: Path) -> str:
    """Import a module with only the standard library and these folders; return what it raised."""
    program = f"import sys; sys.path[1:1] = {[str(folder) for folder in folders]}; import {module}"
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=300)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


def judged(folder: Path, *severities: str) -> list[Finding]:
    findings = run(Request(paths=(str(folder),), python=HERE)).findings
    return [finding for finding in findings if finding.severity in (severities or ("error",))]


@pytest.mark.parametrize("python", [HERE, OTHER])
def test_modules_for_another_python(python: str) -> None:
    folder = tree("numpy==2.0.2", "cffi==1.17.1", "pycparser==2.22", "markupsafe==3.0.2", "cryptography==44.0.0", python=python)
    broken = {"numpy": imports("numpy", folder), "cffi": imports("cffi; cffi.FFI()", folder)}
    assert {finding.subject for finding in judged(folder)} == {name for name, raised in broken.items() if raised}
    assert bool(broken["numpy"]) is (python != HERE)
    assert imports("markupsafe", folder) == ""  # it does without its module, slower
    warned = judged(folder, "warning")
    assert [(finding.rule, finding.subject) for finding in warned] == (
        [("wrong-python", "markupsafe")] if python != HERE else []
    )
