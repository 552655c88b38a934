"""conda's commands, typed as they stand where conda is on PATH: on packages made by hand, in a channel that is a folder."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.channels import add_to_channel
from support.shells import Shell, open_shell

from pytest_archcheck import inspect
from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.commands import Installer
from pytest_archcheck.rules.packages import _set_subdir
from pytest_archcheck.rules.pythons import conda_environment

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(
        shutil.which("conda") is None, reason="no registry has conda itself: docs/evidence/remedies.md says how"
    ),
    pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the packages are for Linux x86_64"),
]

SITE = "lib/python3.11/site-packages"
MODULE = f"{SITE}/foo/_x.cpython-311-x86_64-linux-gnu.so"


def _python_files(name: str, version: str) -> dict[str, bytes]:
    info = f"{SITE}/{name}-{version}.dist-info"
    return {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/INSTALLER": b"conda\n",
        f"{info}/RECORD": b"",
        f"{SITE}/{name}/__init__.py": b"",
    }


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in which conda knows one channel, asks no questions, and has a cache of its own."""
    channel = tmp_path / "channel"
    for subdir in ("linux-64", "osx-arm64"):
        for version in ("1.0", "1.1", "2.0"):
            module = elfs.shared(texts=version.encode() * 2000)
            files = _python_files("foo", version) | {MODULE: module}
            add_to_channel(channel, f"foo {version}", files, ["dep"], subdir)
            add_to_channel(channel, f"dep {version}", _python_files("dep", version), (), subdir)
    settings = {
        "CONDA_CHANNELS": channel.as_uri(),
        "CONDA_ALWAYS_YES": "1",
        "CONDA_PKGS_DIRS": str(tmp_path / "cache"),
        "CONDA_ENVS_DIRS": str(tmp_path / "envs"),
        "CONDA_NUMBER_CHANNEL_NOTICES": "0",
        "CONDARC": str(tmp_path / "condarc"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    shell = open_shell(tmp_path)
    shell.type("conda create --quiet --prefix prefix foo=1.0 dep=1.0")
    return shell


def errors(shell: Shell) -> list[Finding]:
    found = inspect(str(shell.folder / "prefix"), "manylinux_2_28_x86_64").findings
    return [one for one in found if one.severity == "error"]


def versions(shell: Shell) -> dict[str, str]:
    records = (shell.folder / "prefix" / "conda-meta").glob("*.json")
    return {path.stem.rsplit("-", 2)[0]: path.stem.rsplit("-", 2)[1] for path in records}


def installer(shell: Shell) -> Installer:
    return Installer("conda", Home(for_conda=("--prefix", str(shell.folder / "prefix"))))


def test_a_torn_file(shell: Shell) -> None:
    """conda links files from its cache: what is torn in the environment is torn there too."""
    module = shell.folder / "prefix" / MODULE
    assert errors(shell) == []
    with module.open("r+b") as file:
        file.truncate(900)
    (found,) = errors(shell)
    assert found.remedy.startswith('CONDA_PKGS_DIRS="$(mktemp -d)" CONDA_SUBDIR=linux-64 conda install --prefix ')
    shell.type(found.remedy)
    assert errors(shell) == []
    assert versions(shell) == {"foo": "1.0", "dep": "1.0"}


@pytest.mark.parametrize(
    ("make", "then"),
    [
        (lambda conda: conda.again(["foo==1.0"]), {"foo": "1.0", "dep": "1.0"}),
        (lambda conda: conda.other(["foo!=2.0"]), {"foo": "1.1", "dep": "1.0"}),
        (lambda conda: conda.other(["foo!=1.0"]), {"foo": "2.0", "dep": "1.0"}),
        (lambda conda: conda.fitting("foo", "foo<=1.0"), {"foo": "1.0", "dep": "1.0"}),
        (lambda conda: conda.again_with_dependencies("foo==1.1"), {"foo": "1.1", "dep": "1.0"}),
        (lambda conda: conda.update(["foo"]), {"foo": "2.0", "dep": "1.0"}),
        # What requires it stays: something else is put in its place by the next command.
        (lambda conda: conda.remove(["dep"]), {"foo": "1.0"}),
    ],
)
def test_every_way_to_install(shell: Shell, make: object, then: dict[str, str]) -> None:
    shell.type(make(installer(shell)))  # type: ignore[operator]
    assert versions(shell) == then


def test_packages_of_another_platform(shell: Shell) -> None:
    home = Home(for_conda=("--prefix", str(shell.folder / "prefix")), conda_subdir="osx-arm64")
    shell.type(Installer("conda", home).again(["foo==1.0"]))
    (record,) = (shell.folder / "prefix" / "conda-meta").glob("foo-*.json")
    assert '"subdir": "osx-arm64"' in record.read_text()


def test_a_new_environment(shell: Shell) -> None:
    create, _, config = conda_environment("osx-arm64").split(", ")
    shell.type(create.replace(" python", " foo"))
    activated = shell.folder / "envs" / "osx-arm64"
    assert (activated / "conda-meta").is_dir()
    os.environ["CONDA_PREFIX"] = str(activated)  # what `conda activate` does
    try:
        shell.type(config)
    finally:
        del os.environ["CONDA_PREFIX"]
    assert "subdir: osx-arm64" in (activated / ".condarc").read_text()


def test_a_setting(shell: Shell) -> None:
    file = shell.folder / "my condarc"
    file.write_text("subdir: osx-64\n")
    shell.type(_set_subdir(str(file), "osx-arm64"))
    assert file.read_text().strip() == "subdir: osx-arm64"
