"""What can be copied out of a remedy is a command, whole, and nothing else."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from pytest_archcheck.reports.page.remedies import command_of

RULES = Path(__file__).parents[2] / "docs" / "rules.md"
REMEDIES = re.findall(r"^ *remedy: (.*)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("remedy", "command"),
    [
        ("pip install numpy", "pip install numpy"),
        ("with a Python for macOS 14.0 arm64: pip install numpy==2.0.2", "pip install numpy==2.0.2"),
        ("pip install 'a<1; b, c'; or wait", "pip install 'a<1; b, c'"),
        ("keep one: pip uninstall a, then pip install b; or the other way round", "pip uninstall a && pip install b"),
        ("pip install a, or pip install b", "pip install a"),
        ("install a pair (with Python 3.12: pip install a==1 b==2), or pip uninstall b", "pip install a==1 b==2"),
        ("pip uninstall a until it says that nothing is installed", "pip uninstall a"),
        ("on the target: /opt/homebrew/bin/brew install libomp", "/opt/homebrew/bin/brew install libomp"),
        ("remove the line from archcheck_allow", None),
        ("use pip or conda, never both", None),
        ("", None),
    ],
)
def test_the_command(remedy: str, command: str | None) -> None:
    assert command_of(remedy) == command


def test_of_most_rules_there_is_one() -> None:
    found = [command_of(remedy) for remedy in REMEDIES]
    assert len(REMEDIES) > 30
    assert sum(one is not None for one in found) > len(found) * 0.7


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_shell_can_read_it(remedy: str) -> None:
    command = command_of(remedy)
    if command is None:
        return
    assert all(shlex.split(step) for step in command.split(" && "))
    subprocess.run(["bash", "-n", "-c", command], check=True, capture_output=True)  # noqa: S607
    assert not re.search(r" (?:or|if|then|until|and) ", re.sub(r"'[^']*'|\"[^\"]*\"", "", command)), command
