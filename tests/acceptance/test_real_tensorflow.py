"""Real TensorFlow as a user meets it, on the CPU and with the test device as its Metal GPU."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import frameworks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.tensorflow

TESTS = """
import pytest, sys

@pytest.mark.requires_metal
def test_metal(): pass

@pytest.mark.requires_gpu
def test_gpu(): pass

def test_nothing_was_imported():
    assert "tensorflow" not in sys.modules
"""

OURS = "accelerator or matmul or require or project"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree("tensorflow")))
    pytester.makepyfile(test_project=TESTS)

    def run(*args: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\narchcheck_matmul_size = 128\n{ini}\n")
        return pytester.runpytest_subprocess("--archcheck-json=out.json", "-k", OURS, "-rfs", *args, timeout=300)

    return run


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> frameworks.Device:
    library = frameworks.build_plugin(frameworks.tree("tensorflow"), tmp_path / "libarchcheck_device.so")
    return frameworks.Device(library, tmp_path, monkeypatch)


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "out.json").read_text())
    return found


def test_on_the_cpu_markers_skip_and_items_pass(run: Run) -> None:
    result = run("--archcheck", "-v")
    result.assert_outcomes(passed=3, skipped=2)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*test_project.py:*: requires_metal: TensorFlow 2.21.0 sees no GPU; its CPU computes; Metal *",
            "SKIPPED*test_project.py:*: requires_gpu: TensorFlow 2.21.0 sees no GPU; its CPU computes; Metal *",
            "accelerator::tensorflow: no-gpu: TensorFlow 2.21.0 sees no GPU; its CPU computes; Metal * (note)",
            "tensorflow 2.21.0: CPU only",
        ]
    )


def test_required_on_the_cpu_exactly_what_asks_for_it_is_red(run: Run) -> None:
    result = run("--archcheck-require=metal")
    result.assert_outcomes(passed=2, failed=3, skipped=1)
    for nodeid in ("archcheck::accelerator::tensorflow", "archcheck::require::metal", "test_project.py::test_metal"):
        result.stdout.fnmatch_lines_random([f"FAILED {nodeid} *"])


def test_with_a_metal_device_everything_is_green(run: Run, device: frameworks.Device, pytester: pytest.Pytester) -> None:
    result = run("--archcheck-require=metal", "--archcheck-require=gpu")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["tensorflow 2.21.0: Metal GPU computes, * GFLOP/s, * times the CPU, spread *"])
    result.stdout.no_fnmatch_line("tensorflow 2.21.0: Metal GPU computes")
    found = report(pytester.path)
    (accelerator,) = found["accelerators"]
    assert (accelerator["framework"], accelerator["devices"], accelerator["verified"]) == (
        "tensorflow",
        ["GPU:0", "CPU:0"],
        True,
    )
    (measured,) = found["benchmarks"]
    assert (measured["device"], measured["size"], measured["dtype"]) == ("GPU:0", 128, "float32")
    assert measured["error"] < 1e-5
    # One product for the probe, the others for the benchmark: the device has done them all.
    assert device.products > 20


def test_wrong_numbers_are_red_everywhere_and_pytest_is_not_harmed(run: Run, device: frameworks.Device) -> None:
    device.fail("one-wrong-number")
    result = run("--archcheck")
    result.assert_outcomes(passed=1, failed=2, skipped=2)
    result.stdout.fnmatch_lines(
        ["*wrong-result: a float32 matmul of TensorFlow 2.21.0 on GPU:0 (Metal GPU) gives wrong numbers*"]
    )


def test_a_slow_device_misses_a_gate(run: Run, device: frameworks.Device) -> None:
    device.fail("slow")
    result = run("archcheck::matmul::tensorflow", ini="archcheck_matmul_min_gflops = 1\narchcheck_matmul_min_speedup = 1.5")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*slow-matmul: float32 matmul of size 128 on GPU:0 (METAL): * GFLOP/s, archcheck_matmul_min_gflops is 1",
            "*slow-matmul: float32 matmul of size 128 on GPU:0 (METAL): * archcheck_matmul_min_speedup is 1.5",
        ]
    )


def test_under_xdist_numbers_are_checked_and_speed_is_not(
    run: Run, device: frameworks.Device, pytester: pytest.Pytester
) -> None:
    pytest.importorskip("xdist")
    run("--archcheck", "-n2").assert_outcomes(passed=5)
    found = report(pytester.path)
    assert (len(found["accelerators"]), found["benchmarks"]) == (1, [])
    assert device.products == 2  # the probe's, once for both workers, and the matmul item's
