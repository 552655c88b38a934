"""Which file dyld would take for every library that an environment's Mach-O files link to. Facts only; nothing is loaded.

dyld's rules, as far as they decide whether a library is found (dyld's ``Loader.cpp``, ``man dyld``):

- ``/usr/lib`` and ``/System`` live in the shared cache, not on disk: present on every Mac.
- ``@loader_path`` is the folder of the image that asks, ``@executable_path`` that of the program.
- ``@rpath/X`` is first compared with the install names of the images already loaded, then looked for in the LC_RPATHs of the
  image that asks, of those that loaded it, and of the program.
- A weak link may stay unresolved.
"""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.binaries.model import ALSO_LOADS, Binary, MachOSlice
from pytest_archcheck.binaries.names import is_libpython
from pytest_archcheck.binaries.reader import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_archcheck.binaries.model import LinkedLibrary
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.machine.target import Target

#: ``found``: a file of the environment, or of this host. ``system``: the shared cache. ``loaded``: found nowhere by path, but
#: an image of the environment has that install name, so that it serves once it is loaded. ``outside``: a place on the target
#: that nobody can look at from here. ``absent``: nowhere.
LinkStatus = Literal["found", "system", "loaded", "outside", "absent"]

SYSTEM_FOLDERS = ("/usr/lib/", "/System/")
#: Of what every macOS since 11 has in /usr/lib, the libraries that others build and bundle too.
_FALLBACKS = frozenset(
    f"lib{name}.dylib"
    for name in "z.1 bz2.1.0 sqlite3 iconv.2 charset.1 xml2.2 xslt.1 expat.1 curl.4 resolv.9 edit.3 c++.1 c++abi".split()
)
#: Where package managers and installers put libraries on a Mac. An LC_RPATH elsewhere (``/Users/runner/...``) is a leftover of
#: the machine that built the file: it exists on no other.
_INSTALL_FOLDERS = ("/opt/", "/usr/local/", "/Applications/", "/Library/", "/sw/")
_ELSEWHERE = (*SYSTEM_FOLDERS, *_INSTALL_FOLDERS)


class Resolution(NamedTuple):
    """What one linked library resolves to."""

    status: LinkStatus
    #: The environment's file that serves, for ``found`` and ``loaded``; None for a file outside of it.
    provider: Binary | None = None
    #: Where it lies or would have to lie, for ``found`` outside of the environment and for ``outside``.
    path: str | None = None
    #: Of ``loaded``: whether nothing but that file can serve, so that without it the image is not loaded at all.
    alone: bool = False


#: Linked library, as written -> where it is found; None where only others may lead to it.
_Found: TypeAlias = dict[str, "Resolution | None"]


class _Linked(NamedTuple):
    """One image that links to more than the shared cache."""

    binary: Binary
    piece: MachOSlice
    #: The libraries that are not there.
    others: list[LinkedLibrary]
    #: Where these are found by the load commands of the image and of the program; images of one folder with the same rpaths
    #: have this in common, and there are far fewer of such kinds than of images.
    found: _Found


class Link(NamedTuple):
    """One linked library of one slice, and what came of it."""

    binary: Binary
    piece: MachOSlice
    library: LinkedLibrary
    resolution: Resolution


#: What is in the shared cache.
SYSTEM = Resolution("system")
_ABSENT = Resolution("absent")


