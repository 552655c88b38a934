"""What ld.so would make of an environment's ELF files: links that do not resolve, and who needs them.

Facts only: how bad a broken link is gets decided in :mod:`pytest_archcheck.rules.elf_links`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pytest_archcheck.binaries.names import is_test_data, module_name
from pytest_archcheck.loader.elf_loading import Loading, is_module, role_of
from pytest_archcheck.loader.elf_process import expand
from pytest_archcheck.loader.optional import OPTIONAL_STANDARD_MODULES
from pytest_archcheck.loader.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.loader.elf_images import Image
    from pytest_archcheck.loader.elf_loading import LoadedModule
    from pytest_archcheck.loader.elf_process import Closure, Link
    from pytest_archcheck.loader.optional import PythonSources
    from pytest_archcheck.machine.target import Target

#: ``missing``: looked for on the host and not there. ``outside``: not in the environment, and the target cannot be looked at.
#: ``elsewhere``: not where the loader looks, but an image of the environment has that name: it serves once it is loaded.
LinkStatus = Literal["missing", "outside", "elsewhere", "wrong-architecture", "damaged"]

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
class ElfLinks:
    """The answer for one environment."""

    broken: tuple[BrokenLink, ...]
    #: As in :class:`Loading`, as are the next three.
    base: Closure | None
    modules: tuple[LoadedModule, ...]
    images: tuple[Image, ...]
    musl: bool
    _loading: Loading

    def all_links(self) -> Iterable[Link]:
        """Every DT_NEEDED entry of every file, once; what one process finds counts where another does not."""
        every: dict[tuple[str, str], Link] = {}
        for closure in self._loading.closures.values():
            for link in closure.links:
                known = every.setdefault((link.user.path, link.name), link)
                if known.image is None and link.image is not None:
                    every[link.user.path, link.name] = link
        return every.values()

    def tried(self, link: Link) -> Iterator[str]:
        """The paths where the loader would look for a library, in its order."""
        return self._loading.search.tried(link.user, self._loading.chain, link.name)


def link_elf(environment: Environment, target: Target, sources: PythonSources) -> ElfLinks:
    """Resolve every DT_NEEDED entry of every ELF file that the target would use, as :class:`Loading` has it.

    :param sources: what the environment's Python files say; asked where a link does not resolve.
    """
    loading = Loading(environment, target)
    return ElfLinks(
        broken=tuple(_Broken(loading, sources).links()),
        base=loading.base,
        modules=loading.modules,
        images=loading.images,
        musl=loading.musl,
        _loading=loading,
    )


class _Broken:
    """What is said of the links of one environment that do not resolve."""

    def __init__(self, loading: Loading, sources: PythonSources) -> None:
        self._loading = loading
        self._sources = sources
        self._owner_of = sources.owner_of
        self._recorded = Recorded()
        #: Files that surely do not load.
        self._failing: frozenset[str] = frozenset()

    @cached_property
    def _sonames(self) -> dict[str, Image]:
        """The images of the environment by the names that they may be asked for by."""
        found: dict[str, Image] = {}
        for image in self._loading.images:
            for name in (image.soname, os.path.basename(image.path)):
                found.setdefault(name, image)
        return found

    @cached_property
    def _served(self) -> set[str]:
        """Paths of the images that some extension module brings into the process without fail."""
        closures = [module.closure for module in self._loading.modules]
        return {image.path for closure in closures if not closure.broken for image in closure.images}

    def links(self) -> Iterator[BrokenLink]:
        """Describe each of them once, however many processes it is in."""
        closures = self._loading.closures
        links: dict[tuple[str, str], tuple[Link, list[Image]]] = {}
        if not any(closure.broken for closure in closures.values()):
            return
        found = {(link.user.path, link.name) for closure in closures.values() for link in closure.links if link.image}
        for path, closure in closures.items():
            for link in closure.broken:
                root = closure.images[0] if closure.images[0].path == path else link.user
                if role_of(root) == "library" and (link.user.path, link.name) in found:
                    continue  # the library that loads this one has the DT_RPATH that leads there
                links.setdefault((link.user.path, link.name), (link, []))[1].append(root)
        lonely = self._without_modules({user for user, _ in links})
        self._failing = frozenset(
            root.path for link, roots in links.values() if link.name not in self._sonames for root in (link.user, *roots)
        )
        for link, roots in links.values():
            broken = self._describe(link, roots, lonely)
            # An interpreter rests on the libraries of the system that it was built for; which those are, no tag says.
            if broken.status != "outside" or self._owner_of(broken.binary) is not None:
                yield broken

    def _describe(self, link: Link, roots: list[Image], lonely: frozenset[int]) -> BrokenLink:
        asking = link.user.binary or roots[0].binary
        assert asking is not None  # noqa: S101 - every root is a file of the environment
        distribution = self._owner_of(asking)
        places = tuple(dict.fromkeys(self._places(link, asking)))  # each that loads the asker may add the same ones
        bundled = not is_test_data(asking.path) and (
            _BUNDLED.search(link.name) is not None or self._recorded.lost(distribution, link.name, places)
        )
        status, path, reason = self._status(link, bundled=bundled)
        modules = [root.binary for root in roots if root.binary and is_module(root) and not self._loading.is_foreign(root)]
        # What is known comes first: whether a module is optional takes a look through the sources of its package.
        required = (
            bundled
            or any(root is self._loading.program for root in roots)
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
        paths = expand(link.name, link.user, self._loading.architecture) if "/" in link.name else ()
        for folder in (*self._loading.search.folders_of(link.user), *map(os.path.dirname, paths)):
            place = os.path.normpath(folder)
            if f"{place}/".startswith(root):
                yield place[len(root) :].replace(os.sep, "/")

    def _status(self, link: Link, *, bundled: bool) -> tuple[LinkStatus, str | None, str | None]:
        if link.status == "damaged":
            return "damaged", link.path, link.reason
        elsewhere = self._sonames.get(link.name)
        if elsewhere is not None and elsewhere.binary and self._is_preloaded(elsewhere, link):
            return "elsewhere", elsewhere.binary.file, None
        if link.status == "wrong-architecture":
            return "wrong-architecture", link.path, link.reason
        return ("missing" if self._loading.sees_system or bundled else "outside"), None, None

    def _is_preloaded(self, image: Image, link: Link) -> bool:
        """Whether something is seen to load this image: a module that works, or Python code that names the file.

        torchvision's module needs ``libc10.so``, which ``import torch`` has loaded before. A library that nobody reaches (it
        was renamed, or its folder moved) serves nobody. A bundled one serves its own package only, by its own path.
        """
        if _BUNDLED.search(link.name) or image.binary is None:
            return False
        stem = os.fsencode(os.path.basename(image.path).partition(".so")[0])
        if image.path in self._served or self._sources.mentions(image.binary, stem):
            return True
        owner, asker = self._owner_of(image.binary), link.user.binary
        if owner is None or asker is None or self._owner_of(asker) is owner:
            return False
        # NVIDIA's own packages hold libraries and no code: whoever needs one loads it first.
        is_carrier = (owner.name or "").startswith("nvidia-") or self._is_carrier_for(owner, self._owner_of(asker))
        return is_carrier or self._sources.lists(asker, stem)

    def _is_carrier_for(self, owner: Distribution, asker: Distribution | None) -> bool:
        """Whether a distribution of libraries without modules is required by one that asks for them, and named in its sources.

        eckit requires eckitlib, and has a third one load its ``libeckit.so``: ``findlibs.load("eckit", "eckitlib")``.
        """
        if asker is None or any(binary.role == "extension" for binary in owner.binaries):
            return False
        if owner.name is None or owner.name not in asker.requires:
            return False
        return any(self._sources.mentions(binary, owner.name.replace("-", "_").encode()) for binary in asker.binaries[:1])

    def _is_optional(self, module: Binary) -> bool:
        if self._owner_of(module) is None:  # the standard library
            return module_name(module).rpartition(".")[2] in OPTIONAL_STANDARD_MODULES
        if any(other.file not in self._failing for other in self._sources.choices_beside(module)):
            return True
        return is_test_data(module.path) or self._sources.guard_import_of(module)

    def _without_modules(self, users: set[str]) -> frozenset[int]:
        """Distributions that have libraries but no extension module, and every one of them fails: nothing of them works.

        LightGBM is one library, loaded by ctypes. One file of many that fails is a plugin for something that is not here. Where
        no Python file comes with them (Intel's ``lib/libur_*.so``), others may load them, who are asked themselves.
        """
        failed = set()
        suspects = {id(self._owner_of(image.binary)) for image in self._loading.images if image.path in users}
        for dist in self._loading.environment.distributions:
            if id(dist) not in suspects or not dist.name:
                continue
            loaded = [image for image in self._loading.images if self._owner_of(image.binary) is dist]
            libraries = [image for image in loaded if role_of(image) == "library"]
            fail = libraries and len(libraries) == len(loaded) and all(image.path in users for image in libraries)
            if fail and any(self._sources.has_any(image.binary) for image in libraries if image.binary):
                failed.add(id(dist))
                failed.add(id(dist))
        return frozenset(failed)


def _is_found_at_run_time(name: str, distribution: Distribution | None) -> bool:
    """Whether a library of CUDA's is needed by one who requires cuda-pathfinder: that looks for it where it is first used."""
    if distribution is None or not _CUDA.match(name):
        return False
    return "cuda-pathfinder" in (*distribution.requires, *distribution.for_extras)
