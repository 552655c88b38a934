"""Facts of ELF files, beside what was built, what LIEF reads, and what damaged bytes do."""

from __future__ import annotations

import random
import struct
import sys
import time
from pathlib import Path
from typing import Any

import lief
import pytest
from support import corpus, elfs, oracle
from support.sources import BytesSource

from pytest_archcheck.binaries import elf
from pytest_archcheck.binaries.elf import read_elf
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.model import ElfSlice, Extent
from pytest_archcheck.binaries.source import open_file

lief.logging.disable()
FULL: dict[str, Any] = {
    "needed": ("libc.so.6", "libm.so.6", "libgomp-a34b3233.so.1.0.0"),
    "soname": "libown.so.3",
    "versions": {"libc.so.6": ("GLIBC_2.17", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)},
}


def read(content: bytes) -> ElfSlice:
    return read_elf(BytesSource(content), content[:4096])


@pytest.mark.parametrize("arch", elfs.ARCHITECTURES)
def test_facts_are_those_that_were_written(arch: str) -> None:
    piece = read(elfs.shared(arch, runpath="$ORIGIN/../x.libs:/opt/lib", **FULL))
    assert piece.architecture == arch
    assert (piece.platform, piece.min_os, piece.elf_type, piece.loader) == ("linux", None, elf.ET_DYN, None)
    assert piece.install_name == "libown.so.3"
    assert [library.name for library in piece.libraries] == list(FULL["needed"])
    assert (piece.rpaths, piece.runpath) == (("$ORIGIN/../x.libs", "/opt/lib"), True)
    assert piece.required_versions == (("libc.so.6", "GLIBC_2.17"), ("libc.so.6", "GLIBC_2.34"), ("libm.so.6", "GLIBC_2.29"))
    _, is_64, big_endian = elfs.ARCHITECTURES[arch]
    assert (piece.is_64, piece.big_endian) == (is_64, big_endian)


def test_runpath_hides_rpath() -> None:
    both = read(elfs.shared(rpath="/inherited", runpath="/own"))
    assert (both.rpaths, both.runpath) == (("/own",), True)
    alone = read(elfs.shared(rpath="/inherited"))
    assert (alone.rpaths, alone.runpath) == (("/inherited",), False)


def test_a_program_names_its_loader() -> None:
    piece = read(elfs.executable("aarch64", interpreter="/lib/ld-linux-aarch64.so.1"))
    assert (piece.loader, piece.elf_type) == ("/lib/ld-linux-aarch64.so.1", elf.ET_EXEC)


def test_an_object_file_has_no_dynamic_section() -> None:
    piece = read(elfs.relocatable("s390x"))
    assert (piece.architecture, piece.elf_type, piece.dynamic, piece.libraries) == ("s390x", elf.ET_REL, None, ())


@pytest.mark.parametrize(("osabi", "platform"), [(0, "linux"), (3, "linux"), (9, "freebsd"), (200, "osabi-200")])
def test_platform_is_that_of_the_header(osabi: int, platform: str) -> None:
    assert read(elfs.shared(osabi=osabi)).platform == platform


@pytest.mark.parametrize(("machine", "name"), [(190, "cuda"), (224, "amdgpu"), (258, "loongarch64"), (9999, "machine-9999")])
def test_machines_of_other_kinds(machine: int, name: str) -> None:
    content = bytearray(elfs.shared())
    content[18:20] = machine.to_bytes(2, "little")
    assert read(bytes(content)).architecture == name


def test_names_that_are_no_utf8_survive() -> None:
    piece = read(elfs.shared(needed=("lib\udcff.so",)))
    assert piece.libraries[0].name.encode(errors="surrogateescape") == b"lib\xff.so"


def test_every_truncation_is_refused_with_a_reason() -> None:
    content = elfs.shared(**FULL)
    end = struct.unpack_from("<Q", content, 0x28)[0]  # e_shoff: section headers come last and are not read
    for size in range(4, end):
        with pytest.raises(ElfInvalid, match=r"past (?:the|its) end|no ELF"):
            read(content[:size])
    assert read(content[:end]) == read(content)._replace(extent=Extent(0, end))


def _outcome(content: bytes) -> str:
    try:
        read(content)
    except ElfInvalid as error:
        return str(error)
    return "read"


@pytest.mark.parametrize("arch", ["x86_64", "s390x", "armv7l"])
def test_changed_bytes_give_facts_or_a_reason(arch: str) -> None:
    content = elfs.executable(arch, runpath="$ORIGIN", **FULL)
    chance = random.Random(arch)  # noqa: S311 - test data
    outcomes = set()
    for position in range(len(content)):
        for value in (0, 0xFF, chance.randrange(256)):
            broken = bytearray(content)
            broken[position] = value
            outcomes.add(_outcome(bytes(broken)))
    assert "" not in outcomes, "a refusal without a reason"
    assert len(outcomes) > 5


def _patched(content: bytes, tag: int, value: int) -> bytes:
    """The 64-bit little-endian file with another value for one dynamic entry."""
    dynamic = read(content).dynamic
    assert dynamic is not None
    changed = bytearray(content)
    for offset in range(dynamic.offset, dynamic.offset + dynamic.size, 16):
        if struct.unpack_from("<Q", content, offset)[0] == tag:
            struct.pack_into("<Q", changed, offset + 8, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (elf.DT_STRTAB, 1 << 60, "outside of the loaded segments"),
        (elf.DT_STRSZ, 1, "outside of the string table"),
        (elf.DT_NEEDED, 1 << 40, "outside of the string table"),
        (elf.DT_VERNEED, 1 << 40, "required versions lies outside"),
    ],
)
def test_dynamic_entries_that_lead_nowhere(tag: int, value: int, reason: str) -> None:
    with pytest.raises(ElfInvalid, match=reason):
        read(_patched(elfs.shared(**FULL), tag, value))


