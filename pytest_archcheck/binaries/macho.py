"""Read Mach-O files: thin, fat and fat64, any byte order, headers and load commands (:mod:`.load_commands`) only.

What the bytes mean comes from :mod:`macholib.mach_o`: its structures carry :mod:`struct` formats, which are unpacked here
directly. ``macholib.MachO`` itself reads every section, that is the whole file, and trusts counts that a hostile file makes up.

Documented in Apple's ``<mach-o/loader.h>``, ``<mach-o/fat.h>`` and ``<mach/machine.h>``.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from macholib import mach_o

from pytest_archcheck import limits
from pytest_archcheck.binaries.load_commands import LoadCommands, MachOInvalid
from pytest_archcheck.binaries.model import Extent, MachOSlice

if TYPE_CHECKING:
    from pytest_archcheck.binaries.source import Source

#: Thin magics as they lie in the file -> (byte order for struct, 64 bit).
_MAGICS = {
    struct.pack(order + "I", magic): (order, magic == mach_o.MH_MAGIC_64)
    for order in "<>"
    for magic in (mach_o.MH_MAGIC, mach_o.MH_MAGIC_64)
}
_FAT_MAGIC = struct.pack(">I", mach_o.FAT_MAGIC)
_FAT_MAGIC_64 = struct.pack(">I", mach_o.FAT_MAGIC_64)
#: The first four bytes of every file that this module reads; FAT_MAGIC is also that of a Java class.
MAGICS = frozenset({*_MAGICS, _FAT_MAGIC, _FAT_MAGIC_64})
#: Static archives: a fat file may hold them instead of images.
_ARCHIVE_MAGIC = b"!<arch>\n"

# <mach/machine.h>. The upper byte of a cpusubtype holds capability bits (arm64e's pointer authentication version).
_SUBTYPE_MASK = 0x00FFFFFF
_CPU_TYPE_ARM64 = 0x0100000C
_CPU_TYPES = {
    7: "i386",
    0x01000007: "x86_64",
    12: "arm",
    _CPU_TYPE_ARM64: "arm64",
    0x0200000C: "arm64_32",
    18: "ppc",
    0x01000012: "ppc64",
}
_CPU_SUBTYPES = {
    (_CPU_TYPE_ARM64, 2): "arm64e",
    (0x01000007, 8): "x86_64h",
    (12, 6): "armv6",
    (12, 9): "armv7",
    (12, 11): "armv7s",
    (12, 12): "armv7k",
}

#: Types of files that dyld maps.
_MAPPED = frozenset({mach_o.MH_EXECUTE, mach_o.MH_DYLIB, mach_o.MH_BUNDLE, mach_o.MH_DYLINKER})

_HEADERS = {
    (order, is_64): struct.Struct(order + (mach_o.mach_header_64 if is_64 else mach_o.mach_header)._format_)
    for order in "<>"
    for is_64 in (False, True)
}


def is_java_class(head: bytes) -> bool:
    """Tell a Java class from a fat Mach-O: both begin with 0xCAFEBABE.

    In a class the next four bytes are its minor and major version (45 or more); in a fat file they count the slices and a
    cputype follows.
    """
    if head[:4] != _FAT_MAGIC or len(head) < 12:
        return False
    count, cputype = struct.unpack_from(">Ii", head, 4)
    return cputype not in _CPU_TYPES and 45 <= count & 0xFFFF < 256


def read_macho(source: Source, head: bytes) -> tuple[MachOSlice, ...]:
    """Read every slice.

    :param head: the first bytes of the file; 4 KiB hold all load commands of nearly every slice.
    :raises MachOInvalid: with the reason.
    :raises OSError: the file cannot be read.
    """
    magic = head[:4]
    if magic in _MAGICS:
        return (_read_slice(source, head, Extent(0, source.size)),)
    slices = []
    for cputype, cpusubtype, extent in _fat_table(source, head):
        promised = _architecture(cputype, cpusubtype)
        first = source.read(extent.offset, 4096)
        if first[:8] == _ARCHIVE_MAGIC:
            slices.append(_archive(promised, extent))
            continue
        piece = _read_slice(source, first, extent)
        if piece.architecture != promised:
            raise MachOInvalid(f"the fat header promises {promised}, the slice itself is {piece.architecture}")
        slices.append(piece)
    return tuple(slices)


def _fat_table(source: Source, head: bytes) -> list[tuple[int, int, Extent]]:
    """The entries of a fat header, always big-endian, checked as dyld's FatFile does: inside the file, no overlap."""
    layout = mach_o.fat_arch64 if head[:4] == _FAT_MAGIC_64 else mach_o.fat_arch
    entry = struct.Struct(">" + layout._format_)
    if len(head) < 8:
        raise MachOInvalid("the file ends inside its fat header")
    (count,) = struct.unpack_from(">I", head, 4)
    if count == 0:
        raise MachOInvalid("a fat file with no slices")
    if count > limits.FAT_SLICES:
        raise MachOInvalid(f"the fat header counts {count} slices")
    if len(head) < 8 + count * entry.size:
        raise MachOInvalid("the file ends inside its fat header")
    table = []
    for index in range(count):
        cputype, cpusubtype, offset, size = entry.unpack_from(head, 8 + index * entry.size)[:4]
        if size == 0 or offset + size > source.size:
            raise MachOInvalid(f"slice {_architecture(cputype, cpusubtype)} lies past the end of the file")
        table.append((cputype, cpusubtype, Extent(offset, size)))
    ordered = sorted(extent.offset for _, _, extent in table)
    ends = sorted(extent.offset + extent.size for _, _, extent in table)
    if ordered[0] < 8 + count * entry.size or any(start < end for start, end in zip(ordered[1:], ends, strict=False)):
        raise MachOInvalid("slices overlap")
    return table


