"""Texts of failures with their cause and remedy: one table, to which a row is all that a new one needs.

Texts of others, not ours: they are matched as they were seen in the issue or release that the row names, the narrow ones before
the wide ones, because the first row that fits is taken. In a remedy these marks stand for what is installed here, and for
commands that name the environment; :mod:`~pytest_archcheck.rules.framework_commands` fills them in:

- ``{pinned}``: the framework's distribution with its version: ``tensorflow-cpu==2.18.1``; ``{name}`` and ``{version}`` alone;
- ``{install}``: ``pip install``, or what else installed it; ``{upgrade}``, ``{uninstall}``, ``{reinstall}`` likewise;
- ``{keep}``: ``{pinned}`` and a space before it, where ``{upgrade}`` might move it;
- ``{pip}``: ``{install}`` for what the package index alone has, and not conda's channels; ``{rebuild}``: from its sources;
- ``{again}``: the command that puts the framework's own files there again, and nothing else;
- ``{metal_pair}``: what the framework says to do for Metal where its version has none;
- ``{plugin}``: the distribution of its device plugin; ``{without_plugin}``: the command that removes it.

A remedy never moves the framework to another version unless the row says why it must.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Told = Literal["", "plugin-incompatible", "wrong-device", "import-failed"]

#: For a process of another architecture than the machine's.
NATIVE = (
    "start a Python of the machine's own architecture, arm64 on Apple Silicon, and install the packages with it; how: "
    "pytest archcheck::environment::interpreter"
)
#: For code that macOS refuses because of its signature.
BAD_SIGNATURE = (
    "run `pytest archcheck --archcheck-select invalid-signature,unsigned-binary`: it names the files and the codesign command"
)
_PAIR = "{without_plugin} gives the CPU back; for Metal install a pair that loads: {metal_pair}"
_FILES = "run `pytest archcheck`: it names every such file, its distribution and the command to reinstall it"
_REQUIREMENTS = "put right what it requires: {install} {pinned}"
_ISSUES = "https://github.com/"
_TENSORFLOW = f"{_ISSUES}tensorflow/tensorflow/issues/"
_PYTORCH = f"{_ISSUES}pytorch/pytorch/issues/"
_JAX = f"{_ISSUES}jax-ml/jax/issues/"


@dataclass(frozen=True, slots=True)
class Known:
    """A failure that is known by its text."""

    #: Searched for anywhere in the text; ``.`` matches line ends too.
    pattern: re.Pattern[str]
    cause: str
    remedy: str
    #: Where the text, and what helped, were seen: issues, pages, a release's own source; two of them where two were found.
    source: str
    #: What it comes to, where the text alone tells; empty: the stage does.
    status: Told = ""


def _row(pattern: str, cause: str, remedy: str, source: str, status: Told = "") -> Known:
    return Known(re.compile(pattern, re.DOTALL), cause, remedy, source, status)


# Device plugins of TensorFlow and JAX.
_PLUGINS = (
    _row(
        r"platform is already registered with name",
        "one plugin folder is reached under two names (a symbolic link), or two plugins bring the same platform",
        "keep one tensorflow-plugins folder on sys.path, in the user site too, and one plugin in it; which there are: "
        "pytest archcheck",
        "TensorFlow 2.15 to 2.21: tensorflow/python/framework/load_library.py loads every folder it reaches",
    ),
    _row(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so.{0,400}Referenced from:[^\n]*libmetal_plugin"
        r"|libmetal_plugin.{0,2000}Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "tensorflow-metal was built for TensorFlow 2.19 or older",
        _PAIR,
        "the install names in the wheels of TensorFlow 2.20.0 and tensorflow-metal 1.2.0",
        "plugin-incompatible",
    ),
    _row(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "files of several TensorFlow distributions (tensorflow, tensorflow-macos) are mixed, or half removed",
        "{uninstall} tensorflow tensorflow-macos && {install} {pinned}",
        "dyld: the library that TensorFlow 2.12 to 2.19 link to in their own folder",
    ),
    _row(
        r"_OBJC_CLASS_\$_MPSGraphRandomOpDescriptor",
        "this macOS is older than 12.3, which tensorflow-metal needs",
        "update macOS to 12.3 or newer, or get the CPU back: {without_plugin}",
        "the undefined symbols of tensorflow-metal 0.5.0; Apple's MPSGraph has the class since macOS 12.3",
    ),
    _row(
        r"libmetal_plugin.{0,2000}(Symbol not found|symbol not found in flat namespace)"
        r"|(Symbol not found|symbol not found in flat namespace).{0,400}libmetal_plugin",
        "this tensorflow-metal does not fit this TensorFlow",
        _PAIR,
        f"{_TENSORFLOW}81987; the symbols of both wheels",
        "plugin-incompatible",
    ),
    _row(
        r"Mismatched PJRT plugin PJRT API version",
        "the JAX plugin (jax-metal, say) speaks another version of the PJRT API than jaxlib: the message has both",
        "jaxlib 0.4.34 and later bear another minor version, unless ENABLE_PJRT_COMPATIBILITY=0 is set: unset it, or for "
        "jax-metal {install} jax==0.5.0 jaxlib==0.5.0; or get the CPU back: {without_plugin}, or for one run "
        "JAX_PLATFORMS=cpu",
        f"{_JAX}21383; a plugin of our own in jaxlib 0.4.26 to 0.7.0",
        "plugin-incompatible",
    ),
    _row(
        r"default_memory_space is not supported",
        "jax-metal 0.1.1 lacks what jaxlib 0.5.1 and later ask of a plugin",
        "{install} jax==0.5.0 jaxlib==0.5.0, the newest that it was seen to serve; or get the CPU back: {without_plugin}",
        f"{_JAX}27062; patrick-kidger/diffrax issue 659 (jaxlib 0.6.2; 0.5.0 works)",
        "plugin-incompatible",
    ),
    _row(
        r"CPU Factory not registered",
        "TF_ENABLED_DEVICE_TYPES is set and leaves out the CPU, which TensorFlow cannot do without",
        "run without it: env -u TF_ENABLED_DEVICE_TYPES pytest archcheck",
        "TensorFlow 2.21 with TF_ENABLED_DEVICE_TYPES=GPU; its core/common_runtime/device_factory.cc",
        "import-failed",
    ),
    _row(
        r"could not find registered (?:platform with id|compiler for platform METAL)",
        "XLA has no compiler for the METAL platform",
        "compile with jit_compile=False, and use a legacy Keras optimizer",
        f"{_TENSORFLOW}58988; tlkh/tf-metal-experiments issue 19; NVlabs/sionna issue 78",
    ),
)

# Files for another machine, and code that macOS or the kernel refuses.
_MACHINE = (
    _row(
        r"mach-o file, but is an incompatible architecture|mach-o, but wrong architecture",
        "a file holds another architecture only",
        _FILES,
        "dyld: the wording of macOS 12 and later, and of macOS 11",
    ),
    _row(
        r"fat file, but missing compatible architecture",
        "a file holds other architectures only",
        _FILES,
        "dyld: the wording of macOS 12 and later",
    ),
    _row(
        r"compiled to use (?:AVX|SSE|FMA)\S* instructions, but these aren't available",
        "an x86_64 build runs where its instructions do not exist: under Rosetta, emulated, or on a processor that is too old",
        f"{NATIVE}; an Intel or AMD processor without them (grep -m1 -o avx /proc/cpuinfo says nothing) wants a build "
        "that does without",
        f"{_TENSORFLOW}58339 (Rosetta); tensorflow/tensorflow issue 6896 (an old processor)",
    ),
    _row(
        r"[Ii]llegal hardware instruction|Illegal instruction: 4",
        "the processor does not have an instruction that this build uses: often x86_64 code under Rosetta, or emulated",
        NATIVE,
        f"{_TENSORFLOW}44999; the texts of zsh and bash for SIGILL",
    ),
    _row(
        r"different Team IDs",
        "macOS refuses code that another team signed (library validation)",
        "use another Python, or sign the file that the message names again: codesign --force --sign - and its path",
        "dyld and AMFI: code signature not valid for use in process: mapping process and mapped file have different Team IDs",
    ),
    _row(
        r"(?:denied|blocked|disallowed) by system policy",
        "macOS's policy blocks the file: it carries a quarantine mark (a browser or another Mac brought it), or the Mac's "
        "administrator forbids it",
        "look for the mark: xattr -p com.apple.quarantine and the file's path; where it is there, install the package "
        "again on this Mac ({reinstall} and its name), or take it off: xattr -d com.apple.quarantine and the path; else ask "
        "who administers this Mac",
        f"{_ISSUES}flet-dev/flet/issues/4543; robhagemans/pcbasic issue 131",
    ),
    _row(
        r"code signature in .{0,400}not valid for use in process",
        "macOS does not accept the file's signature in this process: damaged, or made by another team (library validation)",
        f"to tell: codesign --verify --verbose and its path; damaged: {BAD_SIGNATURE}; else use another Python",
        "dyld and AMFI: code signature not valid for use in process",
    ),
    _row(
        r"Code Signature Invalid",
        "arm64 code has an invalid signature, and macOS kills the process",
        BAD_SIGNATURE,
        "macOS crash reports: Termination Reason: CODESIGNING",
    ),
    _row(
        r"duplicate LC_RPATH",
        "macOS 15.4 and later refuse a file that names one rpath twice",
        "run `pytest archcheck --archcheck-select duplicate-rpath`: it names the file and the command",
        "dyld-1284 (macOS 15.4): duplicate LC_RPATH",
    ),
    _row(
        r"qemu: uncaught target signal|rosetta error: failed to open elf",
        "an amd64 image runs on an arm64 machine",
        "use a linux/arm64 image: give docker run and docker build --platform linux/arm64",
        f"{_ISSUES}docker/for-mac/issues/7644; tensorchord/envd issue 881",
    ),
)

# What the system lacks.
_SYSTEM = (
    _row(
        r"\$NEWLAPACK",
        "it uses the Accelerate of macOS 13.3 and later: this macOS is older, or another library of that name is found first",
        "sw_vers -productVersion tells which macOS it is: update one older than 13.3; on a newer one unset "
        "DYLD_LIBRARY_PATH and "
        "DYLD_FALLBACK_LIBRARY_PATH, which may lead to Homebrew's OpenBLAS",
        f"{_ISSUES}antirez/voxtral.c/issues/8; numpy/numpy pull 24053",
    ),
    _row(
        r"symbol not found in flat namespace '?_(?:CF|CG|NS|IO|Sec|objc_|OBJC_|MTL|dispatch_)\w*",
        "the file was linked without the framework of macOS that has this symbol, as Linux tools and some Bazel builds do",
        "install a wheel of that package, or a newer release: {pip} --only-binary :all: and its name",
        f"{_ISSUES}google-deepmind/lab2d/issues/24; google/lyra issue 114; google/visqol issue 105",
    ),
    _row(
        r"symbol not found in flat namespace",
        "a library of another architecture was most likely left out when the file was linked",
        "build the distribution that owns the file again for this architecture: {rebuild} X X, where X is its name",
        "ld64: ignoring file, building for macOS-arm64 but attempting to link with file built for macOS-x86_64",
    ),
    _row(
        r"Library not loaded: \S*libomp\.dylib",
        "the OpenMP runtime is not there: some wheels for macOS (lightgbm, xgboost) leave it to Homebrew, and PyTorch 2.2.1's "
        "libtorch left it out",
        "brew install libomp, with the Homebrew of this Python's architecture; if PyTorch's own file is named: {again}",
        f"{_PYTORCH}124732; pytorch/pytorch issue 123833",
    ),
    _row(
        r"OMP: Error #15",
        "two OpenMP runtimes are loaded into one process",
        "install the packages from one source: all by pip, or all by conda",
        "LLVM openmp's own text (DuplicateLibrary)",
    ),
    _row(
        r"cannot allocate memory in static TLS block",
        "a library that needs thread-local storage from the start (libgomp) is loaded too late, as happens on aarch64",
        "load it first: LD_PRELOAD=PATH before python, with the path that the message names, or import the package that "
        "brings it "
        "before the others; glibc 2.32 and later have more room: GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384",
        f"{_ISSUES}dmlc/xgboost/issues/8488; lightgbm-org/LightGBM issue 6509; opencv/opencv issue 14884",
    ),
    _row(
        r"version [`'](?:GLIBCXX|CXXABI)_[\d.]+'? not found",
        "the C++ library (libstdc++) that is found first is older than what this build needs: the system's, or an older "
        "conda's",
        "the message names the file: if it is the system's, update the system or use a conda environment with its own "
        "(libstdcxx-ng of conda-forge); if it is conda's: {conda_update} libstdcxx-ng; LD_LIBRARY_PATH may put an older one "
        "first",
        f"{_TENSORFLOW}56562; ld.so's own text",
    ),
    _row(
        r"version [`']GLIBC_[\d.]+'? not found",
        "this build is for a newer Linux than this one: the C library (glibc) cannot be changed without the system",
        "update the system or use a newer image, or an older release of the package that the message names",
        f"{_ISSUES}pyg-team/pyg-lib/issues/266; ld.so's own text",
    ),
    _row(
        r"lib(?:cudart|cublas|cudnn|cufft|cusparse|nvrtc)\w*\.so[.\d]*: cannot open shared object file",
        "a library of CUDA is not there: this build wants another version of CUDA than the installed one, or none is installed",
        "the number in the message is the version it wants: install the build for your CUDA, or the one for the CPU; the "
        "packages nvidia-...-cu12 bring the libraries",
        f"{_ISSUES}CannyLab/tsne-cuda/issues/126; ld.so's own text",
    ),
    _row(
        r"No module named '_(?:ctypes|lzma|bz2|sqlite3|ssl)'",
        "this Python was built without the system library behind that module",
        "install the library (libffi for _ctypes, xz or liblzma-dev for _lzma) and build Python again, with pyenv: "
        "pyenv install --force and its version; or use a Python that is complete",
        f"{_ISSUES}pyenv/pyenv/issues/1800; pyenv/pyenv issue 1933",
    ),
    _row(
        r"No module named 'distutils'",
        "TensorFlow 2.13 to 2.18 import distutils, which Python 3.12 no longer has",
        "{install} setuptools",
        f"{_ISSUES}huggingface/transformers/issues/31174; Python: What's New In 3.12",
    ),
    _row(
        r"\[mutex\.cc : \d+\] RAW: Lock blocking|mutex lock failed: Invalid argument",
        "TensorFlow 2.20 and later and pyarrow do not bear each other in one process; or another library brings a second "
        "libc++",
        "if pyarrow is installed: {uninstall} pyarrow, or 'tensorflow<2.20' for TensorFlow in place of this one",
        f"{_TENSORFLOW}98563; tensorflow/tensorflow issue 99464",
    ),
)

# Packages that do not fit each other.
_PACKAGES = (
    _row(
        r"compiled using NumPy 1\.x cannot be run in\s+NumPy 2|_ARRAY_API not found",
        "a package was built for NumPy 1 and NumPy 2 is installed",
        "with Python up to 3.12: {install} 'numpy<2' {pinned}; or a newer build of the package whose module is last in "
        "the stack",
        "NumPy 2.0's own text (numpy/_core/_multiarray_umath); NumPy 2.0 migration guide",
    ),
    _row(
        r"module compiled against (?:ABI|API) version (?:0x)?[0-9a-f]+ but this version of numpy is"
        r"|numpy\.core\.(?:_?multiarray\w*|umath) failed to import",
        "numpy is older than the one that a package was built with; or there are two of them and the older one is found first",
        "to tell: python -c 'import numpy; print(numpy.__version__, numpy.__file__)'; "
        "older: {upgrade} numpy{keep}; another folder than this environment's: take it out of PYTHONPATH",
        f"{_TENSORFLOW}57106; tensorflow/tensorflow issue 559",
    ),
    _row(
        r"numpy\.(?:ndarray|dtype|ufunc) size changed",
        "a package was built for another NumPy than the one that is installed",
        "the stack names the package: install it again, {reinstall} and its name; if its "
        "wheel wants a newer NumPy: {upgrade} numpy{keep}",
        f"{_ISSUES}scikit-image/scikit-image/issues/5270; Cython's own text",
    ),
    _row(
        r"`np\.\w+` was removed in the NumPy 2\.0 release",
        "TensorFlow 2.17 and older, or another package, use names that NumPy 2 no longer has",
        "with Python up to 3.12: {install} 'numpy<2' {pinned}; or a newer release of the package that the stack names last",
        f"{_ISSUES}roboflow/rf-detr/issues/1061 (TensorFlow); mbakker7/ttim issue 65; NumPy's own text",
    ),
    _row(
        r"module 'numpy' has no attribute '(?:object|bool|int|float|complex|str|typeDict)'",
        "TensorFlow 2.8 and older, or another package, use names that NumPy 1.24 took away",
        "if the stack ends in tensorflow/: {install} 'numpy<1.24' {pinned}; else a newer release of the package that it "
        "names last",
        f"{_TENSORFLOW}62832; NumPy 1.24 release notes",
    ),
    _row(
        r"Descriptors cannot (?:not )?be created directly",
        "protobuf 4 or later is installed and generated code of an older one is imported: TensorFlow 2.9 and older, or "
        "another package",
        "if the stack ends in tensorflow/: {install} 'protobuf<3.21' {pinned}; else a newer release of the package whose "
        "_pb2.py file "
        "the stack names last",
        "protobuf 4's own text (google/protobuf/descriptor.py)",
    ),
    _row(
        r"cannot import name '(?:builder|runtime_version)' from 'google\.protobuf",
        "protobuf is older than the one that made the generated code, or an older copy is found first",
        "{upgrade} protobuf{keep}; if it is new enough (python -c 'import google.protobuf as p; "
        "print(p.__version__, "
        "p.__file__)'), another folder hides it: take that out of PYTHONPATH, or reinstall protobuf",
        f"{_ISSUES}protocolbuffers/protobuf/issues/9778; Comfy-Org/ComfyUI issue 6515",
    ),
    _row(
        r"(?:incompatible|mismatched) Protobuf Gencode/Runtime",
        "generated code and protobuf do not fit: the message has both versions, and the runtime must have the same major "
        "version and "
        "not be older",
        "{install} 'protobuf>=GENCODE' {pinned}, with the gencode version of the message; where pip refuses, a release "
        "of the package "
        "that the message's .proto file belongs to which fits this protobuf",
        f"{_ISSUES}a2aproject/a2a-python/issues/192; https://protobuf.dev/support/cross-version-runtime-guarantee",
    ),
    _row(
        r"'MessageFactory' object has no attribute 'GetPrototype'",
        "protobuf 6 took away what TensorFlow 2.19 and older (or another package) call",
        "{install} 'protobuf<6' {pinned}",
        f"{_TENSORFLOW}109469; tensorflow/tensorflow issue 94030",
    ),
    _row(
        r"Another metric with the same name already exists",
        "two copies of Keras are loaded: keras and keras-nightly, or a keras of another version than TensorFlow's",
        f"{{uninstall}} keras-nightly if it is there; {_REQUIREMENTS}",
        f"{_TENSORFLOW}51592; google-research/scenic issue 216; ageron/handson-ml2 issue 501",
    ),
    _row(
        r"cannot import name 'dtensor|has no attribute '__internal__'|'tensorflow\.compat\.v2\.__internal__' has no attribute"
        r"|cannot import name '\w+' from 'keras(?:\.\w+)*'|No module named 'keras\.(?:engine|api\._v\d|src\.\w+)",
        "Keras and TensorFlow are of different ages: a keras of another release than this TensorFlow's is installed",
        f"{_REQUIREMENTS}, which brings its keras too",
        f"{_TENSORFLOW}56298; tensorflow/models issue 10025",
    ),
    _row(
        r"currently installed version of Keras is Keras 3|requires? Keras 2|Keras 2.{0,80}TF_USE_LEGACY_KERAS",
        "TensorFlow 2.16 and later bring Keras 3, and a package (transformers, say) still wants Keras 2",
        "{install} --no-deps 'tf-keras==2.N.*', with the N of {pinned}, and set TF_USE_LEGACY_KERAS=1; without --no-deps "
        "it brings a tensorflow of its own where that is another distribution",
        f"{_ISSUES}huggingface/transformers/issues/36410; huggingface/transformers issue 34761",
    ),
    _row(
        r"No module named 'tensorflow\.python[\w.]*'|'tensorflow' is not a package",
        "tensorflow is half removed, or a file or folder named tensorflow of the project hides it",
        "to tell: python -c 'import importlib.util as u; print(u.find_spec(\"tensorflow\"))'; "
        "in your project: rename that file; in site-packages: {again}",
        f"{_ISSUES}dhasl002/custom_3d_unet/issues/2; tensorflow/tensorflow issue 34722",
    ),
    _row(
        r"module 'tensorflow' has no attribute",
        "tensorflow is half removed (a folder without its __init__.py is left), or a file tensorflow.py of the project "
        "hides it",
        "to tell: python -c 'import tensorflow; print(tensorflow.__path__, tensorflow.__file__)'; "
        "in your project: rename that file; in site-packages, or None: {again}",
        f"{_TENSORFLOW}60333; matterport/Mask_RCNN issue 795",
    ),
    _row(
        r"jaxlib version \S+ is newer than and incompatible with jax version",
        "jaxlib is newer than jax, which takes none that is newer than itself",
        "{install} {pinned} 'jaxlib<={version}'",
        f"{_JAX}17638; octo-models/octo issue 125",
        "import-failed",
    ),
    _row(
        r"HDF5 library version mismatched error",
        "h5py runs with another HDF5 library than it was built with: conda's or Homebrew's is found first",
        "all from one source: {pip} --upgrade h5py, or {conda_update} h5py hdf5 where conda installed it; LD_LIBRARY_PATH and "
        "DYLD_LIBRARY_PATH may put another one first",
        f"{_ISSUES}h5py/h5py/issues/853; h5py/h5py issue 1898 (conda)",
    ),
)

# What a GPU says.
_GPU = (
    _row(
        r"MPS backend out of memory \(MPS allocated: 0 bytes",
        "the GPU is a virtual one, which cannot allocate memory",
        "do not ask for Metal on this machine; use a physical one",
        f"{_ISSUES}actions/runner-images/issues/9918; actions/runner-images issue 9254",
    ),
    _row(
        r"is not current(?:ly)? implemented for the MPS device|Could not run '\S+' with arguments from the 'MPS' backend",
        "this PyTorch has no Metal kernel for the operation",
        "a newer PyTorch may have it: see its notes before {upgrade} {name}; PYTORCH_ENABLE_MPS_FALLBACK=1 "
        "does it on the "
        "CPU, which is no use of the GPU",
        f"{_PYTORCH}77764; PyTorch's own text (aten/src/ATen/mps/MPSFallback.mm)",
    ),
    _row(
        r"The MPS backend is supported on MacOS \d+\.\d\+",
        "this PyTorch wants a newer macOS for Metal than this one; its message may name too old a version (2.5 says 12.3 "
        "and means 13.0, "
        "2.10 says 13.0 and means 14.0)",
        "update macOS, or use an older PyTorch",
        f"{_PYTORCH}164943; pytorch/pytorch issue 139425",
    ),
    _row(
        r"not linked with support for mps devices|not compiled with MPS enabled",
        "this PyTorch was built without Metal: a build for x86_64, for Linux, or one of your own",
        "on Apple Silicon with an arm64 Python: {again}; elsewhere there is no Metal",
        f"{_PYTORCH}77867; PyTorch's own text",
    ),
    _row(
        r"index 0 beyond bounds for empty (?:NS)?array.{0,4000}mlx|mlx.{0,4000}index 0 beyond bounds for empty (?:NS)?array"
        r"|No Metal device available",
        "Metal offers no GPU to this process: a virtual Mac, a sandbox, or a session without a screen (SSH, launchd); MLX ends "
        "the process then",
        "run it in a Terminal of the logged-in user, outside the sandbox; only to use the CPU there: MLX on Linux, {pip} "
        "'mlx[cpu]'",
        f"{_ISSUES}ml-explore/mlx/issues/3148; ml-explore/mlx issue 3397; huggingface/candle issue 3566 (SSH, launchd)",
    ),
    _row(
        r"Could not satisfy device specification",
        "no kernel for this operation is registered for the device",
        "a framework and device plugin that fit each other: see pytest archcheck, or {without_plugin} for the CPU",
        "TensorFlow 2.15 to 2.21 without soft placement (InvalidArgumentError)",
        "wrong-device",
    ),
    _row(
        r"Dst tensor is not initialized|CUDA out of memory|MPS backend out of memory",
        "the device has no memory left for this process",
        "end other processes that use the GPU, then run the check again",
        "TensorFlow's and PyTorch's own texts",
    ),
    _row(
        r"no kernel image is available for execution on the device",
        "this build has no code for this GPU's generation",
        "install a build that supports the GPU's compute capability, often a newer one, see its notes before {upgrade} {name}",
        "CUDA's own text (cudaErrorNoKernelImageForDevice)",
    ),
)

#: In the order in which they are tried.
TABLE: tuple[Known, ...] = (*_PLUGINS, *_MACHINE, *_SYSTEM, *_PACKAGES, *_GPU)
