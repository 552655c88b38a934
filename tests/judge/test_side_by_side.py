"""Several environments on several cores: the same values in the same order, whatever becomes of the children."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import NothingToInspect
from pytest_archcheck.inspection import Inspection, Request, run
from pytest_archcheck.judge import side_by_side

if TYPE_CHECKING:
    from pathlib import Path

#: Where and when a call was carried out.
SLOW = "(__import__('time').sleep(0.3), __import__('os').getpid())[1]"
#: Ends every process but one.
DEADLY = "__import__('time').sleep(0.1) or (__import__('os').getpid() == {pid} or __import__('os')._exit(3)) and {number}"


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIDE_BY_SIDE_SECONDS", 0.0)
    monkeypatch.setattr(side_by_side, "_cores", lambda: 2)


def test_a_child_helps() -> None:
    found = side_by_side.each(eval, [(SLOW,)] * 8)
    assert len(found) == 8
    assert len(set(found)) == 2
    assert os.getpid() in found


def test_results_stand_in_the_order_of_the_calls() -> None:
    assert side_by_side.each(eval, [(f"__import__('time').sleep(0.1) or {number}",) for number in range(8)]) == list(range(8))


def test_a_child_that_dies_leaves_its_work_to_us() -> None:
    calls = [(DEADLY.format(pid=os.getpid(), number=number + 1),) for number in range(8)]
    assert side_by_side.each(eval, calls) == list(range(1, 9))


def test_an_error_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side.each(eval, [*[(SLOW,)] * 3, ("1 / 0",), (SLOW,)])


def test_what_is_soon_done_starts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIDE_BY_SIDE_SECONDS", 1.0)
    begin = time.perf_counter()
    assert set(side_by_side.each(eval, [("__import__('os').getpid()",)] * 20)) == {os.getpid()}
    assert time.perf_counter() - begin < 1


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """The file systems of six containers, each with the same files; one library is missing."""
    for number in range(6):
        site = tmp_path / "images" / f"root{number}" / "usr" / "lib" / "python3" / "dist-packages"
        files = {f"foo/_{part}.so": machos.bundle(libraries=["@loader_path/libgone.dylib"]) for part in range(200)}
        add_distribution(site, "foo", files=files)
    return tmp_path / "images"


def test_the_inspection_is_the_same(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def inspected() -> Inspection:
        return dataclasses.replace(run(Request(paths=(str(roots),), target="macosx_14_0_arm64")), seconds=0)

    together = inspected()
    monkeypatch.setattr(side_by_side, "_cores", lambda: 1)
    assert inspected() == together
    assert [check.subject for check in together.checks if check.findings] == [f"root{number}/usr::foo" for number in range(6)]


def test_a_path_without_an_environment_is_named(roots: Path) -> None:
    paths = (str(roots / "root0" / "usr"), str(roots / "nowhere"))
    with pytest.raises(NothingToInspect, match="nowhere: no such file"):
        run(Request(paths=paths, target="macosx_14_0_arm64"))
