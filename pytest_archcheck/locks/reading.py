"""From a path to a :class:`~pytest_archcheck.locks.model.Lock`."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.locks.grouped import PdmLock, PoetryLock
from pytest_archcheck.locks.model import Lock, LockInvalid, Malformed
from pytest_archcheck.locks.pylock import PylockFile
from pytest_archcheck.locks.uv import DEFAULT_GROUPS, UvLock

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest itself requires tomli there
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: ``pylock.toml`` and ``pylock.NAME.toml`` (PEP 751), ``uv.lock``, and uv's lock of a script (``NAME.py.lock``).
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")
_UV = re.compile(r"uv\.lock|.+\.py\.lock")
#: Locks of other tools: what reads them.
_OTHERS: dict[str, type[PoetryLock | PdmLock]] = {"poetry.lock": PoetryLock, "pdm.lock": PdmLock}
#: Where a comment or a string begins in TOML, and what ends it; only the strings in double quotes have escapes.
_BEGIN = re.compile(r"""#|\"{3}|'{3}|["']""")
_STOPS = {
    "#": re.compile(r"\n"),
    '"': re.compile(r'\\.|["\n]', re.DOTALL),
    "'": re.compile(r"['\n]"),
    3 * '"': re.compile(r'\\.|"{3}', re.DOTALL),
    3 * "'": re.compile(r"'{3}"),
}
#: What a key cannot reach over, strings apart.
_PIECE = re.compile(r"[^=\n,\[\]{}]+")


def is_lock_name(path: str) -> bool:
    """Tell by its name whether a file is a lock that can be read."""
    name = os.path.basename(path)
    return bool(_PYLOCK.fullmatch(name) or _UV.fullmatch(name) or name in _OTHERS)


def read_lock(path: str) -> Lock:
    """Read a lock file that :func:`is_lock_name` knows. Raises :class:`LockInvalid`, also where the file cannot be opened."""
    try:
        data = _toml(path)
        if _PYLOCK.fullmatch(os.path.basename(path)):
            return PylockFile(data)
        if other := _OTHERS.get(os.path.basename(path)):
            return other(data, _project(os.path.dirname(path)))
        return UvLock(data, _default_groups(os.path.dirname(path)))
    except Malformed as error:
        raise LockInvalid(path, str(error)) from None
    except OSError as error:
        raise LockInvalid(path, error.strerror or str(error)) from None


def _toml(path: str) -> dict[str, Any]:
    with open_file(path) as source:
        if source.size > limits.LOCK_FILE_SIZE:
            raise Malformed(f"{source.size} bytes are too many for a lock file (at most {limits.LOCK_FILE_SIZE})")
        try:
            text = source.read(0, source.size).decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"not UTF-8 text at byte {error.start}") from None
    # Each key and each value of an array stands beside one of these.
    if sum(text.count(mark) for mark in "[{,=") > limits.LOCK_VALUES:
        raise Malformed(f"more than {limits.LOCK_VALUES} values are too many for a lock file")
    if any(line.count(".") > limits.LOCK_KEY_PARTS for line in io.StringIO(text)) and _has_long_key(text):
        raise Malformed(f"a key of more than {limits.LOCK_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise Malformed(f"not TOML: {error}") from None
    except RecursionError:
        raise Malformed("not TOML that can be read: nested too deep") from None


def _has_long_key(text: str) -> bool:
    """Whether there are so many dots in one key; the text is looked through once, from front to back."""
    return any(piece[0].count(".") > limits.LOCK_KEY_PARTS for bare in _bare(text) for piece in _PIECE.finditer(bare))


def _bare(text: str) -> Iterator[str]:
    """Each line of the text without its strings and comments."""
    position = 0
    kept: list[str] = []
    while begin := _BEGIN.search(text, position):
        before = text[position : begin.start()]
        if "\n" in before:
            yield "".join(kept) + before
            kept = [before[before.rfind("\n") :]]
        else:
            kept.append(before)
        position = begin.end()
        stop = next((stop for stop in _STOPS[begin[0]].finditer(text, position) if stop[0][0] != "\\"), None)
        if stop is None:
            break
        position = stop.end() if stop[0] != "\n" else stop.start()
    else:
        kept.append(text[position:])
    yield "".join(kept)


def _project(folder: str) -> Mapping[str, Any]:
    """The pyproject.toml in a folder; empty where it cannot be read."""
    try:
        return _toml(os.path.join(folder, "pyproject.toml"))
    except (OSError, Malformed):
        return {}


def _default_groups(folder: str) -> tuple[str, ...] | None:
    """Return ``tool.uv.default-groups`` of the project beside the lock: uv reads it there, and does not lock it.

    None for ``"all"``. A project that cannot be read has uv's own default.
    """
    table: Mapping[str, Any] = _project(folder)
    for key in ("tool", "uv"):
        inner = table.get(key)
        table = inner if isinstance(inner, dict) else {}
    groups = table.get("default-groups", list(DEFAULT_GROUPS))
    if groups == "all":
        return None
    if isinstance(groups, list) and all(isinstance(name, str) for name in groups):
        return tuple(map(canonicalize_name, groups))  # as they stand in the lock
    return DEFAULT_GROUPS
