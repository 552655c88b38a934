"""What the pages say of options, and how long the README is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]


def test_every_option_and_ini_value_is_described(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_subprocess("--help").stdout.str()
    text = (ROOT / "docs" / "options.md").read_text("utf-8")
    names = set(re.findall(r"^ +(--(?:no-)?archcheck[a-z-]*)", shown, re.MULTILINE))
    names |= set(re.findall(r"^ +(archcheck[a-z_]*) \(", shown, re.MULTILINE))
    assert {"--archcheck-path", "archcheck_allow"} <= names
    assert not [name for name in sorted(names) if f"`{name}" not in text]


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.split()) <= 1200
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(links) > 5
    assert not [link for link in links if "://" not in link and not (ROOT / link).is_file()]
