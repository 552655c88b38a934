"""Walk the load commands of one Mach-O slice and keep what rules need.

Layouts come from :mod:`macholib.mach_o`; what the fields mean is documented in Apple's ``<mach-o/loader.h>``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from macholib import mach_o

from pytest_archcheck.binaries.model import Extent, LinkedLibrary, LinkKind, SymbolTable

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

#: What unpacks a command's fields after cmd and cmdsize, as macholib lays them out.
Fields = Callable[[bytes], tuple[Any, ...]]

_SHORT = 512  # bytes
_PREFIX = 8  # struct load_command: cmd, cmdsize


class MachOInvalid(ValueError):
    """The file is no Mach-O that dyld would load; the message says why."""


class LoadCommands:
    """What is gathered while the load commands are walked."""

    min_os: str | None = None
    sdk: str | None = None
    install_name: str | None = None
    has_uuid = False
    signature: Extent | None = None
    symbol_table: SymbolTable | None = None
    exports: Extent | None = None

    def __init__(self, extent: Extent, order: str, *, is_64: bool, is_mapped: bool) -> None:
        """Take the slice that they belong to: file offsets in them count from its beginning.

        :param is_mapped: whether dyld maps files of this type, so that every segment must lie in the file.
        """
        self.extent = extent
        self.order = order
        self.is_64 = is_64
        self.is_mapped = is_mapped
        self.platforms: list[str] = []
        self.libraries: list[LinkedLibrary] = []
        self.rpaths: list[str] = []

    def walk(self, data: bytes, count: int) -> None:
        """Read the commands that rules need; the others are stepped over, known or not.

        :param data: all load commands of the slice, without the header.
        :raises MachOInvalid: sizes or strings that cannot be.
        """
        readers, prefix = _READERS[self.order], _PREFIXES[self.order]
        offset, end = 0, len(data)
        for _ in range(count):
            if offset + _PREFIX > end:
                raise MachOInvalid("the load commands are cut short")
            cmd, size = prefix(data, offset)
            following = offset + size
            if size < _PREFIX or following > end:
                raise MachOInvalid(f"load command {cmd:#x} has a size of {size} bytes")
            if known := readers.get(cmd):
                read, least, fields = known
                if size < least:
                    raise MachOInvalid(f"load command {cmd:#x} is too short")
                read(self, data[offset:following], fields)
            offset = following


# Readers of one load command each: what is gathered, the command's bytes, what unpacks its fields.


def _segment(found: LoadCommands, command: bytes, fields: Fields) -> None:
    """dyld refuses a segment that reaches past the end of the file."""
    start, length = fields(command)
    beyond = start + length - found.extent.size
    if beyond > 0 and found.is_mapped:
        name = command[_PREFIX : _PREFIX + 16].rstrip(b"\0").decode("ascii", "backslashreplace")  # segname
        raise MachOInvalid(f"the file is cut short: segment {name} ends {beyond} bytes past its end")


def _dylib(found: LoadCommands, command: bytes, _fields: Fields) -> None:
    known = _linked if len(command) <= _SHORT else _linked.__wrapped__  # none is remembered that takes much room
    found.libraries.append(known(command, found.order))


@lru_cache(maxsize=1 << 12)
def _linked(command: bytes, order: str) -> LinkedLibrary:
    """The library that a load command names: the files of an environment link to the same few hundred by the same bytes."""
    cmd, _, name_offset, timestamp = struct.unpack_from(order + "4I", command)
    kind = _LINKS[cmd]
    if timestamp == _DYLIB_USE_MARKER and name_offset == 28 and len(command) >= 28:
        (flags,) = struct.unpack_from(order + "I", command, 24)
        kind = next((meant for bit, meant in _DYLIB_USE_KINDS if flags & bit), kind)
    return LinkedLibrary(_string(command, name_offset), kind)


def _install_name(found: LoadCommands, command: bytes, fields: Fields) -> None:
    found.install_name = _string(command, fields(command)[0])


def _rpath(found: LoadCommands, command: bytes, fields: Fields) -> None:
    known = _same_string if len(command) <= _SHORT else _string
    found.rpaths.append(known(command, fields(command)[0]))


def _build_version(found: LoadCommands, command: bytes, fields: Fields) -> None:
    platform, min_os, sdk, _ = fields(command)
    _platform(found, _PLATFORMS.get(platform) or f"platform-{platform}", min_os, sdk)


def _version_min(platform: str) -> _Reader:
    return lambda found, command, fields: _platform(found, platform, *fields(command))


def _platform(found: LoadCommands, platform: str, min_os: int, sdk: int) -> None:
    if platform == "macos" or not found.platforms:
        found.min_os, found.sdk = _version(min_os), _version(sdk)
    found.platforms.append(platform)


def _uuid(found: LoadCommands, _command: bytes, _fields: Fields) -> None:
    found.has_uuid = True


def _signature(found: LoadCommands, command: bytes, fields: Fields) -> None:
    offset, size = fields(command)
    found.signature = Extent(found.extent.offset + offset, size)


def _exports_trie(found: LoadCommands, command: bytes, fields: Fields) -> None:
    offset, size = fields(command)
    found.exports = Extent(found.extent.offset + offset, size)


def _exports_info(found: LoadCommands, command: bytes, fields: Fields) -> None:
    offset, size = fields(command)[8:10]  # export_off, export_size
    if size:
        found.exports = Extent(found.extent.offset + offset, size)


def _symbol_table(found: LoadCommands, command: bytes, fields: Fields) -> None:
    symbols, count, strings, size = fields(command)
    entry = 16 if found.is_64 else 12  # sizeof(struct nlist_64), sizeof(struct nlist): <mach-o/nlist.h>
    begin = found.extent.offset
    found.symbol_table = SymbolTable(Extent(begin + symbols, count * entry), Extent(begin + strings, size))


def _string(command: bytes, offset: int) -> str:
    """An lc_str: an offset from the command's beginning to bytes that end at NUL or with the command."""
    if offset < _PREFIX or offset > len(command):
        raise MachOInvalid("a load command's string lies outside it")
    terminator = command.find(b"\0", offset)
    return command[offset : terminator if terminator >= 0 else None].decode("utf-8", "surrogateescape")


