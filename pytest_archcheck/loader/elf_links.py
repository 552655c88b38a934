"""What ld.so would make of an environment's ELF files: links that do not resolve, and who needs them.

Every extension module is loaded, on paper, into a fresh process of the environment's interpreter; then the libraries and
plugins that no extension module needs, as ``ctypes`` would load them; then the programs. Facts only: how bad a broken link is
gets decided in :mod:`pytest_archcheck.rules.linking`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.binaries.model import ElfSlice
from pytest_archcheck.binaries.names import (
    is_for_another_build,
    is_for_another_version,
    is_libpython,
    is_test_data,
    module_name,
)
from pytest_archcheck.discover.image_root import real_path
from pytest_archcheck.discover.metadata import requirements
from pytest_archcheck.discover.names import required_names
from pytest_archcheck.discover.text import canonical_name
from pytest_archcheck.loader.elf_images import Images
from pytest_archcheck.loader.elf_process import Closure, Search, expand, folders_of, inherit, load
from pytest_archcheck.loader.ldso import (
    MANYLINUX_LIBRARIES,
    MUSLLINUX_LIBRARIES,
    SystemLibraries,
    is_musl_loader,
    system_libraries,
)
from pytest_archcheck.loader.optional import OPTIONAL_STANDARD_MODULES
from pytest_archcheck.loader.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.loader.elf_images import Image
    from pytest_archcheck.loader.elf_process import Link
    from pytest_archcheck.loader.optional import PythonSources
    from pytest_archcheck.machine.target import Target

#: ``missing``: looked for on the host and not there. ``outside``: not in the environment, and the target cannot be looked at.
#: ``elsewhere``: not where the loader looks, but an image of the environment has that name: it serves once it is loaded.
LinkStatus = Literal["missing", "outside", "elsewhere", "wrong-architecture", "damaged"]

#: A wheel's tag names the machine's architecture, a file's header the family: both run files of the second.
_FILE_ARCHITECTURE = {"armv6l": "armv7l", "armv8l": "armv7l", "i386": "i686", "i586": "i686"}
#: What comes with CUDA, with NCCL and cuTENSOR: ``libcublasLt.so.12``, ``libnvrtc.so.12``.
_CUDA = re.compile(r"lib(?:cu|nv|nccl)[A-Za-z]*\.so")
#: auditwheel renames what it bundles after its contents: ``libgfortran-040039e1.so.5.0.0``. It was in the wheel.
_BUNDLED = re.compile(r"-[0-9a-f]{8}(?:\.[\d.]+)?\.so")


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """One library that one file asks for and would not get."""

    #: The file that asks; a system library is reported with the environment's file that loads it.
    binary: Binary
    #: None for the interpreter's own files and for files of nobody.
    distribution: Distribution | None
    #: Path of the asking file where it lies outside of the environment.
    via: str | None
    name: str
    status: LinkStatus
    #: The file that cannot be used (or the image of that name); what is wrong with it, or its architecture.
    path: str | None
    reason: str | None
    #: Extension modules that cannot be imported because of it, sorted; the asking one is among them.
    importers: tuple[Binary, ...]
    #: Whether something that the environment cannot do without fails: an extension module that its package does not guard
    #: against, a bundled library, the only library of a package, the interpreter.
    required: bool
    #: Whether the library was in the distribution: a tool that repairs wheels gave it its name, or RECORD says so.
    bundled: bool
    #: Folders, from the place where packages lie on, that the library is looked for in: ``pkg.libs``.
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """An extension module (or the interpreter's program) with what it brings into the process."""

    image: Image
    closure: Closure


@dataclass(frozen=True, slots=True)
class ElfLinks:
    """The answer for one environment."""

    broken: tuple[BrokenLink, ...]
    #: The interpreter's own closure: what every extension module finds in the process.
    base: Closure | None
    #: Extension modules of the interpreter's version, in the environment's order.
    modules: tuple[LoadedModule, ...]
    #: Every sound ELF file of the environment that the target can use.
    images: tuple[Image, ...]
    musl: bool
    #: Every DT_NEEDED entry of every file, once; what one process finds counts where another does not.
    all_links: tuple[Link, ...]
    _search: Search
    _chain: tuple[str, ...]

    def tried(self, link: Link) -> Iterator[str]:
        """The paths where the loader would look for a library, in its order."""
        return self._search.tried(link.user, inherit(self._search, link.user, self._chain), link.name)


def link_elf(environment: Environment, target: Target, sources: PythonSources) -> ElfLinks:
    """Resolve every DT_NEEDED entry of every ELF file that the target would use.

    Outside of the environment only the host is looked at, or the image that the environment lies in.
    LD_LIBRARY_PATH counts for the running environment alone.

    :param sources: what the environment's Python files say; asked where a link does not resolve.
    """
    return _Linker(environment, target, sources).run()


class _Linker:
    """The work on one environment."""

    def __init__(self, environment: Environment, target: Target, sources: PythonSources) -> None:
        self.environment = environment
        self.target = target
        self.architecture = _FILE_ARCHITECTURE.get(target.architecture, target.architecture)
        self.owner_of = sources.owner_of
        inside = (environment.path, *{dist.location for dist in environment.distributions})
        #: Whether the system that it is for can be looked at: it is this one, or an image's files.
        self.sees_system = target.is_host or environment.root is not None
        roots = (environment.root,) if environment.root else None if target.is_host else inside
        self.images = Images(environment.binaries, roots, environment.root)
        self.usable = [image for binary in environment.binaries if (image := self._usable(binary)) is not None]
        self.program = self._program()
        loader = self.program.piece.loader if self.program else None
        self.musl = target.libc[0] == "musl" if target.libc else is_musl_loader(loader)
        self.search = self._search(loader)
        self.sources = sources
        self.recorded = Recorded()
        self.sonames: dict[str, Image] = {}
        for image in self.usable:
            for name in (image.soname, os.path.basename(image.path)):
                self.sonames.setdefault(name, image)
        #: Files that surely do not load.
        self.failing: frozenset[str] = frozenset()
        #: Images that some extension module brings into the process without fail.
        self.served: set[str] = set()
        #: Metadata of a distribution -> the projects that it requires.
        self._required: dict[str, frozenset[str]] = {}

    def run(self) -> ElfLinks:
        base = load(self.search, self.program) if self.program else None
        chain = self._chain(base)
        closures: dict[str, Closure] = {}
        modules = []
        for image in self.usable:
            if _role(image) == "extension" and not self._is_foreign(image):
                closures[image.path] = load(self.search, image, base, chain)
                modules.append(LoadedModule(image, closures[image.path]))
        self.served = {image.path for closure in closures.values() if not closure.broken for image in closure.images}
        reached = {image.path for closure in closures.values() for image in closure.images}
        for image in self.usable:
            if image.path not in reached and image is not self.program:
                alone = _role(image) == "executable"
                closures[image.path] = load(self.search, image, None if alone else base, () if alone else chain)
        if base and self.program:
            closures[self.program.path] = base
        every: dict[tuple[str, str], Link] = {}
        for closure in closures.values():
            for link in closure.links:
                known = every.setdefault((link.user.path, link.name), link)
                if known.image is None and link.image is not None:
                    every[link.user.path, link.name] = link
        return ElfLinks(
            broken=tuple(self._broken(closures)),
            base=base,
            modules=tuple(modules),
            images=tuple(self.usable),
            musl=self.musl,
            all_links=tuple(every.values()),
            _search=self.search,
            _chain=chain,
        )

    def _usable(self, binary: Binary) -> Image | None:
        if binary.format != "elf" or binary.role == "object" or binary.problem is not None:
            return None
        piece = binary.slices[0] if binary.slices else None
        if not isinstance(piece, ElfSlice) or piece.platform != "linux" or piece.architecture != self.architecture:
            return None  # wrong-architecture and wrong-platform speak of it
        return self.images.of(binary)

    def _program(self) -> Image | None:
        interpreter = self.environment.interpreter
        if interpreter is None:
            return None
        path = real_path(interpreter.path, self.environment.root)
        found = (image for image in self.usable if real_path(image.path, self.environment.root) == path)
        return next(found, None)

    def _search(self, loader: str | None) -> Search:
        if not self.sees_system:
            return Search(self.images, self.architecture, SystemLibraries(musl=self.musl), self._is_assumed)
        root = self.environment.root
        system = system_libraries(self.architecture, musl=self.musl, loader=loader, root=root)
        active = self.environment.kind == "active"
        given = os.environ.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":") if active else ()
        folders = tuple(folder.rstrip("/") for folder in given if folder.startswith("/"))
        return Search(self.images, self.architecture, system, self._is_assumed, root, folders)

    def _is_assumed(self, name: str) -> bool:
        """Whether a library that was not found is to be taken as present."""
        base = os.path.basename(name)
        libc = base.startswith(("ld-linux", "ld64.so", "ld.so", "libc.so.6", "libc.musl-", "ld-musl-")) or base == "libc.so"
        if libc and (self.musl != ("musl" in base or base == "libc.so")):
            return True  # the other C library: wrong-platform says it, once a file
        # A library from musl's own libc.so under its reserved names (dynlink.c, load_library).
        if self.musl and re.fullmatch(r"lib(c|pthread|rt|m|dl|util|xnet)\..*", base):
            return True
        if self.sees_system:
            return False
        if is_libpython(base) and self.environment.interpreter is None:
            return True
        return libc or base in (MUSLLINUX_LIBRARIES if self.musl else MANYLINUX_LIBRARIES)

    def _chain(self, base: Closure | None) -> tuple[str, ...]:
        """The DT_RPATH folders of what calls dlopen: libpython, then the program."""
        if base is None:
            return ()
        callers = [image for image in base.images[1:] if is_libpython(image.path)] + [base.images[0]]
        folders = (folder for image in callers if not image.piece.runpath or self.musl for folder in self._own(image))
        return tuple(dict.fromkeys(folders))

    def _own(self, image: Image) -> tuple[str, ...]:
        return folders_of(image, self.architecture)

    def _is_foreign(self, image: Image) -> bool:
        """Whether an extension module is for another version or build of Python: this one never imports it."""
        python = self.environment.interpreter
        if python is None or python.version is None:
            return False
        return is_for_another_version(image.path, python.version) or is_for_another_build(image.path, python.abiflags)

    def _broken(self, closures: Mapping[str, Closure]) -> Iterable[BrokenLink]:
        links: dict[tuple[str, str], tuple[Link, list[Image]]] = {}
        if not any(closure.broken for closure in closures.values()):
            return
        found = {(link.user.path, link.name) for closure in closures.values() for link in closure.links if link.image}
        for path, closure in closures.items():
            for link in closure.broken:
                root = closure.images[0] if closure.images[0].path == path else link.user
                if _role(root) == "library" and (link.user.path, link.name) in found:
                    continue  # the library that loads this one has the DT_RPATH that leads there
                links.setdefault((link.user.path, link.name), (link, []))[1].append(root)
        lonely = self._without_modules({user for user, _ in links})
        self.failing = frozenset(
            root.path for link, roots in links.values() if link.name not in self.sonames for root in (link.user, *roots)
        )
        for link, roots in links.values():
            broken = self._describe(link, roots, lonely)
            # An interpreter rests on the libraries of the system that it was built for; which those are, no tag says.
            if broken.status != "outside" or self.owner_of(broken.binary) is not None:
                yield broken

    def _describe(self, link: Link, roots: list[Image], lonely: frozenset[int]) -> BrokenLink:
        asking = link.user.binary or roots[0].binary
        assert asking is not None  # noqa: S101 - every root is a file of the environment
        distribution = self.owner_of(asking)
        places = tuple(dict.fromkeys(self._places(link, asking)))  # each that loads the asker may add the same ones
        bundled = not is_test_data(asking.path) and (
            _BUNDLED.search(link.name) is not None or self.recorded.lost(distribution, link.name, places)
        )
        status, path, reason = self._status(link, bundled=bundled)
        modules = [root.binary for root in roots if root.binary and is_module(root) and not self._is_foreign(root)]
        # What is known comes first: whether a module is optional takes a look through the sources of its package.
        required = (
            bundled
            or any(root is self.program for root in roots)
            or id(distribution) in lonely
            or (not _is_found_at_run_time(link.name, distribution) and any(not self._is_optional(module) for module in modules))
        )
        return BrokenLink(
            binary=asking,
            distribution=distribution,
            via=None if link.user.binary else link.user.path,
            name=link.name,
            status=status,
            path=path,
            reason=reason,
            importers=tuple(sorted(modules, key=lambda module: module.file)),
            required=required,
            bundled=bundled,
            places=places,
        )

    def _places(self, link: Link, asking: Binary) -> Iterable[str]:
        """The folders of the asking file's own search path, relative to where packages lie; those outside are left out."""
        root = os.path.realpath(asking.location) + os.sep
        paths = expand(link.name, link.user, self.architecture) if "/" in link.name else ()
        for folder in (*self._own(link.user), *map(os.path.dirname, paths)):
            place = os.path.normpath(folder)
            if f"{place}/".startswith(root):
                yield place[len(root) :].replace(os.sep, "/")

    def _status(self, link: Link, *, bundled: bool) -> tuple[LinkStatus, str | None, str | None]:
        if link.status == "damaged":
            return "damaged", link.path, link.reason
        elsewhere = self.sonames.get(link.name)
        if elsewhere is not None and elsewhere.binary and self._is_preloaded(elsewhere, link):
            return "elsewhere", elsewhere.binary.file, None
        if link.status == "wrong-architecture":
            return "wrong-architecture", link.path, link.reason
        return ("missing" if self.sees_system or bundled else "outside"), None, None

    def _is_preloaded(self, image: Image, link: Link) -> bool:
        """Whether something is seen to load this image: a module that works, or Python code that names the file.

        torchvision's module needs ``libc10.so``, which ``import torch`` has loaded before. A library that nobody reaches (it
        was renamed, or its folder moved) serves nobody. A bundled one serves its own package only, by its own path.
        """
        if _BUNDLED.search(link.name) or image.binary is None:
            return False
        stem = os.fsencode(os.path.basename(image.path).partition(".so")[0])
        if image.path in self.served or self.sources.mentions(image.binary, stem):
            return True
        owner, asker = self.owner_of(image.binary), link.user.binary
        if owner is None or asker is None or self.owner_of(asker) is owner:
            return False
        # NVIDIA's own packages hold libraries and no code: whoever needs one loads it first.
        is_carrier = (owner.name or "").startswith("nvidia-") or self._is_carrier_for(owner, self.owner_of(asker))
        return is_carrier or self.sources.lists(asker, stem)

    def _is_carrier_for(self, owner: Distribution, asker: Distribution | None) -> bool:
        """Whether a distribution of libraries without modules is required by one that asks for them, and named in its sources.

        eckit requires eckitlib, and has a third one load its ``libeckit.so``: ``findlibs.load("eckit", "eckitlib")``.
        """
        if asker is None or asker.metadata is None or any(binary.role == "extension" for binary in owner.binaries):
            return False
        names = self._required.get(asker.metadata)
        if names is None:
            names = frozenset(map(canonical_name, required_names(requirements(asker.metadata))))
            self._required[asker.metadata] = names
        if owner.name not in names:
            return False
        return any(self.sources.mentions(binary, owner.name.replace("-", "_").encode()) for binary in asker.binaries[:1])

    def _is_optional(self, module: Binary) -> bool:
        if self.owner_of(module) is None:  # the standard library
            return module_name(module).rpartition(".")[2] in OPTIONAL_STANDARD_MODULES
        if any(other.file not in self.failing for other in self.sources.choices_beside(module)):
            return True
        return is_test_data(module.path) or self.sources.guard_import_of(module)

    def _without_modules(self, users: set[str]) -> frozenset[int]:
        """Distributions that have libraries but no extension module, and every one of them fails: nothing of them works.

        LightGBM is one library, loaded by ctypes. One file of many that fails is a plugin for something that is not here. Where
        no Python file comes with them (Intel's ``lib/libur_*.so``), others may load them, who are asked themselves.
        """
        failed = set()
        suspects = {id(self.owner_of(image.binary)) for image in self.usable if image.path in users}
        for dist in self.environment.distributions:
            if id(dist) not in suspects or not dist.name:
                continue
            loaded = [image for image in self.usable if self.owner_of(image.binary) is dist]
            libraries = [image for image in loaded if _role(image) == "library"]
            fail = libraries and len(libraries) == len(loaded) and all(image.path in users for image in libraries)
            if fail and any(self.sources.has_any(image.binary) for image in libraries if image.binary):
                failed.add(id(dist))
        return frozenset(failed)


def _is_found_at_run_time(name: str, distribution: Distribution | None) -> bool:
    """Whether a library of CUDA's is needed by one who requires cuda-pathfinder: that looks for it where it is first used."""
    if distribution is None or distribution.metadata is None or not _CUDA.match(name):
        return False
    return any(line.startswith("cuda-pathfinder") for line in requirements(distribution.metadata))


def is_module(image: Image) -> bool:
    """Whether Python could import the file.

    ``kms_swrast_dri.so`` is a graphics driver and ``open3d_torch_ops.so`` a library for PyTorch: what is named like a module of
    any Python is asked for the function that makes it one.
    """
    if _role(image) != "extension":
        return False
    stem, _, suffix = os.path.basename(image.path).partition(".")
    if suffix != "so" or not stem.isascii():
        return True
    try:
        return bool(SymbolTable(image.path).defines([f"PyInit_{stem}".encode()]))
    except (ElfInvalid, OSError):  # nobody can tell: a file in a wheel, or one without symbols
        return True


def _role(image: Image) -> str:
    return image.binary.role if image.binary else "library"
