"""Rules on the installed packages as a whole: duplicates, conflicts, runtimes."""

from __future__ import annotations

import shlex
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

import pytest
from support.machos import bundle, dylib
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck import Finding

ARM64 = "macosx_14_0_arm64"
CP311, CP312 = "cp311-cp311-macosx_12_0_arm64", "cp312-cp312-macosx_12_0_arm64"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "venv")


def add_tensorflow(
    site: Path, version: str, name: str = "tensorflow", requires: tuple[str, ...] = (), tag: str = CP311
) -> None:
    """A real wheel: its files are those of the package tensorflow."""
    add_distribution(site, name, version, {"tensorflow/_core.so": bundle()}, tags=(tag,), requires=requires)


def packages(site: Path) -> tuple[Finding, ...]:
    return inspect(str(site.parent.parent.parent), ARM64)["environment::packages"].findings


def conflict(site: Path, severity: str = "warning") -> Finding:
    (finding,) = packages(site)
    assert (finding.rule, finding.severity) == ("conflicting-distributions", severity)
    return finding


def test_packages_that_go_together(site: Path) -> None:
    add_tensorflow(site, "2.18.1", requires=("numpy<2.1.0,>=1.26.0", "setuptools"))
    add_distribution(site, "numpy", "2.0.2", {"numpy/core.so": bundle()}, tags=(CP311,))
    add_distribution(site, "tensorflow-metal", "1.2.0", {"metal.txt": ""})
    assert packages(site) == ()


def test_an_environment_without_packages_is_not_asked(site: Path) -> None:
    write(site / "loose.so", bundle())
    subjects = [check.subject for check in inspect(str(site.parent.parent.parent), ARM64).checks]
    assert subjects == ["unowned"]


@pytest.mark.parametrize("release", ["2.13.0", "2.14.0"])
def test_a_metapackage_with_its_real_package(site: Path, release: str) -> None:
    add_distribution(site, "tensorflow", release, requires=(f"tensorflow-macos=={release}",))
    add_tensorflow(site, release, "tensorflow-macos", ("numpy<2",))
    assert packages(site) == ()


def test_reading_requirements_leaves_the_process_as_it_was(site: Path) -> None:
    add_tensorflow(site, "2.18.1", requires=("numpy<2.1.0",))
    packages(site)
    assert "find_distributions" in PathFinder.__dict__
    assert "importlib_metadata._adapters" not in sys.modules


def install(site: Path) -> str:
    """What installs for the target into a folder whose Python is not on this machine."""
    words = f"uv pip install --target {site} --python-version 3.11 --python-platform aarch64-apple-darwin"
    return f"MACOSX_DEPLOYMENT_TARGET=14.0 {words} --only-binary :all:"


def remove(site: Path) -> str:
    return f"uv pip uninstall --target {site}"


def test_two_real_tensorflows(site: Path) -> None:
    add_tensorflow(site, "2.16.2")
    add_tensorflow(site, "2.14.0", "tensorflow-macos")
    finding = conflict(site)
    assert finding.message == (
        "tensorflow 2.16.2 and tensorflow-macos 2.14.0 both hold the package tensorflow: the files of one lie over the other's"
    )
    assert (
        finding.remedy
        == f"{remove(site)} tensorflow tensorflow-macos && {install(site)} --reinstall-package tensorflow tensorflow==2.16.2"
    )


def test_what_comes_of_two_tensorflows_points_at_them(site: Path) -> None:
    """The library is of the one, the module that needs a symbol of it of the other."""
    library = dylib(install_name="@rpath/libtensorflow_framework.2.dylib", exports=["_old"])
    module = bundle(libraries=["@rpath/libtensorflow_framework.2.dylib", "@rpath/libgone.dylib"], rpaths=["@loader_path/.."])
    add_tensorflow(site, "2.16.2")
    add_distribution(
        site,
        "tensorflow",
        "2.16.2",
        {"tensorflow/libtensorflow_framework.2.dylib": library, "tensorflow/x.py": ""},
        tags=(CP311,),
    )
    add_distribution(
        site, "tensorflow-macos", "2.14.0", {"tensorflow/python/_x.so": module, "tensorflow/y.py": ""}, tags=(CP311,)
    )
    found = [one for one in inspect(str(site.parents[2]), "macosx_14_0_arm64").findings if one.severity == "error"]
    assert {finding.rule for finding in found} == {"missing-library"}
    both = "tensorflow 2.16.2 and tensorflow-macos 2.14.0 both hold the package tensorflow"
    assert {finding.remedy for finding in found} == {f"see archcheck::environment::packages first: {both}"}


def test_a_metapackage_of_another_version(site: Path) -> None:
    add_distribution(site, "tensorflow", "2.13.0")
    add_tensorflow(site, "2.12.0", "tensorflow-macos")
    assert "are of different versions" in conflict(site).message


