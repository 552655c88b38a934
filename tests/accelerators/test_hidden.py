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
        ("jax", {"JAX_PLATFORM_NAME": "CPU"}, "JAX_PLATFORM_NAME='CPU' hides every GPU from JAX"),
        ("jax", {"JAX_ROCM_VISIBLE_DEVICES": ""}, "JAX_ROCM_VISIBLE_DEVICES='' hides every AMD GPU from JAX"),
        ("tensorflow", {"TF_ENABLED_DEVICE_TYPES": "CPU"}, "TF_ENABLED_DEVICE_TYPES='CPU' hides every GPU from TensorFlow"),
        (
            "tensorflow",
            {"TF_ENABLED_DEVICE_TYPES": "CPU,XLA_GPU"},
            "TF_ENABLED_DEVICE_TYPES='CPU,XLA_GPU' hides every GPU from TensorFlow",
        ),
        ("tensorflow", {"TF_ENABLED_DEVICE_TYPES": "CPU,GPU"}, None),
        ("tensorflow", {"TF_ENABLED_DEVICE_TYPES": "GPU,CPU"}, None),
        ("tensorflow", {"TF_ENABLED_DEVICE_TYPES": ""}, None),
        ("torch", {"TF_ENABLED_DEVICE_TYPES": "CPU"}, None),
        ("tensorflow", {"TF_XLA_FLAGS": "--x", "TF_GPU_THREAD_MODE": "gpu_private", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}, None),
        ("torch", {}, None),
    ],
)
def test_hidden(framework: str, environment: dict[str, str], sentence: str | None) -> None:
    told = hidden_by(framework, environment)
    assert (told and told[1]) == sentence


@pytest.mark.parametrize(("platforms", "named"), [(None, True), (["CUDA"], True), ([], False), (["ROCM"], False)])
def test_a_build_that_has_no_use_for_such_a_gpu(platforms: list[str] | None, named: bool) -> None:  # noqa: FBT001
    assert (hidden_by("torch", {"CUDA_VISIBLE_DEVICES": "-1"}, platforms) is not None) == named
    assert hidden_by("jax", {"JAX_PLATFORMS": "cpu"}, platforms) is not None
