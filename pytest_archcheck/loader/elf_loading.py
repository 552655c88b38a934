"""Every ELF file of an environment as the dynamic loader loads it: each in a fresh process, on paper.

Extension modules first, into the environment's interpreter; then the libraries and plugins that no extension module needs, as
``ctypes`` would load them; then the programs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.binaries.model import ElfSlice
from pytest_archcheck.binaries.names import is_for_another_build, is_for_another_version, is_libpython
from pytest_archcheck.discover.image_root import real_path
from pytest_archcheck.loader.elf_images import Images
from pytest_archcheck.loader.elf_process import Search, load
from pytest_archcheck.loader.ldso import (
    MANYLINUX_LIBRARIES,
    MUSLLINUX_LIBRARIES,
    SystemLibraries,
    is_musl_loader,
    system_libraries,
)

if TYPE_CHECKING:
    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.loader.elf_images import Image
    from pytest_archcheck.loader.elf_process import Closure
    from pytest_archcheck.machine.target import Target

#: A wheel's tag names the machine's architecture, a file's header the family: both run files of the second.
_FILE_ARCHITECTURE = {"armv6l": "armv7l", "armv8l": "armv7l", "i386": "i686", "i586": "i686"}


class LoadedModule(NamedTuple):
    """An extension module (or the interpreter's program) with what it brings into the process."""

    image: Image
    closure: Closure


class Loading:
    """What comes of loading each file.

    Outside of the environment only the host is looked at, or the image that the environment lies in. LD_LIBRARY_PATH counts for
    the running environment alone.
    """

    def __init__(self, environment: Environment, target: Target) -> None:
        self.environment = environment
        self.architecture = _FILE_ARCHITECTURE.get(target.architecture, target.architecture)
        inside = tuple({environment.path, *(dist.location for dist in environment.distributions)})
        #: Whether the system that it is for can be looked at: it is this one, or an image's files.
        self.sees_system = target.is_host or environment.root is not None
        roots = (environment.root,) if environment.root else None if target.is_host else inside
        self._files = Images(environment.binaries, roots, environment.root)
        #: Every sound ELF file of the environment that the target can use.
        self.images = tuple(image for binary in environment.binaries if (image := self._usable(binary)) is not None)
        self.program = self._program()
        loader = self.program.piece.loader if self.program else None
        self.musl = target.libc[0] == "musl" if target.libc else is_musl_loader(loader)
        alone = self._search(loader)
        #: The interpreter's own closure: what every extension module finds in the process.
        self.base = load(alone, self.program) if self.program else None
        #: How extension modules and libraries find theirs; programs start a process of their own.
        self.search = alone.within(self.base) if self.base else alone
        #: The DT_RPATH folders of what calls dlopen.
        self.chain = self._chain(self.base)
        #: Extension modules of the interpreter's version, in the environment's order.
        self.modules = tuple(
            LoadedModule(image, load(self.search, image, self.chain))
            for image in self.images
            if role_of(image) == "extension" and not self.is_foreign(image)
        )
        #: Path of each file that was loaded by itself -> its closure.
        self.closures = {module.image.path: module.closure for module in self.modules}
        self._load_the_rest(alone)

    def _load_the_rest(self, alone: Search) -> None:
        """Load what no extension module has brought along."""
        reached = {image.path for closure in self.closures.values() for image in closure.images}
        for image in self.images:
            if image.path not in reached and image is not self.program:
                is_program = role_of(image) == "executable"
                self.closures[image.path] = load(alone, image) if is_program else load(self.search, image, self.chain)
        if self.base and self.program:
            self.closures[self.program.path] = self.base

    def _usable(self, binary: Binary) -> Image | None:
        if binary.format != "elf" or binary.role == "object" or binary.problem is not None:
            return None
        piece = binary.slices[0] if binary.slices else None
        if not isinstance(piece, ElfSlice) or piece.platform != "linux" or piece.architecture != self.architecture:
            return None  # wrong-architecture and wrong-platform speak of it
        return self._files.of(binary)

    def _program(self) -> Image | None:
        interpreter = self.environment.interpreter
        if interpreter is None:
            return None
        path = real_path(interpreter.path, self.environment.root)
        found = (image for image in self.images if real_path(image.path, self.environment.root) == path)
        return next(found, None)

    def _search(self, loader: str | None) -> Search:
        assumed = _Assumed(self.musl, self.sees_system, knows_python=self.environment.interpreter is not None)
        if not self.sees_system:
            return Search(self._files, self.architecture, SystemLibraries(musl=self.musl), assumed)
        root = self.environment.root
        system = system_libraries(self.architecture, musl=self.musl, loader=loader, root=root)
        active = self.environment.kind == "active"
        given = os.environ.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":") if active else ()
        folders = tuple(folder.rstrip("/") for folder in given if folder.startswith("/"))
        return Search(self._files, self.architecture, system, assumed, root, folders)

    def _chain(self, base: Closure | None) -> tuple[str, ...]:
        """The DT_RPATH folders of what calls dlopen: libpython, then the program."""
        if base is None:
            return ()
        callers = [image for image in base.images[1:] if is_libpython(image.path)] + [base.images[0]]
        rpaths = [image for image in callers if not image.piece.runpath or self.musl]
        return tuple(dict.fromkeys(folder for image in rpaths for folder in self.search.folders_of(image)))

    def is_foreign(self, image: Image) -> bool:
        """Whether an extension module is for another version or build of Python: this one never imports it."""
        python = self.environment.interpreter
        if python is None or python.version is None:
            return False
        return is_for_another_version(image.path, python.version) or is_for_another_build(image.path, python.abiflags)


@dataclass(frozen=True, slots=True)
class _Assumed:
    """Which libraries that were not found are to be taken as present."""

    musl: bool
    sees_system: bool
    knows_python: bool

    def __call__(self, name: str) -> bool:
        base = os.path.basename(name)
        libc = base.startswith(("ld-linux", "ld64.so", "ld.so", "libc.so.6", "libc.musl-", "ld-musl-")) or base == "libc.so"
        if libc and (self.musl != ("musl" in base or base == "libc.so")):
            return True  # the other C library: wrong-platform says it, once a file
        # A library from musl's own libc.so under its reserved names (dynlink.c, load_library).
        if self.musl and re.fullmatch(r"lib(c|pthread|rt|m|dl|util|xnet)\..*", base):
            return True
        if self.sees_system:
            return False
        if is_libpython(base) and not self.knows_python:
            return True
        return libc or base in (MUSLLINUX_LIBRARIES if self.musl else MANYLINUX_LIBRARIES)


def role_of(image: Image) -> str:
    """What a file is; one outside of the environment is a library."""
    return image.binary.role if image.binary else "library"


def is_module(image: Image) -> bool:
    """Whether Python could import the file.

    ``kms_swrast_dri.so`` is a graphics driver and ``open3d_torch_ops.so`` a library for PyTorch: what is named like a module of
    any Python is asked for the function that makes it one.
    """
    if role_of(image) != "extension":
        return False
    stem, _, suffix = os.path.basename(image.path).partition(".")
    if suffix != "so" or not stem.isascii():
        return True
    try:
        return bool(SymbolTable(image.path).defines([f"PyInit_{stem}".encode()]))
    except (ElfInvalid, OSError):  # nobody can tell: a file in a wheel, or one without symbols
        return True
