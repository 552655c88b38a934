"""Broken links in words: each rule with an environment that breaks it and one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution

from pytest_archcheck.inspection import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM = "macosx_14_0_arm64"
RULES = {"missing-library", "library-wrong-architecture", "library-outside-environment", "wrong-architecture"}
MODULE = "foo/_x.cpython-311-darwin.so"


def findings(site: Path, distributions: dict[str, dict[str, bytes | str]]) -> list[Finding]:
    for name, files in distributions.items():
        add_distribution(site, name, files=files)
    return [finding for finding in inspect(str(site), ARM).findings if finding.rule in RULES]


def module(library: str, *rpaths: str) -> bytes:
    return machos.bundle(libraries=[machos.LIBSYSTEM, library], rpaths=rpaths)


def summary(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.severity, finding.subject) for finding in found]


@pytest.mark.parametrize(
    ("library", "rpaths", "expected"),
    [
        ("@loader_path/liba.dylib", [], []),
        ("/usr/lib/libz.1.dylib", [], []),
        ("@rpath/gone.dylib", ["@loader_path"], [("missing-library", "error", "foo")]),
        ("@loader_path/gone.dylib", [], [("missing-library", "error", "foo")]),
        ("@rpath/liba.dylib", [], [("missing-library", "note", "foo")]),
        ("/opt/homebrew/opt/libomp/lib/libomp.dylib", [], [("library-outside-environment", "warning", "foo")]),
        ("/Users/me/build/libx.dylib", [], [("library-outside-environment", "warning", "foo")]),
        (
            "@loader_path/libi.dylib",
            [],
            [("library-wrong-architecture", "note", "foo"), ("wrong-architecture", "error", "foo")],
        ),
    ],
)
def test_rules(tmp_path: Path, library: str, rpaths: list[str], expected: list[tuple[str, str, str]]) -> None:
    files: dict[str, bytes | str] = {
        MODULE: module(library, *rpaths),
        "foo/liba.dylib": machos.dylib(install_name="@rpath/liba.dylib"),
    }
    if "libi" in library:
        files["foo/libi.dylib"] = machos.dylib("x86_64")
    assert sorted(summary(findings(tmp_path, {"foo": files}))) == expected


def test_the_cause_is_reported_once_where_it_is(tmp_path: Path) -> None:
    users: dict[str, dict[str, bytes | str]] = {
        f"user{number}": {f"user{number}/_x.so": module("@loader_path/../base/liba.dylib")} for number in range(3)
    }
    found = findings(tmp_path, {"base": {"base/liba.dylib": machos.dylib("x86_64")}, **users})
    assert [finding.subject for finding in found if finding.severity == "error"] == ["base"]
    notes = [finding for finding in found if finding.severity == "note"]
    assert {(finding.subject, finding.remedy) for finding in notes} == {(name, "see archcheck::base") for name in users}


def test_the_words(tmp_path: Path) -> None:
    library = "/opt/homebrew/opt/libomp/lib/libomp.dylib"
    (found,) = findings(tmp_path, {"foo": {MODULE: module(library)}})
    assert found.message == f"links to {library}, which is not in this environment"
    assert found.remedy == "on the target: brew install libomp"
    assert (found.path, found.distribution) == (MODULE, "foo")


def test_names_in_files_do_not_break_it(tmp_path: Path) -> None:
    names = [
        "@rpath/\x1b[31m\n.dylib",
        "@rpath/" + "../" * 2000 + "x",
        "@loader_path",
        "@rpath",
        "@executable_path/x",
        "/",
        "//",
        "/..",
    ]
    names += ["@rpath/\udcff.dylib"]
    found = findings(
        tmp_path, {"foo": {MODULE: machos.bundle(libraries=names, rpaths=["", "@loader_path/", "@rpath", "\udcff"])}}
    )
    assert len(found) == len(names)
