"""Known failure texts, as they were seen in issues, and texts that nobody knows."""

from __future__ import annotations

import re

import pytest
from support.outcomes import typed

from pytest_archcheck.accelerators.failures import fatal_line, recognise, said_of_no_gpu, shorten, stack, unwrapped
from pytest_archcheck.accelerators.known_failures import TABLE

#: Text, a part of the cause, a part of the remedy. Each is what the program wrote, with users' paths shortened.
SEEN = [
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
    ("no suitable image found.  Did find: /x.so: mach-o, but wrong architecture", "another architecture", "pytest archcheck"),
    (
        "Library not loaded: @rpath/_pywrap_tensorflow_internal.so\n  Referenced from: <A> /x/libmetal_plugin.dylib\n",
        "built for TensorFlow 2.19 or older",
        "tensorflow==2.19.1 tensorflow-metal==1.2.0",
    ),
    (
        "Library not loaded: @rpath/_pywrap_tensorflow_internal.so\n  Referenced from: /x/tensorflow/python/_dtypes.so",
        "several TensorFlow distributions",
        "pip uninstall --yes tensorflow tensorflow-macos",
    ),
    (
        "dlopen(/x/libmetal_plugin.dylib, 0x0006): Symbol not found: __ZN3tsl8internal10LogMessageC1EPKcii",
        "does not fit this TensorFlow",
        "pip uninstall --yes tensorflow-metal",
    ),
    ("symbol not found in flat namespace '_cblas_dgemm'", "left out when the file was linked", "--no-binary X X"),
    (
        "ImportError: dlopen(/x/dmlab2d_pybind.so, 0x0002): symbol not found in flat namespace '_CFRelease'",
        "without the framework of macOS",
        "--only-binary",
    ),
    ("libmetal_plugin.dylib: Symbol not found: _OBJC_CLASS_$_MPSGraphRandomOpDescriptor", "older than 12.3", "update macOS"),
    (
        'INTERNAL: platform is already registered with name: "METAL"',
        "reached under two names",
        "keep one tensorflow-plugins folder",
    ),
    (
        "OP_REQUIRES failed at xla_ops.cc:418 : NOT_FOUND: could not find registered platform with id: 0x13f441e40",
        "XLA",
        "jit_compile=False",
    ),
    (
        (
            "jaxlib.xla_extension.XlaRuntimeError: INVALID_ARGUMENT: Mismatched PJRT plugin PJRT API version "
            "(0.47) and framework "
            "PJRT API version 0.51)."
        ),
        "another version of the PJRT API",
        "JAX_PLATFORMS=cpu",
    ),
    (
        "XlaRuntimeError: UNIMPLEMENTED: default_memory_space is not supported.",
        "jax-metal 0.1.1 lacks",
        "jax==0.5.0 jaxlib==0.5.0",
    ),
    (
        "NotFoundError: CPU Factory not registered. Did you link in threadpool_device?",
        "leaves out the CPU",
        "env -u TF_ENABLED_DEVICE_TYPES",
    ),
    (
        "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine.",
        "under Rosetta",
        "arm64",
    ),
    (
        (
            "UNIMPLEMENTED: Could not find compiler for platform METAL: NOT_FOUND: could not find registered compiler for "
            "platform METAL -- check target linkage"
        ),
        "XLA",
        "jit_compile=False",
    ),
    (
        "RuntimeError: jaxlib version 0.4.31 is newer than and incompatible with jax version 0.4.20. Please update your jax",
        "newer than jax",
        "'jaxlib<=",
    ),
    ("zsh: illegal hardware instruction  python", "Rosetta", "arm64"),
    ("Illegal instruction: 4", "Rosetta", "arm64"),
    (
        "Termination Reason: CODESIGNING 2 Code Signature Invalid",
        "invalid signature",
        "--archcheck-select invalid-signature",
    ),
    (
        (
            "(code signature in <1E97> '/x.dylib' not valid for use in process: mapping process and mapped file "
            "(non-platform) have "
            "different Team IDs)"
        ),
        "another team",
        "codesign --force --sign -",
    ),
    (
        (
            "(code signature in <4B24> '/x/_multiarray_umath.cpython-312-darwin.so' not valid for use in process: library load "
            "disallowed by system policy)"
        ),
        "quarantine mark",
        "xattr -p com.apple.quarantine",
    ),
    ("dlopen(/x.so, 2): '/x.so' (it is blocked by system policy)", "quarantine mark", "xattr"),
    ("(code signature in <X> '/x.so' not valid for use in process: Trying to load", "does not accept", "codesign --verify"),
    ("Reason: tried: '/x.dylib' (duplicate LC_RPATH '@loader_path')", "macOS 15.4", "--archcheck-select duplicate-rpath"),
    ("qemu: uncaught target signal 6 (Aborted) - core dumped", "amd64 image", "linux/arm64"),
    ("rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2", "amd64 image", "linux/arm64"),
    ("dyld[6390]: Symbol not found: _cblas_sgemm$NEWLAPACK$ILP64\n  Referenced from: <2D4E> /x", "13.3", "DYLD_LIBRARY_PATH"),
    (
        "dyld[29154]: Library not loaded: @rpath/libomp.dylib\n  Referenced from: <A671> /x/libtorch_cpu.dylib",
        "OpenMP runtime is not there",
        "brew install libomp",
    ),
    ("OMP: Error #15: Initializing libomp.dylib, but found libomp.dylib already initialized.", "OpenMP", "one source"),
    (
        "OSError: /usr/lib/aarch64-linux-gnu/libgomp.so.1: cannot allocate memory in static TLS block",
        "thread-local storage",
        "LD_PRELOAD",
    ),
    (
        "ImportError: /x/miniconda3/bin/../lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by /x/_pywrap.so)",
        "libstdc++",
        "libstdcxx-ng",
    ),
    (
        "OSError: /lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.29' not found (required by /x.so)",
        "newer Linux",
        "older release",
    ),
    (
        "ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory",
        "another version of CUDA",
        "the one for the CPU",
    ),
    ("ModuleNotFoundError: No module named '_lzma'", "without the system library", "xz"),
    ("ModuleNotFoundError: No module named '_ctypes'", "without the system library", "libffi"),
    ("ModuleNotFoundError: No module named 'distutils'", "Python 3.12", "setuptools"),
    ("[mutex.cc : 452] RAW: Lock blocking 0x600000968138   @", "pyarrow", "pip uninstall --yes pyarrow"),
    (
        "libc++abi: terminating due to uncaught exception of type std::__1::system_error: mutex lock failed: Invalid argument",
        "pyarrow",
        "tensorflow<2.20",
    ),
    ("A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.0.1 as it may crash.", "NumPy 1", "numpy<2"),
    ("AttributeError: _ARRAY_API not found", "NumPy 1", "numpy<2"),
    (
        "RuntimeError: module compiled against API version 0x10 but this version of numpy is 0xf",
        "numpy is older",
        "pip install --upgrade numpy",
    ),
    ("ImportError: numpy.core.multiarray failed to import", "two of them", "PYTHONPATH"),
    ("ImportError: numpy.core._multiarray_umath failed to import", "numpy is older", "numpy.__file__"),
    ("numpy.dtype size changed, may indicate binary incompatibility", "another NumPy", "--force-reinstall --no-deps"),
    (
        (
            "ValueError: numpy.ndarray size changed, may indicate binary incompatibility. Expected 96 from C "
            "header, got 88 from "
            "PyObject"
        ),
        "another NumPy",
        "the stack names the package",
    ),
    (
        "AttributeError: `np.complex_` was removed in the NumPy 2.0 release. Use `np.complex128` instead.",
        "NumPy 2 no longer has",
        "numpy<2",
    ),
    (
        (
            "AttributeError: module 'numpy' has no attribute 'object'.\n`np.object` was a deprecated alias for the "
            "builtin `object`."
        ),
        "NumPy 1.24",
        "numpy<1.24",
    ),
    ("AttributeError: module 'numpy' has no attribute 'bool'.", "NumPy 1.24", "numpy<1.24"),
    ("TypeError: Descriptors cannot be created directly.", "protobuf", "protobuf<3.21"),
    ("TypeError: Descriptors cannot not be created directly.", "protobuf", "protobuf<3.21"),
    (
        "ImportError: cannot import name 'builder' from 'google.protobuf.internal' (/x)",
        "protobuf is older",
        "--upgrade protobuf",
    ),
    ("ImportError: cannot import name 'runtime_version' from 'google.protobuf' (/x)", "protobuf is older", "PYTHONPATH"),
    (
        (
            "google.protobuf.runtime_version.VersionError: Detected incompatible Protobuf Gencode/Runtime "
            "versions when loading "
            "client.proto: gencode 5.28.3 runtime 5.27.3. Runtime version cannot be older than the linked gencode version."
        ),
        "same major version",
        "gencode version",
    ),
    (
        (
            "google.protobuf.runtime_version.VersionError: Detected mismatched Protobuf Gencode/Runtime major "
            "versions when loading "
            "a2a.proto: gencode 6.31.1 runtime 5.29.5. Same major version is required."
        ),
        "same major version",
        "gencode version",
    ),
    ("AttributeError: 'MessageFactory' object has no attribute 'GetPrototype'", "protobuf 6", "protobuf<6"),
    (
        "tensorflow.python.framework.errors_impl.AlreadyExistsError: Another metric with the same name already exists.",
        "two copies of Keras",
        "keras-nightly",
    ),
    (
        "ImportError: cannot import name 'dtensor' from 'tensorflow.compat.v2.experimental' (/x)",
        "different ages",
        "its keras too",
    ),
    ("ImportError: cannot import name 'dtensor_api' from 'keras.dtensor' (/x)", "different ages", "its keras too"),
    ("AttributeError: module 'tensorflow.compat.v2.__internal__' has no attribute 'tf2'", "different ages", "its keras too"),
    (
        "ValueError: Your currently installed version of Keras is Keras 3, but this is not yet supported in Transformers.",
        "Keras 2",
        "TF_USE_LEGACY_KERAS=1",
    ),
    ("ModuleNotFoundError: No module named 'tensorflow.python'", "half removed", "find_spec"),
    ("ImportError: No module named 'tensorflow.python'; 'tensorflow' is not a package", "hides it", "rename that file"),
    ("AttributeError: module 'tensorflow' has no attribute '__version__'", "half removed", "rename that file"),
    (
        (
            "Warning! ***HDF5 library version mismatched error***\nThe HDF5 header files used to compile this "
            "application do not match"
        ),
        "another HDF5",
        "h5py",
    ),
    ("MPS backend out of memory (MPS allocated: 0 bytes, other allocations: 0 bytes", "virtual", "physical"),
    (
        "NotImplementedError: The operator 'aten::index_copy.out' is not currently implemented for the MPS device. If you want",
        "no Metal kernel",
        "no use of the GPU",
    ),
    (
        "RuntimeError: The MPS backend is supported on MacOS 12.3+.Current OS version can be queried",
        "newer macOS",
        "update macOS",
    ),
    (
        "RuntimeError: The MPS backend is supported on MacOS 13.0+.Current OS version can be queried",
        "newer macOS",
        "older PyTorch",
    ),
    ("RuntimeError: PyTorch is not linked with support for mps devices", "without Metal", "arm64 Python"),
    (
        (
            "*** Terminating app due to uncaught exception 'NSRangeException', reason: '*** -[__NSArray0 "
            "objectAtIndex:]: index 0 "
            "beyond bounds for empty array'\n...\nlibmlx.dylib ... mlx::core::metal::Device::Device()"
        ),
        "no GPU to this process",
        "sandbox",
    ),
    ("InvalidArgumentError: Could not satisfy device specification '/device:GPU:0'", "no kernel", "pip uninstall --yes"),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 MiB", "no memory left", "end other processes"),
    ("CUDA error: no kernel image is available for execution on the device", "generation", "compute capability"),
]


