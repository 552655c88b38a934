"""One process as the dynamic loader builds it: which file each DT_NEEDED entry resolves to.

glibc: ``elf/dl-load.c`` (``_dl_map_object``), ``ld.so(8)``; musl: ``ldso/dynlink.c`` (``load_library``). A file of another
architecture in a searched folder is passed over, one that is no ELF file ends the search with an error.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_archcheck import limits
from pytest_archcheck.discover.image_root import below
from pytest_archcheck.loader.elf_images import Damaged, Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_archcheck.loader.elf_images import Images
    from pytest_archcheck.loader.ldso import SystemLibraries


Status = Literal["found", "assumed", "missing", "wrong-architecture", "damaged"]


@dataclass(frozen=True, slots=True)
class Link:
    """One DT_NEEDED entry of one image and what came of it."""

    user: Image
    name: str
    status: Status
    #: The image that serves it.
    image: Image | None = None
    #: Where a file lies that could not be used; what is wrong with it, or its architecture.
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """What loading one file brings into the process, in the loader's (breadth-first) order, the file itself first."""

    images: tuple[Image, ...]
    links: tuple[Link, ...]

    @property
    def broken(self) -> tuple[Link, ...]:
        """The links that make the loader give up."""
        return tuple(link for link in self.links if link.status not in {"found", "assumed"})

    @property
    def complete(self) -> bool:
        """Whether every library was really looked at."""
        return all(link.status == "found" for link in self.links)


@dataclass(frozen=True, slots=True)
class Search:
    """How names become files in the processes of one environment."""

    images: Images
    #: By the names that files carry.
    architecture: str
    system: SystemLibraries
    #: Whether a library is to be taken as present without looking: what the target's system brings along.
    assumed: Callable[[str], bool]
    #: The root of the other system that the files lie in.
    root: str | None = None
    #: LD_LIBRARY_PATH.
    library_path: tuple[str, ...] = ()
    _memory: dict[tuple[str, tuple[str, ...], str], Link] = field(default_factory=dict)

    def resolve(self, user: Image, inherited: tuple[str, ...], name: str) -> Link:
        """Look for one name; ``inherited`` are the folders of the DT_RPATH chain, ``user``'s own first."""
        key = (user.path, inherited, name)
        link = self._memory.get(key)
        if link is None:
            link = self._memory[key] = self._search(user, inherited, name)
        return link

    def tried(self, user: Image, inherited: tuple[str, ...], name: str) -> Iterator[str]:
        """Yield the paths where one name would be looked for, in the loader's order."""
        yield from dict.fromkeys(os.path.normpath(path) for path, _ in self._candidates(user, inherited, name))

    def _search(self, user: Image, inherited: tuple[str, ...], name: str) -> Link:
        unusable: Link | None = None
        for path, by_system in self._candidates(user, inherited, name):
            found = self.images.find(path)
            if isinstance(found, Damaged):
                return Link(user, name, "damaged", path=_shown(found), reason=found.reason)
            if found is None:
                continue
            if found.piece.architecture == self.architecture:
                return Link(user, name, "found", found)
            if unusable is None and not by_system:  # a 32-bit folder of the system is no reason: the library is missing
                unusable = Link(user, name, "wrong-architecture", path=_shown(found), reason=found.piece.architecture)
        if self.assumed(name):
            return Link(user, name, "assumed")
        return unusable or Link(user, name, "missing")

    def _candidates(self, user: Image, inherited: tuple[str, ...], name: str) -> Iterator[tuple[str, bool]]:
        """Yield (path, whether the system's own search leads there)."""
        if "/" in name:
            for path in expand(name, user, self.architecture):
                yield below(self.root, path), False
            return
        own = folders_of(user, self.architecture)
        if self.system.musl:
            chain = (*self.library_path, *inherited)
        elif user.piece.runpath:
            chain = (*self.library_path, *own)
        else:
            chain = (*inherited, *self.library_path)
        for folder in chain[: limits.SEARCHED_FOLDERS]:
            yield f"{below(self.root, folder)}/{name}", False
        for path in self.system.candidates(name):
            yield path, True


def _shown(found: Image | Damaged) -> str:
    """The path under which the rest of an inspection knows this file."""
    return found.binary.file if found.binary else found.path


def expand(text: str, user: Image, architecture: str) -> Iterator[str]:
    """Expand ``$ORIGIN``, ``$LIB`` and ``$PLATFORM``; yields absolute paths only.

    What ``$LIB`` and ``$PLATFORM`` stand for differs between builds of glibc, so both usual forms of ``$LIB`` are tried.
    """
    if "$" not in text:
        if text.startswith("/"):
            yield text
        return
    for library_folder in ("lib64", "lib") if "LIB" in text else ("",):
        result = text
        values = {"ORIGIN": os.path.dirname(user.path), "LIB": library_folder, "PLATFORM": architecture}
        for token, value in values.items():
            result = result.replace(f"${{{token}}}", value).replace(f"${token}", value)
        if result.startswith("/") and len(result) <= limits.PATH_LENGTH:
            yield result


def folders_of(user: Image, architecture: str) -> tuple[str, ...]:
    """The folders of an image's own DT_RUNPATH or DT_RPATH."""
    paths = user.piece.rpaths[: limits.SEARCHED_FOLDERS]
    return tuple(folder for path in paths for folder in expand(path.rstrip("/"), user, architecture))


def load(search: Search, root: Image, base: Closure | None = None, chain: tuple[str, ...] = ()) -> Closure:
    """Load a file with everything that it needs.

    :param base: what is in the process before: the interpreter's own closure; None for a program, which starts a process.
    :param chain: the DT_RPATH folders of what loads it (the interpreter's program).
    """
    loaded = {name: image for image in base.images for name in (image.soname, os.path.basename(image.path))} if base else {}
    for link in base.links if base else ():
        if link.image:
            loaded.setdefault(link.name, link.image)
    known = {image.path for image in base.images} if base else set()
    images, links = [root], []
    loaded.setdefault(root.soname, root)
    known.add(root.path)
    queue = deque([(root, inherit(search, root, chain))])
    while queue:
        user, inherited = queue.popleft()
        for library in user.piece.libraries:
            present = loaded.get(library.name)
            link = Link(user, library.name, "found", present) if present else search.resolve(user, inherited, library.name)
            links.append(link)
            image = link.image
            if image is None or image.path in known:
                continue
            loaded[library.name] = image
            loaded.setdefault(image.soname, image)
            known.add(image.path)
            images.append(image)
            if len(images) <= limits.PROCESS_IMAGES:
                queue.append((image, inherit(search, image, inherited)))
    return Closure(tuple(images), tuple(links))


def inherit(search: Search, image: Image, chain: tuple[str, ...]) -> tuple[str, ...]:
    """The folders that an image's needs are searched in by inheritance, its own first."""
    if image.piece.runpath and not search.system.musl:  # glibc: DT_RUNPATH serves its own file only
        return chain
    own = folders_of(image, search.architecture)
    return tuple(dict.fromkeys((*own, *chain)))[: limits.SEARCHED_FOLDERS] if own else chain
