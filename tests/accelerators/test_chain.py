"""How long a repeat of the benchmark gets: a device and a clock that are made up, so that nothing depends on this machine."""

from __future__ import annotations

import pytest

from pytest_archcheck.accelerators.child import chain, matmul
from pytest_archcheck.accelerators.child.chain import REPEAT_SECONDS, Way


class Device:
    """Takes the seconds that it is told for each product, and now and then more."""

    def __init__(self, product: float, *disturbed: float) -> None:
        self.now = 0.0
        self.product = product
        #: Seconds that the next repeats take more.
        self.disturbed = list(disturbed)
        #: Seconds of all repeats.
        self.repeats: list[float] = []
        self._begin: float | None = None

    def perf_counter(self) -> float:
        if self._begin is None:
            self._begin = self.now
        else:
            self.now += self.disturbed.pop(0) if self.disturbed else 0
            self.repeats.append(self.now - self._begin)
            self._begin = None
        return self.now

    def step(self, value: int) -> int:
        self.now += self.product * chain.STEP_PRODUCTS
        return value + chain.STEP_PRODUCTS

    def read(self, value: int) -> int:
        return value


class Looked:
    """What looks at the ends of chains."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.seen: list[int] = []
        self.worst: dict[str, object] = {}

    def look(self, result: int, products: int) -> None:
        assert result == products
        self.seen.append(products)


def way(device: Device, monkeypatch: pytest.MonkeyPatch, longest: int = 4096) -> Way:
    monkeypatch.setattr("time.perf_counter", device.perf_counter)
    return Way(0, device.step, device.read, Looked(longest))  # type: ignore[arg-type]  # all that a way asks of it


@pytest.mark.parametrize("product", [1e-6, 3e-5, 0.001, 0.049, 0.2, 3.0])
@pytest.mark.parametrize("longest", [2, 300, 4096])
def test_a_repeat_is_long_enough_and_not_much_longer(product: float, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(product)
    measured = way(device, monkeypatch, longest)
    measured.calibrate()
    device.repeats.clear()
    for _ in range(7):
        measured.repeat()
    assert len(measured.seconds) == 7
    assert min(device.repeats) >= REPEAT_SECONDS
    assert max(device.repeats) < max(4 * REPEAT_SECONDS, 2.1 * product)
    assert measured.seconds == pytest.approx([product] * 7)
    assert isinstance(measured.error, Looked)
    assert max(measured.error.seen) <= longest


@pytest.mark.parametrize("disturbed", [(5.0,), (0.0, 5.0), (0.2, 0.2, 0.2), (5.0, 0.0, 5.0, 0.0, 5.0)])
def test_slow_samples_do_not_end_the_calibration(disturbed: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # One sample of 64 microseconds' work that took 0.2 s made repeats of 64 microseconds, with a spread of 1524.
    device = Device(32e-6, *disturbed)
    measured = way(device, monkeypatch)
    measured.calibrate()
    while len(measured.seconds) < 7:
        measured.repeat()
    assert measured.seconds[1:] == pytest.approx([32e-6] * 6)
    assert measured.products * measured.chains * 32e-6 >= REPEAT_SECONDS


def test_a_device_that_turns_faster_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(0.01)
    measured = way(device, monkeypatch)
    measured.calibrate()
    measured.repeat()
    device.product = 0.0001
    for _ in range(3):
        measured.repeat()
    assert measured.seconds == pytest.approx([0.0001] * 3)
    assert measured.products * measured.chains * 0.0001 >= REPEAT_SECONDS


def test_every_product_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(0.001)
    measured = way(device, monkeypatch, longest=8)
    measured.calibrate()
    measured.repeat()
    assert isinstance(measured.error, Looked)
    assert measured.asked == sum(measured.error.seen)


class Machine:
    """A slow GPU and its CPU, which share one clock: what ``matmul`` measures on."""

    def __init__(self, gpu: float, cpu: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.said: dict[str, object] = {}
        self.speeds = {"gpu": gpu, "cpu": cpu}
        monkeypatch.setattr("time.perf_counter", lambda: self.now)
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def bench(self, device: str) -> matmul.Bench:
        made = object.__new__(matmul.Bench)
        made.eager = lambda: Way(0, lambda value: self.step(device, value), lambda value: value, Looked(4096))  # type: ignore[arg-type, method-assign]
        made.compiled = made.eager  # type: ignore[method-assign]
        return made

    def step(self, device: str, value: int) -> int:
        self.now += self.speeds[device] * chain.STEP_PRODUCTS
        return value + chain.STEP_PRODUCTS

    def say(self, **facts: object) -> None:
        self.said |= facts


@pytest.mark.parametrize(
    ("product", "deadline", "most", "repeats"),
    [
        (2.45, 300.0, 20.0, 3),  # 2048 rows at 7 GFLOP/s: with import, CPU and numbers it has to end within 40 s
        (34.0, 300.0, 250.0, 1),  # at 0.5 GFLOP/s
        (200.0, 300.0, 401.0, 1),  # no time for a second step: the first one is what there is
        (0.02, 300.0, 20.0, 7),
    ],
)
def test_a_slow_device_ends_before_the_deadline(
    product: float, deadline: float, most: float, repeats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(product, 0.3, monkeypatch)
    matmul._measure(machine, machine.bench("gpu"), machine.bench("cpu"), deadline)  # type: ignore[arg-type]
    seconds = machine.said["seconds"]
    assert isinstance(seconds, dict)
    assert len(seconds["eager"]) >= repeats
    assert seconds["eager"] == pytest.approx([product] * len(seconds["eager"]))
    assert machine.now <= most
    assert bool(seconds["compiled"]) == (product < 1)
