"""Examples of rules on frameworks and GPUs: a child process reports what a TensorFlow on such a Mac would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_archcheck.accelerators import probe, process
from pytest_archcheck.accelerators.model import TENSORFLOW, Benchmark
from pytest_archcheck.accelerators.process import Ended
from pytest_archcheck.machine.host import Host
from pytest_archcheck.rules.accelerators import Expectation, Gates, judge, judge_benchmark
from support.examples.stage import Example, Stage
from support.sites import write

if TYPE_CHECKING:
    from pytest_archcheck.findings import Finding

_MAC = Host(system="macos", process_architecture="arm64", hardware_architecture="arm64", os_version="15.6.1", emulation=None)
_SUBJECT = "accelerator::tensorflow"
_DEADLINE = 300.0
_GPU = {"name": "GPU:0", "kind": "gpu", "platform": "METAL", "description": "METAL"}
_CPU = {"name": "CPU:0", "kind": "cpu", "platform": "", "description": ""}
#: What the child reports up to the work on the GPU.
_LISTED: tuple[dict[str, Any], ...] = (
    {"stage": "import"},
    {"version": "2.19.1"},
    {"stage": "devices"},
    {"devices": [_GPU, _CPU]},
)
_RIGHT = {"rms": 3e-7, "largest": 2e-6, "allowed_rms": 2**-10, "allowed_largest": 10 * 2**-10}
_GIVEN = (*_LISTED, {"stage": "compute"}, {"device": "GPU:0", "dtype": "float32"})


def _loading(stage: Stage, code: str) -> tuple[Finding, ...]:
    """A TensorFlow whose import does that, in a real child."""
    adapter = write(stage.folder / "adapter.py", f"import os, sys\ndef load():\n    {code}\n")
    outcome = probe.probe(replace(TENSORFLOW, adapter=str(adapter)), _DEADLINE)
    return judge(outcome, Expectation(host=_MAC, has_metal=True), _SUBJECT)


def _reporting(stage: Stage, *facts: dict[str, Any], status: int | None = 0, has_metal: bool = True) -> tuple[Finding, ...]:
    """A child that reports these facts; without a status it runs until the deadline."""
    ended = Ended(status=status, seconds=2.0, reported=facts, output="", errors="", trace="")
    stage.patch.setattr(process, "run", lambda *_args, **_kwargs: ended)
    return judge(probe.probe(TENSORFLOW, _DEADLINE), Expectation(host=_MAC, has_metal=has_metal), _SUBJECT)


def _import_failed(stage: Stage) -> tuple[Finding, ...]:
    return _loading(stage, "raise ModuleNotFoundError(\"No module named 'distutils'\")")


def _import_crashed(stage: Stage) -> tuple[Finding, ...]:
    said = "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine."
    return _loading(stage, f"print({said!r}, file=sys.stderr, flush=True); os.abort()")


def _timeout(stage: Stage) -> tuple[Finding, ...]:
    return _reporting(stage, {"stage": "import"}, status=None)


def _no_gpu(stage: Stage) -> tuple[Finding, ...]:
    facts = (*_LISTED[:-1], {"devices": [_CPU]}, {"device": "CPU:0", "dtype": "float32", "placed": "CPU:0"})
    return _reporting(stage, *facts, {"returned": "float32", "error": _RIGHT}, {"stage": "done"}, has_metal=False)


def _matmul_failed(stage: Stage) -> tuple[Finding, ...]:
    error = {"error_type": "InternalError", "message": "Failed copying input tensor: Dst tensor", "traceback": ""}
    return _reporting(stage, *_GIVEN, error)


def _wrong_device(stage: Stage) -> tuple[Finding, ...]:
    return _reporting(stage, *_GIVEN, {"placed": "CPU:0", "returned": "float32", "error": _RIGHT}, {"stage": "done"})


def _wrong_result(stage: Stage) -> tuple[Finding, ...]:
    wrong = _RIGHT | {"rms": 0.31, "largest": 1.6}
    return _reporting(stage, *_GIVEN, {"placed": "GPU:0", "returned": "float32", "error": wrong}, {"stage": "done"})


_MEASURED = Benchmark(
    framework="tensorflow",
    device="GPU:0",
    platform="METAL",
    size=2048,
    dtype="float32",
    seconds=0.0215,
    spread=0.04,
    gflops=799.0,
    speedup=1.6,
    error=2e-6,
    precision="float32",
    tensorfloat32=False,
    repeat_seconds=0.15,
    compiled_seconds=None,
    products=100,
)


def _slow_matmul(_stage: Stage) -> tuple[Finding, ...]:
    return judge_benchmark(_MEASURED, Gates(gflops=2000), Expectation(host=_MAC), "matmul::tensorflow")


def _unsteady_matmul(_stage: Stage) -> tuple[Finding, ...]:
    return judge_benchmark(replace(_MEASURED, spread=1.3), Gates(), Expectation(host=_MAC), "matmul::tensorflow")


_PAIR = ("tensorflow==2.19.1 tensorflow-metal==1.2.0", "pip uninstall --yes tensorflow-metal")

EXAMPLES = (
    Example(
        "import-failed",
        "Importing TensorFlow on Python 3.12 without setuptools, which brings the module distutils.",
        ("setuptools",),
        _import_failed,
    ),
    Example(
        "import-crashed",
        "Importing an x86_64 TensorFlow under Rosetta, which has no AVX.",
        ("archcheck::environment::interpreter",),
        _import_crashed,
    ),
    Example(
        "probe-timeout",
        "Importing TensorFlow hangs.",
        ("import tensorflow", "archcheck_probe_timeout"),
        _timeout,
    ),
    Example(
        "no-gpu",
        "TensorFlow 2.19.1 on Apple Silicon without tensorflow-metal.",
        ("tensorflow-metal==1.2.0",),
        _no_gpu,
    ),
    Example(
        "matmul-failed",
        "TensorFlow 2.19.1 lists the GPU of a Mac with tensorflow-metal, and a matmul on it raises an error.",
        _PAIR,
        _matmul_failed,
    ),
    Example(
        "wrong-device",
        "TensorFlow 2.19.1, told to multiply on the GPU of a Mac with tensorflow-metal, does it on the CPU.",
        _PAIR,
        _wrong_device,
    ),
    Example(
        "wrong-result",
        "A matmul of TensorFlow 2.19.1 on the GPU of a Mac with tensorflow-metal whose product is off by 31 %.",
        _PAIR,
        _wrong_result,
    ),
    Example(
        "slow-matmul",
        "archcheck_matmul_min_gflops set to 2000, and a GPU that reaches 799 GFLOP/s.",
        ("archcheck::matmul::tensorflow", "archcheck_matmul_min_gflops"),
        _slow_matmul,
    ),
    Example(
        "unsteady-matmul",
        "A benchmark on a Mac that does other work at the same time.",
        ("archcheck::matmul::tensorflow",),
        _unsteady_matmul,
    ),
)
