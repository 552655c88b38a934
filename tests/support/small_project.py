"""A small project that uses all that the plugin offers to tests, beside an environment with one spoiled distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.machos import bundle
from support.sites import add_distribution, write

if TYPE_CHECKING:
    from pathlib import Path

    from support.pythons import Outcome, Place, Seen

_TESTS = """
import os

import pytest


@pytest.mark.requires_native
def test_native():
    pass


@pytest.mark.requires_clean("pytest")
def test_clean():
    pass


@pytest.mark.requires_clean("nobody-has-this")
def test_unmet():
    raise AssertionError("not to be run")


def test_fixture(archcheck):
    failing = {one.distribution for one in archcheck.findings if one.severity == "error"}
    assert failing == set(os.environ["EXPECTED_TO_FAIL"].split())
"""

#: What a run must say, in the order of collection.
CHECKS: tuple[Outcome, ...] = (
    ("archcheck::environment::packages", "PASSED"),
    ("archcheck::sound", "PASSED"),
    ("archcheck::spoiled", "FAILED"),
)
OWN: tuple[Outcome, ...] = (
    ("test_own.py::test_native", "PASSED"),
    ("test_own.py::test_clean", "PASSED"),
    ("test_own.py::test_unmet", "SKIPPED"),
    ("test_own.py::test_fixture", "PASSED"),
)
HEADLINE = "wrong-architecture: 1 file has only x86_64, the target needs arm64"


@dataclass(frozen=True, slots=True)
class SmallProject:
    """The project's folder, and the options that name the environment."""

    folder: Path
    switches: tuple[str, ...]

    def run(self, place: Place, *arguments: str) -> Seen:
        """The checks and the project's tests."""
        switches = (*self.switches, "--archcheck-json=out.json")
        return place.pytest(self.folder, *switches, *arguments, ".", EXPECTED_TO_FAIL="spoiled")

    def run_off(self, place: Place, *arguments: str) -> Seen:
        """The project's tests, the plugin installed and not switched on."""
        return place.pytest(self.folder, *arguments, EXPECTED_TO_FAIL="")


def make(root: Path) -> SmallProject:
    """Write project and environment below ``root``."""
    site = root / "environment" / "lib" / "python3.11" / "site-packages"
    for name, architecture in (("sound", "arm64"), ("spoiled", "x86_64")):
        files = {f"{name}/_core.cpython-311-darwin.so": bundle(architecture)}
        add_distribution(site, name, "1.0", files, tags=(f"cp311-cp311-macosx_11_0_{architecture}",))
    folder = root / "project"
    write(folder / "test_own.py", _TESTS)
    write(folder / "pytest.ini", "[pytest]\naddopts = --strict-markers --strict-config\n")
    return SmallProject(folder, (f"--archcheck-path={root / 'environment'}", "--archcheck-target=macosx_14_0_arm64"))
