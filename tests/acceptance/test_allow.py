"""archcheck_allow: what is accepted is expected, and what is no longer there is an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]


def allow(pytester: pytest.Pytester, *lines: str) -> None:
    """A pytest.ini with these lines."""
    pytester.makeini("[pytest]\narchcheck_allow =\n" + "".join(f"    {line}\n" for line in lines))


def test_allowed_errors_are_expected_failures_with_the_reason(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "numpy/wrong-architecture: the CI image is old", "scipy: we know")
    result = run(broken, "-rx", "--archcheck-json=out.json", "-v")
    assert result.ret == 0
    result.assert_outcomes(passed=3, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "numpy: wrong-architecture: * (allowed: the CI image is old)",
            "scipy: newer-os-required: * (allowed: we know)",
            "XFAIL archcheck::numpy*the CI image is old",
        ]
    )
    document = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert document["verdict"] == "pass"
    assert {one["allowed"] for one in document["findings"]} == {"the CI image is old", "we know"}


def test_what_is_allowed_is_not_said_above(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "numpy: the CI image is old", "scipy: we know")
    result = run(broken)
    result.stdout.no_fnmatch_line("*checks failed*")
    result.stdout.no_fnmatch_line("*wrong-architecture*")


def test_runxfail_shows_what_is_allowed(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "numpy: the CI image is old")
    result = run(broken, "--runxfail", "archcheck::numpy")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  allowed: the CI image is old"])


@pytest.mark.parametrize("line", ["h5py: gone", "h5py/wrong-architecture: gone", "numpy/unreadable-binary: gone"])
def test_a_stale_line_is_an_error_of_its_own(run: Run, broken: Path, pytester: pytest.Pytester, line: str) -> None:
    allow(pytester, line)
    subject = line.partition(":")[0].partition("/")[0]
    result = run(broken, f"archcheck::{subject}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"stale-allow-line: the archcheck_allow line '{line}' allows nothing: *"])


@pytest.mark.parametrize(("glob", "failed"), [("macosx_*_arm64", 0), ("macosx_14_0_*", 0), ("*_x86_64", 1)])
def test_a_line_for_a_target(run: Run, broken: Path, pytester: pytest.Pytester, glob: str, failed: int) -> None:
    allow(pytester, f"numpy/wrong-architecture @{glob}: known")
    assert run(broken, "archcheck::numpy").parseoutcomes() == ({"failed": 1} if failed else {"xfailed": 1})


def test_a_line_for_another_target_is_not_stale(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "h5py @*_x86_64: only there")
    run(broken, "archcheck::h5py").assert_outcomes(passed=1)


def test_a_subject_that_is_not_here_is_a_note(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "torch: not on this machine")
    assert "torch" not in run(broken, "archcheck::h5py").stdout.str()
    run(broken, "archcheck::h5py", "-v").stdout.fnmatch_lines(
        ["*'torch: not on this machine' speaks of a subject that is not here*"]
    )


def test_lines_are_not_called_stale_where_rules_were_chosen(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    allow(pytester, "numpy/wrong-architecture: known")
    run(broken, "archcheck::numpy", "--archcheck-ignore=wrong-architecture").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("numpy", "*got 'numpy', expected 'SUBJECT*"),
        ("numpy:", "*got 'numpy:', which gives no reason*"),
        ("numpy/wrong-arch: because", "*no rule 'wrong-arch'; expected one such as wrong-architecture*"),
    ],
)
def test_bad_lines(run: Run, healthy: Path, pytester: pytest.Pytester, line: str, said: str) -> None:
    allow(pytester, line)
    result = run(healthy)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: archcheck_allow (ini): {said}"])


def test_the_newest_kind_of_error_is_left_beside_what_is_allowed(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    """One line allows numpy's architecture; what another plugin finds there still fails it."""
    allow(pytester, "numpy/wrong-architecture: known")
    pytester.makeconftest(
        """
        from pytest_archcheck import Finding

        def pytest_archcheck_findings(inspection):
            return [Finding(rule="house-rule", severity="error", subject="numpy", distribution="numpy", path=None,
                            message="numpy is not on our list", remedy="ask")]
        """
    )
    result = run(broken, "archcheck::numpy")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["house-rule: numpy is not on our list", "  remedy: ask"])
    result.stdout.no_fnmatch_line("*stale-allow-line*")
