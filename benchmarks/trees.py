"""The trees that are measured: real wheels and synthetic files, each a virtual environment made once in the tests' cache."""

from __future__ import annotations

import os
import re
import shutil
import sys
import venv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import timing
from support import corpus, machos, sites

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The Python that the wheels are for.
PYTHON = "3.11"
#: Distributions of the mixed trees that are made for x86_64.
BROKEN = ("h5py", "numpy")


@dataclass(frozen=True, slots=True)
class Tree:
    """A virtual environment whose site-packages folder is what the tools look at.

    Its interpreter is this one: pip and uv take an interpreter, not a folder.
    """

    name: str
    root: Path

    @property
    def site(self) -> Path:
        """The site-packages folder."""
        return self.root / "lib" / f"python{PYTHON}" / "site-packages"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python"


def named(name: str) -> Tree:
    """The tree of that name: one of :data:`NAMED`, or a number of synthetic files."""
    if name in NAMED:
        return NAMED[name]()
    return synthetic(int(name))


def tensorflow() -> Tree:
    """TensorFlow 2.18 with tensorflow-metal, all for arm64, bytecode compiled: nothing is wrong with it."""
    return _linked("tensorflow", corpus.arm64_tensorflow())


def popular() -> Tree:
    """Popular projects of many build systems with what they require, all for arm64."""
    return _linked("popular", _installed("arm64-popular", "macos-arm64", "arm64-popular-requires"))


def dense() -> Tree:
    """204 distributions with 2,500 Mach-O files, Qt, VTK and PyTorch among them."""
    return _linked("dense", _installed("arm64-hundred", "macos-arm64"))


def linux() -> Tree:
    """Popular projects for Linux x86_64."""
    return _linked("linux", _installed("linux-popular", "linux-x86_64"))


def linux_aarch64() -> Tree:
    """A scientific stack for Linux aarch64 with glibc 2.28."""
    return _linked("linux-aarch64", _installed("linux-aarch64", "linux-aarch64", "linux-aarch64-requires"))


def _installed(name: str, machine: str, *more: str) -> Path:
    return corpus.installed(name, [pin for part in (name, *more) for pin in corpus.read_pins(part)], machine)


def mixed() -> Tree:
    """The TensorFlow tree with numpy and h5py from their x86_64 wheels."""
    pins = [pin for pin in corpus.read_pins("arm64-tensorflow") if pin.startswith(tuple(f"{name}==" for name in BROKEN))]
    over = corpus.installed("x86_64-numpy-h5py", pins, "macos-x86_64")
    return _linked("mixed", corpus.merged("mixed-tensorflow", corpus.arm64_tensorflow(), over))


def relabelled() -> Tree:
    """The mixed tree with tags that promise arm64, as a wheel with a wrong tag leaves it: the same compiled files."""

    def relabel(site: Path) -> None:
        for name in BROKEN:
            (wheel,) = site.glob(f"{name}-*.dist-info/WHEEL")
            text = re.sub(r"macosx_\w+_x86_64", "macosx_14_0_arm64", wheel.read_text())
            wheel.unlink()  # a hard link: the tree that it came from keeps its own
            wheel.write_text(text)

    return _linked("relabelled", mixed().site, relabel)


#: Real trees with nothing wrong in them but what they lack, and what they are judged for: what scan and check are measured on.
REAL = {
    "tensorflow": timing.TARGET,
    "popular": timing.TARGET,
    "dense": timing.TARGET,
    "linux": "manylinux_2_28_x86_64",
    "linux-aarch64": "manylinux_2_28_aarch64",
}
#: What can be asked for by name.
NAMED: dict[str, Callable[[], Tree]] = {
    "tensorflow": tensorflow,
    "popular": popular,
    "dense": dense,
    "linux": linux,
    "linux-aarch64": linux_aarch64,
    "mixed": mixed,
    "relabelled": relabelled,
}


def synthetic(count: int) -> Tree:
    """So many small files: of 100 one is compiled and 7 have a suffix that is in no list."""

    def build(folder: Path) -> None:
        sample(_environment(folder), count)

    return Tree(f"{count:,} synthetic files", _cached(f"bench-{count}", [], build))


def sample(site: Path, count: int) -> Path:
    """Fill a site-packages folder as :func:`synthetic` says; return it."""
    compiled = machos.bundle()
    for first in range(0, count, 500):
        name = f"sample{first}"
        folder = f"{name}/part{{}}/"
        contents: dict[str, bytes | str] = {}
        for number in range(min(500, count - first)):
            kind = number % 100
            suffix = ".cpython-311-darwin.so" if kind == 0 else ".dat" if kind < 8 else ".py"
            contents[folder.format(number // 50) + f"file{number}{suffix}"] = compiled if kind == 0 else "x = 1\n"
        sites.add_distribution(site, name, files=contents, tags=["cp311-cp311-macosx_11_0_arm64"])
    return site


def warm(tree: Tree) -> None:
    """Read every byte once, so that no tool pays for the disk."""
    for folder, _, names in os.walk(tree.site):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def _linked(name: str, source: Path, change: Callable[[Path], None] | None = None) -> Tree:
    """A virtual environment with hard links to every file of ``source``."""

    def build(folder: Path) -> None:
        site = _environment(folder)
        shutil.copytree(source, site, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
        if change:
            change(site)

    return Tree(name, _cached(f"bench-{name}", [str(source)], build))


def _environment(folder: Path) -> Path:
    """Make a virtual environment; return its site-packages folder, empty.

    Its path names the Python of the wheels, whichever runs this: they would be broken in any other.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    (own,) = folder.glob("lib/python*/site-packages")
    site = Tree("", folder).site
    if own != site:
        site.parent.mkdir()
        own.rename(site)
        own.symlink_to(os.path.relpath(site, own.parent))
    return site


def _cached(name: str, key: list[str], build: Callable[[Path], None]) -> Path:
    key = [*key, sys.base_prefix, sys.version]
    return corpus._cached(name, key, build)  # noqa: SLF001 - one cache and one lock for tests and benchmarks
