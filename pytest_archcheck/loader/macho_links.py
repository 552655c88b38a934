"""Links of an environment's Mach-O files that dyld would not follow to a library that serves. Facts only; nothing is loaded."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.names import is_for_another_version, is_libpython, is_test_data, module_tag
from pytest_archcheck.loader.macho_search import Link, MachOSearch
from pytest_archcheck.loader.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.binaries.model import Binary, LinkedLibrary, MachOSlice
    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.loader.optional import PythonSources
    from pytest_archcheck.machine.target import Target

#: Libraries of frameworks that a package may have a library of operators for, loaded by those who use both -> the folder of
#: the framework: open3d brings one for TensorFlow and one for PyTorch, and requires neither.
_FRAMEWORK_LIBRARIES = {"libtensorflow": "tensorflow/", "libtorch": "torch/", "libc10": "torch/"}


class BrokenLink(NamedTuple):
    """One linked library that would not be found by path, or that the process could not load."""

    binary: Binary
    library: LinkedLibrary
    #: ``wrong-architecture``: found, but without a slice for the target.
    status: Literal["loaded", "outside", "absent", "wrong-architecture"]
    #: The file that serves or that cannot be loaded, as a reader would look for it.
    path: str | None
    #: Whether the environment cannot do without the file that asks.
    required: bool
    #: The folders that its rpaths led to, as the file names them.
    rpaths: tuple[str, ...] = ()
    #: Whether its own distribution brought a library of that name, which is gone.
    lost: bool = False
    #: Folders, from the place where packages lie on, that the library is looked for in: ``pkg/.dylibs``.
    places: tuple[str, ...] = ()
    #: Further files of its distribution that want the same library.
    others: tuple[Binary, ...] = ()
    #: Of the slice that asks.
    architecture: str = ""


class MachOLinks:
    """What of an environment's links would not hold, for the architectures of a target."""

    def __init__(self, environment: Environment, target: Target, sources: PythonSources) -> None:
        #: Where dyld would look.
        self.search = MachOSearch(environment, target)
        self._python = environment.interpreter.version if environment.interpreter else None
        self._sources = sources
        self._recorded = Recorded()
        #: Files of which a link does not hold; None until it is asked for.
        self._failing: frozenset[int] | None = None

    def broken(self) -> Iterator[BrokenLink]:
        """Links that would not hold, once a file; those of TensorFlow's plugins are judged with their symbols."""
        seen: set[tuple[int, str]] = set()
        for link in self.search.doubtful_links():
            status, path = self._fault(link)
            key = (id(link.binary), link.library.name)
            if status is None or link.binary.role == "plugin" or key in seen:
                continue
            seen.add(key)
            places = tuple(self._places(link.binary, link.piece, link.library.name))
            owner = self._sources.owner_of(link.binary)
            may_be_lost = status in ("absent", "outside") or self._is_copy(link, owner)
            lost = may_be_lost and self._recorded.lost(owner, link.library.name, places)
            if lost and (status == "loaded" or (status == "outside" and link.library.name.startswith("@"))):
                status, path = "absent", None
            # delocate put it there, or it is a module of this Python: nothing else has such names. Test data name them too.
            bundled = (
                bool(places)
                and not is_test_data(link.binary.path)
                and (all(".dylibs/" in f"{place}/" for place in places) or bool(module_tag(link.library.name)))
            )
            required = status == "loaded" or lost or bundled or self._is_required(link.binary, link.library.name)
            rpaths = link.piece.rpaths if link.library.name.startswith("@rpath/") else ()
            asks = link.piece.architecture
            yield BrokenLink(link.binary, link.library, status, path, required, rpaths, lost, places, architecture=asks)

    def _is_copy(self, link: Link, owner: Distribution | None) -> bool:
        """Whether what has the install name is a file of the same distribution by another name, which nobody loads.

        Wheels hold no symbolic links: eccodeslib has ``libaec.0.dylib``, ``libaec.dylib`` and ``libaec.0.1.6.dylib``.
        """
        found = link.resolution
        provider = found.provider if found.status == "loaded" else None
        if provider is None or owner is None or self._sources.owner_of(provider) is not owner:
            return False
        return os.path.basename(provider.path) != os.path.basename(link.library.name)

    def _places(self, binary: Binary, piece: MachOSlice, name: str) -> Iterator[str]:
        """The folders in which a library is looked for, relative to where packages lie; those outside are left out."""
        root = os.path.realpath(binary.location) + os.sep
        names = (f"{rpath}{name[6:]}" for rpath in piece.rpaths) if name.startswith("@rpath/") else (name,)
        for path in self.search.expand(list(names)[: limits.IMAGE_RPATHS], binary):
            folder = os.path.dirname(os.path.normpath(path))
            if f"{folder}/".startswith(root):
                yield folder[len(root) :].replace(os.sep, "/")

    def _fault(self, link: Link) -> tuple[Literal["loaded", "outside", "absent", "wrong-architecture"] | None, str | None]:
        found = link.resolution
        if found.status == "system" or (link.library.kind == "weak" and found.status in ("outside", "absent")):
            return None, None
        if found.status in ("outside", "absent"):
            return found.status, found.path
        if not self.search.serves(found, link.piece.architecture):
            return "wrong-architecture", found.provider.path if found.provider else found.path
        if found.status == "loaded":
            return "loaded", found.provider.path if found.provider else None
        return None, None

    def _is_required(self, binary: Binary, library: str) -> bool:
        """Whether Python would load the file: an extension module, what one links to, or a library that its package names.

        The rest are plugins of the library that looks for them, such as Qt's drivers for databases that few people have, and
        operators for a framework that is not installed.

        :param library: what is not found, by the name that the file has for it.
        """
        is_operators = self._is_of_absent_framework(library)
        is_python = is_libpython(library)
        reached = [binary]
        is_named = has_modules = False
        for image in reached:
            if is_test_data(image.path):
                pass
            elif image.role == "extension":
                has_modules = True
                if not (is_for_another_version(image.path, self._python) or self._is_optional(image)):
                    return True
            elif image.role == "executable":
                if self._is_run(image) and not (is_python and "stub" in os.path.basename(image.path)):
                    return True  # panda3d's deploy-stub is copied beside a libpython, and never run where it lies
            elif not is_operators and self._sources.mentions(image, _stem(image)):
                is_named = True
            if len(reached) < limits.LOADER_CHAIN:
                reached += [user for user in self.search.users_of(image) if user not in reached]
        # torchaudio loads libtorchaudio_sox.so by its name, just before the module that nothing needs.
        return is_named and not has_modules

    def _is_optional(self, module: Binary) -> bool:
        """Whether its package gets by without a module, or has another one that it may take."""
        others = list(self._sources.choices_beside(module))
        if others and self._failing is None:
            faults = ((link.binary, self._fault(link)[0]) for link in self.search.doubtful_links())
            self._failing = frozenset(id(binary) for binary, fault in faults if fault not in (None, "loaded"))
        return any(id(one) not in (self._failing or ()) for one in others) or self._sources.guard_import_of(module)

    def _is_run(self, program: Binary) -> bool:
        """Whether people type a program's name, or its package does; some are started by a wrapper that brings libraries."""
        return self._sources.is_command(program) or self._sources.mentions(program, _stem(program))

    def _is_of_absent_framework(self, library: str) -> bool:
        stem = re.match(r"[a-z]+\d*", os.path.basename(library))
        folder = _FRAMEWORK_LIBRARIES.get(stem[0]) if stem else None
        return folder is not None and not any(image.path.startswith(folder) for image, _ in self.search.images)


def _stem(binary: Binary) -> bytes:
    """The name by which code would ask for a library: ``libfoo`` for ``libfoo.1.dylib``."""
    return os.fsencode(os.path.basename(binary.path).partition(".")[0])
