"""An environment of every bad file beside 1,000 good ones: each bad one is named, every good one is judged, in bounds."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import bad_files, measured
from support.bad_files import BAD, ODD, SPECIAL
from support.sites import add_distribution

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs, sockets and symbolic links")

GOOD = 1_000
TARGET = "--archcheck-target=macosx_26_0_arm64"
#: What the same pytest takes beyond one that checks a single good file. Real figures: 30 MB, 3 s.
MEGABYTES, SECONDS = 100, 60

#: A plugin that pytest loads first.
LIMITED = """
import resource

with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
limit = pages * resource.getpagesize() + (260 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bad ones, the odd ones, and the good ones."""
    folder = tmp_path_factory.mktemp("torture")
    bad_files.build(folder, GOOD)
    return folder


def check(site: Path, folder: Path, *arguments: str) -> tuple[measured.Measured, dict[str, Any]]:
    report = folder / "report.json"
    taken = measured.run(folder, [f"--archcheck-path={site}", TARGET, f"--archcheck-json={report}", "-v", *arguments])
    return taken, json.loads(report.read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def first(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[measured.Measured, dict[str, Any]]:
    return check(site, tmp_path_factory.mktemp("first"))


def rules(report: dict[str, Any], subject: str) -> set[str]:
    return {one["rule"] for one in report["findings"] if one["subject"] == subject and one["severity"] == "error"}


def test_each_bad_file_is_named(first: tuple[measured.Measured, dict[str, Any]]) -> None:
    taken, report = first
    # Not complete: a folder is nested too deep to be looked at.
    assert (taken.status, report["verdict"], report["complete"]) == (1, "fail", False), taken.text
    assert {kind: rules(report, kind) for kind in BAD} == {kind: {bad.rule} for kind, bad in BAD.items()}
    for kind, bad in BAD.items():
        (path,) = {one["path"] for one in report["findings"] if one["subject"] == kind and one["severity"] == "error"}
        assert path == f"{kind.replace('-', '_')}/{bad.name}"


def test_what_is_no_file_is_named(first: tuple[measured.Measured, dict[str, Any]]) -> None:
    _, report = first
    told = [one["subject"] for one in report["skipped"]]
    told += [one["path"] for one in report["findings"] if one["subject"] == "unowned"]
    for kind in SPECIAL.keys() - {"link-to-fifo"}:  # the FIFO that it leads to is
        assert any(kind.replace("-", "_") in place for place in told), kind
    reasons = "\n".join(f"{one['subject']}: {one['reason']}" for one in report["skipped"])
    for said in ("nested deeper than 200 folders", "METADATA cannot be read", "hole.pth: this .pth file cannot be read"):
        assert said in reasons


def test_every_good_file_is_judged(first: tuple[measured.Measured, dict[str, Any]]) -> None:
    taken, report = first
    names = {one["name"] for one in report["distributions"]}
    good = {f"good-{number}" for number in range(GOOD)} | {"sparse"} | (ODD.keys() - {"linker-script"})
    assert good <= names
    blamed = {one["subject"] for one in report["findings"]}
    assert not good & blamed
    assert all(f"archcheck::{name} PASSED" in taken.text for name in good)


def test_time_and_memory_are_bounded(
    first: tuple[measured.Measured, dict[str, Any]], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    taken, report = first
    one = tmp_path_factory.mktemp("one")
    add_distribution(one, "good", "1.0", {"good/_x.so": bad_files.MACHO}, tags=bad_files.TAGS)
    usual, _ = check(one, tmp_path)
    assert taken.megabytes - usual.megabytes < MEGABYTES
    assert report["scan"]["seconds"] < SECONDS


def _timeless(report: dict[str, Any]) -> dict[str, Any]:
    del report["scan"]["seconds"]
    return report


@pytest.mark.parametrize("arguments", [pytest.param([], marks=pytest.mark.corpus), ["-n2"]], ids=["twice", "two workers"])
def test_the_same_again(
    site: Path, first: tuple[measured.Measured, dict[str, Any]], arguments: list[str], tmp_path: Path
) -> None:
    if arguments:
        pytest.importorskip("xdist")
    taken, report = check(site, tmp_path, *arguments)
    assert taken.status == first[0].status
    assert _timeless(report) == _timeless(json.loads(json.dumps(first[1])))
    summary = [line for line in taken.text.splitlines() if line.startswith("FAILED")]
    assert sorted(summary) == sorted(line for line in first[0].text.splitlines() if line.startswith("FAILED"))


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is kept on Linux only")
def test_little_memory_is_enough(site: Path, tmp_path: Path) -> None:
    """260 MB of address space beyond Python's own: pytest, 1,050 items; a count that is believed would take gigabytes.

    Python's own is 40 MB at its start, and 1 GB where it is free-threaded: its allocator reserves that.
    """
    (tmp_path / "limited.py").write_text(LIMITED, encoding="utf-8")
    taken, _ = check(site, tmp_path, "-p", "limited")
    assert taken.status == 1, taken.text
    assert f"archcheck::good-{GOOD - 1} PASSED" in taken.text