@pytest.mark.parametrize(("text", "cause", "remedy"), SEEN)
def test_known_texts(text: str, cause: str, remedy: str) -> None:
    known = recognise(f"some lines before\n{text}\nand after")
    assert known is not None
    assert cause in known.cause
    assert remedy in typed(known.remedy)


def test_every_row_was_seen_and_says_where() -> None:
    unseen = [known.pattern.pattern for known in TABLE if not any(recognise(text) is known for text, _, _ in SEEN)]
    assert unseen == []
    assert all(re.search(r"https://|\d|own text|ld64|dyld|macOS", known.source) for known in TABLE)
    alone = [known.source for known in TABLE if known.source.startswith("https://") and ";" not in known.source]
    assert alone == []  # a text that one issue alone has may be that one's


@pytest.mark.parametrize("text", ["", "Segmentation fault", "OSError: [Errno 28] No space left on device", "numpy is fine"])
def test_unknown_texts(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (
            (
                "2026-01-01 10:00:00.1: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.\n"
                "2026-01-01 10:00:00.2: F tensorflow/core/platform/statusor.cc:33] Attempting to fetch value of bad status\n"
                "2026-01-01 10:00:00.3: I tensorflow/core/x.cc:1] the end\n"
            ),
            "2026-01-01 10:00:00.2: F tensorflow/core/platform/statusor.cc:33] Attempting to fetch value of bad status",
        ),
        (
            (
                "F0000 00:00:1726908539.146867 30731531 mps_client.cc:510] Check failed: device != nullptr\n"
                "*** Check failure stack trace: ***\n    @        0x10a1b2c3d  "
                "google::LogMessage::Fail()\n0x7f001122 0x7f001133\n"
            ),
            "F0000 00:00:1726908539.146867 30731531 mps_client.cc:510] Check failed: device != nullptr",
        ),
        (
            (
                "W0000 00:00:17 3 x.cc:1] a warning\nterminate called after throwing an instance of 'std::runtime_error'\n"
                "  what():  no memory for 4 bytes\n"
            ),
            "terminate called after throwing an instance of 'std::runtime_error' what():  no memory for 4 bytes",
        ),
        (
            "libc++abi: terminating due to uncaught exception of type NSException\n",
            "libc++abi: terminating due to uncaught exception of type NSException",
        ),
        (
            "dyld[93358]: Symbol not found: _x\n  Referenced from: <E146> /x\n  Expected in:     <4883> /y\n",
            "dyld[93358]: Symbol not found: _x",
        ),
        (
            (
                "Fatal Python error: Aborted\n\nCurrent thread 0x00007f (most recent call first):\n  File "
                '"<string>", line 7 in <module>\n'
                "python: malloc.c:2617: sysmalloc: Assertion `(old_top == initial_top (av))' failed.\n"
            ),
            "python: malloc.c:2617: sysmalloc: Assertion `(old_top == initial_top (av))' failed.",
        ),
        ('plain words\n0x7ffe1234\n  File "<string>", line 8 in <module>\n', "plain words"),
        ("0x7ffe1234\n", ""),
        ("", ""),
    ],
)
def test_the_line_that_tells(written: str, line: str) -> None:
    assert fatal_line(written) == line


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            (
                "ERROR:2026-01-01 10:00:00,1:jax._src.xla_bridge:444: Jax plugin configuration error: Exception when calling "
                'jax_plugins.xla_cuda12.initialize()\nTraceback (most recent call last):\n  File "/x.py", line 1, in f\n'
                "RuntimeError: jaxlib/cuda/versions_helpers.cc:81: operation cuInit(0) failed: CUDA_ERROR_NO_DEVICE\n"
            ),
            (
                "it left out jax_plugins.xla_cuda12: "
                "RuntimeError: jaxlib/cuda/versions_helpers.cc:81: operation cuInit(0) failed: CUDA_ERROR_NO_DEVICE"
            ),
        ),
        ("Jax plugin configuration error: Plugin module %s could not be loaded\n", "it left out a plugin"),
        (
            (
                "2026-01-01 10:00:00.1: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] Could not find cuda drivers on "
                "your machine, GPU will not be used.\n"
            ),
            "Could not find cuda drivers on your machine, GPU will not be used.",
        ),
        (
            "/x/torch/cuda/__init__.py:128: UserWarning: CUDA initialization: The NVIDIA driver on your system is too old\n",
            "CUDA initialization: The NVIDIA driver on your system is too old",
        ),
        ("nothing of the kind\n", ""),
    ],
)
def test_what_is_said_of_a_gpu_that_cannot_be_had(written: str, said: str) -> None:
    assert said_of_no_gpu(f"a line\n{written}another\n") == said


