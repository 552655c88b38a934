"""The walk: every compiled file once, whatever else lies in the tree."""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import elfs, machos
from support.sites import write

from pytest_archcheck import limits
from pytest_archcheck.discover.files import TEXT_AND_DATA_SUFFIXES, Walk, has_passed_name, walk

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.binaries.model import Binary

MACHO = machos.bundle()

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and special files of POSIX")


def scan(root: Path) -> Walk:
    found = Walk()
    walk(found, str(root))
    return found


def paths(found: Walk) -> list[str]:
    return sorted(binary.path for binary in found.binaries)


def only(found: Walk) -> Binary:
    (binary,) = found.binaries
    return binary


def test_compiled_files_by_any_name(tmp_path: Path) -> None:
    names = [
        "a/_x.so",
        "a/.dylibs/liby.1.dylib",
        "Qt.framework/Versions/A/Qt",
        "bin/tool",
        "x.node",
        "X.SO",
        "libz.so.1",
        "d.dat",
    ]
    for name in names:
        write(tmp_path / name, MACHO)
    for name in ("a/x.py", "README.md", "data.bin", "a/__pycache__/_x.so", ".git/x.so"):
        write(tmp_path / name, b"text")
    found = scan(tmp_path)
    assert paths(found) == sorted(names)
    assert found.skipped == []
    assert found.files == len(names) + 3 + 8  # three texts outside of passed-over folders, eight folders


def test_folders_of_time_zones_are_passed_over_and_packages_of_that_name_are_not(tmp_path: Path) -> None:
    for package in ("tzdata", "pytz", "backports", "dateutil"):
        write(tmp_path / package / "zoneinfo" / "Europe" / "Rome", MACHO)
    write(tmp_path / "zoneinfo" / "_x.so", MACHO)
    found = scan(tmp_path)
    assert paths(found) == ["backports/zoneinfo/Europe/Rome", "dateutil/zoneinfo/Europe/Rome", "zoneinfo/_x.so"]


LOOKED_INTO = """
    x.so.1 x.dylib x.node x.bundle x.jnilib x.pyd x.dll x.exe x.so.bak x.bin x.plugin x.3 x RECORD.so lib.cpp.so x.so.2.md5sum
""".split()


@pytest.mark.parametrize("name", LOOKED_INTO)
def test_names_that_are_looked_into(name: str) -> None:
    assert not has_passed_name(name)


@pytest.mark.parametrize("name", ["x.py", "X.H", "x.so.md", "x.license", "x.build", "x.JSON", "RECORD", "LICENSE", ".py"])
def test_names_that_are_passed_over(name: str) -> None:
    assert has_passed_name(name)


def test_no_loader_takes_a_suffix_that_is_passed_over() -> None:
    loadable = "so dylib bundle node jnilib pyd dll exe plugin framework sl abi3 1 dat bin com out run elf macho img".split()
    assert not TEXT_AND_DATA_SUFFIXES & set(loadable)


def test_damaged_files_are_reported_and_the_scan_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "empty.so", b"")
    write(tmp_path / "lfs.dylib", b"version https://git-lfs.github.com/spec/v1\n")
    write(tmp_path / "cut.cpython-312-darwin.so", MACHO[:5000])
    write(tmp_path / "good.so", MACHO)
    write(tmp_path / "libx.so", b"libx.so.1")
    problems = {binary.path: binary.problem for binary in scan(tmp_path).binaries}
    assert problems.pop("good.so") is None
    assert set(problems) == {"empty.so", "lfs.dylib", "cut.cpython-312-darwin.so"}
    assert all(problems.values())


def test_special_files_do_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.so")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        previous = os.getcwd()
        os.chdir(tmp_path)  # a socket's path is at most some 100 bytes long
        try:
            listener.bind("socket.so")
        finally:
            os.chdir(previous)
        (tmp_path / "null.so").symlink_to("/dev/null")
        (tmp_path / "dir.so").mkdir()
        write(tmp_path / "dir.so" / "_x.so", MACHO)
        found = scan(tmp_path)
    problems = {binary.path: binary.problem for binary in found.binaries}
    unreadable = "the file cannot be read: not a regular file"
    assert problems == {"fifo.so": unreadable, "socket.so": unreadable, "dir.so/_x.so": None}
    assert [os.path.basename(skipped.subject) for skipped in found.skipped] == ["null.so"]


@pytest.mark.parametrize("name", [b"line\nbreak\x1b[31m.so", b"no-utf8-\xff\xfe.so", "ünï.so".encode()])
def test_strange_names(tmp_path: Path, name: bytes) -> None:
    try:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(MACHO)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    binary = only(scan(tmp_path))
    assert os.fsencode(binary.path) == name
    assert os.path.exists(binary.file)
    assert binary.problem is None


