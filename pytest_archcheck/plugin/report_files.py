"""The files that a run leaves: JSON, the page, SARIF. Checked before the run, written at its beginning and at its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.plugin.settings import Settings
    from pytest_archcheck.reports.json_report import Links
    from pytest_archcheck.reports.outcome import Result

#: The options that name such a file, and the settings that hold its path.
_OPTIONS = ("json", "html", "sarif")


def check(checked: Settings) -> list[str]:
    """See that each file can be written; return the folders that were made for it.

    Raises :class:`pytest.UsageError` for one that cannot.
    """
    asked = dict(_paths(checked))
    if not asked:
        return []
    from pytest_archcheck.reports import writing

    made = []
    written = dict.fromkeys(map(os.path.realpath, checked.paths), "what is inspected")
    for name, path in asked.items():
        taken = written.setdefault(os.path.realpath(path), f"the report of --archcheck-{name}")
        if not taken.endswith(f"-{name}") and not writing.is_special(path):
            raise pytest.UsageError(f"--archcheck-{name}: {escape(path)} is {taken} already: name another file")
        folder = os.path.dirname(path)
        new = not os.path.isdir(folder)
        try:
            writing.check_writable(path)
        except OSError as error:
            raise pytest.UsageError(
                f"--archcheck-{name}: got {path!r}, expected a file that can be written: {error.strerror or escape(str(error))}"
            ) from error
        if new and os.path.isdir(folder):
            made.append(folder)
    return made


class ReportFiles:
    """The files of one run."""

    def __init__(self, checked: Settings, root: str) -> None:
        self._settings = checked
        self._root = root
        self._links: tuple[object, Links] | None = None

    def __bool__(self) -> bool:
        """Whether any was asked for."""
        return any(_paths(self._settings))

    def write(self, result: Result) -> list[str]:
        """Write each file that was asked for; of those that cannot be written (any more) say so, a line each."""
        asked = dict(_paths(self._settings))
        if not asked:
            return []
        from pytest_archcheck.reports import json_report, writing

        links = self._links_of(result)
        document = json_report.document(result, links) if asked.keys() - {"json"} else {}
        unwritten = []
        for name, path in asked.items():
            if writing.is_special(path) and not result.finished:
                continue  # it is read as it is written: only the last word
            try:
                if name == "json":
                    writing.write_pieces(path, json_report.pieces(result, links))
                else:
                    writing.write_text(path, self._content(name, document))
            except OSError as error:
                unwritten.append(cannot_write(f"{escape(path)} (--archcheck-{name})", error))
        return unwritten

    def _links_of(self, result: Result) -> Links:
        """Who links to whom, found out once a run."""
        found = result.inspection.environments
        if self._links is None or self._links[0] is not found:
            self._links = (found, result.inspection.links())
        return self._links[1]

    def _content(self, name: str, document: dict[str, Any]) -> str:
        if name == "html":
            from pytest_archcheck.reports.merge import Labelled
            from pytest_archcheck.reports.page import render

            return render(document, [Labelled("", document)])
        if name == "sarif":
            from pytest_archcheck.reports import sarif

            document = sarif.document(document, self._root)
        import json

        return json.dumps(document, indent=2) + "\n"


def cannot_write(what: str, error: OSError) -> str:
    """Say that something could not be written."""
    return f"archcheck: cannot write {what}: {error.strerror or escape(str(error))}"


def _paths(checked: Settings) -> Iterator[tuple[str, str]]:
    for name in _OPTIONS:
        path = getattr(checked, name)
        if path is not None:
            yield name, path
