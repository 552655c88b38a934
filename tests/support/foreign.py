"""A real foreign process: Debian's arm64 Python, unpacked outside the checkout and run by QEMU user mode.

It comes from the archive that this machine is set up for. apt gets a state folder of its own, so the machine's package lists
and architectures stay as they are, and nothing is installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support import corpus
from support.tools import find_tool, output_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Python and two distributions that own compiled files.
PACKAGES = ("python3", "python3-markupsafe", "python3-yaml")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: What the plugin needs at run time; with their own requirements all pure Python, so that any interpreter can use them by path.
REQUIREMENTS = ("pytest", "macholib", "packaging", "importlib-metadata")
PLUGIN = Path(__file__).parent.parent.parent / "pytest_archcheck"


@dataclass(frozen=True)
class ForeignPython:
    """An aarch64 Python under QEMU."""

    command: tuple[str, ...]
    #: Folder with pytest and the plugin.
    modules: Path

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in a folder."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.modules), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*self.command, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=180)


def foreign_python(modules: Path) -> ForeignPython:
    """Get one; skips the test where this machine cannot.

    :param modules: an empty folder.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("arm64 is foreign to x86_64 Linux only")
    # Debian 13 calls its static program by the plain name.
    qemu = os.environ.get("ARCHCHECK_TEST_QEMU") or shutil.which("qemu-aarch64") or find_tool("qemu-aarch64-static")
    root = _arm64_root()
    (python,) = root.glob("usr/bin/python3.?*[0-9]")
    for name in _with_requirements(REQUIREMENTS):
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            (modules / top).symlink_to(str(distribution.locate_file(top)))
    (modules / PLUGIN.name).symlink_to(PLUGIN)
    return ForeignPython((qemu, "-L", str(root), str(python)), modules)


def _with_requirements(names: Iterable[str]) -> set[str]:
    """Normalised names of these distributions and of all that they need here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            needed = map(Requirement, metadata.distribution(name).requires or ())
            waiting += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def _archive(apt: str) -> str:
    """Address, release and component of the archive that this Debian installs from; it holds every architecture."""
    release = platform.freedesktop_os_release()
    if release["ID"] != "debian":
        pytest.skip("needs Debian: Ubuntu keeps arm64 in another archive than x86_64")
    listed = output_of(apt, "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    return next(line for line in listed.splitlines() if line.endswith(f" {release['VERSION_CODENAME']} main"))


def _arm64_root() -> Path:
    apt, dpkg = find_tool("apt-get"), find_tool("dpkg")
    line = f"deb [arch=arm64 signed-by={KEYRING}] {_archive(apt)}\n"

    def build(folder: Path) -> None:
        private = folder / ".apt"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (private / name).mkdir(parents=True)
        (private / "sources.list").write_text(line)
        options = {
            "Dir::State": private / "state",
            "Dir::State::status": "/dev/null",  # nothing is installed: all that is needed gets downloaded
            "Dir::Cache": private / "cache",
            "Dir::Etc::sourcelist": private / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "APT::Architecture": "arm64",
            "APT::Architectures::": "arm64",
            "APT::Sandbox::User": "root",  # the cache folder may be closed to apt's own user
            "Debug::NoLocking": "1",
        }
        command = [apt, "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
        corpus._run([*command, "update"])
        corpus._run([*command, "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES])
        for package in sorted(private.glob("cache/archives/*.deb")):
            corpus._run([dpkg, "-x", str(package), str(folder)])
        shutil.rmtree(private)

    return corpus._cached("arm64-root", [line, *PACKAGES], build)
