"""The compiled members of a wheel, each read once while it is inflated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.elf import read_elf_header
from pytest_archcheck.binaries.elf_image import MAGIC as ELF_MAGIC
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.model import Binary, ElfSlice, Role
from pytest_archcheck.binaries.names import extension_role, is_loadable_name
from pytest_archcheck.binaries.reader import FIRST_TWO, HEAD_SIZE, read_binary
from pytest_archcheck.discover.files import has_passed_name
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipInfo

    from pytest_archcheck.binaries.archive import Archive
    from pytest_archcheck.binaries.source import Source


@dataclass(slots=True)
class Reading:
    """What is gathered while a wheel is read."""

    path: str
    problems: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    #: Path as installed -> member.
    members: dict[str, ZipInfo] = field(default_factory=dict)
    #: WHEEL, METADATA, RECORD.
    metadata: dict[str, ZipInfo] = field(default_factory=dict)
    binaries: list[Binary] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)


def read_binaries(reading: Reading, archive: Archive) -> Iterator[tuple[Binary, Source]]:
    """Read the compiled members, the smallest first; those that were read whole come back while they are open."""
    compressed = inflated = 0
    named = ((path, member) for path, member in reading.members.items() if not has_passed_name(path.rpartition("/")[2]))
    candidates = [(path, member) for path, member in named if member.file_size or is_loadable_name(path)]
    for path, member in sorted(candidates, key=lambda item: item[1].compress_size):
        try:
            source = archive.source(member)
            head = source.read(0, HEAD_SIZE)
            if head[:2] not in FIRST_TWO and not is_loadable_name(path):
                continue
            compressed += member.compress_size
            inflated += member.file_size
            whole = compressed <= limits.WHEEL_COMPRESSED_SIZE and inflated <= limits.WHEEL_INFLATED_SIZE
            binary = read_binary(path, reading.path, source, head) if whole else _read_partly(reading, path, source, head)
        except OSError as error:
            binary, whole = _unreadable(reading, path, member, error), False
        if binary is not None:
            reading.binaries.append(binary)
            if whole:
                yield binary, source


def _read_partly(reading: Reading, path: str, source: Source, head: bytes) -> Binary | None:
    """Read what can be had without inflating a large file to its end.

    A Mach-O file has its load commands in front, a fat one in front of each slice. An ELF file's dynamic section lies near its
    end, so nothing beyond its header is known.
    """
    binary: Binary | None
    if head.startswith(ELF_MAGIC):
        what = "only its header was read: neither linked libraries nor symbols were looked at"
        binary = _read_elf_header(reading.path, path, source, head)
    else:
        what = "only its load commands were read: neither signature nor symbols were looked at"
        binary = read_binary(path, reading.path, source, head)
    if binary is not None:
        reading.partial.add(path)
        reading.skipped.append(Skipped(path, f"{source.size >> 20} MiB, {what}; install the wheel into a folder for that"))
    return binary


def _read_elf_header(location: str, path: str, source: Source, head: bytes) -> Binary:
    slices: tuple[ElfSlice, ...] = ()
    problem = None
    try:
        slices = (read_elf_header(source, head),)
    except ElfInvalid as error:
        problem = str(error)
    role: Role = "extension" if extension_role(path) else "library" if is_loadable_name(path) else "executable"
    return Binary(path=path, location=location, format="elf", role=role, slices=slices, size=source.size, problem=problem)


def _unreadable(reading: Reading, path: str, member: ZipInfo, error: OSError) -> Binary | None:
    """A file that a loader would be handed is broken; of any other it is only said that nobody looked."""
    if not is_loadable_name(path):
        reading.skipped.append(Skipped(path, f"the member cannot be read: {error}"))
        return None
    return Binary(
        path=path,
        location=reading.path,
        format="elf" if ".so." in path else "mach-o",
        role="extension" if extension_role(path) else "library",
        slices=(),
        size=member.file_size,
        problem=f"it cannot be read out of the wheel: {error}",
    )
