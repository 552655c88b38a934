"""Precisions: what a child says of its numbers, judged; and simulated devices, by the script that makes the table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import frameworks

from pytest_archcheck.accelerators import probe
from pytest_archcheck.accelerators.model import TENSORFLOW
from pytest_archcheck.accelerators.process import Ended

ROOT = Path(__file__).parent.parent.parent

GPU = {"name": "GPU:0", "kind": "gpu", "platform": "METAL", "description": "METAL"}
RIGHT = {"rms": 3e-7, "largest": 2e-6, "allowed_rms": 2**-10, "allowed_largest": 10 * 2**-10}
CHAIN = {"products": 64, "rms": 1e-5, "largest": 1e-4, "allowed": 1e-4, "allowed_largest": 32e-4}


def status_and_message(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> tuple[str, str]:
    said = {"stage": "done", "version": "1", "devices": [GPU], "device": "GPU:0", "placed": "GPU:0", "dtype": "float32"}
    reported = (said | {"returned": facts.get("dtype", "float32"), "error": RIGHT} | facts,)
    ended = Ended(status=0, seconds=2.0, reported=reported, output="", errors="", trace="")
    monkeypatch.setattr("pytest_archcheck.accelerators.process.run", lambda *_args, **_kwargs: ended)
    outcome = probe.probe(TENSORFLOW, 60)
    return outcome.status, outcome.message


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"error": RIGHT | {"rms": 2.35e-3}},
            "relative error 0.0024 in the root mean square, allowed 0.00098: as bfloat16 gives",
        ),
        ({"error": RIGHT | {"rms": 0.3}}, "relative error 0.3 in the root mean square, allowed 0.00098"),
        ({"error": RIGHT | {"largest": 0.5}}, "gives wrong numbers: one is off by 0.5 of a typical one, allowed 0.0098"),
        ({"error": RIGHT | {"rms": None, "largest": None}}, "gives numbers that are not finite"),
        (
            {"dtype": "float64", "returned": "float32"},
            "a float64 matmul of TensorFlow 1 on GPU:0 (Metal GPU) came back as float32",
        ),
        (
            {"dtype": "float64", "error": RIGHT | {"rms": 3e-7, "allowed_rms": 2**-40}},
            "relative error 3e-07 in the root mean square, allowed 9.1e-13: as float32 gives",
        ),
        (
            {"chains": {"eager": CHAIN | {"rms": 2e-4}}},
            "gives wrong numbers in a chain of 64 products: relative error 0.0002, allowed 0.0001",
        ),
        ({"chains": {"eager": CHAIN, "compiled": CHAIN | {"largest": 1.0}}}, "allowed 0.0032, compiled"),
        ({"chains": {"cpu": CHAIN | {"rms": None}}}, "gives numbers that are not finite in a chain of 64 products on the CPU"),
    ],
)
def test_wrong_numbers_are_told(facts: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, message = status_and_message(monkeypatch, **facts)
    assert status == "wrong-result"
    assert words in message


@pytest.mark.parametrize(
    "facts",
    [{}, {"error": RIGHT | {"rms": 7.98e-4, "largest": 5e-3}}, {"chains": {"eager": CHAIN, "compiled": CHAIN, "cpu": CHAIN}}],
)
def test_right_numbers_pass(facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_and_message(monkeypatch, **facts) == ("ok", "")


@pytest.mark.tensorflow
def test_simulated_devices() -> None:
    """Healthy precisions pass, all others fail: the table of docs/evidence.md in small, fresh numbers each time."""
    path = os.pathsep.join([str(frameworks.tree("torch")), str(ROOT)])
    script = ROOT / "benchmarks" / "precision.py"
    done = subprocess.run(
        [sys.executable, str(script), "60"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| TensorFloat-32, truncated |" in done.stdout
