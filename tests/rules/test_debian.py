"""The packages that remedies name: each brings the very library, by Debian's index."""

from __future__ import annotations

from pathlib import Path

from pytest_archcheck.rules import debian

#: Written from the index of Debian 13 by ``benchmarks/debian.py``.
INDEX = {tuple(line.split()) for line in Path(__file__).with_name("debian.txt").read_text().splitlines()}


def test_each_package_brings_that_very_library() -> None:
    assert {pair for pair in debian.PACKAGES.items() if pair not in INDEX} == set()


def test_a_package_that_was_renamed_is_named_for_older_systems_too() -> None:
    words = "libglib2.0-0t64 (libglib2.0-0 before Debian 13 and Ubuntu 24.04, or what provides libglib-2.0.so.0 on your system)"
    assert debian.package_of("libglib-2.0.so.0") == words
    assert debian.package_of("libgomp.so.1") == "libgomp1 (or what provides libgomp.so.1 on your system)"


def test_another_version_of_a_library_is_in_no_package_that_is_named() -> None:
    assert debian.knows("libffi.so.6")
    assert debian.package_of("libffi.so.6") is None
    assert not debian.knows("libfoo.so.1")
