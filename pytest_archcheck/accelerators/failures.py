"""What failures say: known parts of what a framework prints or raises, with their cause and remedy.

Texts of others, not ours: they are matched as they were seen in issues and releases, the narrow ones before the wide ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_PAIR = (
    "install a pair that loads (on Python 3.9 to 3.12: pip install tensorflow==2.19.1 tensorflow-metal==1.2.0), "
    "or get the CPU back: pip uninstall tensorflow-metal"
)
_REINSTALL = "run `pytest archcheck`: it names every such file, its distribution and the command to reinstall it"
#: For a process of another architecture than the machine's.
NATIVE = (
    "start a Python of the machine's own architecture, arm64 on Apple Silicon, and install the packages with it; how: "
    "pytest archcheck::environment::interpreter"
)
#: For code that macOS refuses because of its signature.
BAD_SIGNATURE = (
    "run `pytest archcheck --archcheck-select invalid-signature,unsigned-binary`: it names the files and the codesign command"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A failure that is known by its text."""

    #: Searched for anywhere in the text; ``.`` matches line ends too.
    pattern: re.Pattern[str]
    cause: str
    remedy: str
    #: What it comes to, where the text alone tells; empty: the stage does.
    status: Literal["", "plugin-incompatible", "wrong-device"] = ""


def _known(pattern: str, cause: str, remedy: str, status: Literal["", "plugin-incompatible", "wrong-device"] = "") -> Known:
    return Known(re.compile(pattern, re.DOTALL), cause, remedy, status)


_FAILURES = (
    _known(
        r"platform is already registered with name",
        "one plugin folder is reached under two names (a symbolic link), or two plugins bring the same platform",
        "keep one tensorflow-plugins folder on sys.path, in the user site too, and one plugin in it; which there are: "
        "pytest archcheck",
    ),
    _known(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so.{0,400}Referenced from:[^\n]*libmetal_plugin",
        "tensorflow-metal was built for TensorFlow 2.19 or older",
        _PAIR,
        "plugin-incompatible",
    ),
    _known(
        r"libmetal_plugin.{0,2000}Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "tensorflow-metal was built for TensorFlow 2.19 or older",
        _PAIR,
        "plugin-incompatible",
    ),
    _known(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "files of tensorflow and tensorflow-macos are mixed, or half removed",
        "pip uninstall tensorflow tensorflow-macos, then pip install tensorflow",
    ),
    _known(
        r"_OBJC_CLASS_\$_MPSGraphRandomOpDescriptor",
        "this macOS is older than 12.3, which tensorflow-metal needs",
        "update macOS to 12.3 or newer, or get the CPU back: pip uninstall tensorflow-metal",
    ),
    _known(
        r"libmetal_plugin.{0,2000}(Symbol not found|symbol not found in flat namespace)"
        r"|(Symbol not found|symbol not found in flat namespace).{0,400}libmetal_plugin",
        "this tensorflow-metal does not fit this TensorFlow",
        _PAIR,
        "plugin-incompatible",
    ),
    _known(
        r"mach-o file, but is an incompatible architecture",
        "a file holds another architecture only",
        _REINSTALL,
    ),
    _known(
        r"fat file, but missing compatible architecture",
        "a file holds other architectures only",
        _REINSTALL,
    ),
    _known(
        r"mach-o, but wrong architecture",
        "a file holds another architecture only",
        _REINSTALL,
    ),
    _known(
        r"symbol not found in flat namespace",
        "a library of another architecture was most likely left out when the file was linked",
        "build the distribution that owns the file again for this architecture: pip install --force-reinstall --no-cache-dir "
        "--no-binary :all: and its name",
    ),
    _known(
        r"code signature in .{0,400}not valid for use in process",
        "macOS refuses code that another team signed (library validation)",
        "use another Python, or sign the file that the message names again: codesign --force --sign - and its path",
    ),
    _known(
        r"Code Signature Invalid",
        "arm64 code has an invalid signature, and macOS kills the process",
        BAD_SIGNATURE,
    ),
    _known(
        r"duplicate LC_RPATH",
        "macOS 15.4 and later refuse a file that names one rpath twice",
        "run `pytest archcheck --archcheck-select duplicate-rpath`: it names the file and the command",
    ),
    _known(
        r"compiled to use (?:AVX|SSE|FMA)\S* instructions, but these aren't available",
        "an x86_64 build runs where its instructions do not exist: under Rosetta, or emulated",
        NATIVE,
    ),
    _known(
        r"[Ii]llegal hardware instruction|Illegal instruction: 4",
        "the processor does not have an instruction that this build uses: often x86_64 code under Rosetta, or emulated",
        NATIVE,
    ),
    _known(
        r"\[mutex\.cc : \d+\] RAW: Lock blocking|mutex lock failed: Invalid argument",
        "TensorFlow 2.20 and later and pyarrow do not bear each other in one process",
        "pip install 'tensorflow<2.20', or pip uninstall pyarrow",
    ),
    _known(
        r"compiled using NumPy 1\.x cannot be run in\s+NumPy 2|_ARRAY_API not found",
        "a package was built for NumPy 1 and NumPy 2 is installed",
        "pip install 'numpy<2', or newer builds of the packages",
    ),
    _known(
        r"numpy\.dtype size changed",
        "a package was built for another NumPy",
        "pip install --force-reinstall --no-cache-dir and the name of the package that fails to import",
    ),
    _known(
        r"Descriptors cannot be created directly|Descriptors cannot not be created directly",
        "protobuf is too new for this TensorFlow",
        "pip install 'protobuf<3.21', or pip install --upgrade tensorflow",
    ),
    _known(
        r"OMP: Error #15",
        "two OpenMP runtimes are loaded into one process",
        "install the packages from one source: all by pip, or all by conda",
    ),
    _known(
        r"MPS backend out of memory \(MPS allocated: 0 bytes",
        "the GPU is a virtual one, which cannot allocate memory",
        "do not ask for Metal on this machine; use a physical one",
    ),
    _known(
        r"could not find registered platform with id",
        "XLA does not know the METAL platform",
        "compile with jit_compile=False, and use a legacy Keras optimizer",
    ),
    _known(
        r"No module named 'distutils'",
        "TensorFlow 2.13 to 2.18 import distutils, which Python 3.12 no longer has",
        "pip install setuptools, or pip install 'tensorflow>=2.19'",
    ),
    _known(
        r"qemu: uncaught target signal|rosetta error: failed to open elf",
        "an amd64 image runs on an arm64 machine",
        "use a linux/arm64 image: give docker run and docker build --platform linux/arm64",
    ),
    _known(
        r"Could not satisfy device specification",
        "no kernel for this operation is registered for the device",
        "pip install --upgrade the framework and its device plugin, in versions that fit each other",
        "wrong-device",
    ),
    _known(
        r"Dst tensor is not initialized|CUDA out of memory|MPS backend out of memory",
        "the device has no memory left for this process",
        "end other processes that use the GPU, then run the check again",
    ),
    _known(
        r"no kernel image is available for execution on the device",
        "this build has no code for this GPU's generation",
        "install a build that supports the GPU's compute capability, often a newer one: pip install --upgrade, and its name",
    ),
)


def recognise(text: str) -> Known | None:
    """Return the first known failure whose text occurs, or None."""
    return next((known for known in _FAILURES if known.pattern.search(text)), None)


def shorten(text: str, lines: int = 12, width: int = 300) -> str:
    """Return the end of a text without its empty lines; control characters are shown by their escapes."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(_escape(line if len(line) <= width else line[: width - 3] + "...") for line in kept)


def _escape(line: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)
