"""Installed projects and the files they recorded, through importlib_metadata: the only module that imports it.

Importing importlib_metadata changes the process for good: it takes ``find_distributions`` away from the standard library's
``PathFinder`` and puts a finder of its own on ``sys.meta_path``, so that ``importlib.metadata`` hands out the backport's
objects from then on. A checker must not do that to the tests beside it, so the import is undone as soon as it is made, and
only this module keeps the package.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_archcheck import limits
from pytest_archcheck.discover.paths import path_in
from pytest_archcheck.discover.record import NOT_RECORDED, is_all_gone, is_gone, read_record, record_of
from pytest_archcheck.discover.text import (
    canonical_name,
    header_fields,
    plain_name,
    plain_requirements,
    plain_version,
    read_header,
    read_json,
    read_paths,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from types import ModuleType

_Content = TypeVar("_Content")


class Project(NamedTuple):
    """What an installed project's metadata folder says."""

    #: Normalised (PEP 503).
    name: str
    version: str | None
    installer: str | None
    #: ``Tag:`` lines of WHEEL.
    tags: tuple[str, ...]
    #: The site directory.
    site: str
    #: The dist-info or egg-info entry.
    folder: str
    #: The project's folder if it was installed in editable mode (direct_url.json, PEP 610).
    editable_root: str | None
    #: Recorded files relative to the site directory, with ``/``: those that were asked for, or None if nothing is recorded.
    files: AbstractSet[str] | None
    #: Whether anything is recorded that is neither metadata nor outside the site directory; without a record nobody knows, so
    #: it is taken to be.
    has_modules: bool
    #: All recorded files that lie outside the site directory: ``../../../bin/x``.
    outside: tuple[str, ...]
    #: Top-level modules and packages, known without a record.
    top_level: tuple[str, ...]
    #: Names of the projects that it requires, normalised; markers are not looked at.
    requires: tuple[str, ...] = ()
    #: The same for those that only its extras require.
    for_extras: tuple[str, ...] = ()
    #: What is wrong with the metadata itself.
    problems: tuple[str, ...] = ()
    #: Compiled files that are recorded and are not there.
    lost: tuple[str, ...] = ()
    #: Nothing of what is recorded is there but metadata and scripts.
    is_gone: bool = False


