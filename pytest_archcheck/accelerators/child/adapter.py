"""What the child asks of a framework: an adapter is a Python file with these functions at its top level.

The built-in ones are ``tensorflow.py``, ``pytorch.py``, ``jax.py`` and ``mlx.py`` beside this file; a third party names its own
file in :class:`pytest_archcheck.accelerators.model.Framework`. Arrays on the host are numpy arrays; everything on a device is
opaque. docs/adapters.md has the whole of it: the optional functions ``compiled``, ``tensorfloat32``, ``plugins`` and
``platforms``, which types must work, lazy frameworks and unified memory.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol, TypeAlias, TypedDict, cast

#: A numpy array. numpy belongs to what is tested, so its types cannot be named here.
Array: TypeAlias = Any
#: A matrix of the framework, on one of its devices.
Tensor: TypeAlias = Any


class DeviceFacts(TypedDict):
    """One device that the framework lists."""

    #: What :meth:`Adapter.device_of` returns for a tensor that lies there: ``GPU:0``, ``cuda:0``, ``mps:0``.
    name: str
    #: ``gpu`` or ``cpu``.
    kind: str
    #: ``METAL``, ``CUDA``, ``ROCM`` or another name; empty for a CPU.
    platform: str
    #: The hardware's own name, or empty.
    description: str


class Adapter(Protocol):
    """The functions of an adapter file."""

    def load(self) -> str:
        """Import the framework, forbid silent placement on other devices, and return its version."""

    def devices(self) -> list[DeviceFacts]:
        """List every device, the CPU included."""

    def place(self, array: Array, device: str) -> Tensor:
        """Copy a numpy array to the device."""

    def matmul(self, left: Tensor, right: Tensor, device: str) -> Tensor:
        """Multiply two placed matrices on the device, eagerly; it may return before the work is done."""

    def device_of(self, tensor: Tensor) -> str:
        """Name the device that the tensor lies on, as :meth:`devices` does."""

    def read(self, tensor: Tensor) -> Array:
        """Wait for the tensor and return a numpy array with its numbers."""


def load_adapter(path: str) -> Adapter:
    """Run the adapter file as a module of its own name space."""
    spec = importlib.util.spec_from_file_location("archcheck_adapter", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Adapter", module)
