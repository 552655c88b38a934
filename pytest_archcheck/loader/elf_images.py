"""The ELF files that a loader could map: those of the environment, and on the host whatever lies on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf import read_elf
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.model import Binary, ElfSlice
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.image_root import real_path

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = 4096


class Image(NamedTuple):
    """One ELF file under the name by which the loader opens it."""

    path: str
    piece: ElfSlice
    #: None for a file outside of the environment.
    binary: Binary | None

    @property
    def soname(self) -> str:
        """DT_SONAME, else the file's name."""
        return self.piece.install_name or self.path.rpartition("/")[2]


class Damaged(NamedTuple):
    """A file that stops the loader: it is there, and is no ELF file that could be mapped."""

    path: str
    reason: str
    #: None for a file outside of the environment.
    binary: Binary | None = None


class Images:
    """Files by path; each is looked at once.

    :param binaries: the environment's.
    :param roots: only files below these folders are looked up on disk; ``None``: anywhere (the host's own environment).
    :param image: the root of the other system that all of it lies in: links count from there.
    """

    def __init__(self, binaries: Iterable[Binary], roots: tuple[str, ...] | None, image: str | None = None) -> None:
        self._image = image
        self._folders: dict[str, str] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._roots = None if roots is None else tuple(os.path.join(os.path.realpath(root), "") for root in roots)
        self._binaries = {self._key(binary.file): binary for binary in binaries}
        self._found: dict[str, Image | Damaged | None] = {key: _own(key, one) for key, one in self._binaries.items()}

    def find(self, path: str) -> Image | Damaged | None:
        """Return the file that the loader would open by this absolute path, None where there is none."""
        key = self._key(path)
        if key not in self._found:
            self._found[key] = self._look(key)
        return self._found[key]

    def of(self, binary: Binary) -> Image | None:
        """Return a binary of the environment as an image; None where it is no sound ELF file."""
        found = self.find(binary.file)
        return found if isinstance(found, Image) else None

    def _key(self, path: str) -> str:
        # The folder's real path: what "$ORIGIN/../x" means to the kernel where a folder is a symbolic link. The file's own
        # name stays, since $ORIGIN of a linked file is the folder of the link.
        folder, _, name = path.rpartition("/")
        return f"{self._folders.get(folder) or self._real(folder)}/{name}"

    def _real(self, folder: str) -> str:
        """The real path of a folder: one question beyond that of the folder above, where that is known."""
        above, _, name = folder.rpartition("/")
        if self._image is not None or not above or name in ("", ".", "..") or folder.count("/") > limits.FOLDER_DEPTH:
            real = real_path(folder, self._image)
        else:
            real = f"{self._folders.get(above) or self._real(above)}/{name}"
            if os.path.islink(real):
                real = os.path.realpath(real)
        self._folders[folder] = real
        return real

    def _look(self, key: str) -> Image | Damaged | None:
        """A file that is none of the environment's by this name; a link may lead to one that is."""
        folder, _, name = key.rpartition("/")
        if name not in self._listing(folder):
            return None
        binary = self._binaries.get(real_path(key, self._image)) if os.path.islink(key) else None
        return self._read(key) if binary is None else _own(key, binary)

    def _listing(self, folder: str) -> frozenset[str]:
        names = self._names.get(folder)
        if names is None:
            names = frozenset()
            if self._roots is None or os.path.join(folder, "").startswith(self._roots):
                try:
                    names = frozenset(os.listdir(folder))
                except (OSError, ValueError):  # ValueError: a NUL in the name
                    names = frozenset()
            self._names[folder] = names
        return names

    def _read(self, key: str) -> Image | Damaged | None:
        try:
            # Whoever opens it later must not follow links out of an image.
            path = key if self._image is None else real_path(key, self._image)
            with open_file(path) as source:
                return Image(path, read_elf(source, source.read(0, _HEAD)), None)
        except ElfInvalid as error:
            return Damaged(key, str(error))
        except OSError:  # not there after all, or not for us: the loader goes on to the next folder
            return None


def _own(path: str, binary: Binary) -> Image | Damaged:
    """A file of the environment by one of its names."""
    piece = binary.slices[0] if len(binary.slices) == 1 else None
    if isinstance(piece, ElfSlice) and binary.problem is None:
        return Image(path, piece, binary)
    return Damaged(path, binary.problem or f"it is a {binary.format} file", binary)
