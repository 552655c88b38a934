"""Ad-hoc code signatures, as linkers write them (Apple's ``<kern/cs_blobs.h>``)."""

from __future__ import annotations

import hashlib
import struct

#: __TEXT's size, and so execSegLimit, is one such page in the files of :mod:`support.machos`.
TEXT_PAGE = 0x4000
_IDENTIFIER = b"sample\0"
_CODE_DIRECTORY = ">9I4BI3I4Q"
_SIGNED_PAGE = 12  # log2 of the bytes that each hash covers


def signature_size(code_limit: int) -> int:
    """Bytes that the signature of a file of ``code_limit`` bytes takes."""
    pages = -(-code_limit // (1 << _SIGNED_PAGE))
    return -(-(20 + struct.calcsize(_CODE_DIRECTORY) + len(_IDENTIFIER) + 32 * pages) // 16) * 16


def signature(code: bytes, *, is_executable: bool) -> bytes:
    """CS_SuperBlob that holds one CS_CodeDirectory (version 0x20400, as linkers write it); every number big-endian."""
    page = 1 << _SIGNED_PAGE
    hashes = [hashlib.sha256(code[start : start + page]).digest() for start in range(0, len(code), page)]
    ident_offset = struct.calcsize(_CODE_DIRECTORY)
    hash_offset = ident_offset + len(_IDENTIFIER)
    length = hash_offset + 32 * len(hashes)
    directory = struct.pack(
        _CODE_DIRECTORY,
        *(0xFADE0C02, length, 0x20400, 0x20002),  # magic, length, version, CS_ADHOC | CS_LINKER_SIGNED
        *(hash_offset, ident_offset, 0, len(hashes), len(code)),  # hashOffset, identOffset, special and code slots, codeLimit
        *(32, 2, 0, _SIGNED_PAGE),  # hashSize, CS_HASHTYPE_SHA256, platform, pageSize
        *(0, 0, 0, 0),  # spare2, scatterOffset, teamOffset, spare3
        *(0, 0, TEXT_PAGE, int(is_executable)),  # codeLimit64, execSegBase, execSegLimit, CS_EXECSEG_MAIN_BINARY
    )
    blob = directory + _IDENTIFIER + b"".join(hashes)
    # CS_SuperBlob: magic, length, one CS_BlobIndex of type CSSLOT_CODEDIRECTORY
    blob = struct.pack(">5I", 0xFADE0CC0, 20 + len(blob), 1, 0, 20) + blob
    return blob.ljust(signature_size(len(code)), b"\0")
