"""What users import: there, typed, and readable by whatever asks for type hints."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path

import pytest

import pytest_archcheck

PAGE = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
CLASSES = [found for name in pytest_archcheck.__all__ if isinstance(found := getattr(pytest_archcheck, name), type)]


def _named_in(hint: object) -> set[type]:
    """The values of ours in a type hint: ``tuple[Check, ...]`` names Check."""
    inside = {found for part in typing.get_args(hint) for found in _named_in(part)}
    own = isinstance(hint, type) and hint.__module__.startswith("pytest_archcheck.") and bool(_fields(hint))
    return inside | ({hint} if own and isinstance(hint, type) else set())


def _fields(one: type) -> set[str]:
    """The names in a dataclass or named tuple; none of another class."""
    if dataclasses.is_dataclass(one):
        return {field.name for field in dataclasses.fields(one)}
    return set(getattr(one, "_fields", ()))


def test_type_hints_of_all_that_users_reach() -> None:
    reached: set[type] = set()
    waiting = list(CLASSES)
    while waiting:
        one = waiting.pop()
        if one in reached:
            continue
        reached.add(one)
        hints = dict(typing.get_type_hints(one))
        for name, member in vars(one).items():
            if isinstance(member, property) and member.fget is not None:
                hints[name] = typing.get_type_hints(member.fget).get("return")
        waiting += [found for hint in hints.values() for found in _named_in(hint)]
    assert {"Check", "Environment", "Interpreter", "Skipped", "Binary", "MachOSlice"} <= {one.__name__ for one in reached}


def test_functions_have_type_hints() -> None:
    hints = typing.get_type_hints(pytest_archcheck.inspect)
    assert hints["return"] is pytest_archcheck.Inspection
    call = typing.get_type_hints(pytest_archcheck.MatmulBenchmark.__call__)
    assert call["return"] is pytest_archcheck.Benchmark


@pytest.mark.parametrize("name", sorted(pytest_archcheck.__all__))
def test_every_public_name_is_in_the_page_on_the_api(name: str) -> None:
    assert f"`{name}" in PAGE


@pytest.mark.parametrize("one", [one for one in CLASSES if _fields(one)], ids=lambda one: one.__name__)
def test_the_page_shows_every_field(one: type) -> None:
    section = PAGE.partition(f"\n## `{one.__name__}`")[2].partition("\n## ")[0]
    assert not _fields(one) - set(re.findall(r"`(\w+)", section))


def _blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("options", [["--archcheck"], ["-p", "no:archcheck"]], ids=["on", "without-the-plugin"])
def test_the_hooks_of_the_page_load_with_and_without_the_plugin(pytester: pytest.Pytester, options: list[str]) -> None:
    pytester.makeconftest(next(block for block in _blocks() if "hookimpl" in block))
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_subprocess(*options, "-k", "test_one", timeout=60)
    assert result.parseoutcomes()["passed"] == 1


def test_the_fixtures_of_the_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(next(block for block in _blocks() if "test_every_compiled" in block))
    result = pytester.runpytest_subprocess("-k", "every_compiled", timeout=60)
    result.assert_outcomes(passed=1, deselected=1)
