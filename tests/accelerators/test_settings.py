"""Settings of probe and benchmark: what is accepted, and what the error says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_archcheck.accelerators import settings


@pytest.mark.parametrize(("value", "size"), [(2048, 2048), ("2048", 2048), (" 1 ", 1)])
def test_sizes(value: object, size: int) -> None:
    assert settings.matrix_size(value, None) == size


@pytest.mark.parametrize("value", [0, -1, "0", "-1", "big", "", "1e3", 2.5, True, 10**9, "9" * 5000])
def test_no_sizes(value: object) -> None:
    with pytest.raises(ValueError, match=r"^got .*, expected a whole number from 1 to 65536"):
        settings.matrix_size(value, None)


def test_a_size_larger_than_memory() -> None:
    assert settings.matrix_size(4096, 8 * 10**9) == 4096
    with pytest.raises(ValueError, match=r"fit into this machine's 1\.0 GB; they need 1\.3 GB"):
        settings.matrix_size(4096, 10**9)


@pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc")
def test_this_machine_says_its_memory() -> None:
    (line,) = (line for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if line.startswith("MemTotal:"))
    assert settings.machine_memory() == int(line.split()[1]) * 1024


def test_windows_does_not_say_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert settings.machine_memory() is None


@pytest.mark.parametrize(("flops", "speedup", "gated"), [(None, None, False), (1.0, None, True), (None, 2.0, True)])
def test_a_gate_on_either_speed_is_one(flops: float | None, speedup: float | None, gated: object) -> None:
    assert settings.AcceleratorSettings(size=1, min_gflops=flops, min_speedup=speedup, timeout=1.0).gated is gated


@pytest.mark.parametrize(("value", "seconds"), [(300, 300.0), ("0.5", 0.5), ("1e3", 1000.0)])
def test_timeouts(value: object, seconds: float) -> None:
    assert settings.timeout(value) == seconds


@pytest.mark.parametrize("value", [0, "0", -1, "nan", "inf", "soon", "", True, 1e12])
def test_no_timeouts(value: object) -> None:
    with pytest.raises(ValueError, match=r"^got .*, expected seconds above 0"):
        settings.timeout(value)


@pytest.mark.parametrize(("value", "number"), [("", None), (None, None), ("2.5", 2.5), (100, 100.0)])
def test_gates(value: object, number: float | None) -> None:
    assert settings.gate(value) == number


@pytest.mark.parametrize("value", [0, "-3", "fast", "nan", False])
def test_no_gates(value: object) -> None:
    with pytest.raises(ValueError, match=r"^got .*, expected a number above 0"):
        settings.gate(value)
