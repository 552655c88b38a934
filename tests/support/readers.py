"""Hands any bytes to each reader: what the fuzzers (``fuzz/``) and the property suite (``tests/properties``) have in common.

Each function of :data:`READERS` takes bytes and returns; an exception out of it is a bug, because a reader's own documented
error is caught here and nothing else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import deque
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.elf import read_elf_header
from pytest_archcheck.binaries.elf_image import ElfInvalid, open_image
from pytest_archcheck.binaries.elf_symbol_table import _Reader as ElfSymbols
from pytest_archcheck.binaries.export_trie import ExportTrie, TrieInvalid
from pytest_archcheck.binaries.model import Binary, ElfSlice, Extent, MachOSlice
from pytest_archcheck.binaries.model import SymbolTable as Place
from pytest_archcheck.binaries.nlist import SymbolsInvalid
from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.discover import conda, pth
from pytest_archcheck.discover.editable import developed_projects, mapped_folders, outside_folders
from pytest_archcheck.discover.environments import NothingToInspect, environment_at
from pytest_archcheck.discover.installed import installed_projects
from pytest_archcheck.discover.metadata import projects
from pytest_archcheck.discover.record import recorded_hashes
from pytest_archcheck.discover.wheel_names import wheel_file
from pytest_archcheck.judge.inputs import judge_inputs, judge_wheel_file
from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.loader.imports import imports_of
from pytest_archcheck.loader.ldso import parse_cache
from pytest_archcheck.loader.macho_symbols import SymbolSpace, image_of
from pytest_archcheck.loader.signing import read_signature
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.machine.target import Target
from support.sources import BytesSource
from support.undefined import undefined_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pytest_archcheck.binaries.source import Source

HEAD = 4096
#: Names that a damaged table is asked for.
_NAMES = (b"", b"_", b"_a", b"_PyInit_sample", b"__ZN3fooEv", b"a" * 300)
TARGET = Target.parse("macosx_14_0_arm64")
LINUX = Target.parse("manylinux_2_28_x86_64")


def binary(data: bytes) -> Binary | None:
    """Whatever the first bytes say that it is."""
    found = read_binary("pkg/_x.so", "/site", BytesSource(data), data[:HEAD])
    if found is not None:
        for text in _texts(found):
            assert len(text) <= len(data)
    return found


def _texts(found: Binary) -> Iterator[str]:
    for piece in found.slices:
        yield from (library.name for library in piece.libraries)
        yield from piece.rpaths
        yield piece.install_name or ""


def macho(data: bytes) -> None:
    """A whole Mach-O file: load commands, then all that they point at."""
    found = binary(data)
    for piece in found.slices if found else ():
        if isinstance(piece, MachOSlice):
            _everything_in(found, piece, data)  # type: ignore[arg-type] # mypy forgets that found has slices


def _everything_in(found: Binary, piece: MachOSlice, data: bytes) -> None:
    source = BytesSource(data)
    read_signature(source, piece, all_pages=True)
    with suppress(SymbolsInvalid):
        deque(undefined_symbols(source, piece), maxlen=0)

    def opener(_path: str) -> AbstractContextManager[Source]:
        return nullcontext(source)

    image = image_of(found, piece.architecture)
    if image is not None:  # every library is the file itself: re-exports go round in circles
        space = SymbolSpace(lambda _binary, of: [found] * len(of.libraries), opener)
        space.check(image)


def _image(data: bytes, **places: object) -> MachOSlice:
    facts: dict[str, object] = {
        "architecture": "arm64", "platform": "macos", "min_os": None, "install_name": None, "libraries": (), "rpaths": (),
        "extent": Extent(0, len(data)), "filetype": 8, "flags": 0x85, "is_64": True, "big_endian": False, "sdk": None,
        "has_uuid": True, "signature": None, "symbol_table": None, "exports": None,
    }  # fmt: skip
    return MachOSlice(**(facts | places))  # type: ignore[arg-type] # the facts above are those of the class


def signature(data: bytes) -> None:
    """A code signature: the first byte says where in the file it begins, in pages."""
    start = data[0] << 12 if data else 0
    content = bytes(start) + data[1:]
    piece = _image(content, signature=Extent(start, len(data) - 1 if data else 0))
    for all_pages in (False, True):
        result = read_signature(BytesSource(content), piece, all_pages=all_pages)
        assert (result.kind == "invalid") == (result.reason is not None)


def trie(data: bytes) -> None:
    """An export trie."""
    found = ExportTrie(BytesSource(data), Extent(0, len(data)))
    for name in _NAMES:
        with suppress(TrieInvalid):
            found.find(name)


def nlist(data: bytes) -> None:
    """A symbol table: two bytes are the size of the string table, one the kind of the image."""
    if len(data) < 3:
        return
    strings = min(int.from_bytes(data[:2], "little"), len(data) - 3)
    table = Place(symbols=Extent(3, len(data) - 3 - strings), strings=Extent(len(data) - strings, strings))
    kind = data[2]
    piece = _image(data, symbol_table=table, is_64=bool(kind & 1), big_endian=bool(kind & 2), flags=kind & 0x80)
    with suppress(SymbolsInvalid):
        for symbol in undefined_symbols(BytesSource(data), piece):
            assert 0 <= symbol.ordinal <= 0xFF


def elf(data: bytes) -> None:
    """An ELF file: what the loader looks at."""
    found = binary(data)
    for piece in found.slices if found else ():
        assert isinstance(piece, ElfSlice | MachOSlice)
    with suppress(ElfInvalid):
        read_elf_header(BytesSource(data), data[:HEAD])


def elf_symbols(data: bytes) -> None:
    """An ELF file's dynamic symbols."""
    asks: tuple[Callable[[ElfSymbols], object], ...] = (
        ElfSymbols.wanted,
        ElfSymbols.versions,
        ElfSymbols.lost,
        lambda reader: reader.defines(_NAMES),
        lambda reader: reader.relocated(_NAMES),
    )
    for ask in asks:
        with suppress(ElfInvalid):
            ask(ElfSymbols(*open_image(BytesSource(data), data[:HEAD])))


