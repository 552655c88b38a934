"""A byte builder of Mach-O files: as little as dyld, LLVM and LIEF ask for, from the standard library alone.

``bundle()``, ``dylib()``, ``executable()``, ``relocatable()`` and ``dsym()`` return the bytes of one thin file, ``fat()`` joins
several. Names and numbers are those of Apple's ``<mach-o/loader.h>``, ``<mach-o/fat.h>`` and ``<kern/cs_blobs.h>``.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from support.codesign import signature, signature_size
from support.tries import export_trie

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FileType = Literal["object", "executable", "dylib", "bundle", "dsym"]

#: name: (cputype, cpusubtype). 0x01000000: 64 bits, 0x02000000: 64 bits with 32-bit pointers, 0x80000000: a capability bit.
ARCHITECTURES = {
    "arm64": (0x0100000C, 0),
    "arm64e": (0x0100000C, 0x80000002),
    "arm64_32": (0x0200000C, 1),
    "armv7": (12, 9),
    "x86_64": (0x01000007, 3),
    "x86_64h": (0x01000007, 8),
    "i386": (7, 3),
    "ppc": (18, 0),
    "ppc64": (0x01000012, 0),
}
#: PLATFORM_* of LC_BUILD_VERSION.
PLATFORMS = {
    "macos": 1,
    "ios": 2,
    "tvos": 3,
    "watchos": 4,
    "maccatalyst": 6,
    "iossimulator": 7,
    "driverkit": 10,
    "visionos": 11,
}
FILE_TYPES: dict[FileType, int] = {"object": 1, "executable": 2, "dylib": 6, "bundle": 8, "dsym": 10}
#: LC_VERSION_MIN_*, the older way of saying platform and versions.
_VERSION_MIN = {"macos": 0x24, "ios": 0x25, "tvos": 0x2F, "watchos": 0x30}
#: LC_LOAD_DYLIB and its kin; the high bit is LC_REQ_DYLD.
_LOAD_DYLIB = {"regular": 0xC, "weak": 0x80000018, "reexport": 0x8000001F, "upward": 0x80000023, "lazy": 0x20}
_PAGE = 0x4000

LIBSYSTEM = "/usr/lib/libSystem.B.dylib"


@dataclass(frozen=True, kw_only=True)
class Image:
    """What one thin file says about itself; ``bytes(image)`` is the file."""

    filetype: FileType = "bundle"
    arch: str = "arm64"
    platform: str = "macos"
    #: ``"build"``: LC_BUILD_VERSION; ``"min"``: LC_VERSION_MIN_*; ``None``: neither.
    version_command: Literal["build", "min"] | None = "build"
    minos: str = "11.0"
    sdk: str = "14.0"
    #: LC_ID_DYLIB.
    install_name: str | None = None
    #: A name, or (name, kind) with a kind of ``_LOAD_DYLIB``, in load order: ordinal 1 is the first.
    libraries: Sequence[str | tuple[str, str]] = (LIBSYSTEM,)
    rpaths: Sequence[str] = ()
    uuid: bool = True
    #: Ad-hoc code signature; ``None``: as linkers do, for arm64 code only.
    signed: bool | None = None
    exports: Sequence[str] = ()
    #: exported name: (ordinal of the library that really has it, its name there).
    reexports: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    #: Which load command tells where the export trie lies.
    trie_command: Literal["exports-trie", "dyld-info"] = "exports-trie"
    #: A name (from library 1), or (name, library ordinal, weak reference); 0xFE is a flat look-up.
    undefined: Sequence[str | tuple[str, int, bool]] = ()
    #: What the section __text holds.
    code: bytes = bytes(16)
    #: mach_header.flags; MH_NOUNDEFS, MH_DYLDLINK and MH_TWOLEVEL by default.
    flags: int = 0x85
    #: Complete raw load commands to append.
    commands: Sequence[bytes] = ()

    def __bytes__(self) -> bytes:
        data = _unsigned(self)
        if not _is_signed(self):
            return data
        return data + signature(data, is_executable=self.filetype == "executable")


def bundle(arch: str = "arm64", **facts: Any) -> bytes:
    """MH_BUNDLE: a Python extension module."""
    return bytes(Image(filetype="bundle", arch=arch, **facts))


def dylib(arch: str = "arm64", install_name: str = "@rpath/libsample.dylib", **facts: Any) -> bytes:
    """MH_DYLIB: a shared library."""
    return bytes(Image(filetype="dylib", arch=arch, install_name=install_name, **facts))


def executable(arch: str = "arm64", **facts: Any) -> bytes:
    """MH_EXECUTE: a program."""
    return bytes(Image(filetype="executable", arch=arch, **facts))


def relocatable(arch: str = "arm64", **facts: Any) -> bytes:
    """MH_OBJECT: a compiler's ``.o`` file; links nothing and is never signed."""
    plain: dict[str, Any] = {"libraries": (), "uuid": False, "signed": False, "flags": 0}
    return bytes(Image(filetype="object", arch=arch, **(plain | facts)))


