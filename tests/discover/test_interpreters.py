"""Which Python an environment belongs to; it is read, never started."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from support import elfs, machos
from support.sites import add_distribution, make_venv, write

from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.discover.interpreters import (
    interpreter_of_prefix,
    interpreter_of_venv,
    running_interpreter,
)
from pytest_archcheck.discover.model import INTERPRETER_SUBJECT
from pytest_archcheck.machine.host import this_host

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="symbolic links")

DYNLOAD = "lib/python3.11/lib-dynload/_json.cpython-311-darwin.so"


def base(root: Path, *, arch: str = "arm64", version: str = "3.11") -> Path:
    """An installation of Python: an executable and one extension of its standard library."""
    write(root / "bin" / f"python{version}", machos.executable(arch))
    write(root / DYNLOAD.replace("3.11", version), machos.bundle(arch))
    return root


def venv(root: Path, home: Path, lines: str = "version = 3.11.7\n") -> Path:
    site = make_venv(root)
    write(root / "pyvenv.cfg", f"home = {home}\n{lines}")
    return site


def test_the_running_one() -> None:
    interpreter, _ = running_interpreter(this_host())
    assert interpreter.path == os.path.realpath(interpreter.path)
    assert interpreter.version == ".".join(map(str, sys.version_info[:3]))
    assert interpreter.abiflags == sys.abiflags
    assert len(interpreter.architectures) >= 1
    assert all(binary.problem is None for binary in interpreter.binaries)


@pytest.mark.parametrize("lines", ["version = 3.11.7\n", "version_info = 3.11.7.final.0\n", "VERSION=3.11.7\nprompt = x = y\n"])
def test_the_base_of_a_venv(tmp_path: Path, lines: str) -> None:
    home = base(tmp_path / "python")
    venv(tmp_path / "venv", home / "bin", lines)
    interpreter, skipped = interpreter_of_venv(str(tmp_path / "venv"))
    assert interpreter is not None
    assert (interpreter.path, interpreter.architectures) == (str(home / "bin/python3.11"), ("arm64",))
    assert sorted(binary.path for binary in interpreter.binaries) == ["_json.cpython-311-darwin.so", "python3.11"]
    assert not skipped


def test_the_link_in_a_venv_comes_before_its_configuration(tmp_path: Path) -> None:
    venv(tmp_path / "venv", base(tmp_path / "other", arch="x86_64") / "bin")
    (tmp_path / "venv/bin").mkdir()
    (tmp_path / "venv/bin/python3").symlink_to(base(tmp_path / "python") / "bin/python3.11")
    interpreter, _ = interpreter_of_venv(str(tmp_path / "venv"))
    assert interpreter is not None
    assert interpreter.architectures == ("arm64",)


def test_a_base_that_is_not_here(tmp_path: Path) -> None:
    venv(tmp_path / "venv", tmp_path / "nowhere")
    interpreter, (skipped,) = interpreter_of_venv(str(tmp_path / "venv"))
    assert interpreter is None
    assert (skipped.subject, str(tmp_path / "nowhere") in skipped.reason) == (INTERPRETER_SUBJECT, True)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"home\n=\n", b"home = \n"])
def test_configurations_that_say_nothing(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "pyvenv.cfg", content)
    interpreter, skipped = interpreter_of_venv(str(tmp_path))
    assert interpreter is None
    assert "home = (nothing)" in skipped[0].reason


def test_another_systems_python_in_the_same_place_is_not_the_base(tmp_path: Path) -> None:
    # ``home = /usr/bin`` of a virtual environment made on a Mac, read on Linux
    write(tmp_path / "usr/bin/python3.11", elfs.executable())
    site = venv(tmp_path / "venv", tmp_path / "usr/bin")
    add_distribution(site, "foo", files={"foo/_x.so": machos.bundle()})
    environment = environment_at(str(tmp_path / "venv"))
    assert environment.interpreter is None
    assert "not on this machine" in environment.skipped[-1].reason


def test_the_wrong_architecture_does_not_hide_a_base(tmp_path: Path) -> None:
    site = venv(tmp_path / "venv", base(tmp_path / "python", arch="x86_64") / "bin")
    add_distribution(site, "foo", files={"foo/_x.so": machos.bundle("arm64")})
    assert environment_at(str(tmp_path / "venv")).interpreter is not None


def test_a_prefix(tmp_path: Path) -> None:
    base(tmp_path, version="3.13")
    (tmp_path / "bin/python3").symlink_to("python3.13")
    interpreter, _ = interpreter_of_prefix(str(tmp_path))
    assert interpreter is not None
    assert (interpreter.version, len(interpreter.binaries)) == ("3.13", 2)


@pytest.mark.parametrize(
    ("executable", "modules", "abiflags"),
    [
        ("python3.14", ["python3.14/lib-dynload/_json.cpython-314-darwin.so"], ""),
        ("python3.14t", ["python3.14t/lib-dynload/_json.cpython-314t-darwin.so"], "t"),
        ("python3.14", ["python3.14t/lib-dynload/_json.cpython-314t-darwin.so"], "t"),  # the plain name is a hard link to it
        ("python3.14d", ["python3.14/lib-dynload/_json.cpython-314-darwin.so"], "d"),
        # Debian's package of the debug build
        ("python3.14", [f"python3.14/lib-dynload/_json.cpython-314{flags}-darwin.so" for flags in ("d", "")], ""),
        ("python3.14", ["python3.14/lib-dynload/_json.so"], None),
    ],
)
def test_the_build_of_a_prefix(tmp_path: Path, executable: str, modules: list[str], abiflags: str | None) -> None:
    for module in modules:
        write(tmp_path / "lib" / module, machos.bundle())
    write(tmp_path / "bin" / executable, machos.executable())
    (tmp_path / "bin/python3").symlink_to(executable)
    interpreter, _ = interpreter_of_prefix(str(tmp_path))
    assert interpreter is not None
    assert (interpreter.version, interpreter.abiflags) == ("3.14", abiflags)


def test_a_prefix_without_one(tmp_path: Path) -> None:
    assert interpreter_of_prefix(str(tmp_path)) == (None, [])
