"""Read an ELF file: what the loader looks at (program headers and the dynamic section), never the section headers.

Names follow ``<elf.h>`` and the System V gABI, chapters 4 (object files) and 5 (program loading and dynamic linking). Section
headers may be stripped without harm, so a reader that asks for them would call good files damaged.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.model import ElfSlice, Extent, LinkedLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_archcheck.binaries.source import Source

MAGIC = b"\x7fELF"

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29
DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
#: vna_flags: the loader does without this version.
VER_FLG_WEAK = 2

#: One read of this size holds the string table of most extension modules together with the version table behind it.
WINDOW = 32 * 1024

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


class ElfInvalid(ValueError):
    """The file is no ELF file that could be loaded; the message says what is wrong with it."""


class ProgramHeader(NamedTuple):
    """The fields of a program header that are used."""

    kind: int
    offset: int
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The structs of one class (32 or 64 bit) and byte order."""

    is_64: bool
    #: From e_type to e_shstrndx.
    header: struct.Struct
    program_header: struct.Struct
    #: d_tag, d_un.
    dynamic: struct.Struct
    #: Elf*_Verneed: version, count, file name, first Vernaux, next Verneed; the same in both classes.
    verneed: struct.Struct
    #: Elf*_Vernaux: hash, flags, index, name, next Vernaux.
    vernaux: struct.Struct

    def program_headers(self, table: bytes) -> list[ProgramHeader]:
        """Decode a program header table."""
        if self.is_64:  # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
            return [ProgramHeader(h[0], h[2], h[3], h[5]) for h in self.program_header.iter_unpack(table)]
        # p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align
        return [ProgramHeader(h[0], h[1], h[2], h[4]) for h in self.program_header.iter_unpack(table)]


def _layout(order: str, *, is_64: bool) -> Layout:
    word = "Q" if is_64 else "I"
    return Layout(
        is_64,
        struct.Struct(f"{order}HHI{word * 3}IHHHHHH"),
        struct.Struct(f"{order}IIQQQQQQ" if is_64 else f"{order}IIIIIIII"),
        struct.Struct(f"{order}{word * 2}"),
        struct.Struct(f"{order}HHIII"),
        struct.Struct(f"{order}IHHII"),
    )


#: EI_CLASS, EI_DATA -> structs.
LAYOUTS = {(bits, data): _layout("<>"[data - 1], is_64=bits == 2) for bits in (1, 2) for data in (1, 2)}


