"""Every kind of file that a scan must survive, each under a name that says what is wrong, and what is expected of it."""

from __future__ import annotations

import os
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from support import elfs, machos
from support.sites import add_distribution

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MACHO = machos.bundle()
ELF = elfs.shared()
UNREADABLE = "unreadable-binary"


class Bad(NamedTuple):
    """One bad file: its bytes, and the rule that names it."""

    content: bytes
    rule: str
    name: str = "_x.cpython-311-darwin.so"


def patched(data: bytes, *changes: tuple[int, str, int]) -> bytes:
    """The bytes with numbers written over them: offset, struct format, value."""
    out = bytearray(data)
    for offset, layout, value in changes:
        struct.pack_into(layout, out, offset, value)
    return bytes(out)


def _fat(*entries: tuple[int, int, int, int], size: int = 0x20000) -> bytes:
    """A fat header with these (cputype, cpusubtype, offset, size) and arm64 code at 0x4000."""
    table = b"".join(struct.pack(">5I", *entry, 14) for entry in entries)
    head = struct.pack(">II", 0xCAFEBABE, len(entries)) + table
    return (head.ljust(0x4000, b"\0") + MACHO).ljust(size, b"\0")


ARM64 = machos.ARCHITECTURES["arm64"]
X86_64 = machos.ARCHITECTURES["x86_64"]
_JAVA = struct.pack(">IHHH", 0xCAFEBABE, 0, 61, 30) + bytes(100)
#: A segment command whose section count needs 340 GB; dyld never looks at it in a bundle, macholib hangs.
_SECTIONS = struct.pack("<II16s4Q4I", 0x19, 72, b"__DATA", 0, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0)
_OUTSIDE = struct.pack("<II16s4Q4I", 0x19, 72, b"__DATA", 0, 1 << 40, 1 << 40, 1 << 40, 0, 0, 0, 0)
_NAMELESS = struct.pack("<6I", 0xC, 24, 0xFFFF, 2, 0, 0)
#: The root's only edge has no label and leads to the root.
_CIRCLE = machos.dylib(exports=["_a"], signed=True).replace(b"\0\1_a\0", b"\0\1\0\0\0", 1)
_ZERO_SIZE = struct.pack("<II", 0x7FFFFFFF, 0)

