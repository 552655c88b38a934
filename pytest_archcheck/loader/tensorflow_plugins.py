"""Whether a TensorFlow plugin loads into the TensorFlow beside it, and whether TensorFlow finds it once.

tensorflow-metal requires no version of TensorFlow, so pip installs pairs that cannot work. Nothing here knows a version: what
the plugin needs is compared with what the TensorFlow at hand offers.
"""

from __future__ import annotations

import hashlib
import os
import re
import site
import sys
import sysconfig
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.record import recorded_hashes
from pytest_archcheck.loader.macho_symbols import FlatNamespace, Image, MissingSymbol, SymbolSpace, image_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_archcheck.binaries.model import Binary, MachOSlice
    from pytest_archcheck.loader.macho_symbols import Provider

#: The folder of a site directory in which TensorFlow looks for plugins.
PLUGIN_FOLDER = "tensorflow-plugins"
#: The module that ``import tensorflow`` loads first, which brings TensorFlow's libraries with it.
_ENTRY = "tensorflow/python/_pywrap_tensorflow_internal.so"
_PACKAGE = _ENTRY.partition("/")[0] + "/"
#: Bytes hashed at a time.
_BLOCK = 1 << 20
_PLUGIN_SUFFIXES = (".so", ".dylib")
_SYSTEM = ("/usr/lib/", "/System/")

#: Names that nobody but TensorFlow offers: its C APIs, and C++ names in its namespaces. Others that a flat look-up wants may
#: come from the system: newer linkers leave ``_objc_msgSend`` to it.
_OWN_NAME = re.compile(rb"_(?:TF|TFE|TSL|SE|SP|TP)_|__Z.*(?:10tensorflow|3tsl|3xla|15stream_executor)")


class PluginVerdict(NamedTuple):
    """Whether one slice of a plugin loads into a TensorFlow."""

    architecture: str
    #: Install names that no image in the process has and no rpath leads to.
    missing_libraries: tuple[str, ...] = ()
    missing_symbols: tuple[MissingSymbol, ...] = ()
    #: Symbols that were found.
    found: int = 0
    #: Library -> number of its symbols that cannot be checked off the Mac.
    unchecked: tuple[tuple[str, int], ...] = ()
    #: Why nothing can be said.
    problem: str | None = None

    @property
    def loads(self) -> bool:
        """False only where it is proven."""
        return not self.missing_libraries and not self.missing_symbols


def is_plugin(binary: Binary) -> bool:
    """Whether TensorFlow would load this file as a plugin: a library right inside a plugin folder."""
    folder, _, name = binary.path.rpartition("/")
    return folder.rpartition("/")[2] == PLUGIN_FOLDER and name.endswith(_PLUGIN_SUFFIXES) and binary.format == "mach-o"


def tensorflow_beside(plugin: Binary, binaries: Iterable[Binary]) -> list[Binary]:
    """Return TensorFlow's own files, those in the plugin's site directory before any other's."""
    files = {binary.file: binary for binary in binaries if binary.format == "mach-o"}
    sites = sorted(path.removesuffix(_ENTRY) for path in files if path.endswith("/" + _ENTRY))
    own = plugin.file.rpartition(f"{PLUGIN_FOLDER}/")[0]
    chosen = own if own in sites or not sites else sites[0]
    return [binary for path, binary in files.items() if path.startswith(chosen + _PACKAGE)]


def check_plugin(plugin: Binary, architecture: str, tensorflow: Iterable[Binary]) -> PluginVerdict | None:
    """Decide whether a plugin loads into a TensorFlow.

    :param architecture: whose slices are compared.
    :param tensorflow: TensorFlow's files, see :func:`tensorflow_beside`.
    :returns: None where there is nothing to decide: the plugin or TensorFlow has no such slice.
    """
    image = image_of(plugin, architecture)
    process = _Process(image_of(binary, architecture) for binary in tensorflow)
    if image is None or not process.loaded:
        return None
    providers = process.providers(plugin, image.piece)
    missing = [
        library.name
        for library, provider in zip(image.piece.libraries, providers, strict=True)
        if provider is None and library.kind != "weak"
    ]
    report = SymbolSpace(process.providers).check(image, process.flat)
    return PluginVerdict(
        architecture, tuple(missing), report.missing, report.found, tuple(sorted(report.unchecked.items())), report.problem
    )


def _is_own_name(name: bytes) -> bool:
    return _OWN_NAME.match(name) is not None


