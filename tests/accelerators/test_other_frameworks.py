"""Real PyTorch, JAX and MLX on the CPU, and PyTorch as Macs have it: with a Metal backend that is made up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support import frameworks

from pytest_archcheck.accelerators.model import JAX, MLX, PYTORCH, Benchmark, Framework, Outcome
from pytest_archcheck.accelerators.probe import benchmark, probe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("no_process_left")]

LONG = 300.0

#: Each with the name of its CPU.
CPUS = [(PYTORCH, "torch", "cpu"), (JAX, "jax", "TFRT_CPU_0"), (MLX, "mlx", "cpu")]


@pytest.mark.parametrize(("framework", "tree", "cpu"), CPUS, ids=lambda one: one if isinstance(one, str) else "")
def test_on_the_cpu(framework: Framework, tree: str, cpu: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree(tree)))
    outcome = probe(framework, LONG)
    assert outcome.status == "no-gpu", outcome
    assert [device.name for device in outcome.devices] == [cpu]
    assert outcome.error is not None
    assert outcome.error < 1e-5
    result = benchmark(framework, 200, "float32", LONG)
    assert isinstance(result, Benchmark)
    assert (result.device, result.speedup, result.precision, result.tensorfloat32) == (cpu, None, "float32", False)
    assert (result.compiled_seconds is None) == (framework is PYTORCH)
    assert result.error < 1e-5
    assert result.repeat_seconds >= 0.1


@pytest.mark.parametrize(("framework", "tree", "cpu"), CPUS, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_other_types_are_what_they_say(
    framework: Framework, tree: str, cpu: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree(tree)))
    result = benchmark(framework, 64, dtype, LONG, measure=False)
    assert isinstance(result, Outcome)
    assert result.status == "no-gpu", result
    assert result.message.endswith("sees no GPU; its CPU computes")
    assert result.device is not None
    assert result.device.name == cpu


def test_float64_that_is_computed_in_float32_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # JAX without jax_enable_x64, which our own adapter switches on.
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree("jax")))
    adapter = tmp_path / "adapter.py"
    with open(JAX.adapter, encoding="utf-8") as file:
        adapter.write_text(file.read().replace('_jax.config.update("jax_enable_x64", True)', "pass"), encoding="utf-8")
    result = benchmark(
        Framework(name="jax", title="JAX", distributions=("jax",), adapter=str(adapter)), 64, "float64", LONG, measure=False
    )
    assert isinstance(result, Outcome)
    assert result.status == "wrong-result"
    assert "a float64 matmul of JAX" in result.message
    assert "came back as float32" in result.message


def test_markers_of_jax_and_mlx(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.requires_metal(framework="mlx")
        def test_mlx(): pass

        @pytest.mark.requires_gpu("jax")
        def test_jax(): pass

        @pytest.mark.requires_gpu(framework=None)
        def test_any(): pass
        """
    )
    trees = [str(frameworks.tree(name)) for name in ("jax", "mlx")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(trees))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    result = pytester.runpytest_subprocess("-rs", timeout=300)
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*: requires_metal: MLX * sees no GPU; its CPU computes; Metal *",
            "SKIPPED*: requires_gpu: JAX * sees no GPU; its CPU computes; JAX_PLATFORMS='cpu' hides every GPU from JAX*",
        ]
    )


#: A module ``torch`` whose backend ``mps`` is numpy; what is put in instead of @ is what a Mac's may do wrong.
FAKE_TORCH = """
import os
import types
import numpy

__version__ = "2.9.0"
version = types.SimpleNamespace(cuda=None, hip=None)
backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: True))
cuda = types.SimpleNamespace(is_available=lambda: False)

class no_grad:
    def __enter__(self): pass
    def __exit__(self, *_): pass

class Tensor:
    def __init__(self, array, device="cpu"):
        self.array, self.device = array, device
    def to(self, device):
        return Tensor(self.array, device)
    def __matmul__(self, other):
        if self.device == "cpu":
            return Tensor(self.array @ other.array)
        {matmul}
    def cpu(self):
        return Tensor(self.array)
    def numpy(self):
        return self.array

from_numpy = Tensor
"""
MISSING = "NotImplementedError(\"The operator 'aten::mm' is not currently implemented for the MPS device. If you want\")"


@pytest.mark.parametrize(
    ("matmul", "status", "words"),
    [
        ("return Tensor(self.array @ other.array, self.device)", "ok", ""),
        # A backend that has no matmul: with this variable PyTorch does it on the CPU and says mps.
        (
            (
                "if os.environ.get('PYTORCH_ENABLE_MPS_FALLBACK') != '1':\n            "
                f"raise {MISSING}\n        return Tensor(self.array @ other.array, self.device)"
            ),
            "matmul-failed",
            "this PyTorch has no Metal kernel for the operation",
        ),
        ("return Tensor(self.array @ other.array)", "wrong-device", "was done on cpu"),
        ("return Tensor(0 * (self.array @ other.array), self.device)", "wrong-result", "gives wrong numbers"),
        (
            (
                "half = [numpy.clip(one.array, -65504, 65504).astype('f2').astype('f4') for one in (self, other)]\n        "
                "return Tensor(half[0] @ half[1], self.device)"
            ),
            "wrong-result",
            "gives wrong numbers",
        ),
    ],
)
def test_a_metal_backend_that_lies(
    matmul: str, status: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text(FAKE_TORCH.replace("{matmul}", matmul), encoding="utf-8")
    # numpy comes from MLX's folder: it is the smallest.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(frameworks.tree("mlx"))]))
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    outcome = probe(PYTORCH, LONG)
    assert (outcome.status, words in f"{outcome.message} {outcome.cause}") == (status, True), outcome
