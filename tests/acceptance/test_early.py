"""The findings are told even where the project's own code keeps pytest from running a single item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

NUMPY = "archcheck: 1 of 4 checks failed: numpy"


def report(pytester: pytest.Pytester) -> dict[str, Any]:
    """The JSON report that the run wrote."""
    document: dict[str, Any] = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    return document


def test_a_conftest_that_raises(
    run_child: Run, broken: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest("raise ImportError('numpy is broken')")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    result = run_child(broken, "--archcheck-json=out.json")
    assert result.ret == 4
    assert "| numpy | **error** wrong-architecture" in (pytester.path / "summary.md").read_text("utf-8")
    result.stdout.fnmatch_lines(
        [
            "archcheck: target macOS 14.0 arm64*",
            NUMPY,
            "archcheck::numpy (numpy 1.26.4)",
            "  wrong-architecture: 20 files have only x86_64, the target needs arm64",
            "    numpy/core/_part00.so",
            "    remedy: *",
            "archcheck::scipy (scipy 1.14.1)",
            "  newer-os-required: * (warning)",
        ]
    )
    assert str(result.stdout).count("has only x86_64") + str(result.stdout).count("have only x86_64") == 1
    result.stderr.fnmatch_lines(["*numpy is broken*"])
    written = report(pytester)
    assert (written["verdict"], written["complete"]) == ("fail", False)
    assert {one["rule"] for one in written["findings"]} == {"wrong-architecture", "newer-os-required"}
    assert {"subject": "h5py", "reason": "not run"} in written["skipped"]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("where", ["conftest.py", "test_module.py"])
def test_an_abort(run_child: Run, broken: Path, pytester: pytest.Pytester, where: str, *, quiet: bool) -> None:
    (pytester.path / where).write_text("import os\nos.abort()\n", encoding="utf-8")
    result = run_child(broken, "--archcheck-json=out.json", "-p", "no:faulthandler", ".", *(["-q"] if quiet else []))
    assert result.ret not in (0, 1, 2, 3, 4, 5)
    # With -q standard output belongs to those who read it by program.
    (result.stderr if quiet else result.stdout).fnmatch_lines([NUMPY])
    assert report(pytester)["verdict"] == "fail"
    assert report(pytester)["complete"] is False


def test_without_conftest_files_everything_runs(run_child: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("raise ImportError('numpy is broken')")
    run_child(broken, "--noconftest", "archcheck").assert_outcomes(failed=1, passed=3, warnings=1)


def test_a_test_module_that_cannot_be_imported(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="import no_such_module", test_fine="def test_it(): pass")
    result = run(broken, ".", "--archcheck-json=out.json")
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        [
            NUMPY,
            "*ERROR collecting test_broken.py*",
            "*= archcheck =*",
            "4 of 4 checks did not run; what the inspection found is shown",
            "numpy: wrong-architecture: 20 files have only x86_64, the target needs arm64 (not run)",
            "  numpy/core/_part00.so",
            "  remedy: *",
            "scipy: newer-os-required: * (not run)",
            "*Interrupted: 1 error during collection*",
        ]
    )
    assert (report(pytester)["verdict"], report(pytester)["complete"]) == ("fail", False)


def test_the_users_selection_holds_after_an_interruption(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="import no_such_module")
    result = run(broken, ".", "-k", "h5py", "--archcheck-json=out.json")
    result.stdout.no_fnmatch_line("numpy: wrong-architecture*(not run)")
    assert report(pytester)["findings"] == []
    assert (report(pytester)["verdict"], report(pytester)["complete"]) == ("pass", False)


def test_collection_errors_that_do_not_stop_the_run(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="import no_such_module")
    run(broken, ".", "--continue-on-collection-errors", "--archcheck-json=out.json").assert_outcomes(
        failed=1, passed=3, errors=1, warnings=1
    )
    assert report(pytester)["complete"] is True


def test_a_healthy_environment_says_nothing_early(run_child: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("raise ImportError('for another reason')")
    result = run_child(healthy, "--archcheck-json=out.json")
    assert result.ret == 4
    assert result.outlines == []
    assert (report(pytester)["verdict"], report(pytester)["complete"]) == ("pass", False)


def test_program_output_of_a_quiet_listing_is_ids_alone(run: Run, broken: Path) -> None:
    result = run(broken, "--co", "-q")
    assert [line for line in result.outlines if line] == [
        "archcheck::environment::packages",
        "archcheck::h5py",
        "archcheck::numpy",
        "archcheck::scipy",
        "4 tests collected in " + result.outlines[-1].rpartition(" in ")[2],
    ]