def test_the_empty_tensorflow_macos(site: Path) -> None:
    add_distribution(site, "tensorflow-macos", "2.15.1", requires=("tensorflow-macos==2.15.1",))
    finding = conflict(site, "error")
    assert finding.message == (
        "tensorflow-macos 2.15.1 is empty (tensorflow-macos 2.15.1 was published empty): "
        "import tensorflow says No module named 'tensorflow'"
    )
    assert finding.remedy == (  # nothing in it tells that the Python of this machine is not its own
        "in an environment whose Python is for macOS 14.0 arm64: "
        "pip uninstall --yes tensorflow-macos && pip install tensorflow==2.15.1"
    )


def test_the_empty_tensorflow_macos_does_no_harm_beside_the_real_package(site: Path) -> None:
    add_distribution(site, "tensorflow-macos", "2.15.1")
    add_tensorflow(site, "2.15.1", requires=("numpy<2.0.0",))
    assert packages(site) == ()


@pytest.mark.parametrize(
    ("name", "version", "requires", "says"),
    [
        ("tensorflow", "2.16.2", "numpy<2.0.0,>=1.23.5", "requires numpy<2.0.0,>=1.23.5"),
        ("tensorflow", "2.16.2", 'numpy<2.0.0,>=1.26.0; python_version >= "3.12"', "requires numpy<2.0.0,>=1.26.0"),
        ("tensorflow", "2.14.0", "numpy>=1.23.5", "is compiled for numpy 1, although it does not say so"),
        ("tensorflow-macos", "2.11.0", "numpy>=1.20", "is compiled for numpy 1, although it does not say so"),
        ("tensorflow-macos", "2.12.0", "numpy<1.24,>=1.22", "requires numpy<1.24,>=1.22"),
    ],
)
def test_numpy_2_with_an_older_tensorflow(site: Path, name: str, version: str, requires: str, says: str) -> None:
    add_tensorflow(site, version, name, (requires,))
    add_distribution(site, "numpy", "2.1.3", {"numpy/core.so": bundle()}, tags=(CP311,))
    add_distribution(site, "setuptools", "70.0")
    finding = conflict(site)
    assert finding.message.startswith(f"{name} {version} {says}".replace(">=1.23.5,<2.0.0", "<2.0.0,>=1.23.5"))
    assert finding.message.endswith("and numpy 2.1.3 is installed")
    wanted = says.removeprefix("requires ") if says.startswith("requires") else "numpy<2"
    assert finding.remedy == f"{install(site)} '{wanted}'"


@pytest.mark.parametrize(
    ("version", "requires", "numpy"),
    [
        ("2.16.2", "numpy<2.0.0,>=1.23.5", "1.26.4"),
        ("2.18.1", "numpy<2.1.0,>=1.26.0", "2.2.0"),  # beyond its cap, and of the ABI that it was compiled for
        ("2.20.0", "numpy>=1.26.0", "2.3.0"),
        ("no version", "numpy<2", "2.0.0"),
        ("2.16.2", "numpy<2", "no version"),
    ],
)
def test_numpy_that_tensorflow_can_use(site: Path, version: str, requires: str, numpy: str) -> None:
    add_tensorflow(site, version, requires=(requires,))
    add_distribution(site, "numpy", numpy, {"numpy/core.so": bundle()}, tags=(CP311,))
    assert packages(site) == ()


@pytest.mark.parametrize("version", ["2.16.1", "2.18.1"])
def test_distutils_is_gone_without_setuptools(site: Path, version: str) -> None:
    add_tensorflow(site, version, tag=CP312)
    finding = conflict(site)
    assert finding.message == f"tensorflow {version} imports distutils, which Python 3.12 lacks, and setuptools is missing"
    assert finding.remedy == f"{install(site)} setuptools"


@pytest.mark.parametrize(
    ("version", "tag", "setuptools"), [("2.18.1", CP311, False), ("2.19.1", CP312, False), ("2.18.1", CP312, True)]
)
def test_distutils_is_there_or_not_needed(site: Path, version: str, tag: str, setuptools: bool) -> None:  # noqa: FBT001 - a case
    add_tensorflow(site, version, tag=tag)
    if setuptools:
        add_distribution(site, "setuptools", "70.0")
    assert packages(site) == ()


def test_one_project_twice_in_one_folder(site: Path) -> None:
    for version in ("1.26.4", "2.0.2"):
        add_distribution(site, "numpy", version, {"numpy/core.so": bundle()}, tags=(CP311,))
    (finding,) = packages(site)
    assert (finding.rule, finding.severity, finding.distribution) == ("duplicate-distribution", "note", "numpy")
    assert finding.message.startswith("numpy is installed 2 times: 1.26.4 (")
    assert finding.remedy.startswith(f"{remove(site)} numpy, until it says")