BAD: dict[str, Bad] = {
    "empty": Bad(b"", UNREADABLE),
    "html": Bad(b"<html>404 Not Found</html>\n", UNREADABLE),
    "lfs-pointer": Bad(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", UNREADABLE),
    "java-class": Bad(_JAVA, UNREADABLE),
    "magic-only": Bad(MACHO[:4], UNREADABLE),
    "cut-header": Bad(MACHO[:20], UNREADABLE),
    "cut-commands": Bad(MACHO[:200], UNREADABLE),
    "cut-code": Bad(MACHO[:5000], UNREADABLE),
    "cut-signature": Bad(MACHO[:-100], UNREADABLE),
    "many-commands": Bad(patched(MACHO, (16, "<I", 0xFFFFFFFF)), UNREADABLE),
    "huge-commands": Bad(patched(MACHO, (16, "<I", 0x7FFFFFF), (20, "<I", 0xFFFFFFF0)), UNREADABLE),
    "commands-past-the-end": Bad(patched(MACHO, (20, "<I", 0xFFFF0)), UNREADABLE),
    "command-of-no-size": Bad(machos.bundle(commands=[_ZERO_SIZE]), UNREADABLE),
    "command-past-the-end": Bad(patched(MACHO, (36, "<I", 0x7FFFFFF0)), UNREADABLE),
    "name-outside-its-command": Bad(machos.bundle(commands=[_NAMELESS]), UNREADABLE),
    "segment-past-the-end": Bad(machos.bundle(commands=[_OUTSIDE]), UNREADABLE),
    "fat-of-four-billion": Bad(patched(_fat((*ARM64, 0x4000, len(MACHO))), (4, ">I", 0xFFFFFFFF)), UNREADABLE),
    "fat-of-none": Bad(_fat(), UNREADABLE),
    "fat-cut": Bad(_fat((*ARM64, 0x4000, len(MACHO)))[:16], UNREADABLE),
    "fat-overlap": Bad(_fat((*ARM64, 0x4000, len(MACHO)), (*X86_64, 0x4000, len(MACHO))), UNREADABLE),
    "fat-over-its-header": Bad(_fat((*ARM64, 0, 0x8000)), UNREADABLE),
    "fat-of-no-size": Bad(_fat((*ARM64, 0x4000, 0)), UNREADABLE),
    "fat-past-the-end": Bad(_fat((*ARM64, 0x4000, 0xFFFFFFF)), UNREADABLE),
    "fat-says-otherwise": Bad(_fat((*X86_64, 0x4000, len(MACHO))), UNREADABLE),
    "fat-of-zeros": Bad(_fat((*ARM64, 0x10000, 0x1000)), UNREADABLE),
    "fat-in-fat": Bad(machos.fat(MACHO)[:0x4000] + machos.fat(MACHO), UNREADABLE),
    "wrong-architecture": Bad(machos.bundle("x86_64"), "wrong-architecture"),
    "ancient-architecture": Bad(machos.bundle("ppc", signed=False), "wrong-architecture"),
    "arm64e-only": Bad(machos.bundle("arm64e"), "wrong-architecture"),
    "ios": Bad(machos.bundle(platform="ios"), "wrong-platform"),
    "driverkit": Bad(machos.bundle(platform="driverkit"), "wrong-platform"),
    "linux": Bad(elfs.shared("aarch64"), "wrong-platform"),
    "unsigned": Bad(machos.bundle(signed=False), "unsigned-binary"),
    "edited-page": Bad(patched(MACHO, (0x800, "<I", 1)), "invalid-signature"),
    "signature-of-zeros": Bad(MACHO[:-0x80] + bytes(0x80), "invalid-signature"),
    "missing-library": Bad(machos.bundle(libraries=["@rpath/libnowhere.dylib"], rpaths=["@loader_path"]), "missing-library"),
    "rpath-twice": Bad(machos.bundle(sdk="26.0", rpaths=["/x", "/x"]), "duplicate-rpath"),
    "library-twice": Bad(machos.bundle(sdk="26.0", libraries=[machos.LIBSYSTEM] * 2), "duplicate-library"),
    "asks-a-trie-in-a-circle": Bad(
        machos.bundle(libraries=["@loader_path/../trie_in_a_circle/libcircle.dylib"], undefined=["_b"]), "missing-symbol"
    ),
    "elf-cut": Bad(ELF[:30], UNREADABLE),
    "elf-of-many-segments": Bad(patched(ELF, (56, "<H", 0xFFFF)), UNREADABLE),
    "elf-segment-past-the-end": Bad(patched(ELF, (64 + 32, "<Q", 1 << 60)), UNREADABLE),
    "elf-dynamic-without-end": Bad(ELF.replace(b"\0" * 16, b"\1" * 16), UNREADABLE),
    "elf-of-no-class": Bad(ELF[:4] + b"\x09" + ELF[5:], UNREADABLE),
}
#: Odd, but nothing that dyld would refuse (or that anybody could prove): judged without a word.
ODD: dict[str, Bad] = {
    "sections-without-end": Bad(machos.bundle(commands=[_SECTIONS]), ""),
    "trie-in-a-circle": Bad(_CIRCLE, "", "libcircle.dylib"),
    "fat64": Bad(machos.fat(MACHO, machos.bundle("x86_64"), is_64=True), ""),
    "unknown-command": Bad(machos.bundle(commands=[struct.pack("<IIQ", 0x7FFFFFFF, 16, 0)]), ""),
    "linker-script": Bad(b"/* GNU ld script */\nINPUT(-lx)\n", "", "libx.so"),
}


def _sparse(path: Path) -> None:
    path.write_bytes(MACHO)
    os.truncate(path, 1 << 40)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket may have about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _link(path: Path, *, to: str) -> None:
    path.symlink_to(to)


#: What is no regular file: how to make it. Each is named as a finding or as not looked at.
SPECIAL: dict[str, Callable[[Path], None]] = {
    "fifo": os.mkfifo,
    "socket": _socket,
    "dangling-link": partial(_link, to="nowhere"),
    "loop": partial(_link, to="_x.cpython-311-darwin.so"),
    "link-to-fifo": partial(_link, to="../fifo/_x.cpython-311-darwin.so"),
    "link-to-a-device": partial(_link, to="/dev/zero"),
}


def add(site: Path, kind: str, bad: Bad) -> None:
    """Install a distribution whose only compiled file is that one."""
    add_distribution(site, kind, "1.0", {f"{kind.replace('-', '_')}/{bad.name}": bad.content}, tags=TAGS)


TAGS = ("cp311-cp311-macosx_11_0_arm64",)


def build(site: Path, good: int) -> None:
    """Fill a site directory with every bad file, every odd one, and so many good ones."""
    kinds = [
        machos.bundle(),
        machos.fat(machos.bundle("x86_64"), machos.bundle()),
        machos.dylib(exports=["_a"], install_name="@rpath/libgood.dylib"),
        machos.bundle(libraries=["@loader_path/../good_2/_x.cpython-311-darwin.so"], undefined=["_a"]),
    ]
    for number in range(good):
        add(site, f"good-{number}", Bad(kinds[number % len(kinds)], ""))
    for kind, bad in {**BAD, **ODD}.items():
        add(site, kind, bad)
    for kind, make in SPECIAL.items():
        folder = site / kind.replace("-", "_")
        folder.mkdir()
        make(folder / "_x.cpython-311-darwin.so")
    deep = site / "deep" / "/".join(["d"] * 220)
    deep.mkdir(parents=True)
    (deep / "_x.so").write_bytes(MACHO)
    (site / "circle").mkdir()
    (site / "circle" / "again").symlink_to("..")
    (site / "circle" / "root").symlink_to("/")
    (site / "hole-1.0.dist-info").mkdir()
    os.mkfifo(site / "hole-1.0.dist-info" / "METADATA")
    os.mkfifo(site / "hole.pth")
    add(site, "sparse", Bad(MACHO, ""))
    _sparse(site / "sparse" / "_x.cpython-311-darwin.so")
