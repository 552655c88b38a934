"""Reads small text files of an environment without trusting them: no FIFO makes it wait, no size fills the memory.

Names and versions in them may hold anything as well: an escape sequence, a shell command, ten megabytes.
"""

from __future__ import annotations

import re

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_VERSIONS = re.compile(r"[^A-Za-z0-9.!+_-]+")


def read_text(path: str, limit: int = limits.TEXT_FILE_SIZE, *, errors: str = "strict") -> str:
    """Return the UTF-8 text of a regular file, a byte order mark apart.

    :raises OSError: it cannot be read, is no regular file, or is larger than ``limit`` bytes.
    :raises UnicodeDecodeError: it is no UTF-8 and ``errors`` is ``strict``.
    """
    with open_file(path) as source:
        if source.size > limit:
            raise OSError(f"larger than {limit} bytes")
        content = source.read(0, limit)
    return content.decode("utf-8-sig", errors)


def with_lf(text: str) -> str:
    """The text with LF at the ends of its lines."""
    return text.replace("\r\n", "\n") if "\r" in text else text  # one character is found much faster than two


def plain_name(text: str) -> str:
    """A project's name with only what names may hold (PEP 508); what else is in it becomes a dash, as setuptools makes it."""
    return _NOT_IN_NAMES.sub("-", text[: 8 * limits.NAME_LENGTH])[: limits.NAME_LENGTH].strip("-_.")


def plain_version(text: str) -> str:
    """A version with only what versions may hold (PEP 440), whether or not it is one."""
    return _NOT_IN_VERSIONS.sub("-", text[: 8 * limits.NAME_LENGTH])[: limits.NAME_LENGTH]
