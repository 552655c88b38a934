"""Somebody's shell, in which remedies are typed as they stand, and what of a folder must be the same afterwards."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Shell:
    """Somebody's shell, with an activated environment and the tools on its PATH."""

    folder: Path
    activated: Path
    #: Folders of more programs, found first.
    programs: list[Path] = field(default_factory=list)

    def type(self, command: str) -> str:
        """Run a command as it stands; what is activated must not change."""
        before = contents(self.activated)
        full = os.environ | {
            "VIRTUAL_ENV": str(self.activated),
            "PATH": os.pathsep.join(
                [*map(str, self.programs), str(self.activated / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]]
            ),
        }
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=self.folder, env=full, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert contents(self.activated) == before, f"{command}\nchanged the environment of the shell"
        return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all files, without what Python compiles."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def not_of(files: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """What is not of these projects (their folders, scripts, metadata)."""
    return {path: digest for path, digest in files.items() if not any(name in path for name in (*names, "bin/", ".lock"))}


def open_shell(folder: Path) -> Shell:
    """A shell in that folder, with a virtual environment activated in which nothing is installed."""
    activated = folder / "activated"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(activated)], check=True, timeout=120)
    return Shell(folder, activated)
