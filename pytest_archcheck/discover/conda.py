"""conda's own records: ``PREFIX/conda-meta/*.json``, one a package, with the files that it linked into the prefix.

The fields are those of conda's PrefixRecord: ``name``, ``version``, ``subdir`` (``osx-64``, ``osx-arm64``, ``noarch``),
``files`` (relative to the prefix) and ``paths_data`` with a hash for each.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.discover.text import plain_name, plain_version, read_json, read_text
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

#: Folders of a base prefix that hold other environments and other machines' packages.
OTHER_ENVIRONMENTS = ("envs", "pkgs")


class CondaPackage(NamedTuple):
    """One record."""

    name: str
    version: str | None
    #: ``osx-64``, ``osx-arm64``, ``linux-64``, ``noarch``, ...
    subdir: str | None
    #: Its files as one text: a short name as a value of its own takes ten times its bytes, and records name a million.
    listing: bytes
    #: The record's own path.
    record: str

    @property
    def files(self) -> list[str]:
        """Relative to the prefix, with ``/``; each once. Made anew each time."""
        return self.listing.decode("utf-8", "surrogatepass").split("\0") if self.listing else []


def is_conda_prefix(path: str) -> bool:
    """Whether conda (or mamba, pixi) made this folder."""
    return os.path.isdir(os.path.join(path, "conda-meta"))


def packages(prefix: str) -> tuple[list[CondaPackage], list[Skipped]]:
    """Every record of the prefix, by name, and those that cannot be read."""
    folder = os.path.join(prefix, "conda-meta")
    found: list[CondaPackage] = []
    skipped: list[Skipped] = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError as error:
        return [], [Skipped(folder, f"the folder cannot be read: {error.strerror}", unseen=True)]
    room = limits.CONDA_FILES
    for name in names:
        path = os.path.join(folder, name)
        try:
            package = _package(path, read_json(path, limits.CONDA_RECORD_SIZE), room)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            skipped.append(Skipped(path, f"this conda record cannot be read: {type(error).__name__}: {error}"))
            continue
        files = package.files
        room -= len(files)
        found.append(package)
        if outside := next((item for item in files if item.startswith(("/", "../"))), None):
            skipped.append(Skipped(path, f"this conda record names a file outside the prefix, not looked at: {outside}"))
    return found, skipped


def _package(path: str, record: dict[str, Any], room: int) -> CondaPackage:
    files = record.get("files") or ()
    if len(files) > room:
        raise ValueError(f"the records of this prefix name more than {limits.CONDA_FILES} files")
    if not isinstance(files, list | tuple) or not all(isinstance(item, str) for item in files):
        raise TypeError("files is no list of names")
    name = plain_name(_optional(record["name"]) or "")
    if not name:
        raise ValueError("it names no package")
    return CondaPackage(
        name=name,
        version=None if record.get("version") is None else plain_version(_optional(record["version"]) or ""),
        subdir=_optional(record.get("subdir")),
        listing="\0".join(dict.fromkeys(item for item in files if item and "\0" not in item)).encode("utf-8", "surrogatepass"),
        record=path,
    )


def files_below(folder: str, prefix: str | None, records: Iterable[CondaPackage]) -> set[str]:
    """What packages of a prefix claim below a folder, relative to it."""
    if prefix is None:
        return set()
    below = os.path.relpath(folder, prefix).replace(os.sep, "/") + "/"
    return {path[len(below) :] for record in records for path in record.files if path.startswith(below)}


def hashes(record: str, paths: Container[str]) -> dict[str, str]:
    """SHA-256 (hexadecimal) of these files as conda linked them; empty where the record does not say."""
    found = {}
    try:
        for entry in read_json(record, limits.CONDA_RECORD_SIZE)["paths_data"]["paths"]:
            digest = entry.get("sha256_in_prefix") or entry.get("sha256")
            if digest and entry["_path"] in paths:
                found[entry["_path"]] = str(digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


#: A line of a ``.condarc``, which is YAML: ``subdir: osx-64``.
_SUBDIR_LINE = re.compile(r"""^subdir\s*:\s*["']?([a-z0-9-]+)["']?\s*(?:#.*)?$""", re.MULTILINE)


def settings(prefix: str, *, active: bool) -> list[tuple[str, str]]:
    """Where a platform is set for this prefix, and which: ``[("CONDA_SUBDIR", "osx-64")]``.

    :param active: the prefix is the running environment, so that this process's environment variables are about it.
    """
    found = []
    variable = os.environ.get("CONDA_SUBDIR", "").strip()
    if active and variable:
        found.append(("CONDA_SUBDIR", variable))
    path = os.path.join(prefix, ".condarc")
    try:
        match = _SUBDIR_LINE.search(read_text(path, limits.SETTINGS_FILE_SIZE, errors="replace"))
    except OSError:  # most have none
        return found
    return [*found, (path, match[1])] if match else found


def _optional(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"{type(value).__name__} where a text belongs")
