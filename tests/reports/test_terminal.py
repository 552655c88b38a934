from __future__ import annotations

import pytest

from pytest_archcheck.inspection import Inspection
from pytest_archcheck.machine.target import Target
from pytest_archcheck.reports.outcome import Answer, Outcome, Result
from pytest_archcheck.reports.terminal import answers

NOTHING = Inspection(
    target=Target.parse("macosx_14_0_arm64"),
    environments=(),
    checks=(),
    skipped=(),
    signatures={},
    wheel_targets={},
    files=0,
    seconds=0.0,
)


def result(*lines: str | None) -> Result:
    outcomes = [
        Outcome(subject=f"s{number}", title="", state="passed", answer=Answer(line=line)) for number, line in enumerate(lines)
    ]
    return Result(inspection=NOTHING, outcomes=tuple(outcomes), notes=(), complete=True)


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["tensorflow 2.19.1: CPU only", "tensorflow 2.19.1: CPU only"], ["tensorflow 2.19.1: CPU only"]),
        (["torch 2.13: GPU computes", None, "torch 2.13: GPU computes, 61 GFLOP/s"], ["torch 2.13: GPU computes, 61 GFLOP/s"]),
        (["a 1: CPU only", "b 1: CPU only"], ["a 1: CPU only", "b 1: CPU only"]),
    ],
)
def test_one_line_a_framework(lines: list[str | None], shown: list[str]) -> None:
    assert answers(result(*lines)) == shown