def dsym(arch: str = "arm64", **facts: Any) -> bytes:
    """MH_DSYM: debug symbols; looks like a library and is never loaded."""
    plain: dict[str, Any] = {"libraries": (), "signed": False, "flags": 0}
    return bytes(Image(filetype="dsym", arch=arch, **(plain | facts)))


def fat(*slices: bytes, is_64: bool = False, align: int = 14) -> bytes:
    """Join thin files: FAT_MAGIC, or FAT_MAGIC_64 with 64-bit offsets; slices begin at multiples of ``1 << align``."""
    # fat_arch: cputype, cpusubtype, offset, size, align; fat_arch_64 ends with a reserved word. All big-endian.
    entry = ">IIQQII" if is_64 else ">IIIII"
    offset = 8 + len(slices) * struct.calcsize(entry)
    table, body = b"", b""
    for piece in slices:
        start = _round(offset + len(body), 1 << align)
        body += bytes(start - offset - len(body)) + piece
        cputype, cpusubtype = struct.unpack_from(_endian(piece) + "II", piece, 4)
        table += struct.pack(entry, cputype, cpusubtype, start, len(piece), align, *([0] if is_64 else []))
    return struct.pack(">II", 0xCAFEBABF if is_64 else 0xCAFEBABE, len(slices)) + table + body


def _endian(thin: bytes) -> str:
    return ">" if thin[:3] == b"\xfe\xed\xfa" else "<"


def _order(image: Image) -> str:
    return ">" if image.arch.startswith("ppc") else "<"


def _is_64(image: Image) -> bool:
    return bool(ARCHITECTURES[image.arch][0] & 0x01000000)


def _is_signed(image: Image) -> bool:
    return image.arch.startswith("arm64") if image.signed is None else image.signed


