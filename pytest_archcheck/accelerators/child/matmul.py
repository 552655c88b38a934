"""The matmul benchmark: how fast a device really is, and whether the numbers are right.

Inputs come from numpy and lie on the device before the clock starts. CPU and GPU repeats alternate, so that both see the same
machine. A slow device gets fewer repeats: it must end before the deadline, for it is slow and not wrong.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .chain import SLOW_STEP_SECONDS, STEP_PRODUCTS, Way
from .numbers import LEAST_ROWS, ChainError, Problem, generator, mixing_matrix
from .probe import multiply, numbers_of, open_framework

if TYPE_CHECKING:
    from .adapter import Adapter, Array, DeviceFacts, Tensor
    from .numbers import Numpy
    from .report import Report

_REPEATS = 7
#: Repeats that a slow device gets, time permitting.
_LEAST_REPEATS = 3
#: Seconds after which no repeat beyond the least number begins.
_BUDGET = 10.0
#: The part of the time until the deadline that may be spent: what comes next may take longer than what was.
_SPENDABLE = 0.7


class Bench:
    """The matrices of a benchmark on one device, and the ways to multiply them there."""

    def __init__(self, adapter: Adapter, numpy: Numpy, device: str, value: Array, factor: Array) -> None:
        self._adapter = adapter
        self._numpy = numpy
        self._device = device
        self._host_value = value
        self._value = adapter.place(value, device)
        self._factor = adapter.place(factor, device)

    def _eager_step(self, value: Tensor) -> Tensor:
        for _ in range(STEP_PRODUCTS):
            value = self._adapter.matmul(value, self._factor, self._device)
        return value

    def eager(self) -> Way:
        """Multiply step by step."""
        return Way(self._value, self._eager_step, self._adapter.read, self._error())

    def compiled(self) -> Way | None:
        """The framework's compiled form of the same; None where the adapter has none."""
        make = getattr(self._adapter, "compiled", None)
        if make is None:
            return None
        function = make(self._device, STEP_PRODUCTS)
        return Way(self._value, lambda value: function(value, self._factor), self._adapter.read, self._error())

    def _error(self) -> ChainError:
        return ChainError(self._numpy, self._host_value, str(self._host_value.dtype))


def run(adapter: Adapter, report: Report, size: int, dtype: str, deadline: float, *, measure: bool) -> None:
    """Say one product's error and, if it shall be measured, the seconds a product of every repeat.

    :param deadline: by :func:`time.monotonic`.
    """
    devices = open_framework(adapter, report)
    numpy = numbers_of(adapter, report, devices)
    if numpy is None:
        return
    device, rows = devices[0]["name"], max(size, LEAST_ROWS)
    multiply(adapter, report, device, Problem(numpy, rows, rows, rows, dtype), dtype)
    if measure:
        report.stage("measure")
        value = generator(numpy).standard_normal((size, size)).astype(dtype)
        factor = mixing_matrix(numpy, size, dtype)
        cpu = _cpu(devices)
        bench = Bench(adapter, numpy, device, value, factor)
        _measure(report, bench, Bench(adapter, numpy, cpu, value, factor) if cpu else None, deadline)


def _cpu(devices: list[DeviceFacts]) -> str | None:
    """Return the CPU to compare a GPU with."""
    if devices[0]["kind"] != "gpu":
        return None
    return next((device["name"] for device in devices if device["kind"] == "cpu"), None)


def _measure(report: Report, bench: Bench, cpu: Bench | None, deadline: float) -> None:
    """Say the seconds a product of every repeat: eager, compiled, and on the CPU where there is one to compare with."""
    eager = bench.eager()
    ways, longest = {"eager": eager}, _begin(eager, deadline)
    slow = longest >= SLOW_STEP_SECONDS
    compiled = None if slow else bench.compiled()
    if compiled is not None:
        ways["compiled"] = compiled
    if cpu is not None and longest < _SPENDABLE * (deadline - time.monotonic()):
        ways["cpu"] = cpu.eager()
    for way in () if slow else ways.values():  # the CPU beside a slow device has repeats of the same size, which are no shorter
        if way is not eager:
            way.run()  # warms it up
        way.calibrate()
    _repeat(ways, longest, deadline)
    if not eager.seconds:
        eager.seconds.append(longest / STEP_PRODUCTS)  # there was no time for more than the one that warms up
    report.say(
        seconds={name: ways[name].seconds if name in ways else [] for name in ("eager", "compiled", "cpu")},
        repeat_products=eager.products * eager.chains,
        # The benchmark's one product is not among those of the ways.
        asked=1 + sum(way.asked for name, way in ways.items() if name != "cpu"),
        chains={name: way.error.worst for name, way in ways.items()},
    )


def _begin(eager: Way, deadline: float) -> float:
    """Run the first step and return the seconds of the last one.

    A slow step is run again: if it was something to make ready, the second one is quick. If this is how slow the device is,
    both are repeats that count: at some seconds a product none is to spare, and the product whose numbers were looked at has
    warmed it up.
    """
    first = eager.run()
    if first < SLOW_STEP_SECONDS or first >= _SPENDABLE * (deadline - time.monotonic()):
        return first
    second = eager.repeat()
    if second >= SLOW_STEP_SECONDS:
        eager.seconds.insert(0, first / STEP_PRODUCTS)
    return second


def _repeat(ways: dict[str, Way], longest: float, deadline: float) -> None:
    """Repeat all ways in turn, as often as time allows.

    :param longest: seconds of the longest round so far.
    """
    begin = time.monotonic()
    while (count := len(ways["eager"].seconds)) < _REPEATS:
        now = time.monotonic()
        if longest > _SPENDABLE * (deadline - now) or (count >= _LEAST_REPEATS and now + longest - begin > _BUDGET):
            return
        for way in ways.values():
            way.repeat()
        longest = max(longest, time.monotonic() - now)
