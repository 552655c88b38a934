from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck import inspect
from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.locks.reading import is_lock_name
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path


def test_old_packaging_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.pylock", None)
    path = tmp_path / "pylock.toml"
    path.write_text('lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n')
    with pytest.raises(LockInvalid, match=r"packaging>=26\.0"):
        inspect_lock(str(path), Target.parse("macosx_14_0_arm64"), "3.12")


def test_a_python_that_was_built_from_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version has a plus at the end, which is none of PEP 440's."""
    monkeypatch.setattr(platform, "python_version", lambda: "3.14.0+")
    lock = tmp_path / "uv.lock"
    lock.write_text('version = 1\nrequires-python = ">=3.14"\n')
    assert inspect(str(lock), "macosx_14_0_arm64").findings == ()


def test_names_of_lock_files() -> None:
    good = ["uv.lock", "poetry.lock", "a/pdm.lock", "a/pylock.toml", "pylock.dev.toml", "tool.py.lock"]
    bad = ["pixi.lock", "pylock.a.b.toml", "pyproject.toml", "uv.lock.bak", "x.whl"]
    assert [name for name in [*good, *bad] if is_lock_name(name)] == good


@pytest.mark.parametrize(
    "key", [".".join(["a"] * 40), ".".join(["a", '"b"'] * 20), ".".join(["a", "'b.c'"] * 20), "[" + ".".join(["a"] * 40) + "]"]
)
def test_a_key_of_very_many_parts_is_refused(tmp_path: Path, key: str) -> None:
    """The parsers of TOML in the standard library take long for them."""
    lock = tmp_path / "uv.lock"
    lock.write_text(f"version = 1\n# a comment\n{key}" + ("\n" if key.startswith("[") else " = 1\n"))
    with pytest.raises(LockInvalid, match=r"a key of more than \d+ parts"):
        inspect_lock(str(lock), Target.parse("macosx_14_0_arm64"), "3.12")


@pytest.mark.parametrize("value", ['"{}"', "'{}'", '"""\n{}\n"""', "'''\n{}'''", '"\\"{}"', "1 # {}"])
def test_dots_in_texts_are_no_keys(tmp_path: Path, value: str) -> None:
    lock = tmp_path / "uv.lock"
    lock.write_text("version = 1\nrequires-python = '>=3.11'\n[manifest]\nnote = " + value.format("a." * 40) + "\nother = 1\n")
    assert inspect_lock(str(lock), Target.parse("macosx_14_0_arm64"), "3.12")[1][0].findings == ()
