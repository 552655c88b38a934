"""Which variables hide a GPU, with which values, from whom."""

from __future__ import annotations

import pytest

from pytest_archcheck.accelerators.hidden import hidden_by


@pytest.mark.parametrize(
    ("framework", "environment", "sentence"),
    [
        ("torch", {"CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES='' hides every NVIDIA GPU"),
        ("tensorflow", {"CUDA_VISIBLE_DEVICES": "-1"}, "CUDA_VISIBLE_DEVICES='-1' hides every NVIDIA GPU"),
        ("torch", {"CUDA_VISIBLE_DEVICES": "0,1"}, None),
        ("torch", {"HIP_VISIBLE_DEVICES": "-1"}, "HIP_VISIBLE_DEVICES='-1' hides every AMD GPU"),
        ("torch", {"NVIDIA_VISIBLE_DEVICES": "all"}, None),
        (
            "torch",
            {"NVIDIA_VISIBLE_DEVICES": "void"},
            "NVIDIA_VISIBLE_DEVICES='void' hides every NVIDIA GPU of the host from this container",
        ),
        ("jax", {"JAX_PLATFORMS": "cpu"}, "JAX_PLATFORMS='cpu' hides every GPU from JAX"),
        ("jax", {"JAX_PLATFORMS": "cuda,cpu"}, None),
        ("torch", {"JAX_PLATFORMS": "cpu"}, None),
        ("tensorflow", {"TF_DISABLE_DEVICE_X": "1"}, "TF_DISABLE_DEVICE_X='1' is set, which may hide one"),
        ("tensorflow", {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}, None),
        ("torch", {"TF_DISABLE_DEVICE_X": "1"}, None),
        ("torch", {}, None),
    ],
)
def test_hidden(framework: str, environment: dict[str, str], sentence: str | None) -> None:
    told = hidden_by(framework, environment)
    assert (told and told[1]) == sentence
