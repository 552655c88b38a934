"""Runs pytest as a user does, in a process of its own, and reads what it said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Where the path of a plugin's option is a word of its own, pytest may take it for its root and show ids relative to it.
_FAILED = re.compile(r"^FAILED (?:\S*/)?(archcheck::\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What one run left: exit status, the screen, the JSON report (empty where none was written)."""

    status: int
    text: str
    report: Mapping[str, Any]

    @property
    def failed(self) -> set[str]:
        """Ids of the failed checks, from pytest's own short summary."""
        return set(_FAILED.findall(self.text))

    def subjects(self, severity: str) -> set[str]:
        """Subjects of the findings of that severity."""
        return {finding["subject"] for finding in self.report["findings"] if finding["severity"] == severity}

    @property
    def binaries(self) -> dict[str, dict[str, Any]]:
        """The report's binaries by their absolute path."""
        found = {}
        for distribution in self.report["distributions"]:
            for binary in distribution["binaries"]:
                found[os.path.join(distribution["location"], binary["path"])] = binary
        return found

    def assert_healthy(self) -> None:
        """Exit 0, and not one error or warning on the screen or in the report."""
        bad = [finding for finding in self.report["findings"] if finding["severity"] != "note"]
        assert not bad, self.text
        assert (self.status, self.report["verdict"], self.report["complete"]) == (0, "pass", True), self.text
        assert "warning" not in self.text.lower()


def run_pytest(folder: Path, *arguments: str | Path) -> Outcome:
    """Run ``pytest ARGUMENTS --archcheck-json ...`` in an empty project at ``folder``."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += [*map(str, arguments), "--archcheck-json", str(report)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    result = subprocess.run(
        command, cwd=folder, env=environment | {"COLUMNS": "100"}, capture_output=True, text=True, check=False, timeout=300
    )
    content = json.loads(report.read_text()) if report.exists() else {}
    return Outcome(result.returncode, result.stdout + result.stderr, content)
