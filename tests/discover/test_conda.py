"""conda prefixes, laid out as conda does, and what is said of them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from support.condas import SITE, add_package, make_prefix, python_package
from support.hosts import APPLE_SILICON, as_python, on_mac
from support.machos import bundle, dylib, executable
from support.sites import add_distribution, write

from pytest_archcheck import Inspection, inspect

if TYPE_CHECKING:
    from pathlib import Path

ARM64 = "macosx_14_0_arm64"
TAGS = ("cp311-cp311-macosx_12_0_arm64",)
LIBRARY = "lib/libopenblas.0.dylib"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A healthy osx-arm64 prefix."""
    return _prefix(tmp_path / "base", "arm64", "osx-arm64")


def _prefix(prefix: Path, arch: str, subdir: str) -> Path:
    make_prefix(prefix, executable(arch), subdir=subdir)
    add_package(prefix, "openblas", "0.3.26", {LIBRARY: dylib(arch, "@rpath/libopenblas.0.dylib")}, subdir=subdir)
    python_package(prefix, "numpy", "1.26.4", {"numpy/core/_core.so": bundle(arch)}, subdir=subdir)
    return prefix


def told(inspection: Inspection) -> list[tuple[str, str, str]]:
    return [(finding.subject, finding.rule, finding.severity) for finding in inspection.findings]


def test_every_package_is_conda_s_and_healthy(prefix: Path) -> None:
    inspection = inspect(str(prefix), ARM64)
    assert told(inspection) == []
    assert inspection.skipped == ()
    owners = {dist.name: (dist.installer, [binary.path for binary in dist.binaries]) for dist in inspection.distributions}
    assert owners == {
        "numpy": ("conda", ["numpy/core/_core.so"]),
        "openblas": ("conda", [LIBRARY]),
        "python": ("conda", ["bin/python3.11"]),
    }
    assert inspection.interpreter is not None
    assert inspection.interpreter.provider == "conda"


def test_other_environments_and_packages_in_a_base_prefix_are_not_its_own(prefix: Path) -> None:
    _prefix(prefix / "envs" / "intel", "x86_64", "osx-64")
    write(prefix / "pkgs" / "numpy-1.26.4-0" / SITE / "numpy" / "core.so", bundle("x86_64"))
    inspection = inspect(str(prefix), ARM64)
    assert told(inspection) == []
    assert len(inspection.binaries) == 4  # the interpreter is python's, too


def test_an_osx_64_prefix_on_apple_silicon(tmp_path: Path) -> None:
    prefix = _prefix(tmp_path / "anaconda3", "x86_64", "osx-64")
    inspection = inspect(str(prefix), ARM64)
    assert {finding.rule for finding in inspection.findings} == {"wrong-conda-subdir", "wrong-architecture"}
    (packages,) = inspection["environment::packages"].findings
    assert packages.message == "3 of 4 conda packages are for osx-64, the target needs osx-arm64: numpy, openblas, python"
    assert "CONDA_SUBDIR=osx-arm64 conda create -n osx-arm64 python=3.11, " in packages.remedy
    (interpreter,) = inspection["environment::interpreter"].findings
    assert "CONDA_SUBDIR=osx-arm64 conda create -n osx-arm64 python=3.11" in interpreter.remedy
    for name in ("numpy", "openblas", "python"):
        (remedy,) = {finding.remedy for finding in inspection[name].findings}
        assert remedy.startswith("see archcheck::environment::interpreter: that Python is the cause")


def test_one_package_of_another_platform(prefix: Path) -> None:
    python_package(prefix, "scipy", "1.12", {"scipy/_lib.so": bundle("x86_64")}, subdir="osx-64")
    inspection = inspect(str(prefix), ARM64)
    assert told(inspection) == [
        ("environment::packages", "wrong-conda-subdir", "warning"),
        ("scipy", "wrong-architecture", "error"),
    ]
    assert (
        inspection["scipy"].findings[0].remedy
        == f'CONDA_PKGS_DIRS="$(mktemp -d)" CONDA_SUBDIR=osx-arm64 conda install --prefix {prefix} --force-reinstall --no-deps '
        "'scipy[version=1.12,subdir=osx-arm64]'"
    )


@pytest.mark.parametrize("line", ["subdir: osx-64\n", 'channels: [conda-forge]\nsubdir:  "osx-64"  # for tensorflow\n'])
def test_the_prefix_s_own_condarc(prefix: Path, line: str) -> None:
    write(prefix / ".condarc", line)
    inspection = inspect(str(prefix), ARM64)
    (finding,) = inspection.findings
    assert finding.message.startswith(f"{prefix}{os.sep}.condarc says osx-64")
    assert finding.remedy == f"conda config --file {prefix}/.condarc --set subdir osx-arm64"


