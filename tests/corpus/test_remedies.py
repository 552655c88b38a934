"""Each remedy that is a command is typed as it stands, on real packages: what it was for is gone, and nothing else has changed.

The shell that types it is in another virtual environment, which must stay as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import corpus
from support.shells import contents, not_of

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from support.shells import Shell

    from pytest_archcheck.findings import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.usefixtures("files_of_their_own"),
    pytest.mark.skipif(sys.platform != "linux", reason="a virtual environment of Linux is mended"),
]

ARM64 = "macosx_14_0_arm64"
#: The tools that a remedy may begin with, after what it says.
_COMMAND = re.compile(r"(?:MACOSX_DEPLOYMENT_TARGET=\S+ )?(?:uv|pip|/\S+ -m pip|'/[^']+' -m pip) .*")
_UV = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable)


def errors(path: Path, target: str) -> list[Finding]:
    return [finding for finding in inspect(str(path), target).findings if finding.severity == "error"]


def command(found: list[Finding], rule: str) -> str:
    """The one command that all findings of a rule come to."""
    (remedy,) = {finding.remedy for finding in found if finding.rule == rule}
    match = _COMMAND.search(remedy)
    assert match, remedy
    return match[0].partition("; if ")[0]


def copy(tree: Path, to: Path) -> Path:
    return Path(shutil.copytree(tree, to, symlinks=True))


@pytest.fixture(scope="session")
def arm64_few() -> Path:
    return corpus.installed("arm64-few", ["numpy==1.26.4", "h5py==3.11.0", "regex==2024.9.11"], "macos-arm64")


def test_two_packages_for_another_processor(arm64_few: Path, shell: Shell) -> None:
    site = copy(arm64_few, shell.folder / "my $(site)")
    wrong = [*_UV, "--target", str(site), "--python-platform", "x86_64-apple-darwin", "--python-version", "3.11", "--no-deps"]
    subprocess.run([*wrong, "--reinstall", "numpy==1.26.4", "regex==2024.9.11"], check=True, timeout=600)
    found = errors(site, ARM64)
    assert {finding.distribution for finding in found} == {"numpy", "regex"}
    shell.type(command(found, "wrong-architecture"))
    assert errors(site, ARM64) == []
    assert not_of(contents(site), ["numpy", "regex"]) == not_of(contents(arm64_few), ["numpy", "regex"])
    assert contents(site)["numpy/version.py"] == contents(arm64_few)["numpy/version.py"]


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        ("h5py/.dylibs/libhdf5.200.dylib", "missing-library"),
        ("regex/_regex.cpython-311-darwin.so", "unreadable-binary"),
        ("regex/_regex.cpython-311-darwin.so", "invalid-signature"),
    ],
)
def test_damage_in_a_folder_for_a_mac(arm64_few: Path, shell: Shell, file: str, rule: str) -> None:
    site = copy(arm64_few, shell.folder / "site")
    if rule == "missing-library":
        (site / file).unlink()
    elif rule == "unreadable-binary":
        (site / file).write_bytes((site / file).read_bytes()[:5000])
    else:
        whole = bytearray((site / file).read_bytes())
        whole[2000] ^= 0xFF  # in the first page, after the load commands
        (site / file).write_bytes(whole)
    found = errors(site, ARM64)
    assert {finding.rule for finding in found} == {rule}
    shell.type(command(found, rule))
    assert errors(site, ARM64) == []
    name = file.partition("/")[0]
    assert not_of(contents(site), [name]) == not_of(contents(arm64_few), [name])


@pytest.mark.parametrize(
    ("pin", "newer", "older", "target"),
    [
        # One version has wheels for both: the index has to be asked with the target's macOS.
        ("numpy==2.0.2", "14.0", "macosx_14_0", "macosx_13_0_arm64"),
    ],
)
def test_files_for_a_newer_macos(shell: Shell, pin: str, newer: str, older: str, target: str) -> None:
    site = shell.folder / "site"
    given = [*_UV, "--target", str(site), "--python-platform", "aarch64-apple-darwin", "--python-version", "3.11", "--no-deps"]
    subprocess.run([*given, pin], check=True, timeout=600, env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": newer})
    (wheel,) = site.glob("numpy-*.dist-info/WHEEL")
    assert older in wheel.read_text()
    found = [finding for finding in inspect(str(site), target).findings if finding.rule == "newer-os-required"]
    assert found
    shell.type(command(found, "newer-os-required"))
    assert [one for one in inspect(str(site), target).findings if one.severity != "note"] == []
    assert (site / f"{pin.replace('==', '-')}.dist-info").is_dir(), "the same version, as it has such a wheel"


def test_files_for_a_newer_glibc(shell: Shell) -> None:
    """numpy 2.3 and newer ask for glibc 2.27; the newest version without that is older."""
    site = shell.folder / "site"
    given = [
        *_UV,
        "--target",
        str(site),
        "--python-platform",
        "aarch64-manylinux_2_28",
        "--python-version",
        "3.11",
        "--no-deps",
    ]
    subprocess.run([*given, "numpy==2.3.1"], check=True, timeout=600)
    found = errors(site, "manylinux_2_17_aarch64")
    assert {finding.rule for finding in found} == {"newer-os-required"}
    shell.type(command(found, "newer-os-required"))
    assert errors(site, "manylinux_2_17_aarch64") == []


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_torn_file_in_a_virtual_environment(shell: Shell, tool: str) -> None:
    environment = shell.folder / "my env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    python = str(environment / "bin" / "python")
    by = [python, "-m", "pip", "install", "--quiet"] if tool == "pip" else [*_UV[:-2], "--python", python]
    subprocess.run([*by, "numpy==1.26.4", "regex==2024.9.11"], check=True, timeout=600)
    assert errors(environment, "host") == []
    before = contents(environment)
    (module,) = environment.glob("lib/python*/site-packages/regex/_regex.*.so")
    module.write_bytes(module.read_bytes()[:9000])
    assert subprocess.run([python, "-c", "import regex"], capture_output=True, check=False, timeout=60).returncode
    found = errors(environment, "host")
    shell.type(command(found, "unreadable-binary"))
    assert errors(environment, "host") == []
    subprocess.run([python, "-c", "import regex, numpy"], check=True, timeout=60)
    assert not_of(contents(environment), ["regex"]) == not_of(before, ["regex"])


def test_a_folder_for_both_architectures(shell: Shell) -> None:
    site, both = shell.folder / "site", "macosx_14_0_universal2"
    thin = [*_UV, "--target", str(site), "--python-platform", "aarch64-apple-darwin", "--python-version", "3.11", "--no-deps"]
    subprocess.run([*thin, "regex==2024.9.11", "markupsafe==2.1.5"], check=True, timeout=600)
    found = errors(site, both)
    assert "regex" in {one.distribution for one in found}
    (remedy,) = {one.remedy for one in found}
    typed = re.search(r"pip download .* && uv [^;()]*", remedy)
    assert typed, remedy
    shell.type(typed[0])
    assert errors(site, both) == []


def test_a_lock_made_of_requirements(shell: Shell) -> None:
    requirements = shell.folder / "requirements.txt"
    requirements.write_text("regex==2024.9.11\n")
    with pytest.raises(ValueError, match="requirements name no files") as raised:
        inspect(str(requirements))
    typed = _COMMAND.search(str(raised.value))
    assert typed
    shell.type(typed[0].partition(" && ")[0])
    (lock,) = shell.folder.glob("pylock*.toml")
    assert inspect(str(lock), ARM64, python="3.12").findings == ()
