"""Does the matmul benchmark tell the truth? Its clock against a product timed by hand and numpy's, alternating in one process.

Usage: python benchmarks/matmul.py [tensorflow|torch|jax|mlx] [rounds] [sizes ...]     where the framework and numpy are

On the first GPU, or else the CPU. Medians in milliseconds, and the benchmark's against those by hand and of numpy.
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
from pytest_archcheck.accelerators.child.matmul import Bench
from pytest_archcheck.accelerators.model import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.accelerators.child.adapter import Array
    from pytest_archcheck.accelerators.child.chain import Way

#: They belong to what is measured: the type checker need not know them.
np = importlib.import_module("numpy")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_hand(framework: str, device: str, left: Array, right: Array) -> Callable[[], object]:
    """What somebody would type to multiply once and have the numbers."""
    module = importlib.import_module(framework if framework != "mlx" else "mlx.core")
    if framework == "tensorflow":
        with module.device(f"/{device}"):
            a, b = module.constant(left), module.constant(right)
            return lambda: module.matmul(a, b).numpy()
    if framework == "torch":
        c, d = module.from_numpy(left).to(device), module.from_numpy(right).to(device)
        return lambda: module.matmul(c, d).cpu().numpy()
    if framework == "jax":
        e, f = module.numpy.asarray(left), module.numpy.asarray(right)
        return lambda: np.asarray(module.numpy.matmul(e, f))
    g, h = module.array(left), module.array(right)
    return lambda: np.array(module.matmul(g, h))


def once(way: Way) -> float:
    """Seconds a product of one repeat."""
    return way.run() / (way.products * way.chains)


def main() -> None:
    """Print a row for each size."""
    name = sys.argv[1] if len(sys.argv) > 1 else "tensorflow"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    sizes = [int(size) for size in sys.argv[3:]] or [1024, 2048]
    adapter = load_adapter(next(one.adapter for one in BUILT_IN if one.name == name))
    adapter.load()
    device = min(adapter.devices(), key=lambda one: one["kind"] != "gpu")["name"]
    print(
        f"{device}\n{'size':>5} {'benchmark':>10} {'compiled':>10} {'by hand':>10} {'numpy':>10} {'to hand':>9} {'to numpy':>9}"
    )
    for size in sizes:
        left = numbers.generator(np).standard_normal((size, size)).astype("float32")
        right = numbers.mixing_matrix(np, size, "float32")
        bench = Bench(adapter, np, device, left, right)
        eager = bench.eager()
        compiled = bench.compiled() or bench.eager()
        for way in (eager, compiled):
            way.run()
            way.calibrate()
        ways: list[Callable[[], float]] = [
            partial(once, eager),
            partial(once, compiled),
            partial(seconds, by_hand(name, device, left, right)),
            partial(seconds, partial(np.matmul, left, right)),
        ]
        columns: list[list[float]] = [[] for _ in ways]
        for turn in range(rounds):
            for index in range(len(ways)):  # each comes first as often as the others
                number = (turn + index) % len(ways)
                columns[number].append(ways[number]())
                time.sleep(0.1)  # numpy's threads spin for a while and would be in the next one's way
        medians = [statistics.median(column) * 1e3 for column in columns]
        ours, _, theirs, plain = medians
        ratios = f"{ours / theirs - 1:>+9.1%} {ours / plain - 1:>+9.1%}"
        print(f"{size:>5} {' '.join(f'{median:>10.2f}' for median in medians)} {ratios}")


if __name__ == "__main__":
    main()
