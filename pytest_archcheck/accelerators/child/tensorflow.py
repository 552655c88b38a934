"""The adapter for TensorFlow."""

from __future__ import annotations

import glob
import importlib
import os
import site
import sys
import sysconfig
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.accelerators.child.adapter import Array, Tensor

# A CUDA device would otherwise be filled with one allocation while the user's own tests need it.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

_tf: Any = None


def load() -> str:
    """Import TensorFlow (which loads its plugins) and forbid soft placement, its silent way to the CPU."""
    global _tf  # noqa: PLW0603 - the module is the adapter: it has no other place for its framework
    _tf = importlib.import_module("tensorflow")
    _tf.config.set_soft_device_placement(False)
    return str(_tf.__version__)


def plugins() -> list[str]:
    """List the device plugins that the import will load: where TensorFlow looks (``tensorflow/__init__.py``)."""
    folders = {
        site.getusersitepackages(),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        *site.getsitepackages(),
    }
    folders.update(entry for entry in sys.path if "site-packages" in entry)
    found = [
        path for folder in sorted(folders) for path in glob.glob(os.path.join(glob.escape(folder), "tensorflow-plugins", "*"))
    ]
    named = os.environ.get("TF_PLUGGABLE_DEVICE_LIBRARY_PATH", "")
    if os.path.isdir(named):
        found += glob.glob(os.path.join(glob.escape(named), "*"))
    elif named:
        found.append(named)
    return list(dict.fromkeys(path for path in found if path.endswith((".so", ".dylib"))))


def platforms() -> list[str]:
    """List the GPUs that TensorFlow itself was built for; its plugins bring others."""
    built = {"CUDA": _tf.test.is_built_with_cuda(), "ROCM": _tf.test.is_built_with_rocm()}
    return [name for name, is_built in built.items() if is_built]


def devices() -> list[dict[str, str]]:
    """List the physical devices; a Metal plugin shows as platform ``METAL``, CUDA by its compute capability."""
    found = []
    for device in _tf.config.list_physical_devices():
        if device.device_type not in ("CPU", "GPU"):
            continue
        name = device.name.removeprefix("/physical_device:")
        details = {} if device.device_type == "CPU" else dict(_tf.config.experimental.get_device_details(device))
        description = str(details.get("device_name", ""))
        platform = "" if device.device_type == "CPU" else description.upper()
        if "compute_capability" in details:
            platform = "ROCM" if _tf.test.is_built_with_rocm() else "CUDA"
        found.append({"name": name, "kind": device.device_type.lower(), "platform": platform, "description": description})
    return found


def place(array: Array, device: str) -> Tensor:
    """Copy to the device; a variable-free constant, so that only the copy is needed there."""
    with _tf.device(f"/{device}"):
        return _tf.constant(array)


def matmul(left: Tensor, right: Tensor, device: str) -> Tensor:
    """Multiply eagerly: only an eager result's ``.device`` proves where the work was placed."""
    with _tf.device(f"/{device}"):
        return _tf.matmul(left, right)


def device_of(tensor: Tensor) -> str:
    """``GPU:0`` out of ``/job:localhost/replica:0/task:0/device:GPU:0``."""
    return str(tensor.device).rpartition("device:")[2]


def read(tensor: Tensor) -> Array:
    """Copy to the host, which waits for the work; ``sync_devices`` does not wait on a PluggableDevice."""
    return tensor.numpy()


def compiled(device: str, steps: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a ``tf.function`` of ``steps`` dependent matmuls on that device.

    The device is named inside the function, because a function called under ``tf.device`` runs where its body says. Both
    matrices are arguments, so there is no constant to fold, and each product needs the one before, so none is a duplicate.
    """

    def chain(value: Tensor, factor: Tensor) -> Tensor:
        with _tf.device(f"/{device}"):
            for _ in range(steps):
                value = _tf.matmul(value, factor)
            return value

    return cast("Callable[[Tensor, Tensor], Tensor]", _tf.function(chain, jit_compile=False))


def tensorfloat32(device: str) -> bool:
    """Whether TensorFlow may round float32: by default it does on NVIDIA GPUs of compute capability 8.0 (Ampere) and newer."""
    if not _tf.config.experimental.tensor_float_32_execution_enabled():
        return False
    physical = next(one for one in _tf.config.list_physical_devices() if one.name.endswith(device))
    details = {} if physical.device_type == "CPU" else _tf.config.experimental.get_device_details(physical)
    return tuple(details.get("compute_capability", (0, 0))) >= (8, 0) and not _tf.test.is_built_with_rocm()
