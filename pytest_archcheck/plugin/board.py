"""What a run knows of accelerators: the frameworks, the settings, and one probe of each, whoever asks first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.accelerators import carried, installed, probe
from pytest_archcheck.accelerators.model import BUILT_IN, Benchmark, Framework, Outcome
from pytest_archcheck.discover.model import Home
from pytest_archcheck.machine.host import this_host
from pytest_archcheck.plugin import hookspecs, progress
from pytest_archcheck.plugin.settings import read_accelerators
from pytest_archcheck.rules.accelerators import Expectation, because

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.model import MatmulBenchmark
    from pytest_archcheck.accelerators.settings import AcceleratorSettings
    from pytest_archcheck.machine.host import Host

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


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
        from pytest_archcheck.judge.homes import running_home

        has_metal = installed.installed(framework.metal_distributions) is not None
        return Expectation(host=self.host, required=required, has_metal=has_metal, home=running_home() or Home())


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
    hookspecs.declare(config.pluginmanager)
    for some in config.hook.pytest_archcheck_frameworks():
        for framework in some or ():
            if not isinstance(framework, Framework) or not _NAME.fullmatch(framework.name) or framework.name in found:
                raise pytest.UsageError(
                    f"pytest_archcheck_frameworks: got {framework!r}, expected a Framework with a name of its own "
                    "(lower-case letters, digits, '_', '.', '-')"
                )
            found[framework.name] = framework
    return tuple(found.values())


def benchmark_of(config: pytest.Config) -> MatmulBenchmark:
    """What the fixture ``matmul_benchmark`` gives."""

    def measure(framework: str = "tensorflow", size: int | None = None, dtype: str = "float32") -> Benchmark:
        __tracebackhide__ = True
        return _benchmark(config, framework, size, dtype)

    return measure


def _benchmark(config: pytest.Config, framework: str, size: int | None, dtype: str) -> Benchmark:
    from pytest_archcheck.accelerators import settings as accepted

    __tracebackhide__ = True  # what is wrong is said of the line that asked
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
