"""Find every compiled file below a folder, whatever its name, and read it.

Suffixes do not find them all (Qt frameworks, helper programs, ``libx.so.0``), nor does the executable bit; opening every
file is slow. So files with a suffix of text or data are passed over, and the first bytes of the rest decide.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.names import is_loadable_name
from pytest_archcheck.binaries.reader import FIRST_TWO, HEAD_SIZE, damaged_binary, read_binary
from pytest_archcheck.binaries.source import OPEN_FLAGS, pread, source_of
from pytest_archcheck.discover.paths import KERNEL_FOLDERS, is_inside
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.binaries.source import Source

    Look = Callable[[Binary, Source, bytes], None]

#: Suffixes, in lower case, of files that no loader takes. What is missing here is opened and looked at: slower, never wrong.
TEXT_AND_DATA_SUFFIXES = frozenset(
    """
    py pyi pyc pyo pyx pxd pxi pyf ipynb typed pth egg-link toml cfg ini conf json jsonl json5 yaml yml xml xsd xsl xslt dtd
    rng h hh hpp hxx h++ inc inl ipp tcc c cc cpp cxx c++ cu cuh m mm f f77 f90 f95 f03 for java kt scala rs go swift zig s asm
    js mjs cjs ts tsx jsx map css scss less html htm xhtml vue qml qmltypes qm ui qrc qss lua pl pm rb php r rmd jl sql bat cmd
    ps1 fish csh tcl cmake mk am ac m4 pc la in tmpl tpl jinja jinja2 j2 mako txt md rst adoc tex bib log csv tsv po pot mo
    png jpg jpeg gif bmp ico icns svg svgz webp tif tiff eps ps pdf wav mp3 ogg flac mp4 avi mov webm ttf otf woff woff2 afm pfb
    crt cer key der gz tgz bz2 xz lzma zst lz4 br zip tar whl egg jar class npy npz mat sav arff parquet feather orc arrow h5
    pem hdf5 nc fits pkl pickle joblib db sqlite sqlite3 safetensors onnx pb pbtxt tflite proto fbs thrift avsc a lib pdb tbd
    wasm plist xcprivacy strings modulemap mplstyle build bzl bazel gyp gypi license apache mit bsd sip i swg def gitignore
    lock f2py_f2cmap gfs wkt ecsv dta xls xlsx tp
    """.split()
)
#: Names without a suffix that every installed project has.
_TEXT_NAMES = frozenset(
    """
    RECORD METADATA WHEEL INSTALLER REQUESTED LICENSE COPYING NOTICE AUTHORS zip-safe qmldir
    """.split()
)
#: Folders that hold no file that a loader takes.
_PASSED_FOLDERS = frozenset({"__pycache__", ".git", ".hg", ".svn"})
#: The same, by their ends: time zones are six hundred files without a suffix, and most environments hold them twice. Not every
#: folder of that name: ``backports/zoneinfo`` is a package with a module.
_TIME_ZONES = tuple(os.path.join(os.sep, package, "zoneinfo") for package in ("tzdata", "pytz"))


@dataclass(slots=True)
class Walk:
    """What was found below the folders walked so far."""

    #: Folders to pass over, as absolute real paths (a conda base prefix's ``envs`` and ``pkgs``).
    pruned: frozenset[str] = frozenset()
    binaries: list[Binary] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    #: Directory entries seen.
    files: int = 0
    #: Real paths of the folders walked: a link into one of them leads to what is seen anyway.
    roots: set[str] = field(default_factory=set)
    #: The folders that hold Python files, as they were walked: whoever looks for some need not list the others again.
    python_folders: list[str] = field(default_factory=list)
    #: Is shown each compiled file while it is open, with its first bytes: whoever wants more of it takes that then.
    look: Look | None = None


def walk(found: Walk, root: str, location: str | None = None) -> None:
    """Read every compiled file below ``root`` into ``found``; paths are relative to ``location`` (default: ``root``)."""
    real_root = os.path.realpath(root)
    if is_inside(real_root, found.roots):
        return
    if is_inside(real_root, KERNEL_FOLDERS):
        found.skipped.append(Skipped(root, f"it leads to {real_root}, which is no place for files"))
        return
    found.roots.add(real_root)
    tree = _Tree(found, location or root, real_root)
    deepest = root.rstrip(os.sep).count(os.sep) + limits.FOLDER_DEPTH
    folders = [root]
    while folders:
        folder = folders.pop()
        if found.files > limits.FOLDER_ENTRIES:
            found.skipped.append(
                Skipped(root, f"more than {limits.FOLDER_ENTRIES:,} files: the rest is not looked at", unseen=True)
            )
            return
        if folder.count(os.sep) > deepest:
            found.skipped.append(Skipped(folder, f"nested deeper than {limits.FOLDER_DEPTH} folders", unseen=True))
            continue
        try:
            with os.scandir(folder) as entries:
                tree.look_through(folder, entries, folders)
        except OSError as error:  # also one that comes in the middle of the listing: what came before it is kept
            found.skipped.append(Skipped(folder, f"the folder cannot be read: {error.strerror}", unseen=True))


def has_passed_name(name: str) -> bool:
    """Whether a file of this name is passed over unopened."""
    _, dot, suffix = name.rpartition(".")
    return bool(dot and suffix.lower() in TEXT_AND_DATA_SUFFIXES) or name in _TEXT_NAMES


class _Tree:
    """One walk: what its paths are relative to, and which symbolic links it followed."""

    def __init__(self, found: Walk, location: str, real_root: str) -> None:
        self._found = found
        self._location = location
        self._strip = len(location.rstrip(os.sep)) + 1
        self._real_root = real_root
        #: Real paths that links led to; the folders among them.
        self._followed: set[str] = set()
        self._followed_folders: set[str] = set()

    def look_through(self, folder: str, entries: Iterator[os.DirEntry[str]], folders: list[str]) -> None:
        """Read the candidates among a folder's entries; add those to go into to ``folders``."""
        found = self._found
        seen = 0
        has_python = False
        try:
            # Names and kinds come with the listing: nothing is stat'ed on the way to a candidate's first bytes.
            for entry in entries:
                seen += 1
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not self._is_passed(entry):
                        folders.append(entry.path)
                    continue
                # has_passed_name(), spelt out: a call for each file would cost as much as listing it.
                _, dot, suffix = name.rpartition(".")
                if suffix == "py" and dot:
                    has_python = True
                elif (
                    dot and (suffix in TEXT_AND_DATA_SUFFIXES or suffix.lower() in TEXT_AND_DATA_SUFFIXES)
                ) or name in _TEXT_NAMES:
                    continue
                elif entry.is_symlink():
                    self._follow(entry, folders)
                else:
                    self._look_at(entry)
        finally:
            found.files += seen
            if has_python:
                found.python_folders.append(folder)

    def _is_passed(self, folder: os.DirEntry[str]) -> bool:
        """Whether a folder is not gone into."""
        pruned = self._found.pruned
        return (
            folder.name in _PASSED_FOLDERS
            or (folder.name == "zoneinfo" and folder.path.endswith(_TIME_ZONES))
            or folder.path in KERNEL_FOLDERS
            or (bool(pruned) and os.path.realpath(folder.path) in pruned)
        )

    def _follow(self, link: os.DirEntry[str], folders: list[str]) -> None:
        real = self._link_target(link.path)
        if real is None:
            return
        if os.path.isdir(real):
            self._followed_folders.add(real)
            folders.append(link.path)
        else:
            self._look_at(link)

    def _look_at(self, entry: os.DirEntry[str]) -> None:
        relative = entry.path[self._strip :]
        if os.sep == "\\":
            relative = relative.replace("\\", "/")
        # Opening a device may do something: what is no regular file is left closed.
        if entry.is_file():
            look_at(self._found, entry.path, self._location, relative, foreign=entry.is_symlink())
        elif is_loadable_name(relative):
            _could_not_read(self._found, entry.path, self._location, relative, OSError("not a regular file"))

    def _link_target(self, path: str) -> str | None:
        """Where a symbolic link leads, if it leads to something that would not be seen otherwise."""
        found = self._found
        try:
            real = os.path.realpath(path, strict=True)
        except OSError as error:  # dangling, or a loop
            if is_loadable_name(path):
                found.skipped.append(Skipped(path, f"the symbolic link leads nowhere: {error.strerror}"))
            return None
        if real in self._followed or is_inside(real, self._followed_folders):
            return None
        if is_inside(real, found.roots) and not is_inside(real, found.pruned):
            return None
        if is_inside(self._real_root, {real}):  # a folder above: everything in it but this tree is somebody else's
            return None
        if is_inside(real, KERNEL_FOLDERS):
            found.skipped.append(Skipped(path, f"the symbolic link leads to {real}, which is no place for files"))
            return None
        self._followed.add(real)
        return real


