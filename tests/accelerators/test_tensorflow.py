"""Real TensorFlow, with and without the test device: the probe, the benchmark, and every way to fail."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import faults, frameworks

from pytest_archcheck.accelerators.model import TENSORFLOW, Benchmark, Outcome
from pytest_archcheck.accelerators.probe import benchmark, probe

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.accelerators.model import Framework

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.usefixtures("no_process_left"),
    pytest.mark.skipif(sys.platform == "win32", reason="the test device is for Linux"),
]

LONG = 300.0


@pytest.fixture(scope="session")
def deadline(tensorflow_tree: Path) -> float:
    """Seconds that a healthy probe does not need even on a busy machine, from what one took on this one just now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tensorflow_tree))
        outcome = probe(TENSORFLOW, LONG)
    assert outcome.status == "no-gpu"
    return max(15.0, 4 * outcome.seconds)


def test_cpu_only(tensorflow: Framework) -> None:
    outcome = probe(tensorflow, LONG)
    assert outcome.status == "no-gpu"
    assert outcome.message == "TensorFlow 2.21.0 sees no GPU; its CPU computes"
    assert [device.name for device in outcome.devices] == ["CPU:0"]
    assert outcome.error is not None
    assert outcome.error < 1e-5
    assert "tensorflow" not in sys.modules


def test_the_device_is_verified_by_its_work(tensorflow: Framework, device: frameworks.Device) -> None:
    outcome = probe(tensorflow, LONG)
    assert outcome.status == "ok"
    assert outcome.device is not None
    assert (outcome.device.name, outcome.device.platform, outcome.device.label) == ("GPU:0", "METAL", "Metal GPU")
    assert outcome.error is not None
    assert outcome.error < 1e-5
    assert device.products == 1


def test_a_device_found_in_the_plugin_folder(
    tensorflow: Framework, tensorflow_tree: Path, plugin_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages" / "tensorflow-plugins"
    folder.mkdir(parents=True)
    shutil.copy(plugin_library, folder / "libarchcheck_device.so")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder.parent), str(tensorflow_tree)]))
    assert probe(tensorflow, LONG).status == "ok"


def test_a_device_loaded_twice(
    tensorflow: Framework, device: frameworks.Device, tensorflow_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages" / "tensorflow-plugins"
    folder.mkdir(parents=True)
    shutil.copy(device.library, folder / "libanother_name.so")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder.parent), str(tensorflow_tree)]))
    outcome = probe(tensorflow, LONG)
    named(outcome, "loaded twice")
    assert "reached under two names" in outcome.cause


