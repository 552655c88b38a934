"""What a file's name alone says."""

from __future__ import annotations

import pytest

from pytest_archcheck.binaries import names
from pytest_archcheck.binaries.names import ModuleTag, extension_role, is_loadable_name


@pytest.mark.parametrize(
    ("path", "is_extension"),
    [
        ("pkg/_x.cpython-312-darwin.so", True),
        ("pkg/_x.cpython-311-x86_64-linux-gnu.so", True),
        ("pkg/_x.abi3.so", True),
        ("pkg/_x.pypy310-pp73-darwin.so", True),
        ("pkg/_x.cp312-win_amd64.pyd", True),
        ("pkg/_x.so", True),
        ("_x.so", True),
        ("lib.cpython-312-darwin.so", True),
        ("pkg/libx.so", False),
        ("pkg/libx.so.1", False),
        ("pkg/x.dylib", False),
        ("pkg.so/x", False),
        ("pkg/x.so.md", False),
    ],
)
def test_extension_names(path: str, is_extension: bool) -> None:  # noqa: FBT001 - a parameter
    assert extension_role(path) == is_extension


@pytest.mark.parametrize("name", ["x.so", "libx.so.1", "libx.so.1.0.2k", "libx.1.dylib", "libomp-a1b2.so.5", "x.cpp.so"])
def test_names_that_promise_a_library(name: str) -> None:
    assert is_loadable_name(f"pkg/{name}")


@pytest.mark.parametrize(
    "name", [".libcrypto.so.3.hmac", "x.so.sha256", "x.so.md", "x.so\n", "so", "x.sorted", "x.dylib.txt", "x.so/y"]
)
def test_names_that_promise_none(name: str) -> None:
    assert not is_loadable_name(f"pkg/{name}")


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("pkg/_x.cpython-312-darwin.so", ModuleTag("312", "")),
        ("pkg/_x.cpython-314td-x86_64-linux-gnu.so", ModuleTag("314", "td")),
        ("pkg/_x.abi3.so", None),
        ("pkg.cpython-312-darwin/_x.so", None),
    ],
)
def test_module_tags(path: str, tag: ModuleTag | None) -> None:
    assert names.module_tag(path) == tag


@pytest.mark.parametrize(("python", "foreign"), [("3.12.7", False), ("3.12", False), ("3.11.7", True), (None, False)])
def test_modules_of_another_version(python: str | None, foreign: bool) -> None:  # noqa: FBT001 - a parameter
    assert names.is_for_another_version("_x.cpython-312-darwin.so", python) == foreign
    assert not names.is_for_another_version("_x.abi3.so", python)


@pytest.mark.parametrize(
    ("flags", "abiflags", "foreign"),
    [
        ("", "", False),
        ("t", "t", False),
        ("t", "", True),
        ("", "t", True),
        ("d", "", True),
        ("", "d", False),  # since 3.8 a debug build imports these too
        ("td", "t", True),
        ("t", None, False),
    ],
)
def test_modules_of_another_build(flags: str, abiflags: str | None, foreign: bool) -> None:  # noqa: FBT001 - a parameter
    assert names.is_for_another_build(f"_x.cpython-314{flags}-darwin.so", abiflags) == foreign
