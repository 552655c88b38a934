"""Files inside a zip archive as :class:`~pytest_archcheck.binaries.source.Source`, without extracting anything.

A stored member is read where it lies. A deflated one can only be inflated from its beginning, so its first bytes are kept,
and behind them a window that moves forward: readers ask for headers first and for what lies near the end next. Going back
further than the window starts over, and how often that may happen is bounded.

The layout is that of PKWARE's APPNOTE.TXT; :mod:`zipfile` reads the central directory.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from pytest_archcheck.binaries.source import FileSource, Source

#: End of central directory record: signature, four 16-bit numbers (the last is the entry count), size and offset of the central
#: directory, length of the comment that follows.
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\5\6"
_COMMENT_SIZE = 0xFFFF  # bytes that its 16-bit length allows
#: How each entry of the central directory begins.
_ENTRY_MAGIC = b"PK\1\2"
#: Local file header: signature, version, flags, method, time, date, crc, two sizes, lengths of the name and of the extra field.
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\3\4"
_ENCRYPTED = 0x1
#: The name is UTF-8; else it is in the code page of the IBM PC, 437.
_UTF8 = 0x800

#: Compressed bytes read, and bytes inflated, at a time; of most members the first few are all that is wanted.
_FIRST_INPUT, _INPUT, _OUTPUT = 16 << 10, 128 << 10, 1 << 20
#: zipfile.ZipFile, plus everything else that a broken archive makes it raise.
_ZIP_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, struct.error, EOFError)


class ArchiveInvalid(ValueError):
    """The file is no zip archive that can be read; the message says why."""


class Archive:
    """An open zip archive."""

    def __init__(self, path: str) -> None:
        """Open it. Raises :class:`ArchiveInvalid`, and :class:`OSError` where there is no such file."""
        self.path = path
        self._source = open_file(path)
        try:
            self.members = _members(self._source)
        except BaseException:
            self._source.close()
            raise

    def __enter__(self) -> Archive:  # noqa: PYI034 - Self is not in typing before Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def source(self, member: zipfile.ZipInfo) -> Source:
        """Return the contents of one member. Raises :class:`OSError` where the archive lies about it."""
        return member_source(self._source, member)

    def text(self, member: zipfile.ZipInfo, limit: int) -> str:
        """Return a small text file. Raises :class:`OSError`, also where it is larger than ``limit`` bytes or no UTF-8."""
        if member.file_size > limit:
            raise OSError(f"{member.file_size} bytes are too many for such a file")
        content = self.source(member).read(0, member.file_size)
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise OSError("not UTF-8 text") from None


def member_source(archive: FileSource, member: zipfile.ZipInfo) -> Source:
    """Return the contents of a member of an open file. Raises :class:`OSError` where the archive lies about it."""
    start = _data_offset(archive, member)
    if member.compress_type == zipfile.ZIP_STORED:
        if member.compress_size != member.file_size:
            raise OSError("the archive gives two sizes for a member that is not compressed")
        return _Stored(archive, start, member.file_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        return _Deflated(archive, start, member.compress_size, member.file_size)
    raise OSError(f"compressed by method {member.compress_type}, which wheels do not use")


def _data_offset(archive: FileSource, member: zipfile.ZipInfo) -> int:
    """Return where a member's data begins: behind its own header, which must be there and agree."""
    if member.flag_bits & _ENCRYPTED:
        raise OSError("encrypted")
    header = archive.read(member.header_offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
        raise OSError("the archive is damaged: no file header where the directory says")
    fields = _LOCAL.unpack(header)
    if fields[3] != member.compress_type:
        raise OSError("the archive is damaged: file header and directory differ")
    start: int = member.header_offset + _LOCAL.size + fields[-2] + fields[-1]
    if start + member.compress_size > archive.size:
        raise OSError("the archive is cut short: the data lies past its end")
    return start


class _Stored:
    """A member that is not compressed."""

    __slots__ = ("_file", "_start", "size")

    def __init__(self, file: FileSource, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``offset``."""
        if offset < 0 or offset >= self.size or size <= 0:
            return b""
        return self._file.read(self._start + offset, min(size, self.size - offset))


class _Deflated:
    """A deflated member: a prefix and a window behind it."""

    __slots__ = ("_compressed", "_file", "_inflater", "_input", "_passed", "_prefix", "_start", "_total", "_window", "size")

    def __init__(self, file: FileSource, start: int, compressed: int, size: int) -> None:
        self._file = file
        self._start = start
        self._compressed = compressed
        self.size = size
        self._prefix = b""
        self._total = 0
        self._restart()

    def read(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``offset``. Raises :class:`OSError` where they cannot be inflated."""
        size = min(size, self.size - offset)
        if offset < 0 or size <= 0:
            return b""
        end = offset + size
        if end <= len(self._prefix):
            return self._prefix[offset:end]
        if offset < self._passed - len(self._window):
            self._restart()
        keep_from = min(offset, end - limits.MEMBER_WINDOW_SIZE)
        goal = end
        if self._compressed <= _FIRST_INPUT:
            # A small one whole: it costs nothing that could be measured, and shows whether the archive lies about its size.
            goal = max(end, min(self.size, limits.MEMBER_PREFIX_SIZE))
        while self._passed < goal:
            self._inflate(goal, keep_from)
        first = self._passed - len(self._window)
        with memoryview(self._window) as window:
            return bytes(window[offset - first : end - first])

    def pass_to(self, offset: int) -> None:
        """Inflate up to there, keeping nothing: whoever goes on reads behind it. Raises :class:`OSError`."""
        goal = min(offset, self.size)
        while self._passed < goal:
            self._inflate(goal, goal)

    def _restart(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # raw deflate: zip has no zlib header
        self._input = 0
        #: Bytes inflated in this pass; the window ends there.
        self._passed = 0
        self._window = bytearray()

    def _inflate(self, goal: int, keep_from: int) -> None:
        data = self._inflater.unconsumed_tail
        if not data and not self._inflater.eof:
            wanted = _INPUT if self._input else _FIRST_INPUT
            data = self._file.read(self._start + self._input, min(wanted, self._compressed - self._input))
            self._input += len(data)
        try:
            # At most what is wanted, so that no input, however well it compresses, takes more memory than the window.
            piece = self._inflater.decompress(data, min(goal - self._passed, _OUTPUT))
        except zlib.error as error:
            raise OSError(f"the archive is damaged: {error}") from None
        if not piece and (self._inflater.eof or not data):
            raise OSError(f"the archive promises {self.size} bytes, and holds {self._passed}")
        known = len(self._prefix)
        if known < limits.MEMBER_PREFIX_SIZE and self._passed <= known:
            self._prefix += piece[known - self._passed : limits.MEMBER_PREFIX_SIZE - self._passed]
        self._passed += len(piece)
        self._total += len(piece)
        if self._total > limits.MEMBER_PASSES * self.size + limits.MEMBER_PREFIX_SIZE:
            raise OSError("its contents are laid out so that reading them takes too long")
        if self._passed <= keep_from:  # nobody will ask for what was passed
            self._window = bytearray()
            return
        self._window += piece
        surplus = keep_from - (self._passed - len(self._window))
        if surplus > 0:
            del self._window[:surplus]


class _Directory(io.RawIOBase):
    """The archive as :mod:`zipfile` reads it: through the descriptor that was looked at, and no more than a directory at once.

    zipfile takes the size of the directory, and the number of its entries, from records that may lie, and there are two of
    them. Where it reads the directory is the one place that cannot be talked out of.
    """

    def __init__(self, source: FileSource) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning")
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._source.size - self._at if size is None or size < 0 else size
        if wanted > limits.ZIP_DIRECTORY_SIZE:
            raise zipfile.BadZipFile(f"its directory claims {wanted} bytes")
        content = self._source.read(self._at, wanted)
        if content.count(_ENTRY_MAGIC) > limits.ZIP_MEMBERS:
            raise zipfile.BadZipFile(f"it has more than {limits.ZIP_MEMBERS} members")
        self._at += len(content)
        return content


def _members(source: FileSource) -> list[zipfile.ZipInfo]:
    """Read the central directory."""
    tail = source.read(max(0, source.size - _END.size - _COMMENT_SIZE), _END.size + _COMMENT_SIZE)
    at = tail.rfind(_END_MAGIC)
    if at < 0 or at + _END.size > len(tail):
        raise ArchiveInvalid(_what_else(source))
    try:
        with zipfile.ZipFile(_Directory(source)) as archive:
            members = archive.infolist()
    except (*_ZIP_ERRORS, OSError) as error:
        raise ArchiveInvalid(f"a damaged zip archive: {error}") from None
    _check_overlap(members)
    return members


def _check_overlap(members: list[zipfile.ZipInfo]) -> None:
    """Members that share bytes are how a small archive inflates to petabytes."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise ArchiveInvalid(f"member {member.filename!r} overlaps another one")
        # In code page 437 each character is a byte.
        name = member.orig_filename.encode("utf-8", "surrogatepass") if member.flag_bits & _UTF8 else member.orig_filename
        end = member.header_offset + _LOCAL.size + len(name) + member.compress_size


#: What people rename to .whl, by its first bytes.
_KINDS = (
    (re.compile(rb"\x1f\x8b"), "a gzip file"),
    (re.compile(rb".{257}ustar", re.DOTALL), "a tar archive"),
    (re.compile(rb"BZh"), "a bzip2 file"),
    (re.compile(rb"\xfd7zXZ"), "an xz file"),
    (re.compile(rb"\s*<", re.DOTALL), "an HTML or XML page"),
)


def _what_else(source: FileSource) -> str:
    head = source.read(0, 512)
    if not head:
        return "the file is empty"
    if head.startswith(_LOCAL_MAGIC):
        return "a zip archive without its end: it is cut short"
    found = next((words for pattern, words in _KINDS if pattern.match(head)), None)
    return f"no zip archive, but {found}" if found else "no zip archive"
