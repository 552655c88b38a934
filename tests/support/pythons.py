"""Virtual environments of other Pythons and other pytests, made with uv and kept in the cache of :mod:`support.corpus`.

The key is the list of what the package index resolves today: a new release makes a new environment. The project is not in
it: its wheel is put before it on ``PYTHONPATH``.
"""

from __future__ import annotations

import configparser
import glob
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import corpus

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parent.parent.parent
#: Those that the project supports, the oldest first.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
#: The pytests that it supports: the oldest, the one between, the newest.
PYTESTS = {"7.4": "pytest==7.4.*", "8": "pytest==8.*", "newest": "pytest"}
_UV = (sys.executable, "-m", "uv")
_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
#: A line of ``pytest -v``, without and with pytest-xdist.
_ITEM = re.compile(
    r"^(?:\[gw\d+\] \[ *\d+%\] (?P<early>[A-Z]+) (?P<early_id>\S+::.*?) ?|(?P<id>\S+::.*?) (?P<late>[A-Z]+)\b.*)$"
)

#: (id, outcome) as ``pytest -v`` says it: ``("archcheck::numpy", "FAILED")``.
Outcome = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of this machine."""

    version: str
    executable: str


@dataclass(frozen=True, slots=True)
class Place:
    """A virtual environment, and the project's wheel for it."""

    interpreter: Interpreter
    #: What is installed: normalised name: version.
    versions: Mapping[str, str]
    folder: Path
    project: Path

    def python(self, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run this Python, every warning an error already while plugins are imported, and without settings of ours."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "COV_"))}
        clean |= {"PYTHONPATH": str(self.project), "COLUMNS": "200"}
        return subprocess.run(
            [str(self.folder / "bin" / "python"), "-W", "error", *arguments],
            cwd=cwd,
            env=clean | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pytest(self, cwd: Path, *arguments: str, **environment: str) -> Seen:
        """Run ``pytest -v -W error ARGUMENTS`` and read all that it left."""
        for name in ("out.json", "out.xml"):
            (cwd / name).unlink(missing_ok=True)
        done = self.python("-m", "pytest", "-v", "-W", "error", "--junitxml=out.xml", *arguments, cwd=cwd, **environment)
        report = cwd / "out.json"
        return Seen(
            status=done.returncode,
            text=done.stdout + done.stderr,
            outcomes=tuple(_outcomes(done.stdout)),
            junit=tuple(_junit(cwd / "out.xml")),
            report=json.loads(report.read_text()) if report.exists() else {},
        )

    def plugins(self) -> list[str]:
        """Names of the pytest plugins that are installed beside the project, as ``-p no:NAME`` takes them."""
        names = []
        for file in self.folder.glob("lib/python*/site-packages/*.dist-info/entry_points.txt"):
            parser = configparser.ConfigParser(delimiters="=")
            parser.read(file)
            names += parser.options("pytest11") if parser.has_section("pytest11") else []
        return sorted(names)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run left: exit status, screen, items in the order that they ran, JUnit's items, the JSON report."""

    status: int
    text: str
    outcomes: tuple[Outcome, ...]
    junit: tuple[Outcome, ...]
    report: Mapping[str, Any]

    @property
    def ids(self) -> list[str]:
        return [name for name, _ in self.outcomes]

    @property
    def last_line(self) -> str:
        """``1 failed, 6 passed``, without the time."""
        return self.text.rstrip().rpartition("\n")[2].strip("= ").rpartition(" in ")[0]


@cache
def find(version: str) -> Interpreter | None:
    """The interpreter ``X.Y`` of ``PATH``, else of pyenv."""
    folders = [os.path.join(folder, f"python{version}") for folder in os.get_exec_path()]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for candidate in [*folders, *sorted(glob.glob(f"{pyenv}/versions/{version}.*/bin/python"), reverse=True)]:
        if not os.access(candidate, os.X_OK):
            continue
        said = subprocess.run([candidate, "-c", _VERSION], capture_output=True, text=True, check=False, timeout=60)
        if said.stdout.startswith(f"{version}."):  # pyenv's shims say nothing where no version is chosen
            return Interpreter(said.stdout.strip(), candidate)
    return None


def build_wheel(folder: Path) -> Path:
    """Build this checkout's wheel and unpack it in ``folder``, as an installer does: the folder is fit for ``PYTHONPATH``."""
    _uv("build", "--wheel", "--out-dir", str(folder / "dist"), str(PROJECT))
    (wheel,) = (folder / "dist").glob("*.whl")
    site = folder / "site"
    _uv("pip", "install", "--python", sys.executable, "--no-deps", "--target", str(site), str(wheel))
    return site


@cache
def place(interpreter: Interpreter, requirements: tuple[str, ...], project: Path) -> Place:
    """The environment with the newest of these requirements, and of what the project needs, that go together."""
    wanted = "\n".join(requirements)
    pins = _uv(
        *("pip", "compile", "--no-header", "--no-annotate", "--python", interpreter.executable, "pyproject.toml", "-"),
        given=wanted,
    )

    def build(folder: Path) -> None:
        _uv("venv", "--allow-existing", "--python", interpreter.executable, str(folder))
        installed_by = ("pip", "install", "--compile-bytecode", "--no-deps", "-r", "-")
        _uv(*installed_by, "--python", str(folder / "bin" / "python"), given=pins)

    folder = corpus._cached(f"python-{interpreter.version}", [interpreter.executable, *pins.split()], build)
    versions = dict(line.split("==") for line in pins.split())
    return Place(interpreter, versions, folder, project)


def _uv(*arguments: str, given: str | None = None) -> str:
    command = [*_UV, "--quiet", *arguments]
    done = subprocess.run(command, cwd=PROJECT, input=given, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"uv {' '.join(arguments)}: {given}\n{done.stderr or done.stdout}"
    return done.stdout


def _outcomes(screen: str) -> list[Outcome]:
    """What ``-v`` says before it shows failures."""
    lines = screen.partition("= FAILURES =")[0].splitlines()
    return [(match["early_id"] or match["id"], match["early"] or match["late"]) for match in map(_ITEM.match, lines) if match]


def _junit(path: Path) -> list[Outcome]:
    """(``classname::name``, passed, failed or skipped), in the file's order."""
    if not path.exists():
        return []
    cases = ET.parse(path).getroot().iter("testcase")  # noqa: S314 - written by the run above
    names = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    return [
        (
            f"{case.get('classname')}::{case.get('name')}",
            next((names[part.tag] for part in case if part.tag in names), "passed"),
        )
        for case in cases
    ]
