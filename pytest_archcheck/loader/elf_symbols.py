"""Symbols and symbol versions that loading an extension module would not find.

Python loads extension modules with RTLD_NOW: every symbol is looked up at once, in the interpreter and its libraries first,
then in the module and everything that it needs (breadth first). Names are compared here; of versions it is asked whether the
library defines them at all, as glibc does before it looks up anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.loader.elf_loading import is_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.loader.elf_images import Image
    from pytest_archcheck.loader.elf_links import ElfLinks
    from pytest_archcheck.loader.elf_loading import LoadedModule
    from pytest_archcheck.loader.elf_process import Closure
    from pytest_archcheck.loader.optional import PythonSources


@dataclass(frozen=True, slots=True)
class MissingSymbols:
    """What one file wants and nothing in its process has."""

    #: The file that wants them, one of the environment.
    binary: Binary
    #: Symbol names, sorted; or versions (``GLIBCXX_3.4.32``) where ``provider`` is set.
    names: tuple[str, ...]
    #: The library that has to define the versions.
    provider: str | None
    #: Extension modules that cannot be imported because of it, sorted.
    importers: tuple[Binary, ...]
    #: An image of the environment that exports the first of them, and may make it visible to all (RTLD_GLOBAL).
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class SymbolCheck:
    """The answer for one environment."""

    missing: tuple[MissingSymbols, ...]
    #: Extension modules whose symbols were all looked up.
    checked: int
    #: Extension modules that could not be checked, with the reason.
    unchecked: tuple[tuple[Binary, str], ...]


def check_symbols(links: ElfLinks, sources: PythonSources) -> SymbolCheck:
    """Look up every symbol of every extension module and of the environment's libraries that it loads.

    Modules with a link that does not resolve are left to that finding, and those with a library that could not be looked at
    (another target's system) are unchecked.

    So are modules that are left once a limit on the work is reached: what is checked does not depend on the machine's speed.
    """
    return _Checker(links, sources).run()


#: Modules whose names are looked up in the interpreter together: so many lists of names are held at a time.
_TOGETHER = 64


class _Checker:
    def __init__(self, links: ElfLinks, sources: PythonSources) -> None:
        self.links = links
        #: See :data:`limits.ELF_LOOK_UPS`.
        self.work = 0
        self.base = links.base.images if links.base else ()
        self.sources = sources
        self.tables: dict[str, SymbolTable] = {}
        #: All that the interpreter and its libraries export, once that was asked; None where one exports too much to list.
        self.base_names: frozenset[bytes] | None = frozenset()
        self.base_asked = False
        #: Names found in the interpreter's closure, and names looked for there in vain.
        self.known: set[bytes] = set()
        self.absent: set[bytes] = set()
        #: Where a name was found last: the modules of one package want the same names of the same libraries.
        self.exporter: dict[bytes, str] = {}
        self.versions: dict[str, frozenset[str]] = {}
        #: (path of the provider, version) that an image does not get, by the image's path.
        self.no_version: dict[str, tuple[tuple[str, str], ...]] = {}
        #: Names that an image wants, by path, from when the interpreter is asked until the image's turn comes.
        self.wanted: dict[str, frozenset[bytes]] = {}
        #: What an image's own closure does not have, by path.
        self.left: dict[str, frozenset[bytes]] = {}
        self.lost: dict[tuple[str, str | None], tuple[Binary, set[str], list[Binary]]] = {}
        self.unchecked: list[tuple[Binary, str]] = []

    def run(self) -> SymbolCheck:
        checked = 0
        whole = [module for module in self.links.modules if not module.closure.broken]
        for number, module in enumerate(whole):
            if number % _TOGETHER == 0:
                self._ask_base(whole[number : number + _TOGETHER])
            reason = self._obstacle(module.closure)
            if reason is None:
                try:
                    self._check(module)
                except (ElfInvalid, OSError) as error:
                    reason = str(error)
            if reason is None:
                checked += 1
            elif module.image.binary:
                self.unchecked.append((module.image.binary, reason))
        missing = [self._described(provider, *lost) for (_, provider), lost in self.lost.items()]
        missing.extend(self._lost_by_libraries())
        return SymbolCheck(tuple(entry for entry in missing if entry), checked, tuple(self.unchecked))

    def _obstacle(self, closure: Closure) -> str | None:
        if self.links.base is None:
            return "the interpreter is not known"
        if self.work > limits.ELF_LOOK_UPS:
            return "there are too many symbols to look up"
        for part in (self.links.base, closure):
            if not part.complete:
                name = next(link.name for link in part.links if link.status != "found")
                return f"{name} was not looked at"
        return None

    def _check(self, module: LoadedModule) -> None:
        closure = module.closure
        if not self.links.musl:  # musl knows no versions
            for image in closure.images:
                if image.binary and image.piece.required_versions:
                    for provider, version in self._versions_left(image, closure):
                        self._lose(image.binary, provider, {version}, module)
        for image in closure.images:
            if image.binary is None:  # the system's own library: its packages see to that
                continue
            left = self._left(image, closure)
            if left and image is not closure.images[0]:
                left = left - self._defined(left, closure.images)
            if left:
                self._lose(image.binary, None, {name.decode(errors="surrogateescape") for name in left}, module)

    def _ask_base(self, modules: Iterable[LoadedModule]) -> None:
        """Ask the interpreter for the names of many modules at once: nearly all of them want the same."""
        fresh: set[bytes] = set()
        for module in modules:
            if self._obstacle(module.closure):  # its names are asked for in vain: on another machine that is most modules
                continue
            for image in module.closure.images:
                if image.binary and image.path not in self.left and image.path not in self.wanted:
                    try:
                        wanted = self._wanted(image)
                    except (ElfInvalid, OSError):  # said where the module is checked
                        continue
                    self.wanted[image.path] = wanted
                    fresh |= wanted
        fresh -= self.known
        fresh -= self.absent
        try:
            in_base = self._in_base(fresh)
        except (ElfInvalid, OSError):
            return
        self.known |= in_base
        if len(self.absent) > limits.REMEMBERED_EXPORTERS:
            self.absent.clear()
        self.absent |= fresh - in_base

    def _in_base(self, names: Iterable[bytes]) -> set[bytes]:
        """Those of the names that the interpreter or one of its libraries exports: of these every module asks for hundreds."""
        if not self.base_asked:
            self.base_asked = True
            self.base_names = self._exports_of_base()
        return set(self.base_names.intersection(names)) if self.base_names is not None else self._defined(names, self.base)

    def _exports_of_base(self) -> frozenset[bytes] | None:
        found: set[bytes] = set()
        for image in self.base:
            table = self._table(image.path)
            here = table.exports()
            self.work += table.work
            if here is None:
                return None
            found |= here
        return frozenset(found)

    def _table(self, path: str) -> SymbolTable:
        table = self.tables.get(path)
        if table is None:
            table = self.tables[path] = SymbolTable(path)
        return table

    def _wanted(self, image: Image) -> frozenset[bytes]:
        table = self._table(image.path)
        wanted = table.wanted()
        self.work += table.work + len(wanted)
        return wanted

    def _left(self, image: Image, closure: Closure) -> frozenset[bytes]:
        """Names that neither the interpreter nor the image's own libraries have."""
        left = self.left.get(image.path)
        if left is None:
            wanted = self.wanted.pop(image.path, None)
            wanted = (self._wanted(image) if wanted is None else wanted) - self.known
            fresh = wanted - self.absent
            in_base = self._in_base(fresh)
            self.known |= in_base
            self.absent |= fresh - in_base
            rest = wanted - in_base
            left = self.left[image.path] = frozenset(rest - self._defined(rest, self._below(image, closure)))
        return left

    @staticmethod
    def _below(image: Image, closure: Closure) -> tuple[Image, ...]:
        """The image and what it needs, out of a closure that holds it."""
        if image is closure.images[0]:
            return closure.images
        below = {image.path: image}
        queue = [image]
        while queue:
            user = queue.pop()
            for link in closure.links:
                if link.user is user and link.image and link.image.path not in below:
                    below[link.image.path] = link.image
                    queue.append(link.image)
        return tuple(below.values())

    def _defined(self, names: Iterable[bytes], images: tuple[Image, ...]) -> set[bytes]:
        """Those of the names that one of the images exports."""
        paths = {image.path for image in images}
        left = set(names)
        found = {name for name in left if self.exporter.get(name) in paths}
        left -= found
        for image in images:
            if not left:
                break
            table = self._table(image.path)
            here = table.defines(left)
            self.work += table.work + len(left)
            found |= here
            left -= here
            if len(self.exporter) < limits.REMEMBERED_EXPORTERS:
                self.exporter.update(dict.fromkeys(here, image.path))
        return found

    def _versions_left(self, image: Image, closure: Closure) -> tuple[tuple[str, str], ...]:
        if image.path not in self.no_version:
            linked = {link.name: link.image for link in closure.links if link.user is image}
            left = []
            for library, version in image.piece.required_versions:
                provider = linked.get(library) or self._loaded_as(library, closure)
                if provider is None:
                    continue
                if provider.path not in self.versions:
                    self.versions[provider.path] = self._table(provider.path).versions()
                defined = self.versions[provider.path]
                if defined and version not in defined:
                    left.append((provider.path, version))
            self.no_version[image.path] = tuple(left)
        return self.no_version[image.path]

    def _loaded_as(self, library: str, closure: Closure) -> Image | None:
        everything = (*self.base, *closure.images)
        return next((other for other in everything if library in {other.soname, os.path.basename(other.path)}), None)

    def _lose(self, binary: Binary, provider: str | None, names: set[str], module: LoadedModule) -> None:
        if not is_module(module.image):
            return  # a plugin finds its symbols in the program that it is for
        _, lost, importers = self.lost.setdefault((binary.file, provider), (binary, set(), []))
        lost |= names
        if module.image.binary:
            importers.append(module.image.binary)

    def _described(
        self, provider: str | None, binary: Binary, names: set[str], importers: list[Binary]
    ) -> MissingSymbols | None:
        users = tuple(sorted(set(importers), key=lambda module: module.file))
        if provider is not None:
            return MissingSymbols(binary, tuple(sorted(names)), provider, users)
        encoded = {name.encode(errors="surrogateescape") for name in names}
        try:
            encoded = self._table(binary.file).relocated(encoded)
            if not encoded:
                return None
            elsewhere = self._elsewhere(binary, encoded)
        except (ElfInvalid, OSError) as error:
            self.unchecked.append((binary, str(error)))
            return None
        shown = tuple(sorted(name.decode(errors="surrogateescape") for name in encoded))
        return MissingSymbols(binary, shown, None, users, elsewhere)

    def _lost_by_libraries(self) -> Iterator[MissingSymbols]:
        """Libraries that do not find a symbol of their own; asked only of those beside which a symbol is missing already."""
        losers = {path for path, provider in self.lost if provider is None}
        suspects: dict[str, Image] = {}
        for module in self.links.modules:
            if any(image.binary and image.binary.file in losers for image in module.closure.images):
                suspects.update((image.path, image) for image in module.closure.images if image.binary)
        for path, image in suspects.items():
            try:
                names = self._table(path).lost()
            except (ElfInvalid, OSError):  # said already, where it was read before
                continue
            if names and image.binary:
                users = [module.image.binary for module in self.links.modules if image in module.closure.images]
                importers = tuple(sorted((user for user in users if user), key=lambda module: module.file))
                shown = tuple(sorted(name.decode(errors="surrogateescape") for name in names))
                yield MissingSymbols(image.binary, shown, None, importers)

    def _elsewhere(self, binary: Binary, names: set[bytes]) -> str | None:
        """An image that has them all, of a package that knows RTLD_GLOBAL: it may be there first, for everybody to see."""
        for image in self._others(binary):
            if self._table(image.path).defines(names) == names and (
                self.sources.mentions(binary, b"RTLD_GLOBAL")
                or (image.binary and self.sources.mentions(image.binary, b"RTLD_GLOBAL"))
            ):
                return image.path
        return None

    def _others(self, binary: Binary) -> Iterator[Image]:
        return (image for image in self.links.images if image.binary is not binary and image.piece.dynamic)
