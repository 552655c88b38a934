"""Damaged metadata: what cannot be looked at is named in the result, and the rest goes on."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from support.machos import bundle
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect

ARM64 = "macosx_14_0_arm64"
TAGS = ("cp311-cp311-macosx_11_0_arm64",)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A venv with one healthy distribution and one to be damaged."""
    site = make_venv(tmp_path / "venv")
    add_distribution(site, "healthy", "1.0", {"healthy/_core.so": bundle()}, tags=TAGS)
    add_distribution(site, "broken", "1.0", {"broken/_core.so": bundle()}, tags=TAGS)
    return site


def skipped(site: Path) -> str:
    """What is said not to be looked at, after every file was found and nobody blamed."""
    inspection = inspect(str(site.parent.parent.parent), ARM64)
    assert inspection.findings == ()
    paths = {binary.path for binary in inspection.binaries}
    assert {"healthy/_core.so", "broken/_core.so"} <= paths
    assert "healthy" in {dist.name for dist in inspection.distributions}
    return "\n".join(f"{skip.subject}: {skip.reason}" for skip in inspection.skipped if "base interpreter" not in skip.reason)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("METADATA", b"", "METADATA is missing or names no project"),
        ("METADATA", b"Metadata-Version: 2.1\nNa", "METADATA is missing or names no project"),
        ("METADATA", "Metadata-Version: 2.1\nName: broken\n".encode("utf-16"), "METADATA"),
        ("RECORD", b"broken/_core.so,sha256=abc,1\nbroken/__ini", "RECORD is cut off"),
        ("RECORD", b'broken/_core.so,,\n"broken/_co', "RECORD is cut off"),
        (
            "RECORD",
            b"broken/_core.so,,\n/etc/passwd,,\n",
            "RECORD names a file outside the environment, not looked at: /etc/passwd",
        ),
        ("RECORD", b"broken/_core.so,,\n../../../../../etc/passwd,,\n", "RECORD names a file outside the environment"),
        ("WHEEL", b"Whee", "WHEEL is damaged"),
        ("WHEEL", b"\x7fELF\0\0", "WHEEL is damaged"),
        ("direct_url.json", b'{"url": "file:///x", "dir_', "direct_url.json"),
        ("direct_url.json", b"[" * 100_000, "direct_url.json"),
    ],
)
def test_a_damaged_file_of_dist_info_is_named(site: Path, name: str, content: bytes, says: str) -> None:
    write(site / "broken-1.0.dist-info" / name, content)
    assert says in skipped(site)


def test_a_dist_info_folder_that_is_a_loop(site: Path) -> None:
    (site / "loop-1.0.dist-info").symlink_to("loop-1.0.dist-info")
    skipped(site)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("name", ["METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json"])
def test_a_fifo_in_dist_info_makes_nobody_wait(site: Path, name: str) -> None:
    path = site / "broken-1.0.dist-info" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    skipped(site)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("/no/such/folder\n".encode("utf-16"), "this .pth file is no UTF-8 text"),
        (b"/no/such/folder\n", "/no/such/folder: No such file"),
        (b"../../../../../../no/such\n", "../../../../../../no/such: No such file"),
        (b"healthy/_core.so\n", "healthy/_core.so: it is a file"),
        (b"loop\n", "loop: Too many levels"),
        (b"caf\xe9\n", "caf"),
    ],
)
def test_a_pth_file_that_leads_nowhere_is_named(site: Path, content: bytes, says: str) -> None:
    (site / "loop").symlink_to("loop")
    write(site / "paths.pth", content)
    told = skipped(site)
    assert "paths.pth" in told
    assert says in told


@pytest.mark.parametrize("line", [".", "..", "healthy", "/", "link", "import os; os.abort()"])
def test_a_pth_file_that_leads_in_circles_adds_nothing(site: Path, line: str) -> None:
    (site / "link").symlink_to(site)
    write(site / "paths.pth", f"{line}\n")
    assert skipped(site) == ""


def test_a_venv_whose_base_interpreter_is_gone(site: Path) -> None:
    root = site.parent.parent.parent
    write(root / "pyvenv.cfg", "home = /no/such/python/bin\nversion = 3.11.7\n")
    inspection = inspect(str(root), ARM64)
    assert [(skip.subject, skip.reason) for skip in inspection.skipped] == [
        ("environment::interpreter", "its base interpreter is not on this machine: pyvenv.cfg says home = /no/such/python/bin")
    ]
    assert [check.subject for check in inspection.checks] == ["environment::packages", "broken", "healthy"]


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_folders_and_files_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to everybody else
        Path(folder).chmod(0o755)
        site = make_venv(Path(folder) / "venv")
        add_distribution(site, "healthy", "1.0", {"healthy/_core.so": bundle()}, tags=TAGS)
        add_distribution(site, "closed", "1.0", {"closed/inner/_core.so": bundle()}, tags=TAGS)
        write(site / "paths.pth", "/\n").chmod(0)
        (site / "closed" / "inner").chmod(0)
        was_root = os.geteuid() == 0
        if was_root:  # root may read everything
            os.seteuid(65534)
        try:
            inspection = inspect(str(site.parent.parent.parent), ARM64)
        finally:
            if was_root:
                os.seteuid(0)
            (site / "closed" / "inner").chmod(0o755)
    told = {skip.subject: skip.reason for skip in inspection.skipped}
    assert told[str(site / "closed" / "inner")] == "the folder cannot be read: Permission denied"
    assert told[str(site / "paths.pth")] == "this .pth file cannot be read: Permission denied"
    assert [dist.name for dist in inspection.distributions] == ["healthy"]
