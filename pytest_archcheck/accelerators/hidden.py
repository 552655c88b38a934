"""Variables of the environment that hide a GPU from a framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class _Variable(NamedTuple):
    #: The values that hide something; matched whole.
    hiding: str
    #: What it hides, for sentences.
    what: str
    #: The framework that heeds it; None: all.
    framework: str | None = None
    #: The GPUs that it speaks of; None: all.
    platform: str | None = None


#: No number of a device: empty, -1 and all else that begins with a minus (NVIDIA: "CUDA Environment Variables").
_NO_DEVICE = r"\s*|\s*-.*|none|void|NoDevFiles"
_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every NVIDIA GPU", platform="CUDA"),
    "NVIDIA_VISIBLE_DEVICES": _Variable(r"\s*|none|void", "every NVIDIA GPU of the host from this container", platform="CUDA"),
    "HIP_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every AMD GPU", platform="ROCM"),
    "ROCR_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every AMD GPU", platform="ROCM"),
    "JAX_PLATFORMS": _Variable(r"\s*cpu\s*", "every GPU from JAX", "jax"),
    "JAX_PLATFORM_NAME": _Variable(r"\s*[cC][pP][uU]\s*", "every GPU from JAX", "jax"),
    "JAX_CUDA_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every NVIDIA GPU from JAX", "jax", "CUDA"),
    "JAX_ROCM_VISIBLE_DEVICES": _Variable(_NO_DEVICE, "every AMD GPU from JAX", "jax", "ROCM"),
    # TensorFlow: core/common_runtime/device_factory.cc registers the types in this list and no others. Of all that
    # TensorFlow 2.21 and tensorflow-metal 1.2.0 read from the environment nothing else hides a device.
    "TF_ENABLED_DEVICE_TYPES": _Variable(r"(?!(?:.*,)?GPU(?:,|$)).+", "every GPU from TensorFlow", "tensorflow"),
}


def hidden_by(
    framework: str, environment: Mapping[str, str], platforms: Collection[str] | None = None
) -> tuple[str, str] | None:
    """Return the variable that hides a GPU from the framework, and a sentence; None where none does.

    :param platforms: what this build of the framework could use (``CUDA``, ...): no variable is the reason why a build for the
        CPU sees no NVIDIA GPU. None: nobody knows.
    """
    for name, variable in _VARIABLES.items():
        value = environment.get(name)
        if value is None or variable.framework not in (None, framework) or not re.fullmatch(variable.hiding, value):
            continue
        if variable.platform is None or platforms is None or variable.platform in platforms:
            return name, f"{name}={value!r} hides {variable.what}"
    return None
