"""The adapter for MLX: Metal on Apple Silicon; CUDA or the CPU alone on Linux.

MLX is lazy and its memory is unified: an array lies on no device, and an operation runs where its stream says, when somebody
wants its numbers. So the device of a result is the one that the work was given to, and only reading it makes the work happen.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.accelerators.child.adapter import Array, Tensor

_mx: Any = None


def load() -> str:
    """Import MLX. What it cannot do on a device it refuses there."""
    global _mx  # noqa: PLW0603 - the module is the adapter: it has no other place for its framework
    _mx = importlib.import_module("mlx.core")
    return str(_mx.__version__)


def platforms() -> list[str]:
    """List the GPUs beside Metal that MLX was built for."""
    cuda = getattr(_mx, "cuda", None)
    return ["CUDA"] if cuda is not None and cuda.is_available() else []


def devices() -> list[dict[str, str]]:
    """List the CPU and the GPU; ``mlx.core.metal`` says how MLX was built, ``mlx.core.cuda`` is not in every version."""
    found = [{"name": "cpu", "kind": "cpu", "platform": "", "description": ""}]
    for name in ("metal", "cuda"):
        backend = getattr(_mx, name, None)
        if backend is not None and backend.is_available():
            found.append({"name": "gpu", "kind": "gpu", "platform": name.upper(), "description": _gpu_name()})
    return found


def _gpu_name() -> str:
    info = getattr(_mx, "device_info", None) or getattr(getattr(_mx, "metal", None), "device_info", None)
    try:
        return str((info() if info else {}).get("device_name", ""))
    except (RuntimeError, TypeError):
        return ""


class _Given:
    """An array, and the device that was told to make it."""

    def __init__(self, array: Any, device: str) -> None:  # noqa: ANN401 - an array of MLX
        self.array = array
        self.device = device


def place(array: Array, device: str) -> Tensor:
    """Make an array of the same type (MLX alone makes float32 of float64, which only its CPU knows), and have it made now."""
    made = _mx.array(array, dtype=getattr(_mx, str(array.dtype)))
    _mx.eval(made)
    return _Given(made, device)


def matmul(left: Tensor, right: Tensor, device: str) -> Tensor:
    """Ask for a product on the device; the work begins when the result is read, or anything that needs it."""
    return _Given(_mx.matmul(left.array, right.array, stream=getattr(_mx, device)), device)


def device_of(tensor: Tensor) -> str:
    """The device that the work was given to: an array of MLX lies on none."""
    return str(tensor.device)


def read(tensor: Tensor) -> Array:
    """Have it all computed, and copy it."""
    _mx.eval(tensor.array)
    return importlib.import_module("numpy").array(tensor.array)


def compiled(device: str, steps: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a ``mlx.core.compile`` of ``steps`` dependent matmuls."""
    stream = getattr(_mx, device)

    def chain(value: Any, factor: Any) -> Any:  # noqa: ANN401 - arrays of MLX
        for _ in range(steps):
            value = _mx.matmul(value, factor, stream=stream)
        return value

    function = _mx.compile(chain)
    return cast("Callable[[Tensor, Tensor], Tensor]", lambda value, factor: _Given(function(value.array, factor.array), device))


def tensorfloat32(device: str) -> bool:
    """Whether MLX may round float32 on a GPU: it may unless ``MLX_ENABLE_TF32`` is 0, where the hardware knows how."""
    return device == "gpu" and os.environ.get("MLX_ENABLE_TF32", "1") != "0"