def test_a_stack_without_us() -> None:
    trace = (
        "Timeout (0:00:18)!\nThread 0x1 (most recent call first):\n"
        '  File "/ours/main.py", line 59 in _follow\n  File "/lib/python3.11/threading.py", line 982 in run\n'
        'Thread 0x2 (most recent call first):\n  File "/site/jaxlib/xla_client.py", line 153 in make_c_api_client\n'
        '  File "/ours/jax.py", line 41 in devices\n  File "<string>", line 8 in <module>\nExtension modules: a, b (total: 2)\n'
    )
    assert stack(trace, "/ours").splitlines() == [
        "Timeout (0:00:18)!",
        "Thread 0x2 (most recent call first):",
        '  File "/site/jaxlib/xla_client.py", line 153 in make_c_api_client',
    ]


def test_the_error_inside_an_error_is_unwrapped() -> None:
    message = (
        "Traceback (most recent call last):\n"
        '  File "/x/tensorflow/python/pywrap_tensorflow.py", line 73, in <module>\n'
        "    from tensorflow.python._pywrap_tensorflow_internal import *\n"
        "ImportError: dlopen(/x/_pywrap_tensorflow_internal.so, 0x000A): Library not loaded: @rpath/libx.dylib\n"
        "  Referenced from: <A> /x\n\n\n"
        "Failed to load the native TensorFlow runtime.\nSee https://www.tensorflow.org/install/errors for some common causes."
    )
    kind, inside = unwrapped("ImportError", message)
    assert kind == "ImportError"
    assert inside.startswith("dlopen(/x/_pywrap_tensorflow_internal.so, 0x000A): Library not loaded: @rpath/libx.dylib\n")
    assert inside.endswith("See https://www.tensorflow.org/install/errors for some common causes.")
    assert unwrapped("ImportError", "Traceback (most recent call last):\nOSError: last") == ("OSError", "last")
    for plain in ("plain", "of two lines\nKeyError: 'x'"):  # no stack: what it quotes is not what was raised
        assert unwrapped("ValueError", plain) == ("ValueError", plain)
    assert unwrapped("ImportError", "Traceback (most recent call last):\n  no end") == (
        "ImportError",
        "Traceback (most recent call last):\n  no end",
    )


def test_a_text_is_shortened_from_its_beginning_and_escaped() -> None:
    text = "first\n\n" + "\n".join(f"line {number}" for number in range(50)) + "\n\x1b[31mred\x07\u202e" + "x" * 1000
    lines = shorten(text, lines=3, width=40).splitlines()
    assert lines[:2] == ["line 48", "line 49"]
    assert lines[2].startswith("\\x1b[31mred\\x07\\u202exxx")
    assert lines[2].endswith("...")
    assert len(lines[2]) < 80
    assert shorten("x" * 40, width=40) == "x" * 40
    assert shorten("x" * 41, width=40) == f"{'x' * 37}..."


def test_recognising_is_quick_on_a_text_made_to_be_slow() -> None:
    # Patterns with two parts look ahead a bounded distance only; ten thousand first parts must not multiply.
    text = "Library not loaded: @rpath/_pywrap_tensorflow_internal.so libmetal_plugin symbol code signature in " * 700
    known = recognise(text)
    assert known is not None
    fatal_line("0x1 " * 20000 + "\n" + "[0x1 , " * 20000)
