"""What a page says of a report: the page itself is looked at in `tests/browser`."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_archcheck.reports.page.checks import checks
from pytest_archcheck.reports.page.facts import Anchors, Report
from pytest_archcheck.reports.page.picture import Picture
from pytest_archcheck.reports.page.pieces import remedy_of
from pytest_archcheck.reports.page.remedies import todos
from pytest_archcheck.reports.page.verdict import summary, verdict

Json = dict[str, Any]
TARGET = {"tag": "macosx_14_0_arm64", "system": "macos", "architecture": "arm64", "os_version": "14.0"}


def finding(subject: str, path: str | None, *, remedy: str, severity: str = "error") -> Json:
    said = {"rule": "missing-library", "severity": severity, "subject": subject, "distribution": subject, "path": path}
    return said | {"message": "is not sound", "remedy": remedy, "allowed": None}


def distribution(name: str, *paths: str) -> Json:
    file = {"format": "mach-o", "role": "extension", "size": 1500, "architectures": ["arm64"], "min_os": {}, "signature": {}}
    binaries = [file | {"path": path} for path in paths]
    return {"name": name, "version": "1", "installer": "pip", "tags": [], "location": "/site", "binaries": binaries}


def report(*distributions: Json, findings: tuple[Json, ...] = (), emulation: str | None = None, told: bool = True) -> Report:
    interpreter = {"path": "/python", "version": "3.12.1", "architectures": ["arm64"], "emulation": emulation}
    document: Json = {
        "verdict": "pass",
        "complete": True,
        "target": TARGET,
        "environment": {"paths": ["/site"], "interpreter": interpreter},
        "distributions": list(distributions),
        "findings": list(findings),
        "skipped": [],
        "scan": {"files": 1, "binaries": 1, "seconds": 0.1},
    }
    if told:
        document["checks"] = [{"subject": "asked", "title": "asked 1", "state": "passed", "place": 0}]
    return Report(document, Anchors())


def test_files_that_no_check_asks_about() -> None:
    asked, unasked = report(distribution("asked", "a.so"), distribution("unasked", "b.so")).subjects
    assert (asked.run, asked.state) == ("passed", "pass")
    assert (unasked.run, unasked.state) == ("none", "unknown")
    assert unasked.reason is not None
    assert "no check asks about these files" in unasked.reason


def test_reports_of_a_version_that_told_of_no_checks() -> None:
    (subject,) = report(distribution("numpy", "a.so"), told=False).subjects
    assert (subject.run, subject.reason, subject.state) == (None, None, "pass")


def test_what_mends_most_goes_first_among_what_is_as_bad() -> None:
    found = [
        finding("asked", "a.so", remedy="mends one file"),
        finding("asked", None, remedy="mends none"),
        finding("asked", "b.so", remedy="mends three"),
        finding("asked", "c.so", remedy="mends three"),
        finding("asked", "d.so", remedy="mends three"),
        *(finding("asked", f"{number}.so", remedy="only warns", severity="warning") for number in range(9)),
    ]
    names = [todo.remedy for todo in todos(report(findings=tuple(found)).subjects)]
    assert names == ["mends three", "mends one file", "mends none", "only warns"]


@pytest.mark.parametrize(("emulation", "said"), [(None, "3.12.1 arm64<"), ("rosetta", "3.12.1 arm64, under rosetta<")])
def test_an_emulated_python_is_said_to_be_one(emulation: str | None, said: str) -> None:
    assert said in summary(report(emulation=emulation))


def test_files_and_bytes_of_a_check_are_counted() -> None:
    page = checks(report(distribution("asked", "a.so", "b.so")))
    assert '<span class="size">2 files, 3.0 kB</span>' in page
    assert '<span class="size"></span>' in checks(report())


@pytest.mark.parametrize(
    ("complete", "said"),
    [
        (True, "Everything compiled here loads and runs natively on macosx_14_0_arm64."),
        (False, "Nothing is known to fail on macosx_14_0_arm64."),
    ],
)
def test_the_verdict_of_what_passes(complete: bool, said: str) -> None:  # noqa: FBT001 - a case
    passing = report()
    passing.document["complete"] = complete
    assert verdict(passing) == said


def test_a_warning_is_no_failure() -> None:
    warned = report(findings=(finding("asked", None, remedy="x", severity="warning"),))
    assert verdict(warned) == "No check fails on macosx_14_0_arm64; 1 warns."


def test_what_is_allowed_is_shown_with_its_reason() -> None:
    allowed = finding("asked", "a.so", remedy="pip install b") | {"allowed": "not used here"}
    page = checks(report(distribution("asked", "a.so"), findings=(allowed,)))
    assert "<b>Allowed: </b>not used here" in page
    assert "pip install b" not in page


@pytest.mark.parametrize(
    ("architecture", "architectures", "foreign"),
    [
        ("arm64", ["arm64"], False),
        ("arm64", ["x86_64"], True),
        ("universal2", ["arm64"], True),
        ("universal2", ["arm64", "x86_64"], False),
    ],
)
def test_a_file_that_is_not_for_the_target_is_marked(architecture: str, architectures: list[str], *, foreign: bool) -> None:
    other = distribution("asked", "a.so")
    other["binaries"][0]["architectures"] = architectures
    shown = report(other)
    shown.document["target"] = TARGET | {"architecture": architecture}
    assert ('class="arch foreign"' in checks(shown)) is foreign


@pytest.mark.parametrize(("number", "few"), [(6, True), (7, False)])
def test_the_picture_of_a_few_is_low(number: int, *, few: bool) -> None:
    shown = str(Picture(report(*(distribution(f"p{one}", "a.so") for one in range(number)))).html())
    assert ('class="map few"' in shown) == few


def test_the_legend_explains_what_is_drawn_and_no_more() -> None:
    broken = finding("numpy", "a.so", remedy="pip install numpy")
    shown = str(Picture(report(distribution("numpy", "a.so"), findings=(broken,), told=False)).html())
    assert " error</li>" in shown
    assert "for the target alone</li>" in shown
    assert not [word for word in ("sound", "not judged", "for several", "not for the target") if f"{word}</li>" in shown]


def test_words_of_a_command_are_kept_whole() -> None:
    shown = str(remedy_of("type it: uv pip install --no-deps a && b", "uv pip install --no-deps a && b"))
    assert "<code><span>uv</span> <span>pip</span> <span>install</span> <span>--no-deps</span> <span>a</span></code>" in shown
