"""Rule missing-dependency: what is required, not installed, and surely imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.condas import SITE, add_package, make_prefix
from support.machos import executable
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

LINUX, ARM64 = "manylinux_2_28_x86_64", "macosx_14_0_arm64"
REQUIRES = ("absl-py>=1.0.0", "numpy<2.2,>=1.26", 'colorama; sys_platform == "win32"', 'jax; extra == "jax"')


def add(site: Path, code: str = "import absl\n", requires: tuple[str, ...] = REQUIRES, name: str = "tensorflow-cpu") -> None:
    files: dict[str, str | bytes] = {"tensorflow/__init__.py": code, "tensorflow/_x.abi3.so": elfs.shared()}
    add_distribution(site, name, "2.18.1", files, tags=("cp311-cp311-manylinux_2_17_x86_64",), requires=requires)


def found(path: Path, target: str = LINUX) -> list[Finding]:
    return [one for one in inspect(str(path), target).findings if one.rule == "missing-dependency"]


def test_an_environment(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "venv")
    add(site)
    (finding,) = found(tmp_path / "venv")
    assert (finding.severity, finding.subject) == ("error", "tensorflow-cpu")
    assert finding.message == (
        "import tensorflow fails: tensorflow/__init__.py imports absl, which is nowhere. tensorflow-cpu 2.18.1 requires what "
        "is not installed: absl-py, numpy"
    )
    assert finding.remedy.endswith(" 'absl-py>=1.0.0' 'numpy<2.2,>=1.26'")
    add_distribution(site, "absl-py", "2.0", {"absl/__init__.py": ""})
    assert found(tmp_path / "venv") == [], "that numpy is not there breaks nothing that is seen"


def test_a_folder_may_be_one_of_several(tmp_path: Path) -> None:
    add(tmp_path / "site")
    (finding,) = found(tmp_path / "site")
    assert finding.severity == "warning"
    assert "fails, unless another folder on sys.path brings it" in finding.message


def test_an_environment_that_sees_the_packages_of_the_system(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "venv")
    add(site)
    write(tmp_path / "venv" / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = True\nversion = 3.11.7\n")
    assert [one.severity for one in found(tmp_path / "venv")] == ["warning"]


@pytest.mark.parametrize(
    "requires",
    [
        (),
        ('absl-py; extra == "all"',),
        ('absl-py; python_version < "3.8"',),
        ('absl-py; sys_platform == "darwin"',),
        ("absl_py ;",),
    ],
)
def test_what_is_not_required_here(tmp_path: Path, requires: str) -> None:
    site = make_venv(tmp_path / "venv")
    add(site, requires=(requires,) if requires else ())
    assert found(tmp_path / "venv") == []


def test_markers_are_those_of_the_target(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "venv")
    add(site, requires=('absl-py; sys_platform == "darwin"',))
    assert len(found(tmp_path / "venv", ARM64)) == 1


def test_pure_python_is_told_of_with_the_packages(tmp_path: Path) -> None:
    """jax is pure Python; jaxlib is what is compiled."""
    site = make_venv(tmp_path / "venv")
    code = "try:\n    import jaxlib\nexcept ModuleNotFoundError as error:\n    raise ModuleNotFoundError from error\n"
    add_distribution(site, "jax", "0.6.2", {"jax/__init__.py": code}, requires=("jaxlib<=0.6.2,>=0.6.1",))
    (finding,) = found(tmp_path / "venv")
    assert (finding.subject, finding.severity) == ("environment::packages", "error")
    assert "'jaxlib<=0.6.2,>=0.6.1'" in finding.remedy


def test_a_pth_file_brings_it(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "venv")
    add(site)
    write(tmp_path / "src" / "absl" / "__init__.py", "")
    write(site / "mine.pth", f"{tmp_path / 'src'}\n")
    assert found(tmp_path / "venv") == []


def test_conda_has_it_by_another_name(tmp_path: Path) -> None:
    prefix = tmp_path / "conda"
    make_prefix(prefix, executable(), subdir="osx-arm64")
    add_distribution(prefix / SITE, "demo", files={"demo/__init__.py": "import cv2\n"}, requires=("opencv-python",))
    assert [one.severity for one in found(prefix, ARM64)] == ["error"]
    add_package(prefix, "opencv-python", "4.10", {})
    assert found(prefix, ARM64) == []
