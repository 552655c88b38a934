"""Code signatures of Mach-O slices: what the kernel and dyld would say when the code is mapped.

On Apple Silicon a slice without at least an ad-hoc signature is not mapped, and a page that differs from its hash kills the
process on first touch. Structure and the pages that hold the load commands are checked; every page on request.

Layouts are those of Apple's ``<kern/cs_blobs.h>``, and the order of the checks follows XNU's ``cs_validate_csblob``; all
numbers in a signature are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_archcheck.binaries.model import Extent, MachOSlice
    from pytest_archcheck.binaries.source import Source

SignatureKind = Literal["none", "ad-hoc", "signed", "invalid"]

_SUPER_BLOB = 0xFADE0CC0  # CSMAGIC_EMBEDDED_SIGNATURE
_CODE_DIRECTORY = 0xFADE0C02  # CSMAGIC_CODEDIRECTORY
_CMS_SLOT = 0x10000  # CSSLOT_SIGNATURESLOT: the certificate chain; empty or absent where the signature is ad hoc
_DIRECTORY_SLOTS = frozenset({0, *range(0x1000, 0x1005)})  # CSSLOT_CODEDIRECTORY, CSSLOT_ALTERNATE_CODEDIRECTORIES

_BLOB = struct.Struct(">II")  # CS_GenericBlob: magic, length
_INDEX = struct.Struct(">II")  # CS_BlobIndex: type, offset from the super blob's beginning
# The part of CS_CodeDirectory that all versions have: magic, length, version, flags, hashOffset, identOffset, nSpecialSlots,
# nCodeSlots and codeLimit of 32 bits; hashSize, hashType, platform and pageSize (its log2) of 8 bits; spare2 of 32 bits.
_DIRECTORY = struct.Struct(">9I4BI")
_SCATTER_VERSION, _SCATTER_AT = 0x20100, 44
_LIMIT_64_VERSION, _LIMIT_64_AT = 0x20300, 56

#: hashType -> (rank in the kernel's order of preference, hashSize, function).
#: CS_HASHTYPE_SHA1, CS_HASHTYPE_SHA256_TRUNCATED, CS_HASHTYPE_SHA256, CS_HASHTYPE_SHA384.
_HASHES: dict[int, tuple[int, int, Callable[[bytes | memoryview], hashlib._Hash]]] = {
    1: (1, 20, lambda data: hashlib.sha1(data, usedforsecurity=False)),
    3: (2, 20, hashlib.sha256),
    2: (3, 32, hashlib.sha256),
    4: (4, 48, hashlib.sha384),
}
_PAGE_SHIFTS = range(12, 15)  # 4 KiB to the 16 KiB of Apple Silicon; XNU refuses others

#: What is read at first: holds the super blob, the code directory's head and the first hashes of nearly every file.
_WINDOW = 4096
#: Bytes of a slice that are read with it: the largest page.
_FRONT = 1 << _PAGE_SHIFTS[-1]
_CHUNK_PAGES = 256


class Signature(NamedTuple):
    """What the signature of one slice is worth."""

    kind: SignatureKind
    #: Why it is invalid, as the end of a sentence: ``the page at byte 0 differs from its hash``.
    reason: str | None = None
    #: How many pages were compared with their hashes.
    pages: int = 0


class SignatureInvalid(ValueError):
    """The signature is refused; the message is the reason."""


class _Directory(NamedTuple):
    """The parts of a CS_CodeDirectory that are used."""

    #: Offset of the first code hash, from the signature's beginning.
    at: int
    rank: int
    hash_type: int
    hash_size: int
    slots: int
    #: Bytes of the slice that are hashed, from its beginning.
    limit: int
    shift: int
    scattered: bool


class _Blobs:
    """The signature's bytes, read when asked for."""

    __slots__ = ("head", "offset", "size", "source")

    def __init__(self, source: Source, signature: Extent, whole: Extent) -> None:
        if signature.offset < whole.offset or signature.offset + signature.size > whole.offset + whole.size:
            raise SignatureInvalid("it lies past the end of the file")
        self.source = source
        self.offset = signature.offset
        self.size = signature.size
        self.head = source.read(self.offset, min(self.size, _WINDOW))

    def read(self, offset: int, size: int) -> bytes:
        end = offset + size
        if end > self.size:
            raise SignatureInvalid("its contents reach past its own end")
        data = self.head[offset:end] if end <= len(self.head) else self.source.read(self.offset + offset, size)
        if len(data) < size:
            raise SignatureInvalid("it is cut off by the end of the file")
        return data


