"""Real wheels that are imported here, on Linux, and judged: an error must be an import that fails, and the other way round."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import corpus

from pytest_archcheck.inspection import Request, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_archcheck import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="imports wheels for Linux x86_64"),
]
HERE = f"3.{sys.version_info[1]}"
OTHER = "3.12" if HERE != "3.12" else "3.11"


def tree(*pins: str, python: str = HERE) -> Path:
    name = "-".join(pin.replace("==", "-") for pin in pins)
    return corpus.installed(f"imported-{python}-{name}"[:100], pins, "linux-x86_64", python=python)


def imports(module: str, *folders: Path) -> str:
    """Import a module with only the standard library and these folders; return what it raised."""
    program = f"import sys; sys.path[1:1] = {[str(folder) for folder in folders]}; import {module}"
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=300)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


def judged(folder: Path, *severities: str) -> list[Finding]:
    findings = run(Request(paths=(str(folder),), python=HERE)).findings
    return [finding for finding in findings if finding.severity in (severities or ("error",))]


@pytest.mark.parametrize("python", [HERE, OTHER])
def test_modules_for_another_python(python: str) -> None:
    folder = tree("numpy==2.0.2", "cffi==1.17.1", "pycparser==2.22", "markupsafe==3.0.2", "cryptography==44.0.0", python=python)
    broken = {"numpy": imports("numpy", folder), "cffi": imports("cffi; cffi.FFI()", folder)}
    assert {finding.subject for finding in judged(folder)} == {name for name, raised in broken.items() if raised}
    assert bool(broken["numpy"]) is (python != HERE)
    assert imports("markupsafe", folder) == ""  # it does without its module, slower
    warned = judged(folder, "warning")
    assert [(finding.rule, finding.subject) for finding in warned] == (
        [("wrong-python", "markupsafe")] if python != HERE else []
    )


NUMPY_USERS = ("pandas==2.0.3", "bottleneck==1.3.7", "numexpr==2.8.4", "ml-dtypes==0.3.2", "h5py==3.9.0", "contourpy==1.1.0")
AND_ALL_THAT_THEY_IMPORT = ("python-dateutil==2.9.0", "pytz==2024.1", "tzdata==2024.1", "six==1.16.0")
#: Distribution -> what people import of it.
MODULES = {"h5py": "h5py", "pandas": "pandas", "bottleneck": "bottleneck", "numexpr": "numexpr", "ml-dtypes": "ml_dtypes"}


@pytest.mark.skipif(HERE != "3.11", reason="wheels from before numpy 2, of which all have one for Python 3.11")
@pytest.mark.parametrize("numpy", ["1.26.4", "2.0.2"])
def test_modules_for_numpy_1(numpy: str) -> None:
    folder = tree(*NUMPY_USERS, *AND_ALL_THAT_THEY_IMPORT, f"numpy=={numpy}")
    failing = {name for name, module in MODULES.items() if imports(module, folder)}
    assert failing == (set(MODULES) if numpy == "2.0.2" else set())
    assert {finding.subject for finding in judged(folder)} == failing
    assert {finding.rule for finding in judged(folder)} <= {"wrong-numpy"}
    assert judged(folder, "warning") == []


@pytest.mark.skipif(HERE != "3.11", reason="a numpy 1 for Python 3.11")
def test_one_module_for_a_newer_numpy_among_others() -> None:
    """h5py has a module for numpy 2's strings, and imports it with numpy 2 only."""
    folder = tree("h5py==3.16.0", "numpy==1.26.4")
    assert "numpy.core.multiarray failed to import" in imports("numpy, h5py._npystrings", folder)
    assert imports("h5py", folder) == ""
    assert judged(folder, "error", "warning") == []


ALONE = {
    "tensorflow-cpu==2.18.1": "tensorflow",
    "jax==0.6.2": "jax",
    "pandas==2.3.3": "pandas",
    "scipy==1.16.3": "scipy",
    "scikit-learn==1.7.2": "sklearn",
    "pydantic-core==2.41.5": "pydantic_core",
    "h5py==3.15.1": "h5py",
    "ml-dtypes==0.5.4": "ml_dtypes",
    "shapely==2.1.2": "shapely",
    "markupsafe==3.0.3": "markupsafe",
    "regex==2025.11.3": "regex",
    "sqlalchemy==2.0.44": "sqlalchemy",
    "protobuf==6.33.1": "google.protobuf",
}
UV = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python")


@pytest.mark.skipif(HERE != "3.11", reason="versions that have wheels for Python 3.11")
def test_what_is_required_and_not_there(tmp_path: Path) -> None:
    """Packages without what they require: an error is an import that fails, a remedy typed is one that works."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
    subprocess.run([*UV, str(environment), "--no-deps", *ALONE], check=True, timeout=600)
    python = environment / "bin" / "python"

    def failing(modules: Iterable[str]) -> set[str]:
        one_by_one = (subprocess.run([python, "-c", f"import {one}"], capture_output=True, check=False) for one in modules)
        return {one for one, done in zip(modules, one_by_one, strict=True) if done.returncode}

    def told() -> dict[str, str]:
        findings = run(Request(paths=(str(environment),))).findings
        assert {one.rule for one in findings if one.severity != "note"} <= {"missing-dependency"}
        return {one.message.split()[1]: one.remedy for one in findings if one.rule == "missing-dependency"}

    found = told()
    assert set(found) == failing(ALONE.values())
    assert {"tensorflow", "jax", "pandas", "scipy", "sklearn", "shapely"} <= set(found)
    shell = os.environ | {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
    for remedy in {found["tensorflow"], *found.values()}:
        subprocess.run(["/bin/sh", "-c", remedy], env=shell, check=True, capture_output=True, timeout=600)
    assert told() == {}
    assert failing(ALONE.values()) == set()


@pytest.mark.parametrize(("torchvision", "broken"), [("0.18.0", True), ("0.19.0", False)])
def test_torchvision_with_another_torch_on_a_mac(torchvision: str, broken: bool) -> None:  # noqa: FBT001
    """torch 2.4.0 gave functions that torchvision 0.18 calls another argument: by llvm-nm, in both wheels."""
    pins = ("torch==2.4.0", f"torchvision=={torchvision}")
    folder = corpus.installed(f"macos-torch-2.4.0-torchvision-{torchvision}", pins, "macos-arm64", python="3.11")
    findings = run(Request(paths=(str(folder),), target="macosx_14_0_arm64")).findings
    missing = {finding.path for finding in findings if finding.rule == "missing-symbol"}
    assert missing == ({"torchvision/_C.so", "torchvision/image.so"} if broken else set())
    assert {finding.subject for finding in findings if finding.severity == "error"} == ({"torchvision"} if broken else set())