class TestLinks:
    def test_into_the_tree_are_not_followed(self, tmp_path: Path) -> None:
        write(tmp_path / "pkg/libx.1.dylib", MACHO)
        (tmp_path / "pkg/libx.dylib").symlink_to("libx.1.dylib")
        (tmp_path / "again").symlink_to("pkg")
        assert paths(scan(tmp_path)) == ["pkg/libx.1.dylib"]

    def test_out_of_the_tree_are_followed_once(self, tmp_path: Path) -> None:
        write(tmp_path / "elsewhere/lib/_x.so", MACHO)
        write(tmp_path / "one/libz.dylib", MACHO)
        (tmp_path / "site").mkdir()
        for name in ("a", "b"):
            (tmp_path / "site" / name).symlink_to(tmp_path / "elsewhere")
            (tmp_path / "site" / f"{name}.dylib").symlink_to(tmp_path / "one/libz.dylib")
        found = paths(scan(tmp_path / "site"))
        assert [name.partition("/")[2] for name in found if "/" in name] == ["lib/_x.so"]
        assert len([name for name in found if name.endswith(".dylib")]) == 1

    @pytest.mark.parametrize("target", ["/", "..", ".", "../..", "loop.so", "/proc", "/dev"])
    def test_to_everything_or_nothing(self, tmp_path: Path, target: str) -> None:
        site = tmp_path / "home" / "site"
        write(site / "good.so", MACHO)
        (site / "loop.so").symlink_to(target)
        begin = time.process_time()
        assert paths(scan(site)) == ["good.so"]
        assert time.process_time() - begin < 1

    def test_dangling(self, tmp_path: Path) -> None:
        (tmp_path / "x.so").symlink_to("nowhere")
        (tmp_path / "bin").symlink_to("nowhere")
        (skipped,) = scan(tmp_path).skipped
        assert skipped.subject.endswith("x.so")
        assert "leads nowhere" in skipped.reason

    def test_in_a_ring_outside(self, tmp_path: Path) -> None:
        for name, other in (("a", "b"), ("b", "a")):
            write(tmp_path / name / f"{name}.so", MACHO)
            (tmp_path / name / "next").symlink_to(tmp_path / other)
        assert paths(scan(tmp_path / "a")) == ["a.so", "next/b.so"]


def test_two_roots_over_one_tree_are_walked_once(tmp_path: Path) -> None:
    write(tmp_path / "lib/site/_x.so", MACHO)
    (tmp_path / "lib64").symlink_to("lib")
    found = Walk()
    for root in ("lib", "lib64", "lib/site"):
        walk(found, str(tmp_path / root))
    assert paths(found) == ["site/_x.so"]


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ELOOP])
def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    write(tmp_path / "_x.so", MACHO)
    write(tmp_path / "tool", MACHO)
    _refuse_to_open(monkeypatch, error)
    found = scan(tmp_path)
    assert only(found).path == "_x.so"
    assert only(found).problem == f"the file cannot be read: {os.strerror(error)}"
    assert [(os.path.basename(skipped.subject), skipped.reason) for skipped in found.skipped] == [
        ("tool", f"the file cannot be read: {os.strerror(error)}")
    ]


def test_files_that_vanish_while_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "_x.so", MACHO)
    _refuse_to_open(monkeypatch, errno.ENOENT)
    found = scan(tmp_path)
    assert found.binaries == []
    assert len(found.skipped) == 1


def _refuse_to_open(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def refuse(path: str, _flags: int) -> int:
        raise OSError(error, os.strerror(error), path)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("when", ["listing", "middle"])
def test_folders_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    write(tmp_path / "good/_x.so", MACHO)
    write(tmp_path / "bad/_y.so", MACHO)
    listing = os.scandir

    class Broken:
        def __init__(self, path: str) -> None:
            self._entries = listing(path)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self._entries.close()

        def __iter__(self) -> Any:
            yield from self._entries
            raise OSError(errno.EIO, "Input/output error")

    def scandir(path: str) -> Any:
        if not path.endswith("bad"):
            return listing(path)
        if when == "listing":
            raise PermissionError(errno.EACCES, "Permission denied")
        return Broken(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = scan(tmp_path)
    assert paths(found) == (["good/_x.so"] if when == "listing" else ["bad/_y.so", "good/_x.so"])
    assert [skipped.subject for skipped in found.skipped] == [str(tmp_path / "bad")]


def test_deep_nesting_ends(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(limits.FOLDER_DEPTH + 50):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    write(tmp_path / "_x.so", MACHO)
    found = scan(tmp_path)
    assert paths(found) == ["_x.so"]
    assert "nested deeper" in found.skipped[0].reason


def test_the_size_of_a_file_costs_nothing(tmp_path: Path) -> None:
    for name, head in (("zeros.so", b""), ("elf.so", bytes(elfs.Elf())), ("macho.so", MACHO)):
        with open(tmp_path / name, "wb") as file:
            file.write(head)
            file.truncate(5 << 30)  # sparse
    begin = time.process_time()
    sizes = {binary.path: binary.size for binary in scan(tmp_path).binaries}
    assert time.process_time() - begin < 1
    assert sizes == dict.fromkeys(("zeros.so", "elf.so", "macho.so"), 5 << 30)
