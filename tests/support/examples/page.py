"""Builds every example and writes the page ``docs/rules.md``."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.inspection import Inspection, Request
from pytest_archcheck.machine.target import Target
from pytest_archcheck.reports import terminal, text
from pytest_archcheck.reports.outcome import Answer, Outcome, Result
from pytest_archcheck.rules.catalog import RULES
from support.examples import accelerators, files, links, packages, runs
from support.examples.stage import ARM64, Example, Stage

if TYPE_CHECKING:
    from pytest_archcheck.findings import Finding

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
COMMAND = "python tests/rules_page.py"

EXAMPLES: tuple[Example, ...] = (
    *files.EXAMPLES,
    *links.EXAMPLES,
    *packages.EXAMPLES,
    *accelerators.EXAMPLES,
    *runs.EXAMPLES,
)

_HEAD = f"""\
# Every rule with an example

An error fails the check. A warning is one `pytest_archcheck.ArchcheckWarning` for the check, and `-W
error::pytest_archcheck.ArchcheckWarning` makes it fail. A note stands in `-v` and in the reports only. Severities
follow the loader (dyld on macOS, ld.so on Linux), so the one in the table is the usual one: a file that nothing loads
unasked is never more than a note.

A *slice* is the code for one architecture in a file, of which macOS allows several. An *rpath* is a folder in which
the loader looks for libraries.

This page is written by `{COMMAND}`; a test keeps it true. Each example was built and judged: the text is what pytest
shows, with paths relative to the project. What a machine or a framework answers (Rosetta, a GPU, its speed) is given,
not measured. An error stands in pytest's failures; a warning stands at the end of the run, and so does a note where
`-v` asks for it.
"""


@dataclass(frozen=True)
class Shown:
    """What the product says of one example."""

    example: Example
    #: Those of the example's rule, with readable paths.
    findings: tuple[Finding, ...]
    #: The text that a person sees.
    text: str
    #: What shows it in a real run; None where it takes another machine or a framework.
    request: Request | None


def show(example: Example, folder: Path) -> Shown:
    """Build an example in an empty folder and ask the product about it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONDA_SUBDIR", raising=False)
        stage = Stage(folder, patch)
        found = tuple(stage.masked(finding) for finding in example.build(stage) if finding.rule == example.rule)
    return Shown(example, found, _text(found), stage.request)


def show_all() -> tuple[Shown, ...]:
    """Show every example, in the order of the catalogue."""
    order = list(RULES)
    shown = []
    for example in sorted(EXAMPLES, key=lambda one: order.index(one.rule)):
        with tempfile.TemporaryDirectory() as folder:
            shown.append(show(example, Path(folder)))
    return tuple(shown)


def _text(findings: tuple[Finding, ...]) -> str:
    """What pytest shows of one check with these findings: as its failure, or at the end of a run with ``-v``."""
    if text.failing(findings):
        return text.text(findings)
    subject = findings[0].subject
    outcome = Outcome(subject=subject, title=subject, state="passed", answer=Answer(findings=findings))
    result = Result(inspection=_EMPTY, outcomes=(outcome,), notes=(), complete=True)
    return "\n".join(line.text for line in terminal.summary(result, 1, failures_shown=True))


_EMPTY = Inspection(
    target=Target.parse(ARM64),
    environments=(),
    checks=(),
    skipped=(),
    signatures={},
    wheel_targets={},
    files=0,
    seconds=0.0,
)


def page(shown: tuple[Shown, ...]) -> str:
    """The whole page."""
    rows = (f"| [`{rule.name}`](#{rule.name}) | {rule.severity} | {rule.summary} |" for rule in RULES.values())
    table = "\n".join(["| rule | severity | broken when |", "|---|---|---|", *rows])
    return "\n".join([_HEAD, table + "\n", *map(_section, shown)])


def _section(one: Shown) -> str:
    rule = RULES[one.example.rule]
    return f"## `{rule.name}`\n\n{rule.severity}: {rule.summary}\n\nExample: {one.example.done}\n\n```text\n{one.text}\n```\n"
