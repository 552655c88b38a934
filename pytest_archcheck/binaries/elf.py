"""Read an ELF file: what the loader looks at (program headers and the dynamic section), never the section headers.

Names follow ``<elf.h>`` and the System V gABI, chapters 4 (object files) and 5 (program loading and dynamic linking). Section
headers may be stripped without harm, so a reader that asks for them would call good files damaged.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf_image import (
    CODING,
    ERRORS,
    PT_INTERP,
    WINDOW,
    ElfInvalid,
    Image,
    dynamic_entries,
    dynamic_section,
    identify,
    program_headers,
)
from pytest_archcheck.binaries.model import ElfSlice, Extent, LinkedLibrary

if TYPE_CHECKING:
    from pytest_archcheck.binaries.elf_image import Layout, ProgramHeader
    from pytest_archcheck.binaries.source import Source

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 10, 14, 15, 29
DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
#: vna_flags: the loader does without this version.
VER_FLG_WEAK = 2
#: What a table of required versions takes at most in nearly every file, in bytes: 16 for each library, and for each version.
_VERSIONS = 1024

#: e_machine, 64-bit, big-endian -> the architecture of a wheel's platform tag (``os.uname().machine``).
_ARCHITECTURES = {
    (2, False, True): "sparc",
    (3, False, False): "i686",
    (4, False, True): "m68k",
    (8, False, True): "mips",
    (8, False, False): "mipsel",
    (8, True, True): "mips64",
    (8, True, False): "mips64el",
    (20, False, True): "ppc",
    (21, True, True): "ppc64",
    (21, True, False): "ppc64le",
    (22, False, True): "s390",
    (22, True, True): "s390x",
    (40, False, False): "armv7l",
    (40, False, True): "armv7b",
    (43, True, True): "sparc64",
    (62, True, False): "x86_64",
    (62, False, False): "x32",
    (183, True, False): "aarch64",
    (183, True, True): "aarch64_be",
    (183, False, False): "aarch64_ilp32",
    (243, True, False): "riscv64",
    (243, False, False): "riscv32",
    (258, True, False): "loongarch64",
    (258, False, False): "loongarch32",
}
#: Code for graphics cards, which GPU libraries carry as ELF files; class and byte order say nothing more.
_GPU_ARCHITECTURES = {190: "cuda", 224: "amdgpu"}

#: EI_OSABI. Linux files say 0 (System V) or, with GNU extensions, 3.
_PLATFORMS = {0: "linux", 3: "linux", 2: "netbsd", 6: "solaris", 9: "freebsd", 12: "openbsd", 51: "cuda", 64: "amdhsa"}


def read_elf(source: Source, head: bytes) -> ElfSlice:
    """Read one ELF file.

    :param head: the first bytes of the file, as many as the caller has read (at most 4096 are usual).
    :raises ElfInvalid: it is damaged; the message says how.
    :raises OSError: reading failed.
    """
    image = Image(source, head)
    layout, big_endian = identify(head)
    header = image.read(16, layout.header.size, "the ELF header")
    elf_type, machine, phoff, phentsize, phnum = layout.header.unpack(header)
    loader, dynamic, entries = None, None, []
    if elf_type in (ET_EXEC, ET_DYN) and phnum:  # an object file has none, and a core dump is never loaded
        headers = program_headers(image, layout, phoff, phentsize, phnum)
        loader = _loader(image, headers)
        dynamic = dynamic_section(image, headers)
        entries = dynamic_entries(image, layout, dynamic) if dynamic else []
    values = dict(entries)
    runpath = DT_RUNPATH in values
    path_tag = DT_RUNPATH if runpath else DT_RPATH  # ld.so ignores DT_RPATH beside DT_RUNPATH
    needed = [value for tag, value in entries if tag == DT_NEEDED]
    paths = [value for tag, value in entries if tag == path_tag] if path_tag in values else []
    sonames = [value for tag, value in entries if tag == DT_SONAME][:1] if DT_SONAME in values else []
    strings = _Strings(image, values)
    versions = _required_versions(image, layout, values, strings)
    name_of = strings.texts({*needed, *sonames, *paths}.union(*versions))
    return ElfSlice(
        architecture=_architecture(machine, is_64=layout.is_64, big_endian=big_endian),
        platform=_PLATFORMS.get(head[7]) or f"osabi-{head[7]}",
        min_os=None,
        install_name=name_of[sonames[0]] if sonames else None,
        libraries=tuple([_regular(name_of[index]) for index in needed]),
        rpaths=tuple([part for index in paths for part in name_of[index].split(":")]),
        extent=Extent(0, source.size),
        elf_type=elf_type,
        is_64=layout.is_64,
        big_endian=big_endian,
        loader=loader,
        runpath=runpath,
        required_versions=tuple([(name_of[library], name_of[version]) for library, version in versions]),
        dynamic=dynamic,
    )


def read_elf_header(source: Source, head: bytes) -> ElfSlice:
    """Read what the ELF header alone says, of a file whose rest is out of reach: no libraries, no versions.

    :raises ElfInvalid: it is damaged.
    """
    layout, big_endian = identify(head)
    if len(head) < 16 + layout.header.size:
        raise ElfInvalid("the ELF header lies past the end of the file")
    elf_type, machine, *_ = layout.header.unpack_from(head, 16)
    return ElfSlice(
        architecture=_architecture(machine, is_64=layout.is_64, big_endian=big_endian),
        platform=_PLATFORMS.get(head[7]) or f"osabi-{head[7]}",
        min_os=None,
        install_name=None,
        libraries=(),
        rpaths=(),
        extent=Extent(0, source.size),
        elf_type=elf_type,
        is_64=layout.is_64,
        big_endian=big_endian,
        loader=None,
        runpath=False,
        required_versions=(),
        dynamic=None,
    )


#: Modules link to the same few libraries.
_regular = lru_cache(maxsize=256)(lambda name: LinkedLibrary(name, "regular"))


def _architecture(machine: int, *, is_64: bool, big_endian: bool) -> str:
    name = _ARCHITECTURES.get((machine, is_64, big_endian)) or _GPU_ARCHITECTURES.get(machine)
    return name or f"machine-{machine}"


def _loader(image: Image, headers: list[ProgramHeader]) -> str | None:
    for kind, offset, _, _ in headers:
        if kind == PT_INTERP:
            return image.text(offset, "the name of the dynamic loader")
    return None


class _Strings:
    """DT_STRTAB by offset."""

    __slots__ = ("image", "size", "start")

    def __init__(self, image: Image, values: dict[int, int]) -> None:
        self.image = image
        self.size = values.get(DT_STRSZ, 0)
        self.start = image.offset_of(values[DT_STRTAB], "the string table") if DT_STRTAB in values else None

    def hold(self, at_most: int = WINDOW) -> tuple[bytes, int]:
        """Read the table, unless it is larger than that; return what was read, and where that begins."""
        if self.start is None or self.size > at_most:
            return b"", self.start or 0
        return self.image.hold(self.start, self.start + self.size)

    def texts(self, indexes: set[int]) -> dict[int, str]:
        """What lies at each of these offsets: all at once, since a call for each would cost as much as finding it."""
        found: dict[int, str] = {}
        if not indexes:
            return found
        if self.start is None or max(indexes) >= self.size:
            raise ElfInvalid("a name lies outside of the string table")
        held, begin = self.hold()
        shift, longest = self.start - begin, limits.PATH_LENGTH
        for index in indexes:
            at = index + shift
            end = held.find(0, at, at + longest)  # the NUL
            if end >= 0:
                found[index] = held[at:end].decode(CODING, ERRORS)
            else:
                found[index] = self.image.text(self.start + index, "a name in the string table")
        return found


def _required_versions(image: Image, layout: Layout, values: dict[int, int], strings: _Strings) -> list[tuple[int, int]]:
    """The versions that libraries must have, without the weak ones: where their names and that of the version lie."""
    if DT_VERNEED not in values:
        return []
    offset = image.offset_of(values[DT_VERNEED], what := "the table of required versions")
    count = min(values.get(DT_VERNEEDNUM, 0), limits.ELF_VERSIONS)
    begin = offset
    if strings.start is not None and strings.start <= offset <= strings.start + WINDOW - _VERSIONS:
        begin = strings.start  # linkers put this table behind the names: one read takes both
    elif strings.start is not None and strings.start > offset:
        # patchelf puts names at the end. A wheel's member that was inflated up to there begins anew for this table: once only.
        strings.hold(limits.MEMBER_WINDOW_SIZE)
    for size in (_VERSIONS, 32 * limits.ELF_VERSIONS):
        table, start = image.hold(begin, offset + size)
        try:
            return _versions(layout, table, offset - start, count)
        except struct.error:  # it goes on
            if offset + size >= image.source.size:
                raise ElfInvalid(f"{what} lies past the end of the file") from None
    raise ElfInvalid(f"{what} is larger than any real one")


def _versions(layout: Layout, table: bytes, at: int, count: int) -> list[tuple[int, int]]:
    """Walk the chains of a table; raises :class:`struct.error` where they lead out of what was read of it."""
    found: list[tuple[int, int]] = []
    library_at, version_at = layout.verneed.unpack_from, layout.vernaux.unpack_from
    left = limits.ELF_VERSIONS
    for _ in range(count):
        _, versions, library, first, following = library_at(table, at)
        auxiliary = at + first
        for _ in range(versions):
            left -= 1
            if left < 0:
                raise ElfInvalid(f"it requires more than {limits.ELF_VERSIONS} symbol versions")
            _, flags, _, name, step = version_at(table, auxiliary)
            if not flags & VER_FLG_WEAK:
                found.append((library, name))
            if not step:
                break
            auxiliary += step
        if not following:
            break
        at += following
    return found
