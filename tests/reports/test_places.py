"""Where services that show a report look for a file."""

from __future__ import annotations

import ntpath
import os

import pytest

from pytest_archcheck.reports.places import below


@pytest.mark.parametrize(
    ("path", "root", "way"),
    [
        ("/project/uv.lock", "/project", "uv.lock"),
        ("/project/locks/uv.lock", "/project", "locks/uv.lock"),
        ("/project/..odd/uv.lock", "/project", "..odd/uv.lock"),
        ("/other/uv.lock", "/project", None),
        ("/", "/project", None),
    ],
)
def test_the_way_from_the_project(path: str, root: str, way: str | None) -> None:
    assert below(path, root) == way


@pytest.mark.parametrize(
    ("path", "root", "way"),
    [
        (r"D:\a\project\locks\uv.lock", r"D:\a\project", "locks/uv.lock"),
        (r"D:\a\other\uv.lock", r"D:\a\project", None),
        (r"C:\hostedtoolcache\Python\Lib\site-packages", r"D:\a\project", None),
    ],
)
def test_on_windows(monkeypatch: pytest.MonkeyPatch, path: str, root: str, way: str | None) -> None:
    """GitHub's own Windows machines have the project on one drive and Python on another."""
    monkeypatch.setattr(os, "path", ntpath)
    monkeypatch.setattr(os, "sep", "\\")
    assert below(path, root) == way
