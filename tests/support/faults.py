"""What is made to go wrong on purpose, and the rule by which each must be named: tests run it, docs/evidence.md shows it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One of them."""

    #: What the test device is told by its variable, or what is done to a library.
    name: str
    #: The rule: what a probe comes to.
    rule: str
    #: A part of the message.
    words: str


_LOADING = "while it loaded the device plugin libarchcheck_device.so"

#: The PluggableDevice of tests/accelerators/device/plugin.c in real TensorFlow.
DEVICE = (
    Fault("no-kernel", "wrong-device", "Could not satisfy device specification"),
    Fault("wrong", "wrong-result", "gives wrong numbers"),
    Fault("one-wrong-number", "wrong-result", "gives wrong numbers"),
    Fault("zeros", "wrong-result", "gives wrong numbers"),
    Fault("nan", "wrong-result", "gives numbers that are not finite"),
    Fault("abort", "import-crashed", f"importing TensorFlow crashed with SIGABRT {_LOADING}"),
    Fault("segfault", "import-crashed", f"importing TensorFlow crashed with SIGSEGV {_LOADING}"),
    Fault("exit", "import-crashed", "importing TensorFlow ended the process with exit status 3"),
    Fault("error-at-load", "import-crashed", f"importing TensorFlow crashed with SIGABRT {_LOADING}"),
    Fault("no-device", "matmul-failed", "the device cannot be created"),
    Fault("out-of-memory", "matmul-failed", "Dst tensor is not initialized"),
    Fault("error-at-matmul", "matmul-failed", "the matmul failed"),
    Fault("error-at-read-back", "matmul-failed", "the copy to the host failed"),
)
#: The same device, which does not come back.
HANGS = (
    Fault("hang-at-load", "probe-timeout", "importing TensorFlow did not end within"),
    Fault("hang-read-back", "probe-timeout", "reading a matmul's result back from GPU:0 (Metal GPU) did not end within"),
)
#: The same device's file, or what is done with it.
LIBRARY = (
    Fault("undefined symbol", "plugin-incompatible", "undefined symbol: function_that_no_tensorflow_exports"),
    Fault("missing library", "plugin-incompatible", "libgone.so: cannot open shared object file"),
    Fault("40 bytes of it", "plugin-incompatible", "file too short"),
    Fault(
        "4096 bytes of it",
        "import-crashed",
        "importing TensorFlow crashed with SIGBUS while it loaded the device plugin libshort.so",
    ),
    Fault("loaded twice", "import-crashed", "SIGABRT while it loaded"),
)
#: What only makes it slow: healthy.
SLOW = ("slow", "delay", "7-gflops")

_JAX_LOADING = "crashed with SIGABRT while it loaded the device plugin libmade_up.so"
#: The PJRT plugin of tests/accelerators/device/pjrt.c in real JAX.
PJRT = (
    Fault("abort", "import-crashed", f"listing the devices of JAX 0.6.2 {_JAX_LOADING}"),
    Fault("abort-at-load", "import-crashed", f"listing the devices of JAX 0.6.2 {_JAX_LOADING}"),
    Fault("refuse", "matmul-failed", "archcheck test plugin: there is no such device"),
    Fault("hang", "probe-timeout", "listing the devices of JAX 0.6.2 did not end within"),
    Fault("hang-at-load", "probe-timeout", "listing the devices of JAX 0.6.2 did not end within"),
)


def table() -> str:
    """The rows of docs/evidence.md."""
    groups = (
        ("TensorFlow's device", DEVICE + HANGS),
        ("its library", LIBRARY),
        ("JAX's plugin", PJRT),
    )
    rows = ["| fault | in | rule | said |", "|---|---|---|---|"]
    rows += [f"| {fault.name} | {group} | `{fault.rule}` | {fault.words} |" for group, faults in groups for fault in faults]
    return "\n".join(rows)
