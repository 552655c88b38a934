"""The page of evidence leads to every other, and says of each table who makes it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGE = DOCS / "evidence.md"


def test_every_page_is_in_the_list_with_the_command_that_makes_its_tables() -> None:
    rows = re.findall(r"(?m)^\| \[[^]]+\]\((evidence/[\w-]+\.md)\) \| (.+) \|$", PAGE.read_text(encoding="utf-8"))
    assert {page for page, _ in rows} == {f"evidence/{path.name}" for path in (DOCS / "evidence").glob("*.md")}
    assert all("`" in maker for _, maker in rows)


def test_what_the_pages_name_is_there() -> None:
    missing = []
    for path in (PAGE, *(DOCS / "evidence").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        linked = [path.parent / target for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text)]
        named = [ROOT / name for name in re.findall(r"\b((?:benchmarks|tests)/[\w/.-]*\w)", text)]
        missing += [f"{path.name}: {one}" for one in linked + named if not one.exists()]
    assert not missing


def test_what_the_benchmarks_rewrite_is_there_under_its_name() -> None:
    """A section that is not found would be added at the end, and the old one kept."""
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    titles = re.findall(r"""_section\("([^"]+)"|replace_section\([\w.]+, "([^"]+)\"""", written)
    pages = "".join(path.read_text(encoding="utf-8") for path in (PAGE, *(DOCS / "evidence").glob("*.md")))
    assert len(titles) >= 6
    assert [title for pair in titles for title in pair if title and f"\n## {title}\n" not in pages] == []
