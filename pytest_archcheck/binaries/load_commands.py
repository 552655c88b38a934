"""Walk the load commands of one Mach-O slice and keep what rules need.

Layouts come from :mod:`macholib.mach_o`; what the fields mean is documented in Apple's ``<mach-o/loader.h>``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from macholib import mach_o

from pytest_archcheck.binaries.model import Extent, LinkedLibrary, LinkKind, SymbolTable

if TYPE_CHECKING:
    from collections.abc import Callable

#: LC_BUILD_VERSION's platform (macholib names only the first nine).
_PLATFORMS = {
    1: "macos",
    2: "ios",
    3: "tvos",
    4: "watchos",
    5: "bridgeos",
    6: "mac-catalyst",
    7: "ios-simulator",
    8: "tvos-simulator",
    9: "watchos-simulator",
    10: "driverkit",
    11: "visionos",
    12: "visionos-simulator",
}
_VERSION_MIN = {
    mach_o.LC_VERSION_MIN_MACOSX: "macos",
    mach_o.LC_VERSION_MIN_IPHONEOS: "ios",
    mach_o.LC_VERSION_MIN_TVOS: "tvos",
    mach_o.LC_VERSION_MIN_WATCHOS: "watchos",
}
_LINKS: dict[int, LinkKind] = {
    mach_o.LC_LOAD_DYLIB: "regular",
    mach_o.LC_LOAD_WEAK_DYLIB: "weak",
    mach_o.LC_REEXPORT_DYLIB: "reexport",
    mach_o.LC_LOAD_UPWARD_DYLIB: "upward",
    mach_o.LC_LAZY_LOAD_DYLIB: "lazy",
}
# dylib_use_command (Xcode 16): a dylib_command whose timestamp is this marker carries flags after it.
_DYLIB_USE_MARKER = 0x1A741800
_DYLIB_USE_KINDS: tuple[tuple[int, LinkKind], ...] = ((0x01, "weak"), (0x02, "reexport"), (0x04, "upward"), (0x08, "lazy"))

#: A command's fields after cmd and cmdsize, as macholib lays them out.
Fields = tuple[Any, ...]

_SHORT = 512  # bytes
_PREFIX = 8  # struct load_command: cmd, cmdsize


class MachOInvalid(ValueError):
    """The file is no Mach-O that dyld would load; the message says why."""


@dataclass(slots=True)
class LoadCommands:
    """What is gathered while the load commands are walked."""

    #: The slice that they belong to: file offsets in them count from its beginning.
    extent: Extent
    order: str
    is_64: bool
    #: Whether dyld maps files of this type, so that every segment must lie in the file.
    is_mapped: bool
    platforms: list[str] = field(default_factory=list)
    min_os: str | None = None
    sdk: str | None = None
    install_name: str | None = None
    libraries: list[LinkedLibrary] = field(default_factory=list)
    rpaths: list[str] = field(default_factory=list)
    has_uuid: bool = False
    signature: Extent | None = None
    symbol_table: SymbolTable | None = None
    exports: Extent | None = None

    def walk(self, data: bytes, count: int) -> None:
        """Read the commands that rules need; the others are stepped over, known or not.

        :param data: all load commands of the slice, without the header.
        :raises MachOInvalid: sizes or strings that cannot be.
        """
        readers = _READERS[self.order]
        command = _EACH[self.order]
        end = len(data)
        data += _ROOM
        is_mapped, size_of_file = self.is_mapped, self.extent.size
        offset = 0
        for _ in range(count):
            if offset + _PREFIX > end:
                raise MachOInvalid("the load commands are cut short")
            cmd, size, start, length = command(data, offset)
            if size < _PREFIX or offset + size > end:
                raise MachOInvalid(f"load command {cmd:#x} has a size of {size} bytes")
            if cmd == mach_o.LC_SEGMENT_64:
                if size < _SEGMENT_64:
                    raise MachOInvalid(f"load command {cmd:#x} is too short")
                if is_mapped and start + length > size_of_file:
                    raise _cut_short(data, offset, start + length - size_of_file)
            elif known := readers.get(cmd):
                read, least, fields = known
                if size < least:
                    raise MachOInvalid(f"load command {cmd:#x} is too short")
                read(self, cmd, fields(data, offset + _PREFIX), data, offset, offset + size)
            offset += size


def _cut_short(data: bytes, offset: int, beyond: int) -> MachOInvalid:
    """dyld refuses a segment that reaches past the end of the file."""
    name = data[offset + _PREFIX : offset + _PREFIX + 16].rstrip(b"\0").decode("ascii", "backslashreplace")  # segname
    return MachOInvalid(f"the file is cut short: segment {name} ends {beyond} bytes past its end")


# Readers of one load command each: what is gathered, cmd, its fields without cmd and cmdsize, all commands, where it begins and
# ends in them.


def _segment(found: LoadCommands, _cmd: int, fields: Fields, data: bytes, start: int, _end: int) -> None:
    beyond = fields[3] + fields[4] - found.extent.size  # fileoff, filesize
    if beyond > 0 and found.is_mapped:
        raise _cut_short(data, start, beyond)


def _dylib(found: LoadCommands, _cmd: int, _fields: Fields, data: bytes, start: int, end: int) -> None:
    known = _linked if end - start <= _SHORT else _linked.__wrapped__  # none is remembered that takes much room
    found.libraries.append(known(data[start:end], found.order))


@lru_cache(maxsize=1 << 12)
def _linked(command: bytes, order: str) -> LinkedLibrary:
    """The library that a load command names: the files of an environment link to the same few hundred by the same bytes."""
    cmd, _, name_offset, timestamp = struct.unpack_from(order + "4I", command)
    kind = _LINKS[cmd]
    if timestamp == _DYLIB_USE_MARKER and name_offset == 28 and len(command) >= 28:
        (flags,) = struct.unpack_from(order + "I", command, 24)
        kind = next((meant for bit, meant in _DYLIB_USE_KINDS if flags & bit), kind)
    return LinkedLibrary(_string(command, name_offset, 0, len(command)), kind)


def _install_name(found: LoadCommands, _cmd: int, fields: Fields, data: bytes, start: int, end: int) -> None:
    found.install_name = _string(data, fields[0], start, end)


def _rpath(found: LoadCommands, _cmd: int, fields: Fields, data: bytes, start: int, end: int) -> None:
    found.rpaths.append(_string(data, fields[0], start, end))


def _build_version(found: LoadCommands, _cmd: int, fields: Fields, *_: object) -> None:
    platform, min_os, sdk, _ = fields
    _platform(found, _PLATFORMS.get(platform, f"platform-{platform}"), min_os, sdk)


def _version_min(found: LoadCommands, cmd: int, fields: Fields, *_: object) -> None:
    _platform(found, _VERSION_MIN[cmd], *fields)


def _platform(found: LoadCommands, platform: str, min_os: int, sdk: int) -> None:
    if platform == "macos" or not found.platforms:
        found.min_os, found.sdk = _version(min_os), _version(sdk)
    found.platforms.append(platform)


def _uuid(found: LoadCommands, _cmd: int, *_: object) -> None:
    found.has_uuid = True


def _signature(found: LoadCommands, _cmd: int, fields: Fields, *_: object) -> None:
    found.signature = _extent(found, *fields)


def _exports_trie(found: LoadCommands, _cmd: int, fields: Fields, *_: object) -> None:
    found.exports = _extent(found, *fields)


def _exports_info(found: LoadCommands, _cmd: int, fields: Fields, *_: object) -> None:
    offset, size = fields[8:10]  # export_off, export_size
    if size:
        found.exports = _extent(found, offset, size)


def _symbol_table(found: LoadCommands, _cmd: int, fields: Fields, *_: object) -> None:
    symbols, count, strings, size = fields
    entry = 16 if found.is_64 else 12  # sizeof(struct nlist_64), sizeof(struct nlist): <mach-o/nlist.h>
    found.symbol_table = SymbolTable(symbols=_extent(found, symbols, count * entry), strings=_extent(found, strings, size))


def _extent(found: LoadCommands, offset: int, size: int) -> Extent:
    return Extent(found.extent.offset + offset, size)


def _string(data: bytes, offset: int, start: int, end: int) -> str:
    """An lc_str: an offset from the command's beginning to bytes that end at NUL or with the command."""
    if offset < _PREFIX or offset > end - start:
        raise MachOInvalid("a load command's string lies outside it")
    terminator = data.find(b"\0", start + offset, end)
    return data[start + offset : terminator if terminator >= 0 else end].decode("utf-8", "surrogateescape")


