"""Examples of rules on the interpreter, on packages as a whole, on wheels and on lock files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.condas import SITE, add_package, make_prefix, python_package
from support.elfs import shared
from support.examples.stage import CP311_ARM64, Example, Stage
from support.hosts import APPLE_SILICON, TRANSLATED
from support.machos import bundle, dylib, executable, fat
from support.sites import add_distribution, write
from support.wheels import write_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

_UNIVERSAL = fat(executable("x86_64"), executable("arm64"))
_UV_PYTHON = ".local/share/uv/python/cpython-3.11.7-macos-x86_64-none/bin/python3.11"


def _add(site: Path, title: str, *architectures: str, requires: tuple[str, ...] = ()) -> None:
    """One distribution with a module of these architectures."""
    name, version = title.split()
    content = fat(*map(bundle, architectures)) if len(architectures) > 1 else bundle(*architectures)
    files = {f"{name}/_core.cpython-311-darwin.so": content}
    add_distribution(site, name, version, files, tags=CP311_ARM64, requires=requires)


def _wrong_python(stage: Stage) -> tuple[Finding, ...]:
    files = {"numpy/_core.cpython-312-darwin.so": bundle()}
    add_distribution(stage.venv(), "numpy", "2.0.2", files, tags=("cp312-cp312-macosx_14_0_arm64",))
    return stage.inspect()


def _wrong_numpy(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    texts = (
        b"module compiled against ABI version 0x%x but this version of numpy is 0x%x\0numpy.core.multiarray failed to import\0"
    )
    files: dict[str, bytes | str] = {
        "pandas/__init__.py": "from pandas import _lib\n",
        "pandas/_lib.cpython-311-x86_64-linux-gnu.so": shared(texts=texts),
    }
    add_distribution(site, "pandas", "2.0.3", files, tags=("cp311-cp311-manylinux_2_17_x86_64",), requires=("numpy>=1.21.0",))
    add_distribution(site, "numpy", "2.0.2", {"numpy/__init__.py": ""})
    return stage.inspect(target="manylinux_2_28_x86_64")


def _missing_dependency(stage: Stage) -> tuple[Finding, ...]:
    files: dict[str, bytes | str] = {
        "tensorflow/__init__.py": "from tensorflow import app\n",
        "tensorflow/app.py": "from absl import flags\n",
        "tensorflow/_x.cpython-311-darwin.so": bundle(),
    }
    requires = ("absl-py>=1.0.0", "numpy<2.1.0,>=1.26.0", "protobuf<6,>=3.20.3")
    add_distribution(stage.venv(), "tensorflow", "2.18.1", files, tags=CP311_ARM64, requires=requires)
    return stage.inspect()


def _missing_file(stage: Stage) -> tuple[Finding, ...]:
    files: dict[str, bytes | str] = {
        "demo/__init__.py": "from demo._core import run\n",
        "demo/_core.cpython-311-darwin.so": bundle(),
        "demo/_extra.cpython-311-darwin.so": bundle(),
    }
    site = stage.venv()
    add_distribution(site, "demo", "1.0", files, tags=CP311_ARM64)
    (site / "demo" / "_core.cpython-311-darwin.so").unlink()
    return stage.inspect()


def _unreadable_wheel(stage: Stage) -> tuple[Finding, ...]:
    path = write_wheel(stage.folder / "dist", "demo", {"demo/_core.cpython-311-darwin.so": bundle()})
    path.write_bytes(path.read_bytes()[:-200])
    return stage.inspect(f"dist/{path.name}", "host")


def _mistagged_wheel(stage: Stage) -> tuple[Finding, ...]:
    files = {"demo/_core.cpython-311-darwin.so": bundle()}
    path = write_wheel(stage.folder / "dist", "demo", files, tag="cp311-cp311-macosx_11_0_universal2")
    return stage.inspect(f"dist/{path.name}", "host")


def _emulated(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add(site, "numpy 2.0.2", "x86_64")
    return stage.inspect_running(site, executable("x86_64"), TRANSLATED, where=_UV_PYTHON)


def _single_slice(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add(site, "numpy 2.0.2", "arm64")
    _add(site, "markupsafe 2.1.5", "arm64", "x86_64")
    return stage.inspect_running(site, _UNIVERSAL, APPLE_SILICON)


def _unseen(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add(site, "numpy 2.0.2", "arm64")
    (site / "/".join(["d"] * 201)).mkdir(parents=True)
    return stage.inspect()


def _conda_subdir(stage: Stage) -> tuple[Finding, ...]:
    prefix = stage.folder / "miniconda3"
    make_prefix(prefix, executable("x86_64"), subdir="osx-64")
    add_package(prefix, "libffi", "3.4.4", {"lib/libffi.8.dylib": dylib("x86_64", "@rpath/libffi.8.dylib")}, subdir="osx-64")
    return stage.inspect(prefix.name)


def _conflicting(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add(site, "tensorflow 2.16.2", "arm64", requires=("numpy<2.0.0,>=1.23.5",))
    _add(site, "numpy 2.1.3", "arm64")
    return stage.inspect()


def _mixed_installers(stage: Stage) -> tuple[Finding, ...]:
    prefix = stage.folder / "miniconda3"
    make_prefix(prefix, executable())
    python_package(prefix, "pytorch", "2.2.0", {"torch/version.py": "__version__ = '2.2.0'\n"})
    add_distribution(prefix / SITE, "torch", "2.3.0", {"torch/version.py": "__version__ = '2.3.0'\n"})
    return stage.inspect(prefix.name)


def _duplicate_distribution(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    for version in ("1.26.4", "2.0.2"):
        _add(site, f"numpy {version}", "arm64")
    return stage.inspect()


def _duplicate_runtime(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    for name, version, path in (
        ("scikit-learn", "1.5.2", "sklearn/.dylibs/libomp.dylib"),
        ("torch", "2.4.0", "torch/lib/libomp.dylib"),
    ):
        add_distribution(site, name, version, {path: dylib(install_name="@rpath/libomp.dylib")}, tags=CP311_ARM64)
    return stage.inspect()


def _lock(stage: Stage, name: str, version: str, *wheels: str, sdist: bool = False) -> None:
    """A ``uv.lock`` of a project that needs one package."""
    source = f"https://example.org/{name}-{version}"
    files = ", ".join(f'{{ url = "{source}-{tag}.whl", hash = "sha256:00" }}' for tag in wheels)
    lines = [
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "demo"\nversion = "1"',
        f'source = {{ virtual = "." }}\ndependencies = [{{ name = "{name}" }}]\n\n[[package]]',
        f"name = {json.dumps(name)}\nversion = {json.dumps(version)}",
        'source = { registry = "https://example.org/simple" }',
        *([f'sdist = {{ url = "{source}.tar.gz", hash = "sha256:00" }}'] if sdist else []),
        f"wheels = [{files}]",
    ]
    write(stage.folder / "uv.lock", "\n".join(lines) + "\n")


def _no_wheel(stage: Stage) -> tuple[Finding, ...]:
    _lock(stage, "tensorflow-metal", "1.2.0", "cp311-cp311-macosx_12_0_arm64", "cp312-cp312-macosx_12_0_arm64")
    return stage.inspect("uv.lock", python="3.13")


def _lock_excludes(stage: Stage) -> tuple[Finding, ...]:
    _lock(stage, "numpy", "2.0.2", "cp311-cp311-macosx_14_0_arm64")
    return stage.inspect("uv.lock", python="3.10")


def _source_only(stage: Stage) -> tuple[Finding, ...]:
    _lock(stage, "lxml", "5.3.0", "cp312-cp312-manylinux_2_28_x86_64", sdist=True)
    return stage.inspect("uv.lock")


EXAMPLES = (
    Example(
        "wrong-python",
        "numpy 2.0.2 for Python 3.12 in an environment of Python 3.11.",
        ("Python 3.11", "numpy==2.0.2"),
        _wrong_python,
    ),
    Example(
        "wrong-numpy",
        "pandas 2.0.3, which was compiled for numpy 1, beside numpy 2.0.2; target Linux x86_64.",
        ("pandas", "numpy<2"),
        _wrong_numpy,
    ),
    Example(
        "missing-dependency",
        "tensorflow 2.18.1, installed with `--no-deps`, in an environment without absl-py, numpy and protobuf.",
        ("absl-py>=1.0.0", "numpy<2.1.0,>=1.26.0"),
        _missing_dependency,
    ),
    Example(
        "missing-file",
        "demo 1.0, copied without one of its modules: `*.so` stood in `.dockerignore`.",
        ("demo==1.0", "--reinstall"),
        _missing_file,
    ),
    Example(
        "unreadable-wheel",
        "The last 200 bytes of demo-1.0-cp311-cp311-macosx_11_0_arm64.whl cut off.",
        ("demo==1.0", "demo-1.0-cp311-cp311-macosx_11_0_arm64.whl"),
        _unreadable_wheel,
    ),
    Example(
        "mistagged-wheel",
        "A wheel whose tag says universal2 and whose only module is for arm64.",
        ("macosx_11_0_arm64", "demo-1.0-cp311-cp311-macosx_11_0_universal2.whl"),
        _mistagged_wheel,
    ),
    Example(
        "emulated-interpreter",
        "Python 3.11.7 for Intel, installed by uv, on Apple Silicon.",
        ("cpython-3.11-macos-aarch64",),
        _emulated,
    ),
    Example(
        "single-slice-packages",
        "A universal2 Python on Apple Silicon with numpy 2.0.2 for arm64 and markupsafe 2.1.5 for both.",
        ("arm64",),
        _single_slice,
    ),
    Example(
        "wrong-conda-subdir",
        "A Miniconda for Intel (osx-64) with Python 3.11.7 and libffi 3.4.4; target macOS 14.0 arm64.",
        ("osx-arm64",),
        _conda_subdir,
    ),
    Example(
        "conflicting-distributions",
        "tensorflow 2.16.2, which requires numpy below 2, beside numpy 2.1.3.",
        ("numpy",),
        _conflicting,
    ),
    Example(
        "mixed-installers",
        "conda's pytorch 2.2.0, and torch 2.3.0 installed over it by pip.",
        ("pip uninstall", " torch ", "pytorch"),
        _mixed_installers,
    ),
    Example(
        "duplicate-distribution",
        "The metadata of numpy 1.26.4 left beside numpy 2.0.2.",
        ("numpy==2.0.2",),
        _duplicate_distribution,
    ),
    Example(
        "unseen-folder",
        "A folder 201 levels below site-packages, beside numpy.",
        ("--archcheck-path",),
        _unseen,
    ),
    Example(
        "duplicate-runtime",
        "scikit-learn 1.5.2 and torch 2.4.0, each with a libomp of its own.",
        ("scikit-learn", "torch"),
        _duplicate_runtime,
    ),
    Example(
        "no-wheel-for-target",
        "A uv.lock with tensorflow-metal 1.2.0, judged for Python 3.13 on macOS 14.0 arm64.",
        ("tensorflow-metal", "3.12", "macosx arm64"),
        _no_wheel,
    ),
    Example(
        "lock-excludes-target",
        "A uv.lock that requires Python 3.11 or newer, judged for Python 3.10 on macOS 14.0 arm64.",
        ("requires-python", "--archcheck-python"),
        _lock_excludes,
    ),
    Example(
        "source-only",
        "A uv.lock with lxml 5.3.0, of which it holds a source distribution and a wheel for Linux; target macOS 14.0 arm64.",
        ("lxml", "Python 3.12", "macosx arm64"),
        _source_only,
    ),
)
