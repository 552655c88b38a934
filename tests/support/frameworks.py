"""Real frameworks for tests, each in a folder of its own for PYTHONPATH, and the test device."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_archcheck.accelerators.model import Framework
from support import corpus

#: Writes an adapter file; what it is given replaces functions of a well-behaved one.
MakeFramework = Callable[..., Framework]

PLUGIN_SOURCE = Path(__file__).parent.parent / "accelerators" / "device" / "plugin.c"

#: Pinned; tensorflow-cpu has no wheels but x86_64 ones.
_TENSORFLOW = "tensorflow-cpu==2.21.0" if platform.machine() in ("x86_64", "AMD64") else "tensorflow==2.21.0"
_PINS = {
    "tensorflow": [_TENSORFLOW],
    "torch": ["torch==2.13.0", "numpy==2.2.6"],
    "jax": ["jax==0.6.2", "jaxlib==0.6.2"],
    "mlx": ["mlx[cpu]==0.32.4", "numpy==2.2.6"],
}

_FLAGS = ("-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread")


def require(what: str, *, holds: bool) -> None:
    """Skip where this machine lacks something; fail instead where ``ARCHCHECK_REQUIRE_TOOLS`` is set, as CI does."""
    if holds:
        return
    if os.environ.get("ARCHCHECK_REQUIRE_TOOLS"):
        pytest.fail(f"{what}, and ARCHCHECK_REQUIRE_TOOLS is set")
    pytest.skip(what)


def tree(name: str) -> Path:
    """A ``site-packages`` folder with a framework and all that it requires, for this interpreter; made once."""
    require("TensorFlow has no wheels for this Python", holds=sys.version_info < (3, 14))

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
        corpus._run([*command, "--target", str(folder / "site-packages"), *_PINS[name]])

    return corpus._cached(name, [sys.version, platform.machine(), *_PINS[name]], build) / "site-packages"


def build_plugin(tensorflow: Path, output: Path, *options: str) -> Path:
    """Compile the test device against TensorFlow's headers (half a second); ``options`` are added to the compiler's."""
    require("the test device needs Linux (memfd_create)", holds=sys.platform == "linux")
    headers = tensorflow / "tensorflow" / "include"
    _compile("-isystem", str(headers), str(PLUGIN_SOURCE), "-o", str(output), "-lm", *options)
    return output


def build_library(code: str, output: Path) -> Path:
    """Compile C code to a shared library."""
    source = output.with_suffix(".c")
    source.write_text(code, encoding="utf-8")
    _compile(str(source), "-o", str(output))
    return output


def _compile(*arguments: str) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    require("there is no C compiler", holds=compiler is not None)
    done = subprocess.run([str(compiler), *_FLAGS, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


class Device:
    """The PluggableDevice in ``tests/accelerators/device/plugin.c``, switched on for the children of a test."""

    def __init__(self, library: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.library = library
        self._counter = folder / "counter"
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("TF_PLUGGABLE_DEVICE_LIBRARY_PATH", str(library))
        monkeypatch.setenv("ARCHCHECK_DEVICE_COUNTER", str(self._counter))

    def fail(self, fault: str) -> None:
        self._monkeypatch.setenv("ARCHCHECK_DEVICE_FAULT", fault)

    def load(self, library: Path) -> None:
        self._monkeypatch.setenv("TF_PLUGGABLE_DEVICE_LIBRARY_PATH", str(library))

    @property
    def products(self) -> int:
        """Matmuls that it finished, by its own count."""
        return int.from_bytes(self._counter.read_bytes(), "little") if self._counter.exists() else 0