def test_a_condarc_that_says_the_right_thing(prefix: Path) -> None:
    write(prefix / ".condarc", "subdir: osx-arm64\n# subdir: osx-64\n")
    assert told(inspect(str(prefix), ARM64)) == []


def test_the_environment_variable_is_about_the_active_environment_only(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_SUBDIR", "osx-64")
    assert told(inspect(str(prefix), ARM64)) == []


def test_the_environment_variable_of_the_active_environment(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_mac(monkeypatch, APPLE_SILICON)
    as_python(monkeypatch, prefix, prefix / "bin" / "python3.11", prefix / SITE)
    monkeypatch.setenv("CONDA_SUBDIR", "osx-64")
    (finding,) = inspect().findings
    assert (finding.rule, finding.severity) == ("wrong-conda-subdir", "warning")
    assert finding.message.startswith("CONDA_SUBDIR says osx-64: ")
    assert finding.remedy == "export CONDA_SUBDIR=osx-arm64"


def test_no_prefix_holds_both_halves_of_universal2(prefix: Path) -> None:
    findings = inspect(str(prefix), "macosx_14_0_universal2").findings
    assert "wrong-conda-subdir" not in {finding.rule for finding in findings}


def test_pip_over_conda_in_another_version(prefix: Path) -> None:
    """pip removes the files of conda's dist-info folder, as its RECORD lists them, and conda's record stays."""
    for path in (prefix / SITE / "numpy-1.26.4.dist-info").iterdir():
        path.unlink()
    (prefix / SITE / "numpy-1.26.4.dist-info").rmdir()
    add_distribution(prefix / SITE, "numpy", "2.1.0", {"numpy/core/_core.so": bundle(minos="12.0")}, tags=TAGS)
    inspection = inspect(str(prefix), ARM64)
    (finding,) = inspection.findings
    assert (finding.rule, finding.severity, finding.subject) == ("mixed-installers", "note", "environment::packages")
    assert finding.message == "pip put numpy 2.1.0 over conda's numpy 1.26.4"
    assert finding.remedy == (
        f"keep one: uv pip uninstall --target {prefix / SITE} numpy && "
        'CONDA_PKGS_DIRS="$(mktemp -d)" CONDA_SUBDIR=osx-arm64 '
        f"conda install --prefix {prefix} --force-reinstall --no-deps numpy"
    )


def test_pip_over_conda_under_another_name(prefix: Path) -> None:
    python_package(prefix, "pytorch", "2.2", {"torch/version.py": "2.2"})
    add_distribution(prefix / SITE, "torch", "2.3", {"torch/version.py": "2.3"})
    (finding,) = inspect(str(prefix), ARM64).findings
    assert finding.message == "pip put torch 2.3 over conda's pytorch 2.2"


def test_the_same_bytes_from_both_are_no_mixture(prefix: Path) -> None:
    python_package(prefix, "pytorch", "2.2", {"torch/version.py": "2.2"})
    add_distribution(prefix / SITE, "torch", "2.2", {"torch/version.py": "2.2"})
    assert told(inspect(str(prefix), ARM64)) == []


def test_pip_beside_conda_is_no_mixture(prefix: Path) -> None:
    add_distribution(prefix / SITE, "h5py", "3.11", {"h5py/_core.so": bundle(), "numpy/__init__.py": ""}, tags=TAGS)
    python_package(prefix, "pillow", "10.0", {"numpy/__init__.py": "# a namespace of several"})
    assert told(inspect(str(prefix), ARM64)) == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "broken", "vers',
        b"",
        b"\xff\xfe{\0}\0",
        b"[]",
        b'{"version": "1"}',
        b'{"name": "broken", "files": "lib"}',
        b'{"name": "broken", "files": 7}',
        b"[" * 100_000,
    ],
)
def test_a_broken_record_is_named_and_the_rest_goes_on(prefix: Path, content: bytes) -> None:
    broken = write(prefix / "conda-meta" / "broken-1.0-0.json", content)
    inspection = inspect(str(prefix), ARM64)
    assert told(inspection) == []
    (skipped,) = inspection.skipped
    assert skipped.subject == str(broken)
    assert "cannot be read" in skipped.reason
    assert {dist.name for dist in inspection.distributions} == {"numpy", "openblas", "python"}


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd"])
def test_a_record_that_names_files_elsewhere(prefix: Path, path: str) -> None:
    record = write(prefix / "conda-meta" / "odd-1.0-0.json", json.dumps({"name": "odd", "files": [path]}))
    inspection = inspect(str(prefix), ARM64)
    assert [(skipped.subject, path in skipped.reason) for skipped in inspection.skipped] == [(str(record), True)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a FIFO")
def test_a_record_that_would_make_us_wait(prefix: Path) -> None:
    os.mkfifo(prefix / "conda-meta" / "fifo.json")
    assert "not a regular file" in inspect(str(prefix), ARM64).skipped[0].reason
