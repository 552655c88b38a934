"""Reports joined: shards become the run that they are parts of, others stand side by side, what is no report is refused."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from support.machos import bundle
from support.sites import add_distribution

import pytest_archcheck
from pytest_archcheck.inspection import Request, run
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.__main__ import main
from pytest_archcheck.reports.outcome import Answer, Outcome, Result, State
from pytest_archcheck.reports.page import carried
from pytest_archcheck.reports.reading import NotAReport, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.inspection import Inspection

Json = dict[str, Any]
SCHEMA = json.loads((Path(json_report.__file__).parent / "schema.json").read_text(encoding="utf-8"))
TARGET = "macosx_14_0_arm64"


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    site = tmp_path_factory.mktemp("site")
    for number in range(6):
        architecture = "x86_64" if number == 3 else "arm64"
        add_distribution(
            site, f"p{number}", "1.0", {f"p{number}/_a.so": bundle(architecture)}, tags=("cp311-cp311-macosx_11_0_arm64",)
        )
    return run(Request(paths=(str(site),), target=TARGET))


def document(inspection: Inspection, chosen: Callable[[int], bool] = lambda _: True, *, ended: int = 99) -> Json:
    """The report of a run that had selected some checks, and was interrupted after so many."""
    outcomes = []
    for place, check in enumerate(inspection.checks):
        if chosen(place):
            broken = any(finding.severity == "error" for finding in check.findings)
            state: State = "not run" if place >= ended else "failed" if broken else "passed"
            answer = Answer(findings=check.findings)
            outcomes.append(Outcome(subject=check.subject, title=check.title, state=state, answer=answer, place=place))
    complete = all(outcome.state != "not run" for outcome in outcomes)
    return json_report.document(Result(inspection=inspection, outcomes=tuple(outcomes), notes=(), complete=complete))


def merged(tmp_path: Path, *documents: Json, options: tuple[str, ...] = ()) -> tuple[int, Json]:
    paths = []
    for number, one in enumerate(documents):
        path = tmp_path / f"part{number}.json"
        path.write_text(json.dumps(one), encoding="utf-8")
        paths.append(str(path))
    status = main([*paths, "--json", str(tmp_path / "out.json"), *options])
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(written)
    return status, written


def test_shards_become_the_run(inspection: Inspection, tmp_path: Path) -> None:
    whole = document(inspection)
    odd, even = (document(inspection, _every(2, first)) for first in (1, 0))
    for parts in ([odd, even], [even, odd]):
        assert merged(tmp_path, *parts) == (1, whole)
    assert merged(tmp_path, *(document(inspection, _every(3, first)) for first in (2, 0, 1))) == (1, whole)


def _every(step: int, first: int) -> Callable[[int], bool]:
    return lambda place: place % step == first


def test_what_one_part_did_not_run_another_did(inspection: Inspection, tmp_path: Path) -> None:
    interrupted = document(inspection, ended=2)
    rest = document(inspection, lambda place: place >= 2)
    assert not interrupted["complete"]
    assert merged(tmp_path, interrupted, rest) == (1, document(inspection))


def test_parts_that_pass_are_a_run_that_passes(inspection: Inspection, tmp_path: Path) -> None:
    parts = [document(inspection, lambda place, one=one: place == one) for one in (0, 1)]  # type: ignore[misc]
    status, written = merged(tmp_path, *parts)
    assert (status, written["verdict"], len(written["checks"])) == (0, "pass", 2)


def test_a_check_that_failed_for_no_finding_fails_the_run(inspection: Inspection, tmp_path: Path) -> None:
    parts = [document(inspection, lambda place, one=one: place == one) for one in (0, 1)]  # type: ignore[misc]
    parts[1]["checks"][0]["state"] = "failed"  # another plugin's doing
    status, written = merged(tmp_path, *parts)
    assert (status, written["verdict"]) == (1, "fail")


def test_an_incomplete_run_stays_one(inspection: Inspection, tmp_path: Path) -> None:
    status, written = merged(tmp_path, document(inspection, lambda place: place < 3, ended=2))
    assert (status, written["verdict"], written["complete"]) == (2, "pass", False)


@pytest.mark.parametrize("ended", [99, 1])
def test_a_folder_that_nobody_could_look_into_stays_unseen(inspection: Inspection, tmp_path: Path, ended: int) -> None:
    parts = [document(inspection, _every(2, first), ended=ended) for first in (0, 1)]
    for part in parts:
        part["complete"] = False
        part["skipped"].append({"subject": "/env/lib", "reason": "Permission denied", "unseen": True})
    rest = [document(inspection, lambda place: place > 0)] if ended == 1 else []
    assert merged(tmp_path, *parts[: 1 if rest else 2], *rest)[1]["complete"] is False


def test_parts_that_ran_all_and_are_not_complete_stay_so(inspection: Inspection, tmp_path: Path) -> None:
    """Reports of an earlier version do not say why."""
    parts = [document(inspection, _every(2, first)) | {"complete": False} for first in (0, 1)]
    assert merged(tmp_path, *parts)[1]["complete"] is False


def test_one_that_passes(inspection: Inspection, tmp_path: Path) -> None:
    assert merged(tmp_path, document(inspection, lambda place: place < 3))[0] == 0


def test_machines_of_a_fleet_are_no_shards(inspection: Inspection, tmp_path: Path) -> None:
    """The same target, the same path, and each has run every check."""
    status, written = merged(tmp_path, document(inspection), document(inspection))
    assert status == 1
    assert [one["label"] for one in written["reports"]] == ["part0", "part1"]
    assert {one["report"]["verdict"] for one in written["reports"]} == {"fail"}


def test_targets_stand_side_by_side_and_can_be_merged_again(inspection: Inspection, tmp_path: Path) -> None:
    other = document(inspection)
    other["target"] = {"tag": "macosx_14_0_x86_64", "system": "macos", "architecture": "x86_64", "os_version": "14.0"}
    _, written = merged(tmp_path, document(inspection), other)
    assert [one["label"] for one in written["reports"]] == [TARGET, "macosx_14_0_x86_64"]
    again = document(inspection)
    again["target"] = {"tag": "manylinux_2_28_aarch64", "system": "linux", "architecture": "aarch64", "os_version": None}
    _, third = merged(tmp_path, written, again)
    assert [one["label"] for one in third["reports"]] == [TARGET, "macosx_14_0_x86_64", "manylinux_2_28_aarch64"]


def test_a_page_is_read_as_its_json(inspection: Inspection, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    merged(tmp_path, document(inspection), options=("--html", str(page)))
    (inside,) = read(str(page))
    assert inside.document == document(inspection)


def test_standard_output_without_options(inspection: Inspection, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document(inspection)), encoding="utf-8")
    assert main([str(path)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == document(inspection)
    assert err == "one: fail, 1 check with errors\n"


# What is refused.


def page_with(content: bytes) -> str:
    return f'<!doctype html>\n<script type="application/x-archcheck-report">{b64encode(content).decode()}</script>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "it has no schema_version"),
        ('{"schema_version": 2}', "schema_version 2, expected 1"),
        ('{"schema_version": true}', "schema_version True, expected 1"),
        ('{"schema_version": "\\u001b[31m"}', "schema_version \\x1b[31m, expected 1"),
        ('{"schema_version": 1}', "the report has no archcheck_version"),
        ('{"schema_version": 1, "reports": 7}', "the report has no archcheck_version"),
        ("<!doctype html><p>hello", "no page of archcheck"),
        (page_with(b"junk"), "the report in the page is damaged"),
        (page_with(zlib.compress(b"[")), "the report in the page is damaged"),
        (page_with(zlib.compress(b"{}")[:-3]), "cut short or too large"),
    ],
)
def test_no_report_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="utf-8")
    assert main([str(path), "--html", str(tmp_path / "page.html")]) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"pytest_archcheck.reports: {path}: ")
    assert said in error
    assert error.isprintable() or error[:-1].isprintable()
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_unpacks_to_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_archcheck.limits.MERGED_REPORT_SIZE", 100_000)
    path = tmp_path / "bomb.html"
    path.write_text(page_with(zlib.compress(b" " * 10_000_000)), encoding="utf-8")
    with pytest.raises(NotAReport, match="cut short or too large"):
        read(str(path))
    path.write_text(" " * 200_000, encoding="utf-8")
    with pytest.raises(NotAReport, match="larger than 100000 bytes"):
        read(str(path))


def test_every_value_is_compared_with_the_schema(inspection: Inspection, tmp_path: Path) -> None:
    """Each value of a report replaced by one of another type, in turn: refused with its place, never a traceback."""
    whole = document(inspection, lambda place: place in (1, 3))
    path = tmp_path / "bad.json"
    tried = 0
    for holder, key in _places(whole)[::3]:
        kept = holder[key]
        bad: Any
        for bad in (7.5, "x" if not isinstance(kept, str) else [], None if kept is not None else {}):
            holder[key] = bad
            try:
                jsonschema.Draft202012Validator(SCHEMA).validate(whole)
            except jsonschema.ValidationError:
                path.write_text(json.dumps(whole), encoding="utf-8")
                with pytest.raises(NotAReport, match=r"the report|schema_version"):
                    read(str(path))
                tried += 1
        holder[key] = kept
    assert tried > 40


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def test_keys_of_a_later_version_are_no_mistake(inspection: Inspection, tmp_path: Path) -> None:
    later = document(inspection) | {"more": 1}
    later["findings"][0]["since"] = "yesterday"
    path = tmp_path / "later.json"
    path.write_text(json.dumps(later), encoding="utf-8")
    assert read(str(path))[0].document["more"] == 1
    assert main([str(path), "--html", str(tmp_path / "later.html")]) == 1


def test_reports_of_an_earlier_version_are_shown(inspection: Inspection, tmp_path: Path) -> None:
    """Without checks, sizes and links, as before they were added."""
    earlier = document(inspection)
    del earlier["checks"], earlier["aim"]
    for distribution in earlier["distributions"]:
        del distribution["subject"]
        for binary in distribution["binaries"]:
            del binary["size"], binary["links"]
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(earlier), encoding="utf-8")
    assert main([str(path), "--html", str(tmp_path / "earlier.html")]) == 1
    assert "p3 1.0" in (tmp_path / "earlier.html").read_text(encoding="utf-8")


def test_a_usage_error_has_its_own_status(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([]) == 4
    assert main(["--help"]) == 0
    assert main([str(tmp_path / "gone.json")]) == 4
    assert "gone.json: No such file or directory" in capsys.readouterr().err
    assert pytest_archcheck.__version__


def test_what_is_carried_ends_no_element() -> None:
    hostile = {"name": "</script><script>alert(1)</script><!--"}
    element = carried.pack(hostile)
    assert element.count("<") == 2
    assert carried.unpack(element) == hostile