@pytest.mark.parametrize("fault", faults.DEVICE, ids=lambda one: one.name)
def test_faults(tensorflow: Framework, device: frameworks.Device, fault: faults.Fault) -> None:
    device.fail(fault.name)
    outcome = probe(tensorflow, LONG)
    assert (outcome.status, fault.words in outcome.message) == (fault.rule, True), outcome


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("value", "status", "words"),
    [
        ("CPU", "no-gpu", "its CPU computes; TF_ENABLED_DEVICE_TYPES='CPU' hides every GPU from TensorFlow"),
        ("GPU", "import-failed", "importing TensorFlow failed: NotFoundError: CPU Factory not registered"),
        ("GPU,CPU", "ok", ""),
    ],
)
def test_the_variable_that_hides_devices(
    tensorflow: Framework, value: str, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLED_DEVICE_TYPES", value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # a plugin does not heed it, and this TensorFlow has no CUDA
    outcome = probe(tensorflow, LONG)
    assert (outcome.status, words in outcome.message) == (status, True), outcome
    assert "CUDA_VISIBLE" not in outcome.message
    assert ("env -u TF_ENABLED_DEVICE_TYPES" in outcome.remedy) == (status != "ok")


@pytest.mark.parametrize(
    ("fault", "stage"), list(zip(faults.HANGS, ("import", "read back"), strict=True)), ids=["load", "read back"]
)
def test_hangs(tensorflow: Framework, device: frameworks.Device, deadline: float, fault: faults.Fault, stage: str) -> None:
    device.fail(fault.name)
    before = time.monotonic()
    outcome = probe(tensorflow, deadline)
    assert (outcome.status, outcome.stage) == (fault.rule, stage)
    assert outcome.message.startswith(fault.words)
    assert ("while it loaded the device plugin libarchcheck_device.so" in outcome.message) == (stage == "import")
    assert time.monotonic() - before >= deadline


def named(outcome: Outcome, name: str) -> None:
    """What is said is what the table says."""
    fault = next(one for one in faults.LIBRARY if one.name == name)
    assert (outcome.status, fault.words in outcome.message) == (fault.rule, True), outcome


def test_an_undefined_symbol(tensorflow: Framework, device: frameworks.Device, tensorflow_tree: Path, tmp_path: Path) -> None:
    device.load(frameworks.build_plugin(tensorflow_tree, tmp_path / "libundefined.so", "-DUNDEFINED_SYMBOL"))
    outcome = probe(tensorflow, LONG)
    named(outcome, "undefined symbol")


def test_a_missing_library(tensorflow: Framework, device: frameworks.Device, tensorflow_tree: Path, tmp_path: Path) -> None:
    gone = frameworks.build_library("void function_of_a_library_that_is_gone(void) {}", tmp_path / "libgone.so")
    plugin = frameworks.build_plugin(tensorflow_tree, tmp_path / "libneedy.so", "-DMISSING_LIBRARY", str(gone))
    gone.unlink()
    device.load(plugin)
    outcome = probe(tensorflow, LONG)
    named(outcome, "missing library")


def test_a_truncated_library(tensorflow: Framework, device: frameworks.Device, tmp_path: Path) -> None:
    short = tmp_path / "libshort.so"
    short.write_bytes(device.library.read_bytes()[:40])  # less than the 64 bytes of an ELF header
    device.load(short)
    outcome = probe(tensorflow, LONG)
    named(outcome, "40 bytes of it")


def test_a_library_that_ends_before_its_code(tensorflow: Framework, device: frameworks.Device, tmp_path: Path) -> None:
    short = tmp_path / "libshort.so"
    short.write_bytes(device.library.read_bytes()[:4096])  # its headers, and nothing of what they speak of
    device.load(short)
    outcome = probe(tensorflow, LONG)
    named(outcome, "4096 bytes of it")
    assert "truncated" in outcome.cause
    assert f"take {short} away" in outcome.remedy


def test_the_benchmark_is_what_the_device_counts(tensorflow: Framework, device: frameworks.Device) -> None:
    result = benchmark(tensorflow, 160, "float32", LONG)
    assert isinstance(result, Benchmark)
    assert (result.device, result.platform, result.size, result.dtype) == ("GPU:0", "METAL", 160, "float32")
    # Every product was really done there: those of the tf.function are neither folded nor merged.
    assert result.products == device.products > 20
    assert result.error < 1e-5
    assert result.speedup is not None
    assert result.gflops == pytest.approx(2 * 160**3 / result.seconds / 1e9)


def test_the_clock_waits_for_the_work(tensorflow: Framework, device: frameworks.Device) -> None:
    device.fail("slow")  # 0.3 s each, on a thread of its own
    result = benchmark(tensorflow, 64, "float32", LONG)
    assert isinstance(result, Benchmark)
    assert result.seconds >= 0.3
    assert result.compiled_seconds is not None
    assert result.compiled_seconds >= 0.3
    assert result.products == device.products


def test_a_correct_device_of_7_gflops_ends_within_40_seconds(tensorflow: Framework, device: frameworks.Device) -> None:
    device.fail("7-gflops")  # it sleeps away what this machine's processor is faster: a product of 2048 rows takes 2.45 s
    seen: dict[str, float] = {}

    def watch(stage: str, seconds: float) -> None:
        seen.setdefault(stage, seconds)

    begin = time.monotonic()
    result = benchmark(tensorflow, 2048, "float32", LONG, watch)
    # Ten seconds of the forty are for importing TensorFlow, which depends on what else this machine does.
    assert time.monotonic() - begin - seen["read back"] < 30
    assert isinstance(result, Benchmark)
    assert result.gflops == pytest.approx(7, rel=0.05)
    assert result.products == device.products == 7  # one whose numbers are looked at, and three repeats of two


@pytest.mark.parametrize("fault", ["wrong", "one-wrong-number", "zeros", "nan"])
def test_a_benchmark_of_wrong_numbers(tensorflow: Framework, device: frameworks.Device, fault: str) -> None:
    device.fail(fault)
    result = benchmark(tensorflow, 64, "float32", LONG)
    assert isinstance(result, Outcome)
    assert result.status == "wrong-result"


def test_a_benchmark_of_the_cpu(tensorflow: Framework) -> None:
    result = benchmark(tensorflow, 64, "float64", LONG)
    assert isinstance(result, Benchmark)
    assert (result.device, result.platform, result.speedup, result.dtype) == ("CPU:0", "", None, "float64")
    assert result.error < 1e-12
    assert result.compiled_seconds is not None
