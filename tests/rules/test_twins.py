"""Files for several machines side by side, in the layouts of real wheels."""

from __future__ import annotations

import pytest
from support import elfs, machos
from support.sources import BytesSource

from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.rules.twins import serving_twins, systems_named, twin_key

LAYOUTS = """
    pulp/solverdir/cbc/{osx/i64,osx/arm64,linux/arm64}/cbc
    debugpy/{attach_linux_amd64.so,attach_linux_x86.so,attach_x86_64.dylib,attach.dylib,attach_amd64.dll}
    selenium/webdriver/common/{macos,linux}/selenium-manager
    x/prebuilds/{darwin-arm64,darwin-x64,linux-x64,linux-musl-x64}/node.napi.node
    PyInstaller/bootloader/{Darwin-64bit/run,Linux-64bit-intel/run,Windows-64bit-arm/run.exe}
    wntr/epanet/libepanet/{darwin-arm/libepanet2.dylib,darwin-x64/libepanet2.dylib,linux-x64/libepanet2.so}
    py2app/apptemplate/prebuilt/{main-arm64,main-fat3,main-x86_64-oldsdk}
    x/lib/{libfoo-arm64.dylib,libfoo-x86_64.dylib,foo.dll}
    mediapipe/python/{_framework_bindings.cpython-311-darwin.so,_framework_bindings/arm64.cpython-311-darwin.so}
""".split()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_real_layouts(layout: str) -> None:
    begin, _, rest = layout.partition("{")
    middles, _, end = rest.partition("}")
    assert len({twin_key(begin + middle + end) for middle in middles.split(",")}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x/liba.dylib", "x/libb.dylib"),
        ("x/_a.cpython-311-darwin.so", "x/_a.cpython-312-darwin.so"),
        ("x/one/cbc", "x/two/cbc"),
        ("x/libfoo.1.dylib", "x/libfoo.2.dylib"),
        ("x/_hash32.so", "x/_hash64.so"),
        ("x/armadillo.so", "x/linuxish.so"),
        ("x/_a/core.cpython-311-darwin.so", "x/_a.cpython-311-darwin.so"),
        ("x/_a/arm64.cpython-311-darwin.so", "x/_b.cpython-311-darwin.so"),
    ],
)
def test_files_that_are_no_twins(one: str, other: str) -> None:
    assert twin_key(one) != twin_key(other)


@pytest.mark.parametrize(
    ("path", "systems"),
    [
        ("x/darwin-x64/y", {"macos"}),
        ("x/linux_amd64/y.so", {"linux"}),
        ("x/win32/y", {"windows"}),
        ("x/ios/y", {"ios"}),
        ("x/winnow/machine", set()),
        ("x/macos/linux/y", {"macos", "linux"}),
        ("debugpy/attach.dylib", {"macos"}),
        ("x/ios/y.dylib", {"ios"}),
    ],
)
def test_systems_in_paths(path: str, systems: set[str]) -> None:
    assert systems_named(path) == systems


@pytest.mark.parametrize(
    ("wrong", "right", "replaces"),
    [
        ("x/attach_linux_amd64.so", "x/attach.dylib", True),
        ("x/core.so", "x/core.dylib", True),  # ctypes, one file a system
        ("x/_f.cpython-311-x86_64-linux-gnu.so", "x/_f.cpython-311-darwin.so", True),
        ("x/darwin-x64/libf.dylib", "x/darwin-arm64/libf.dylib", True),
    ],
)
def test_twins_for_different_systems(wrong: str, right: str, replaces: bool) -> None:  # noqa: FBT001 - a parameter
    assert _replaced(wrong, elfs.shared() if wrong.endswith(".so") else machos.dylib("x86_64"), right) == replaces


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("x/_hash_32.cpython-311-darwin.so", "x/_hash_64.cpython-311-darwin.so"),
        ("x/_foo.so", "x/libfoo.dylib"),
    ],
)
def test_modules_that_only_look_like_twins(wrong: str, right: str) -> None:
    assert not _replaced(wrong, machos.bundle("x86_64"), right)


def _replaced(wrong: str, data: bytes, right: str) -> bool:
    bad = read_binary(wrong, "/site", BytesSource(data), data)
    good = read_binary(right, "/site", BytesSource(machos.bundle()), machos.bundle())
    assert bad
    assert good
    return serving_twins([bad, good], lambda binary: binary is good)(bad) is good
