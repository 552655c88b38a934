"""What was read and is no answer: a path of which nothing could be judged is no pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.judge.inputs import Judged
    from pytest_archcheck.machine.target import Target

#: Where uvx, uv tool install and pipx keep the environments of programs.
_OF_TOOLS = re.compile(r"[/\\](?:tools|venvs|archive-v\d+|environments-v\d+)[/\\][^/\\]+$")
_MADE_FOR_A_PROGRAM = (
    "uvx or pipx made it for a program, and nothing that is compiled is installed there: name the environment that is meant: "
    "pytest-archcheck .venv (in pytest: --archcheck-path=.venv)"
)


def unjudged_paths(judged: Iterable[Judged], target: Target) -> Iterator[Skipped]:
    """The paths of which nothing could be judged: nothing is there, or nothing of it is for the target's loader.

    An environment of pure Python distributions was judged, and so was the running one.
    """
    for one in judged:
        environment = one.environment
        if environment.kind == "active":
            if _is_a_tools_own(environment):
                yield Skipped(environment.path, _MADE_FOR_A_PROGRAM)
        elif environment.kind != "lock":
            files = [binary for owner in environment.distributions for binary in owner.binaries]
            if not environment.projects and not files:
                yield Skipped(environment.path, "nothing is installed there")
            elif files and (target.system == "windows" or all(binary.format == "pe" for binary in files)):
                yield Skipped(environment.path, f"none of its {len(files)} compiled files could be judged for {target.name}")


def _is_a_tools_own(environment: Environment) -> bool:
    compiled = any(owner.name for owner in environment.distributions)
    return not compiled and _OF_TOOLS.search(environment.path) is not None
