"""A byte builder of ELF files, from the standard library alone; ``bytes(Elf(...))`` is the file.

Names and numbers are those of ``<elf.h>`` and the System V ABI. All of the file is one PT_LOAD at address 0, so that an address
is a file offset. There is no hash table: nobody looks a symbol up in these files.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: wheel tag's architecture: (e_machine, 64 bits, big-endian)
ARCHITECTURES = {
    "x86_64": (62, True, False),
    "i686": (3, False, False),
    "aarch64": (183, True, False),
    "armv7l": (40, False, False),
    "ppc64le": (21, True, False),
    "ppc64": (21, True, True),
    "s390x": (22, True, True),
    "riscv64": (243, True, False),
}
#: e_flags where a loader or a wheel tag looks at them: EABI 5 with hard floats, ELFv2.
_FLAGS = {"armv7l": 0x05000400, "ppc64le": 2}
ELF_TYPES = {"relocatable": 1, "executable": 2, "shared": 3}

_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT, _DT_SONAME, _DT_RPATH = 0, 1, 5, 6, 10, 11, 14, 15
_DT_RUNPATH, _DT_VERNEED, _DT_VERNEEDNUM = 29, 0x6FFFFFFE, 0x6FFFFFFF


@dataclass(frozen=True, kw_only=True)
class Elf:
    """What the file says about itself."""

    elf_type: Literal["relocatable", "executable", "shared"] = "shared"
    arch: str = "x86_64"
    needed: Sequence[str] = ("libc.so.6",)
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    #: PT_INTERP: the dynamic loader's path.
    interpreter: str | None = None
    #: DT_VERNEED: library: versions, such as {"libc.so.6": ["GLIBC_2.17"]}.
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: EI_OSABI: 0 System V, 3 Linux, 9 FreeBSD.
    osabi: int = 0
    #: Contents of .rodata.
    texts: bytes = b""

    def __bytes__(self) -> bytes:
        return _build(self)


def shared(arch: str = "x86_64", **facts: Any) -> bytes:
    """ET_DYN without PT_INTERP: an extension module or a library."""
    return bytes(Elf(arch=arch, **facts))


def executable(arch: str = "x86_64", interpreter: str = "/lib64/ld-linux-x86-64.so.2", **facts: Any) -> bytes:
    """ET_EXEC with PT_INTERP: a program."""
    return bytes(Elf(elf_type="executable", arch=arch, interpreter=interpreter, **facts))


def relocatable(arch: str = "x86_64") -> bytes:
    """ET_REL: a compiler's ``.o`` file."""
    return bytes(Elf(elf_type="relocatable", arch=arch, needed=()))


class _Section(NamedTuple):
    name: str
    kind: int  # SHT_*
    content: bytes
    link: str = ""  # the section that sh_link names
    info: int = 0
    entry_size: int = 0


def _build(elf: Elf) -> bytes:
    machine, is_64, big_endian = ARCHITECTURES[elf.arch]
    order, word = (">" if big_endian else "<"), ("Q" if is_64 else "I")
    sections = _sections(elf, order, word)
    segments = {} if elf.elf_type == "relocatable" else {".dynamic": 2} | ({".interp": 3} if elf.interpreter else {})
    header_size, program_size = (64, 56) if is_64 else (52, 32)
    count = len(segments) + bool(segments)
    places, end = _places(sections, header_size + program_size * count)
    sections[-2 if segments else -1 :] = _with_dynamic(elf, sections, places, (order, word)) if segments else sections[-1:]
    body = b"".join(section.content + bytes(-len(section.content) % 8) for section in sections)
    programs = [_program(order, is_64, 1, 0, end)] if segments else []  # PT_LOAD
    for name, kind in segments.items():  # PT_DYNAMIC, PT_INTERP
        size = next(len(section.content) for section in sections if section.name == name)
        programs.append(_program(order, is_64, kind, places[name], size))
    if elf.interpreter:
        programs.insert(0, programs.pop())  # PT_INTERP comes before any PT_LOAD
    # EI_MAG, EI_CLASS, EI_DATA, EI_VERSION, EI_OSABI, then 8 bytes of padding
    ident = b"\x7fELF" + bytes([2 if is_64 else 1, 2 if big_endian else 1, 1, elf.osabi]) + bytes(8)
    # e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, then sizes and counts of the tables
    program_table = (program_size, len(programs)) if programs else (0, 0)
    tables = (header_size, *program_table, 64 if is_64 else 40, len(sections), len(sections) - 1)
    fields = (ELF_TYPES[elf.elf_type], machine, 1, 0, header_size if programs else 0, end, _FLAGS.get(elf.arch, 0), *tables)
    header = ident + struct.pack(f"{order}HHI3{word}I6H", *fields)
    names = [section.name for section in sections]
    table = b"".join(_section_header(order, word, section, names, places) for section in sections)
    return header + b"".join(programs) + body + table


