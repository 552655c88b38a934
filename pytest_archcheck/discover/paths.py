"""Paths that files of an environment name: they may hold anything, and lead anywhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

#: Views of the kernel: reading some of their files waits for ever or does something.
KERNEL_FOLDERS = frozenset({"/dev", "/proc", "/sys"})

#: The bytes of a name on disk that this encoding does not know are kept as lone surrogates (PEP 383). Text that names files is
#: decoded in the same way, so that it finds them in every locale.
ENCODING = sys.getfilesystemencoding()


def path_in(text: str) -> str | None:
    """The path that a text read as UTF-8 names; None where no file can have that name."""
    if "\0" in text:
        return None
    try:
        if ENCODING == "utf-8":
            os.fsencode(text)  # a lone surrogate that stands for no byte
            return text
        return text.encode("utf-8", "surrogateescape").decode(ENCODING, "surrogateescape")
    except UnicodeError:
        return None


def is_inside(path: str, folders: Container[str]) -> bool:
    """Whether a path is one of these folders or lies below one; the work goes by its own length."""
    while path not in folders:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True


def is_in_kernel(path: str) -> bool:
    """Whether a path, links resolved, lies where the kernel shows itself as files."""
    return is_inside(os.path.realpath(path), KERNEL_FOLDERS)
