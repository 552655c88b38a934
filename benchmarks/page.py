"""How large the page is and what it costs, in processor time, for environments of two shapes: ``python benchmarks/page.py``.

With the extra ``test`` and a ``chromium`` on PATH it also says what a browser does until the page can be used.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.machos import LIBSYSTEM, bundle, dylib
from support.sites import add_distribution

from pytest_archcheck.inspection import Inspection, Request, run
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.merge import Labelled
from pytest_archcheck.reports.outcome import Answer, Outcome, Result, State
from pytest_archcheck.reports.page import render

#: (distributions, compiled files): an application, and as many projects as anybody installs.
SHAPES = ((50, 1600), (1000, 2000))
#: One distribution of so many is for Intel only, and one lacks its library.
_BROKEN_EVERY = 10


def build(site: Path, distributions: int, files: int) -> None:
    """Each distribution has modules that link to its own library, to one of another and to two of the system."""
    each = files // distributions - 1
    for number in range(distributions):
        name = f"project-{number:04}"
        folder = name.replace("-", "_")
        architecture = "x86_64" if number % _BROKEN_EVERY == 3 else "arm64"
        module = bundle(
            architecture,
            libraries=[f"@loader_path/.dylibs/lib{folder}.dylib", LIBSYSTEM, "/usr/lib/libc++.1.dylib"],
            rpaths=["@loader_path/.dylibs"],
        )
        contents = {f"{folder}/sub/_module_{part:03}.cpython-311-darwin.so": module for part in range(each)}
        if number % _BROKEN_EVERY != 7:
            library = dylib(
                architecture, install_name=f"@rpath/lib{folder}.dylib", exports=[f"_{folder}_{one}" for one in range(50)]
            )
            contents[f"{folder}/sub/.dylibs/lib{folder}.dylib"] = library
        add_distribution(site, name, "1.0", contents, tags=(f"cp311-cp311-macosx_11_0_{architecture}",))


def document(inspection: Inspection) -> dict[str, Any]:
    """The JSON of a run in which every check ran."""
    outcomes = []
    for place, check in enumerate(inspection.checks):
        failed = any(finding.severity == "error" for finding in check.findings)
        answer = Answer(findings=check.findings)
        state: State = "failed" if failed else "passed"
        outcomes.append(Outcome(subject=check.subject, title=check.title, state=state, answer=answer, place=place))
    return json_report.document(Result(inspection=inspection, outcomes=tuple(outcomes), notes=(), complete=True))


def seconds_in_browser(page: Path) -> float | None:
    """Processor time of the page's thread until the script has run and everything is drawn."""
    program = shutil.which("chromium")
    if program is None:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--headless", "--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        session = opened.context.new_cdp_session(opened)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        opened.goto(page.as_uri())
        opened.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        browser.close()
    seconds: float = metrics["TaskDuration"]
    return seconds


def main() -> None:
    """Print a row for each shape."""
    heads = "distributions, compiled files, JSON, page, page gzipped, JSON made in, page made in, a browser's work"
    print(f"| {heads.replace(', ', ' | ')} |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for distributions, files in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), distributions, files)
            inspection = run(Request(paths=(folder,), target="macosx_14_0_arm64"))
            begin = time.process_time()
            report = document(inspection)
            made = time.process_time()
            text = render(report, [Labelled("", report)])
            rendered = time.process_time()
            page = Path(folder) / "page.html"
            page.write_text(text, encoding="utf-8")
            usable = seconds_in_browser(page)
            figures = [
                str(distributions),
                str(len(inspection.binaries)),
                f"{len(json.dumps(report, indent=2)) / 1e6:.2f} MB",
                f"{len(text.encode()) / 1e6:.2f} MB",
                f"{len(zlib.compress(text.encode(), 6)) / 1e6:.2f} MB",
                f"{made - begin:.2f} s",
                f"{rendered - made:.2f} s",
                "-" if usable is None else f"{usable:.2f} s",
            ]
            print(f"| {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
