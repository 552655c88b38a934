"""What became of each check: nothing but pytest's own "passed" is a pass, and no check is lost without a word."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import measured
from support.machos import bundle
from support.sites import add_distribution

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

PROCESSES = [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="-n 2")]
OPTIONS = ("--archcheck-target", "macosx_14_0_arm64")


def report(pytester: pytest.Pytester) -> dict[str, Any]:
    """The JSON report that the run wrote."""
    document: dict[str, Any] = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    return document


def verdict(pytester: pytest.Pytester) -> tuple[str, bool]:
    written = report(pytester)
    return written["verdict"], written["complete"]


# -- names that are no Unicode


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """File names and names of libraries in bytes that are no UTF-8: an error in numpy, a warning in scipy."""
    root = tmp_path / "foreign"
    site = root / "lib" / "python3.11" / "site-packages"
    tags = ("cp311-cp311-macosx_11_0_arm64",)
    add_distribution(site, "numpy", "1", {"numpy/\udcff.so": bundle("x86_64")}, tags=tags, record=False)
    linked = bundle(libraries=["@rpath/lib\udcfe\udcff.dylib"])
    add_distribution(site, "pandas", "1", {"pandas/_x.so": linked}, tags=tags)
    add_distribution(site, "scipy", "1", {"scipy/\udcfe.so": bundle(minos="15.0")}, tags=tags, record=False)
    return root


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no such names")
@pytest.mark.parametrize("processes", PROCESSES)
def test_names_that_are_no_unicode(
    run_child: Run, foreign: Path, pytester: pytest.Pytester, processes: tuple[str, ...]
) -> None:
    result = run_child(foreign, *processes, "--archcheck-json=out.json")
    assert result.ret == 1
    result.assert_outcomes(failed=2, passed=2, warnings=1)
    result.stdout.fnmatch_lines_random(["  numpy/\\udcff.so", "    scipy/\\udcfe.so"])
    assert verdict(pytester) == ("fail", True)
    assert {one["path"] for one in report(pytester)["findings"] if one["path"]} == {
        "numpy/\\udcff.so",
        "pandas/_x.so",
        "scipy/\\udcfe.so",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no such names")
@pytest.mark.parametrize("processes", PROCESSES)
def test_a_skip_and_its_reason_that_are_no_unicode(
    run_child: Run, healthy: Path, pytester: pytest.Pytester, processes: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        locked="""
        import dataclasses
        from pytest_archcheck import inspection
        from pytest_archcheck.findings import Check

        real = inspection.run

        def run(request):
            locked = Check(subject="lo\\udcffcked", title="lo\\udcffcked", unasked="no \\udcff can be read")
            return dataclasses.replace(real(request), checks=(locked,))

        inspection.run = run
        """
    )
    pytester.syspathinsert()
    result = run_child(healthy, "-p", "locked", *processes, "-rs", "--archcheck-json=out.json")
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    assert report(pytester)["skipped"] == [{"subject": "lo\\udcffcked", "reason": "no \\udcff can be read"}]


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no such names")
def test_an_argument_that_pytest_xdist_cannot_hand_on(run_child: Run, foreign: Path, pytester: pytest.Pytester) -> None:
    moved = foreign.rename(foreign.with_name("foreign\udcff"))
    result = run_child(moved, "-n", "1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: pytest-xdist hands arguments to its workers as UTF-8, which *foreign\\udcff is not: *"]
    )
    assert "INTERNALERROR" not in result.stdout.str()
    assert pytester.path.exists()


# -- checks that nobody hears of again

LOST = {
    "a worker ends while it collects": "def pytest_collection_modifyitems(config):\n    if here(config): os._exit(0)\n",
    "a worker ends in a check": (
        "def pytest_runtest_logreport(report):\n"
        "    if 'PYTEST_XDIST_WORKER' in os.environ and report.nodeid == 'archcheck::pandas': os._exit(0)\n"
    ),
    "a report is lost": (
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_protocol(item):\n    return True if item.nodeid == 'archcheck::pandas' else None\n"
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_a_check_that_is_lost_is_no_pass(run_child: Run, healthy: Path, pytester: pytest.Pytester, how: str) -> None:
    pytester.makeconftest(f"import os\nimport pytest\ndef here(config): return hasattr(config, 'workerinput')\n{LOST[how]}")
    result = run_child(healthy, "-n", "1", "--archcheck-json=out.json")
    assert result.ret not in (0, 2, 3)
    assert verdict(pytester) != ("pass", True)


def test_a_check_without_a_report_fails_the_run(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n@pytest.hookimpl(tryfirst=True)\n" + LOST["a report is lost"].partition("\n")[2])
    result = run(healthy, "--archcheck-json=out.json")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["1 of 3 checks did not run"])
    assert verdict(pytester) == ("pass", False)


@pytest.mark.parametrize("option", ["--co", "--setup-only", "--setup-plan"])
def test_what_was_not_to_be_run_is_not_lost(run: Run, healthy: Path, option: str) -> None:
    assert run(healthy, option).ret == 0


# -- outcomes of other plugins

OUTCOME = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    made = yield
    if call.when == "call":
        made.get_result().outcome = OUTCOME
"""


