"""What is kept of a Python file to be asked what it imports: no statement may be lost."""

from __future__ import annotations

import ast
import re
import sysconfig
from pathlib import Path

import pytest

from pytest_archcheck.loader.import_lines import import_lines


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import a\nx = 1\nfrom b import c\n", "import a\nfrom b import c"),
        ("if x: import a\n", "if x: import a"),
        ("from a import (\n    b,\n    c,\n)\nx = 1\n", "from a import (\n    b,\n    c,\n)"),
        ("from a import (  # of b)\n    c,\n)\nx = 1\n", "from a import (  # of b)\n    c,\n)"),
        ("from a import b, \\\n    c\nx = 1\n", "from a import b, \\\n    c"),
        ("from a.b \\\n    import c\nx = 1\n", "from a.b \\\n    import c"),
        ("from a.b \\\r\n  \\\r\n  import c\r\nx = 1\r\n", "from a.b \\\r\n  \\\r\n  import c\r"),
        ("from a import \\\n  (b,\n   c)\nx = 1\n", "from a import \\\n  (b,\n   c)"),
        ("def f():\n    x = 1\n    import a", "    import a"),
        ("import a\rx = 1\r", "import a\rx = 1\r"),
        ("x = 1\n", ""),
        ("from a import (", "from a import ("),
        ("from a import b\\", "from a import b\\"),
    ],
)
def test_lines_that_import(source: str, lines: str) -> None:
    assert import_lines(source.encode()).decode() == lines


@pytest.mark.parametrize("line", ["from a import *", "import_module(x)", "__import__(x)", "from a import (*)"])
def test_all_of_a_file_whose_names_may_stand_anywhere(line: str) -> None:
    source = f"x = 'core'\n{line}\n".encode()
    assert import_lines(source) == source


def test_no_import_of_the_standard_library_is_lost() -> None:
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("[a-m]*.py"))
    assert len(files) > 50
    for path in files:
        text = path.read_bytes()
        words = set(re.findall(rb"\w+", import_lines(text)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                parts = {part for name in names for part in name.split(".")} - {"", "*"}
                assert {part.encode() for part in parts} <= words, f"{path}:{node.lineno}"
