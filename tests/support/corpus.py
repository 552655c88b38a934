"""Builds trees of real wheels for other machines, once, in a cache outside the checkout.

A tree is complete or absent: it is built under another name and renamed. One process builds at a time (a lock that the system
drops when its holder dies), the others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from support.tools import find_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PINS = Path(__file__).parent.parent / "corpus"
#: uv's platform names by the wheel tag's system and architecture.
UV_PLATFORMS = {
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "linux-x86_64": "x86_64-manylinux_2_28",
}
_TIMEOUT = 1200  # seconds for a gigabyte of wheels on a slow line
#: Where a user's caches lie; asked here once, because a pytester test has a home folder of its own.
_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def cache_folder() -> Path:
    """``$ARCHCHECK_TEST_CACHE``, else below the user's cache folder."""
    chosen = os.environ.get("ARCHCHECK_TEST_CACHE")
    if chosen:
        return Path(chosen)
    return _CACHES / "pytest-archcheck"


def read_pins(name: str) -> list[str]:
    """The requirements of ``tests/corpus/<name>.txt``."""
    return [line.strip() for line in (PINS / f"{name}.txt").read_text().splitlines() if line.strip()]


def installed(name: str, pins: Sequence[str], machine: str, *, python: str = "3.11", bytecode: bool = False) -> Path:
    """A site-packages folder with exactly these wheels (no dependencies), for a machine of :data:`UV_PLATFORMS`, macOS 14.

    :param bytecode: compile the Python files, as pip does.
    """
    platform = UV_PLATFORMS[machine]

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
        command += ["--python-platform", platform, "--python-version", python, "--no-deps", "--only-binary", ":all:", *pins]
        _run([*command, "--compile-bytecode"] if bytecode else command, MACOSX_DEPLOYMENT_TARGET="14.0")

    return _cached(name, [platform, python, str(bytecode), *pins], build)


def arm64_tensorflow() -> Path:
    """The environment of the tests and of the benchmark: TensorFlow 2.18 with tensorflow-metal, as pip leaves it."""
    return installed("arm64-tensorflow", read_pins("arm64-tensorflow"), "macos-arm64", bytecode=True)


def wheel(requirement: str, *platforms: str, python: str = "3.11") -> Path:
    """One wheel file, as pip would take it for one of these platform tags: ``wheel("swig==4.1.1", "macosx_11_0_arm64")``."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--dest", str(folder), "--python-version", python, "--implementation", "cp"]
        command += [word for platform in platforms for word in ("--platform", platform)]
        _run([*command, requirement])

    folder = _cached(requirement.replace("==", "-"), [python, *platforms, requirement], build)
    (file,) = folder.glob("*.whl")
    return file


def npm_package(pinned: str) -> Path:
    """The folder of one package from npm, without what it depends on: ``npm_package("axe-core@4.10.3")``."""

    def build(folder: Path) -> None:
        _run([find_tool("npm"), "pack", "--silent", "--pack-destination", str(folder), pinned])
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as packed:
            if hasattr(tarfile, "data_filter"):
                packed.extractall(folder, filter="data")
            else:
                packed.extractall(folder)  # noqa: S202 - a pinned package, on a Python without filters

    return _cached(pinned.replace("/", "-"), [pinned], build) / "package"


def merged(name: str, base: Path, over: Path) -> Path:
    """``base`` with the projects of ``over`` in place of its own: hard links of both trees."""

    def build(folder: Path) -> None:
        replaced = {_project(entry) for entry in over.iterdir()} - {"bin", "share"}
        for source in (over, base):
            for entry in source.iterdir():
                if source is over or _project(entry) not in replaced:
                    _link_all(entry, folder / entry.name)

    return _cached(name, [str(base), str(over)], build)


def _project(entry: Path) -> str:
    """``numpy`` for ``numpy`` and ``numpy-2.0.2.dist-info``."""
    return entry.name.partition("-")[0]


def _link_all(source: Path, target: Path) -> None:
    """Make ``target`` a copy by hard links; what is there already stays."""
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
        for entry in source.iterdir():
            _link_all(entry, target / entry.name)
    elif not target.exists():
        os.link(source, target, follow_symlinks=False)


def _run(command: Sequence[str], **environment: str) -> None:
    full = os.environ | environment
    result = subprocess.run(command, env=full, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    assert result.returncode == 0, f"{command}:\n{result.stderr or result.stdout}"


def _cached(name: str, key: Sequence[str], build: Callable[[Path], None]) -> Path:
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    final = cache / f"{name}-{digest}"
    if final.is_dir():
        return final
    with _locked(cache / f"{name}-{digest}.lock"):
        if not final.is_dir():
            partial = cache / f"{name}-{digest}.partial"
            shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
            partial.mkdir()
            build(partial)
            partial.rename(final)
    return final


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl  # noqa: PLC0415 - POSIX only: on Windows this module can be imported, and no tree is built

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def package_index() -> str:
    """The package index that pip uses here: Poetry by itself asks another interface of the public one."""
    if "PIP_INDEX_URL" in os.environ:
        return os.environ["PIP_INDEX_URL"]
    default = ["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]
    for asked in (["-m", "pip", "config", "get", "global.index-url"], default):
        said = subprocess.run([sys.executable, *asked], capture_output=True, text=True, check=False, timeout=60).stdout.strip()
        if said:
            return said
    raise AssertionError("pip names no index")
