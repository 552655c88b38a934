"""Known failure texts, as they were seen in issues, and texts that nobody knows."""

from __future__ import annotations

import pytest

from pytest_archcheck.accelerators.failures import recognise, shorten


@pytest.mark.parametrize(
    ("text", "cause", "remedy"),
    [
        (
            "dlopen(/x.so, 0x2): '/x.so' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64'))",
            "another architecture",
            "pytest archcheck",
        ),
        (
            "(fat file, but missing compatible architecture (have 'i386,x86_64', need 'arm64'))",
            "other architectures",
            "pytest archcheck",
        ),
        (
            "no suitable image found.  Did find: /x.so: mach-o, but wrong architecture",
            "another architecture",
            "pytest archcheck",
        ),
        (
            "Library not loaded: @rpath/_pywrap_tensorflow_internal.so\n  Referenced from: <A> /x/libmetal_plugin.dylib\n",
            "built for TensorFlow 2.19 or older",
            "tensorflow==2.19.1 tensorflow-metal==1.2.0",
        ),
        (
            "Library not loaded: @rpath/_pywrap_tensorflow_internal.so\n  Referenced from: /x/tensorflow/python/_dtypes.so",
            "tensorflow and tensorflow-macos are mixed",
            "uninstall",
        ),
        (
            "dlopen(/x/libmetal_plugin.dylib, 0x0006): Symbol not found: __ZN3tsl8internal10LogMessageC1EPKcii",
            "does not fit this TensorFlow",
            "pip uninstall tensorflow-metal",
        ),
        ("symbol not found in flat namespace '_cblas_dgemm'", "left out when the file was linked", "--no-binary :all:"),
        (
            "libmetal_plugin.dylib: Symbol not found: _OBJC_CLASS_$_MPSGraphRandomOpDescriptor",
            "older than 12.3",
            "update macOS",
        ),
        (
            'INTERNAL: platform is already registered with name: "METAL"',
            "reached under two names",
            "keep one tensorflow-plugins folder",
        ),
        ("could not find registered platform with id: 0x11", "XLA", "jit_compile=False"),
        (
            "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine.",
            "under Rosetta",
            "arm64",
        ),
        ("zsh: illegal hardware instruction  python", "Rosetta", "arm64"),
        ("Illegal instruction: 4", "Rosetta", "arm64"),
        (
            "Termination Reason: CODESIGNING 2 Code Signature Invalid",
            "invalid signature",
            "--archcheck-select invalid-signature",
        ),
        (
            "code signature in <X> '/x.so' not valid for use in process: mapping",
            "library validation",
            "codesign --force --sign -",
        ),
        ("[mutex.cc : 452] RAW: Lock blocking 0x1", "pyarrow", "tensorflow<2.20"),
        ("libc++abi: mutex lock failed: Invalid argument", "pyarrow", "tensorflow<2.20"),
        ("A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.0.1 as it may crash.", "NumPy 1", "numpy<2"),
        ("AttributeError: _ARRAY_API not found", "NumPy 1", "numpy<2"),
        ("numpy.dtype size changed, may indicate binary incompatibility", "another NumPy", "--force-reinstall"),
        ("TypeError: Descriptors cannot be created directly.", "protobuf", "protobuf<3.21"),
        ("OMP: Error #15: Initializing libomp.dylib, but found libomp.dylib already initialized.", "OpenMP", "one source"),
        ("Reason: tried: '/x.dylib' (duplicate LC_RPATH '@loader_path')", "macOS 15.4", "--archcheck-select duplicate-rpath"),
        ("MPS backend out of memory (MPS allocated: 0 bytes, other allocations: 0 bytes", "virtual", "physical"),
        ("ModuleNotFoundError: No module named 'distutils'", "Python 3.12", "setuptools"),
        ("qemu: uncaught target signal 6 (Aborted) - core dumped", "amd64 image", "linux/arm64"),
        ("rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2", "amd64 image", "linux/arm64"),
    ],
)
def test_known_texts(text: str, cause: str, remedy: str) -> None:
    known = recognise(f"some lines before\n{text}\nand after")
    assert known is not None
    assert cause in known.cause
    assert remedy in known.remedy


@pytest.mark.parametrize("text", ["", "Segmentation fault", "OSError: [Errno 28] No space left on device", "numpy is fine"])
def test_unknown_texts(text: str) -> None:
    assert recognise(text) is None


def test_a_text_is_shortened_from_its_beginning_and_escaped() -> None:
    text = "first\n\n" + "\n".join(f"line {number}" for number in range(50)) + "\n\x1b[31mred\x07\u202e" + "x" * 1000
    lines = shorten(text, lines=3, width=40).splitlines()
    assert lines[:2] == ["line 48", "line 49"]
    assert lines[2].startswith("\\x1b[31mred\\x07\\u202exxx")
    assert lines[2].endswith("...")
    assert len(lines[2]) < 80


def test_recognising_is_quick_on_a_text_made_to_be_slow() -> None:
    # Patterns with two parts look ahead a bounded distance only; ten thousand first parts must not multiply.
    text = "Library not loaded: @rpath/_pywrap_tensorflow_internal.so libmetal_plugin symbol code signature in " * 700
    known = recognise(text)
    assert known is not None
