"""What fuzzing, torture and hostile text have found, kept so that it stays mended: small files that took minutes, or raised."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from support import readers
from support.readers import SEPARATOR, TARGET
from support.sites import add_distribution

from pytest_archcheck import limits
from pytest_archcheck.discover.metadata import projects
from pytest_archcheck.discover.text import plain_name, plain_version
from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DEMO = 'version = 1\n[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
_ONE = '[[package]]\nname = "x"\nversion = "%s"\nsource = { registry = "x" }\n'
_NAMES = ".".join(f"a{number}" for number in range(60))


def _dotted() -> bytes:
    """12 s and 1.6 GB in tomllib."""
    return f"version = 1\na{'.a' * 20_000} = 1\n".encode()


def _crossed() -> bytes:
    """137 s: every one of 2,000 versions needs all of them."""
    edges = 'dependencies = [{ name = "x" }, { name = "x" }]\n'
    return (_DEMO + edges + "".join(_ONE % number + edges for number in range(2000))).encode()


def _tags() -> bytes:
    """177 s: file names of wheels that stand for 3,600 tags each."""
    wheels = ",".join(f'{{ filename = "x-1-{_NAMES}-{_NAMES}-macosx_1_{number}_arm64.whl" }}' for number in range(300))
    return (_DEMO + 'dependencies = [{ name = "x" }]\n' + _ONE % 1 + f"wheels = [{wheels}]\n").encode()


def _pth() -> bytes:
    """35 s: one folder named again and again."""
    return SEPARATOR * 5 + b"/usr\n" * 100_000


def _finder() -> bytes:
    """Minutes: an import finder that holds one path again and again."""
    return SEPARATOR * 8 + b"x = " + b"'/usr'," * 200_000


@pytest.fixture(autouse=True)
def _folder() -> Iterator[None]:
    yield
    readers.remove_folder()


@pytest.mark.parametrize(
    ("read", "make"),
    [
        (readers.uv_lock, _dotted), (readers.pylock, _dotted), (readers.uv_lock, _crossed), (readers.uv_lock, _tags),
        (readers.metadata, _pth), (readers.metadata, _finder),
    ],
)  # fmt: skip
def test_small_files_that_took_minutes(read: Callable[[bytes], None], make: Callable[[], bytes]) -> None:
    data = make()
    begin = time.process_time()
    read(data)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("url", ["file://[", "file://[\x1b[2J]/x", "file:///x%00y", 5, None, ["file:///x"]])
def test_addresses_of_editable_installs_that_are_none(tmp_path: Path, url: object) -> None:
    origin = json.dumps({"url": url, "dir_info": {"editable": True}})
    add_distribution(tmp_path, "sample", extra_metadata={"direct_url.json": origin})
    (project,) = projects(str(tmp_path))
    assert project.editable_root is None
    if url is not None:
        assert any("direct_url.json cannot be read" in problem for problem in project.problems)


@pytest.mark.parametrize("name", ["x" * 10_000_000, "\x1b[31mx", "x; rm -rf ~", "$(reboot)", "x\u202ey", "x::y[z]"])
def test_names_are_fit_for_ids_and_commands(name: str) -> None:
    for plain in (plain_name(name), plain_version(name)):
        assert plain
        assert len(plain) <= limits.NAME_LENGTH
        assert not set(plain) - set("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+!")


def test_real_names_and_versions_are_kept() -> None:
    assert [plain_name(name) for name in ("ruamel.yaml", "zope_interface", "Flask-SQLAlchemy")] == [
        "ruamel.yaml", "zope_interface", "Flask-SQLAlchemy",
    ]  # fmt: skip
    assert [plain_version(one) for one in ("1!2.0rc1.post3.dev4+cu121", "2.0.2")] == ["1!2.0rc1.post3.dev4+cu121", "2.0.2"]


@pytest.mark.parametrize("line", ['name = "x; reboot"', f'name = "{"x" * 1000}"', 'name = "x"\nversion = "1\\u001b"'])
def test_a_locks_names_are_names(tmp_path: Path, line: str) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(f'version = 1\n[[package]]\n{line}\nsource = {{ registry = "x" }}\n', encoding="utf-8")
    with pytest.raises(LockInvalid) as raised:
        inspect_lock(str(path), TARGET, "3.12")
    assert "has the name or version" in str(raised.value)


def test_ten_megabytes_are_cut_before_they_are_escaped() -> None:
    begin = time.process_time()
    assert len(text.sentence("\x1b" * 10_000_000)) <= limits.SENTENCE_LENGTH + 3
    assert time.process_time() - begin < 0.1
