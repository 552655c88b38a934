"""The adapter for JAX: CUDA, ROCm, and Metal through Apple's plugin jax-metal."""

from __future__ import annotations

import contextlib
import glob
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.accelerators.child.adapter import Array, Tensor

# A GPU would otherwise be filled with one allocation while the user's own tests need it.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

_jax: Any = None
_numpy: Any = None


def load() -> str:
    """Import JAX. What it was told to do on a device it does there, or fails."""
    global _jax, _numpy  # noqa: PLW0603 - the module is the adapter: it has no other place for its framework
    _jax = importlib.import_module("jax")
    _numpy = importlib.import_module("numpy")
    return str(_jax.__version__)


def plugins() -> list[str]:
    """List the PJRT plugins that JAX will load: the libraries of the modules in its name space ``jax_plugins``."""
    folders = (os.path.join(glob.escape(entry), "jax_plugins", "*", "*") for entry in sys.path)
    found = [path for folder in folders for path in glob.glob(folder)]
    return list(dict.fromkeys(path for path in found if path.endswith((".so", ".dylib"))))


def platforms() -> list[str]:
    """List the GPUs that its plugins are for, or an older jaxlib itself (0.4.28+cuda12.cudnn89)."""
    names = {os.path.basename(os.path.dirname(path)) for path in plugins()} | {str(_jax.lib.__version__)}
    return [name for name in ("CUDA", "ROCM") if any(name.lower() in one for one in names)]


def devices() -> list[dict[str, str]]:
    """List the GPUs of the backend that JAX takes by itself, and the CPU; a TPU is no GPU."""
    found = [_facts(device) for device in _jax.devices() if device.platform.lower() != "tpu"]
    if not any(device["kind"] == "cpu" for device in found):
        with contextlib.suppress(RuntimeError):  # JAX_PLATFORMS leaves the CPU out
            found += [_facts(device) for device in _jax.devices("cpu")]
    return found


def _facts(device: Any) -> dict[str, str]:  # noqa: ANN401 - a device of JAX
    platform = device.platform.upper()
    if platform in ("GPU", "CUDA", "ROCM"):
        platform = "ROCM" if "rocm" in device.client.platform_version.lower() else "CUDA"
    kind = "cpu" if platform == "CPU" else "gpu"
    return {
        "name": str(device),
        "kind": kind,
        "platform": "" if kind == "cpu" else platform,
        "description": str(device.device_kind),
    }


def _device(name: str) -> Any:  # noqa: ANN401 - as above
    every = list(_jax.devices())
    if not any(str(device) == name for device in every):
        every += _jax.devices("cpu")
    return next(device for device in every if str(device) == name)


def place(array: Array, device: str) -> Tensor:
    """Copy to the device. JAX makes float32 of float64 unless that is switched on."""
    if array.dtype == "float64":
        _jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - the value of a setting
    return _jax.device_put(array, _device(device))


def matmul(left: Tensor, right: Tensor, device: str) -> Tensor:  # noqa: ARG001 - arrays know their device here
    """Multiply where the arrays lie, with the precision that JAX takes by itself; it returns before the work is done."""
    return _jax.numpy.matmul(left, right)


def device_of(tensor: Tensor) -> str:
    """As :func:`devices` names it."""
    (device,) = tensor.devices()
    return str(device)


def read(tensor: Tensor) -> Array:
    """Copy to the host, which waits for the work."""
    return _numpy.asarray(tensor)


def compiled(device: str, steps: int) -> Callable[[Tensor, Tensor], Tensor]:  # noqa: ARG001 - as in matmul
    """Return a ``jax.jit`` of ``steps`` dependent matmuls; both matrices are arguments, so there is nothing to fold."""

    def chain(value: Tensor, factor: Tensor) -> Tensor:
        for _ in range(steps):
            value = _jax.numpy.matmul(value, factor)
        return value

    return cast("Callable[[Tensor, Tensor], Tensor]", _jax.jit(chain))


def tensorfloat32(device: str) -> bool:
    """Whether JAX may round float32: by default it does on NVIDIA GPUs of compute capability 8.0 (Ampere) and newer."""
    if _jax.config.jax_default_matmul_precision in ("highest", "float32"):
        return False
    found = _device(device)
    if _facts(found)["platform"] != "CUDA":
        return False
    return float(getattr(found, "compute_capability", 0)) >= 8
