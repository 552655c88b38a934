"""Variables of the environment that hide a GPU from a framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Variable(NamedTuple):
    #: The values that hide something; matched whole.
    hiding: str
    #: What it hides, for sentences.
    what: str
    #: The framework that heeds it; None: all.
    framework: str | None = None


#: No number of a device: empty, -1 and all else that begins with a minus (NVIDIA: "CUDA Environment Variables").
_NO_DEVICE = r"\s*|\s*-.*|none|void|NoDevFiles"
_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every NVIDIA GPU"),
    "NVIDIA_VISIBLE_DEVICES": _Variable(r"\s*|none|void", "every NVIDIA GPU of the host from this container"),
    "HIP_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every AMD GPU"),
    "ROCR_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every AMD GPU"),
    "JAX_PLATFORMS": _Variable(r"\s*cpu\s*", "every GPU from JAX", "jax"),
    "JAX_PLATFORM_NAME": _Variable(r"\s*cpu\s*", "every GPU from JAX", "jax"),
    "JAX_CUDA_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every NVIDIA GPU from JAX", "jax"),
}
#: TensorFlow and its plugins have many, and new ones with every release: those that speak of devices are worth a word.
_TENSORFLOW = re.compile(r"TF_\w*(?:GPU|DEVICE|METAL|CUDA)\w*")


def hidden_by(framework: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the variable that hides a GPU from the framework, and a sentence; None where none does."""
    for name, variable in _VARIABLES.items():
        value = environment.get(name)
        if value is not None and variable.framework in (None, framework) and re.fullmatch(variable.hiding, value):
            return name, f"{name}={value!r} hides {variable.what}"
    if framework == "tensorflow":
        for name, value in sorted(environment.items()):
            # Set by our own adapter, and what only adds a device.
            if _TENSORFLOW.fullmatch(name) and name not in ("TF_FORCE_GPU_ALLOW_GROWTH", "TF_PLUGGABLE_DEVICE_LIBRARY_PATH"):
                return name, f"{name}={value!r} is set, which may hide one"
    return None
