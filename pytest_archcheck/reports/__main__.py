"""``python -m pytest_archcheck.reports``: several reports as one JSON, one page, one verdict.

Ends with 0 where every report passes and is complete, 1 where one fails, 2 where none fails and one is not complete, 4 for a
file that is no report or cannot be written.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from pytest_archcheck.reports import text, writing
from pytest_archcheck.reports.merge import fails_a_check, merge
from pytest_archcheck.reports.page import render
from pytest_archcheck.reports.reading import NotAReport, read

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge, write, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_archcheck.reports",
        description="Join archcheck's reports: parts of one run become its report, others stand side by side.",
    )
    parser.add_argument(
        "reports", nargs="+", metavar="FILE", help="a report as JSON, or a page that carries one; earlier runs first"
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write a page: a matrix of distributions against reports where they are several"
    )
    parser.add_argument("--json", metavar="FILE", help="write the JSON (default: standard output, unless --html is given)")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as ended:  # argparse's own status for a usage error is 2, which means something else here
        return 4 if ended.code else 0
    try:
        document, reports = merge([one for path in given.reports for one in read(path)])
        content = json.dumps(document, indent=2) + "\n"
        if given.json:
            writing.write_text(given.json, content)
        if given.html:
            writing.write_text(given.html, render(document, reports))
        if not (given.json or given.html):
            sys.stdout.write(content)
    except NotAReport as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror or error}")
    for one in reports:
        failing = len({finding["subject"] for finding in one.document["findings"] if fails_a_check(finding)})
        complete = "" if one.document["complete"] else ", not complete"
        said = f"{one.document['verdict']}{complete}" + (f", {text.count(failing, 'check')} with errors" if failing else "")
        sys.stderr.write(f"{text.sentence(one.label)}: {said}\n")
    if document["verdict"] == "fail":
        return 1
    return 0 if document["complete"] else 2


def _refuse(reason: str) -> int:
    sys.stderr.write(f"pytest_archcheck.reports: {text.sentence(reason)}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