def test_a_dynamic_section_without_end() -> None:
    content = elfs.shared()
    dynamic = read(content).dynamic
    assert dynamic is not None
    last = dynamic.offset + dynamic.size - 16
    endless = content[:last] + struct.pack("<QQ", 77, 0) + content[last + 16 :]
    with pytest.raises(ElfInvalid, match="dynamic section has no end"):
        read(endless)


def test_a_table_of_versions_that_counts_to_four_billion_is_bounded() -> None:
    content = bytearray(_patched(elfs.shared(**FULL), elf.DT_VERNEEDNUM, 1 << 32))
    at = content.index(struct.pack("<HH", 1, 2))  # vn_version 1, vn_cnt 2
    struct.pack_into("<H", content, at + 2, 0xFFFF)
    struct.pack_into("<I", content, at + 12, 8)  # vn_next: overlaps, and so on to the end of the file
    began = time.process_time()
    with pytest.raises(ElfInvalid):
        read(bytes(content))
    assert time.process_time() - began < 5


class _Counting(BytesSource):
    reads = 0

    def read(self, offset: int, size: int) -> bytes:
        self.reads += 1
        return super().read(offset, size)


class _Noting(BytesSource):
    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.offsets: list[int] = []

    def read(self, offset: int, size: int) -> bytes:
        self.offsets.append(offset)
        return super().read(offset, size)


def _with_names_at_the_end(content: bytes, names: bytes) -> bytes:
    """As patchelf leaves a file whose names have become longer; 64-bit, little-endian."""
    changed = bytearray(_patched(content, elf.DT_STRTAB, len(content)) + names)
    struct.pack_into("<QQ", changed, 64 + 32, len(changed), len(changed))  # p_filesz, p_memsz of PT_LOAD, the first one
    return bytes(changed)


@pytest.mark.parametrize("more", [0, 1 << 16], ids=["few", "many"])
def test_names_that_lie_behind_are_read_before_the_versions(more: int) -> None:
    """A member of a wheel is inflated from its beginning, up to where somebody reads."""
    content = elfs.shared(**FULL, texts=bytes(200_000))
    expected = read(content)
    begin = content.index(b"\0" + FULL["needed"][0].encode() + b"\0")
    names = content[begin : content.index(b"\0\0", begin)] + bytes(2 + more)
    source = _Noting(_with_names_at_the_end(_patched(content, elf.DT_STRSZ, len(names)), names))
    piece = read_elf(source, source.content[:256])
    assert (piece.libraries, piece.required_versions) == (expected.libraries, expected.required_versions)
    assert source.offsets == [*sorted(source.offsets[:-1]), min(source.offsets)]


def test_a_small_file_is_read_from_its_head_alone() -> None:
    content = elfs.shared(**FULL)
    source = _Counting(content)
    read_elf(source, content[:4096])
    assert source.reads == 0


def _own_modules() -> list[Path]:
    """The standard library's, from where this Python imports them: one that was moved does not lie where it was built for."""
    modules = sorted(path for folder in sys.path for path in Path(folder).glob("*.so") if Path(folder).name == "lib-dynload")
    assert len(modules) > 20
    return modules


@pytest.mark.skipif(sys.platform != "linux", reason="the files of this Python are ELF on Linux only")
def test_a_module_of_any_size_is_read_in_two_pieces_beside_its_head() -> None:
    """The dynamic section, then names with the table of versions behind them; a third read where those lie apart."""
    reads = []
    for path in _own_modules():
        source = _Counting(path.read_bytes())
        read_elf(source, source.content[:4096])
        reads.append(source.reads)
    assert max(reads) <= 3
    assert sum(reads) <= 2.2 * len(reads)


def _as_lief_reads(path: str) -> tuple[Any, ...]:
    binary: Any = lief.ELF.parse(path)
    tags = lief.ELF.DynamicEntry.TAG

    def values(tag: object, name: str) -> list[str]:
        return [getattr(entry, name) for entry in binary.dynamic_entries if entry.tag == tag]

    paths = values(tags.RUNPATH, "runpath") or values(tags.RPATH, "rpath")
    return (
        values(tags.NEEDED, "name"),
        [part for path in paths for part in path.split(":")],
        bool(values(tags.RUNPATH, "runpath")),
        next(iter(values(tags.SONAME, "name")), None),
        [(need.name, aux.name) for need in binary.symbols_version_requirement for aux in need.get_auxiliary_symbols()],
        binary.interpreter if binary.has_interpreter else None,
    )


def _as_we_read(path: str) -> tuple[Any, ...]:
    with open_file(path) as source:
        piece = read_elf(source, source.read(0, 4096))
    names = [library.name for library in piece.libraries]
    return names, list(piece.rpaths), piece.runpath, piece.install_name, list(piece.required_versions), piece.loader


@pytest.mark.skipif(sys.platform != "linux", reason="the files of this Python are ELF on Linux only")
def test_this_python_is_read_as_lief_reads_it() -> None:
    for path in [Path(sys.executable).resolve(), *_own_modules()]:
        assert _as_we_read(str(path)) == _as_lief_reads(str(path)), path


@pytest.mark.corpus
def test_a_tree_of_aarch64_wheels_is_read_as_lief_reads_it() -> None:
    files = oracle.elf_files(corpus.installed("linux-aarch64", corpus.read_pins("linux-aarch64"), "linux-aarch64"))
    assert len(files) > 300
    for path in files:
        assert _as_we_read(path) == _as_lief_reads(path), path
