"""The five situations that people are in when TensorFlow does not work on their Mac, and what they read then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.condas import add_package, make_prefix, python_package
from support.hosts import APPLE_SILICON, TRANSLATED, as_python, on_linux, on_mac
from support.machos import bundle, dylib, executable
from support.sites import add_distribution, make_venv, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

#: Frameworks are not probed: there is no process of that kind to start here.
CHECKS = ("archcheck", "-k", "not accelerator and not matmul")

#: What packages say that are as wrong as their Python.
MENDED_WITH_PYTHON = (
    "  remedy: see archcheck::environment::interpreter: that Python is the cause, and a new environment with another brings "
    "the right files"
)


def add_wheel(site: Path, name: str, version: str, arch: str, package: str = "", requires: tuple[str, ...] = ()) -> None:
    tag = f"cp311-cp311-macosx_12_0_{arch}"
    files = {f"{package or name}/_core{number}.so": bundle(arch) for number in range(3)}
    add_distribution(site, name, version, files, tags=(tag,), requires=requires)


def said(result: pytest.RunResult, check: str) -> str:
    """The part of pytest's output that is about one check that failed."""
    _, _, after = str(result.stdout).partition(f" archcheck: {check}")
    return after.partition("\n___")[0].partition("\n===")[0].partition("\n")[2].strip()


def summary(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("FAILED")]


