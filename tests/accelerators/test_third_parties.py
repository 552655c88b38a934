"""Real PyTorch, and JAX as a third party would add it."""

from __future__ import annotations

import os

import pytest
from support import frameworks

from pytest_archcheck.accelerators.model import PYTORCH, Benchmark
from pytest_archcheck.accelerators.probe import benchmark, probe

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("no_process_left")]

LONG = 300.0

#: All that a third party writes.
JAX_ADAPTER = '''
"""The adapter for JAX."""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def load():
    global jax, numpy
    import jax
    import numpy

    return jax.__version__


def devices():
    return [
        {
            "name": str(device),
            "kind": "cpu" if device.platform == "cpu" else "gpu",
            "platform": "" if device.platform == "cpu" else device.platform.upper(),
            "description": device.device_kind,
        }
        for device in jax.devices()
    ]


def place(array, device):
    return jax.device_put(array, next(one for one in jax.devices() if str(one) == device))


def matmul(left, right, device):
    return jax.numpy.matmul(left, right, precision="highest")


def device_of(tensor):
    (device,) = tensor.devices()
    return str(device)


def read(tensor):
    return numpy.asarray(tensor)


def compiled(device, steps):
    def chain(value, factor):
        for _ in range(steps):
            value = jax.numpy.matmul(value, factor, precision="highest")
        return value

    return jax.jit(chain)
'''

JAX_PLUGIN = """
from pathlib import Path
from pytest_archcheck.accelerators.model import Framework

def pytest_archcheck_frameworks():
    return [Framework(name="jax", title="JAX", distributions=("jax",), adapter=str(Path(__file__).with_name("jax_adapter.py")))]
"""


def test_pytorch_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree("torch")))
    outcome = probe(PYTORCH, LONG)
    assert outcome.status == "no-gpu"
    assert [device.name for device in outcome.devices] == ["cpu"]
    assert outcome.error is not None
    assert outcome.error < 1e-5
    result = benchmark(PYTORCH, 200, "float32", LONG)
    assert isinstance(result, Benchmark)
    assert (result.device, result.speedup, result.compiled_seconds) == ("cpu", None, None)
    assert result.error < 1e-5


def test_jax_by_the_hook(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(jax_adapter=JAX_ADAPTER, jax_for_archcheck=JAX_PLUGIN)
    pytester.makepyfile(
        test_project="""
        import pytest

        @pytest.mark.requires_gpu("jax")
        def test_gpu(): pass

        def test_fixture(matmul_benchmark):
            result = matmul_benchmark("jax", size=150)
            assert result.framework == "jax"
            assert result.error < 1e-5
            assert result.compiled_seconds > 0
        """
    )
    pytester.makeini("[pytest]\narchcheck_matmul_size = 150\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(frameworks.tree("jax")), str(pytester.path)]))
    result = pytester.runpytest_subprocess(
        "-p", "jax_for_archcheck", "--archcheck", "-k", "project or accelerator or matmul", "-v", "-rs", timeout=300
    )
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "archcheck::accelerator::jax PASSED*",
            "archcheck::matmul::jax PASSED*",
            "accelerator::jax: no-gpu: JAX * sees no GPU; its CPU computes; *(note)",
            "jax *: CPU only",
        ]
    )
