"""One process as the dynamic loader builds it: which file each DT_NEEDED entry resolves to.

glibc: ``elf/dl-load.c`` (``_dl_map_object``), ``ld.so(8)``; musl: ``ldso/dynlink.c`` (``load_library``). A file of another
architecture in a searched folder is passed over, one that is no ELF file ends the search with an error.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.discover.image_root import below
from pytest_archcheck.loader.elf_images import Damaged, Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_archcheck.loader.elf_images import Images
    from pytest_archcheck.loader.ldso import SystemLibraries


Status = Literal["found", "assumed", "missing", "wrong-architecture", "damaged"]


class Link(NamedTuple):
    """One DT_NEEDED entry of one image and what came of it."""

    user: Image
    name: str
    status: Status
    #: The image that serves it.
    image: Image | None = None
    #: Where a file lies that could not be used; what is wrong with it, or its architecture.
    path: str | None = None
    reason: str | None = None


#: What a search comes to: the fields of a :class:`Link` from its status on.
_Found = tuple[Status, Image | None, str | None, str | None]


class Needs(NamedTuple):
    """What one file asks for, and the folders that what it loads inherits."""

    #: One for each DT_NEEDED entry, as it comes out where nothing else was loaded before.
    links: list[Link]
    inherited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """What loading one file brings into the process, in the loader's (breadth-first) order, the file itself first."""

    images: tuple[Image, ...]
    links: tuple[Link, ...]

    #: The links that make the loader give up.
    broken: tuple[Link, ...] = ()

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
    #: What is in a process before anything is loaded, by the names that it serves: the interpreter and its libraries.
    held: Mapping[str, Image] = field(default_factory=dict)
    #: The same for all files of a folder that say the same: (folder, what they say) -> folders.
    _own: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = field(default_factory=dict)
    #: The same for all who look through the same folders: (folders, name) -> what is found.
    _found: dict[tuple[tuple[str, ...], str], _Found] = field(default_factory=dict)
    #: (path of an image, folders of those that load it) -> see :meth:`needs`.
    _needs: dict[tuple[str, tuple[str, ...]], Needs] = field(default_factory=dict, init=False)

    def within(self, base: Closure) -> Search:
        """The same in a process that holds all that was loaded with an interpreter."""
        held = {name: image for image in base.images for name in (image.soname, os.path.basename(image.path))}
        for link in base.links:
            if link.image:
                held.setdefault(link.name, link.image)
        return replace(self, held=held)

    def needs(self, user: Image, chain: tuple[str, ...]) -> Needs:
        """What one file asks for; asked once for each file, however many processes load it.

        :param chain: the folders of the DT_RPATH chain, its own left out.
        """
        key = user.path, chain
        known = self._needs.get(key)
        if known is None:
            inherited = self.inherit(user, chain)
            folders = self._folders(user, inherited)
            links = [self._link(user, folders, name) for name, _ in user.piece.libraries]
            known = self._needs[key] = Needs(links, inherited)
        return known

    def _link(self, user: Image, folders: tuple[str, ...], name: str) -> Link:
        if name in self.held:
            return Link(user, name, "found", self.held[name])
        found = None if "/" in name else self._found.get((folders, name))
        if found is None:
            found = self._search(self._candidates(user, folders, name), name)
            if "/" not in name:
                self._found[folders, name] = found
        return Link(user, name, *found)

    def inherit(self, image: Image, chain: tuple[str, ...]) -> tuple[str, ...]:
        """The folders that an image's needs are searched in by inheritance, its own first."""
        if image.piece.runpath and not self.system.musl:  # glibc: DT_RUNPATH serves its own file only
            return chain
        own = self.folders_of(image)
        return tuple(dict.fromkeys((*own, *chain)))[: limits.SEARCHED_FOLDERS] if own else chain

    def folders_of(self, user: Image) -> tuple[str, ...]:
        """The folders of an image's own DT_RUNPATH or DT_RPATH."""
        paths = user.piece.rpaths[: limits.SEARCHED_FOLDERS]
        if not paths:
            return ()
        key = user.path.rpartition("/")[0], paths
        if key not in self._own:
            self._own[key] = tuple(folder for path in paths for folder in expand(path.rstrip("/"), user, self.architecture))
        return self._own[key]

    def tried(self, user: Image, chain: tuple[str, ...], name: str) -> Iterator[str]:
        """Yield the paths where one name would be looked for, in the loader's order."""
        candidates = self._candidates(user, self._folders(user, self.inherit(user, chain)), name)
        yield from dict.fromkeys(os.path.normpath(path) for path, _ in candidates)

    def _search(self, candidates: Iterable[tuple[str, bool]], name: str) -> _Found:
        unusable: _Found | None = None
        for path, by_system in candidates:
            found = self.images.find(path)
            if isinstance(found, Damaged):
                return "damaged", None, _shown(found), found.reason
            if found is None:
                continue
            if found.piece.architecture == self.architecture:
                return "found", found, None, None
            if unusable is None and not by_system:  # a 32-bit folder of the system is no reason: the library is missing
                unusable = "wrong-architecture", None, _shown(found), found.piece.architecture
        if self.assumed(name):
            return "assumed", None, None, None
        return unusable or ("missing", None, None, None)

    def _folders(self, user: Image, inherited: tuple[str, ...]) -> tuple[str, ...]:
        """The folders that come before the system's own."""
        if self.system.musl:
            folders = (*self.library_path, *inherited)
        elif user.piece.runpath:
            folders = (*self.library_path, *self.folders_of(user))
        else:
            folders = (*inherited, *self.library_path)
        return folders[: limits.SEARCHED_FOLDERS]

    def _candidates(self, user: Image, folders: tuple[str, ...], name: str) -> Iterator[tuple[str, bool]]:
        """Yield (path, whether the system's own search leads there)."""
        if "/" in name:
            for path in expand(name, user, self.architecture):
                yield below(self.root, path), False
            return
        for folder in folders:
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


def load(search: Search, root: Image, chain: tuple[str, ...] = ()) -> Closure:
    """Load a file with everything that it needs.

    :param search: :meth:`Search.within` an interpreter, but for a program, which starts a process.
    :param chain: the DT_RPATH folders of what loads it (the interpreter's program).
    """
    loaded = dict(search.held)
    known = {image.path for image in loaded.values()}
    images, links, broken = [root], [], []
    loaded.setdefault(root.soname, root)
    known.add(root.path)
    queue = deque([(root, chain)])
    while queue:
        user, inherited = queue.popleft()
        needs = search.needs(user, inherited)
        for found in needs.links:
            present = loaded.get(found.name)
            # What has the name already serves, wherever the search would lead.
            link = found if present is None or present is found.image else Link(user, found.name, "found", present)
            links.append(link)
            image = link.image
            if image is None:
                if link.status != "assumed":
                    broken.append(link)
                continue
            if image.path in known:
                continue
            loaded[link.name] = image
            loaded.setdefault(image.soname, image)
            known.add(image.path)
            images.append(image)
            if len(images) <= limits.PROCESS_IMAGES:
                queue.append((image, needs.inherited))
    return Closure(tuple(images), tuple(links), tuple(broken))
