"""What a GPU says."""

from __future__ import annotations

from pytest_archcheck.accelerators.known_failures.row import GITHUB, PYTORCH, row

ROWS = (
    row(
        r"MPS backend out of memory \(MPS allocated: 0 bytes",
        "the GPU is a virtual one, which cannot allocate memory",
        "do not ask for Metal on this machine; use a physical one",
        f"{GITHUB}actions/runner-images/issues/9918; actions/runner-images issue 9254",
    ),
    row(
        r"is not current(?:ly)? implemented for the MPS device|Could not run '\S+' with arguments from the 'MPS' backend",
        "this PyTorch has no Metal kernel for the operation",
        "a newer PyTorch may have it: see its notes before {upgrade} {name}; PYTORCH_ENABLE_MPS_FALLBACK=1 does it on the "
        "CPU, which is no use of the GPU",
        f"{PYTORCH}77764; PyTorch's own text (aten/src/ATen/mps/MPSFallback.mm)",
    ),
    row(
        r"The MPS backend is supported on MacOS \d+\.\d\+",
        "this PyTorch wants a newer macOS for Metal than this one; its message may name too old a version (2.5 says 12.3 and "
        "means 13.0, 2.10 says 13.0 and means 14.0)",
        "update macOS, or use an older PyTorch",
        f"{PYTORCH}164943; pytorch/pytorch issue 139425",
    ),
    row(
        r"not linked with support for mps devices|not compiled with MPS enabled",
        "this PyTorch was built without Metal: a build for x86_64, for Linux, or one of your own",
        "on Apple Silicon with an arm64 Python: {again}; elsewhere there is no Metal",
        f"{PYTORCH}77867; PyTorch's own text",
    ),
    row(
        r"index 0 beyond bounds for empty (?:NS)?array.{0,4000}mlx|mlx.{0,4000}index 0 beyond bounds for empty (?:NS)?array"
        r"|No Metal device available",
        "Metal offers no GPU to this process: a virtual Mac, a sandbox, or a session without a screen (SSH, launchd); MLX "
        "ends the process then",
        "run it in a Terminal of the logged-in user, outside the sandbox; only to use the CPU there: MLX on Linux, {pip} "
        "'mlx[cpu]'",
        f"{GITHUB}ml-explore/mlx/issues/3148; ml-explore/mlx issue 3397; huggingface/candle issue 3566 (SSH, launchd)",
    ),
    row(
        r"Could not satisfy device specification",
        "no kernel for this operation is registered for the device",
        "a framework and device plugin that fit each other: see pytest archcheck, or {without_plugin} for the CPU",
        "TensorFlow 2.15 to 2.21 without soft placement (InvalidArgumentError)",
        "wrong-device",
    ),
    row(
        r"Dst tensor is not initialized|CUDA out of memory|MPS backend out of memory",
        "the device has no memory left for this process",
        "end other processes that use the GPU, then run the check again",
        "TensorFlow's and PyTorch's own texts",
    ),
    row(
        r"no kernel image is available for execution on the device",
        "this build has no code for this GPU's generation",
        "install a build that supports the GPU's compute capability, often a newer one, see its notes before {upgrade} {name}",
        "CUDA's own text (cudaErrorNoKernelImageForDevice)",
    ),
)
