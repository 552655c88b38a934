"""Parses Python files of an environment within bounds: of a few hundred kilobytes the parser can make gigabytes."""

from __future__ import annotations

import ast
import codecs
import re
import warnings

from pytest_archcheck import limits

#: What the parser makes its nodes of, roughly: words, and marks between them.
_TOKEN = re.compile(rb"\w+|[^\w\s]")


def parse(content: bytes) -> ast.Module | None:
    """The syntax tree of a file; None where it has none, or one that is too large.

    It is taken for UTF-8, whatever it says: what is of interest are names of modules, and some encodings take minutes.
    """
    # Each takes a byte at least: most files need no counting.
    if len(content) > limits.PYTHON_TOKENS and sum(1 for _ in _TOKEN.finditer(content)) > limits.PYTHON_TOKENS:
        return None
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on escape sequences that are none: not the user's file
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
