"""Does the matmul benchmark tell the truth? Its clock against a product timed by hand and numpy's, alternating in one process.

Usage: python benchmarks/matmul.py [tensorflow|torch] [rounds]     in an environment with the framework and numpy

Medians in milliseconds, and the benchmark's against those by hand and of numpy.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.child import numbers
from pytest_archcheck.accelerators.child.adapter import load_adapter
from pytest_archcheck.accelerators.child.matmul import Chain
from pytest_archcheck.accelerators.model import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.accelerators.child.adapter import Array

#: They belong to what is measured: the type checker need not know them.
np = importlib.import_module("numpy")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_hand(framework: str, left: Array, right: Array) -> Callable[[], object]:
    """What somebody would type to multiply once and have the numbers."""
    if framework == "tensorflow":
        tf = importlib.import_module("tensorflow")
        with tf.device("/CPU:0"):
            a, b = tf.constant(left), tf.constant(right)
        return lambda: tf.matmul(a, b).numpy()
    torch = importlib.import_module("torch")
    c, d = torch.from_numpy(left), torch.from_numpy(right)
    return lambda: torch.matmul(c, d).numpy()


def main() -> None:
    """Print a row for each size."""
    name = sys.argv[1] if len(sys.argv) > 1 else "tensorflow"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    adapter = load_adapter(next(one.adapter for one in BUILT_IN if one.name == name))
    adapter.load()
    (cpu,) = (device["name"] for device in adapter.devices() if device["kind"] == "cpu")
    print(f"{'size':>5} {'benchmark':>10} {'compiled':>10} {'by hand':>10} {'numpy':>10} {'to hand':>9} {'to numpy':>9}")
    for size in (1024, 2048):
        left = numbers.random_matrix(np, size, size, "float32")
        right = numbers.mixing_matrix(np, size, "float32")
        chain = Chain(adapter, np, cpu, left, right)
        chain.calibrate()
        compiled = chain.compiled() or chain.eager
        hand = by_hand(name, left, right)
        ways: list[Callable[[], float]] = [
            partial(chain.time, chain.eager),
            partial(chain.time, compiled),
            partial(seconds, hand),
            partial(seconds, partial(np.matmul, left, right)),
        ]
        columns: list[list[float]] = [[] for _ in ways]
        for turn in range(rounds):
            for index in range(len(ways)):  # each comes first as often as the others
                way = (turn + index) % len(ways)
                columns[way].append(ways[way]())
                time.sleep(0.1)  # numpy's threads spin for a while and would be in the next one's way
        medians = [statistics.median(column) * 1e3 for column in columns]
        ours, _, theirs, plain = medians
        ratios = f"{ours / theirs - 1:>+9.1%} {ours / plain - 1:>+9.1%}"
        print(f"{size:>5} {' '.join(f'{median:>10.2f}' for median in medians)} {ratios}")


if __name__ == "__main__":
    main()
