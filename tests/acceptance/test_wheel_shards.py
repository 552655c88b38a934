"""A folder of wheels in parts: what is merged is what one run writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.machos import bundle
from support.wheels import write_wheel

from pytest_archcheck.reports.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

_PART = """
def pytest_addoption(parser):
    parser.addoption("--part", type=int)

def pytest_collection_modifyitems(config, items):
    part = config.getoption("--part")
    if part is not None:
        config.hook.pytest_deselected(items=items[1 - part :: 2])
        items[:] = items[part::2]
"""


def run(pytester: pytest.Pytester, name: str, *arguments: str) -> dict[str, Any]:
    pytester.runpytest("--archcheck-path=house", f"--archcheck-json={name}.json", *arguments)
    return report(pytester.path / f"{name}.json")


def report(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    document["scan"].pop("seconds")
    return document


@pytest.fixture
def house(pytester: pytest.Pytester) -> Path:
    """Seven wheels in folders: an Intel one, one for Windows, a Linux one that says what was not looked at, one cut short."""
    folder = pytester.path / "house"
    for project in ("a", "b", "c"):
        write_wheel(folder / project, project, {f"{project}/_a.so": bundle("x86_64" if project == "b" else "arm64")})
    write_wheel(folder, "d", {"d/_a.pyd": b"MZ" + bytes(200)}, tag="cp311-cp311-win_amd64")
    for project in ("e", "f"):
        write_wheel(folder, project, {f"{project}/bin": b"\xcf\xfa\xed\xfe", f"{project}/_a.so": bundle()})
    (folder / "g-1.0-py3-none-any.whl").write_bytes(b"PK\3\4")
    pytester.makeconftest(_PART)
    return folder


@pytest.mark.usefixtures("house")
def test_two_parts_are_the_whole(pytester: pytest.Pytester) -> None:
    whole = run(pytester, "whole")
    assert (whole["verdict"], whole["complete"], len(whole["distributions"])) == ("fail", True, 7)
    assert whole["skipped"]
    for order in (("0", "1"), ("1", "0")):
        for part in order:
            assert len(run(pytester, f"part-{part}", "--part", part)["checks"]) in (3, 4)
        assert main([*(f"part-{part}.json" for part in order), "--json", "merged.json"]) == 1
        assert report(pytester.path / "merged.json") == whole


def test_the_rest_of_an_interrupted_run(pytester: pytest.Pytester, house: Path) -> None:
    """What had not run yet made the first part fail; once all has run, only what was found counts."""
    for broken in ("b/b-1.0-cp311-cp311-macosx_11_0_arm64.whl", "g-1.0-py3-none-any.whl"):
        (house / broken).unlink()
    whole = run(pytester, "whole")
    assert whole["verdict"] == "pass"
    half = json.loads(json.dumps(whole))
    late = [check["subject"] for check in whole["checks"]][3:]
    first = run(pytester, "first", "-k", " or ".join(one.rpartition("/")[2] for one in late))
    assert [check["subject"] for check in first["checks"]] == late
    # As the report of a run that was interrupted behind its third item.
    half["verdict"], half["complete"] = "fail", False
    half["checks"] = [check if check["subject"] not in late else {**check, "state": "not run"} for check in half["checks"]]
    half["distributions"] = half["distributions"][:3]
    half["skipped"] += [{"subject": subject, "reason": "not run"} for subject in late]
    half["scan"]["seconds"] = 1.0
    (pytester.path / "half.json").write_text(json.dumps(half))
    status = main(["half.json", "first.json", "--json", "merged.json"])
    merged = report(pytester.path / "merged.json")
    assert (status, merged["verdict"], merged["complete"]) == (0, "pass", True)
    assert merged["distributions"] == whole["distributions"]
    assert main(["half.json", "--json", "merged.json"]) == 1


def test_what_was_asked_again_counts_as_it_was_answered_last(pytester: pytest.Pytester, house: Path) -> None:
    """Ended by a failure, mended, gone on with --lf: the failed one ran in both."""
    (house / "g-1.0-py3-none-any.whl").unlink()
    first = run(pytester, "first", "-x")
    assert [check["state"] for check in first["checks"]].count("failed") == 1
    assert [check["state"] for check in first["checks"]].count("not run") == 4
    write_wheel(house / "b", "b", {"b/_a.so": bundle("arm64"), "b/_b.so": bundle("arm64")})
    second = run(pytester, "second", "--lf")
    assert len(second["checks"]) == 5
    whole = run(pytester, "whole")
    assert (whole["verdict"], whole["complete"]) == ("pass", True)
    assert main(["first.json", "second.json", "--json", "merged.json"]) == 0
    merged = report(pytester.path / "merged.json")
    merged["scan"].pop("files")  # of a wheel that was opened twice they are counted twice
    whole["scan"].pop("files")
    assert merged == whole
    assert main(["second.json", "first.json", "--json", "merged.json"]) == 1  # the other way round they stand side by side
    assert "reports" in json.loads((pytester.path / "merged.json").read_text(encoding="ascii"))
