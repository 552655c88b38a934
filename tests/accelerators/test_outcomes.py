"""How a child ended, and what is said of it: real ends are in `test_process.py` and `test_tensorflow.py`, odd ones here."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from pytest_archcheck.accelerators import installed
from pytest_archcheck.accelerators.correctness import how_wrong, precision
from pytest_archcheck.accelerators.model import TENSORFLOW, Installed, Outcome
from pytest_archcheck.accelerators.outcomes import outcome_of
from pytest_archcheck.accelerators.process import Ended
from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.framework_commands import filled

LOADING = 'File "load_library.py", line 1 in load_pluggable_device_library'
GPU = {"name": "GPU:0", "kind": "gpu", "platform": "METAL", "description": "Apple M1"}
RIGHT: dict[str, Any] = {
    "stage": "done",
    "version": "2.19.1",
    "devices": [GPU],
    "device": "GPU:0",
    "placed": "GPU:0",
    "dtype": "float32",
    "returned": "float32",
    "error": {"rms": 1e-7, "largest": 1e-6, "allowed_rms": 1e-3, "allowed_largest": 1e-2},
}


@pytest.fixture(autouse=True)
def _tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed in this environment is of no matter here."""
    monkeypatch.setattr(installed, "installed", lambda names: Installed(next(iter(names)), "2.19.1", "pip"))


def said(status: int | None = 0, *reported: dict[str, Any], errors: str = "", trace: str = "") -> Outcome:
    ended = Ended(status=status, seconds=1.0, reported=reported, output="", errors=errors, trace=trace)
    return outcome_of(TENSORFLOW, ended, 10.0)


@pytest.mark.parametrize("folder", ["/home/{name}/x", "/home/{{cookiecutter.slug}}/x", "/home/{/x", "/home/{0}/x"])
def test_a_path_is_told_as_it_is(folder: str) -> None:
    """Remedies of known failures have words in braces that stand for others; paths have what their owner gave them."""
    plugin = f"{folder}/tensorflow-plugins/libp.so"
    crashed = said(-signal.SIGSEGV, {"stage": "import", "plugins": [plugin]}, trace=LOADING)
    assert (crashed.status, crashed.message) == (
        "import-crashed",
        "importing TensorFlow crashed with SIGSEGV while it loaded the device plugin libp.so",
    )
    hung = said(None, {"stage": "import", "plugins": [plugin]}, trace=LOADING)
    assert hung.status == "probe-timeout"
    for outcome in (crashed, hung):
        assert outcome.remedy.startswith(f"get the CPU back: take {plugin} away, or out of TF_PLUGGABLE_DEVICE_LIBRARY_PATH;")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends no process with such signals")
@pytest.mark.parametrize(
    ("name", "cause", "remedy"),
    [
        (
            "SIGBUS",
            "truncated",
            "pip install --force-reinstall --no-deps --no-cache-dir tensorflow==2.19.1; and its",
        ),
        ("SIGILL", "an instruction", "start a Python of the machine's own architecture"),
        ("SIGKILL", "want of memory", "if memory was short, free some"),
        ("SIGSEGV", "", ""),
        ("signal 63", "", ""),
    ],
)
def test_a_signal(name: str, cause: str, remedy: str) -> None:
    number = getattr(signal, name, 63)
    outcome = said(-number, {"stage": "compute", "devices": [GPU], "device": "GPU:0"})
    assert outcome.status == "matmul-failed"
    assert outcome.message == f"a matmul on GPU:0 (Metal GPU) crashed with {name}"
    assert cause in outcome.cause
    assert bool(cause) == bool(outcome.cause)
    assert told(outcome).startswith(remedy)
    assert bool(remedy) == bool(outcome.remedy)


def test_a_known_text_goes_before_the_signal() -> None:
    outcome = said(-signal.SIGABRT, {"stage": "import"}, errors="libc++abi: terminating: mutex lock failed: Invalid argument\n")
    assert outcome.cause.startswith("TensorFlow 2.20 and later and pyarrow")
    assert told(outcome).startswith("if pyarrow is installed: pip uninstall --yes pyarrow")


