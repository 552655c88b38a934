"""What a compiled file's name alone says: whether a loader takes it, which Python it is for, whether only tests read it."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_archcheck.binaries.model import Binary

#: ``_x.cpython-312-darwin.so``, ``_x.abi3.so``, ``_x.pypy310-pp73-darwin.so``, ``_x.cp312-win_amd64.pyd``, ``_x.so``.
_EXTENSION = re.compile(r"(?P<tag>\.(?:cpython-|abi3|pypy|graalpy|cp\d)[^/]*)?\.(?:so|pyd)")
#: ``_x.cpython-314td-x86_64-linux-gnu.so``: the version, then the build.
_CPYTHON = re.compile(r"\.cpython-(\d+)([a-z]*)-")
#: ``libfoo.so``, ``libfoo.so.1.0.2k``, ``libfoo.1.dylib``; not ``libfoo.so.1.hmac``.
_LIBRARY = re.compile(r"\.so(?:\.\d+[a-z]?)*\Z|\.dylib\Z")
#: Folders of tests and of what they read, in lower case.
_TEST_FOLDERS = frozenset({"test", "tests", "testdata", "test_data", "test-data"})
#: ``libpython3.11.dylib``, ``libpython3.11t.so.1.0``: Python itself.
_LIBPYTHON = re.compile(r"libpython3(\.\d+t?d?)?\.(?:so|dylib)")


class ModuleTag(NamedTuple):
    """The CPython that an extension module is for, as PEP 3149 has its name say."""

    #: ``314`` for 3.14.
    version: str
    #: As in :data:`sys.abiflags`: ``t`` free-threaded, ``d`` debug.
    flags: str


@lru_cache(maxsize=256)  # an environment has few, and thousands of files
def _extension(suffixes: str) -> re.Match[str] | None:
    return _EXTENSION.search(suffixes)


def extension_role(path: str) -> bool:
    """Whether Python's import system could load a file of this name as an extension module."""
    if not path.endswith((".so", ".pyd")):
        return False
    name = path[path.rfind("/") + 1 :]
    suffixes = name[name.find(".") :]
    match = _extension(suffixes)
    if match is None or match.end() != len(suffixes):
        return False
    # ``libfoo.so`` may be imported as ``libfoo``, but is nearly always a library for dlopen.
    return bool(match["tag"]) or not name.startswith("lib")


def is_loadable_name(path: str) -> bool:
    """Whether the name alone promises something that a loader takes: ``.so``, ``.so.1``, ``.dylib``."""
    return path.endswith((".so", ".dylib")) or (".so." in path and _LIBRARY.search(path) is not None)


def is_libpython(path: str) -> bool:
    """Whether a file or install name is that of Python's own library."""
    return _LIBPYTHON.match(os.path.basename(path)) is not None


def module_name(binary: Binary) -> str:
    """The dotted name under which an extension module is imported: ``numba.np.ufunc.tbbpool``."""
    folder, _, name = binary.path.rpartition("/")
    stem = name.partition(".")[0]
    return f"{folder.replace('/', '.')}.{stem}" if folder else stem


def module_tag(path: str) -> ModuleTag | None:
    """The CPython that an extension module's name says, if it says one."""
    match = _CPYTHON.search(path, path.rfind("/") + 1)
    return ModuleTag(*match.groups()) if match else None


def extension_tag(path: str) -> str | None:
    """What a module's name says of the Pythons that it is for: ``cpython-312-darwin``, ``abi3``; None for ``_x.so``."""
    name = path[path.rfind("/") + 1 :]
    match = _extension(name[name.find(".") :])
    return match["tag"][1:] if match and match["tag"] else None


def is_for_another_version(path: str, python: str | None) -> bool:
    """Whether an extension module's name says another version of Python than ``3.11.7``, which then never imports it.

    ``python setup.py develop`` leaves such files, of a Python that was used before, in a checkout.
    """
    tag = module_tag(path)
    return tag is not None and python is not None and tag.version != "".join(python.split(".")[:2])


def is_for_another_build(path: str, abiflags: str | None) -> bool:
    """Whether an extension module's name says another build than that of these flags (None: not known).

    A debug build imports the modules of the plain one as well, not the other way round; Debian keeps both side by side.
    """
    tag = module_tag(path)
    if tag is None or abiflags is None:
        return False
    return ("t" in tag.flags) != ("t" in abiflags) or ("d" in tag.flags and "d" not in abiflags)


def chosen_as(path: str) -> str | None:
    """The module that a package takes this file for, one of several, by a finder of its own: ``mpi4py/MPI``.

    No import statement leads to ``mpi4py/MPI.mpich.cpython-311-darwin.so``: its name has a dot before what says the Python.
    """
    start = path.rfind("/") + 1
    match = _EXTENSION.search(path, start)
    dot = path.find(".", start)
    return path[:dot] if match and match["tag"] and start < dot < match.start() else None


def is_test_data(path: str) -> bool:
    """Whether a file lies in a folder of tests: delocate, Go's sources and others have foreign files that theirs read."""
    lowered = path.lower()
    return "test" in lowered and not _TEST_FOLDERS.isdisjoint(lowered.split("/")[:-1])
