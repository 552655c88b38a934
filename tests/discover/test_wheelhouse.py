"""Wheels in folders in folders: what is found, by which name, and that no name depends on what lies beside it."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from support.sites import add_distribution, make_venv

from pytest_archcheck import limits
from pytest_archcheck.discover.below import look_below
from pytest_archcheck.discover.inputs import inputs_at
from pytest_archcheck.discover.wheel_names import label_of

if TYPE_CHECKING:
    from pathlib import Path

HASH = hashlib.sha256(b"demo").hexdigest()


def wheel(folder: Path, project: str = "demo", version: str = "1.0") -> Path:
    """An empty file with the name of a wheel: nothing reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{project}-{version}-py3-none-any.whl"
    path.touch()
    return path


def found(folder: Path) -> list[str]:
    return look_below(str(folder)).wheels


def labels(folder: Path) -> list[str]:
    return [one.label for one in inputs_at(str(folder))[0]]


def said(folder: Path) -> list[tuple[str, str]]:
    return [(os.path.relpath(skip.subject, folder), skip.reason) for skip in inputs_at(str(folder))[1]]


@pytest.mark.parametrize(
    ("place", "label"),
    [
        ("demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any"),
        ("simple/demo/demo-1.0-py3-none-any.whl", "simple/demo/demo-1.0-py3-none-any"),
        (f"packages/3f/a0/{HASH[4:]}/demo-1.0-py3-none-any.whl", f"packages/3f/a0/{HASH[4:16]}/demo-1.0-py3-none-any"),
        ("deadbeef/demo-1.0-py3-none-any.whl", "deadbeef/demo-1.0-py3-none-any"),
    ],
)
def test_what_a_wheel_is_called(place: str, label: str) -> None:
    assert label_of(place) == label


def test_no_name_depends_on_what_lies_beside_it(tmp_path: Path) -> None:
    wheel(tmp_path)
    assert labels(tmp_path) == ["demo-1.0-py3-none-any"]
    wheel(tmp_path / "m")
    before = labels(tmp_path)
    assert before == ["demo-1.0-py3-none-any", "m/demo-1.0-py3-none-any"]
    for folder in ("a", "m/a", "z", f"a/{HASH}"):  # the same file name, before and behind
        wheel(tmp_path / folder)
        wheel(tmp_path / folder, "another")
    assert set(before) < set(labels(tmp_path))
    assert len(set(labels(tmp_path))) == len(labels(tmp_path)) == 10
    shutil.rmtree(tmp_path / "a")
    assert set(before) < set(labels(tmp_path))


def test_layouts(tmp_path: Path) -> None:
    """An index, a mirror in folders by hash, pip's cache of built wheels."""
    for folder in ("simple/demo", f"packages/{HASH[:2]}/{HASH[2:4]}/{HASH[4:]}", f"wheels/1a/2b/3c/{HASH[:56]}"):
        wheel(tmp_path / folder)
    assert len(found(tmp_path)) == 3
    assert said(tmp_path) == [(".", "only the wheels below it were looked at")]


def test_wheels_in_the_folder_itself_are_meant_whatever_lies_beside_them(tmp_path: Path) -> None:
    wheel(tmp_path)
    wheel(tmp_path / "old")
    site = make_venv(tmp_path / ".venv")
    add_distribution(site, "virtualenv", files={"virtualenv/seed.py": b""})
    wheel(site / "virtualenv" / "embedded", "setuptools")
    assert labels(tmp_path) == ["demo-1.0-py3-none-any", "old/demo-1.0-py3-none-any"]
    assert said(tmp_path) == [(".", "only the wheels below it were looked at")]


def test_source_distributions_are_counted_and_said_once(tmp_path: Path) -> None:
    wheel(tmp_path)
    (tmp_path / "demo-1.0.tar.gz").touch()
    assert said(tmp_path) == [("demo-1.0.tar.gz", "a source distribution: only what is built from it can be inspected")]
    for number in range(20):
        wheel(tmp_path / f"p{number}")
        (tmp_path / f"p{number}" / "old.zip").touch()
    words = "21 source distributions, demo-1.0.tar.gz and so on: only what is built from them can be inspected"
    assert (".", words) in said(tmp_path)


