"""``docs/rules.md`` is what the product says, has every rule, and every remedy in it can be typed as it stands."""

from __future__ import annotations

import ast
import os
import re
import sys
import tempfile
from pathlib import Path

import pytest
from support.examples.page import COMMAND, EXAMPLES, PAGE, Shown, page, show_all

import pytest_archcheck
from pytest_archcheck.rules.catalog import RULES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the examples are of macOS: paths with slashes, symbolic links")

#: What a remedy may ask for: a command, a variable of the shell, or a setting of ours.
ACTION = re.compile(
    r"\b(?:pip|uv|conda|brew|arch|wheel) (?:-|[a-z]+\b)|\b(?:codesign|install_name_tool|python|rm|export) \S|pytest archcheck\b"
    r"|archcheck_[a-z_]+|--archcheck-[a-z]+"
)
#: A word that stands for another one.
PLACEHOLDER = re.compile(r"(?<!P)<[A-Za-z_ -]+>|\bX\.Y\b|\b(?:NAME|FILE|FOLDER|PATH|IMAGE|VERSION|TAG|WHEEL|PACKAGE|PROJECT)\b")
#: Modules whose texts are messages and remedies.
SPEAKERS = (
    "rules/*.py",
    "plugin/allowlist.py",
    "plugin/needs.py",
    "plugin/accelerators.py",
    "plugin/gpu_needs.py",
    "accelerators/failures.py",
    "accelerators/outcomes.py",
    "accelerators/case.py",
)


@pytest.fixture(scope="module")
def shown() -> dict[str, Shown]:
    return {one.example.rule: one for one in show_all()}


def test_every_rule_has_one_example() -> None:
    assert sorted(example.rule for example in EXAMPLES) == sorted(RULES)


def test_the_page_is_what_the_product_says(shown: dict[str, Shown]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(tuple(shown.values())), f"write it again: {COMMAND}"


@pytest.mark.parametrize("rule", RULES)
def test_the_remedy_can_be_acted_on(shown: dict[str, Shown], rule: str) -> None:
    one = shown[rule]
    assert one.findings
    for finding in one.findings:
        assert ACTION.search(finding.remedy), finding.remedy
        assert not PLACEHOLDER.search(finding.remedy), finding.remedy
        assert not re.search(r"\bNone\b|\.\.\.|[{}]", finding.remedy), finding.remedy
        # "none needed" is an answer where nothing is broken, never to an error or a warning.
        assert finding.severity == "note" or not finding.remedy.startswith("none needed")
        missing = [name for name in one.example.names if name not in finding.remedy]
        assert not missing, finding.remedy


@pytest.mark.parametrize("rule", RULES)
def test_nothing_of_the_machine_that_wrote_it_is_shown(shown: dict[str, Shown], rule: str) -> None:
    for folder in (tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir()), str(Path.home())):
        assert folder not in shown[rule].text


def test_what_is_said_holds_no_placeholder() -> None:
    folder = Path(pytest_archcheck.__file__).parent
    assert [pattern for pattern in SPEAKERS if not list(folder.glob(pattern))] == []
    texts = [text for pattern in SPEAKERS for path in sorted(folder.glob(pattern)) for text in _texts(path)]
    assert len(texts) > 300
    assert not [text for text in texts if PLACEHOLDER.search(text)]


def _texts(path: Path) -> list[str]:
    """The string constants of a module, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]
