"""The pages that benchmarks fill."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
EVIDENCE = DOCS / "evidence.md"
TOOLS = DOCS / "evidence" / "tools.md"
SPEED = DOCS / "evidence" / "speed.md"
WHEELHOUSE = DOCS / "evidence" / "wheelhouse.md"
COST = DOCS / "cost.svg"
GROWTH = DOCS / "growth.svg"


def replace_section(page: Path, title: str, body: str) -> None:
    """Put ``body`` below the heading ``## title``; a heading that is not there is added at the end."""
    text = page.read_text(encoding="utf-8")
    section = f"## {title}\n\n{body.strip()}\n\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    text = pattern.sub(lambda _: section, text, count=1) if pattern.search(text) else f"{text.rstrip()}\n\n{section}"
    page.write_text(text.rstrip() + "\n", encoding="utf-8")