def _sections(elf: Elf, order: str, word: str) -> list[_Section]:
    """Every section; ``.dynamic`` has its size but not yet its values, the table of section names is last."""
    sections = [_Section("", 0, b"")]
    if elf.elf_type == "relocatable":
        sections.append(_Section(".text", 1, bytes(16)))
    else:
        if elf.interpreter:
            sections.append(_Section(".interp", 1, elf.interpreter.encode() + b"\0"))
        symbol_size = 24 if word == "Q" else 16
        sections += [
            _Section(".dynstr", 3, _strings(elf)),
            _Section(".dynsym", 11, bytes(symbol_size), ".dynstr", 1, symbol_size),  # only the null symbol
        ]
        if elf.versions:
            sections.append(_Section(".gnu.version_r", 0x6FFFFFFE, _verneed(elf, order), ".dynstr", len(elf.versions)))
        if elf.texts:
            sections.append(_Section(".rodata", 1, elf.texts))
        pairs = len(_dynamic(elf, dict.fromkeys((".dynstr", ".dynsym", ".gnu.version_r"), 0)))
        size = struct.calcsize(word)
        sections.append(_Section(".dynamic", 6, bytes(2 * size * pairs), ".dynstr", 0, 2 * size))
    names = "\0".join([section.name for section in sections] + [".shstrtab"]) + "\0"
    return [*sections, _Section(".shstrtab", 3, names.encode())]


def _places(sections: Sequence[_Section], start: int) -> tuple[dict[str, int], int]:
    """File offset of every section, and of what comes after the last."""
    places = {}
    for section in sections:
        places[section.name] = start
        start += len(section.content) + -len(section.content) % 8
    return places, start


def _texts(elf: Elf) -> list[str]:
    own = [text for text in (elf.soname, elf.rpath, elf.runpath) if text is not None]
    return [*elf.needed, *own, *elf.versions, *(version for group in elf.versions.values() for version in group)]


def _strings(elf: Elf) -> bytes:
    return b"\0" + b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in dict.fromkeys(_texts(elf)))


def _string(elf: Elf, text: str) -> int:
    """Offset of a text in ``.dynstr``."""
    return _strings(elf).index(b"\0" + text.encode("utf-8", "surrogateescape") + b"\0") + 1


def _dynamic(elf: Elf, places: Mapping[str, int]) -> list[tuple[int, int]]:
    entries = [(_DT_NEEDED, _string(elf, name)) for name in elf.needed]
    for tag, text in ((_DT_SONAME, elf.soname), (_DT_RPATH, elf.rpath), (_DT_RUNPATH, elf.runpath)):
        if text is not None:
            entries.append((tag, _string(elf, text)))
    entries += [(_DT_STRTAB, places[".dynstr"]), (_DT_SYMTAB, places[".dynsym"])]
    entries += [(_DT_STRSZ, len(_strings(elf))), (_DT_SYMENT, 24 if ARCHITECTURES[elf.arch][1] else 16)]
    if elf.versions:
        entries += [(_DT_VERNEED, places[".gnu.version_r"]), (_DT_VERNEEDNUM, len(elf.versions))]
    return [*entries, (_DT_NULL, 0)]


def _with_dynamic(elf: Elf, sections: Sequence[_Section], places: Mapping[str, int], layout: tuple[str, str]) -> list[_Section]:
    """The last two sections, ``.dynamic`` filled in."""
    order, word = layout
    content = b"".join(struct.pack(f"{order}2{word}", *entry) for entry in _dynamic(elf, places))
    return [sections[-2]._replace(content=content), sections[-1]]


def _verneed(elf: Elf, order: str) -> bytes:
    out, index = b"", 2  # indices 0 and 1 are reserved
    libraries = list(elf.versions.items())
    for number, (library, versions) in enumerate(libraries):
        last = number == len(libraries) - 1
        # Elf_Verneed: vn_version, vn_cnt, vn_file, vn_aux, vn_next
        follows = 0 if last else 16 + 16 * len(versions)
        out += struct.pack(order + "HHIII", 1, len(versions), _string(elf, library), 16, follows)
        for position, version in enumerate(versions):
            # Elf_Vernaux: vna_hash, vna_flags, vna_other, vna_name, vna_next
            next_aux = 0 if position == len(versions) - 1 else 16
            out += struct.pack(order + "IHHII", _elf_hash(version), 0, index, _string(elf, version), next_aux)
            index += 1
    return out


def _elf_hash(name: str) -> int:
    """The hash function of the System V ABI."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value


def _program(order: str, is_64: bool, kind: int, offset: int, size: int) -> bytes:  # noqa: FBT001 - ELF's class, not a switch
    # p_type, p_flags (R), p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align; 32 bits: p_flags before p_align
    align = 0x1000 if kind == 1 else 8
    if is_64:
        return struct.pack(order + "II6Q", kind, 4, offset, offset, offset, size, size, align)
    return struct.pack(order + "8I", kind, offset, offset, offset, size, size, 4, align)


def _section_header(order: str, word: str, section: _Section, names: Sequence[str], places: Mapping[str, int]) -> bytes:
    if not section.kind:
        return bytes(struct.calcsize(f"{order}II4{word}II2{word}"))
    name = sum(len(other) + 1 for other in names[: names.index(section.name)])
    flags = 0 if section.name == ".shstrtab" else 2  # SHF_ALLOC
    link = names.index(section.link) if section.link else 0
    place = places[section.name]
    # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info, sh_addralign, sh_entsize
    fields = (name, section.kind, flags, place if flags else 0, place, len(section.content), link, section.info)
    return struct.pack(f"{order}II4{word}II2{word}", *fields, 8, section.entry_size)
