"""Accelerators on pytest's side: which frameworks there are, one probe of each a run, its items, and what tests may require."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.accelerators import carried, installed, probe
from pytest_archcheck.accelerators.model import BUILT_IN, Benchmark, Framework, Outcome
from pytest_archcheck.findings import Finding
from pytest_archcheck.machine.host import this_host
from pytest_archcheck.plugin import progress
from pytest_archcheck.plugin.settings import read_accelerators
from pytest_archcheck.reports import text
from pytest_archcheck.reports.outcome import Answer, Prepared
from pytest_archcheck.rules.accelerators import Expectation, Gates, answer, because, judge, judge_benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.accelerators.settings import AcceleratorSettings
    from pytest_archcheck.machine.host import Host

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")

#: What a need asks of a GPU's platform; None: any.
_PLATFORMS: dict[str, str | None] = {"metal": "METAL", "gpu": None}

_BOARD = pytest.StashKey["Board"]()


_NOT_ALONE = "other tests ran at the same time (pytest-xdist): its speeds gate nothing"


class BenchmarkError(RuntimeError):
    """A benchmark has no figure to give; the message says why."""


@dataclass(frozen=True, slots=True)
class Board:
    """What a run knows of accelerators: settings and frameworks now, outcomes when they are asked for."""

    config: pytest.Config
    settings: AcceleratorSettings
    host: Host
    memory: carried.Memory

    @property
    def frameworks(self) -> tuple[Framework, ...]:
        """All that are known; conftest files may add some while the run starts."""
        return known(self.config)

    def framework(self, name: object) -> Framework | None:
        """The framework of that name."""
        return next((one for one in self.frameworks if one.name == name), None)

    @property
    def installed(self) -> tuple[Framework, ...]:
        """Those that are installed here."""
        return tuple(one for one in self.frameworks if installed.is_installed(one))

    def outcome(self, framework: Framework) -> Outcome:
        """Probe, once a run."""

        def ask() -> Outcome:
            with progress.probing(self.config, framework.title, self.settings.timeout) as watch:
                return probe.probe(framework, self.settings.timeout, watch)

        return self.memory.outcome(f"probe-{framework.name}", framework, ask, self.settings.timeout)

    def metal(self) -> Outcome:
        """List Metal's own devices, once a run."""
        ask = partial(probe.probe_metal, self.settings.timeout)
        return self.memory.outcome("metal", probe.METAL, ask, self.settings.timeout)

    def expectation(self, framework: Framework, *, required: bool = False) -> Expectation:
        """What is wanted of the framework on this machine."""
        has_metal = installed.installed(framework.metal_distributions) is not None
        return Expectation(host=self.host, required=required, has_metal=has_metal)


def board(config: pytest.Config) -> Board:
    """The run's board, made when it is first asked for.

    Raises :class:`pytest.UsageError` for a bad setting or a framework that cannot be.
    """
    if _BOARD not in config.stash:
        worker = getattr(config, "workerinput", {})
        config.stash[_BOARD] = Board(
            config, read_accelerators(config), this_host(), carried.Memory(worker.get("archcheck-shared"))
        )
    return config.stash[_BOARD]


def known(config: pytest.Config) -> tuple[Framework, ...]:
    """The built-in frameworks and those of other plugins."""
    found = {framework.name: framework for framework in BUILT_IN}
    for some in config.hook.pytest_archcheck_frameworks():
        for framework in some or ():
            if not isinstance(framework, Framework) or not _NAME.fullmatch(framework.name) or framework.name in found:
                raise pytest.UsageError(
                    f"pytest_archcheck_frameworks: got {framework!r}, expected a Framework with a name of its own "
                    "(lower-case letters, digits, '_', '.', '-')"
                )
            found[framework.name] = framework
    return tuple(found.values())


# -- items


def questions(config: pytest.Config, required: Iterable[str]) -> tuple[Prepared, ...]:
    """Two items for every framework that is installed in the running environment."""
    wanted = bool(set(required) & set(_PLATFORMS))
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
    return Answer(
        findings=judge(outcome, expectation, subject),
        line=answer(outcome, expectation),
        accelerators=(record,),
    )


def _matmul(config: pytest.Config, framework: Framework, subject: str, *, required: bool) -> Answer:
    here = board(config)
    outcome = here.outcome(framework)
    expectation = here.expectation(framework, required=required)
    if outcome.status not in ("ok", "no-gpu"):
        return Answer(findings=judge(outcome, expectation, subject))
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


# -- what tests and --archcheck-require may ask for


