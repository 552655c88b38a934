"""The first table and the first picture of docs/evidence.md, made from the measured tables of docs/evidence/tools.md.

    python benchmarks/glance.py

Measures nothing: ``compare.py`` did, and ``all.py`` calls this after it.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import pages
import timing

if TYPE_CHECKING:
    from collections.abc import Iterator

TREE = "tensorflow"
#: The tools of that page in the order of this table, by the names that they have there.
SHOWN = {
    "`pytest --archcheck-path`": "`pytest --archcheck-path`, all checks",
    "macholib, every file": "macholib on every file",
    "LIEF": "LIEF on every file",
    "`find` and `file`": "`find` and `file`",
    "`delocate-listdeps --all`": "`delocate-listdeps --all`",
    "`pip check`": "`pip check`",
    "`uv pip check`": "`uv pip check`",
}
_INK, _OURS, _OTHERS = "#7a828c", "#d1605e", "#4c86c6"  # readable on white and on near-black
_LEFT, _WIDTH, _ROW = 235, 520, 30  # pixels: where bars begin, how long the longest may be, the height of a row


@dataclass(frozen=True, slots=True)
class Line:
    """One tool in the table."""

    name: str
    seconds: float
    megabytes: str
    #: What it calls broken in the healthy, the mixed and the relabelled tree.
    said: tuple[str, ...]


def main() -> int:
    """Rewrite the table and the picture."""
    lines = list(read(pages.TOOLS.read_text(encoding="utf-8")))
    head = ["tool", "seconds", "peak MB", "healthy", "mixed", "relabelled"]
    table = timing.table(head, [[one.name, f"{one.seconds:.2f}", one.megabytes, *one.said] for one in lines])
    text = pages.EVIDENCE.read_text(encoding="utf-8")
    pages.EVIDENCE.write_text(re.sub(r"(?m)(?:^\|.*\n)+", f"{table}\n", text, count=1), encoding="utf-8")
    pages.COST.write_text(picture(lines), encoding="utf-8")
    return 0


def read(page: str) -> Iterator[Line]:
    """Take the lines out of the tables of the page."""
    timed = _rows(page.partition(f"**{TREE}**")[2])
    said = _rows(page.partition("What each calls broken")[2])
    for name, title in SHOWN.items():
        whole, megabytes = timed[name][0], timed[name][5]
        answers = [said[name][0], *said[name][2:]]  # the second column is another healthy tree
        plain = tuple("the same" if answer == "as in `mixed`" else answer for answer in answers)
        yield Line(title, float(whole.split(" ")[0].replace(",", "")) / 1000, megabytes, plain)


def _rows(text: str) -> dict[str, list[str]]:
    """The first table in a text: name of the row -> its other cells."""
    lines = text[text.index("| tool") :].partition("\n\n")[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {name: rest for name, *rest in cells}


def picture(lines: list[Line]) -> str:
    """Bars, logarithmic from 0.01 s."""

    def length(seconds: float) -> float:
        return _WIDTH * (math.log10(seconds) + 2) / (math.log10(max(line.seconds for line in lines)) + 2)

    rows = []
    for index, line in enumerate(sorted(lines, key=lambda line: line.seconds)):
        y = index * _ROW + 20
        colour = _OURS if "archcheck" in line.name else _OTHERS
        bar = length(line.seconds)
        name = escape(line.name.replace("`", ""))
        rows.append(
            f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end">{name}</text>'
            f'<rect x="{_LEFT}" y="{y - 13}" width="{bar:.0f}" height="18" fill="{colour}"/>'
            f'<text x="{_LEFT + bar + 6:.0f}" y="{y}">{line.seconds:.2g} s</text>'
        )
    height = len(rows) * _ROW + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 60} {height}" '
        f'font-family="sans-serif" font-size="13" fill="{_INK}">\n' + "\n".join(rows) + "\n</svg>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
