"""From first bytes to a :class:`Binary`: what format a file has, what role it plays, and its slices."""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING

from macholib import mach_o

from pytest_archcheck.binaries import macho
from pytest_archcheck.binaries.elf import ET_DYN, ET_EXEC, ET_REL, read_elf
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.load_commands import MachOInvalid
from pytest_archcheck.binaries.model import Binary, ElfSlice, Format, MachOSlice, Role, Slice
from pytest_archcheck.binaries.names import extension_role, extension_tag, is_loadable_name
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from pytest_archcheck.binaries.source import Source

#: How much of a file is read to decide what it is. One page; it holds every load command of 98.4% of real slices.
HEAD_SIZE = 4096

_ELF_MAGIC = b"\x7fELF"
_PE_MAGIC = b"MZ"
_LFS = b"version https://git-lfs"
_APPLE_DOUBLE = b"\0\5\x16\7"  # RFC 1740, appendix B
#: Cheap test on the first two bytes, before anything else is asked: nearly every file of an environment fails it.
FIRST_TWO = frozenset({magic[:2] for magic in macho.MAGICS} | {_ELF_MAGIC[:2], _PE_MAGIC})


#: What stands under a module's name by mistake: ``clang -c -o _x.cpython-311-darwin.so``.
_PROGRAM, _OBJECT = "a program", "an object file that was not linked"
_NO_MODULE = {mach_o.MH_EXECUTE: _PROGRAM, mach_o.MH_OBJECT: _OBJECT}
_ELF_TYPES = {ET_REL: _OBJECT, ET_EXEC: _PROGRAM}


def read_binary(path: str, location: str, source: Source, head: bytes) -> Binary | None:
    """Read one file.

    :param path: relative to ``location``, with ``/``.
    :param head: its first :data:`HEAD_SIZE` bytes.
    :returns: ``None`` for what is no compiled file. A damaged one comes back with its ``problem``.
    """
    magic = head[:4]
    if magic in macho.MAGICS and not macho.is_java_class(head):
        return _read_macho(path, location, source, head)
    if magic == _ELF_MAGIC:
        return _read_elf(path, location, source, head)
    if magic[:2] == _PE_MAGIC and _is_pe(head):
        role: Role = "executable" if path.lower().endswith(".exe") else "extension" if path.endswith(".pyd") else "library"
        return _binary(path, location, source, "pe", role, ())
    if is_loadable_name(path) and not _stands_for_a_library(head):
        damaged = damaged_binary(path, location, source.size, _not_compiled(head))
        return damaged._replace(role="object") if _is_text_about_a_library(path, head) else damaged
    return None


def damaged_binary(path: str, location: str, size: int, problem: str) -> Binary:
    """A file of whose bytes nothing could be made; its name alone promises something that a loader takes."""
    name = os.path.basename(path)
    elf = ".so." in name or "linux" in name or (name.endswith(".so") and "darwin" not in name and sys.platform != "darwin")
    return Binary(
        path=path,
        location=location,
        format="elf" if elf else "mach-o",
        role=_loaded_role(path, otherwise="library"),
        slices=(),
        size=size,
        problem=problem,
    )


def read_file(path: str) -> Binary | None:
    """Read one file on disk; None for what is no compiled file or cannot be opened."""
    try:
        with open_file(path) as source:
            return read_binary(os.path.basename(path), os.path.dirname(path), source, source.read(0, HEAD_SIZE))
    except OSError:
        return None


def _read_macho(path: str, location: str, source: Source, head: bytes) -> Binary:
    slices: tuple[MachOSlice, ...] = ()
    problem = None
    try:
        slices = macho.read_macho(source, head)
    except (MachOInvalid, OSError) as error:
        problem = _reason(error)
    role = _macho_role(path, slices)
    kinds = {piece.filetype for piece in slices}
    if problem is None and kinds and kinds <= _NO_MODULE.keys() and extension_tag(path):
        role, problem = "extension", f"it is {_NO_MODULE[min(kinds)]}, which Python cannot import"
    return _binary(path, location, source, "mach-o", role, slices, problem)