#: The same for those that many files have: each is made once.
_same_string = lru_cache(maxsize=1 << 10)(_string)


@lru_cache(maxsize=1 << 10)
def _version(packed: int) -> str | None:
    """``xxxx.yy.zz`` in nibbles: 0x000E0200 is 14.2; the third part is named only where it is not zero."""
    if packed == 0:
        return None
    major, minor, patch = packed >> 16, packed >> 8 & 0xFF, packed & 0xFF
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


_Reader = Callable[[LoadCommands, bytes, Fields], None]
#: cmd -> reader, and layout of its fields. Of segments fileoff and filesize matter, which follow segname, vmaddr and vmsize.
_COMMANDS: dict[int, tuple[_Reader, str]] = {
    mach_o.LC_SEGMENT: (_segment, "24x2I"),
    mach_o.LC_SEGMENT_64: (_segment, "32x2Q"),
    **dict.fromkeys(_LINKS, (_dylib, mach_o.dylib_command._format_)),
    mach_o.LC_ID_DYLIB: (_install_name, mach_o.dylib_command._format_),
    **{cmd: (_version_min(name), mach_o.version_min_command._format_) for cmd, name in _VERSION_MIN.items()},
    mach_o.LC_BUILD_VERSION: (_build_version, mach_o.build_version_command._format_),
    mach_o.LC_RPATH: (_rpath, mach_o.rpath_command._format_),
    mach_o.LC_UUID: (_uuid, mach_o.uuid_command._format_),
    mach_o.LC_CODE_SIGNATURE: (_signature, mach_o.linkedit_data_command._format_),
    mach_o.LC_DYLD_EXPORTS_TRIE: (_exports_trie, mach_o.linkedit_data_command._format_),
    **dict.fromkeys((mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY), (_exports_info, mach_o.dyld_info_command._format_)),
    mach_o.LC_SYMTAB: (_symbol_table, mach_o.symtab_command._format_),
}
#: What a command's size must be at least where its layout does not say it: sizeof(struct segment_command(_64)).
_LEAST = {mach_o.LC_SEGMENT: 56, mach_o.LC_SEGMENT_64: 72}
#: Byte order -> cmd -> (reader, least cmdsize, what unpacks its fields).
_READERS = {
    order: {
        cmd: (read, _LEAST.get(cmd, layout.size), layout.unpack_from)
        for cmd, (read, layout) in (
            (cmd, (read, struct.Struct(f"{order}{_PREFIX}x{fields}"))) for cmd, (read, fields) in _COMMANDS.items()
        )
    }
    for order in "<>"
}
#: Byte order -> what unpacks cmd and cmdsize.
_PREFIXES = {order: struct.Struct(f"{order}2I").unpack_from for order in "<>"}
