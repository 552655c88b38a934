"""The compatibility table that a run of ``tests/compatibility`` ends with, made of what its tests reported.

It is a plugin because pytest-xdist's controller, which prints, never loads the conftest file of a folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

#: Names of the properties that carry a test's cell to the table.
ROW, COLUMN, SEEN = "compatibility_row", "compatibility_column", "compatibility_seen"
_WORDS = {"passed": "ok", "failed": "FAILED", "error": "FAILED", "skipped": "not at hand"}


def record(record_property: Callable[[str, object], None], row: str, column: str) -> None:
    """Say which cell a test fills: at its very beginning, so that a failure is seen too."""
    record_property(ROW, row)
    record_property(COLUMN, column)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, if anything for it ran."""
    cells: dict[str, dict[str, str]] = {}
    for category, word in _WORDS.items():  # an error in teardown comes after, and replaces, what the call said
        for report in terminalreporter.stats.get(category, []):
            told = dict(getattr(report, "user_properties", ()))
            if ROW in told:
                seen = f" {told[SEEN]}" if SEEN in told else ""
                cells.setdefault(told[ROW], {})[told[COLUMN]] = f"{word}{seen}"
    if not cells:
        return
    terminalreporter.section("compatibility")
    for kind in ("Python", "beside"):
        for line in _table(kind, {row: columns for row, columns in cells.items() if row.startswith(kind)}):
            terminalreporter.write_line(line)


def _table(title: str, cells: dict[str, dict[str, str]]) -> Iterable[str]:
    """Lines of a Markdown table: rows in natural order, columns as they came."""
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    if not columns:
        return
    yield f"| {title} | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for row in sorted(cells, key=_natural):
        yield f"| {row.removeprefix(title).strip()} | {' | '.join(cells[row].get(column, '-') for column in columns)} |"
    yield ""


def _natural(row: str) -> list[tuple[bool, int, str]]:
    """A key that sorts 3.9 before 3.10, and numbers before words."""
    parts = re.findall(r"\d+|[^\d\s.,]+", row)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
