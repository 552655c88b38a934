"""Broken links in words: each rule with an environment that breaks it and one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution

from pytest_archcheck.binaries.model import Binary, LinkedLibrary
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.inspection import inspect
from pytest_archcheck.loader.macho_links import BrokenLink
from pytest_archcheck.rules.macho_links import judge_macho_links

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


NOWHERE = "which is nowhere: "
NOBODY = ", and no file of this environment has that install name"


@pytest.mark.parametrize(
    ("library", "rpaths", "words"),
    [
        ("@rpath/x.dylib", [], f"{NOWHERE}no rpath of its own leads there{NOBODY}"),
        ("@rpath/x.dylib", ["@loader_path/a"], f"{NOWHERE}its rpath @loader_path/a does not lead there{NOBODY}"),
        ("@rpath/x.dylib", ["@loader_path/a", "b"], f"{NOWHERE}its rpaths @loader_path/a and b do not lead there{NOBODY}"),
        ("@rpath/x.dylib", ["a", "b", "c", "d"], f"{NOWHERE}its rpaths a, b and 2 more do not lead there{NOBODY}"),
        ("@loader_path/x.dylib", ["a"], f"{NOWHERE}it is not there{NOBODY}"),
        ("x.dylib", ["a"], f"{NOWHERE}it has no folder, and dyld does not look beside the file that asks{NOBODY}"),
        (
            "@rpath/x.dylib",
            ["@loader_path", "/opt/a", "/opt/b"],
            "which is not in this environment; it looks for /opt/a/x.dylib and /opt/b/x.dylib on the target",
        ),
    ],
)
def test_what_was_tried_is_named(tmp_path: Path, library: str, rpaths: list[str], words: str) -> None:
    (found,) = findings(tmp_path, {"foo": {MODULE: module(library, *rpaths)}})
    assert found.message == f"links to {library}, {words}"


def test_an_absolute_path_has_no_rpath(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "foo/liba.dylib": machos.dylib(install_name="/usr/me/liba.dylib"),
        MODULE: module("/usr/me/liba.dylib"),
    }
    (found,) = findings(tmp_path, {"foo": files})
    assert found.message.startswith("links to /usr/me/liba.dylib: it is not there; ")


def test_one_cause_and_its_consequences(tmp_path: Path) -> None:
    links = {f"foo/_m{number:02}.so": module("@loader_path/.dylibs/libgone.dylib") for number in range(40)}
    deeper = {"foo/deep/_x.so": module("@loader_path/../.dylibs/libgone.dylib")}
    (found,) = findings(tmp_path, {"foo": {**links, **deeper}})
    assert found.path == "foo/_m00.so"
    assert found.message.endswith("; so foo/_m01.so, foo/_m02.so, foo/_m03.so and 37 more cannot be imported")


#: What installs into the folder of these tests; ``{site}`` stands for it.
UV = "MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --target {site} --python-platform aarch64-apple-darwin --only-binary :all:"
UV_AGAIN = f"{UV} --reinstall --no-deps --no-cache --link-mode=copy"
WITHOUT = f"install a version that does without it: {UV} 'foo!=1.0'"


@pytest.mark.parametrize(
    ("library", "rpath", "remedy"),
    [
        # torchcodec looks for libheif where ffmpeg is; ffmpeg may not bring it
        (
            "@rpath/libheif.1.dylib",
            "/opt/homebrew/opt/ffmpeg/lib",
            f"on the target: brew install ffmpeg, if that brings libheif.1.dylib; or {WITHOUT}",
        ),
        ("@rpath/libomp.dylib", "/opt/homebrew/opt/libomp/lib", "on the target: brew install libomp"),
        # the formula is told by the path: many bring a libpq
        ("/opt/homebrew/opt/postgresql@15/lib/libpq.5.dylib", "", "on the target: brew install postgresql@15"),
        (
            "/opt/homebrew/Cellar/gcc/13.2.0/lib/gcc/13/libgfortran.5.dylib",
            "",
            f"on the target: brew install gcc, if that still is its version 13.2.0, which the path names; or {WITHOUT}",
        ),
        (
            "/usr/local/opt/foo/libf.dylib",
            "",
            f"bring /usr/local/opt/foo/libf.dylib to the target (Homebrew for arm64 installs to another folder), or {WITHOUT}",
        ),
        (
            "/Applications/Postgres.app/Contents/Versions/15/lib/libpq.5.dylib",
            "",
            f"on the target: install the application Postgres, of which it is a part; or {WITHOUT}",
        ),
        # keg-only: Homebrew brings it to another folder
        (
            "/opt/homebrew/lib/libomp.dylib",
            "",
            f"bring /opt/homebrew/lib/libomp.dylib to the target, or {WITHOUT}",
        ),
        # numba's omppool names no folder: what Homebrew installs is not found by it
        (
            "@rpath/libomp.dylib",
            "@loader_path",
            f"{UV_AGAIN} foo==1.0; if libomp.dylib is still missing: {UV} 'foo!=1.0'",
        ),
    ],
)
def test_homebrew_is_named_where_it_helps(tmp_path: Path, library: str, rpath: str, remedy: str) -> None:
    (found,) = findings(tmp_path, {"foo": {MODULE: module(library, rpath)}})
    assert found.remedy == remedy.format(site=tmp_path)


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


@pytest.mark.parametrize(
    ("folder", "remedy"),
    [
        ("/usr/local/Cellar/libomp/18.1.8/lib", "/opt/homebrew/bin/brew install libomp, then pip install "),
        ("/usr/local/opt/openssl@3/lib", "/opt/homebrew/bin/brew install openssl@3, then pip install "),
        ("/opt/homebrew/opt/libomp/lib", "/usr/local/bin/brew install libomp, then pip install "),
        ("/opt/vendor/lib", "put a build of {path} for the target there, or pip install 'foo!=1.0'"),
    ],
)
def test_a_library_of_this_machine_for_another_one(folder: str, remedy: str) -> None:
    path = f"{folder}/libx.dylib"
    binary = Binary(path=MODULE, location="/site", format="mach-o", role="extension", slices=(), size=1)
    link = BrokenLink(binary, LinkedLibrary(path, "regular"), "wrong-architecture", path, required=True)
    owner = Distribution(name="foo", version="1.0", installer="pip", tags=(), location="/site", binaries=(binary,))
    (found,) = judge_macho_links([link], {binary.file: (owner, "foo")}, {})
    assert (found.rule, found.severity) == ("library-wrong-architecture", "error")
    assert found.remedy.startswith(remedy.format(path=path))


def test_a_file_that_nothing_needs_needs_no_remedy(tmp_path: Path) -> None:
    plugin = machos.dylib(install_name="@rpath/libplugin.dylib", libraries=["@rpath/gone.dylib"])
    (found,) = findings(tmp_path, {"foo": {"foo/plugins/libplugin.dylib": plugin}})
    assert found.severity == "note"
    assert found.remedy.startswith(f"none needed unless this file is used: {UV.format(site=tmp_path)} ")