@pytest.mark.parametrize("processes", PROCESSES)
def test_an_outcome_that_pytest_does_not_know_is_no_pass(
    run_child: Run, broken: Path, pytester: pytest.Pytester, processes: tuple[str, ...]
) -> None:
    pytester.makeconftest(OUTCOME.replace("OUTCOME", "'retried'"))
    result = run_child(broken, *processes, "--archcheck-json=out.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["numpy: wrong-architecture: 20 files *", "numpy: reported as 'retried', which is no pass"])
    assert verdict(pytester) == ("fail", False)
    assert {"subject": "h5py", "reason": "reported as 'retried', which is no pass"} in report(pytester)["skipped"]


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_failure_that_another_plugin_calls_passed(
    run_child: Run, broken: Path, pytester: pytest.Pytester, processes: tuple[str, ...]
) -> None:
    pytester.makeconftest(OUTCOME.replace("OUTCOME", "'passed'"))
    result = run_child(broken, *processes, "--archcheck-json=out.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["numpy: wrong-architecture: 20 files *"])
    assert verdict(pytester) == ("fail", True)


def test_a_check_that_a_project_expects_to_fail_keeps_its_verdict(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    """How the run ends is the marker's to say; what the report says of the files is not."""
    pytester.makeconftest(
        "import pytest\ndef pytest_collection_modifyitems(items):\n    for one in items: one.add_marker(pytest.mark.xfail)\n"
    )
    result = run(broken, "--archcheck-json=out.json")
    assert result.ret == 0
    assert verdict(pytester) == ("fail", True)


def test_what_teardown_says_does_not_make_up_for_a_failure(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\ndef pytest_runtest_teardown(item):\n    pytest.skip('enough')\n")
    assert run(broken, "--archcheck-json=out.json").ret == 1
    assert {"subject": "numpy", "reason": "enough"} not in report(pytester)["skipped"]


# -- no check at all


@pytest.mark.parametrize(
    "selection", [("-k", "nothing"), ("-m", "not archcheck"), ("-k", "test_one", "."), ("-k", "nothing", "-n", "2")]
)
def test_nothing_asked_is_no_pass(run_child: Run, broken: Path, pytester: pytest.Pytester, selection: tuple[str, ...]) -> None:
    pytester.makepyfile(test_project="def test_one(): pass\n")
    result = run_child(broken, *selection, "--archcheck-json=out.json")
    assert result.ret == (0 if "." in selection else 5)
    result.stdout.fnmatch_lines(["no check was run: none of 4 is selected"])
    assert report(pytester)["complete"] is False


def test_a_conftest_that_deselects_every_check(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items.clear()\n")
    run(broken, "--archcheck-json=out.json").stdout.fnmatch_lines(["no check was run: none of 4 is selected"])
    assert report(pytester)["complete"] is False


@pytest.mark.parametrize(("arguments", "ids"), [((), 3), ((".",), 4), (("archcheck::h5py",), 1)])
def test_run_again_and_again_while_files_change(healthy: Path, tmp_path: Path, arguments: tuple[str, ...], ids: int) -> None:
    """``pytest -f`` of pytest-xdist runs a child that is handed our options, but not what was typed."""
    (tmp_path / "test_project.py").write_text("def test_one(): pass\n", encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "pytest", "-f", f"--archcheck-path={healthy}", *OPTIONS, *arguments]
    log = tmp_path.with_suffix(".log")
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=tmp_path, env=measured.environment(), stdout=output, stderr=output)
        try:
            end = time.monotonic() + 60
            while b"waiting for changes" not in log.read_bytes() and child.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(20)
    assert f"= {ids} passed" in log.read_text(encoding="utf-8")


# -- reports that cannot be written


@pytest.mark.parametrize("terminal", [(), ("-p", "no:terminal"), ("--no-summary",)])
def test_a_report_that_cannot_be_written_at_the_end_loses_nothing(
    run_child: Run, healthy: Path, pytester: pytest.Pytester, terminal: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_project="""
        import os
        import shutil

        def test_it():
            shutil.rmtree("reports")
            open("reports", "w").close()
            assert not os.environ.get("FAILS")
        """
    )
    arguments = ("--archcheck-json=reports/out.json", "--junitxml=junit.xml", *terminal, ".")
    result = run_child(healthy, *arguments)
    assert result.ret == 4
    # pytest 7 has no summary of others with --no-summary either: then it is said on standard error.
    said = result.outlines + result.errlines
    pytest.LineMatcher(said).fnmatch_lines(["archcheck: cannot write *reports/out.json (--archcheck-json): *"])
    assert (pytester.path / "junit.xml").exists()
    if not terminal:
        result.stdout.fnmatch_lines(["*4 passed*"])


def test_a_failure_of_the_project_is_shown_all_the_same(run_child: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_project="""
        import shutil

        def test_it():
            shutil.rmtree("reports")
            assert "their" == "failure"
        """
    )
    result = run_child(healthy, "--archcheck-json=reports/out.json", ".")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "E *assert 'their' == 'failure'",
            "archcheck: cannot write *reports/out.json (--archcheck-json): *",
            "*1 failed, 3 passed*",
        ]
    )