def framework_argument(mark: pytest.Mark) -> object:
    """The marker's framework, given by position or name."""
    return mark.args[0] if mark.args else mark.kwargs.get("framework", "tensorflow")


def bad_marker(config: pytest.Config, mark: pytest.Mark) -> str | None:
    """Say what is wrong with a marker's arguments; None where nothing is."""
    name = framework_argument(mark)
    names = [framework.name for framework in known(config)]
    if len(mark.args) > 1 or set(mark.kwargs) - {"framework"} or (mark.args and mark.kwargs):
        return f"{mark.name}: expected at most one argument, framework"
    if name is not None and name not in names:
        return f"{mark.name}: got framework={name!r}, expected None or one of {', '.join(names)}"
    return None


def unmet(what: str, config: pytest.Config, mark: pytest.Mark) -> str | None:
    """Why a test that requires a GPU (``metal``: of that kind) cannot run here; None where it can."""
    here = board(config)
    name = framework_argument(mark)
    if name is None:
        if what == "metal":
            outcome = here.metal()
            return None if outcome.verified else because(outcome, here.host)
        return _any_unmet(here, what)
    framework = here.framework(name)
    if framework is None:
        return f"there is no framework {name!r}"
    return _unmet(here, framework, what)


def _unmet(here: Board, framework: Framework, what: str) -> str | None:
    if not installed.is_installed(framework):
        return f"{framework.title} is not installed"
    outcome = here.outcome(framework)
    if not outcome.verified or outcome.device is None:
        return because(outcome, here.host)
    platform = _PLATFORMS[what]
    if platform is not None and outcome.device.platform != platform:
        return f"{outcome.title} computes on a {outcome.device.label}, not on Metal"
    return None


def alarms(what: str, config: pytest.Config, mark: pytest.Mark) -> Iterator[str]:
    """What is wrong with the frameworks that a marker asks for, and a skip would hide; each is told once a run."""
    here = board(config)
    name = framework_argument(mark)
    if name is None and what == "metal":  # Metal itself was asked
        return
    for framework in here.installed:
        if name not in (None, framework.name) or here.outcome(framework).status in ("ok", "no-gpu", "unchecked"):
            continue
        if here.memory.first(f"broken-{framework.name}"):
            subject = f"accelerator::{framework.name}"
            found = judge(here.outcome(framework), here.expectation(framework, required=True), subject)
            yield text.text(found)


def _any_unmet(here: Board, what: str) -> str | None:
    if not here.installed:
        names = ", ".join(framework.title for framework in here.frameworks)
        return f"no framework that could use a GPU is installed (known: {names})"
    reasons = []
    for framework in here.installed:
        reason = _unmet(here, framework, what)
        if reason is None:
            return None  # one is enough: the others need not be imported
        reasons.append(reason)
    return "; ".join(reasons)


def require(what: str, config: pytest.Config) -> Answer:
    """The item ``archcheck::require::metal`` (or ``gpu``): some installed framework has just computed there."""
    here = board(config)
    reason = _any_unmet(here, what)
    if reason is None:
        return Answer()
    look = "see `pytest archcheck::accelerator`" if here.installed else "install one of them"
    thing = "a Metal GPU" if what == "metal" else "a GPU"
    return Answer(
        findings=(
            Finding(
                rule="unmet-requirement",
                severity="error",
                subject=f"require::{what}",
                distribution=None,
                path=None,
                message=f"{thing} that computes is required: {reason}",
                remedy=f"{look}; run where there is such a GPU, or do not require it here",
            ),
        )
    )


def run_benchmark(config: pytest.Config, framework: str, size: int | None, dtype: str) -> Benchmark:
    """What the fixture ``matmul_benchmark`` calls."""
    from pytest_archcheck.accelerators import settings as accepted

    here = board(config)
    found = here.framework(framework)
    if found is None:
        names = ", ".join(one.name for one in here.frameworks)
        raise ValueError(f"framework: got {framework!r}, expected one of {names}")
    if dtype not in accepted.DTYPES:
        raise ValueError(f"dtype: got {dtype!r}, expected one of {', '.join(accepted.DTYPES)}")
    if size is not None:
        accepted.matrix_size(size, accepted.machine_memory(), dtype)
    if not installed.is_installed(found):
        raise BenchmarkError(f"{found.title} is not installed")
    result = probe.benchmark(found, size or here.settings.size, dtype, here.settings.timeout)
    if isinstance(result, Outcome):
        raise BenchmarkError(because(result, here.host))
    return replace(result, caveat=_NOT_ALONE) if hasattr(config, "workerinput") else result