def look_at(found: Walk, path: str, location: str, relative: str, *, foreign: bool = False) -> None:
    """Read one file if its first bytes are those of a compiled file, or its name promises one.

    :param foreign: a link led there out of the environment. What is not compiled is somebody else's, and not to be shown.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
        try:
            head = pread(descriptor, HEAD_SIZE, 0)
            if head[:2] not in FIRST_TWO and not is_loadable_name(relative):
                return
            source = source_of(descriptor)
            binary = read_binary(relative, location, source, head)
            if binary is not None and found.look is not None:
                found.look(binary, source, head)
        finally:
            os.close(descriptor)
    except OSError as error:
        _could_not_read(found, path, location, relative, error)
        return
    if binary is None:
        return
    if foreign and binary.problem and head[:2] not in FIRST_TWO:
        binary = binary._replace(problem="the symbolic link leads out of the environment, to a file that is not compiled")
    found.binaries.append(binary)


def _could_not_read(found: Walk, path: str, location: str, relative: str, error: OSError) -> None:
    """A file with a library's name that cannot be read is as broken for the loader; any other is said to be unseen."""
    reason = f"the file cannot be read: {error.strerror or error}"
    if not is_loadable_name(relative) or isinstance(error, FileNotFoundError):
        found.skipped.append(Skipped(path, reason))
    else:
        found.binaries.append(damaged_binary(relative, location, 0, reason))
