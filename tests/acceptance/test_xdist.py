"""Under pytest-xdist the controller inspects once; workers get the result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

pytest.importorskip("xdist")

COUNT_SCANS = """
import os
from pathlib import Path

import pytest
from pytest_archcheck import inspection

real = inspection.run

def counting(request):
    with open(Path(__file__).parent / "scans.txt", "a") as stream:
        stream.write(f"{os.getpid()}\\n")
    return real(request)

inspection.run = counting
"""


def test_one_scan_the_same_items_and_the_whole_result(run_child: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(scan_counter=COUNT_SCANS, test_project="def test_one(archcheck): assert archcheck['numpy'].findings\n")
    pytester.syspathinsert()
    result = run_child(broken, "-p", "scan_counter", "-n", "2", "--archcheck-json=out.json", ".")
    result.assert_outcomes(failed=1, passed=4, warnings=1)
    assert len((pytester.path / "scans.txt").read_text(encoding="utf-8").splitlines()) == 1
    result.stdout.fnmatch_lines(
        [
            "archcheck: 1 of 4 checks failed: numpy",
            "*_ archcheck: numpy 1.26.4 _*",
            "  ... and 17 more",
            "archcheck::scipy",
            "*ArchcheckWarning: newer-os-required: *",
            "FAILED archcheck::numpy - wrong-architecture: 20 files*",
        ]
    )
    written = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert (written["verdict"], written["complete"]) == ("fail", True)
    assert len(written["findings"]) == 21


def test_the_selection_narrows_the_report(run_child: Run, broken: Path, pytester: pytest.Pytester) -> None:
    result = run_child(broken, "-n", "2", "-k", "h5py", "--archcheck-json=out.json")
    result.assert_outcomes(passed=1)
    written = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert (written["verdict"], written["complete"], written["findings"]) == ("pass", True, [])
    result.stdout.no_fnmatch_line("scipy:*")


def test_an_id_alone(run_child: Run, broken: Path) -> None:
    run_child(broken, "-n", "2", "archcheck::numpy").assert_outcomes(failed=1)


def test_nothing_to_judge(run_child: Run, tmp_path: Path) -> None:
    """The session of a controller of pytest 7.4 has no items to count."""
    (tmp_path / "venv" / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    result = run_child(tmp_path / "venv", "-n", "2")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["nothing was judged of *: nothing is installed there"])
    assert "Error" not in result.stderr.str()
