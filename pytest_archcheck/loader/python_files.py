"""Parses Python files of an environment within bounds: of a few hundred kilobytes the parser can make gigabytes."""

from __future__ import annotations

import ast
import codecs
import re
import warnings

from pytest_archcheck import limits

#: What the parser makes its nodes of, roughly, are words, and marks between them: every byte that is in no word and no space.
_MARKS = bytes(byte for byte in range(256) if not re.match(rb"[\w\s]", bytes((byte,))))
_TO_SPACES = bytes(ord(" ") if byte in _MARKS else byte for byte in range(256))


def parse(content: bytes) -> ast.Module | None:
    """The syntax tree of a file; None where it has none, or one that is too large.

    It is taken for UTF-8, whatever it says: what is of interest are names of modules, and some encodings take minutes.
    """
    # Each takes a byte at least: most files need no counting.
    if len(content) > limits.PYTHON_TOKENS and _tokens(content) > limits.PYTHON_TOKENS:
        return None
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on escape sequences that are none: not the user's file
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _tokens(content: bytes) -> int:
    """How many words and marks there are; by a pattern it takes as long as to parse them."""
    marks = len(content) - len(content.translate(None, _MARKS))
    return marks + len(content.translate(_TO_SPACES).split())
