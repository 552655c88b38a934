"""What the system lacks."""

from __future__ import annotations

from pytest_archcheck.accelerators.known_failures.row import GITHUB, PYTORCH, TENSORFLOW, row

ROWS = (
    row(
        r"\$NEWLAPACK",
        "it uses the Accelerate of macOS 13.3 and later: this macOS is older, or another library of that name is found first",
        "sw_vers -productVersion tells which macOS it is: update one older than 13.3; on a newer one unset DYLD_LIBRARY_PATH "
        "and DYLD_FALLBACK_LIBRARY_PATH, which may lead to Homebrew's OpenBLAS",
        f"{GITHUB}antirez/voxtral.c/issues/8; numpy/numpy pull 24053",
    ),
    row(
        r"symbol not found in flat namespace '?_(?:CF|CG|NS|IO|Sec|objc_|OBJC_|MTL|dispatch_)\w*",
        "the file was linked without the framework of macOS that has this symbol, as Linux tools and some Bazel builds do",
        "install a wheel of that package, or a newer release: {pip} --only-binary :all: and its name",
        f"{GITHUB}google-deepmind/lab2d/issues/24; google/lyra issue 114; google/visqol issue 105",
    ),
    row(
        r"symbol not found in flat namespace",
        "a library of another architecture was most likely left out when the file was linked",
        "build the distribution that owns the file again for this architecture: {rebuild} X X, where X is its name",
        "ld64: ignoring file, building for macOS-arm64 but attempting to link with file built for macOS-x86_64",
    ),
    row(
        r"Library not loaded: \S*libomp\.dylib",
        "the OpenMP runtime is not there: some wheels for macOS (lightgbm, xgboost) leave it to Homebrew, and PyTorch 2.2.1's "
        "libtorch left it out",
        "brew install libomp, with the Homebrew of this Python's architecture; if PyTorch's own file is named: {again}",
        f"{PYTORCH}124732; pytorch/pytorch issue 123833",
    ),
    row(
        r"OMP: Error #15",
        "two OpenMP runtimes are loaded into one process",
        "install the packages from one source: all by pip, or all by conda",
        "LLVM openmp's own text (DuplicateLibrary)",
    ),
    row(
        r"cannot allocate memory in static TLS block",
        "a library that needs thread-local storage from the start (libgomp) is loaded too late, as happens on aarch64",
        "load it first: LD_PRELOAD=PATH before python, with the path that the message names, or import the package that "
        "brings it before the others; glibc 2.32 and later have more room: GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384",
        f"{GITHUB}dmlc/xgboost/issues/8488; lightgbm-org/LightGBM issue 6509; opencv/opencv issue 14884",
    ),
    row(
        r"version [`'](?:GLIBCXX|CXXABI)_[\d.]+'? not found",
        "the C++ library (libstdc++) that is found first is older than what this build needs: the system's, or an older "
        "conda's",
        "the message names the file: if it is the system's, update the system or use a conda environment with its own "
        "(libstdcxx-ng of conda-forge); if it is conda's: {conda_update} libstdcxx-ng; LD_LIBRARY_PATH may put an older one "
        "first",
        f"{TENSORFLOW}56562; ld.so's own text",
    ),
    row(
        r"version [`']GLIBC_[\d.]+'? not found",
        "this build is for a newer Linux than this one: the C library (glibc) cannot be changed without the system",
        "update the system or use a newer image, or an older release of the package that the message names",
        f"{GITHUB}pyg-team/pyg-lib/issues/266; ld.so's own text",
    ),
    row(
        r"lib(?:cudart|cublas|cudnn|cufft|cusparse|nvrtc)\w*\.so[.\d]*: cannot open shared object file",
        "a library of CUDA is not there: this build wants another version of CUDA than the installed one, or none is installed",
        "the number in the message is the version it wants: install the build for your CUDA, or the one for the CPU; the "
        "packages nvidia-...-cu12 bring the libraries",
        f"{GITHUB}CannyLab/tsne-cuda/issues/126; ld.so's own text",
    ),
    row(
        r"No module named '_(?:ctypes|lzma|bz2|sqlite3|ssl)'",
        "this Python was built without the system library behind that module",
        "install the library (libffi for _ctypes, xz or liblzma-dev for _lzma) and build Python again, with pyenv: pyenv "
        "install --force and its version; or use a Python that is complete",
        f"{GITHUB}pyenv/pyenv/issues/1800; pyenv/pyenv issue 1933",
    ),
    row(
        r"No module named 'distutils'",
        "TensorFlow 2.13 to 2.18 import distutils, which Python 3.12 no longer has",
        "{install} setuptools",
        f"{GITHUB}huggingface/transformers/issues/31174; Python: What's New In 3.12",
    ),
    row(
        r"\[mutex\.cc : \d+\] RAW: Lock blocking|mutex lock failed: Invalid argument",
        "TensorFlow 2.20 and later and pyarrow do not bear each other in one process; or another library brings a second "
        "libc++",
        "if pyarrow is installed: {uninstall} pyarrow, or 'tensorflow<2.20' for TensorFlow in place of this one",
        f"{TENSORFLOW}98563; tensorflow/tensorflow issue 99464",
    ),
)
