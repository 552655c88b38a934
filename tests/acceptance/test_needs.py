"""Markers requires_*, --archcheck-require and the fixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

#: A plugin that makes the running environment broken: numpy has an error, pytest has none.
BREAK = """
from pytest_archcheck import inspection
from pytest_archcheck.findings import Check, Finding

real = inspection.run

def run(request):
    import dataclasses
    found = real(request)
    if request.paths:
        return found
    finding = Finding(rule="wrong-architecture", severity="error", subject="numpy", distribution="numpy", path="numpy/x.so",
                      message="has only ppc", remedy="buy another")
    return dataclasses.replace(found, checks=(*found.checks, Check(subject="numpy", title="numpy 9", findings=(finding,))))

inspection.run = run
"""

TESTS = """
import pytest

@pytest.mark.requires_clean
def test_all(): pass

@pytest.mark.requires_clean("pytest")
def test_pytest(): pass

@pytest.mark.requires_clean("pytest", "No_Such.Thing")
def test_not_there(): pass
"""


@pytest.fixture(autouse=True)
def _tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_project=TESTS, breaking=BREAK)
    pytester.syspathinsert()


def test_requires_clean_skips_with_the_reason_and_the_checks_off(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-p", "breaking", "-rs", timeout=60)
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED [[]1[]] test_project.py:*: requires_clean: numpy (wrong-architecture)",
            "SKIPPED [[]1[]] test_project.py:*: requires_clean: not installed: no-such-thing",
        ]
    )
    result.stdout.no_fnmatch_line("archcheck: *")


def test_required_it_fails_instead(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\narchcheck_require = clean\n")
    result = pytester.runpytest_subprocess("-p", "breaking", "test_project.py", timeout=60)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED test_project.py::test_all - *requires_clean: numpy (wrong-architecture)",
            "FAILED test_project.py::test_not_there*",
        ]
    )


def test_the_required_item_names_the_failing_subjects(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-p", "breaking", "--archcheck-require", "clean", "-k", "archcheck", timeout=60)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "unmet-requirement: 1 check has errors: numpy",
            "  remedy: * pytest archcheck::numpy",
            "FAILED archcheck::require::clean - *",
        ]
    )


def test_the_required_item_is_there_when_all_is_well(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--archcheck-require", "clean", "-v", "archcheck")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["archcheck::require::clean PASSED*"])


def test_what_is_required_is_required_of_the_running_environment(run: Run, healthy: Path) -> None:
    result = run(healthy, "--archcheck-require=clean")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: --archcheck-require: clean is asked of the environment that runs pytest, and not of *"]
    )


def test_markers_speak_of_the_running_environment_also_with_a_path(run: Run, broken: Path) -> None:
    run(broken, "test_project.py", "-k", "test_all or test_pytest").assert_outcomes(passed=2, deselected=5)


def test_an_unneeded_marker_costs_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_project=TESTS
        + """

def test_nothing_was_inspected():
    import sys
    assert "pytest_archcheck.inspection" not in sys.modules
"""
    )
    pytester.runpytest_subprocess("-k", "nothing", timeout=60).assert_outcomes(passed=1, deselected=3)


def test_the_fixture_is_the_inspection_of_this_run(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_project="""
        def test_it(archcheck):
            assert archcheck.target.tag == "macosx_14_0_arm64"
            assert {one.name for one in archcheck.distributions} == {"h5py", "numpy", "scipy"}
            assert len(archcheck["numpy"].findings) == 20
        """
    )
    run(broken, "test_project.py", "-k", "test_it").assert_outcomes(passed=1, deselected=4)


def test_the_fixture_inspects_the_active_environment_when_the_checks_are_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_project="""
        import sys

        def test_it(archcheck):
            assert archcheck.target.is_host
            assert archcheck.interpreter is not None
            assert archcheck.environments[0].kind == "active"
        """
    )
    pytester.runpytest("test_project.py").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "outcomes", "words"),
    [
        ("requires_gpu(framework='tensorflow')", {"skipped": 1}, "SKIPPED*] test_fixture.py:*: requires_gpu: TensorFlow *"),
        ("requires_clean('no-such-distribution')", {"skipped": 1}, "*requires_clean: not installed: no-such-distribution*"),
        ("requires_gpu('tensroflow')", {"failed": 1}, "*requires_gpu: got framework='tensroflow', expected None or one of *"),
        ("requires_native", {"passed": 1}, "*1 passed*"),
    ],
)
def test_a_marker_that_a_fixture_adds_is_heeded(
    pytester: pytest.Pytester, marker: str, outcomes: dict[str, int], words: str
) -> None:
    pytester.makepyfile(
        test_fixture=f"""
        import pytest

        @pytest.fixture(autouse=True)
        def needs_it(request):
            request.node.add_marker(pytest.mark.{marker})

        def test_it(): pass
        """
    )
    result = pytester.runpytest_subprocess("test_fixture.py", "-rs", timeout=60)
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([words])


def test_a_marker_that_a_fixture_adds_fails_where_it_is_demanded(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\narchcheck_require = clean\n")
    pytester.makepyfile(
        test_fixture="""
        import pytest

        @pytest.fixture
        def needs_it(request):
            request.node.add_marker(pytest.mark.requires_clean("no-such-distribution"))

        def test_it(needs_it): pass
        """
    )
    result = pytester.runpytest_subprocess("test_fixture.py", "--no-archcheck", timeout=60)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*requires_clean: not installed: no-such-distribution*"])
