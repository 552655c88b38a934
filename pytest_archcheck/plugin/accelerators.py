"""The items of accelerators: two for every framework that is installed in the running environment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators import probe
from pytest_archcheck.accelerators.model import Benchmark, Framework, Outcome
from pytest_archcheck.findings import Finding
from pytest_archcheck.plugin import progress
from pytest_archcheck.plugin.board import board
from pytest_archcheck.plugin.gpu_needs import PLATFORMS
from pytest_archcheck.reports.outcome import Answer, Prepared
from pytest_archcheck.rules.accelerators import Gates, answer, judge, judge_benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def questions(config: pytest.Config, required: Iterable[str]) -> tuple[Prepared, ...]:
    """Two items for every framework that is installed in the running environment."""
    wanted = bool(set(required) & set(PLATFORMS))
    here = board(config)
    asked = []
    for framework in here.installed:
        for kind, ask in (("accelerator", _accelerator), ("matmul", _matmul)):
            subject = f"{kind}::{framework.name}"
            asked.append(
                Prepared(
                    subject=subject,
                    title=f"{framework.title}: {_TITLES[kind]}",
                    ask=partial(ask, config, framework, subject, required=wanted),
                    keywords=(framework.name, "gpu"),
                )
            )
    return tuple(asked)


_TITLES = {"accelerator": "does the GPU compute?", "matmul": "matmul benchmark"}


def _accelerator(config: pytest.Config, framework: Framework, subject: str, *, required: bool) -> Answer:
    here = board(config)
    outcome = here.outcome(framework)
    expectation = here.expectation(framework, required=required)
    record = {
        "framework": framework.name,
        "version": outcome.version,
        "devices": [device.name for device in outcome.devices],
        "verified": outcome.verified,
        "seconds": round(outcome.seconds, 3),
    }
    findings = judge(outcome, expectation, subject)
    failed = any(finding.severity == "error" for finding in findings)  # then that is the answer
    return Answer(
        findings=findings,
        line=None if failed else answer(outcome, expectation),
        accelerators=(record,),
    )


def _matmul(config: pytest.Config, framework: Framework, subject: str, *, required: bool) -> Answer:
    here = board(config)
    outcome = here.outcome(framework)
    expectation = here.expectation(framework, required=required)
    if outcome.status not in ("ok", "no-gpu"):
        return Answer(findings=judge(outcome, expectation, subject), same_as=f"accelerator::{framework.name}")
    alone = not hasattr(config, "workerinput")
    settings = here.settings
    if settings.gated and not alone:
        return Answer(findings=(_not_alone(subject),))
    with progress.probing(config, framework.title, settings.timeout) as watch:
        result = probe.benchmark(framework, settings.size, "float32", settings.timeout, watch, measure=alone)
    if isinstance(result, Outcome):
        # Without a GPU there is nothing to say of the CPU's correct product: the accelerator item has said it.
        return Answer(findings=() if result.status in ("ok", "no-gpu") else judge(result, expectation, subject))
    gates = Gates(gflops=settings.min_gflops, speedup=settings.min_speedup)
    return Answer(
        findings=judge_benchmark(result, gates, expectation, subject),
        line=answer(outcome, expectation, result),
        benchmarks=(_record(result),),
    )


def _record(result: Benchmark) -> dict[str, object]:
    return {
        "framework": result.framework,
        "device": result.device,
        "size": result.size,
        "dtype": result.dtype,
        "gflops": result.gflops,
        "seconds": result.seconds,
        "spread": result.spread,
        "speedup": result.speedup,
        "precision": result.precision,
        "tensorfloat32": result.tensorfloat32,
        "compiled_seconds": result.compiled_seconds,
        "error": result.error,
    }


def _not_alone(subject: str) -> Finding:
    return Finding(
        rule="slow-matmul",
        severity="error",
        subject=subject,
        distribution=None,
        path=None,
        message="a gate on speed is set, which cannot be kept while other tests run (pytest-xdist)",
        remedy=f"run `pytest archcheck::{subject}` without -n",
    )