def test_tensorflow_from_pip_into_an_intel_python_on_an_m1(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cellar = tmp_path / "usr" / "local" / "Cellar" / "python@3.11" / "3.11.7"
    python = write(cellar / "bin" / "python3.11", executable("x86_64"))
    site = make_venv(tmp_path / "venv")
    add_wheel(site, "tensorflow", "2.16.2", "x86_64")
    add_wheel(site, "numpy", "1.26.4", "x86_64")
    add_distribution(site, "setuptools", "70.0")
    on_mac(monkeypatch, TRANSLATED)
    as_python(monkeypatch, tmp_path / "venv", python, site)
    result = pytester.runpytest(*CHECKS)
    result.assert_outcomes(failed=3, passed=1)
    assert said(result, "Python 3.11.7") == (
        "emulated-interpreter: this Python holds only x86_64 and runs under Rosetta on an arm64 Mac: it installs and loads "
        "x86_64 files only, and stops working with macOS 28 (macOS 27 is the last with Rosetta)\n"
        "  remedy: this one is of the Intel Homebrew in /usr/local: install Homebrew from brew.sh in a native terminal (it "
        "goes to /opt/homebrew), /opt/homebrew/bin/brew install python@3.11, then make the environment anew with it and "
        "install the packages again"
    )
    assert said(result, "tensorflow 2.16.2").splitlines() == [
        "wrong-architecture: 3 files have only x86_64, the target needs arm64",
        "  tensorflow/_core0.so",
        "  tensorflow/_core1.so",
        "  tensorflow/_core2.so",
        MENDED_WITH_PYTHON,
    ]


def test_a_native_python_is_required_under_rosetta(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = write(tmp_path / "opt" / "python" / "bin" / "python3.11", executable("x86_64"))
    site = make_venv(tmp_path / "venv")
    on_mac(monkeypatch, TRANSLATED)
    as_python(monkeypatch, tmp_path / "venv", python, site)
    pytester.makepyfile("import pytest\n@pytest.mark.requires_native\ndef test_fast(): pass\ndef test_plain(): pass\n")
    pytester.runpytest().assert_outcomes(passed=1, skipped=1)
    result = pytester.runpytest("--archcheck-require", "native")
    result.assert_outcomes(failed=3, passed=1)
    reason = "this Python runs as x86_64 under Rosetta on arm64"
    assert f"FAILED archcheck::require::native - unmet-requirement: {reason}" in summary(result)
    assert f"requires_native: {reason}" in result.outlines


def test_numpy_and_scipy_of_the_wrong_architecture_beside_a_good_tensorflow(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = write(tmp_path / "opt" / "python" / "bin" / "python3.11", executable("arm64"))
    site = make_venv(tmp_path / "venv")
    add_wheel(site, "tensorflow", "2.18.1", "arm64", requires=("numpy<2.1.0,>=1.26.0",))
    add_wheel(site, "numpy", "2.0.2", "x86_64")
    add_wheel(site, "scipy", "1.14.1", "x86_64")
    add_distribution(site, "setuptools", "70.0")
    on_mac(monkeypatch, APPLE_SILICON)
    as_python(monkeypatch, tmp_path / "venv", python, site)
    result = pytester.runpytest(*CHECKS)
    result.assert_outcomes(failed=2, passed=3)
    again = f"{python} -m pip install --force-reinstall --no-deps --no-cache-dir"
    for name, version in (("numpy", "2.0.2"), ("scipy", "1.14.1")):
        assert said(result, f"{name} {version}").splitlines() == [
            "wrong-architecture: 3 files have only x86_64, the target needs arm64",
            *(f"  {name}/_core{number}.so" for number in range(3)),
            f"  remedy: {again} numpy==2.0.2 scipy==1.14.1",
        ]
    assert len(summary(result)) == 2


def test_an_anaconda_for_intel_with_tensorflow(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prefix = tmp_path / "anaconda3"
    site = make_prefix(prefix, executable("x86_64"), subdir="osx-64")
    python_package(prefix, "tensorflow", "2.12.0", {"tensorflow/_core.so": bundle("x86_64")}, subdir="osx-64")
    add_package(
        prefix, "mkl", "2023.1", {"lib/libmkl_rt.2.dylib": dylib("x86_64", "@rpath/libmkl_rt.2.dylib")}, subdir="osx-64"
    )
    on_mac(monkeypatch, TRANSLATED)
    as_python(monkeypatch, prefix, prefix / "bin" / "python3.11", site)
    result = pytester.runpytest(*CHECKS)
    result.assert_outcomes(failed=4, passed=1, warnings=1)
    assert said(result, "Python 3.11.7").splitlines()[1] == (
        "  remedy: make a conda environment for Apple Silicon: CONDA_SUBDIR=osx-arm64 conda create -n osx-arm64 python=3.11, "
        "conda activate osx-arm64, conda config --env --set subdir osx-arm64, and install the packages there"
    )
    result.stdout.fnmatch_lines(
        [
            "*wrong-conda-subdir: 3 of 4 conda packages are for osx-64, the target needs osx-arm64: mkl, python, tensorflow",
            "*remedy: make a new environment: CONDA_SUBDIR=osx-arm64 conda create -n osx-arm64 python=3.11, *",
        ]
    )
    for name in ("mkl 2023.1", "python 3.11.7", "tensorflow 2.12.0"):
        assert "remedy: see archcheck::environment::interpreter: " in said(result, name)


def test_a_minor_dependency_that_has_an_x86_64_binary_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = write(tmp_path / "opt" / "python" / "bin" / "python3.11", executable("arm64"))
    site = make_venv(tmp_path / "venv")
    add_wheel(site, "tensorflow", "2.18.1", "arm64")
    add_distribution(site, "setuptools", "70.0")
    # An installer takes it for any machine: its tag promises that.
    add_distribution(site, "swig", "4.1.1", {"swig/bin/swig": executable("x86_64")}, tags=("py3-none-any",))
    add_distribution(site, "box2d", "2.3.10", {"box2d.py": ""}, requires=("swig",))
    on_mac(monkeypatch, APPLE_SILICON)
    as_python(monkeypatch, tmp_path / "venv", python, site)
    result = pytester.runpytest(*CHECKS)
    result.assert_outcomes(failed=1, passed=3)
    assert summary(result) == ["FAILED archcheck::swig - wrong-architecture: 1 file has only x86_64, the target needs arm64"]
    assert said(result, "swig 4.1.1") == (
        "wrong-architecture: 1 file has only x86_64, the target needs arm64\n"
        "  swig/bin/swig\n"
        "  remedy: the wheel of swig 4.1.1 is made like this, unless the file was replaced here: try another version "
        f"({python} -m pip install 'swig!=4.1.1'), or if nothing uses the file, "
        "add to archcheck_allow: swig/wrong-architecture: not used here"
    )


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_a_container_on_an_m1(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str) -> None:
    """arm64: healthy. amd64: emulated, which the run says and survives."""
    python = write(tmp_path / "usr" / "local" / "bin" / "python3.11", elfs.executable(machine, needed=()))
    site = make_venv(tmp_path / "venv")
    add_distribution(
        site,
        "numpy",
        "2.0.2",
        {"numpy/_core.so": elfs.shared(machine, needed=())},
        tags=(f"cp311-cp311-manylinux_2_17_{machine}",),
    )
    on_linux(monkeypatch, machine, "aarch64")
    as_python(monkeypatch, tmp_path / "venv", python, site)
    pytester.makepyfile(
        "import pytest\n@pytest.mark.requires_native\ndef test_fast(): pass\n"
        "@pytest.mark.requires_metal(framework=None)\ndef test_gpu(): pass\n"
    )
    result = pytester.runpytest("--archcheck", "-rs")
    emulated = machine == "x86_64"
    result.assert_outcomes(passed=3 if emulated else 4, skipped=2 if emulated else 1, warnings=int(emulated))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED * requires_metal: *Metal never exists in a Linux container*"])
    told = [line.strip().removeprefix("archcheck:1: ArchcheckWarning: ") for line in result.outlines]
    warning = (
        "emulated-interpreter: this Python runs as x86_64 under QEMU user mode on aarch64: its files "
        "are judged for what it is, but it is slow, and a crash or a hang may be the emulator's; packages that need AVX, such "
        "as TensorFlow, may end with SIGILL or SIGABRT"
    )
    assert (warning in told) is emulated
    remedy = "remedy: use an image for this machine: give docker run and docker build --platform linux/arm64"
    assert (remedy in told) is emulated
    if emulated:
        result.stdout.fnmatch_lines(["SKIPPED * requires_native: this Python runs as x86_64 under QEMU user mode on aarch64"])
