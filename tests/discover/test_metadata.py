"""Installed projects as their metadata has it, in every layout, and the import that must leave no trace."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest
from support.sites import add_distribution, write

from pytest_archcheck.discover import pth
from pytest_archcheck.discover.metadata import projects, requirements

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.discover.metadata import Project


def only(site: Path) -> Project:
    (project,) = projects(str(site))
    return project


def with_record(site: Path, record: str) -> frozenset[str]:
    info = add_distribution(site, "foo", record=False)
    write(info / "RECORD", record)
    files = only(site).files
    assert files is not None
    return frozenset(files)


def test_a_wheel(tmp_path: Path) -> None:
    tags = ["cp311-cp311-macosx_11_0_arm64", "cp311-cp311-macosx_10_9_universal2"]
    info = add_distribution(tmp_path, "Foo.Bar_baz", "1.2", {"foo/_x.so": b"x"}, tags=tags, installer="uv")
    project = only(tmp_path)
    assert (project.name, project.version, project.installer) == ("foo-bar-baz", "1.2", "uv")
    assert project.tags == tuple(tags)
    assert (project.folder, project.site) == (str(info), str(tmp_path))
    assert project.files is not None
    assert "foo/_x.so" in project.files
    assert f"{info.name}/METADATA" in project.files
    assert project.problems == ()


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("foo/_x.so,sha256=abc,10", "foo/_x.so"),
        ("foo/_x.so", "foo/_x.so"),
        ('"foo/a,b.so",sha256=abc,10', "foo/a,b.so"),
        ('"foo/a""b.so",,', 'foo/a"b.so'),
        ("foo\\_x.pyd,sha256=abc,10", "foo/_x.pyd"),
        ("../../../bin/foo,sha256=abc,1", "../../../bin/foo"),
        ("foo/ü.so,,", "foo/ü.so"),
        ("foo/_x.so,,\r", "foo/_x.so"),
    ],
)
def test_lines_of_record(tmp_path: Path, line: str, path: str) -> None:
    assert path in with_record(tmp_path, f"a.py,,\n{line}\nb.py,,\n")


def test_only_the_files_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    info = add_distribution(tmp_path, "foo", record=False)
    write(info / "RECORD", "foo/_x.so,,\nfoo/a.py,,\n../../../bin/foo,,\nfoo-1.0.dist-info/METADATA,,\n")
    (project,) = projects(str(tmp_path), {"foo/_x.so", "foo/_y.so"})
    assert project.files == {"foo/_x.so"}
    assert project.outside == ("../../../bin/foo",)
    assert project.has_modules


@pytest.mark.parametrize(
    ("lines", "has_modules"),
    [
        ("foo-1.0.dist-info/METADATA,,\n../../../bin/foo,,\n", False),
        ("foo-1.0.dist-info/METADATA,,\nfoo.py,,\n", True),
        ("", False),
    ],
)
def test_projects_that_are_only_metadata(tmp_path: Path, lines: str, has_modules: bool) -> None:  # noqa: FBT001 - a parameter
    info = add_distribution(tmp_path, "foo", record=False)
    write(info / "RECORD", lines)
    (project,) = projects(str(tmp_path), set())
    assert project.has_modules == has_modules


def test_record_that_is_no_utf8_names_the_files_as_python_does(tmp_path: Path) -> None:
    info = add_distribution(tmp_path, "foo", record=False)
    (info / "RECORD").write_bytes(b"foo/\xff.so,,\n")
    assert only(tmp_path).files == frozenset({os.fsdecode(b"foo/\xff.so")})


@pytest.mark.parametrize("record", ["", "\n\n", '"', '"never closed', "\0\0", ",,,\n" * 10])
def test_records_of_nothing(tmp_path: Path, record: str) -> None:
    with_record(tmp_path, record)


def test_no_record(tmp_path: Path) -> None:
    add_distribution(tmp_path, "Foo-Bar", record=False, extra_metadata={"top_level.txt": "foo\n_foo\n"})
    project = only(tmp_path)
    assert project.files is None
    assert project.has_modules  # nobody knows
    assert project.top_level == ("foo", "_foo")


def test_an_editable_wheel(tmp_path: Path) -> None:
    direct = '{"url": "file:///home/me/my%20project", "dir_info": {"editable": true}}'
    add_distribution(tmp_path, "foo", extra_metadata={"direct_url.json": direct})
    assert only(tmp_path).editable_root == "/home/me/my project"


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"url": "file:///x"}', '{"url": "https://x", "dir_info": {"editable": true}}', "[" * 99999]
)
def test_direct_urls_that_are_not_editable(tmp_path: Path, text: str) -> None:
    add_distribution(tmp_path, "foo", extra_metadata={"direct_url.json": text})
    assert only(tmp_path).editable_root is None


PKG_INFO = "Metadata-Version: 1.1\nName: Foo_Bar\nVersion: 2.0\n"


def test_an_egg_info_folder(tmp_path: Path) -> None:
    info = tmp_path / "Foo_Bar-2.0-py3.11.egg-info"
    write(info / "PKG-INFO", PKG_INFO)
    write(info / "installed-files.txt", "../foo/_x.so\n../foo/__init__.py\nPKG-INFO\n")
    project = only(tmp_path)
    assert (project.name, project.version) == ("foo-bar", "2.0")
    assert project.files == frozenset({"foo/_x.so", "foo/__init__.py", f"{info.name}/PKG-INFO"})


def test_an_egg_info_file_as_debian_has_it(tmp_path: Path) -> None:
    write(tmp_path / "Foo_Bar-2.0.egg-info", PKG_INFO)
    project = only(tmp_path)
    assert (project.name, project.version, project.files) == ("foo-bar", "2.0", None)
    assert "foo_bar" in project.top_level
    assert project.problems == ()


def test_an_egg(tmp_path: Path) -> None:
    egg = "Foo_Bar-2.0-py3.11-macosx-11.0-arm64.egg"
    write(tmp_path / egg / "EGG-INFO" / "PKG-INFO", PKG_INFO)
    project = only(tmp_path)
    assert (project.name, project.version, project.top_level) == ("foo-bar", "2.0", (egg,))


def test_folders_without_metadata_are_known_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "foo_bar-1.0.dist-info").mkdir()
    project = only(tmp_path)
    assert (project.name, project.version) == ("foo-bar", "1.0")
    assert "METADATA" in project.problems[0]


@pytest.mark.parametrize("metadata", [b"", b"\xff\xfe\x00garbage", b"\0" * 100, b"Name:\n", b"Version 1.0\n\nName: wrong\n"])
def test_metadata_that_is_garbage(tmp_path: Path, metadata: bytes) -> None:
    write(tmp_path / "foo-1.0.dist-info" / "METADATA", metadata)
    assert (only(tmp_path).name, only(tmp_path).version) == ("foo", "1.0")


def test_metadata_of_50_megabytes(tmp_path: Path) -> None:
    info = add_distribution(tmp_path, "foo", "1.0")
    with open(info / "METADATA", "ab") as file:
        file.write(b"\n")
        file.truncate(50 << 20)
    begin = time.process_time()
    assert (only(tmp_path).name, only(tmp_path).version) == ("foo", "1.0")
    assert time.process_time() - begin < 0.5


@pytest.mark.skipif(os.name == "nt", reason="FIFOs of POSIX")
@pytest.mark.parametrize("name", ["METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json"])
def test_fifos_do_not_make_it_wait(tmp_path: Path, name: str) -> None:
    info = add_distribution(tmp_path, "foo", "1.0", extra_metadata={"direct_url.json": "{}"})
    (info / name).unlink()
    os.mkfifo(info / name)
    project = only(tmp_path)
    assert (project.name, project.version) == ("foo", "1.0")
    assert any(name in problem for problem in project.problems)
    requirements(str(info))


@pytest.mark.skipif(os.name == "nt", reason="FIFOs of POSIX")
def test_pth_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pth")
    (tmp_path / "b.pth").mkdir()
    somewhere = tmp_path / "somewhere"
    somewhere.mkdir()
    write(tmp_path / "c.pth", f"# comment\nimport os; os.abort()\n\n{somewhere}\n\0\n")
    write(tmp_path / ".hidden.pth", "/nowhere\n")
    added = pth.additions(str(tmp_path))
    assert added.folders == (("c.pth", str(somewhere)),)
    assert [path.rpartition("/")[2] for path, _ in added.problems] == ["a.pth", "b.pth", "c.pth"]


def test_thousands_of_projects(tmp_path: Path) -> None:
    for number in range(1000):
        info = tmp_path / f"foo{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: foo{number}\nVersion: 1.0\n")
    begin = time.process_time()
    assert len(projects(str(tmp_path))) == 1000
    assert time.process_time() - begin < 5


def test_no_folder_at_all(tmp_path: Path) -> None:
    assert projects(str(tmp_path / "nowhere")) == []


# In a process of its own: the import can be watched only once.
ISOLATION = """
    import importlib.metadata, sys
    before = list(sys.meta_path)
    IMPORT_BEFORE
    known = "importlib_metadata" in sys.modules
    from pytest_archcheck.discover.metadata import projects
    assert projects(sys.argv[1])
    assert ("importlib_metadata" in sys.modules) == known
    if not known:
        assert sys.meta_path == before
        found = next(iter(importlib.metadata.distributions()))
        assert type(found).__module__.startswith("importlib.metadata"), type(found)
        assert importlib.metadata.version("pytest")
    import importlib_metadata
    assert importlib_metadata.version("pytest")
    assert type(next(iter(importlib_metadata.distributions()))).__module__.startswith("importlib_metadata")
    assert projects(sys.argv[1])
    assert any(type(one).__module__.startswith("importlib_metadata") for one in sys.meta_path)
"""


@pytest.mark.parametrize("before", ["pass", "import importlib_metadata"])
def test_importlib_metadata_stays_private(tmp_path: Path, before: str) -> None:
    add_distribution(tmp_path, "foo")
    code = textwrap.dedent(ISOLATION.replace("IMPORT_BEFORE", before))
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