def _version(packed: int) -> str | None:
    """``xxxx.yy.zz`` in nibbles: 0x000E0200 is 14.2; the third part is named only where it is not zero."""
    if packed == 0:
        return None
    major, minor, patch = packed >> 16, packed >> 8 & 0xFF, packed & 0xFF
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


_COMMANDS: dict[int, tuple[Callable[..., None], Any]] = {
    mach_o.LC_SEGMENT: (_segment, mach_o.segment_command),
    **dict.fromkeys(_LINKS, (_dylib, mach_o.dylib_command)),
    mach_o.LC_ID_DYLIB: (_install_name, mach_o.dylib_command),
    **dict.fromkeys(_VERSION_MIN, (_version_min, mach_o.version_min_command)),
    mach_o.LC_BUILD_VERSION: (_build_version, mach_o.build_version_command),
    mach_o.LC_RPATH: (_rpath, mach_o.rpath_command),
    mach_o.LC_UUID: (_uuid, mach_o.uuid_command),
    mach_o.LC_CODE_SIGNATURE: (_signature, mach_o.linkedit_data_command),
    mach_o.LC_DYLD_EXPORTS_TRIE: (_exports_trie, mach_o.linkedit_data_command),
    **dict.fromkeys((mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY), (_exports_info, mach_o.dyld_info_command)),
    mach_o.LC_SYMTAB: (_symbol_table, mach_o.symtab_command),
}
#: Byte order -> cmd -> (reader, least cmdsize, what unpacks its fields).
_READERS = {
    order: {
        cmd: (read, _PREFIX + layout.size, layout.unpack_from)
        for cmd, (read, layout) in (
            (cmd, (read, struct.Struct(order + kind._format_))) for cmd, (read, kind) in _COMMANDS.items()
        )
    }
    for order in "<>"
}
#: cmd and cmdsize of each command, and what is fileoff and filesize if it is a segment_command_64, as many are.
_EACH = {order: struct.Struct(order + "II32xQQ").unpack_from for order in "<>"}
_SEGMENT_64 = 72  # sizeof(struct segment_command_64)
#: Stands behind the last command, which may be shorter than what is unpacked.
_ROOM = bytes(64)
