"""Where a compiled file keeps its constants: all that it maps but machine code. Most of a large module is code and symbols.

Documented in Apple's ``<mach-o/loader.h>`` (segment_command_64, section_64) and the ELF specification (section headers).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.model import ElfSlice, Extent, MachOSlice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.binaries.source import Source

_HEAD = 4096  # bytes; they hold the load commands of nearly every slice
_GAP = 4096  # bytes; what lies nearer is read together

_LC_SEGMENT, _LC_SEGMENT_64 = 0x01, 0x19
_S_ATTR_PURE_INSTRUCTIONS = 0x80000000
_ZERO_FILLED = frozenset({0x01, 0x0C, 0x12})  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL
#: For exceptions: a third of the rest in C++.
_UNWINDING = frozenset(name.ljust(16, b"\0") for name in (b"__eh_frame", b"__unwind_info", b"__gcc_except_tab"))
_ELF_UNWINDING = frozenset({b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"})

_SHT_PROGBITS = 1
_SHF_ALLOC, _SHF_EXECINSTR = 0x2, 0x4


def constants_of(source: Source, binary: Binary) -> list[Extent]:
    """The parts of a file that may hold constants, in file order; all of it where its headers do not tell them apart.

    :raises OSError: the file cannot be read.
    """
    parts: list[Extent] = []
    for piece in binary.slices:
        try:
            if isinstance(piece, MachOSlice):
                found = list(_of_macho(source, piece))
            elif isinstance(piece, ElfSlice):
                found = list(_of_elf(source, piece))
            else:
                found = []
        except (struct.error, IndexError):
            found = []
        parts += found or [piece.extent]
    return list(_together(sorted(parts))) or [Extent(0, source.size)]


def _of_macho(source: Source, piece: MachOSlice) -> Iterator[Extent]:
    begin = piece.extent.offset
    order = ">" if piece.big_endian else "<"
    head = source.read(begin, _HEAD)
    count, size = struct.unpack_from(f"{order}2I", head, 16)  # ncmds, sizeofcmds
    at = 32 if piece.is_64 else 28  # sizeof(struct mach_header_64), sizeof(struct mach_header)
    if at + size > len(head):
        head = source.read(begin, at + min(size, limits.MACHO_COMMANDS_SIZE))
    # segment_command: cmd, cmdsize, segname[16], vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags
    # section: sectname[16], segname[16], addr, size, offset, align, reloff, nreloc, flags, reserved1, reserved2(, reserved3)
    kind, sections_at, numbers = (_LC_SEGMENT_64, 72, "2Q") if piece.is_64 else (_LC_SEGMENT, 56, "2I")
    section = struct.Struct(f"{order}16s16x{numbers}5I{'12x' if piece.is_64 else '8x'}")
    for _ in range(count):
        command, length = struct.unpack_from(f"{order}2I", head, at)
        if command == kind:
            (sections,) = struct.unpack_from(f"{order}I", head, at + sections_at - 8)  # nsects
            if sections_at + sections * section.size > length:  # of commands that share their sections there may be no end
                raise struct.error("a segment has no room for its sections")
            for number in range(sections):
                name, _, extent, offset, _, _, _, flags = section.unpack_from(head, at + sections_at + number * section.size)
                is_code = flags & _S_ATTR_PURE_INSTRUCTIONS
                if not is_code and flags & 0xFF not in _ZERO_FILLED and name not in _UNWINDING:
                    yield Extent(begin + offset, extent)
        at += max(length, 8)


def _of_elf(source: Source, piece: ElfSlice) -> Iterator[Extent]:
    order = ">" if piece.big_endian else "<"
    # e_shoff; e_shentsize, e_shnum and e_shstrndx
    place, sizes, number = (40, 58, "Q") if piece.is_64 else (32, 46, "I")
    head = source.read(0, 64)
    (table,) = struct.unpack_from(order + number, head, place)
    entry, count, names_in = struct.unpack_from(f"{order}3H", head, sizes)
    section = struct.Struct(
        f"{order}II{number}{number}{number}{number}"
    )  # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size
    if not table or entry != (64 if piece.is_64 else 40):  # sizeof(Elf64_Shdr), sizeof(Elf32_Shdr)
        return
    headers = source.read(table, entry * count)
    names = b""
    if names_in < count:
        *_, offset, size = section.unpack_from(headers, names_in * entry)
        names = source.read(offset, min(size, limits.SECTION_NAMES_SIZE))
    for index in range(count):
        name, kind, flags, _, offset, size = section.unpack_from(headers, index * entry)
        is_data = kind == _SHT_PROGBITS and flags & _SHF_ALLOC and not flags & _SHF_EXECINSTR
        if is_data and names[name : names.find(0, name)] not in _ELF_UNWINDING:
            yield Extent(offset, size)


def _together(parts: Iterable[Extent]) -> Iterator[Extent]:
    """Sorted parts, those that lie near each other as one."""
    begin = end = 0
    for offset, size in parts:
        if offset > end + _GAP:
            if end > begin:
                yield Extent(begin, end - begin)
            begin = offset
        elif end == begin:
            begin = offset
        end = max(end, offset + size)
    if end > begin:
        yield Extent(begin, end - begin)