def _import_privately() -> ModuleType:
    """Import importlib_metadata and put the process back as it was; a copy that the user imported is left alone."""
    loaded = sys.modules.get("importlib_metadata")
    if loaded is not None:
        return loaded
    meta_path = list(sys.meta_path)
    finder = PathFinder.__dict__.get("find_distributions")
    before = set(sys.modules)
    try:
        import importlib_metadata
    finally:
        sys.meta_path[:] = meta_path
        if finder is not None and "find_distributions" not in PathFinder.__dict__:
            type.__setattr__(PathFinder, "find_distributions", finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "importlib_metadata":
                del sys.modules[name]
    return importlib_metadata


_backport: ModuleType | None = None


def _library() -> ModuleType:
    global _backport  # noqa: PLW0603 - the one copy of a module that must not stay in sys.modules
    if _backport is None:
        _backport = _import_privately()
    return _backport


def projects(site: str, wanted: set[str] | None = None) -> list[Project]:
    """Every project whose metadata lies in that site directory, in the order of their folders' names.

    :param wanted: the recorded files to keep, relative to the site directory; None: all of them.
    """
    library = _library()
    context = library.DistributionFinder.Context(path=[site])
    # PathDistribution keeps its folder in _path; the public API has no name for it. Its texts are read here: its own reading
    # waits for FIFOs, and takes in a METADATA of any size.
    finder = library.MetadataPathFinder()
    folders = {str(found._path) for found in finder.find_distributions(context)}  # noqa: SLF001 - see above
    # It keeps a Path for each, half a kilobyte, in values that hold themselves, and nothing looks for garbage meanwhile.
    kept = library.FastPath(site)
    seen = kept.lookup(kept.mtime)
    seen.infos.clear()
    seen.eggs.clear()
    kept.lookup.cache_clear()
    finder.invalidate_caches()
    shared: dict[str | tuple[str, ...], Any] = {}
    found = (_project(folder, site, wanted, shared) for folder in sorted({*folders, *_eggs(site)}))
    return [project for project in found if project is not None]


def has_projects(folder: str, *suffixes: str) -> bool:
    """Whether a folder holds metadata of installed projects, by the names in it (``.dist-info`` or ``.egg-info``)."""
    try:
        return any(name.endswith(suffixes or (".dist-info", ".egg-info")) for name in os.listdir(folder))
    except OSError:
        return False


def _eggs(site: str) -> list[str]:
    """The metadata of ``easy_install``'s eggs: ``NAME-VERSION-pyX.Y.egg/EGG-INFO`` beside the files themselves."""
    try:
        names = [name for name in os.listdir(site) if name.endswith(".egg")]
    except OSError:
        return []
    return [folder for name in names if os.path.isdir(folder := os.path.join(site, name, "EGG-INFO"))]


def requirements(folder: str) -> tuple[str, ...]:
    """The ``Requires-Dist`` lines of a dist-info folder; empty where they cannot be read.

    Not by importlib_metadata's ``requires``: that imports more of the package later, with all that is undone above.
    """
    try:
        text = read_header(os.path.join(folder, "METADATA"), limits.METADATA_REQUIREMENTS_SIZE)
    except OSError:
        return ()
    return plain_requirements(header_fields(text).get("requires-dist", ()))


def _project(folder: str, site: str, wanted: set[str] | None, shared: dict[str | tuple[str, ...], Any]) -> Project | None:
    """What one metadata folder says.

    :param shared: the values that many projects have in common, each once.
    """
    problems: list[str] = []

    def read(name: str, reader: Callable[[str], _Content]) -> _Content | None:
        path = os.path.join(folder, name)
        try:
            return reader(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror or error}")
            return None
        except ValueError as error:
            problems.append(f"{name} cannot be read: {error}")
            return None

    head = _first_of(folder, problems)
    header = _name_and_version(head)
    egg = os.path.basename(folder) == "EGG-INFO"
    name_in_folder, version_in_folder = _named(os.path.dirname(folder) if egg else folder)
    name = plain_name(header.get("name") or name_in_folder)
    if not name:
        return None
    if "name" not in header and not problems:
        problems.append(f"{folder}: METADATA is missing or names no project")
    record = read("RECORD", lambda path: read_record(path, wanted))
    wheel_text = read("WHEEL", _text)
    wheel = header_fields(wheel_text or "")
    if wheel_text is not None and "wheel-version" not in wheel:
        problems.append("WHEEL is damaged: it names no version")
    top_level: tuple[str, ...] = ()
    if record is None:
        record = read("installed-files.txt", lambda path: record_of(_installed_files(path, site), wanted)) or NOT_RECORDED
        inside = os.path.basename(os.path.dirname(folder))
        top_level = (inside,) if egg else _top_level(read("top_level.txt", _text), name)
    problems += record.problems
    lost = tuple(path for path in record.unasked if is_gone(site, path))
    version = plain_version(header.get("version") or version_in_folder)
    installer = _installer(read("INSTALLER", _text) or "")
    tags = tuple(shared.setdefault(tag, tag) for tag in wheel.get("tag", ()) if len(tag) <= limits.TAG_LENGTH)
    requires, for_extras = _required(head, shared)
    return Project(
        name=canonical_name(name),
        version=shared.setdefault(version, version) or None,
        installer=installer and shared.setdefault(installer, installer),
        tags=shared.setdefault(tags, tags),
        site=site,
        folder=folder,
        editable_root=read("direct_url.json", lambda path: _editable_root(read_json(path, limits.SMALL_FILE_SIZE))),
        files=record.files,
        has_modules=record.has_modules,
        outside=record.outside,
        top_level=top_level,
        requires=requires,
        for_extras=for_extras,
        problems=tuple(problems),
        lost=lost,
        is_gone=record.first is not None and is_gone(site, record.first) and is_all_gone(os.path.join(folder, "RECORD"), site),
    )


def _required(head: str, shared: dict[str | tuple[str, ...], Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of what a project requires, and of what only its extras do; many share them."""
    found: dict[str, bool] = {}
    for part in head.split("\nRequires-Dist:", limits.HEADER_LINES)[1:]:
        line = part.partition("\n")[0]
        match = _REQUIRED.match(line)
        if match:
            name = canonical_name(match[1])
            always = not ("extra" in line and _EXTRA.search(line, match.end()))
            found[shared.setdefault(name, name)] = always or found.get(name, False)
    required, optional = ([name for name, always in found.items() if always is kind] for kind in (True, False))
    return tuple(required), tuple(optional)


def _text(path: str) -> str:
    return read_text(path, limits.SMALL_FILE_SIZE, errors="surrogateescape")


def _installer(text: str) -> str | None:
    """One word, as every installer writes it; what else a link may lead to is not to be shown."""
    word = text.strip()
    return word if word and len(word) <= limits.NAME_LENGTH and plain_name(word) == word else None


def _first_of(folder: str, problems: list[str]) -> str:
    """The header of METADATA or PKG-INFO; Debian's egg-info entries may be such a file themselves."""
    for path in (os.path.join(folder, "METADATA"), os.path.join(folder, "PKG-INFO"), folder):
        try:
            return read_header(path, limits.METADATA_HEADER_SIZE)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):  # noqa: PERF203 - at most three rounds
            continue
        except OSError as error:
            if path != folder:  # the folder itself is no regular file
                problems.append(f"{path} cannot be read: {error.strerror or error}")
    return ""


def _named(folder: str) -> tuple[str, str]:
    """Name and version in ``numpy-2.0.2.dist-info`` or ``foo-1.0-py3.11-linux-x86_64.egg``."""
    name, _, rest = os.path.basename(folder).rpartition(".")[0].partition("-")
    return name, rest.partition("-")[0]


#: Made for speed: hundreds of lines may follow the two that every project needs.
_NAME_AND_VERSION = tuple(
    (key, re.compile(rf"^{key}:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)) for key in ("name", "version")
)


#: The name in a requirement, and what makes it one of an extra.
_REQUIRED, _EXTRA = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9._-]{0,127})"), re.compile(r"\bextra\b")


def _name_and_version(head: str) -> dict[str, str]:
    """The two fields of METADATA that every project needs."""
    found = ((key, pattern.search(head)) for key, pattern in _NAME_AND_VERSION)
    return {key: match[1].strip() for key, match in found if match}


def _installed_files(path: str, site: str) -> list[str]:
    """setuptools' installed-files.txt: paths relative to the egg-info folder."""
    folder = os.path.dirname(path)
    lines = read_paths(path, limits.INSTALLED_FILES_SIZE).split("\n", limits.INSTALLED_FILES)
    if len(lines) > limits.INSTALLED_FILES:
        raise ValueError("too many lines")
    names = (line.rstrip("\r") for line in lines)
    absolute = (os.path.normpath(os.path.join(folder, line)) for line in names if line and "\0" not in line)
    return [os.path.relpath(path, site).replace(os.sep, "/") for path in absolute]


def _top_level(text: str | None, name: str) -> tuple[str, ...]:
    """Names in top_level.txt, or else the module that a project of that name is likely to have."""
    names = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return tuple(names) or (name.replace("-", "_").replace(".", "/"), name.lower().replace("-", "_"))


def _editable_root(content: Any) -> str | None:  # noqa: ANN401 - any JSON
    """The folder of a project installed in editable mode, by its direct_url.json. Raises :class:`ValueError`."""
    try:
        url, info = content.get("url", ""), content.get("dir_info", {})
        return _path_of(url) if info.get("editable") else None
    except (AttributeError, TypeError) as error:
        raise ValueError(str(error)) from None


def _path_of(url: str) -> str | None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if parts.netloc not in ("", "localhost"):  # RFC 8089: another host's file is none of ours; Python 3.10 lets anything by
        raise ValueError("the file lies on another host")
    if os.name == "nt":
        from urllib.request import url2pathname  # brings http and ssl, and so is dear

        path = path_in(url2pathname(parts.path))
    else:
        path = path_in(unquote(parts.path))
    if path is None:
        raise ValueError("no file has such a name")
    return path
