"""The Python files of the packages that an environment's distributions bring: found once, read within one bound.

One of these serves all questions about an environment: whoever asks second finds the folders walked.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import partial
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid, member_source
from pytest_archcheck.binaries.source import beginning_of, open_again, open_file

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zipfile import ZipInfo

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.binaries.source import FileSource
    from pytest_archcheck.discover.model import Distribution


#: A folder or wheel, and the packages in it.
Home = tuple[str, tuple[str, ...]]


class PackageFiles:
    """Paths and contents; what is read of all files together is bounded, and past that there are none.

    :param folders: those of the environment that hold Python files, sorted, where it was walked: Qt has five hundred others.
    """

    def __init__(self, distributions: Iterable[Distribution] = (), folders: Sequence[str] = ()) -> None:
        self._owners = {id(binary): dist for dist in distributions for binary in dist.binaries}
        self._folders = folders
        #: (folder, package, whether of Python files alone) -> its files.
        self._files: dict[tuple[str, str, bool], list[str]] = {}
        #: (folder or wheel, package) that was looked through before.
        self._seen: set[tuple[str, str]] = set()
        #: Contents of files of packages that were looked through before, and how many bytes more may be kept: most packages are
        #: asked about once, and numba's files take ten megabytes.
        self._kept: dict[str, bytes] = {}
        self._room = limits.PYTHON_TEXTS_SIZE
        #: How often a file may still be looked at: no tree is worth minutes.
        self._looks = limits.PYTHON_LOOKS
        #: Owner -> the packages that it brings.
        self._packages_of: dict[tuple[int, str], list[str]] = {}
        #: Wheel -> the Python files in it.
        self._members: dict[str, dict[str, ZipInfo]] = {}

    def owner_of(self, binary: Binary | None) -> Distribution | None:
        """The distribution that brought a file; None where no distribution did."""
        return self._owners.get(id(binary))

    def of(self, binary: Binary, *suffixes: str, but: re.Pattern[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """Yield path and contents of files of the packages that come with a binary: by default of the Python files.

        Nothing where it lies in no package (``../../libmkl_core.so.2``).

        :param but: paths below the site directory, or in the wheel, that are passed over unread: half of numba is tests.
        """
        for package in self._packages(binary):
            key = (binary.location, package)
            again = key in self._seen
            self._seen.add(key)
            if os.path.isfile(binary.location):  # a wheel
                yield from self._in_wheel(*key, but, again=again)
                continue
            for path in self._below(*key, only_python=not suffixes):
                inside = path[len(binary.location) :]
                if path.endswith(suffixes or ".py") and not (but and but.search(inside)):
                    if not self._looks:
                        return
                    self._looks -= 1
                    yield path, self._read(path, partial(_read_file, path), keep=again)

    def _in_wheel(self, wheel: str, package: str, but: re.Pattern[str] | None, *, again: bool) -> Iterator[tuple[str, bytes]]:
        try:
            with open_file(wheel) as archive:
                for name, member in self._in(wheel).items():
                    if name.startswith(f"{package}/") and not (but and but.search(f"/{name}")):
                        if not self._looks:
                            return
                        self._looks -= 1
                        path = f"{wheel}/{name}"
                        read = partial(_read_member, archive, member)
                        yield path, self._read(path, read, keep=again)
        except OSError:
            return

    def _read(self, path: str, read: Callable[[], bytes], *, keep: bool) -> bytes:
        text = self._kept.get(path)
        if text is None:
            text = read()
            if not keep:
                return text
            if len(text) <= self._room:
                self._kept[path] = text
                self._room -= len(text)
            else:  # it is read, or inflated, again when it is asked again
                self._looks = max(0, self._looks - limits.PYTHON_REREAD_LOOKS - (len(text) >> 10))
        return text

    def _below(self, location: str, package: str, *, only_python: bool) -> list[str]:
        key = location, package, only_python
        if key not in self._files:
            folder = os.path.join(location, package)
            known = self._walked(folder) if only_python else []
            files = chain.from_iterable(map(_python_files, known)) if known else _sources(folder)
            self._files[key] = list(islice(files, limits.PYTHON_FILES))
        return self._files[key]

    def _walked(self, folder: str) -> list[str]:
        """The folders with Python files from one on; none where nobody has walked."""
        first = bisect_left(self._folders, folder)
        alike = takewhile(lambda known: known.startswith(folder), islice(self._folders, first, None))
        return [known for known in alike if known == folder or known.startswith(folder + os.sep)]

    def _in(self, wheel: str) -> dict[str, ZipInfo]:
        if wheel not in self._members:
            self._members[wheel] = _python_members(wheel)
        return self._members[wheel]

    def holds(self, binary: Binary, path: str) -> bool:
        """Whether a Python file lies beside a binary, given from the place on that both are relative to."""
        if os.path.isfile(binary.location):  # a wheel
            return path in self._in(binary.location)
        package = path.partition("/")[0]
        return package in self._packages(binary) and os.path.join(binary.location, path) in self._below(
            binary.location, package, only_python=True
        )

    def home_of(self, binary: Binary) -> Home:
        """The same for all files of one place whose packages are the same: what is known of one is known of all."""
        return binary.location, tuple(self._packages(binary))

    def text_of(self, path: str, binary: Binary) -> bytes:
        """The contents of a file that :meth:`of` has named before."""
        if path in self._kept:
            return self._kept[path]
        if path.startswith(f"{binary.location}/") and os.path.isfile(binary.location):
            return _member_text(binary.location, self._in(binary.location)[path[len(binary.location) + 1 :]])
        return read_text(path)

    def _packages(self, binary: Binary) -> list[str]:
        """All that its distribution brings: cupy imports what lies in cupy_backends."""
        owner = self.owner_of(binary)
        if owner is None:
            return [_package(binary)] if _package(binary) else []
        key = (id(owner), binary.location)
        if key not in self._packages_of:
            self._packages_of[key] = sorted({_package(one) for one in owner.binaries if one.location == binary.location} - {""})
        return self._packages_of[key]


def _package(binary: Binary) -> str:
    """The package that a binary lies in, or nothing."""
    package, slash, _ = binary.path.partition("/")
    return package if slash and package != ".." else ""


def _python_files(folder: str) -> list[str]:
    return [entry.path for entry in _entries(folder) if entry.name.endswith(".py") and entry.is_file()]


def _sources(folder: str) -> Iterator[str]:
    # Not by os.walk(), which calls itself for each level before Python 3.12.
    folders = [folder]
    while folders:
        for entry in _entries(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    folders.append(entry.path)
            elif entry.name.endswith((".py", ".json")) and entry.is_file():
                yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # said already, where the folder was walked
        return []


def _python_members(wheel: str) -> dict[str, ZipInfo]:
    try:
        with Archive(wheel) as archive:
            members = [member for member in archive.members if member.filename.endswith(".py")]
    except (ArchiveInvalid, OSError):
        return {}
    return {member.filename: member for member in members[: limits.PYTHON_FILES]}


def _member_text(wheel: str, member: ZipInfo) -> bytes:
    try:
        with open_file(wheel) as archive:
            return _read_member(archive, member)
    except OSError:
        return b""


def _read_member(archive: FileSource, member: ZipInfo) -> bytes:
    try:
        return member_source(archive, member).read(0, limits.PYTHON_FILE_SIZE)
    except OSError:  # said already, where the wheel was read
        return b""


def read_text(path: str) -> bytes:
    """The contents of a file, no more than any real one has; nothing where it cannot be read."""
    return beginning_of(path, limits.PYTHON_FILE_SIZE)


def _read_file(path: str) -> bytes:
    """The same for what was listed as a regular file."""
    return beginning_of(path, limits.PYTHON_FILE_SIZE, open_again)
