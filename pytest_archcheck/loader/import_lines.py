"""The lines of a Python file that may import something: one in fifty of its bytes, and all that most questions about it need.

To parse a file takes a thousand times as long as to look for a name in these.
"""

from __future__ import annotations

_WORD = b"import"
#: Ends of a line that goes on with the next one.
_JOINED = (b"\\\n", b"\\\r\n")


def import_lines(text: bytes) -> bytes:
    """Every line with the word ``import``, and what belongs to such a statement on the lines before and after it.

    All of the file where names need not stand in such a line: it takes all that a module has, or gives a name to a function.
    """
    found: list[bytes] = []
    at = end = 0
    find, before = text.find, text.rfind
    while (at := find(_WORD, at)) >= 0:
        begin = before(b"\n", end, at) + 1 or end
        while begin > end and text.endswith(_JOINED, end, begin):  # "from x \\", on its own
            begin = before(b"\n", end, begin - 1) + 1 or end
        end = find(b"\n", at)
        if end < 0:
            end = len(text)
        line = text[begin:end]
        if b"(" in line or line.endswith((b"\\", b"\\\r")):
            end = _end_of_statement(text, begin, end)
            line = text[begin:end]
        found.append(line)
        at = end
    lines = b"\n".join(found)
    return text if b"*" in lines or b"import_module" in lines or b"__import__" in lines else lines


def _end_of_line(text: bytes, at: int) -> int:
    end = text.find(b"\n", at)
    return len(text) if end < 0 else end


def _end_of_statement(text: bytes, begin: int, end: int) -> int:
    """Where the names end that an import lists in parentheses, or on lines that a backslash joins."""
    is_open = False
    while True:
        line = text[begin:end].partition(b"#")[0]  # among such names there are no texts: it begins a comment
        is_open = (is_open or b"(" in line) and b")" not in line
        joined = text[begin:end].endswith((b"\\", b"\\\r"))
        if not (is_open or joined) or end >= len(text):
            return end
        begin, end = end + 1, _end_of_line(text, end + 1)
