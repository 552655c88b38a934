"""Rule wrong-numpy, and a TensorFlow that takes from numpy what numpy 2 no longer has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.elfs import shared
from support.sites import add_distribution, make_venv, write

from pytest_archcheck.inspection import Request, run

if TYPE_CHECKING:
    from pytest_archcheck import Finding

TAGS = ("cp311-cp311-manylinux_2_17_x86_64",)
ABI = b"module compiled against ABI version 0x%x but this version of numpy is 0x%x\0"
NUMPY_1 = ABI + b"numpy.core._multiarray_umath\0numpy.core.multiarray failed to import\0"
NUMPY_2 = ABI + b"numpy._core._multiarray_umath\0module was compiled against NumPy C-API version 0x%x (NumPy 1.25) but\0"
IMPORTING = "from . import _core\n"
GUARDED = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = make_venv(tmp_path / "venv")
    write(tmp_path / "venv" / "pyvenv.cfg", f"home = {tmp_path}/nowhere\nversion = 3.11.7\n")
    return site


def add(
    site: Path, texts: bytes, *, code: str = IMPORTING, requires: tuple[str, ...] = ("numpy>=1.21",), path: str = ""
) -> None:
    files: dict[str, bytes | str] = {
        "demo/__init__.py": code,
        path or "demo/_core.cpython-311-x86_64-linux-gnu.so": shared(texts=texts),
    }
    add_distribution(site, "demo", "1.5", files, tags=TAGS, requires=requires)


def found(site: Path, numpy: str) -> list[Finding]:
    add_distribution(site, "numpy", numpy, {"numpy/__init__.py": ""})
    request = Request(paths=(str(site.parent.parent.parent),), target="manylinux_2_28_x86_64")
    return [finding for finding in run(request).findings if finding.rule in ("wrong-numpy", "conflicting-distributions")]


@pytest.mark.parametrize(("texts", "numpy"), [(NUMPY_1, "1.26.4"), (NUMPY_2, "2.1.3"), (NUMPY_2, "1.25.0"), (b"", "2.0.2")])
def test_modules_that_take_this_numpy(site: Path, texts: bytes, numpy: str) -> None:
    add(site, texts)
    assert found(site, numpy) == []


@pytest.mark.parametrize("numpy", ["2.0.0rc1", "2.0.2", "2.4.6"])
def test_compiled_for_numpy_1(site: Path, numpy: str) -> None:
    add(site, NUMPY_1)
    (finding,) = found(site, numpy)
    assert (finding.rule, finding.severity, finding.subject) == ("wrong-numpy", "error", "demo")
    assert finding.message == f"is compiled for numpy 1, and numpy {numpy} is installed: importing it fails"
    assert "demo" in finding.remedy
    assert "numpy<2" in finding.remedy
    assert all(f"--target {site}" in command for command in finding.remedy.split(";"))


def test_compiled_for_a_newer_numpy(site: Path) -> None:
    add(site, NUMPY_2)
    (finding,) = found(site, "1.24.4")
    assert (finding.rule, finding.severity) == ("wrong-numpy", "error")
    assert finding.message.startswith("is compiled for numpy 1.25 or newer, and numpy 1.24.4 is installed")
    assert "numpy>=1.25" in finding.remedy


def test_a_module_for_a_newer_numpy_among_others(site: Path) -> None:
    """h5py's _npystrings is imported with numpy 2 only."""
    newer = {"demo/_new.cpython-311-x86_64-linux-gnu.so": shared(texts=NUMPY_2)}
    older = {"demo/_old.cpython-311-x86_64-linux-gnu.so": shared(texts=NUMPY_2.replace(b"1.25", b"1.20") + bytes(99))}
    files: dict[str, bytes | str] = {
        "demo/__init__.py": "from . import _old\ndef later():\n    from . import _new\n",
        **newer,
        **older,
    }
    add_distribution(site, "demo", "1.5", files, tags=TAGS, requires=("numpy",))
    assert found(site, "1.24.4") == []


@pytest.mark.parametrize(
    ("texts", "code", "why"),
    [
        (NUMPY_1, GUARDED, "importing it fails, which its package survives"),
        (NUMPY_1, "", "importing it fails; what imports it was not found"),
        (NUMPY_1 + b"pybind11", IMPORTING, "it fails where it first meets an array"),
    ],
)
def test_what_is_not_proven_is_a_warning(site: Path, texts: bytes, code: str, why: str) -> None:
    add(site, texts, code=code)
    (finding,) = found(site, "2.0.2")
    assert finding.severity == "warning"
    assert finding.message.endswith(why)


def test_what_asks_for_numpy_in_an_extra_is_read(site: Path) -> None:
    add(site, NUMPY_1, requires=("Numpy ; extra == 'fast'",))
    assert [finding.rule for finding in found(site, "2.0.2")] == ["wrong-numpy"]


def test_metadata_is_read_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a distribution asks for numpy is known from where its name was read."""
    opened: list[str] = []
    really = os.open

    def noting(path: str, *arguments: int) -> int:
        opened.append(str(path))
        return really(path, *arguments)

    add(site, NUMPY_1)
    monkeypatch.setattr(os, "open", noting)
    assert len(found(site, "2.0.2")) == 1
    assert sorted(Path(path).parent.name for path in opened if path.endswith("METADATA")) == [
        "demo-1.5.dist-info",
        "numpy-2.0.2.dist-info",
    ]


def test_only_what_asks_for_numpy_is_read(site: Path) -> None:
    add(site, NUMPY_1, requires=("numpy-quaternion",))
    assert found(site, "2.0.2") == []


@pytest.mark.parametrize("path", ["demo/tests/_core.cpython-311-x86_64-linux-gnu.so", "demo/libcore.so"])
def test_what_python_does_not_import_is_not_asked(site: Path, path: str) -> None:
    add(site, NUMPY_1, path=path)
    assert found(site, "2.0.2") == []


def test_without_numpy_nothing_refuses_it(site: Path) -> None:
    add(site, NUMPY_1)
    request = Request(paths=(str(site.parent.parent.parent),), target="manylinux_2_28_x86_64")
    assert run(request).findings == ()


IMPORT = "from tensorflow.python.ops.numpy_ops import np_dtypes\n"


@pytest.mark.parametrize(
    ("imports", "names", "severity"),
    [
        (IMPORT, "complex_ = np.complex_\n", "error"),
        (IMPORT, "complex_ = np.complex128\n", "warning"),
        (f"def later():\n    {IMPORT}", "complex_ = np.complex_\n", "warning"),
        ("", "complex_ = np.complex_\n", "warning"),
    ],
)
def test_a_tensorflow_that_takes_a_removed_name(site: Path, imports: str, names: str, severity: str) -> None:
    files: dict[str, bytes | str] = {
        "tensorflow/_core.so": shared(),
        "tensorflow/python/framework/override_binary_operator.py": imports,
        "tensorflow/python/ops/numpy_ops/np_dtypes.py": names,
    }
    add_distribution(site, "tensorflow", "2.16.2", files, tags=TAGS, requires=("numpy<2.0.0,>=1.23.5",))
    (finding,) = found(site, "2.1.3")
    assert (finding.rule, finding.severity) == ("conflicting-distributions", severity)
    assert ("importing it fails, numpy 2 has no np.complex_" in finding.message) is (severity == "error")
