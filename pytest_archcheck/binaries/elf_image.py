"""The bytes of an ELF file by offset and by address, its program headers and its dynamic section: what the loader starts from.

Names follow ``<elf.h>`` and the System V gABI, chapters 4 (object files) and 5 (program loading and dynamic linking). Section
headers may be stripped without harm, so a reader that asks for them would call good files damaged.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.model import Extent

if TYPE_CHECKING:
    from pytest_archcheck.binaries.source import Source

MAGIC = b"\x7fELF"

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL = 0

#: Read at a time where nothing tells how much will be asked for next.
WINDOW = 32 * 1024
#: The same for a name in a large table: the names of libraries lie together, or each for itself.
_NAMES = 4096
#: Windows that are kept of one file, beside its head.
_WINDOWS = 8
#: As :func:`os.fsdecode` has it, which asks what it was given each time.
CODING, ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class ElfInvalid(ValueError):
    """The file is no ELF file that could be loaded; the message says what is wrong with it."""


#: p_type, p_offset, p_vaddr, p_filesz.
ProgramHeader = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """The structs of one class (32 or 64 bit) and byte order; fields that nothing asks for are passed over."""

    is_64: bool
    #: e_type, e_machine, e_phoff, e_phentsize, e_phnum; it begins at offset 16, behind e_ident.
    header: struct.Struct
    #: See :data:`ProgramHeader`.
    program_header: struct.Struct
    #: d_tag, d_un.
    dynamic: struct.Struct
    #: So many of their words.
    words: str
    #: Elf*_Verneed: version, count, file name, first Vernaux, next Verneed; the same in both classes.
    verneed: struct.Struct
    #: Elf*_Vernaux: hash, flags, index, name, next Vernaux.
    vernaux: struct.Struct


def _layout(order: str, *, is_64: bool) -> Layout:
    word = "Q" if is_64 else "I"
    pad = "8x" if is_64 else "4x"
    return Layout(
        is_64,
        # e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, three more
        struct.Struct(f"{order}HH4x{pad}{word}{pad}4x2xHH6x"),
        # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align; in 32 bits p_flags comes after p_memsz
        struct.Struct(f"{order}I4xQQ8xQ16x" if is_64 else f"{order}III4xI12x"),
        struct.Struct(f"{order}{word * 2}"),
        f"{order}%d{word}",
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
        #: Begin, end and contents of what was read, the latest first; the head stays.
        self._windows = [(0, len(head), head)]

    def read(self, offset: int, size: int, what: str, at_once: int = WINDOW) -> bytes:
        """Return exactly ``size`` bytes; raises :class:`ElfInvalid` that names ``what`` where the file ends before.

        :param at_once: how much is read where these have to be: what lies behind them may be asked for next.
        """
        for begin, end, content in self._windows:
            if begin <= offset and offset + size <= end:
                return content[offset - begin : offset - begin + size]
        if offset + size > self.source.size:
            raise ElfInvalid(f"{what} lies past the end of the file")
        # Whole pages, unless no more is wanted.
        begin = offset & ~0xFFF if at_once > size else offset
        content = self.source.read(begin, max(at_once, offset + size - begin))
        if len(self._windows) > _WINDOWS:  # enough for strings that lie apart, and bounded
            del self._windows[-2]
        self._windows.insert(0, (begin, begin + len(content), content))
        piece = content[offset - begin : offset - begin + size]
        if len(piece) < size:  # it shrank while we looked
            raise ElfInvalid(f"{what} lies past the end of the file")
        return piece

    def hold(self, offset: int, end: int) -> tuple[bytes, int]:
        """Read at once what is wanted in pieces, as far as the file goes; return what was read, and where that begins."""
        end = min(end, self.source.size)
        for begin, stop, content in self._windows:
            if begin <= offset and end <= stop:
                return content, begin
        content = self.source.read(offset, end - offset)
        self._windows.insert(0, (offset, offset + len(content), content))
        return content, offset

    def offset_of(self, address: int, what: str) -> int:
        """Return the file offset that is mapped to this address."""
        for _, offset, start, size in self.loads:
            if start <= address < start + size:
                return offset + address - start
        raise ElfInvalid(f"{what} lies outside of the loaded segments")

    def text(self, offset: int, what: str, limit: int = limits.PATH_LENGTH) -> str:
        """Return the NUL-terminated string at an offset, decoded as file names are."""
        for begin, end, content in self._windows:
            if begin <= offset < end:  # nearly every name ends in the window in which it begins
                at = offset - begin
                if (stop := content.find(b"\0", at, at + limit)) >= 0:
                    return content[at:stop].decode(CODING, ERRORS)
                break
        size, longest = 64, min(limit, self.source.size - offset)
        while True:
            size = min(size, longest)
            piece = self.read(offset, size, what, _NAMES) if size > 0 else b""
            stop = piece.find(b"\0")
            if stop >= 0:
                return piece[:stop].decode(CODING, ERRORS)
            if size >= longest:
                raise ElfInvalid(f"{what} has no end")
            size *= 8


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
    _, _, *where = layout.header.unpack(image.read(16, layout.header.size, "the ELF header"))
    headers = program_headers(image, layout, *where)
    dynamic = dynamic_section(image, headers)
    if dynamic is None:
        raise ElfInvalid("it has no dynamic section")
    return image, layout, dynamic_entries(image, layout, dynamic)


def program_headers(image: Image, layout: Layout, phoff: int, entry_size: int, count: int) -> list[ProgramHeader]:
    """Read the program headers, and tell the image what is mapped where."""
    if entry_size != layout.program_header.size:
        raise ElfInvalid(f"the program headers have {entry_size} bytes each instead of {layout.program_header.size}")
    if count > limits.ELF_PROGRAM_HEADERS:
        raise ElfInvalid(f"it has {count} program headers, more than any real file")
    table = image.read(phoff, entry_size * count, "the program header table")
    headers: list[ProgramHeader] = list(layout.program_header.iter_unpack(table))
    image.loads = [header for header in headers if header[0] == PT_LOAD]
    end = image.source.size
    for _, offset, _, size in image.loads:
        if offset + size > end:
            raise ElfInvalid("the file is cut off: a loaded segment lies past its end")
    return headers


def dynamic_section(image: Image, headers: list[ProgramHeader]) -> Extent | None:
    """Where the dynamic section lies; None where there is none."""
    # Where the table says that it is mapped, as the loader takes it; p_offset is for the linker. The last one wins in ld.so.
    for kind, _, address, size in reversed(headers):
        if kind == PT_DYNAMIC:  # without bytes in a file that holds debugging information only
            return Extent(image.offset_of(address, "the dynamic section"), size) if size else None
    return None


def dynamic_entries(image: Image, layout: Layout, dynamic: Extent) -> list[tuple[int, int]]:
    """Return (d_tag, d_un) pairs up to DT_NULL."""
    size = layout.dynamic.size
    count = min(dynamic.size // size, limits.ELF_DYNAMIC_ENTRIES + 1)
    table = image.read(dynamic.offset, count * size, "the dynamic section", at_once=0)
    words = struct.unpack(layout.words % (2 * count), table)
    tags = words[::2]
    if DT_NULL in tags:
        end = tags.index(DT_NULL)
        return list(zip(tags[:end], words[1::2], strict=False))
    if count > limits.ELF_DYNAMIC_ENTRIES:
        raise ElfInvalid(f"the dynamic section has more than {limits.ELF_DYNAMIC_ENTRIES} entries")
    raise ElfInvalid("the dynamic section has no end")
