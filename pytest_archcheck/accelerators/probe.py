"""Ask a framework for real work in a child, and say what came of it."""

from __future__ import annotations

import statistics

from pytest_archcheck.accelerators import process
from pytest_archcheck.accelerators.case import merged
from pytest_archcheck.accelerators.correctness import precision
from pytest_archcheck.accelerators.model import Benchmark, Framework, Outcome
from pytest_archcheck.accelerators.outcomes import outcome_of

#: Metal itself, for ``requires_metal(framework=None)``; it is on every Mac, so no distribution stands for it.
METAL = Framework(name="metal", title="Metal", distributions=(), adapter="")


def probe(framework: Framework, deadline: float, watch: process.Watch | None = None) -> Outcome:
    """Import the framework in a child, list its devices, and have the first GPU (or else the CPU) multiply two matrices.

    Takes at most ``deadline`` seconds and a few more for a child that will not die. Never raises for what the framework does.
    """
    ended = process.run(deadline, watch, task="probe", adapter=framework.adapter)
    return outcome_of(framework, ended, deadline)


def probe_metal(deadline: float) -> Outcome:
    """List the GPUs that Metal itself offers to a child of this process: ``ok`` where there is one."""
    ended = process.run(deadline, task="metal")
    return outcome_of(METAL, ended, deadline, needs_work=False)


def benchmark(
    framework: Framework,
    size: int,
    dtype: str,
    deadline: float,
    watch: process.Watch | None = None,
    *,
    measure: bool = True,
) -> Benchmark | Outcome:
    """Measure products of ``size`` x ``size`` matrices on the first GPU, or else the CPU.

    :param measure: False to look at one product's numbers only; then the answer is always an :class:`Outcome`.
    An :class:`Outcome` other than ``ok`` where there is nothing to report: the framework failed, or its numbers are wrong.
    """
    ended = process.run(deadline, watch, task="matmul", adapter=framework.adapter, size=size, dtype=dtype, measure=measure)
    outcome = outcome_of(framework, ended, deadline)
    facts = merged(ended.reported)
    if outcome.status not in ("ok", "no-gpu") or outcome.device is None or outcome.error is None or "seconds" not in facts:
        return outcome
    seconds, products = facts["seconds"], int(facts["asked"])
    median = statistics.median(seconds["eager"])
    return Benchmark(
        framework=framework.name,
        device=outcome.device.name,
        platform=outcome.device.platform,
        size=size,
        dtype=dtype,
        seconds=median,
        spread=(max(seconds["eager"]) - min(seconds["eager"])) / median,
        # One product adds and multiplies size ** 3 times.
        gflops=2 * size**3 / median / 1e9,
        speedup=statistics.median(seconds["cpu"]) / median if seconds["cpu"] else None,
        error=outcome.error,
        precision=precision(facts),
        tensorfloat32=bool(facts["tensorfloat32"]),
        repeat_seconds=min(seconds["eager"]) * int(facts["repeat_products"]),
        compiled_seconds=statistics.median(seconds["compiled"]) if seconds["compiled"] else None,
        products=products,
    )
