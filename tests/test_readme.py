"""What the README says of rules and options is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_archcheck.rules.catalog import RULES

if TYPE_CHECKING:
    import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_rules_is_the_catalogue() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \| (.*) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert rows == [(rule.name, rule.severity, rule.summary) for rule in RULES.values()]


def test_every_option_and_ini_value_is_described(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_subprocess("--help").stdout.str()
    text = README.read_text("utf-8")
    names = set(re.findall(r"^ +(--(?:no-)?archcheck[a-z-]*)", shown, re.MULTILINE))
    names |= set(re.findall(r"^ +(archcheck[a-z_]*) \(", shown, re.MULTILINE))
    assert {"--archcheck-path", "archcheck_allow"} <= names
    assert not [name for name in sorted(names) if f"`{name}" not in text]