def read_signature(source: Source, piece: MachOSlice, front: bytes = b"", *, all_pages: bool = False) -> Signature:
    """Check the signature of one slice.

    :param source: the whole file.
    :param front: the first bytes of the slice, where they were read already.
    :param all_pages: compare every page with its hash, not only those that hold the load commands.
    """
    if piece.signature is None:
        return _NONE
    start = piece.signature.offset - piece.extent.offset
    try:
        if not front:  # before the signature, which lies at the end: what is inside a wheel can be read forwards only
            front = source.read(piece.extent.offset, min(_FRONT, max(start, 0)))
        if not all_pages:
            _pass_to(source, piece.signature.offset)
        blobs = _Blobs(source, piece.signature, piece.extent)
        directory, kind = _open(blobs)
        _check_coverage(directory, start)
        pages = 0 if directory.scattered else _check_pages(source, piece, blobs, directory, front, all_pages=all_pages)
    except SignatureInvalid as problem:
        return Signature("invalid", str(problem))
    except OSError as problem:
        return Signature("invalid", f"it cannot be read: {problem.strerror or problem}")
    return _sound(kind, pages)


#: Most slices have the same answer: one value for all of them.
_NONE = Signature("none")


@lru_cache(maxsize=64)
def _sound(kind: SignatureKind, pages: int) -> Signature:
    return Signature(kind, pages=pages)


def _pass_to(source: Source, offset: int) -> None:
    """Tell what can be inflated only from its beginning that nothing before this is asked for again."""
    pass_to = getattr(source, "pass_to", None)
    if pass_to is not None:
        pass_to(offset)


def _open(blobs: _Blobs) -> tuple[_Directory, SignatureKind]:
    """Find the code directory that the kernel would go by, and whether certificates come with it."""
    magic, length = _BLOB.unpack(blobs.read(0, 8))
    if magic == _CODE_DIRECTORY:
        return _directory(blobs, 0, length), "ad-hoc"
    if magic != _SUPER_BLOB:
        raise SignatureInvalid(f"it begins with {magic:#010x}, not with a signature's magic number")
    if length > blobs.size:
        raise SignatureInvalid(f"it claims {length} bytes, the file holds {blobs.size}")
    directories: dict[int, _Directory] = {}
    kind: SignatureKind = "ad-hoc"
    for slot, offset, size in _parts(blobs, length):
        if slot in _DIRECTORY_SLOTS:
            directory = _directory(blobs, offset, size)
            if directory.rank in directories:
                raise SignatureInvalid("it holds two code directories of one hash type")
            directories[directory.rank] = directory
        elif slot == _CMS_SLOT and size > 8:
            kind = "signed"
    if not directories:
        raise SignatureInvalid("it holds no code directory")
    return directories[max(directories)], kind


def _parts(blobs: _Blobs, length: int) -> Iterator[tuple[int, int, int]]:
    """Yield (slot, offset, size) of each blob in the super blob."""
    (count,) = struct.unpack(">I", blobs.read(8, 4))
    if count > limits.SIGNATURE_BLOBS or 12 + count * 8 > length:
        raise SignatureInvalid(f"it claims {count} parts in {length} bytes")
    for slot, offset in _INDEX.iter_unpack(blobs.read(12, count * 8)):
        size = _BLOB.unpack(blobs.read(offset, 8))[1] if offset + 8 <= length else 0
        if size < 8 or offset + size > length:
            raise SignatureInvalid("its contents reach past its own end")
        yield slot, offset, size


