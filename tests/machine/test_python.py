from __future__ import annotations

import subprocess

import pytest
from packaging import tags
from support import pythons

from pytest_archcheck.machine.python import Python, python_of_module, python_of_wheel

#: Every kind of name that a module may have: the part between its own name and ``.so``.
NAMES = (
    *(
        f"cpython-{version}{flags}-x86_64-linux-gnu"
        for version in (39, 310, 311, 312, 313, 314)
        for flags in ("", "d", "t", "td")
    ),
    *("pypy39-pp73-x86_64-linux-gnu", "pypy310-pp73-x86_64-linux-gnu", "graalpy-38-native-x86_64-linux", "abi3"),
)


@pytest.mark.parametrize("version", pythons.PYTHONS)
def test_the_import_system_of_each_python_agrees(version: str) -> None:
    found = pythons.find(version)
    if found is None:
        pytest.skip(f"Python {version} is not installed")
    program = "import importlib.machinery, sys; print(sys.abiflags or '-', *importlib.machinery.EXTENSION_SUFFIXES)"
    said = subprocess.run([found.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    flags, *suffixes = said.stdout.split()
    parsed = Python.parse(version)
    assert parsed is not None
    python = Python(parsed.version, flags.strip("-"))
    assert {name for name in NAMES if python.imports(name)} == {name for name in NAMES if f".{name}.so" in suffixes}
    assert python.imports(None)
    assert ".so" in suffixes


@pytest.mark.parametrize(
    ("python", "name", "expected"),
    [
        (Python((3, 13), "t"), "cpython-313t-darwin", True),
        (Python((3, 13), "t"), "cpython-313-darwin", False),
        (Python((3, 13), ""), "cpython-313t-darwin", False),
        (Python((3, 13), None), "cpython-313t-darwin", True),
        (Python((3, 13), "t"), "abi3", False),
        (Python((3, 11), "d"), "cpython-311-x86_64-linux-gnu", True),
        (Python((3, 11), "d"), "cpython-311d-x86_64-linux-gnu", True),
        (Python((3, 11), ""), "cpython-311d-x86_64-linux-gnu", False),
        (Python((3, 15), ""), "abi3t", True),
        (Python((3, 15), "t"), "abi3t-x86_64-linux-gnu", True),
        (Python((3, 14), "t"), "abi3t", False),
        (Python((3, 15), ""), "abi3-x86_64-linux-gnu", True),
        (Python((3, 10), "", "pypy"), "pypy310-pp73-darwin", True),
        (Python((3, 10), "", "pypy"), "pypy39-pp73-darwin", False),
        (Python((3, 10), "", "pypy"), "cpython-310-darwin", False),
        (Python((3, 10), "", "pypy"), "abi3", False),
        (Python((3, 10), ""), "pypy310-pp73-darwin", False),
        (Python((3, 11), "", "graalpy"), "graalpy242-311-native-aarch64-darwin", True),
        (Python((3, 6), ""), "cpython-36m-x86_64-linux-gnu", True),
        (Python((3, 12), ""), "of-the-future", True),
    ],
)
def test_a_python_imports_what_is_made_for_it(python: Python, name: str, expected: bool) -> None:  # noqa: FBT001
    assert python.imports(name) is expected


@pytest.mark.parametrize("threading", ["", "t"])
@pytest.mark.parametrize("minor", [9, 11, 13, 14])
def test_it_takes_the_wheels_that_installers_take(minor: int, threading: str) -> None:
    if threading and minor < 13:
        return
    platform = "manylinux_2_28_x86_64"
    abi = f"cp3{minor}{threading}"
    accepted = {
        *map(str, tags.cpython_tags((3, minor), abis=[abi], platforms=[platform])),
        *map(str, tags.compatible_tags((3, minor), interpreter=f"cp3{minor}", platforms=[platform])),
    }
    asked = [f"cp3{one}-{abi}-{platform}" for one in range(6, 16) for abi in (f"cp3{one}", f"cp3{one}t", "abi3", "none")]
    asked += [f"py{one}-none-{end}" for one in ("2", "3", "36", "38", "311", "314") for end in ("any", platform)]
    asked += [f"pp310-pypy310_pp73-{platform}", f"py2.py3-none-{platform}"]
    python = Python((3, minor), threading)
    if threading and f"cp38-abi3-{platform}" in accepted:
        pytest.skip("this packaging does not know yet that free-threaded Pythons have no abi3")
    wrong = {tag for tag in asked if python.takes(tag) is not (tag in accepted or "py2.py3" in tag)}
    assert not wrong


@pytest.mark.parametrize(
    ("python", "tag", "expected"),
    [
        (Python((3, 15)), "cp315-abi3t", True),
        (Python((3, 16)), "cp315-abi3t", True),
        (Python((3, 16), "t"), "cp315-abi3t", True),
        (Python((3, 15)), "cp316-abi3t", False),
        (Python((3, 14), "t"), "cp314-abi3t", False),
        (Python((3, 16), "t"), "cp315-abi3", False),
        (Python((3, 16)), "cp315-abi3", True),
    ],
)
def test_the_stable_abi_of_both_builds(python: Python, tag: str, expected: bool) -> None:  # noqa: FBT001
    """PEP 803: abi3t is for Python 3.15 and all newer ones, with and without the GIL."""
    assert python.takes(f"{tag}-macosx_11_0_arm64") is expected


def test_pypy_takes_its_own_wheels() -> None:
    pypy = Python((3, 10), "", "pypy")
    assert pypy.takes("pp310-pypy310_pp73-macosx_11_0_arm64")
    assert pypy.takes("py3-none-any")
    assert not pypy.takes("cp310-cp310-macosx_11_0_arm64")
    assert not pypy.takes("cp38-abi3-macosx_11_0_arm64")


def test_what_names_and_tags_say() -> None:
    assert str(python_of_module("cpython-313t-darwin")) == "free-threaded Python 3.13"
    assert str(python_of_module("pypy310-pp73-darwin")) == "PyPy 3.10"
    assert python_of_module("abi3") is python_of_module(None) is None
    assert python_of_wheel("cp311-cp311-macosx_11_0_arm64") == Python((3, 11))
    assert python_of_wheel("cp36-cp36m-macosx_10_9_x86_64") == Python((3, 6))
    assert python_of_wheel("cp38-abi3-macosx_11_0_arm64") is python_of_wheel("py3-none-any") is python_of_wheel("odd") is None
    assert Python.parse("3.13t") == Python((3, 13), "t")
    assert Python.parse("3.12.4") == Python((3, 12))
    assert Python.parse("snake") is Python.parse(None) is None
