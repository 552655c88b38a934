"""Who links to whom, and where each loader looks for what it does not find."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from support import elfs
from support.machos import bundle, dylib
from support.sites import add_distribution, make_venv

from pytest_archcheck.inspection import Request, run
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

MODULE = "pkg/_core.cpython-311-darwin.so"


def links(folder: Path, target: str) -> dict[str, list[dict[str, Any]]]:
    """Path of each file -> its links as the report tells them."""
    inspection = run(Request(paths=(str(folder),), target=target))
    document = json_report.document(Result(inspection=inspection, outcomes=(), notes=(), complete=True))
    return {binary["path"]: binary["links"] for one in document["distributions"] for binary in one["binaries"]}


def mac(
    tmp_path: Path, files: Mapping[str, bytes], others: Mapping[str, bytes] | None = None
) -> dict[str, list[dict[str, Any]]]:
    site = make_venv(tmp_path)
    add_distribution(site, "pkg", "1.0", files, tags=("cp311-cp311-macosx_11_0_arm64",))
    if others:
        add_distribution(site, "other", "1.0", others, tags=("cp311-cp311-macosx_11_0_arm64",))
    return links(tmp_path, "macosx_14_0_arm64")


def test_a_library_beside_the_module(tmp_path: Path) -> None:
    found = mac(
        tmp_path,
        {
            MODULE: bundle(libraries=["@rpath/liba.dylib", "/usr/lib/libSystem.B.dylib"], rpaths=["@loader_path/.dylibs"]),
            "pkg/.dylibs/liba.dylib": dylib(install_name="@rpath/liba.dylib"),
        },
    )
    assert found[MODULE] == [
        {"name": "@rpath/liba.dylib", "status": "found", "path": "pkg/.dylibs/liba.dylib"},
        {"name": "/usr/lib/libSystem.B.dylib", "status": "system"},
    ]


def test_a_library_of_another_distribution(tmp_path: Path) -> None:
    files = {MODULE: bundle(libraries=["@loader_path/../other/liba.dylib"])}
    found = mac(tmp_path, files, {"other/liba.dylib": dylib(install_name="@rpath/liba.dylib")})
    assert found[MODULE] == [
        {"name": "@loader_path/../other/liba.dylib", "status": "found", "path": "other/liba.dylib", "subject": "other"}
    ]


def test_every_place_where_dyld_looks_for_what_is_missing(tmp_path: Path) -> None:
    """Its own rpaths first, then those of the file that loads it: dyld's order."""
    found = mac(
        tmp_path,
        {
            MODULE: bundle(libraries=["@loader_path/.dylibs/libb.dylib"], rpaths=["/opt/one", "@loader_path/two"]),
            "pkg/.dylibs/libb.dylib": dylib(
                install_name="@rpath/libb.dylib",
                libraries=["@rpath/libgone.dylib", ("@rpath/libweak.dylib", "weak")],
                rpaths=["@loader_path", "@loader_path/../own"],
            ),
        },
    )
    gone, weak = found["pkg/.dylibs/libb.dylib"]
    site = os.path.join(os.path.realpath(tmp_path), "lib/python3.11/site-packages/pkg")
    assert gone["tried"] == [
        f"{site}/.dylibs/libgone.dylib",
        f"{site}/own/libgone.dylib",
        "/opt/one/libgone.dylib",
        f"{site}/two/libgone.dylib",
    ]
    assert gone["status"] in ("missing", "outside")
    assert weak["weak"]


def test_a_library_of_the_other_architecture(tmp_path: Path) -> None:
    found = mac(
        tmp_path,
        {
            MODULE: bundle(libraries=["@loader_path/liba.dylib"]),
            "pkg/liba.dylib": dylib("x86_64", install_name="@rpath/liba.dylib"),
        },
    )
    assert [link["status"] for link in found[MODULE]] == ["wrong-architecture"]


def test_an_install_name_that_serves_once_it_is_loaded(tmp_path: Path) -> None:
    found = mac(
        tmp_path,
        {MODULE: bundle(libraries=["@rpath/liba.dylib"])},
        {"other/deep/liba.dylib": dylib(install_name="@rpath/liba.dylib")},
    )
    assert found[MODULE] == [
        {"name": "@rpath/liba.dylib", "status": "loaded", "path": "other/deep/liba.dylib", "subject": "other"}
    ]


def test_slices_that_the_target_does_not_load_are_not_looked_up(tmp_path: Path) -> None:
    assert mac(tmp_path, {MODULE: bundle("x86_64", libraries=["@rpath/liba.dylib"])})[MODULE] == [{"name": "@rpath/liba.dylib"}]


def test_linux(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    module = "pkg/_core.cpython-311-aarch64-linux-gnu.so"
    files = {
        module: elfs.shared("aarch64", needed=("libc.so.6", "liba-01234567.so", "libgone.so.1"), runpath="$ORIGIN/../pkg.libs"),
        "pkg.libs/liba-01234567.so": elfs.shared("aarch64", soname="liba-01234567.so"),
    }
    add_distribution(site, "pkg", "1.0", files)
    libc, bundled, gone = links(tmp_path, "manylinux_2_28_aarch64")[module]
    assert libc == {"name": "libc.so.6", "status": "system"}
    assert bundled == {"name": "liba-01234567.so", "status": "found", "path": "pkg.libs/liba-01234567.so"}
    assert (gone["name"], gone["status"]) == ("libgone.so.1", "outside")
    assert gone["tried"][0].endswith("/site-packages/pkg.libs/libgone.so.1")
