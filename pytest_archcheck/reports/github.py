"""What GitHub Actions shows: a step summary in Markdown, and annotations on the pull request.

Formats: "Workflow commands for GitHub Actions" in GitHub's documentation (``::error title=...::...`` on a line of its own, and
the file that ``GITHUB_STEP_SUMMARY`` names).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.reports import text
from pytest_archcheck.reports.explain import rules
from pytest_archcheck.reports.places import below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.reports.outcome import Outcome, Result

#: ASCII punctuation that means something to GitHub's Markdown; a backslash before it makes it plain; ``www.`` is a link.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$:]|(?<=www)\.)", re.IGNORECASE)


def summary(result: Result) -> str:
    """Return the step summary; empty where no check has an error or a warning."""
    rows = [row for outcome in result.outcomes for row in _rows(outcome)]
    pending = sum(outcome.answer.pending for outcome in result.outcomes)
    if not rows and not pending:
        return ""
    broken = sum(outcome.broken for outcome in result.outcomes)
    checks = text.count(len(result.outcomes), "check")
    lines = [
        f"### archcheck: {_result(broken, pending, checks)}",
        "",
        f"Target: {_plain(result.inspection.aim)}.",
    ]
    waiting = sum(outcome.state == "not run" for outcome in result.outcomes)
    if waiting:
        lines[-1] += f" {waiting} of {checks} did not run; "
        lines[-1] += "what the inspection found is shown." if pending < waiting else "nothing is known of them."
    if not rows:
        return "\n".join(lines) + "\n\n"
    lines += ["", "| check | finding | what to do |", "|---|---|---|", *rows[: limits.GITHUB_ROWS]]
    if len(rows) > limits.GITHUB_ROWS:
        lines += ["", f"... and {len(rows) - limits.GITHUB_ROWS} more"]
    shown = (one.rule for outcome in result.outcomes for one in outcome.answer.findings if one.severity != "note")
    example = next((rule for rule in shown if rule in rules()), None)
    if example is not None:
        lines += ["", f"What a rule says, with an example: `pytest --archcheck-explain {example}`"]
    return "\n".join(lines) + "\n\n"


def _result(broken: int, pending: int, checks: str) -> str:
    if broken:
        return f"{broken} of {checks} failed"
    return f"{pending} of {checks} did not run" if pending else f"{checks} passed, not without findings"


def write_summary(path: str, result: Result) -> None:
    """Append the summary to the step's file. Raises :class:`OSError`."""
    content = summary(result)
    if content:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(content)


def workflow_commands(result: Result) -> list[str]:
    """Return a workflow command for each check that fails or warns; the last of many counts the others."""
    lines = []
    failing = [(outcome, text.failing(outcome.answer.findings)) for outcome in result.outcomes if outcome.broken]
    warned = [(outcome, text.warning(outcome.answer.findings)) for outcome in result.outcomes if not outcome.broken]
    for kind, entries in (("error", failing), ("warning", [entry for entry in warned if entry[1]])):
        shown = entries if len(entries) <= limits.GITHUB_ANNOTATIONS else entries[: limits.GITHUB_ANNOTATIONS - 1]
        for outcome, findings in shown:
            said = text.text(findings) or outcome.reason or "failed"
            lines.append(_command(kind, outcome.subject, said, _file(outcome.subject, result.inspection)))
        rest = [outcome.subject for outcome, _ in entries[len(shown) :]]
        if rest:
            lines.append(_command(kind, f"{len(rest)} more checks", text.joined(rest, most=30), None))
    return lines


def _rows(outcome: Outcome) -> Iterator[str]:
    for group in text.group(outcome.answer.findings):
        if group.severity == "note":
            continue
        shown = [*group.paths[: text.SHOWN_PATHS]]
        if len(group.paths) > text.SHOWN_PATHS:
            shown.append(f"... and {len(group.paths) - text.SHOWN_PATHS} more")
        what = "<br>".join([f"**{group.severity}** {_plain(group.headline)}", *map(_plain, shown)])
        remedy = _code(group.remedy) if group.allowed is None else _plain(f"allowed: {group.allowed}")
        yield f"| {_plain(outcome.subject)} | {what} | {remedy} |"


def _plain(words: str) -> str:
    """Text that Markdown, and the HTML in it, show as it is."""
    return _MARKDOWN.sub(r"\\\1", text.sentence(words))


def _code(words: str) -> str:
    """What to type, as it is to be typed: quotes, dashes and stars stay what they are, also inside a table."""
    shown = text.sentence(words, limits.REMEDY_LENGTH)
    return f"<code>{_MARKDOWN.sub(lambda match: f'&#{ord(match[1])};', shown)}</code>"


def _command(kind: str, subject: str, message: str, file: str | None) -> str:
    place = f"file={_property(file)}," if file else ""
    return f"::{kind} {place}title={_property(f'archcheck: {subject}')}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _file(subject: str, inspection: Inspection) -> str | None:
    """The lock file that a check speaks of, where it lies in the repository: the annotation is then shown there."""
    workspace = os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
    for environment in inspection.environments:
        if environment.kind == "lock" and subject.startswith(f"{environment.label}::"):
            return below(environment.path, workspace)
    return None