def _directory(blobs: _Blobs, offset: int, size: int) -> _Directory:
    if size < _DIRECTORY.size:
        raise SignatureInvalid("its code directory is cut short")
    head = blobs.read(offset, min(size, _LIMIT_64_AT + 8))
    magic, length, version, _, hashes, _, special, slots, limit, hash_size, hash_type, _, shift, _ = _DIRECTORY.unpack_from(
        head
    )
    if magic != _CODE_DIRECTORY or length > size:
        raise SignatureInvalid("its code directory is damaged")
    if hash_type not in _HASHES or _HASHES[hash_type][1] != hash_size:
        raise SignatureInvalid(f"its code directory uses hash type {hash_type} of {hash_size} bytes")
    if shift not in _PAGE_SHIFTS:
        raise SignatureInvalid(f"its code directory hashes pages of 2**{shift} bytes")
    if hashes > size or special * hash_size > hashes or slots * hash_size > size - hashes:
        raise SignatureInvalid(f"its code directory claims {slots} hashes, which reach past its end")
    if version >= _LIMIT_64_VERSION and len(head) >= _LIMIT_64_AT + 8:
        limit = struct.unpack_from(">Q", head, _LIMIT_64_AT)[0] or limit
    scattered = version >= _SCATTER_VERSION and len(head) >= _SCATTER_AT + 4 and head[_SCATTER_AT : _SCATTER_AT + 4] != bytes(4)
    return _Directory(offset + hashes, _HASHES[hash_type][0], hash_type, hash_size, slots, limit, shift, scattered)


def _check_coverage(directory: _Directory, start: int) -> None:
    """Require hashes for the slice up to the signature; dyld compares them after rounding up to whole pages."""
    page = 1 << directory.shift
    pages = -(-directory.limit // page)
    if pages * page < start:
        raise SignatureInvalid(f"it covers {directory.limit} bytes of code, the file holds {start}")
    if directory.limit > start:
        raise SignatureInvalid(f"it covers {directory.limit} bytes, past the end of the code at {start}")
    if not directory.scattered and pages > directory.slots:
        raise SignatureInvalid(f"it holds {directory.slots} hashes for {pages} pages")


def _check_pages(
    source: Source, piece: MachOSlice, blobs: _Blobs, directory: _Directory, front: bytes, *, all_pages: bool
) -> int:
    """Compare pages with their hashes; return how many."""
    page = 1 << directory.shift
    total = -(-directory.limit // page)
    if all_pages:
        count = total
    else:
        # mach_header(_64).sizeofcmds lies at 20; the commands follow the header.
        commands = int.from_bytes(front[20:24], "big" if piece.big_endian else "little")
        count = min(total, -(-min(32 + commands, limits.MACHO_COMMANDS_SIZE) // page))
    hashes = blobs.read(directory.at, count * directory.hash_size)  # all at once: they lie behind the code
    for index in range(0, count, _CHUNK_PAGES):
        wanted = min(_CHUNK_PAGES, count - index)
        begin, end = index * page, min((index + wanted) * page, directory.limit)
        code = front[begin:end] if end <= len(front) else source.read(piece.extent.offset + begin, end - begin)
        _compare(directory, index, code, hashes[index * directory.hash_size : (index + wanted) * directory.hash_size])
    return count


def _compare(directory: _Directory, index: int, code: bytes, hashes: bytes) -> None:
    """Compare consecutive pages, the first of them numbered ``index``, with their hashes."""
    digest = _HASHES[directory.hash_type][2]
    page, size = 1 << directory.shift, directory.hash_size
    view = memoryview(code)
    for number in range(len(hashes) // size):
        if digest(view[number * page : (number + 1) * page]).digest()[:size] != hashes[number * size : (number + 1) * size]:
            raise SignatureInvalid(f"the page at byte {(index + number) * page} differs from its hash")
