"""``--archcheck-explain``: what a rule says, on the terminal."""

from __future__ import annotations

import sys

import pytest

from pytest_archcheck.plugin.settings import near_names
from pytest_archcheck.reports import explain as explanations
from pytest_archcheck.reports.text import escape


def explain(names: list[str]) -> int:
    """Print what is known of each rule or id.

    Raises :class:`pytest.UsageError` for a name that is no rule's.
    """
    told = []
    for name in names:
        said = explanations.explain(name)
        if said is None:
            near = near_names(name, explanations.rules())
            hint = f"did you mean {' or '.join(near)}?" if near else f"rules are {', '.join(explanations.rules())}"
            raise pytest.UsageError(
                f"--archcheck-explain: got {escape(name)!r}, expected a rule or an id (archcheck::...); {hint}"
            )
        told.append(said)
    sys.stdout.write("\n".join("".join(map(_escaped, one.splitlines(keepends=True))) for one in told))
    return int(pytest.ExitCode.OK)


def _escaped(line: str) -> str:
    return escape(line.removesuffix("\n")) + "\n"
