"""The adapter for PyTorch: Metal (``mps``), CUDA and ROCm."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.child.adapter import Array, Tensor

# With it PyTorch moves what Metal cannot do to the CPU without a word, and the result says that it lies on the GPU.
os.environ.pop("PYTORCH_ENABLE_MPS_FALLBACK", None)

_torch: Any = None


def load() -> str:
    """Import PyTorch. It never moves work to another device by itself."""
    global _torch  # noqa: PLW0603 - the module is the adapter: it has no other place for its framework
    _torch = importlib.import_module("torch")
    return str(_torch.__version__)


def platforms() -> list[str]:
    """List the GPUs of other makers that PyTorch was built for."""
    return [name for name, version in (("CUDA", _torch.version.cuda), ("ROCM", _torch.version.hip)) if version]


def devices() -> list[dict[str, str]]:
    """List the CPU, Metal's one device and every CUDA or ROCm device."""
    found = [{"name": "cpu", "kind": "cpu", "platform": "", "description": ""}]
    mps = getattr(_torch.backends, "mps", None)  # since PyTorch 1.12
    if mps is not None and mps.is_available():
        found.append({"name": "mps:0", "kind": "gpu", "platform": "METAL", "description": "Metal"})
    if _torch.cuda.is_available():
        platform = "ROCM" if _torch.version.hip else "CUDA"
        for index in range(_torch.cuda.device_count()):
            description = str(_torch.cuda.get_device_name(index))
            found.append({"name": f"cuda:{index}", "kind": "gpu", "platform": platform, "description": description})
    return found


def place(array: Array, device: str) -> Tensor:
    """Copy a numpy array to the device."""
    return _torch.from_numpy(array).to(device)


def matmul(left: Tensor, right: Tensor, device: str) -> Tensor:  # noqa: ARG001 - tensors know their device here
    """Multiply where the tensors lie."""
    with _torch.no_grad():
        return left @ right


def device_of(tensor: Tensor) -> str:
    """``mps:0``, ``cuda:0``, ``cpu``."""
    return str(tensor.device)


def read(tensor: Tensor) -> Array:
    """Copy to the host, which waits for the work."""
    return tensor.cpu().numpy()


def tensorfloat32(device: str) -> bool:
    """Whether PyTorch may round float32: only if it was told to (``torch.set_float32_matmul_precision``)."""
    if not device.startswith("cuda") or _torch.version.hip:
        return False
    return _torch.get_float32_matmul_precision() != "highest" and bool(_torch.cuda.get_device_capability(device)[0] >= 8)