def test_an_exit_status() -> None:
    outcome = said(3, {"stage": "devices", "version": "2.19.1"})
    assert (outcome.status, outcome.message) == (
        "import-crashed",
        "listing the devices of TensorFlow 2.19.1 ended the process with exit status 3",
    )


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({}, "ok", ""),
        ({"placed": "CPU:0"}, "wrong-device", "told to do on GPU:0 (Metal GPU) was done on CPU:0"),
        ({"returned": "bfloat16"}, "wrong-result", "came back as bfloat16"),
        ({"error": RIGHT["error"] | {"rms": None}}, "wrong-result", "gives numbers that are not finite"),
        ({"error": RIGHT["error"] | {"rms": 1e-3}}, "ok", ""),
        ({"error": RIGHT["error"] | {"rms": 2.3e-3}}, "wrong-result", "allowed 0.001: as bfloat16 gives"),
        ({"error": RIGHT["error"] | {"rms": 2e-3}}, "wrong-result", "allowed 0.001"),
        ({"error": RIGHT["error"] | {"largest": 1e-2}}, "ok", ""),
        ({"error": RIGHT["error"] | {"largest": 1.1e-2}}, "wrong-result", "one is off by 0.011 of a typical one, allowed 0.01"),
        (
            {"chains": {"compiled": {"products": 8, "rms": 2.0, "largest": 1.0, "allowed": 1.0, "allowed_largest": 9.0}}},
            "wrong-result",
            "in a chain of 8 products: relative error 2, allowed 1, compiled",
        ),
        (
            {"chains": {"cpu": {"products": 8, "rms": 1.0, "largest": 9.5, "allowed": 1.0, "allowed_largest": 9.0}}},
            "wrong-result",
            "relative error 9.5, allowed 9 on the CPU",
        ),
        (
            {"chains": {"eager": {"products": 2, "rms": None, "largest": None, "allowed": 1.0, "allowed_largest": 9.0}}},
            "wrong-result",
            "gives numbers that are not finite in a chain of 2 products",
        ),
        ({"chains": {"eager": {"products": 2, "rms": 1.0, "largest": 9.0, "allowed": 1.0, "allowed_largest": 9.0}}}, "ok", ""),
        ({"devices": [GPU | {"kind": "cpu", "platform": ""}]}, "no-gpu", "TensorFlow 2.19.1 sees no GPU; its CPU computes"),
        ({"unchecked": "numpy is not installed"}, "unchecked", "lists GPU:0, whose numbers were not checked: numpy is not"),
        ({"devices": "none"}, "matmul-failed", "reported cannot be read: TypeError"),
    ],
)
def test_what_was_reported(changed: dict[str, Any], status: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "TF_ENABLED_DEVICE_TYPES"):
        monkeypatch.delenv(name, raising=False)
    outcome = said(0, RIGHT | changed)
    assert outcome.status == status
    assert message in outcome.message
    assert bool(message) == bool(outcome.message)


@pytest.mark.parametrize(
    ("dtype", "rms", "words"),
    [
        ("float32", 2.3e-3, ": as bfloat16 gives"),
        ("float32", 1.5e-3, ""),
        ("float32", 0.5, ""),
        ("float64", 1e-7, ": as float32 gives"),
        ("float64", 2.3e-3, ""),
        ("float64", 1e-10, ""),
    ],
)
def test_another_type_is_named_only_where_its_errors_are_those(dtype: str, rms: float, words: str) -> None:
    error = {"rms": rms, "largest": rms, "allowed_rms": 1e-11 if dtype == "float64" else 1e-3, "allowed_largest": 1.0}
    wrong = how_wrong({"dtype": dtype, "returned": dtype, "error": error})
    assert wrong.endswith(f"allowed {error['allowed_rms']:.2g}{words}")


@pytest.mark.parametrize(
    ("dtype", "rms", "expected"),
    [
        ("float32", 5e-5, "float32"),
        ("float32", 3e-4, "tensorfloat32"),
        ("float16", 1e-3, "float16"),
        ("float64", 1e-3, "float64"),
    ],
)
def test_tensorfloat32_is_seen_in_float32_alone(dtype: str, rms: float, expected: str) -> None:
    assert precision({"dtype": dtype, "error": {"rms": rms}}) == expected


def told(outcome: Outcome) -> str:
    """The remedy with its commands."""
    return filled(outcome.remedy, outcome, Home())
