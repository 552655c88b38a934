"""What was read from one compiled file: frozen values, no opinions.

Everything here comes out of headers and load commands. Judging is done in :mod:`pytest_archcheck.rules`; anything that needs
more bytes (signatures, symbols) is told where they are by an :class:`Extent` and reads them itself.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, TypeAlias

Format = Literal["mach-o", "elf", "pe"]
Role = Literal["extension", "library", "executable", "plugin", "object"]
LinkKind = Literal["regular", "weak", "reexport", "upward", "lazy"]

#: Roles that Python or the loader loads into a process; a file of another role cannot break an import by itself.
LOADED_ROLES: frozenset[Role] = frozenset({"extension", "library", "plugin"})
#: Slices that an ordinary process of that architecture loads besides its own: x86_64h is x86_64 for Haswell and later; an ELF
#: header does not tell versions of 32-bit ARM apart.
ALSO_LOADS = {"x86_64": ("x86_64", "x86_64h"), **dict.fromkeys(("armv5l", "armv6l", "armv8l"), ("armv7l",))}


class Extent(NamedTuple):
    """A run of bytes in the file, counted from the beginning of the file (not of the slice)."""

    offset: int
    size: int


class LinkedLibrary(NamedTuple):
    """One library that a slice asks the loader for: the install name (Mach-O) or DT_NEEDED entry (ELF), as written."""

    name: str
    kind: LinkKind


class SymbolTable(NamedTuple):
    """LC_SYMTAB: where the nlist entries and the string table lie, in file offsets."""

    symbols: Extent
    strings: Extent


class MachOSlice(NamedTuple):
    """One architecture of a Mach-O file: an image. Field names follow ``<mach-o/loader.h>``."""

    #: As Apple calls it: ``arm64``, ``arm64e``, ``x86_64``, ``i386``.
    architecture: str
    #: ``macos``, ``ios``, ...: the operating system that it was built for.
    platform: str
    #: The oldest OS that it says it supports (``11.0``); ``None`` where the file does not say.
    min_os: str | None
    #: LC_ID_DYLIB's name.
    install_name: str | None
    libraries: tuple[LinkedLibrary, ...]
    rpaths: tuple[str, ...]
    extent: Extent
    #: ``MH_EXECUTE``, ``MH_DYLIB``, ``MH_BUNDLE``, ...
    filetype: int
    #: mach_header.flags: MH_TWOLEVEL and its kin.
    flags: int
    is_64: bool
    big_endian: bool
    #: SDK of LC_BUILD_VERSION or LC_VERSION_MIN_*; dyld's policies go by it.
    sdk: str | None
    has_uuid: bool
    #: LC_CODE_SIGNATURE, or None for an unsigned slice.
    signature: Extent | None
    symbol_table: SymbolTable | None
    #: The export trie: LC_DYLD_EXPORTS_TRIE, or the export part of LC_DYLD_INFO[_ONLY].
    exports: Extent | None


class ElfSlice(NamedTuple):
    """An ELF file: always one slice."""

    #: As wheel tags call it: ``aarch64``, ``x86_64``.
    architecture: str
    #: ``linux``, ...: the operating system that it was built for.
    platform: str
    #: The oldest OS that it says it supports; ``None`` where the file does not say.
    min_os: str | None
    #: DT_SONAME.
    install_name: str | None
    libraries: tuple[LinkedLibrary, ...]
    rpaths: tuple[str, ...]
    extent: Extent
    #: ``e_type``: ET_REL 1, ET_EXEC 2, ET_DYN 3.
    elf_type: int
    is_64: bool
    big_endian: bool
    #: PT_INTERP: the path of the dynamic loader; only programs have one.
    loader: str | None
    #: True where :attr:`rpaths` come from DT_RUNPATH (not inherited), False where they come from DT_RPATH (inherited).
    runpath: bool
    #: DT_VERNEED: (library, version) pairs such as ``("libc.so.6", "GLIBC_2.17")``.
    required_versions: tuple[tuple[str, str], ...]
    #: Where the dynamic section lies (PT_DYNAMIC), for readers of symbols.
    dynamic: Extent | None


Slice: TypeAlias = MachOSlice | ElfSlice


class Binary(NamedTuple):
    """One compiled file."""

    #: Relative to :attr:`location`, with ``/``; names that are no UTF-8 carry surrogate escapes (:func:`os.fsdecode`).
    path: str
    #: The absolute folder (or wheel) that :attr:`path` is relative to.
    location: str
    format: Format
    role: Role
    slices: tuple[Slice, ...]
    #: Size of the file in bytes.
    size: int
    #: Why the file cannot be read as what it claims to be; then :attr:`slices` may be empty or incomplete.
    problem: str | None = None

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures in file order."""
        return tuple(piece.architecture for piece in self.slices)

    @property
    def file(self) -> str:
        """Absolute path of the file (inside a wheel: of the member, below the wheel's path)."""
        return f"{self.location}{os.sep}{self.path}"


class NumpyApi(NamedTuple):
    """The numpy that a module was compiled for, as :mod:`pytest_archcheck.binaries.numpy_api` reads it."""

    #: Of the headers that it was compiled with.
    major: Literal[1, 2]
    #: ``1.25``: the oldest numpy that it can do with, where the headers say it.
    oldest: str | None = None
