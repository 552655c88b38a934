"""Random access to the bytes of one compiled file.

Reading is by ``pread``, never by ``mmap``: a mapped file that somebody truncates while it is scanned kills the process.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Source(Protocol):
    """The bytes of one file."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``offset``; fewer where the file ends. Raises :class:`OSError`."""


def _seek_and_read(descriptor: int, size: int, offset: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


#: ``pread(descriptor, size, offset)``; Windows has none, and no reader here shares a descriptor between threads.
pread = getattr(os, "pread", _seek_and_read)


class FileSource:
    """A file on disk, by descriptor; as a context manager it closes that in the end."""

    __slots__ = ("descriptor", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``offset``."""
        if offset >= self.size or size <= 0:
            return b""
        return pread(self.descriptor, min(size, self.size - offset), offset)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def __enter__(self) -> FileSource:  # noqa: PYI034 - Self is not in typing before Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: O_NONBLOCK: opening a FIFO must not wait for a writer. Windows has neither flag.
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def source_of(descriptor: int) -> FileSource:
    """The open file. Raises :class:`OSError` for what is no regular file."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    return FileSource(descriptor, status.st_size)


def open_file(path: str) -> FileSource:
    """Open a regular file for reading; whoever asks closes it.

    :raises OSError: it cannot be opened, or is no regular file.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may already do something
            raise OSError("not a regular file")
    except ValueError as error:  # a NUL, or characters that no name has in this locale
        raise OSError(f"no file has such a name: {error}") from None
    return open_again(path)


def open_again(path: str) -> FileSource:
    """Open a file that was found to be a regular one before: the same with one question less."""
    descriptor = os.open(path, OPEN_FLAGS)
    try:
        return source_of(descriptor)
    except OSError:
        os.close(descriptor)
        raise


def beginning_of(path: str, size: int, opener: Callable[[str], FileSource] = open_file) -> bytes:
    """At most the first ``size`` bytes of a file; none where it cannot be read."""
    try:
        with opener(path) as source:
            return source.read(0, size)
    except OSError:
        return b""
