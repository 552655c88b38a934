"""Which precisions pass for float32, and which do not? Simulated devices, many seeds, sizes from 64 to 2048.

Usage: python benchmarks/precision.py [runs]     in an environment with numpy; 10,000 runs take some ten minutes on two cores

A run is one product with fresh numbers, judged as the probe and the benchmark judge it. Below it, chains of products. The exit
status is 1 where a healthy device failed or another one passed.
"""

from __future__ import annotations

import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from support import precisions

from pytest_archcheck.accelerators.child import numbers

#: It belongs to what is measured: the type checker need not know it.
np = importlib.import_module("numpy")

#: The part of the runs that each size gets; the small ones, where errors vary most, get most.
_SHARES = {64: 0.6, 96: 0.2, 128: 0.1, 193: 0.07, 256: 0.02, 512: 0.008, 1024: 0.0016, 2048: 0.0004}
#: Products of a chain.
_CHAIN = 512
_CHAIN_SIZES = (64, 100, 193, 256, 512)


def passes(error: numbers.Error) -> bool:
    """As the parent judges what the child says."""
    if error.rms is None or error.largest is None:
        return False
    return error.rms <= error.allowed_rms and error.largest <= error.allowed_largest


class Row:
    """All runs of one device."""

    def __init__(self) -> None:
        self.runs = 0
        self.passed = 0
        self.rms: list[float] = []
        self.largest = 0.0

    def add(self, error: numbers.Error) -> None:
        """Count one."""
        self.runs += 1
        self.passed += passes(error)
        if error.rms is not None and error.largest is not None:
            self.rms.append(error.rms)
            self.largest = max(self.largest, error.largest)

    def __str__(self) -> str:
        span = f"{min(self.rms):.2g} to {max(self.rms):.2g} | {self.largest:.2g}" if self.rms else "not finite |"
        return f"{self.runs:,} | {self.passed:,} | {span}"


def products(runs: int) -> bool:
    """Print the table of single products; False where one was judged wrongly."""
    good, bad = precisions.healthy(np), precisions.wrong(np)
    rows = {name: Row() for name in (*good, *bad)}
    for size, share in _SHARES.items():
        for _ in range(max(1, round(runs * share))):
            problem = numbers.Problem(np, size, size, size, "float32")
            for name, multiply in (good | bad).items():
                if "sums" not in name or size <= 256:  # slow to simulate
                    rows[name].add(problem.error_of(multiply(problem.left, problem.right)))
    print("| device | runs | pass | root mean square | largest |\n|---|--:|--:|--:|--:|")
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