class _Process:
    """The images that a process holds once it has imported TensorFlow, and how dyld then serves a linked library."""

    def __init__(self, images: Iterable[Image | None]) -> None:
        present = [image for image in images if image is not None]
        self._by_path = {os.path.normpath(image.binary.file): image for image in present}
        self._by_name = {image.piece.install_name: image for image in present if image.piece.install_name}
        entry = next((image for image in present if image.binary.file.endswith("/" + _ENTRY)), None)
        #: The entry module and all that it links to; every image of TensorFlow where a future one has no such module.
        self.loaded = present if entry is None else self._closure(entry)
        #: Flat look-up does not see the entry module itself: TensorFlow opens it RTLD_LOCAL.
        self.flat = FlatNamespace(tuple(image for image in self.loaded if image is not entry), _is_own_name)
        self._loaded_names = {image.piece.install_name: image.binary for image in self.loaded if image.piece.install_name}

    def _closure(self, entry: Image) -> list[Image]:
        closure = {entry.key: entry}
        pending = [entry]
        while pending:
            image = pending.pop()
            for library in image.piece.libraries:
                other = self._by_name.get(library.name)
                if other is not None and other.key not in closure:
                    closure[other.key] = other
                    pending.append(other)
        return list(closure.values())

    def providers(self, binary: Binary, piece: MachOSlice) -> list[Provider]:
        """Who serves each linked library: dyld compares install names of loaded images before it searches rpaths."""
        return [self._provider(binary, piece, library.name) for library in piece.libraries]

    def _provider(self, binary: Binary, piece: MachOSlice, name: str) -> Provider:
        if name.startswith(_SYSTEM):
            return "system"
        if name in self._loaded_names:
            return self._loaded_names[name]
        folder = os.path.dirname(binary.file)
        if name.startswith("@rpath/"):
            candidates = [os.path.join(rpath, name.removeprefix("@rpath/")) for rpath in piece.rpaths]
        else:
            candidates = [name]
        for candidate in candidates:
            path = os.path.normpath(candidate.replace("@loader_path", folder, 1))
            if path in self._by_path:
                return self._by_path[path].binary
        return None


class PluginFolder(NamedTuple):
    """One ``tensorflow-plugins`` folder under one name."""

    path: str
    #: The same with symbolic links resolved: two names of one folder share it.
    real: str
    #: Names of the libraries in it, sorted.
    plugins: tuple[str, ...]
    #: Whether TensorFlow looks here.
    searched: bool


def active_plugin_folders() -> tuple[PluginFolder, ...]:
    """The plugin folders that a TensorFlow in this very environment would find, and those that it would not."""
    paths = sysconfig.get_paths()
    searched = searched_directories(
        sys.path,
        user_site=site.getusersitepackages() if site.ENABLE_USER_SITE else None,
        site_packages=site.getsitepackages(),
        library_paths=[paths["purelib"], paths["platlib"]],
    )
    return find_plugin_folders(searched, [entry for entry in sys.path if entry])


def searched_directories(
    path: Sequence[str], *, user_site: str | None, site_packages: Sequence[str], library_paths: Sequence[str]
) -> list[str]:
    """Return the site directories in which TensorFlow looks for plugins, as the strings that it compares.

    :param path: ``sys.path``.
    :param user_site: ``site.USER_SITE`` where ``site.ENABLE_USER_SITE`` holds, else None.
    :param site_packages: ``site.getsitepackages()``.
    :param library_paths: sysconfig's ``purelib`` and ``platlib``.
    """
    directories = [user_site] if user_site is not None else []
    directories += [entry for entry in path if "site-packages" in entry]
    return list(dict.fromkeys([*directories, *site_packages, *library_paths]))


def find_plugin_folders(searched: Iterable[str], others: Iterable[str] = ()) -> tuple[PluginFolder, ...]:
    """Find the plugin folders of site directories that exist and hold a plugin.

    :param searched: the directories in which TensorFlow looks, see :func:`searched_directories`.
    :param others: further entries of ``sys.path``.
    """
    names = dict.fromkeys(searched)
    found = []
    for directory in dict.fromkeys([*names, *others]):
        folder = os.path.join(directory, PLUGIN_FOLDER)
        try:
            plugins = sorted(name for name in os.listdir(folder) if name.endswith(_PLUGIN_SUFFIXES))
        except OSError:
            continue
        if plugins:
            found.append(PluginFolder(folder, os.path.realpath(folder), tuple(plugins), directory in names))
    return tuple(found)


def is_replaced(plugin: Binary, metadata: str) -> bool:
    """Tell whether a plugin is not the file that its distribution installed.

    A third-party plugin goes into the same folder by the same name; pip then writes over Apple's without a word.

    :param metadata: the distribution's dist-info folder. Without a RECORD that has a hash of the file: False.
    """
    recorded = recorded_hashes(metadata, {plugin.path}).get(plugin.path)
    if recorded is None or plugin.size > limits.HASHED_PLUGIN_SIZE:
        return False
    digest = hashlib.sha256()
    try:
        with open_file(plugin.file) as source:
            for offset in range(0, plugin.size, _BLOCK):
                digest.update(source.read(offset, _BLOCK))
    except OSError:
        return False
    return digest.hexdigest() != recorded
