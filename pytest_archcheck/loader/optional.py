"""Whether a package gets by without one of its extension modules.

Some wheels carry modules that need a library which is not meant to be there: numba's ``tbbpool`` needs Intel TBB and is
imported inside ``try``. Calling such an installation broken would be a false alarm, so the package's own source is asked.
It is asked only of a module that cannot be loaded.
"""

from __future__ import annotations

import ast
import os
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid, member_source
from pytest_archcheck.binaries.names import module_name
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from zipfile import ZipInfo

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution

#: What an import of a module that the loader refuses raises, and the wider ones that catch it.
_CAUGHT = frozenset({"ImportError", "OSError", "Exception", "BaseException"})

#: Modules of the standard library that distributors leave without their library on purpose: the ``slim`` images of Docker hold
#: ``_tkinter`` and no Tk; the others are absent or unusable on many systems.
OPTIONAL_STANDARD_MODULES = frozenset({"_tkinter", "_dbm", "_gdbm", "nis", "ossaudiodev", "_ctypes_test", "_testcapi"})


class PythonSources:
    """The Python files of the packages that distributions bring; the folders of a package are walked once."""

    def __init__(self, distributions: Iterable[Distribution] = ()) -> None:
        self._files: dict[tuple[str, str], list[str]] = {}
        #: Contents of the files read first, and how many bytes more may be kept.
        self._kept: dict[str, bytes] = {}
        self._room = limits.PYTHON_TEXTS_SIZE
        self._guarded: dict[int, bool] = {}
        self._mentioned: dict[tuple[int, bytes], bool] = {}
        self._owners = {id(binary): dist for dist in distributions for binary in dist.binaries}

    def guard_import_of(self, binary: Binary) -> bool:
        """Whether its package imports this extension module, and everywhere inside a ``try`` that survives a failure."""
        if id(binary) not in self._guarded:
            self._guarded[id(binary)] = self._is_import_guarded(binary)
        return self._guarded[id(binary)]

    def _is_import_guarded(self, binary: Binary) -> bool:
        name = module_name(binary)
        guards: list[bool] = []
        stem = name.rpartition(".")[2]
        for path, text in self._of(binary):
            if stem.encode() in text:
                folder = os.path.relpath(os.path.dirname(path), binary.location).replace(os.sep, ".")
                guards.extend(_imports(text, name, folder))
        return bool(guards) and all(guards)

    def mentions(self, binary: Binary, text: bytes) -> bool:
        """Whether a Python file of the distribution that owns this binary contains a text."""
        key = (id(binary), text)
        if key not in self._mentioned:
            self._mentioned[key] = any(text in content for _, content in self._of(binary))
        return self._mentioned[key]

    def lists(self, binary: Binary, text: bytes) -> bool:
        """Whether a Python or JSON file of that distribution does: faiss keeps the libraries that it loads first in JSON."""
        return any(text in content for _, content in self._of(binary, ".py", ".json"))

    def _of(self, binary: Binary, *suffixes: str) -> Iterator[tuple[str, bytes]]:
        """Yield path and contents of files of the packages that come with a binary: by default of the Python files.

        Nothing where it lies in no package (``../../libmkl_core.so.2``).
        """
        for package in self._packages(binary):
            if os.path.isfile(binary.location):  # a wheel
                yield from _sources_in_wheel(binary.location, package)
                continue
            key = (binary.location, package)
            if key not in self._files:
                self._files[key] = list(islice(_sources(os.path.join(*key)), limits.PYTHON_FILES))
            for path in self._files[key]:
                if path.endswith(suffixes or ".py"):
                    yield path, self._read(path)

    def _read(self, path: str) -> bytes:
        text = self._kept.get(path)
        if text is None:
            text = _read(path)
            if len(text) <= self._room:
                self._kept[path] = text
                self._room -= len(text)
        return text

    def _packages(self, binary: Binary) -> list[str]:
        """All that its distribution brings: cupy imports what lies in cupy_backends."""
        owner = self._owners.get(id(binary))
        beside = owner.binaries if owner else ()
        return sorted({_package(one) for one in (binary, *beside) if one.location == binary.location} - {""})


def _package(binary: Binary) -> str:
    """The package that a binary lies in, or nothing."""
    package, slash, _ = binary.path.partition("/")
    return package if slash and package != ".." else ""


def _sources(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names if name.endswith((".py", ".json")))


def _sources_in_wheel(wheel: str, package: str) -> Iterator[tuple[str, bytes]]:
    try:
        with open_file(wheel) as archive:
            for name, member in _python_members(wheel).items():
                if name.startswith(f"{package}/"):
                    try:
                        yield f"{wheel}/{name}", member_source(archive, member).read(0, limits.PYTHON_FILE_SIZE)
                    except OSError:  # said already, where the wheel was read
                        continue
    except OSError:
        return


@lru_cache(maxsize=1)
def _python_members(wheel: str) -> Mapping[str, ZipInfo]:
    try:
        with Archive(wheel) as archive:
            members = [member for member in archive.members if member.filename.endswith(".py")]
    except (ArchiveInvalid, OSError):
        return {}
    return {member.filename: member for member in members[: limits.PYTHON_FILES]}


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(limits.PYTHON_FILE_SIZE)
    except OSError:
        return b""


def _imports(text: bytes, name: str, package: str) -> Iterator[bool]:
    """Yield for each import of the module whether it is guarded."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, guarded = stack.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if name in _names(node, package):
                yield guarded
            continue
        if isinstance(node, ast.Try):
            inner = guarded or any(_catches(handler) for handler in node.handlers)
            stack.extend((child, inner) for child in node.body)
            stack.extend((child, guarded) for child in (*node.handlers, *node.orelse, *node.finalbody))
        else:
            stack.extend((child, guarded) for child in ast.iter_child_nodes(node))


def _names(node: ast.Import | ast.ImportFrom, package: str) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
    origin = ".".join(part for part in (base, node.module or "") if part)
    return {origin, *(f"{origin}.{alias.name}" for alias in node.names)}


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _CAUGHT) for kind in kinds)