class Image:
    """The bytes of one file by offset, and by the address that the loader would map them to."""

    __slots__ = ("_windows", "loads", "source")

    def __init__(self, source: Source, head: bytes) -> None:
        self.source = source
        self.loads: list[ProgramHeader] = []
        self._windows = [(0, head)]

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Return exactly ``size`` bytes; raises :class:`ElfInvalid` that names ``what`` where the file ends before."""
        for start, content in self._windows:
            if start <= offset and offset + size <= start + len(content):
                return content[offset - start : offset - start + size]
        if offset + size > self.source.size:
            raise ElfInvalid(f"{what} lies past the end of the file")
        start = offset & ~0xFFF
        content = self.source.read(start, max(WINDOW, offset + size - start))
        if len(self._windows) > 8:  # the head and the latest few: enough for strings that lie apart, and bounded
            del self._windows[1]
        self._windows.append((start, content))
        piece = content[offset - start : offset - start + size]
        if len(piece) < size:  # it shrank while we looked
            raise ElfInvalid(f"{what} lies past the end of the file")
        return piece

    def offset_of(self, address: int, what: str) -> int:
        """Return the file offset that is mapped to this address."""
        for load in self.loads:
            if load.address <= address < load.address + load.size:
                return load.offset + address - load.address
        raise ElfInvalid(f"{what} lies outside of the loaded segments")

    def text(self, offset: int, what: str, limit: int = limits.PATH_LENGTH) -> str:
        """Return the NUL-terminated string at an offset, decoded as file names are."""
        size, longest = 64, min(limit, self.source.size - offset)
        while True:
            size = min(size, longest)
            piece = self.read(offset, size, what) if size > 0 else b""
            end = piece.find(b"\0")
            if end >= 0:
                return os.fsdecode(piece[:end])
            if size >= longest:
                raise ElfInvalid(f"{what} has no end")
            size *= 8


def read_elf(source: Source, head: bytes) -> ElfSlice:
    """Read one ELF file.

    :param head: the first bytes of the file, as many as the caller has read (at most 4096 are usual).
    :raises ElfInvalid: it is damaged; the message says how.
    :raises OSError: reading failed.
    """
    image = Image(source, head)
    layout, big_endian = identify(head)
    (elf_type, machine, _, _, phoff, _, _, _, phentsize, phnum, *_) = layout.header.unpack(
        image.read(16, layout.header.size, "the ELF header")
    )
    loader, dynamic, entries = None, None, []
    if elf_type in (ET_EXEC, ET_DYN) and phnum:  # an object file has none, and a core dump is never loaded
        headers = _program_headers(image, layout, phoff, phentsize, phnum)
        loader = _loader(image, headers)
        dynamic = _dynamic(image, headers)
        entries = dynamic_entries(image, layout, dynamic) if dynamic else []
    strings = _Strings(image, entries)
    runpath = any(tag == DT_RUNPATH for tag, _ in entries)
    path_tag = DT_RUNPATH if runpath else DT_RPATH  # ld.so ignores DT_RPATH beside DT_RUNPATH
    soname = next((strings.at(value) for tag, value in entries if tag == DT_SONAME), None)
    return ElfSlice(
        architecture=_architecture(machine, is_64=layout.is_64, big_endian=big_endian),
        platform=_PLATFORMS.get(head[7], f"osabi-{head[7]}"),
        min_os=None,
        install_name=soname,
        libraries=tuple(LinkedLibrary(strings.at(value), "regular") for tag, value in entries if tag == DT_NEEDED),
        rpaths=tuple(part for tag, value in entries if tag == path_tag for part in strings.at(value).split(":")),
        extent=Extent(0, source.size),
        elf_type=elf_type,
        is_64=layout.is_64,
        big_endian=big_endian,
        loader=loader,
        runpath=runpath,
        required_versions=tuple(_required_versions(image, layout, entries, strings)),
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
        platform=_PLATFORMS.get(head[7], f"osabi-{head[7]}"),
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


def identify(head: bytes) -> tuple[Layout, bool]:
    """Read e_ident: the structs to use, and whether the file is big-endian."""
    if len(head) < 16 or head[:4] != MAGIC:
        raise ElfInvalid("the ELF header lies past the end of the file" if head[:4] == MAGIC else "it is no ELF file")
    layout = LAYOUTS.get((head[4], head[5]))
    if layout is None:
        raise ElfInvalid(f"the ELF header has an unknown class ({head[4]}) or byte order ({head[5]})")
    if head[6] != 1:
        raise ElfInvalid(f"the ELF header has an unknown version ({head[6]})")
    return layout, head[5] == 2


def open_image(source: Source, head: bytes) -> tuple[Image, Layout, list[tuple[int, int]]]:
    """Return what a reader of symbols needs: bytes by address, structs, and the dynamic entries.

    :raises ElfInvalid: it is damaged, or has no dynamic section.
    """
    image = Image(source, head)
    layout, _ = identify(head)
    header = layout.header.unpack(image.read(16, layout.header.size, "the ELF header"))
    headers = _program_headers(image, layout, phoff=header[4], entry_size=header[8], count=header[9])
    dynamic = _dynamic(image, headers)
    if dynamic is None:
        raise ElfInvalid("it has no dynamic section")
    return image, layout, dynamic_entries(image, layout, dynamic)


def _architecture(machine: int, *, is_64: bool, big_endian: bool) -> str:
    name = _ARCHITECTURES.get((machine, is_64, big_endian)) or _GPU_ARCHITECTURES.get(machine)
    return name or f"machine-{machine}"


def _program_headers(image: Image, layout: Layout, phoff: int, entry_size: int, count: int) -> list[ProgramHeader]:
    if entry_size != layout.program_header.size:
        raise ElfInvalid(f"the program headers have {entry_size} bytes each instead of {layout.program_header.size}")
    if count > limits.ELF_PROGRAM_HEADERS:
        raise ElfInvalid(f"it has {count} program headers, more than any real file")
    headers = layout.program_headers(image.read(phoff, entry_size * count, "the program header table"))
    image.loads = [header for header in headers if header.kind == PT_LOAD]
    if any(load.offset + load.size > image.source.size for load in image.loads):
        raise ElfInvalid("a loaded segment lies past the end of the file: the file is cut off")
    return headers


def _loader(image: Image, headers: list[ProgramHeader]) -> str | None:
    header = next((header for header in headers if header.kind == PT_INTERP), None)
    return None if header is None else image.text(header.offset, "the name of the dynamic loader")


def _dynamic(image: Image, headers: list[ProgramHeader]) -> Extent | None:
    # Where the table says that it is mapped, as the loader takes it; p_offset is for the linker. The last one wins in ld.so.
    header = next((header for header in reversed(headers) if header.kind == PT_DYNAMIC), None)
    if header is None or header.size == 0:  # no bytes: a file that holds debugging information only
        return None
    return Extent(image.offset_of(header.address, "the dynamic section"), header.size)


def dynamic_entries(image: Image, layout: Layout, dynamic: Extent) -> list[tuple[int, int]]:
    """Return (d_tag, d_un) pairs up to DT_NULL."""
    size = layout.dynamic.size
    count = min(dynamic.size // size, limits.ELF_DYNAMIC_ENTRIES + 1)
    entries: list[tuple[int, int]] = []
    for tag, value in layout.dynamic.iter_unpack(image.read(dynamic.offset, count * size, "the dynamic section")):
        if tag == DT_NULL:
            return entries
        entries.append((tag, value))
    if count > limits.ELF_DYNAMIC_ENTRIES:
        raise ElfInvalid(f"the dynamic section has more than {limits.ELF_DYNAMIC_ENTRIES} entries")
    raise ElfInvalid("the dynamic section has no end")


class _Strings:
    """DT_STRTAB by offset."""

    __slots__ = ("image", "size", "start", "texts")

    def __init__(self, image: Image, entries: list[tuple[int, int]]) -> None:
        values = dict(entries)
        self.image = image
        self.size = values.get(DT_STRSZ, 0)
        self.start = image.offset_of(values[DT_STRTAB], "the string table") if DT_STRTAB in values else None
        self.texts: dict[int, str] = {}

    def at(self, index: int) -> str:
        text = self.texts.get(index)
        if text is None:
            if self.start is None or index >= self.size:
                raise ElfInvalid("a name lies outside of the string table")
            text = self.texts[index] = self.image.text(self.start + index, "a name in the string table")
        return text


def _required_versions(
    image: Image, layout: Layout, entries: list[tuple[int, int]], strings: _Strings
) -> Iterator[tuple[str, str]]:
    values = dict(entries)
    if DT_VERNEED not in values:
        return
    offset = image.offset_of(values[DT_VERNEED], what := "the table of required versions")
    left = limits.ELF_VERSIONS
    for _ in range(min(values.get(DT_VERNEEDNUM, 0), limits.ELF_VERSIONS)):
        _, count, file, first, following = layout.verneed.unpack(image.read(offset, 16, what))
        library = strings.at(file)
        auxiliary = offset + first
        for _ in range(count):
            left -= 1
            if left < 0:
                raise ElfInvalid(f"it requires more than {limits.ELF_VERSIONS} symbol versions")
            _, flags, _, name, step = layout.vernaux.unpack(image.read(auxiliary, 16, what))
            if not flags & VER_FLG_WEAK:
                yield library, strings.at(name)
            if not step:
                break
            auxiliary += step
        if not following:
            return
        offset += following
