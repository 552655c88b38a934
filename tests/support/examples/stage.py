"""What an example is, and the place in which it is built."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest_archcheck.inspection
from pytest_archcheck.inspection import Request
from support.hosts import as_python, on_mac
from support.sites import make_venv, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pytest

    from pytest_archcheck.findings import Finding

ARM64 = "macosx_14_0_arm64"
CP311_ARM64 = ("cp311-cp311-macosx_11_0_arm64",)


class Stage:
    """An empty project folder, and the means to inspect what is built there."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        #: Resolved: the product shows real paths.
        self.folder = folder.resolve()
        self.patch = patch
        #: What was asked of the product; None where a rule was asked without an inspection.
        self.request: Request | None = None

    def venv(self) -> Path:
        """The site-packages folder of ``.venv``, for Python 3.11."""
        site = make_venv(self.folder / ".venv")
        # Its interpreter is not there: no example is to depend on what this machine has installed.
        config = self.folder / ".venv" / "pyvenv.cfg"
        write(config, config.read_text(encoding="utf-8").replace("/usr/bin", str(self.folder / "nowhere")))
        return site

    def inspect(self, name: str = ".venv", target: str = ARM64, python: str = "3.12") -> tuple[Finding, ...]:
        """Inspect what lies in the project folder under that name."""
        self.request = Request(paths=(str(self.folder / name),), target=target, python=python)
        return pytest_archcheck.inspection.run(self.request).findings

    def inspect_running(
        self, site: Path, python: bytes, answers: Mapping[str, bytes], *, where: str = ".venv/bin/python3.11"
    ) -> tuple[Finding, ...]:
        """Inspect the active environment: that interpreter on a Mac that gives these answers, with one site directory."""
        on_mac(self.patch, answers)
        as_python(self.patch, self.folder / ".venv", write(self.folder / where, python), site)
        return pytest_archcheck.inspection.run(Request()).findings

    def readable(self, text: str) -> str:
        """The text with paths relative to the project folder, in which ``usr/local`` stands for the real one."""
        # A command quotes a path whose folder has a space; the rest of the path may need no quotes.
        text = re.sub(rf"'{re.escape(str(self.folder))}/([^']+)'", lambda match: shlex.quote(match[1]), text)
        return text.replace(f"{self.folder}/usr/local/", "/usr/local/").replace(f"{self.folder}/", "")

    def masked(self, finding: Finding) -> Finding:
        return replace(finding, message=self.readable(finding.message), remedy=self.readable(finding.remedy))


@dataclass(frozen=True)
class Example:
    """One way to break a rule."""

    rule: str
    #: One sentence that says what was done.
    done: str
    #: Names and versions of this example that the remedy has to name, so that it can be typed as it stands.
    names: tuple[str, ...]
    #: Builds it and returns what the product says; findings of other rules may be among them.
    build: Callable[[Stage], Iterable[Finding]]
