"""A check that a marker or another plugin skips was never asked: its report must not say that all is well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

#: As pytest-benchmark does with --benchmark-only.
SKIP_IN_SETUP = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    pytest.skip("only benchmarks")
"""
SKIP_BY_MARKER = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skip(reason="only benchmarks"))
"""


def report(pytester: pytest.Pytester) -> dict[str, Any]:
    """The JSON report that the run wrote."""
    document: dict[str, Any] = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    return document


@pytest.mark.parametrize("conftest", [SKIP_IN_SETUP, SKIP_BY_MARKER])
def test_findings_stay_and_the_verdict_is_not_complete(
    run: Run, broken: Path, pytester: pytest.Pytester, conftest: str
) -> None:
    pytester.makeconftest(conftest)
    result = run(broken, "-v", "--archcheck-json=out.json")
    result.assert_outcomes(skipped=4)
    assert result.ret == 0  # a skip is pytest's to judge
    result.stdout.fnmatch_lines(
        [
            "4 of 4 checks did not run; what the inspection found is shown",
            "h5py: skipped: only benchmarks",
            "numpy: wrong-architecture: 20 files have only x86_64, the target needs arm64 (not run)",
            "numpy: skipped: only benchmarks",
        ]
    )
    written = report(pytester)
    assert (written["verdict"], written["complete"]) == ("fail", False)
    assert {"subject": "numpy", "reason": "only benchmarks"} in written["skipped"]


def test_a_healthy_environment_is_not_complete_either(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SKIP_IN_SETUP)
    run(healthy, "--archcheck-json=out.json").assert_outcomes(skipped=3)
    written = report(pytester)
    assert (written["verdict"], written["complete"]) == ("pass", False)
