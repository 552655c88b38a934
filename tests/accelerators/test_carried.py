"""What is remembered of a run, by one process or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.carried import Memory

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_said_once_is_said_once() -> None:
    memory = Memory(None)
    assert [memory.first("a"), memory.first("a"), memory.first("b")] == [True, False, True]


def test_of_several_processes_one_says_it(tmp_path: Path) -> None:
    one, other = Memory(str(tmp_path / "shared")), Memory(str(tmp_path / "shared"))
    assert [one.first("a"), other.first("a"), one.first("a"), other.first("b")] == [True, False, False, True]


def test_where_nothing_can_be_written_it_is_rather_said_twice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one, other = (Memory(str(tmp_path / "file" / "shared")) for _ in range(2))
    assert [one.first("a"), other.first("a"), one.first("a")] == [True, True, False]
