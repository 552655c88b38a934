"""Repeats of a benchmark: long enough for the clock, short enough for the deadline.

GPU work is asynchronous, so only reading a result back stops the clock; to keep that copy small, a repeat is a *chain* of
dependent products that ends in one read-back, or several such chains where the longest that can be judged is too short.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .adapter import Array, Tensor
    from .numbers import ChainError

#: Dependent products inside one step, eager or compiled; even, so that a chain ends where it began.
STEP_PRODUCTS = 2
#: A repeat lasts at least this long (seconds): long against the clock, the launch and the read-back.
REPEAT_SECONDS = 0.1
#: Aimed at: a device may turn a little faster after calibration.
_AIM_SECONDS = 0.15
#: A chain grows by this factor at most before it is timed again: one odd sample does not mislead far.
_GROWTH = 16
#: A step that takes so long (seconds) needs no calibration, whatever its first run had to make ready.
SLOW_STEP_SECONDS = 1.0


class Way:
    """One way to multiply on one device: step by step, or in the framework's compiled function."""

    def __init__(
        self, start: Tensor, step: Callable[[Tensor], Tensor], read: Callable[[Tensor], Array], error: ChainError
    ) -> None:
        self._start = start
        self._step = step
        self._read = read
        self.error = error
        #: Products of a chain, and chains of a repeat.
        self.products = STEP_PRODUCTS
        self.chains = 1
        #: Products asked for so far.
        self.asked = 0
        #: Seconds a product of every repeat that counts.
        self.seconds: list[float] = []

    def run(self) -> float:
        """Return the seconds of one repeat, and look at what came out of it."""
        ends = []
        start = time.perf_counter()
        for _ in range(self.chains):
            value = self._start
            for _ in range(self.products // STEP_PRODUCTS):
                value = self._step(value)
            ends.append(self._read(value))
        seconds = time.perf_counter() - start
        self.asked += self.products * self.chains
        for end in ends:
            self.error.look(end, self.products)
        return seconds

    def calibrate(self) -> None:
        """Make a repeat long enough. Of two runs the faster one is believed: whatever disturbs makes a run slower."""
        while True:
            seconds = min(self.run(), self.run())
            if seconds >= REPEAT_SECONDS:
                return
            self._grow(_AIM_SECONDS / max(seconds, 1e-9))

    def repeat(self) -> float:
        """Add a repeat that counts and return its seconds; one that is too short makes all begin anew with longer ones."""
        while (seconds := self.run()) < REPEAT_SECONDS:
            self.seconds.clear()
            self._grow(2 * _AIM_SECONDS / max(seconds, 1e-9))
        self.seconds.append(seconds / (self.products * self.chains))
        return seconds

    def _grow(self, factor: float) -> None:
        wanted = int(self.products * self.chains * min(max(factor, 1.1), _GROWTH)) + STEP_PRODUCTS
        self.products = min(wanted // STEP_PRODUCTS * STEP_PRODUCTS, self.error.longest)
        self.chains = -(-wanted // self.products)
