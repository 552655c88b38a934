"""Whether a package gets by without one of its extension modules.

Some wheels carry modules that need a library which is not meant to be there: numba's ``tbbpool`` needs Intel TBB and is
imported inside ``try``. Calling such an installation broken would be a false alarm, so the package's own source is asked.
It is asked only of a module that cannot be loaded.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid
from pytest_archcheck.binaries.names import chosen_as, extension_tag, module_name
from pytest_archcheck.loader.import_lines import import_lines
from pytest_archcheck.loader.imports import imports_of, may_begin, may_compute
from pytest_archcheck.loader.package_files import PackageFiles, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.loader.imports import Import
    from pytest_archcheck.loader.package_files import Home

#: Modules of the standard library that distributors leave without their library on purpose: the ``slim`` images of Docker hold
#: ``_tkinter`` and no Tk; the others are absent or unusable on many systems.
OPTIONAL_STANDARD_MODULES = frozenset({"_tkinter", "_dbm", "_gdbm", "nis", "ossaudiodev", "_ctypes_test", "_testcapi"})
#: Files of tests say nothing of what a package needs.
_TESTS = re.compile(r"/(?:tests?|testing)/|/(?:test_[^/]*|conftest)\.py\Z")
#: A line of entry_points.txt: ``p3dcparse = panda3d_tools:p3dcparse``.
_COMMAND = re.compile(r"^[ \t]*([A-Za-z0-9][^=\s]*)[ \t]*=[ \t]*[A-Za-z_]", re.MULTILINE)
#: How many modules of the standard library make a folder a copy of it.
_STASH = 3


class _Importing(NamedTuple):
    """One file that imports something."""

    path: str
    #: Those of its lines that do.
    lines: bytes
    #: Whether it may import what is named at run time; then these are all of its lines.
    may_compute: bool


class PythonSources:
    """What the Python files of an environment's distributions say of its compiled files.

    One for an environment: answers, and the bounds of what they may cost, are shared by all who ask. Where a bound is reached
    nothing more is found in any file: no import that survives, no mention.

    :param folders: those that hold Python files, as :attr:`Environment.python_folders`.
    """

    def __init__(self, distributions: Iterable[Distribution] = (), folders: Sequence[str] = ()) -> None:
        self._files = PackageFiles(distributions, folders)
        #: The distribution that brought a file.
        self.owner_of = self._files.owner_of
        self._guarded: dict[int, bool] = {}
        #: (where a binary lies, text) -> whether a file there has it.
        self._mentioned: dict[tuple[Home, bytes], bool] = {}
        #: File -> its imports; metadata of a distribution -> names of its console scripts.
        self._imports: dict[str, tuple[Import, ...]] = {}
        self._commands: dict[str, frozenset[str]] = {}
        #: By where a binary lies: what the files there import, as far as they were read, and those that were not.
        self._importing_of: dict[Home, tuple[list[_Importing], Iterator[tuple[_Importing, bytes]]]] = {}
        #: (file, package) -> whether a name that it computes may be one of that package.
        self._beginning: dict[tuple[str, str], bool] = {}
        #: What may still be parsed.
        self._bytes_to_parse = limits.PYTHON_PARSED_SIZE
        #: (owner, folder) -> its modules there, None for a package.
        self._stashes: dict[tuple[int, str], frozenset[str] | None] = {}

    def guard_import_of(self, binary: Binary) -> bool:
        """Whether its package gets by without this extension module.

        It is imported, and everywhere so that a failure is survived; or it lies in no package and nothing imports it.
        """
        if id(binary) not in self._guarded:
            guarded = self._is_guarded(binary, module_name(binary), ())
            self._guarded[id(binary)] = self._is_stashed(binary) if guarded is None else guarded
        return self._guarded[id(binary)]

    def survives_without(self, binaries: Iterable[Binary]) -> bool | None:
        """Whether every import of these extension modules in their package survives a failure; None where nothing imports them.

        It looks no further than the first that does not.
        """
        found = None
        for binary in binaries:
            guarded = self._is_guarded(binary, module_name(binary), ())
            if guarded is False:
                return False
            found = found or guarded
        return found

    def _is_guarded(self, binary: Binary, name: str, asked: tuple[str, ...]) -> bool | None:
        """Whether every import of a module is survived, be it further up: a module that is imported in ``try`` may need it.

        :param asked: modules for which this was asked on the way here.
        :return: None where nothing imports it.
        """
        found = None
        stem = name.rpartition(".")[2].encode()
        # As a word: ``core`` stands in most files, and few import it.
        word = re.compile(rb"\b" + re.escape(stem) + rb"\b")
        for one, text in self._importing(binary):
            found_here = (stem in one.lines and word.search(one.lines)) or (one.may_compute and self._may_begin(one, name))
            if not found_here:
                continue
            module = _module_of(os.path.relpath(one.path, binary.location))
            here = [other for other in self._imports_of(one.path, text, binary, module) if other.names(name)]
            if not here:
                continue
            if not all(other.guarded for other in here) and not self._may_fail(binary, module, (*asked, name)):
                return False
            found = True
        return found

    def _importing(self, binary: Binary) -> Iterator[tuple[_Importing, bytes | None]]:
        """What each file of a binary's packages imports, those of tests left out, and its text where it was just read.

        Each is read once, by the first question that comes as far: many questions end with the first file that tells.
        """
        key = self._files.home_of(binary)
        if key not in self._importing_of:
            self._importing_of[key] = [], self._unread(binary)
        known, unread = self._importing_of[key]
        at = 0
        while True:
            text = None
            if at == len(known):  # so far it went last; another question may have come between
                read = next(unread, None)
                if read is None:
                    return
                one, text = read
                known.append(one)
            yield known[at], text
            at += 1

    def _unread(self, binary: Binary) -> Iterator[tuple[_Importing, bytes]]:
        for path, text in self._files.of(binary, but=_TESTS):
            if lines := import_lines(text):
                calls = b"import_module" in lines or b"__import__" in lines
                yield _Importing(path, lines, calls and may_compute(lines)), text

    def _may_fail(self, binary: Binary, module: str, asked: tuple[str, ...]) -> bool:
        """Whether a Python module is itself imported so that its failure is survived; a package that people import is not."""
        if "." not in module or module in asked or len(asked) > limits.IMPORT_CHAIN:
            return False
        return self._is_guarded(binary, module, asked) is True

    def _may_begin(self, one: _Importing, name: str) -> bool:
        key = one.path, name.partition(".")[0]
        if key not in self._beginning:
            self._beginning[key] = may_begin(one.lines, name)
        return self._beginning[key]

    def _imports_of(self, path: str, text: bytes | None, binary: Binary, module: str) -> tuple[Import, ...]:
        found = self._imports.get(path)
        if found is None:
            text = self._files.text_of(path, binary) if text is None else text
            if len(self._imports) >= limits.PYTHON_TREES or len(text) > self._bytes_to_parse:
                return ()
            self._bytes_to_parse -= len(text)
            package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
            found = self._imports[path] = imports_of(text, package)
        return found

    def _is_stashed(self, binary: Binary) -> bool:
        """Whether a module that nothing imports lies in a folder that is no package, to be copied from there, or for others.

        panda3d's ``deploy_libs`` holds the standard library's modules for the programs that it builds. A file whose name says
        no Python, and stands in none of the distribution's Python files, is a plugin of some other library: mysql-connector's
        ``authentication_kerberos_client.so``.
        """
        folder, slash, name = binary.path.rpartition("/")
        if not slash:
            return False
        owner = self.owner_of(binary)
        key = (id(owner), folder)
        if key not in self._stashes:
            self._stashes[key] = self._modules_in_no_package(binary, folder)
        beside = self._stashes[key]
        if beside is None:
            return False
        if len(sys.stdlib_module_names.intersection(beside)) >= _STASH:
            return True
        if extension_tag(name) is not None or name.startswith("_"):  # as modules are named, and plugins are not
            return False
        return any(self._files.of(binary)) and not self.mentions(binary, os.fsencode(name))

    def _modules_in_no_package(self, binary: Binary, folder: str) -> frozenset[str] | None:
        """The names of the modules that a distribution has in a folder; None for a folder that is a package."""
        owner = self.owner_of(binary)
        beside = [module_name(one) for one in (owner.binaries if owner else ()) if one.path.rpartition("/")[0] == folder]
        stems = frozenset(name.rpartition(".")[2] for name in beside)
        return None if "__init__" in stems or self._files.holds(binary, f"{folder}/__init__.py") else stems

    def is_command(self, binary: Binary) -> bool:
        """Whether a program is one that users type: it was installed among them, or a console script has its name."""
        folder, _, name = binary.path.rpartition("/")
        if folder.rpartition("/")[2] in {"bin", "Scripts"} and (folder in {"bin", "Scripts"} or folder.startswith("..")):
            return True
        owner = self.owner_of(binary)
        if owner is None or owner.metadata is None:
            return False
        if owner.metadata not in self._commands:
            commands = _COMMAND.findall(_entry_points(owner).decode(errors="replace"))
            self._commands[owner.metadata] = frozenset(command.replace("-", "_") for command in commands)
        return name.partition(".")[0].replace("-", "_") in self._commands[owner.metadata]

    def choices_beside(self, binary: Binary) -> Iterator[Binary]:
        """The other files of its distribution of which one is taken for the same module: mpi4py has one for each MPI."""
        module, owner = chosen_as(binary.path), self.owner_of(binary)
        if module is not None and owner is not None:
            yield from (one for one in owner.binaries if one is not binary and chosen_as(one.path) == module)

    def has_any(self, binary: Binary) -> bool:
        """Whether the packages that come with a binary have Python files: who else would load a library of theirs."""
        return any(True for _ in self._files.of(binary))

    def mentions(self, binary: Binary, text: bytes) -> bool:
        """Whether a Python file of the distribution that owns this binary contains a text."""
        key = (self._files.home_of(binary), text)
        if key not in self._mentioned:
            self._mentioned[key] = any(text in content for _, content in self._files.of(binary))
        return self._mentioned[key]

    def lists(self, binary: Binary, text: bytes) -> bool:
        """Whether a Python or JSON file of that distribution does: faiss keeps the libraries that it loads first in JSON."""
        return any(text in content for _, content in self._files.of(binary, ".py", ".json"))


def _module_of(path: str) -> str:
    """``pkg.sub`` for ``pkg/sub/__init__.py``, ``pkg.one`` for ``pkg/one.py``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace(os.sep, ".").replace("/", ".")


def _entry_points(distribution: Distribution) -> bytes:
    """The contents of entry_points.txt; nothing where there is none."""
    metadata = distribution.metadata or ""
    if not distribution.is_wheel:
        return read_text(os.path.join(metadata, "entry_points.txt"))
    try:
        with Archive(metadata) as archive:
            for member in archive.members:
                if member.filename.endswith(".dist-info/entry_points.txt"):
                    return archive.source(member).read(0, limits.PYTHON_FILE_SIZE)
    except (ArchiveInvalid, OSError):
        pass
    return b""
