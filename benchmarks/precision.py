"""Which precisions pass for float32, and which do not? Simulated devices, many seeds, sizes from 64 to 2048.

Usage: python benchmarks/precision.py [runs]     in an environment with numpy; 10,000 runs take some five minutes on one core

A run is one product with fresh numbers, judged as the probe and the benchmark judge it. Every size gets as many runs; of the
larger ones 64 rows and 64 columns of the product are made, with all their summands: with fewer elements the root mean square
varies more than in the whole, so what holds for them holds for it. Some products of every size are made whole, for the largest
error of many elements. Below, chains of products. The exit status is 1 where a healthy device failed or another one passed.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from support import precisions

from pytest_archcheck.accelerators.child import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

#: It belongs to what is measured: the type checker need not know it.
np = importlib.import_module("numpy")

_SIZES = (64, 96, 128, 193, 256, 512, 1024, 2048)
#: Rows and columns of a product that is not made whole.
_SAMPLE = 64
#: For so many runs of a size one product more is made whole, but at most so many multiplications' worth of them.
_WHOLE_EVERY = 100
_WHOLE_WORK = 2e10

#: Products of a chain.
_CHAIN = 512
_CHAIN_SIZES = (64, 100, 193, 256, 512)


class Row:
    """All runs of one device."""

    def __init__(self) -> None:
        self.runs = 0
        self.passed = 0
        self.rms: list[float] = []
        self.largest = 0.0
        #: Of each run, the part of what is allowed that came nearest to it or went beyond it most.
        self.parts: list[float] = []

    def add(self, error: numbers.Error) -> None:
        """Count one, judged as the parent judges what the child says."""
        self.runs += 1
        if error.rms is None or error.largest is None:
            return
        part = max(error.rms / error.allowed_rms, error.largest / error.allowed_largest)
        self.passed += part <= 1
        self.parts.append(part)
        self.rms.append(error.rms)
        self.largest = max(self.largest, error.largest)

    def __str__(self) -> str:
        if not self.rms:
            return f"{self.runs:,} | {self.passed:,} | not finite | | "
        part = f"{min(self.parts):.2g} to {max(self.parts):.2g}"
        return f"{self.runs:,} | {self.passed:,} | {min(self.rms):.2g} to {max(self.rms):.2g} | {self.largest:.2g} | {part}"


def problems(size: int, runs: int) -> Iterator[numbers.Problem]:
    """Products of that size: so many of which a part is made, and some whole ones."""
    side = min(size, _SAMPLE)
    for _ in range(max(1, runs)):
        yield numbers.Problem(np, side, size, side, "float32")
    if side < size:
        for _ in range(min(max(1, runs // _WHOLE_EVERY), max(1, int(_WHOLE_WORK / size**3)))):
            yield numbers.Problem(np, size, size, size, "float32")


def products(runs: int) -> bool:
    """Print the table of single products; False where one was judged wrongly."""
    good, bad = precisions.healthy(np), precisions.wrong(np)
    rows = {name: Row() for name in (*good, *bad)}
    for size in _SIZES:
        for problem in problems(size, runs // len(_SIZES)):
            for name, multiply in (good | bad).items():
                rows[name].add(problem.error_of(multiply(problem.left, problem.right)))
    print("| device | runs | pass | root mean square | largest | of what is allowed |\n|---|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        print(f"| {name} | {row} |")
    return all(rows[name].passed == rows[name].runs for name in good) and not any(rows[name].passed for name in bad)


def chains(runs: int) -> bool:
    """Print how near chains come to what is allowed; False where a healthy one came too near."""
    print("\n| device | chains | error / allowed |\n|---|--:|--:|")
    right = True
    for name, multiply in precisions.healthy(np).items():
        nearest, count = 0.0, 0
        for size in _CHAIN_SIZES:
            for _ in range(max(1, runs * 64 // (size * 100))):
                nearest = max(nearest, chain(size, multiply))
                count += 1
        print(f"| {name} | {count:,} | {nearest:.2f} |")
        right = right and nearest <= 1
    return right


def chain(size: int, multiply: precisions.Multiply) -> float:
    """Return the largest part of what is allowed that a chain's end was off, after one step and at its end."""
    value = numbers.generator(np).standard_normal((size, size)).astype("float32")
    factor = numbers.mixing_matrix(np, size, "float32")
    error = numbers.ChainError(np, value, "float32")
    now, nearest = value, 0.0
    for product in range(1, _CHAIN + 1):
        now = multiply(now, factor)
        if product == 2 or product == min(_CHAIN, error.longest):
            error.look(now, product)
            worst = error.worst
            nearest = max(nearest, worst["rms"] / worst["allowed"], worst["largest"] / worst["allowed_largest"])
            if product > 2:
                break
    return nearest


def main() -> int:
    """Print both tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    right = products(runs)
    return 0 if chains(min(runs, 1000)) and right else 1


if __name__ == "__main__":
    sys.exit(main())
