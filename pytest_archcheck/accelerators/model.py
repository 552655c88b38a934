"""The values of this room: a framework, its devices, what came of a probe or a benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, Protocol

#: What a probe can come to. All but ``ok`` are names of rules, apart from ``unchecked``: nothing was proven either way.
Status = Literal[
    "ok",
    "no-gpu",
    "unchecked",
    "import-failed",
    "import-crashed",
    "probe-timeout",
    "plugin-incompatible",
    "matmul-failed",
    "wrong-device",
    "wrong-result",
]

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child")


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework that can be probed; third parties return their own from ``pytest_archcheck_frameworks``.

    The adapter file is run in the child only. It may import the framework and the standard library, and has at its top level
    the functions ``load``, ``devices``, ``place``, ``matmul``, ``device_of``, ``read`` and, optionally, ``compiled``, as
    described in ``pytest_archcheck/accelerators/child/adapter.py``.
    """

    #: What ids and markers call it: ``tensorflow``.
    name: str
    #: What sentences call it: ``TensorFlow``.
    title: str
    #: Distributions any of which means that it is installed, the usual one first.
    distributions: tuple[str, ...]
    #: Absolute path of the adapter file.
    adapter: str
    #: Distributions that give it Metal on Apple Silicon; its own where none is needed. Where one is installed on a physical
    #: Apple Silicon Mac, a GPU that computes is expected.
    metal_distributions: tuple[str, ...] = ()
    #: What to type for Metal where none of them is installed. ``{pip}`` stands for the beginning of the command that installs
    #: from the package index into the environment that runs: ``pip install``, ``uv pip install --python ...``.
    metal_remedy: str = ""
    #: Beginnings of the framework's versions that this helps; empty: all.
    metal_serves: tuple[str, ...] = ()
    #: What to type for Metal in other versions.
    metal_downgrade: str = ""


TENSORFLOW = Framework(
    name="tensorflow",
    title="TensorFlow",
    distributions=(
        "tensorflow",
        "tensorflow-cpu",
        "tensorflow-macos",
        "tensorflow-intel",
        "tensorflow-cpu-aws",
        "tensorflow-rocm",
        "tf-nightly",
        "tf-nightly-cpu",
    ),
    adapter=os.path.join(_CHILD, "tensorflow.py"),
    metal_distributions=("tensorflow-metal",),
    # The newest pair that loads; tensorflow-metal has no wheels for Python 3.13 and later.
    metal_remedy="{pip} tensorflow-metal==1.2.0",
    metal_serves=("2.18.", "2.19."),
    metal_downgrade="with Python 3.9 to 3.12: {pip} tensorflow==2.19.1 tensorflow-metal==1.2.0",
)
PYTORCH = Framework(
    name="torch",
    title="PyTorch",
    distributions=("torch",),
    adapter=os.path.join(_CHILD, "pytorch.py"),
    metal_distributions=("torch",),
)

JAX = Framework(
    name="jax",
    title="JAX",
    distributions=("jax",),
    adapter=os.path.join(_CHILD, "jax.py"),
    # Apple's plugin is experimental, and which jaxlib it serves is told by its PJRT API version when JAX loads it: nothing is
    # proposed where it is not there.
    metal_distributions=("jax-metal",),
)
MLX = Framework(
    name="mlx",
    title="MLX",
    distributions=("mlx",),
    adapter=os.path.join(_CHILD, "mlx.py"),
    metal_distributions=("mlx",),
)

#: Those that need no hook.
BUILT_IN: tuple[Framework, ...] = (TENSORFLOW, PYTORCH, JAX, MLX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a framework lists."""

    #: The framework's own name: ``GPU:0``, ``mps:0``.
    name: str
    is_gpu: bool
    #: ``METAL``, ``CUDA``, ``ROCM`` or another; empty for a CPU.
    platform: str
    #: The hardware's name, or empty.
    description: str

    @property
    def label(self) -> str:
        """For sentences: ``Metal GPU``, ``CUDA GPU``, ``GPU``, ``CPU``."""
        if not self.is_gpu:
            return "CPU"
        return {"METAL": "Metal GPU", "CUDA": "CUDA GPU", "ROCM": "ROCm GPU"}.get(self.platform, "GPU")


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution as it is installed here."""

    name: str
    #: Empty where its metadata has none.
    version: str = ""
    #: ``pip``, ``uv``, ``conda`` or another; empty where nobody says.
    installer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a probe."""

    framework: Framework
    status: Status
    #: How far it came: ``import``, ``devices``, ``compute``, ``read back``, ``compare``, ``measure``, ``done``.
    stage: str
    #: None where the import did not end.
    version: str | None
    devices: tuple[Device, ...]
    #: The device that was given work.
    device: Device | None
    #: Largest error of an element of the product against float64, relative to a typical element.
    error: float | None
    #: Wall time of the child.
    seconds: float
    #: One sentence, facts included; empty for ``ok``.
    message: str = ""
    #: Cause and remedy of a known failure text; empty where the text is not known. The remedy leaves commands open, as marks.
    cause: str = ""
    remedy: str = ""
    #: What the child wrote and raised, shortened and escaped.
    text: str = ""
    #: The distribution that brings the framework here.
    installed: Installed | None = None
    #: That of its device plugin.
    plugin: Installed | None = None

    @property
    def verified(self) -> bool:
        """A GPU has just computed a correct product."""
        return self.status == "ok"

    @property
    def title(self) -> str:
        """``TensorFlow 2.19.1``."""
        return f"{self.framework.title} {self.version}" if self.version else self.framework.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What came of a matmul benchmark: square matrices, multiplied on one device. All times are in seconds."""

    #: Its :attr:`Framework.name`.
    framework: str
    #: The framework's own name for it: ``GPU:0``, ``mps:0``.
    device: str
    #: ``METAL``, ``CUDA``, ...; empty for the CPU.
    platform: str
    #: Rows, and columns, of the matrices.
    size: int
    #: ``float16``, ``float32`` or ``float64``.
    dtype: str
    #: Median wall time of one product.
    seconds: float
    #: (slowest - fastest) / median of the repeats.
    spread: float
    #: 1e9 operations a second, of which a product has 2 * size ** 3.
    gflops: float
    #: CPU seconds / device seconds; None where the device is the CPU.
    speedup: float | None
    #: Largest error of an element against float64, relative to a typical element.
    error: float
    #: What the numbers show: ``tensorfloat32`` where float32 was asked for and the inputs were rounded; else the dtype.
    precision: str
    #: Whether the framework says that float32 may be rounded to TensorFloat-32 on this device.
    tensorfloat32: bool
    #: The shortest repeat.
    repeat_seconds: float
    #: Median wall time of one product inside the framework's compiled function (``tf.function``); None where there is none.
    compiled_seconds: float | None
    #: Products that the device was asked for, warm-up included.
    products: int
    #: Why its speeds say little, or empty: other tests ran at the same time.
    caveat: str = ""


class MatmulBenchmark(Protocol):
    """What the fixture ``matmul_benchmark`` is: call it to measure."""

    def __call__(self, framework: str = "tensorflow", size: int | None = None, dtype: str = "float32") -> Benchmark:
        """Measure the product of two square matrices on the framework's first GPU, or else on the CPU.

        :param framework: the name of a known framework.
        :param size: rows of the matrices; None: ``archcheck_matmul_size``.
        :param dtype: ``float16``, ``float32`` or ``float64``.
        :raises ValueError: an argument that cannot be; the message says what was expected.
        :raises RuntimeError: there is no figure to give; the message says why: not installed, or its work failed.
        """
        ...