def ldso_cache(data: bytes) -> None:
    """``/etc/ld.so.cache``."""
    parse_cache(data)


def _folder() -> str:
    """An empty folder, the same one each time."""
    if not _folders:
        _folders.append(tempfile.mkdtemp(prefix="archcheck-"))
    folder = _folders[0]
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.remove(entry.path)
    return folder


_folders: list[str] = []


def use_folder(path: str) -> None:
    """Let the readers of files write into this folder, which is emptied again and again."""
    os.makedirs(path, exist_ok=True)
    _folders[:] = [path]


def remove_folder() -> None:
    """Take away what the readers of files wrote."""
    while _folders:
        shutil.rmtree(_folders.pop())


def _write(path: str, data: bytes) -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def wheel(data: bytes) -> None:
    """A wheel, read and judged."""
    path = _write(os.path.join(_folder(), "sample-1.0-cp311-cp311-macosx_11_0_arm64.whl"), data)
    judge_wheel_file(wheel_file(path), TARGET, target_given=False, all_pages=True)


def uv_lock(data: bytes) -> None:
    """A ``uv.lock``."""
    _lock(data, "uv.lock")


def pylock(data: bytes) -> None:
    """A ``pylock.toml``."""
    _lock(data, "pylock.toml")


def _lock(data: bytes, name: str) -> None:
    path = _write(os.path.join(_folder(), name), data)
    for target in (TARGET, LINUX):
        with suppress(LockInvalid):
            inspect_lock(path, target, "3.12")


#: The files of a site directory that one input of :func:`metadata` holds, each ended by :data:`SEPARATOR`.
METADATA_FILES = (
    "sample-1.0.dist-info/METADATA", "sample-1.0.dist-info/RECORD", "sample-1.0.dist-info/WHEEL",
    "sample-1.0.dist-info/direct_url.json", "sample-1.0.dist-info/INSTALLER", "sample.pth",
    "other-2.egg-info/installed-files.txt", "other-2.egg-info/top_level.txt", "__editable___sample_1_0_finder.py",
)  # fmt: skip
SEPARATOR = b"\n\x1c\n"


def metadata(data: bytes) -> None:
    """The text files of a site directory: METADATA, RECORD, WHEEL, direct_url.json, .pth files, import finders, eggs."""
    site = os.path.join(_folder(), "site-packages")
    os.mkdir(site)
    for name, content in zip(METADATA_FILES, data.split(SEPARATOR), strict=False):
        _write(os.path.join(site, name), content)
    found = projects(site)
    installed_projects(found, None, [])
    recorded_hashes(os.path.join(site, "sample-1.0.dist-info"), {"sample/_x.so"})
    added = pth.additions(site)
    outside_folders(site, added, found + developed_projects(added, found), [])


def conda_meta(data: bytes) -> None:
    """A record of conda, judged with a file that it may claim."""
    prefix = os.path.join(_folder(), "prefix")
    _write(os.path.join(prefix, "lib", "libx.dylib"), b"\xcf\xfa\xed\xfe")
    record = _write(os.path.join(prefix, "conda-meta", "sample-1.0-0.json"), data)
    conda.hashes(record, {"lib/libx.dylib"})
    with suppress(NothingToInspect):
        judge_inputs([(environment_at(prefix), "prefix")], TARGET, "3.11")


def python_imports(data: bytes) -> None:
    """A Python file of a package, asked for its imports, and an import finder."""
    for one in imports_of(data, "sample"):
        one.names("sample._x")
    path = _write(os.path.join(_folder(), "__editable___sample_1_0_finder.py"), data)
    with suppress(OSError, ValueError):
        mapped_folders(path)


READERS: dict[str, Callable[[bytes], object]] = {
    "macho": macho,
    "signature": signature,
    "trie": trie,
    "nlist": nlist,
    "elf": elf,
    "elf_symbols": elf_symbols,
    "ldso_cache": ldso_cache,
    "wheel": wheel,
    "uv_lock": uv_lock,
    "pylock": pylock,
    "metadata": metadata,
    "conda_meta": conda_meta,
    "python_imports": python_imports,
}