def _macho_role(path: str, slices: tuple[MachOSlice, ...]) -> Role:
    filetypes = {piece.filetype for piece in slices}
    if (filetypes and filetypes <= {mach_o.MH_OBJECT, mach_o.MH_DSYM}) or ".dSYM/" in path:
        return "object"
    if mach_o.MH_EXECUTE in filetypes:
        return "executable"
    # A damaged file does not say what it is. Without a library's name or place it may be any data that begins like Mach-O.
    return _loaded_role(path, otherwise="library" if filetypes or ".framework/" in path else "object")


def _loaded_role(path: str, otherwise: Role) -> Role:
    if "tensorflow-plugins/" in path:
        return "plugin"
    if extension_role(path):
        return "extension"
    return "library" if is_loadable_name(path) else otherwise


def _read_elf(path: str, location: str, source: Source, head: bytes) -> Binary:
    try:
        piece = read_elf(source, head)
    except (ElfInvalid, OSError) as error:
        return _binary(path, location, source, "elf", _loaded_role(path, otherwise="object"), (), _reason(error))
    if piece.elf_type != ET_DYN and extension_tag(path):
        what = _ELF_TYPES.get(piece.elf_type, f"a file of the ELF type {piece.elf_type}")
        return _binary(path, location, source, "elf", "extension", (piece,), f"it is {what}, which Python cannot import")
    if piece.elf_type == ET_DYN and piece.dynamic is None and extension_tag(path) and ".debug" not in path.split("/"):
        problem = "it has no dynamic section, as a file that holds debugging information only: no process loads it"
        return _binary(path, location, source, "elf", "extension", (piece,), problem)
    return _binary(path, location, source, "elf", _elf_role(path, piece), (piece,))


def _elf_role(path: str, piece: ElfSlice) -> Role:
    if piece.elf_type == 2 or (piece.loader and not is_loadable_name(path)):  # ET_EXEC, or a position-independent program
        return "executable"
    if piece.elf_type != 3:  # ET_REL, ET_CORE: no loader takes them
        return "object"
    return _loaded_role(path, otherwise="library")


def _binary(
    path: str, location: str, source: Source, form: Format, role: Role, slices: tuple[Slice, ...], problem: str | None = None
) -> Binary:
    return Binary(path=path, location=location, format=form, role=role, slices=slices, size=source.size, problem=problem)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _is_pe(head: bytes) -> bool:
    r"""``MZ`` begins many texts too: a PE file's e_lfanew (at 0x3C) points at ``PE\0\0``; DOS stubs are under 4 KiB."""
    if len(head) < 0x40:
        return False
    (offset,) = struct.unpack_from("<I", head, 0x3C)
    return head[offset : offset + 4] == b"PE\0\0"


def _not_compiled(head: bytes) -> str:
    if not head:
        return "the file is empty"
    if head.startswith(_LFS):
        return "the file is a Git LFS pointer, not its contents"
    return f"the file is no Mach-O, ELF or PE: it begins with {head[:8].hex(' ')}"


def _stands_for_a_library(head: bytes) -> bool:
    """Whether this is one of the files that bear a library's name without harm: no loader is handed them.

    GNU ld scripts (``libc.so`` of a development package), files that hold the name of another one where an archive format
    knew no symbolic links, and AppleDouble files: ``._x.dylib``, in which macOS keeps the extended attributes of ``x.dylib``.
    """
    if head.startswith(_APPLE_DOUBLE):
        return True
    if head.startswith((b"/* GNU ld script", b"INPUT", b"GROUP", b"OUTPUT_FORMAT")):
        return True
    text = head.strip()
    return 0 < len(text) < 256 and text.isascii() and text.decode().isprintable() and is_loadable_name(text.decode())


def _is_text_about_a_library(path: str, head: bytes) -> bool:
    """Whether this is a text with a name that nothing imports, and no library has: ``manifest-libpcre2-16.so``, its symbols."""
    stem = os.path.basename(path).partition(".")[0]
    if stem.isidentifier() or stem.startswith("lib") or head.startswith(_LFS):
        return False
    return b"\n" in head and head.isascii() and head.translate(None, b"\t\r\n\f").decode().isprintable()
