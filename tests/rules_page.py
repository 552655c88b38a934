"""Writes ``docs/rules.md``, every rule with an example: ``python tests/rules_page.py``, with the extra ``test`` installed."""

from __future__ import annotations

from support.examples.page import PAGE, page, show_all

if __name__ == "__main__":
    PAGE.write_text(page(show_all()), encoding="utf-8")
