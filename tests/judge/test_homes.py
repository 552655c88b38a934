"""A remedy changes the environment that was inspected, wherever the shell is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from support import elfs, machos
from support.hosts import APPLE_SILICON, as_python, on_mac
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM64 = "macosx_14_0_arm64"
CP312 = ("cp312-cp312-macosx_11_0_x86_64",)


def error(path: Path, target: str, name: str = "foo") -> Finding:
    (found, *_) = (one for one in inspect(str(path), target)[name].findings if one.severity == "error")
    return found


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("pip", "'{env}/bin/python' -m pip install --force-reinstall --no-deps --no-cache-dir foo==1.0"),
        ("uv", "uv pip install --python '{env}' --reinstall --no-deps --no-cache --link-mode=copy foo==1.0"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the environment's Python is this machine's, which ELF files serve")
def test_a_virtual_environment_of_this_machine(tmp_path: Path, installer: str, command: str) -> None:
    env = tmp_path / "my env"
    site = make_venv(env)
    (env / "bin").mkdir()
    (env / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    write(
        env / "pyvenv.cfg", f"home = {os.path.dirname(os.path.realpath(sys.executable))}\nversion = {sys.version.split()[0]}\n"
    )
    add_distribution(site, "foo", files={"foo/_x.abi3.so": elfs.shared()[:40]}, installer=installer)
    add_distribution(site, "pip", "24.0")
    assert error(env, "host").remedy == command.format(env=env)
    below = error(site, "host").remedy
    assert f"'{env}" in below, "the environment that the folder is of"


def test_a_folder_for_another_machine(tmp_path: Path) -> None:
    add_distribution(tmp_path, "foo", files={"foo/_x.cpython-312-darwin.so": machos.bundle("x86_64")}, tags=CP312)
    assert error(tmp_path, ARM64).remedy == (
        f"MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --target {tmp_path} --python-version 3.12 --python-platform "
        "aarch64-apple-darwin --only-binary :all: --reinstall --no-deps --no-cache --link-mode=copy foo==1.0"
    )


@pytest.mark.parametrize(("tag", "platform"), [("manylinux_2_28_aarch64", "aarch64-manylinux_2_28")])
def test_a_folder_for_another_linux(tmp_path: Path, tag: str, platform: str) -> None:
    add_distribution(tmp_path, "foo", files={"foo/_x.abi3.so": elfs.shared()})
    remedy = error(tmp_path, tag).remedy
    assert f"uv pip install --target {tmp_path} --python-platform {platform} " in remedy
    assert "MACOSX" not in remedy


def test_no_installer_fills_a_folder_for_two_architectures(tmp_path: Path) -> None:
    add_distribution(tmp_path, "foo", files={"foo/_x.cpython-312-darwin.so": machos.bundle("x86_64")}, tags=CP312)
    remedy = error(tmp_path, "macosx_14_0_universal2").remedy
    got = "--platform macosx_14_0_universal2 --python-version 3.12 --dest both foo==1.0"
    assert remedy.startswith(f"pip download --no-deps --only-binary :all: {got} && uv pip install --target {tmp_path} ")
    assert remedy.endswith("where there is no such wheel, those for arm64 and x86_64 made one by delocate-merge")


@pytest.mark.parametrize("activated", [True, False])
def test_the_running_environment_is_named_unless_the_shell_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, activated: bool
) -> None:
    site = make_venv(tmp_path / "venv")
    python = write(tmp_path / "venv" / "bin" / "python3.11", machos.executable("arm64"))
    add_distribution(site, "foo", files={"foo/_x.cpython-311-darwin.so": machos.bundle()[:40]}, installer="uv")
    on_mac(monkeypatch, APPLE_SILICON)
    as_python(monkeypatch, tmp_path / "venv", python, site)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / ("venv" if activated else "other")))
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (found,) = inspect()["foo"].findings
    place = "" if activated else f"--python {python} "
    assert found.remedy == f"uv pip install {place}--reinstall --no-deps --no-cache --link-mode=copy foo==1.0"


def test_one_command_where_several_have_one_fault(tmp_path: Path) -> None:
    for name in ("foo", "bar", "baz"):
        add_distribution(tmp_path, name, files={f"{name}/_x.cpython-312-darwin.so": machos.bundle("x86_64")}, tags=CP312)
    add_distribution(tmp_path, "torn", files={"torn/_x.cpython-312-darwin.so": machos.bundle()[:40]}, tags=CP312)
    remedies = {error(tmp_path, ARM64, name).remedy for name in ("foo", "bar", "baz")}
    (together,) = remedies
    assert together.startswith("MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --target ")
    assert together.endswith(" bar==1.0 baz==1.0 foo==1.0")
    assert error(tmp_path, ARM64, "torn").remedy.endswith(" --no-cache --link-mode=copy torn==1.0")


def test_more_than_a_dozen_are_told_one_by_one(tmp_path: Path) -> None:
    for number in range(13):
        name = f"p{number}"
        add_distribution(tmp_path, name, files={f"{name}/_x.cpython-312-darwin.so": machos.bundle("x86_64")}, tags=CP312)
    assert error(tmp_path, ARM64, "p3").remedy.endswith(" p3==1.0")


@pytest.mark.parametrize(
    ("tag", "ending"),
    [
        # The index knows the newest version, this one at most, with a wheel for macOS 14.
        ("cp312-cp312-macosx_15_0_arm64", "--only-binary :all: --reinstall-package foo 'foo<=1.0'"),
        # The wheel says that it is for macOS 11: the index would bring it again.
        ("cp312-cp312-macosx_11_0_arm64", "--only-binary :all: 'foo<1.0'"),
    ],
)
def test_files_for_a_newer_macos(tmp_path: Path, tag: str, ending: str) -> None:
    add_distribution(tmp_path, "foo", files={"foo/_x.cpython-312-darwin.so": machos.bundle(minos="15.0")}, tags=(tag,))
    (found,) = inspect(str(tmp_path), ARM64)["foo"].findings
    assert found.rule == "newer-os-required"
    assert "MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --target " in found.remedy
    assert found.remedy.endswith(ending)


def test_nobody_is_told_to_remove_a_file(tmp_path: Path) -> None:
    write(tmp_path / "bin" / "tool.so", machos.bundle("x86_64"))
    assert "remove" not in error(tmp_path, ARM64, "unowned").remedy
