"""Reads text files of an environment without trusting them: no FIFO makes it wait, no size fills the memory.

Names and versions in them may hold anything as well: an escape sequence, a shell command, ten megabytes.
"""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.paths import ENCODING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER_SIZE = 1 << 13  # bytes
_DASHES = re.compile(r"[-_.]+")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_VERSIONS = re.compile(r"[^A-Za-z0-9.!+_-]+")


def read_text(path: str, limit: int, *, errors: str = "strict") -> str:
    """Return the UTF-8 text of a regular file, a byte order mark apart.

    :raises OSError: it cannot be read, is no regular file, or is larger than ``limit`` bytes.
    :raises UnicodeDecodeError: it is no UTF-8 and ``errors`` is ``strict``.
    """
    return _content(path, limit).decode("utf-8", errors)


def read_paths(path: str, limit: int) -> str:
    """The same for text that names files, as this system would have their names."""
    return _content(path, limit).decode(ENCODING, "surrogateescape")


def read_header(path: str, size: int) -> str:
    """The beginning of a regular file as text up to its first blank line, whatever it is; lines end with LF.

    :param size: bytes in which that line has to come. Most headers are far shorter, and what follows them longer.
    :raises OSError: it cannot be read.
    """
    with open_file(path) as source:
        for room in (_HEADER_SIZE, size):
            data = source.read(0, room)
            end = data.find(b"\n\n")
            after = data.find(b"\n\r\n", 0, end if end >= 0 else room)
            end = after if after >= 0 else end
            if end >= 0 or len(data) < room:
                break
    return with_lf(data[: end if end >= 0 else room].removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape"))


def _content(path: str, limit: int) -> bytes:
    with open_file(path) as source:
        if source.size > limit:
            raise OSError(f"larger than {limit} bytes")
        return source.read(0, limit).removeprefix(codecs.BOM_UTF8)


def read_json(path: str, limit: int) -> Any:  # noqa: ANN401 - whoever asks looks at what it is
    """Return what a JSON file holds.

    :raises OSError: as :func:`read_text` does.
    :raises ValueError: it is no JSON, nested too deep, or holds more than ``limits.JSON_VALUES`` values.
    """
    text = read_text(path, limit)
    # Each value but the first stands behind one of these; a few bytes of text may stand for a hundred in memory.
    if sum(text.count(mark) for mark in "[{,:") > limits.JSON_VALUES:
        raise ValueError(f"more than {limits.JSON_VALUES} values")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def with_lf(text: str) -> str:
    """The text with LF at the ends of its lines."""
    return text.replace("\r\n", "\n") if "\r" in text else text  # one character is found much faster than two


def header_fields(text: str, most: int = limits.HEADER_LINES) -> dict[str, list[str]]:
    """The fields of an RFC 822 header (METADATA, WHEEL) up to the first blank line: keys in lower case -> values.

    Continuations are left out, and what comes after so many lines.
    """
    fields: dict[str, list[str]] = {}
    for line in with_lf(text).partition("\n\n")[0].split("\n", most)[:most]:
        key, colon, value = line.partition(":")
        if colon and key[:1].isalpha():
            fields.setdefault(key.lower(), []).append(value.strip())
    return fields


def plain_requirements(lines: Iterable[str]) -> tuple[str, ...]:
    """The ``Requires-Dist`` lines that somebody may have meant: a parser's work on them stays small, and its stack flat."""
    return tuple(
        line for line in lines if len(line) <= limits.REQUIREMENT_LENGTH and line.count("(") <= limits.REQUIREMENT_PARENTHESES
    )


def plain_name(text: str) -> str:
    """A project's name with only what names may hold (PEP 508); what else is in it becomes a dash, as setuptools makes it."""
    return _NOT_IN_NAMES.sub("-", text[: 8 * limits.NAME_LENGTH])[: limits.NAME_LENGTH].strip("-_.")


@lru_cache(maxsize=1 << 12)  # an environment has some hundred of them, and names each many times
def canonical_name(name: str) -> str:
    """``Scikit_Learn`` is ``scikit-learn`` (PEP 503), as packaging has it; its module brings much that no scan needs."""
    return _DASHES.sub("-", name).lower()


def plain_version(text: str) -> str:
    """A version with only what versions may hold (PEP 440), whether or not it is one."""
    return _NOT_IN_VERSIONS.sub("-", text[: 8 * limits.NAME_LENGTH])[: limits.NAME_LENGTH]
