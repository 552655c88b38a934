"""RECORD: the files that an installed project brought, with their hashes.

CSV lines of path, hash and size: PEP 376 and
https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import csv
import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.names import is_loadable_name
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.paths import ENCODING
from pytest_archcheck.discover.text import with_lf

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from pytest_archcheck.binaries.source import FileSource, Source

#: Bytes taken at a time: the work on one block is done in the memory of the one before, and a RECORD has megabytes.
_BLOCK = 1 << 16


class Record(NamedTuple):
    """What a RECORD says; paths have ``/``."""

    #: Relative to the site directory: those that were asked for; None if nothing is recorded.
    files: AbstractSet[str] | None
    #: Whether anything is recorded that is neither metadata nor outside the site directory; without a record nobody knows, so
    #: it is taken to be.
    has_modules: bool
    #: The first such file.
    first: str | None
    #: Names of compiled files that were not asked for: they may be gone.
    unasked: tuple[str, ...]
    #: All that lie outside the site directory: ``../../../bin/x``.
    outside: tuple[str, ...]
    #: What is wrong with it.
    problems: tuple[str, ...]


#: Most projects have no compiled file: one value for all of them.
_NONE: AbstractSet[str] = frozenset()

#: What is known of a project without a record.
NOT_RECORDED = Record(files=None, has_modules=True, first=None, unasked=(), outside=(), problems=())


def read_record(path: str, wanted: set[str] | None = None) -> Record:
    """Read a RECORD.

    :param wanted: the files to keep, relative to the site directory; None: all of them.
    :raises OSError: it cannot be read, is no regular file, or is larger than ``limits.TEXT_FILE_SIZE``.
    """
    with _open(path) as source:
        return _record(_paths(record_blocks(source)), wanted)


def _open(path: str) -> FileSource:
    source = open_file(path)
    if source.size > limits.TEXT_FILE_SIZE:
        source.close()
        raise OSError(f"larger than {limits.TEXT_FILE_SIZE} bytes")
    return source


def record_of(paths: Iterable[str], wanted: set[str] | None = None) -> Record:
    """The same for a list of paths with ``/``."""
    return _record([(list(paths), "")], wanted)


def _record(blocks: Iterable[tuple[list[str], str]], wanted: set[str] | None) -> Record:
    """The record of runs of paths, each with the text that it stands in."""
    files: set[str] = set()
    odd: set[str] = set()
    first: str | None = None
    unasked: list[str] = []
    last = ""
    for paths, text in blocks:
        # Of the hundred thousand files of an environment only the compiled ones matter: the others' names are not kept.
        files.update(paths if wanted is None else wanted.intersection(paths))
        # Two quick questions that nearly no path passes: the exact ones are asked of the rest.
        odd.update([path for path in paths if path < "0" and _is_outside(path)])
        if ":" in (text or ":"):
            odd.update([path for path in paths if ":" in path and _is_outside(path)])
        if len(odd) > limits.OUTSIDE_FILES:
            raise OSError(f"it names more than {limits.OUTSIDE_FILES} files outside the site directory")
        if first is None:
            first = next(filter(_is_module, paths), None)
        if wanted is not None and len(unasked) < limits.LOST_FILES:
            # To look for these ends in the whole text takes longer than at each path.
            likely = [path for path in paths if path.endswith((".so", ".dylib")) or ".so." in path]
            unasked += [path for path in likely if path not in wanted and is_loadable_name(path) and _is_module(path)]
        if not text.isspace():
            last = text
    files.discard("")
    outside = tuple(sorted(odd))
    lost = tuple(unasked[: limits.LOST_FILES])
    return Record(files or _NONE, first is not None, first, lost, outside, tuple(_problems(last, outside)))


def _is_outside(path: str) -> bool:
    return (path[:3] == "../" or path[:1] == "/" or path[1:3] == ":/") and "\0" not in path


def _is_module(path: str) -> bool:
    return path != "" and path[:3] != "../" and not path.partition("/")[0].endswith((".dist-info", ".egg-info"))


def is_gone(site: str, path: str) -> bool:
    """Whether a recorded file surely is not there: a folder that cannot be looked into may hold it.

    A symbolic link that leads nowhere is no file: uv makes links into its cache where it is told to, and that gets cleaned.
    """
    whole = os.path.join(site, path)
    try:
        if stat.S_ISLNK(os.lstat(whole).st_mode):
            os.stat(whole)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError) as error:
        return isinstance(error, OSError) and error.errno == errno.ELOOP  # links in a circle
    return False


def is_all_gone(record: str, site: str) -> bool:
    """Whether not one of the files in the site directory that a RECORD names is there, its metadata apart."""
    try:
        files = read_record(record).files or ()
    except (OSError, ValueError):
        return False
    return all(is_gone(site, path) for path in files if _is_module(path) and path[:1] != "/")


def recorded_hashes(folder: str, paths: Container[str]) -> dict[str, str]:
    """SHA-256 (hexadecimal) of these files by the RECORD of a dist-info folder; without those that it gives none for."""
    found = {}
    try:
        with _open(os.path.join(folder, "RECORD")) as source:
            for block in record_blocks(source):
                for row in csv.reader(with_lf(block).split("\n")):
                    if len(row) == 3 and row[0] in paths and row[1].startswith("sha256="):
                        digest = row[1].removeprefix("sha256=")
                        found[row[0]] = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except (OSError, ValueError, csv.Error):
        return {}
    return found


def record_blocks(source: Source) -> Iterator[str]:
    """The text in runs of whole lines; a quoted path may hold a line break, so there are as many quotes as make pairs."""
    offset = 0
    rest = b""
    while piece := source.read(offset, _BLOCK):
        start = len(codecs.BOM_UTF8) if offset == 0 and piece.startswith(codecs.BOM_UTF8) else 0
        offset += len(piece)
        whole = rest + piece[start:]
        end = whole.rfind(b"\n") + 1
        if whole.count(b'"', 0, end) % 2:  # the last of them begins a path that ends further on
            end = whole.rfind(b"\n", 0, whole.rfind(b'"', 0, end)) + 1
            if whole.count(b'"', 0, end) % 2:
                end = 0
        if end:
            yield whole[:end].decode(ENCODING, "surrogateescape")
        rest = whole[end:]
        if len(rest) > limits.RECORD_LINE_SIZE + _BLOCK:
            raise OSError("a line of it is too long")
    if rest:
        yield rest.decode(ENCODING, "surrogateescape")


def _paths(blocks: Iterator[str]) -> Iterator[tuple[list[str], str]]:
    """Yield the first fields of the lines, with the text that they stand in."""
    for text in blocks:
        found = _quoted(text) if '"' in text else None
        if found is None:  # without a quote it needs no CSV parser
            found = [line.partition(",")[0] for line in with_lf(text).split("\n")]
        yield found if "\\" not in text else [path.replace("\\", "/") for path in found], text


def _quoted(text: str) -> list[str] | None:
    with contextlib.suppress(csv.Error):
        return [row[0] for row in csv.reader(text.splitlines(keepends=True)) if row]
    return None


def _problems(last: str, outside: Iterable[str]) -> Iterator[str]:
    if last and last.rstrip().rpartition("\n")[2].count(",") < 2:
        yield "RECORD is cut off: its last line is no path, hash and size"
    # Three levels up from site-packages is the prefix, which holds ``bin`` and ``share``.
    lost = [path for path in outside if path[:3] != "../" or path[:12] == "../../../../"]
    if lost:
        yield f"RECORD names a file outside the environment, not looked at: {min(lost)}"