class MachOSearch:
    """Where dyld would look for what the Mach-O images of one environment link to, for the architectures of a target."""

    def __init__(self, environment: Environment, target: Target) -> None:
        self._is_host = target.is_host
        self._executable = environment.interpreter.path if environment.interpreter else None
        self._is_folder: dict[str, bool] = {}
        self._resolved: dict[tuple[int, str], Resolution] = {}
        #: (folder, whether it is a program, rpaths) of images -> what those of this kind find.
        self._known: dict[tuple[str, bool, tuple[str, ...]], _Found] = {}
        #: Images that the target would use, slice by slice.
        self.images: list[tuple[Binary, MachOSlice]] = []
        #: Those that link to more than the shared cache, and to what.
        self._linked: list[_Linked] = []
        self._serves: dict[tuple[int | str | None, str], bool] = {}
        self._by_path: dict[str, Binary] = {}
        self._by_install_name: dict[str, Binary] = {}
        self._shared_names: set[str] = set()
        self._folders: dict[int, str] = {}
        self._add(environment.binaries, target)
        self._program_rpaths = tuple(self._rpaths_of_program())
        for binary, piece, others, found in self._linked:
            for library in others:
                if library.name not in found:
                    found[library.name] = self._look_alone(binary, piece, library.name)
        #: Image -> those that load it.
        self._loaders: dict[int, list[Binary]] | None = None
        #: Linked library, as written -> who links to it.
        self._by_name: dict[str, list[Binary]] | None = None

    def _add(self, binaries: Iterable[Binary], target: Target) -> None:
        real_path = functools.cache(os.path.realpath)
        folders: dict[str, str] = {}  # each once
        for binary in binaries:
            if binary.format != "mach-o":
                continue
            path = f"{real_path(binary.location)}/{binary.path}"
            if os.sep != "/" or ".." in binary.path:
                path = os.path.normpath(path)
            self._by_path.setdefault(path, binary)  # conda's python owns the interpreter's file, too
            folder = path[: path.rfind(os.sep)]
            self._folders[id(binary)] = folders.setdefault(folder, folder)
            if binary.role == "object" or binary.problem:
                continue
            for piece in binary.slices:
                if not isinstance(piece, MachOSlice) or piece.platform != "macos":
                    continue  # wrong-platform speaks of it
                if piece.architecture in target.architectures:
                    self.images.append((binary, piece))
                    linked = piece.libraries[: limits.IMAGE_LIBRARIES]
                    if others := [library for library in linked if not library.name.startswith(SYSTEM_FOLDERS)]:
                        self._linked.append(_Linked(binary, piece, others, self._found_by(binary, piece)))
                    if piece.install_name and self._by_install_name.setdefault(piece.install_name, binary) is not binary:
                        self._shared_names.add(piece.install_name)

    def _found_by(self, binary: Binary, piece: MachOSlice) -> _Found:
        """What images of one kind find, as far as it was looked for."""
        return self._known.setdefault((self._folders[id(binary)], binary.role == "executable", piece.rpaths), {})

    def images_linked_to_others(self, owner: Callable[[Binary], str | None]) -> Iterator[tuple[Binary, MachOSlice]]:
        """The images that may link to a file of another owner: those of one kind find the same files, mostly of their own."""
        owners: dict[int, set[str | None]] = {}
        for binary, piece, _, found in self._linked:
            if id(found) not in owners:
                owners[id(found)] = {owner(one.provider) if one and one.provider else None for one in found.values()}
            if owners[id(found)] != {owner(binary)}:
                yield binary, piece

    def links(self) -> Iterator[Link]:
        """Every linked library of every image that the target would use."""
        for binary, piece in self.images:
            for library in piece.libraries[: limits.IMAGE_LIBRARIES]:
                yield Link(binary, piece, library, self.resolve(binary, piece, library.name))

    def doubtful_links(self) -> Iterator[Link]:
        """The same without those that surely hold: nearly all. What holds for one image holds for all of its kind."""
        holding: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        for binary, piece, others, found in self._linked:
            known = holding[id(found), piece.architecture]
            for library in others:
                if library.name in known:
                    continue
                alone = found[library.name]
                if alone is not None and (alone is SYSTEM or self._is_sound(alone, piece)):
                    known.add(library.name)
                else:
                    yield Link(binary, piece, library, self.resolve(binary, piece, library.name))

    def _is_sound(self, found: Resolution, piece: MachOSlice) -> bool:
        return found.status == "found" and self.serves(found, piece.architecture)

    def serves(self, found: Resolution, architecture: str) -> bool:
        """Whether the library has a slice of that architecture; damaged files are findings of their own."""
        provider = found.provider
        key = (found.path if provider is None else id(provider), architecture)
        if key not in self._serves:
            if provider is None and found.path:
                provider = read_file(found.path)
            wanted = ALSO_LOADS.get(architecture, (architecture,))
            self._serves[key] = provider is None or bool(provider.problem) or not set(wanted).isdisjoint(provider.architectures)
        return self._serves[key]

    def resolve(self, binary: Binary, piece: MachOSlice, name: str) -> Resolution:
        """Find what dyld would take for one linked library."""
        if name.startswith(SYSTEM_FOLDERS):
            return SYSTEM
        own = self._resolve_alone(binary, piece, name)
        if own is not None:
            return own
        key = (id(piece), name)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve_by_others(binary, piece, name)
        return found

    def _resolve_by_others(self, binary: Binary, piece: MachOSlice, name: str) -> Resolution:
        """By the images that may have loaded it, or that are loaded before it."""
        if name.startswith("@rpath/") and (inherited := self._by_inherited_rpaths(binary, name[7:])):
            return inherited
        if provider := self._by_install_name.get(name):
            rpaths = self._own_rpaths(binary, piece)
            elsewhere = not name.startswith("@rpath/") or any(f"{path}/".startswith(_ELSEWHERE) for path in rpaths)
            return Resolution("loaded", provider, alone=not elsewhere and name not in self._shared_names)
        return self._outside(binary, piece, name)

    def _resolve_alone(self, binary: Binary, piece: MachOSlice, name: str) -> Resolution | None:
        """By the image's own load commands and the program's, without those that may have loaded it."""
        known = self._found_by(binary, piece)
        if name not in known:  # it is one of more than are looked at everywhere
            known[name] = self._look_alone(binary, piece, name)
        return known[name]

    def _look_alone(self, binary: Binary, piece: MachOSlice, name: str) -> Resolution | None:
        if name.startswith("@rpath/"):
            return self._by_rpaths(self._own_rpaths(binary, piece), name[7:]) or self._by_rpaths(self._program_rpaths, name[7:])
        if name.startswith(("@loader_path/", "@executable_path/")):
            return next((found for path in self.expand((name,), binary) if (found := self._at(path))), None)
        return self._at(name) if name.startswith("/") else None

    def expand(self, paths: Iterable[str], binary: Binary) -> Iterator[str]:
        """Replace ``@loader_path`` and ``@executable_path``; paths that need a program nobody knows are left out."""
        folder = self._folders[id(binary)]
        for path in paths:
            if path.startswith("@loader_path"):
                yield folder + path[12:]
            elif path.startswith("@executable_path"):
                program = folder if binary.role == "executable" else self._executable and os.path.dirname(self._executable)
                if program:
                    yield program + path[16:]
            else:
                yield path

    def _own_rpaths(self, binary: Binary, piece: MachOSlice) -> Iterator[str]:
        return self.expand(piece.rpaths[: limits.IMAGE_RPATHS], binary)

    def _rpaths_of_program(self) -> Iterator[str]:
        for binary, piece in self.images:
            if self._executable and os.path.join(self._folders[id(binary)], os.path.basename(binary.path)) == self._executable:
                yield from self._own_rpaths(binary, piece)

    def _by_rpaths(self, rpaths: Iterable[str], rest: str) -> Resolution | None:
        for rpath in rpaths:
            if f"{rpath}/".startswith(SYSTEM_FOLDERS):
                # The shared cache cannot be looked at from here; Swift's run-time library and frameworks are what lives there.
                if os.path.basename(rest).startswith("libswift") or ".framework/" in rest:
                    return SYSTEM
            elif found := self._at(f"{rpath}/{rest}"):
                return found
        return None

    def _by_inherited_rpaths(self, binary: Binary, rest: str) -> Resolution | None:
        """By the LC_RPATHs of the images that load this one, directly or not: whoever comes first in a process."""
        return next((found for rpaths in self._inherited(binary) if (found := self._by_rpaths(rpaths, rest))), None)

    def _inherited(self, binary: Binary) -> Iterator[Iterator[str]]:
        seen = {id(binary)}
        waiting = [binary]
        for _ in range(limits.LOADER_CHAIN):
            loaders = (loader for image in waiting for loader in self._loaders_of(image))
            waiting = list({id(loader): loader for loader in loaders if id(loader) not in seen}.values())
            if not waiting:
                return
            for loader in waiting:
                seen.add(id(loader))
                for piece in loader.slices:
                    if isinstance(piece, MachOSlice):
                        yield self._own_rpaths(loader, piece)

    def tried(self, link: Link) -> Iterator[str]:
        """The paths where dyld would look for a linked library, in its order."""
        name = link.library.name
        if not name.startswith("@rpath/"):
            yield from map(os.path.normpath, self.expand((name,), link.binary))
            return
        chain = (self._own_rpaths(link.binary, link.piece), self._program_rpaths, *self._inherited(link.binary))
        yield from dict.fromkeys(os.path.normpath(f"{rpath}/{name[7:]}") for rpaths in chain for rpath in rpaths)

    def _loaders_of(self, binary: Binary) -> list[Binary]:
        if self._loaders is None:
            self._loaders = defaultdict(list)
            for loader, _, others, found in self._linked:
                for library in others:
                    one = found[library.name]
                    if one and one.provider:
                        self._loaders[id(one.provider)].append(loader)
        return self._loaders.get(id(binary), [])

    def users_of(self, binary: Binary) -> list[Binary]:
        """Those that link to a file: by a path, or by the install name by which they find it loaded."""
        names = {piece.install_name for piece in binary.slices if piece.install_name}
        if self._by_name is None:
            self._by_name = defaultdict(list)
            for user, _, others, _ in self._linked:
                for library in others:
                    self._by_name[library.name].append(user)
        named = [user for name in names if name.startswith("@rpath/") for user in self._by_name.get(name, ())]
        return [*self._loaders_of(binary), *named]

    def _at(self, path: str) -> Resolution | None:
        """The file at an absolute path: one of the environment's, or on the host any."""
        normal = os.path.normpath(path)
        if binary := self._by_path.get(normal):
            return Resolution("found", binary)
        folder = os.path.dirname(normal)
        if folder not in self._is_folder:
            self._is_folder[folder] = os.path.isdir(folder)
        if not self._is_folder[folder] or not os.path.lexists(normal):  # realpath asks once a path component
            return None
        real = os.path.realpath(normal)
        if binary := self._by_path.get(real):
            return Resolution("found", binary)
        if self._is_host and os.path.isfile(real):
            return Resolution("found", None, real)
        return None

    def _outside(self, binary: Binary, piece: MachOSlice, name: str) -> Resolution:
        """What is not in the environment: absent on the host, but on another machine it may lie where software is installed."""
        own_place = binary.role == "executable" and name.startswith("@loader_path/")
        if self._executable is None and name.startswith("@") and is_libpython(name) and not own_place:
            return SYSTEM  # it comes with a Python that is not here
        if os.path.basename(name) in _FALLBACKS and _has_fallbacks(piece):
            return SYSTEM
        if self._is_host:
            return _ABSENT
        candidates = [name]
        if name.startswith("@rpath/"):
            candidates = [f"{rpath}{name[6:]}" for rpath in self._own_rpaths(binary, piece)]
        path = next((path for path in candidates if path.startswith(_INSTALL_FOLDERS)), None)
        if path is not None:
            return Resolution("outside", None, path)
        if name.startswith("/"):
            return Resolution("outside", None, name)
        return _ABSENT


def _has_fallbacks(piece: MachOSlice) -> bool:
    """Whether dyld looks for what it has not found in /usr/lib too, by its last name: for images with an SDK before macOS 13.

    dyld's DyldProcessConfig.cpp: ``forEachDylibFallback``, for a binary that is not ``sdkOnOrAfter2022``.
    """
    return piece.sdk is not None and int(piece.sdk.partition(".")[0]) < 13