def _round(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _version(text: str) -> int:
    """``11.3.1``: nibbles xxxx.yy.zz."""
    major, minor, patch = ([int(part) for part in text.split(".")] + [0, 0])[:3]
    return major << 16 | minor << 8 | patch


@dataclass(frozen=True)
class _Linkedit:
    """What lies in __LINKEDIT before the signature: export trie, nlist entries, string table."""

    trie: bytes
    symbols: bytes
    strings: bytes
    defined: int
    undefined: int

    @property
    def size(self) -> int:
        return len(self.trie) + len(self.symbols) + len(self.strings)


def _unsigned(image: Image) -> bytes:
    cputype, cpusubtype = ARCHITECTURES[image.arch]
    header_size = 32 if _is_64(image) else 28
    linkedit = _linkedit(image)
    # The commands' size does not depend on the offsets in them: a first round tells where the code can begin.
    size = len(b"".join(_commands(image, linkedit, header_size, _PAGE)))
    text_end = _round(header_size + size + len(image.code), _PAGE)
    commands = _commands(image, linkedit, header_size + size, text_end)
    # MH_MAGIC(_64), cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags; 64-bit headers end with a reserved word.
    fields = [0xFEEDFACF if _is_64(image) else 0xFEEDFACE, cputype, cpusubtype, FILE_TYPES[image.filetype], len(commands), size]
    fields += [image.flags, 0] if _is_64(image) else [image.flags]
    head = struct.pack(f"{_order(image)}{len(fields)}I", *fields) + b"".join(commands) + image.code
    content = linkedit.trie + linkedit.symbols + linkedit.strings
    padding = bytes(-len(content) % 16) if _is_signed(image) else b""  # LC_CODE_SIGNATURE's data is 16-aligned
    return head.ljust(text_end, b"\0") + content + padding


def _commands(image: Image, linkedit: _Linkedit, text_start: int, text_end: int) -> list[bytes]:
    order = _order(image)
    signature_at = _round(text_end + linkedit.size, 16)
    signed_size = signature_size(signature_at) if _is_signed(image) else 0
    end = signature_at + signed_size if signed_size else text_end + linkedit.size
    commands = [*_segments(image, text_start, text_end, end - text_end), *_symbol_commands(image, linkedit, text_end)]
    if image.install_name is not None:
        commands.append(_dylib_command(order, 0xD, image.install_name))  # LC_ID_DYLIB
    if image.filetype == "executable":
        commands.append(_text_command(order, 0xE, "/usr/lib/dyld"))  # LC_LOAD_DYLINKER
        commands.append(struct.pack(order + "IIQQ", 0x80000028, 24, text_start, 0))  # LC_MAIN: entryoff, stacksize
    if image.uuid:
        digest = hashlib.sha256(f"{image.arch} {image.install_name} {image.exports}".encode()).digest()
        commands.append(struct.pack(order + "II", 0x1B, 24) + digest[:16])  # LC_UUID
    minos, sdk = _version(image.minos), _version(image.sdk)
    if image.version_command == "build":  # LC_BUILD_VERSION: platform, minos, sdk, ntools
        commands.append(struct.pack(order + "6I", 0x32, 24, PLATFORMS[image.platform], minos, sdk, 0))
    elif image.version_command == "min":
        commands.append(struct.pack(order + "4I", _VERSION_MIN[image.platform], 16, minos, sdk))
    for library in image.libraries:
        name, kind = (library, "regular") if isinstance(library, str) else library
        commands.append(_dylib_command(order, _LOAD_DYLIB[kind], name))
    commands += [_text_command(order, 0x8000001C, rpath) for rpath in image.rpaths]  # LC_RPATH
    if signed_size:  # LC_CODE_SIGNATURE: dataoff, datasize
        commands.append(struct.pack(order + "4I", 0x1D, 16, signature_at, signed_size))
    return [*commands, *image.commands]


def _text_command(order: str, command: int, text: str, middle: bytes = b"") -> bytes:
    """A load command that ends with a string: lc_str is its offset from the command's beginning."""
    offset = 12 + len(middle)
    raw = text.encode("utf-8", "surrogateescape") + b"\0"
    size = _round(offset + len(raw), 8)
    return (struct.pack(order + "III", command, size, offset) + middle + raw).ljust(size, b"\0")


def _dylib_command(order: str, command: int, name: str) -> bytes:
    # timestamp 2, current version 1.0.0, compatibility version 1.0.0
    return _text_command(order, command, name, struct.pack(order + "III", 2, 0x10000, 0x10000))


def _segments(image: Image, text_start: int, text_end: int, linkedit_size: int) -> list[bytes]:
    base = 0x100000000 if image.filetype == "executable" and _is_64(image) else 0
    if image.filetype == "object":  # one segment without a name holds every section
        return [_segment(image, "", 0, (text_start, text_end - text_start), ("__text", "__TEXT", text_start))]
    if image.filetype == "dsym":
        return [_segment(image, "__DWARF", 0, (text_start, text_end - text_start), ("__debug_info", "__DWARF", text_start))]
    text = _segment(image, "__TEXT", base, (0, text_end), ("__text", "__TEXT", text_start), protection=5)
    linkedit = _segment(image, "__LINKEDIT", base + text_end, (text_end, linkedit_size), None, protection=1)
    return [*([_segment(image, "__PAGEZERO", 0, (0, 0), None, vmsize=base)] if base else []), text, linkedit]


def _segment(
    image: Image,
    name: str,
    vmaddr: int,
    extent: tuple[int, int],
    section: tuple[str, str, int] | None,
    *,
    protection: int = 0,
    vmsize: int | None = None,
) -> bytes:
    """LC_SEGMENT(_64) with at most one section of code: (its name, its segment's, file offset)."""
    offset, size = extent
    word = "Q" if _is_64(image) else "I"
    body = b""
    if section is not None:
        label, owner, start = section
        # A section is: sectname, segname, addr, size, offset, align, reloff, nreloc, flags, reserved words.
        # The flags say S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS, or S_ATTR_DEBUG.
        flags = 0x80000400 if label == "__text" else 0x02000000
        reserved = [0] * (3 if _is_64(image) else 2)
        code = (vmaddr + start - offset, len(image.code), start, 2, 0, 0, flags, *reserved)
        body = struct.pack(f"{_order(image)}16s16s2{word}5I{len(reserved)}I", label.encode(), owner.encode(), *code)
    # segname, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags
    size_in_memory = _round(size, _PAGE) if vmsize is None else vmsize
    head = (vmaddr, size_in_memory, offset, size, protection, protection, int(section is not None), 0)
    layout = f"{_order(image)}II16s4{word}4I"
    command = 0x19 if _is_64(image) else 0x1
    return struct.pack(layout, command, struct.calcsize(layout) + len(body), name.encode(), *head) + body


def _symbol_commands(image: Image, linkedit: _Linkedit, start: int) -> list[bytes]:
    order, commands = _order(image), []
    trie_at, symbols_at = start, start + len(linkedit.trie)
    strings_at = symbols_at + len(linkedit.symbols)
    if linkedit.trie and image.trie_command == "exports-trie":  # LC_DYLD_EXPORTS_TRIE: dataoff, datasize
        commands.append(struct.pack(order + "4I", 0x80000033, 16, trie_at, len(linkedit.trie)))
    elif linkedit.trie:  # LC_DYLD_INFO_ONLY: rebase, bind, weak bind, lazy bind, export: offset and size each
        commands.append(struct.pack(order + "12I", 0x80000022, 48, *[0] * 8, trie_at, len(linkedit.trie)))
    if linkedit.symbols:
        count = linkedit.defined + linkedit.undefined
        commands.append(struct.pack(order + "6I", 0x2, 24, symbols_at, count, strings_at, len(linkedit.strings)))  # LC_SYMTAB
        # LC_DYSYMTAB: first and number of local, defined external and undefined symbols, then tables that are not here
        ranges = (0, 0, 0, linkedit.defined, linkedit.defined, linkedit.undefined)
        commands.append(struct.pack(order + "20I", 0xB, 80, *ranges, *[0] * 12))
    return commands


def _linkedit(image: Image) -> _Linkedit:
    nlist = _order(image) + ("IBBHQ" if _is_64(image) else "IBBHI")  # n_strx, n_type, n_sect, n_desc, n_value
    strings, symbols = b"\0", b""
    for name in image.exports:
        symbols += struct.pack(nlist, len(strings), 0xF, 1, 0, 0)  # N_SECT | N_EXT in section 1
        strings += name.encode() + b"\0"
    for entry in image.undefined:
        name, ordinal, weak = (entry, 1, False) if isinstance(entry, str) else entry
        # N_UNDF | N_EXT; n_desc: GET_LIBRARY_ORDINAL in the high byte, N_WEAK_REF
        symbols += struct.pack(nlist, len(strings), 0x1, 0, ordinal << 8 | (0x40 if weak else 0), 0)
        strings += name.encode() + b"\0"
    if not symbols:
        strings = b""
    terminals = dict.fromkeys(image.exports, b"\0\0")  # flags: regular, address 0
    for name, (ordinal, other) in image.reexports.items():
        terminals[name] = b"\x08" + bytes([ordinal]) + other.encode() + b"\0"  # EXPORT_SYMBOL_FLAGS_REEXPORT
    trie = export_trie(terminals) if terminals else b""
    trie += bytes(-len(trie) % 8)  # nlist entries are 8-aligned
    return _Linkedit(trie, symbols, strings + bytes(-len(strings) % 8), len(image.exports), len(image.undefined))