def _architecture(cputype: int, cpusubtype: int) -> str:
    known = _CPU_SUBTYPES.get((cputype, cpusubtype & _SUBTYPE_MASK)) or _CPU_TYPES.get(cputype)
    return known or f"cputype-{cputype & 0xFFFFFFFF:#x}"


def _archive(architecture: str, extent: Extent) -> MachOSlice:
    """A slice that is a static archive: nothing loads it, so only its architecture is of interest."""
    return MachOSlice(
        architecture=architecture, platform="macos", min_os=None, install_name=None, libraries=(), rpaths=(), extent=extent,
        filetype=mach_o.MH_OBJECT, flags=0, is_64=True, big_endian=False, sdk=None, has_uuid=False, signature=None,
        symbol_table=None, exports=None,
    )  # fmt: skip


def _read_slice(source: Source, head: bytes, extent: Extent) -> MachOSlice:
    try:
        order, is_64 = _MAGICS[head[:4]]
    except KeyError:
        raise MachOInvalid("a slice of the fat file is no Mach-O image") from None
    header = _HEADERS[order, is_64]
    start = header.size
    if len(head) < start or extent.size < start:
        raise MachOInvalid("the file ends inside its Mach-O header")
    _, cputype, cpusubtype, filetype, count, size, flags = header.unpack_from(head)[:7]
    if size > limits.MACHO_COMMANDS_SIZE or count * 8 > size:
        raise MachOInvalid(f"the header claims {count} load commands in {size} bytes")
    if start + size > extent.size:
        raise MachOInvalid("the file ends inside its load commands")
    if start + size > len(head):
        head = source.read(extent.offset, start + size)
        if len(head) < start + size:
            raise MachOInvalid("the file ends inside its load commands")
    commands = LoadCommands(extent, order, is_64=is_64, is_mapped=filetype in _MAPPED)
    commands.walk(head[start : start + size], count)
    return MachOSlice(
        architecture=_architecture(cputype, cpusubtype),
        # A file built for macOS and Catalyst at once ("zippered") names both. One that names none predates the commands.
        platform="macos" if "macos" in commands.platforms or not commands.platforms else commands.platforms[0],
        min_os=commands.min_os,
        install_name=commands.install_name,
        libraries=tuple(commands.libraries),
        rpaths=tuple(commands.rpaths),
        extent=extent,
        filetype=filetype,
        flags=flags,
        is_64=is_64,
        big_endian=order == ">",
        sdk=commands.sdk,
        has_uuid=commands.has_uuid,
        signature=commands.signature,
        symbol_table=commands.symbol_table,
        exports=commands.exports,
    )
