"""Signatures that hold, and signatures broken in every way that a tool or a download breaks them."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import codesign, machos
from support.sources import BytesSource
from support.tools import find_tool

from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.loader.signing import Signature, read_signature

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4096


def signatures(data: bytes, *, all_pages: bool = False) -> list[Signature]:
    source = BytesSource(data)
    return [read_signature(source, piece, all_pages=all_pages) for piece in read_macho(source, data[:4096])]


def signature(data: bytes, *, all_pages: bool = False) -> Signature:
    (only,) = signatures(data, all_pages=all_pages)
    return only


def extent(data: bytes) -> tuple[int, int]:
    """Where the signature lies, and its size."""
    (piece,) = read_macho(BytesSource(data), data[:4096])
    assert piece.signature is not None
    return piece.signature.offset, piece.signature.size


def patch(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def flip(data: bytes, offset: int) -> bytes:
    return patch(data, offset, bytes([data[offset] ^ 1]))


def patch_signature(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    """Overwrite numbers at an offset inside the signature."""
    return patch(data, extent(data)[0] + offset, struct.pack(layout, *values))


SIGNED = machos.bundle()
# Offsets in a linker's signature: the super blob's header and its one index entry take 20 bytes, the code directory follows.
DIRECTORY = 20


def test_the_linkers_signature_holds() -> None:
    assert signature(SIGNED) == Signature("ad-hoc", pages=1)
    pages = -(-extent(SIGNED)[0] // PAGE)
    assert signature(SIGNED, all_pages=True) == Signature("ad-hoc", pages=pages)
    assert pages > 1


def test_no_signature() -> None:
    assert signature(machos.bundle(signed=False)) == Signature("none")
    assert signature(machos.bundle("x86_64")) == Signature("none")


def test_slices_of_a_fat_file_are_checked_each_by_itself() -> None:
    intact = machos.fat(machos.bundle("x86_64"), SIGNED)
    assert [found.kind for found in signatures(intact, all_pages=True)] == ["none", "ad-hoc"]
    broken = machos.fat(machos.bundle("x86_64"), flip(SIGNED, 100), is_64=True)
    assert [found.kind for found in signatures(broken)] == ["none", "invalid"]


def test_load_commands_that_fill_two_pages_are_checked_whole() -> None:
    data = machos.bundle(rpaths=[f"@loader_path/{'x' * 100}{number}" for number in range(50)])
    assert signature(data) == Signature("ad-hoc", pages=2)
    assert signature(flip(data, PAGE + 100)).reason == "the page at byte 4096 differs from its hash"


def test_one_bit_in_the_first_page() -> None:
    assert signature(flip(SIGNED, 50)) == Signature("invalid", "the page at byte 0 differs from its hash")


def test_one_bit_in_another_page_is_found_only_with_all_pages() -> None:
    data = flip(SIGNED, 2 * PAGE + 5)
    assert signature(data).kind == "ad-hoc"
    assert signature(data, all_pages=True) == Signature("invalid", "the page at byte 8192 differs from its hash")


def test_an_edited_load_command() -> None:
    """What install_name_tool does after signing."""
    old, new = b"@rpath/libsample.dylib", b"@rpath/libothers.dylib"
    data = machos.dylib()
    assert data.count(old) == 1
    assert signature(data.replace(old, new)).kind == "invalid"


def test_a_file_that_is_cut_off_while_it_is_read() -> None:
    start, _ = extent(SIGNED)
    (piece,) = read_macho(BytesSource(SIGNED), SIGNED[:4096])
    for length in (start, start + 4, start + 15, start + 100):
        found = read_signature(BytesSource(SIGNED[:length]), piece)
        assert found == Signature("invalid", "it is cut off by the end of the file")


def test_a_signature_outside_its_slice() -> None:
    start, size = extent(SIGNED)
    command = struct.pack("<4I", 0x1D, 16, start, size)
    outside = SIGNED.replace(command, struct.pack("<4I", 0x1D, 16, start + 16, size))
    assert signature(outside) == Signature("invalid", "it lies past the end of the file")


def test_a_signature_overwritten_with_zeros() -> None:
    start, size = extent(SIGNED)
    assert "0x00000000" in str(signature(patch(SIGNED, start, bytes(size))).reason)


@pytest.mark.parametrize(
    ("offset", "layout", "values", "reason"),
    [
        (4, ">I", [0x7FFFFFFF], "it claims 2147483647 bytes"),
        (8, ">I", [0xFFFFFFFF], "it claims 4294967295 parts"),
        (8, ">I", [0], "it holds no code directory"),
        (16, ">I", [0xFFFFFFF0], "its contents reach past its own end"),
        (DIRECTORY, ">I", [0xFADE0C01], "its code directory is damaged"),
        (DIRECTORY + 4, ">I", [0xFFFFFFFF], "its contents reach past its own end"),
        (DIRECTORY + 4, ">I", [20], "its code directory is cut short"),
        (DIRECTORY + 16, ">I", [0xFFFFFFFF], "hashes, which reach past its end"),
        (DIRECTORY + 24, ">I", [0x01000000], "hashes, which reach past its end"),
        (DIRECTORY + 28, ">I", [0xFFFFFF], "claims 16777215 hashes"),
        (DIRECTORY + 28, ">I", [1], "it holds 1 hashes for"),
        (DIRECTORY + 36, ">B", [20], "uses hash type 2 of 20 bytes"),
        (DIRECTORY + 37, ">B", [99], "uses hash type 99"),
        (DIRECTORY + 39, ">B", [0], "hashes pages of 2**0 bytes"),
        (DIRECTORY + 39, ">B", [255], "hashes pages of 2**255 bytes"),
    ],
)
def test_lying_numbers(offset: int, layout: str, values: list[int], reason: str) -> None:
    found = signature(patch_signature(SIGNED, offset, layout, *values), all_pages=True)
    assert found.kind == "invalid"
    assert reason in str(found.reason)


def test_a_code_limit_past_the_signature() -> None:
    start, size = extent(SIGNED)
    reason = f"it covers {start + size} bytes, past the end of the code at {start}"
    assert signature(patch_signature(SIGNED, DIRECTORY + 32, ">I", start + size)) == Signature("invalid", reason)
    huge = patch_signature(SIGNED, DIRECTORY + 56, ">Q", 1 << 60)
    assert "past the end of the code" in str(signature(huge, all_pages=True).reason)


def test_a_code_limit_short_of_the_signature() -> None:
    """dyld: code signature does not cover entire file up to signature."""
    start, _ = extent(SIGNED)
    short = patch_signature(SIGNED, DIRECTORY + 32, ">I", start - 2 * PAGE)
    assert "bytes of code, the file holds" in str(signature(short).reason)


def test_random_bytes_never_raise() -> None:
    start, size = extent(SIGNED)
    for offset in range(min(size, 160)):
        for value in (0, 0x7F, 0xFF):
            assert signature(patch(SIGNED, start + offset, bytes([value])), all_pages=True).kind in {
                "ad-hoc",
                "signed",
                "invalid",
            }


# Code whose LC_CODE_SIGNATURE leaves room for any signature below.
ROOM = 4096
_START, _SIZE = extent(SIGNED)
CODE = SIGNED[:_START].replace(struct.pack("<4I", 0x1D, 16, _START, _SIZE), struct.pack("<4I", 0x1D, 16, _START, ROOM))
STRONG = codesign.signature(CODE, is_executable=False)[DIRECTORY:].rstrip(b"\0")
#: A directory of CS_HASHTYPE_SHA1, 20 bytes each; its hashes are wrong.
WEAK = patch(STRONG, 36, bytes([20, 1]))


def super_blob(*parts: tuple[int, bytes]) -> bytes:
    """Parts by their slot: 0 and 0x1000 for code directories, 0x10000 for certificates."""
    offset, index, body = 12 + 8 * len(parts), b"", b""
    for slot, part in parts:
        index += struct.pack(">II", slot, offset + len(body))
        body += part
    return struct.pack(">3I", 0xFADE0CC0, offset + len(body), len(parts)) + index + body


def signature_of(blob: bytes) -> Signature:
    return signature(CODE + blob.ljust(ROOM, b"\0"), all_pages=True)


def certificates(content: bytes) -> bytes:
    return struct.pack(">II", 0xFADE0B01, 8 + len(content)) + content


def test_the_strongest_of_several_directories_counts() -> None:
    assert signature_of(super_blob((0, WEAK), (0x1000, STRONG))).kind == "ad-hoc"
    assert signature_of(super_blob((0, STRONG), (0x1000, WEAK))).kind == "ad-hoc"
    assert signature_of(super_blob((0, WEAK))).reason == "the page at byte 0 differs from its hash"


def test_two_directories_of_one_type() -> None:
    assert signature_of(super_blob((0, STRONG), (0x1000, STRONG))).reason == "it holds two code directories of one hash type"


def test_certificates_make_the_difference_to_ad_hoc() -> None:
    assert signature_of(super_blob((0, STRONG), (0x10000, certificates(b"")))).kind == "ad-hoc"
    assert signature_of(super_blob((0, STRONG), (0x10000, certificates(b"CMS")))).kind == "signed"


def test_a_code_directory_without_a_super_blob() -> None:
    assert signature_of(STRONG).kind == "ad-hoc"


def test_lld_signs_as_expected(tmp_path: Path) -> None:
    """A file linked and signed by LLVM's linker, independent of the byte builder."""
    clang, linker = find_tool("clang"), find_tool("ld64.lld")
    (tmp_path / "a.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run([clang, "-target", "arm64-apple-macos11", "-c", "a.c", "-o", "a.o"], cwd=tmp_path, check=True)
    arguments = "-arch arm64 -platform_version macos 11.0 14.0 -dylib -undefined dynamic_lookup a.o -o a.dylib"
    subprocess.run([linker, *arguments.split()], cwd=tmp_path, check=True)
    data = (tmp_path / "a.dylib").read_bytes()
    assert signature(data, all_pages=True).kind == "ad-hoc"
    assert signature(flip(data, 60)).kind == "invalid"
