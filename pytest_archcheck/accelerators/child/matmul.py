"""The matmul benchmark: how fast a device really is, and whether the numbers are right.

GPU work is asynchronous, so only reading a result back stops the clock; to keep that copy small, one repeat is a *chain* of
dependent products that ends in one read-back. Inputs come from numpy and lie on the device before the clock starts. CPU and GPU
repeats alternate, so that both see the same machine.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .numbers import TOLERANCE, distance, error_of, mixing_matrix, numpy_or_none, random_matrix
from .probe import open_framework

if TYPE_CHECKING:
    from collections.abc import Callable

    from .adapter import Adapter, Array, DeviceFacts, Tensor
    from .numbers import Numpy
    from .report import Report

_REPEATS = 7
#: A repeat lasts at least this long (seconds): long against the clock, the launch and the read-back.
_REPEAT_SECONDS = 0.1
_LONGEST_CHAIN = 4096
#: Dependent products inside one step, eager or compiled; even, so that a chain ends where it began.
_STEP_PRODUCTS = 2


class Chain:
    """Repeats ``x = x @ Q`` an even number of times on one device; Q @ Q = 1, so x ends where it began."""

    def __init__(self, adapter: Adapter, numpy: Numpy, device: str, value: Array, factor: Array) -> None:
        self.adapter = adapter
        self.device = device
        self.products = _STEP_PRODUCTS
        #: Products asked of the device so far.
        self.asked = 0
        #: Farthest that a chain's end was from its beginning; None once a number was not finite.
        self.drift: float | None = 0.0
        self._numpy = numpy
        self._host_value = value
        self._value = adapter.place(value, device)
        self._factor = adapter.place(factor, device)

    def product(self) -> Tensor:
        """One product, still on the device."""
        self.asked += 1
        return self.adapter.matmul(self._value, self._factor, self.device)

    def eager(self, value: Tensor) -> Tensor:
        """Multiply step by step."""
        for _ in range(_STEP_PRODUCTS):
            value = self.adapter.matmul(value, self._factor, self.device)
        return value

    def compiled(self) -> Callable[[Tensor], Tensor] | None:
        """Return the framework's compiled form of :meth:`eager`, warmed up; None where the adapter has none."""
        make = getattr(self.adapter, "compiled", None)
        if make is None:
            return None
        function = make(self.device, _STEP_PRODUCTS)

        def step(value: Tensor) -> Tensor:
            return function(value, self._factor)

        self.time(step)
        return step

    def time(self, step: Callable[[Tensor], Tensor]) -> float:
        """Return the seconds a product of one repeat, and look at what came out of it."""
        value = self._value
        start = time.perf_counter()
        for _ in range(self.products // _STEP_PRODUCTS):
            value = step(value)
        result = self.adapter.read(value)
        seconds = time.perf_counter() - start
        self.asked += self.products
        drift = distance(self._numpy, result, self._host_value)
        self.drift = None if drift is None or self.drift is None else max(self.drift, drift)
        return seconds / self.products

    def calibrate(self) -> None:
        """Warm up, and make the chain long enough."""
        self.time(self.eager)
        while self.time(self.eager) * self.products < _REPEAT_SECONDS and self.products < _LONGEST_CHAIN:
            self.products *= 2


def run(adapter: Adapter, report: Report, size: int, dtype: str, *, measure: bool) -> None:
    """Say one product's error and, if it shall be measured, the seconds a product of every repeat."""
    devices = open_framework(adapter, report)
    numpy = numpy_or_none()
    if numpy is None:
        report.say(unchecked="numpy is not installed")
        return
    if not devices:
        return
    report.stage("compute")
    device = devices[0]["name"]
    report.say(device=device, dtype=dtype, tolerance=TOLERANCE[dtype])
    value = random_matrix(numpy, size, size, dtype)
    factor = mixing_matrix(numpy, size, dtype)
    chain = Chain(adapter, numpy, device, value, factor)
    product = chain.product()
    report.say(placed=adapter.device_of(product))
    report.stage("read back")
    result = adapter.read(product)
    report.stage("compare")
    report.say(error=error_of(numpy, result, value, factor))
    if measure:
        report.stage("measure")
        cpu = _cpu(devices)
        _measure(report, chain, Chain(adapter, numpy, cpu, value, factor) if cpu else None)


def _cpu(devices: list[DeviceFacts]) -> str | None:
    """Return the CPU to compare a GPU with."""
    if devices[0]["kind"] != "gpu":
        return None
    return next((device["name"] for device in devices if device["kind"] == "cpu"), None)


def _measure(report: Report, chain: Chain, cpu: Chain | None) -> None:
    """Say the seconds a product of every repeat: eager, compiled, and on the CPU where there is one to compare with."""
    chain.calibrate()
    step = chain.compiled()
    if cpu is not None:
        cpu.calibrate()
    seconds: dict[str, list[float]] = {"eager": [], "compiled": [], "cpu": []}
    for _ in range(_REPEATS):
        seconds["eager"].append(chain.time(chain.eager))
        if step is not None:
            seconds["compiled"].append(chain.time(step))
        if cpu is not None:
            seconds["cpu"].append(cpu.time(cpu.eager))
    report.say(seconds=seconds, products=chain.products, asked=chain.asked, drift=chain.drift)