@pytest.mark.parametrize(
    ("one", "other", "newest"),
    [("2.0", "2.0rc1", "2.0"), ("1.1", "1.2rc1", "1.2rc1"), ("9.0", "1!0.1", "1!0.1"), ("2.0", "2.0.post1", "2.0.post1")],
)
def test_the_newest_of_two_is_installed_again(site: Path, one: str, other: str, newest: str) -> None:
    for version in (one, other):
        add_distribution(site, "demo", version)
    (finding,) = packages(site)
    assert shlex.split(finding.remedy)[-1] == f"demo=={newest}"


def test_what_an_interrupted_pip_left(site: Path) -> None:
    add_distribution(site, "numpy", "2.0.2", {"numpy/core.so": bundle()}, tags=(CP311,))
    left = site / "~umpy-1.26.4.dist-info"
    write(left / "METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n")
    (finding,) = packages(site)
    assert finding.remedy == f"pip was interrupted: remove {left}"


def test_egg_info_beside_dist_info_of_the_same_version_is_one_project(site: Path) -> None:
    add_distribution(site, "cryptography", "38.0.4", {"cryptography/_rust.so": bundle()})
    write(site / "cryptography.egg-info" / "PKG-INFO", "Metadata-Version: 2.1\nName: cryptography\nVersion: 38.0.4\n")
    assert packages(site) == ()


def test_openmp_runtimes_of_several_wheels(site: Path) -> None:
    name = "@rpath/libomp.dylib"
    torch = {"torch/_C.so": bundle(), "torch/lib/libomp.dylib": dylib(install_name=name)}
    add_distribution(site, "torch", "2.4", torch, tags=(CP311,))
    assert packages(site) == ()  # one is the rule
    sklearn = {"sklearn/_tree.so": bundle(), "sklearn/.dylibs/libomp.dylib": dylib(install_name=name)}
    add_distribution(site, "scikit-learn", "1.5", sklearn, tags=(CP311,))
    mkl = {"mkl/libiomp5.dylib": dylib(install_name="@rpath/libiomp5.dylib")}
    add_distribution(site, "intel-openmp", "2024", mkl, tags=(CP311,))
    (finding,) = packages(site)
    assert (finding.rule, finding.severity) == ("duplicate-runtime", "note")
    assert finding.message.startswith("3 OpenMP runtimes (libiomp5, libomp), ")
    for part in ("torch/lib/libomp.dylib of torch", "sklearn/.dylibs/libomp.dylib of scikit-learn", "of intel-openmp"):
        assert part in finding.message


def test_a_runtime_for_another_architecture_is_no_second_one(site: Path) -> None:
    add_distribution(site, "torch", "2.4", {"torch/lib/libomp.dylib": dylib(install_name="@rpath/libomp.dylib")})
    other = {"old/x64/libgomp.1.dylib": dylib("x86_64", "@rpath/libgomp.1.dylib")}
    add_distribution(site, "old", "1.0", other | {"old/arm64/libgomp2.dylib": dylib(install_name="@rpath/libgomp2.dylib")})
    assert packages(site) == ()


def add_wheel_for_windows(site: Path, files: dict[str, bytes], tags: tuple[str, ...] = ("cp311-cp311-win_amd64",)) -> None:
    add_distribution(site, "demo", "1.2", files, tags=tags)


@pytest.mark.parametrize(
    "files", [{"demo/_core.cp311-win_amd64.pyd": b"MZ"}, {"demo/__init__.py": b""}], ids=["compiled", "not"]
)
def test_a_wheel_for_windows(site: Path, files: dict[str, bytes]) -> None:
    add_wheel_for_windows(site, files)
    (finding,) = packages(site)
    assert (finding.rule, finding.severity, finding.distribution) == ("wrong-platform", "error", "demo")
    assert finding.message == "demo 1.2 is a wheel for Windows (win_amd64), the target is macOS 14.0 arm64"
    assert finding.remedy == (
        "in an environment whose Python is for macOS 14.0 arm64: "
        "pip install --force-reinstall --no-deps --no-cache-dir demo==1.2; "
        "or, if there is none for that: pip uninstall --yes demo"
    )


@pytest.mark.parametrize("tags", [("py3-none-win_amd64", "py3-none-any"), ("py3-none-any",)])
def test_a_wheel_that_is_for_windows_too(site: Path, tags: tuple[str, ...]) -> None:
    add_wheel_for_windows(site, {"demo/launcher.exe": b"MZ"}, tags)
    assert packages(site) == ()


def test_the_target_is_windows(site: Path) -> None:
    add_wheel_for_windows(site, {"demo/__init__.py": b""})
    assert inspect(str(site.parent.parent.parent), "win_amd64")["environment::packages"].findings == ()