class TestLinks:
    def test_in_circles(self, tmp_path: Path) -> None:
        house = tmp_path / "house"
        wheel(house / "demo")
        wheel(tmp_path / "beside")
        (house / "again").symlink_to(house)
        (house / "up").symlink_to(tmp_path)
        (house / "demo" / "up").symlink_to("..")
        (house / "itself").symlink_to("itself")
        assert found(house) == ["demo/demo-1.0-py3-none-any.whl"]

    def test_each_folder_once(self, tmp_path: Path) -> None:
        house, pool = tmp_path / "house", tmp_path / "pool"
        wheel(house, "own")
        wheel(pool / "a" / "b")
        wheel(pool / "c", "other")
        for name, target in {"one": "a/b", "three": "a", "two": "a/b", "whole": "."}.items():
            (house / name).symlink_to(pool / target)
        assert found(house) == [
            "one/demo-1.0-py3-none-any.whl",
            "own-1.0-py3-none-any.whl",
            "whole/c/other-1.0-py3-none-any.whl",
        ]

    def test_from_one_linked_folder_to_the_next(self, tmp_path: Path) -> None:
        house = tmp_path / "house"
        house.mkdir()
        for name in ("a", "b"):
            wheel(tmp_path / name, name)
        (house / "next").symlink_to(tmp_path / "a")
        (tmp_path / "a" / "next").symlink_to(tmp_path / "b")
        (tmp_path / "b" / "next").symlink_to(house)
        assert found(house) == ["next/a-1.0-py3-none-any.whl", "next/next/b-1.0-py3-none-any.whl"]

    def test_wheels_that_are_links(self, tmp_path: Path) -> None:
        house = tmp_path / "house"
        (house / "latest").mkdir(parents=True)
        real = wheel(house / "pool")
        outside = wheel(tmp_path / "elsewhere", "outside")
        (house / "latest" / real.name).symlink_to(real)  # says once more what lies in pool
        (house / "latest" / "renamed-2.0-py3-none-any.whl").symlink_to(real)  # is judged for what this name promises
        (house / outside.name).symlink_to(outside)
        (house / "gone-1.0-py3-none-any.whl").symlink_to(tmp_path / "gone")
        (house / "loop-1.0-py3-none-any.whl").symlink_to("loop-1.0-py3-none-any.whl")
        assert found(house) == [
            "latest/renamed-2.0-py3-none-any.whl",
            "outside-1.0-py3-none-any.whl",
            "pool/demo-1.0-py3-none-any.whl",
        ]

    def test_a_copy_by_hard_link_is_a_wheel_of_its_own(self, tmp_path: Path) -> None:
        real = wheel(tmp_path)
        (tmp_path / "old").mkdir()
        os.link(real, tmp_path / "old" / real.name)
        assert len(found(tmp_path)) == 2

    def test_of_an_image_lead_nowhere(self, tmp_path: Path) -> None:
        """In the files of a container "/opt" means its own: followed, the links lead into this machine."""
        image = tmp_path / "image"
        for folder in ("usr", "etc"):
            (image / folder).mkdir(parents=True)
        wheel(image / "srv")
        wheel(tmp_path / "machine", "other")
        (image / "opt").symlink_to(tmp_path / "machine")
        assert found(image) == ["srv/demo-1.0-py3-none-any.whl"]

    def test_into_an_environment(self, tmp_path: Path) -> None:
        house = tmp_path / "house"
        wheel(house)
        wheel(make_venv(tmp_path / "venv") / "ensurepip", "pip")
        (house / "link").symlink_to(tmp_path / "venv")
        assert (labels(house), said(house)) == (["demo-1.0-py3-none-any"], [])


def test_what_only_has_the_name_of_a_wheel(tmp_path: Path) -> None:
    wheel(tmp_path)
    wheel(tmp_path / "unpacked-1.0-py3-none-any.whl", "inner")
    os.mkfifo(tmp_path / "pipe-1.0-py3-none-any.whl")
    assert found(tmp_path) == ["demo-1.0-py3-none-any.whl", "unpacked-1.0-py3-none-any.whl/inner-1.0-py3-none-any.whl"]


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place for a stand-in: whoever runs the tests as root may read everything."""
    wheel(tmp_path)
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert said(tmp_path) == [(".", "1 of the folders below it cannot be read")]


def test_more_wheels_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WHEELS_BELOW", 5)
    for number in range(9):
        wheel(tmp_path / f"p{number}")
    assert len(labels(tmp_path)) == 5
    assert (".", "more than 5 wheels lie below it: so many were looked at") in said(tmp_path)


def test_many_in_folders_by_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders a wheel, which would be more than are searched where nothing is found. Names are read, and nothing else."""
    monkeypatch.setattr(limits, "SEARCHED_FOR_ENVIRONMENTS", 500)
    for number in range(2_000):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        wheel(tmp_path / "packages" / digest[:2] / digest[2:4] / digest[4:], f"p{number}")
    begin = time.process_time()
    below = look_below(str(tmp_path))
    assert time.process_time() - begin < 1  # a quiet machine takes a tenth of that
    assert (len(below.wheels), below.cut) == (2_000, False)
