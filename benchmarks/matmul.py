"""Does the matmul benchmark tell the truth? Its repeats and the same product timed by hand, alternating in one process.

Usage: python benchmarks/matmul.py tensorflow|torch|jax|mlx [--delay] [--rounds 40] [sizes ...]

Run where the framework and numpy are. On the first GPU, or else the CPU. With --delay every product takes 50 ms more: with
TensorFlow on the PluggableDevice of the tests (it needs gcc and Linux), with PyTorch inside its dispatcher. For figures that
mean something: one core for all of it, and nobody else on it (chrt -f 20 taskset -c 1 ...).

A round is a repeat of the benchmark and single products by hand for as long, each the first in every other round; a round's
figure is the mean of its products. Printed: medians of the rounds in milliseconds, their ratio, and the median of the rounds'
own ratios with its interval of 95 % (order statistics: nothing is assumed of how the noise is spread). The exit status is 1
where the ratio of the medians is not within 5 %.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from support import frameworks

from pytest_archcheck.accelerators.child import numbers
from pytest_archcheck.accelerators.child.adapter import load_adapter
from pytest_archcheck.accelerators.child.matmul import Bench
from pytest_archcheck.accelerators.model import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_archcheck.accelerators.child.adapter import Array
    from pytest_archcheck.accelerators.child.chain import Way

_DELAY = 0.05
_WITHIN = 0.05


def by_hand(framework: str, device: str, left: Array, right: Array) -> Callable[[], object]:
    """What somebody would type to multiply once and have the numbers."""
    module = importlib.import_module(framework if framework != "mlx" else "mlx.core")
    numpy = importlib.import_module("numpy")
    if framework == "tensorflow":
        with module.device(f"/{device}"):
            a, b = module.constant(left), module.constant(right)
            return lambda: module.matmul(a, b).numpy()
    if framework == "torch":
        c, d = module.from_numpy(left).to(device), module.from_numpy(right).to(device)
        return lambda: module.matmul(c, d).cpu().numpy()
    if framework == "jax":
        e, f = module.numpy.asarray(left), module.numpy.asarray(right)
        return lambda: numpy.asarray(module.numpy.matmul(e, f))
    g, h = module.array(left), module.array(right)
    return lambda: numpy.array(module.matmul(g, h))


def benchmark_repeat(way: Way) -> float:
    """Seconds a product of one repeat."""
    return way.run() / (way.products * way.chains)


def hand_repeat(multiply: Callable[[], object], products: int) -> float:
    """Seconds a product, each timed alone."""
    total = 0.0
    for _ in range(products):
        start = time.perf_counter()
        multiply()
        total += time.perf_counter() - start
    return total / products


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median by order statistics (normal approximation of the binomial)."""
    ordered, count = sorted(ratios), len(ratios)
    reach = 0.98 * count**0.5
    low, high = int(count / 2 - reach), int(count / 2 + reach) + 1
    return ordered[max(low, 0)], ordered[min(high, count - 1)]


def delay_tensorflow(folder: str) -> None:
    """Make the tests' device the GPU of this process; to be called before TensorFlow is imported."""
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        sys.exit("tensorflow is not installed here")
    library = Path(folder) / "libarchcheck_device.so"
    os.environ["TF_PLUGGABLE_DEVICE_LIBRARY_PATH"] = str(frameworks.build_plugin(Path(found.origin).parent.parent, library))
    os.environ["ARCHCHECK_DEVICE_FAULT"] = "delay"


def delay_torch() -> None:
    """Have PyTorch's dispatcher wait before every product."""
    dispatch = importlib.import_module("torch.utils._python_dispatch")

    class Delay(dispatch.TorchDispatchMode):  # type: ignore[name-defined, misc]  # PyTorch is what is measured
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
            if "mm" in str(function):
                time.sleep(_DELAY)
            return function(*args, **(kwargs or {}))

    Delay().__enter__()  # for as long as the process lives


def measure(framework: str, bench: Bench, multiply: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Return both columns: seconds a product of each round."""
    way = bench.eager()
    way.run()
    way.calibrate()
    multiply()
    ours: list[float] = []
    hand: list[float] = []
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 else (1, 0):
            if which:
                ours.append(benchmark_repeat(way))
            else:
                hand.append(hand_repeat(multiply, way.products * way.chains))
    print(f"{framework}: repeats of {way.products * way.chains} products", file=sys.stderr)
    return ours, hand


def main() -> int:
    """Print a row for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=[one.name for one in BUILT_IN])
    parser.add_argument("--delay", action="store_true")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("sizes", type=int, nargs="*", default=[512, 1024])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.delay and asked.framework == "tensorflow":
            delay_tensorflow(folder)
        numpy = importlib.import_module("numpy")
        adapter = load_adapter(next(one.adapter for one in BUILT_IN if one.name == asked.framework))
        version = adapter.load()
        if asked.delay and asked.framework == "torch":
            delay_torch()
        device = min(adapter.devices(), key=lambda one: one["kind"] != "gpu")["name"]
        right = True
        for size in asked.sizes:
            left = numbers.generator(numpy).standard_normal((size, size)).astype("float32")
            factor = numbers.mixing_matrix(numpy, size, "float32")
            bench = Bench(adapter, numpy, device, left, factor)
            ours, hand = measure(asked.framework, bench, by_hand(asked.framework, device, left, factor), asked.rounds)
            medians = [statistics.median(column) for column in (ours, hand)]
            ratios = [one / other for one, other in zip(ours, hand, strict=True)]
            low, high = interval(ratios)
            ratio = medians[0] / medians[1]
            right = right and abs(ratio - 1) <= _WITHIN
            cells = [f"{asked.framework} {version}", device + (", 50 ms more" if asked.delay else ""), str(size)]
            cells += [f"{median * 1e3:.2f}" for median in medians]
            cells += [f"{ratio:.3f}", f"{statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"]
            print(f"| {' | '.join(cells)} |", flush=True)
        return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
