"""Files one by one against targets: each rule has a binary that breaks it and one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import elfs, machos
from support.sources import BytesSource
from support.tools import find_tool

from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.architecture import judge_architecture

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM, INTEL = "macosx_14_0_arm64", "macosx_14_0_x86_64"
LINUX, LINUX_ARM, MUSL = "manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64"
MODULE = "foo/_x.cpython-311-darwin.so"
MUSL_LIBC = "libc.musl-x86_64.so.1"
PE = b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0"


def distribution(files: dict[str, bytes], **facts: Any) -> Distribution:
    binaries = [read_binary(path, "/site", BytesSource(data), data[:4096]) for path, data in files.items()]
    plain: dict[str, Any] = {"name": "foo", "version": "1.0", "installer": "pip", "tags": (), "location": "/site"}
    return Distribution(**plain | facts, binaries=tuple(binary for binary in binaries if binary))


def judge(target: str, files: dict[str, bytes], **facts: Any) -> list[Finding]:
    return judge_architecture(distribution(files, **facts), "foo", Target.parse(target))


def verdict(target: str, data: bytes, path: str = MODULE) -> tuple[str, str] | None:
    found = judge(target, {path: data})
    assert len(found) < 2
    return (found[0].rule, found[0].severity) if found else None


WRONG = ("wrong-architecture", "error")
FOREIGN = ("wrong-platform", "error")
BOTH = machos.fat(machos.bundle("x86_64"), machos.bundle("arm64"))


@pytest.mark.parametrize(
    ("target", "data", "expected"),
    [
        (ARM, machos.bundle("arm64"), None),
        (ARM, BOTH, None),
        (ARM, machos.bundle("x86_64"), WRONG),
        (ARM, machos.bundle("arm64e"), WRONG),
        (ARM, machos.bundle("arm64_32"), WRONG),
        (ARM, machos.bundle("ppc"), WRONG),
        (ARM, machos.fat(machos.bundle("x86_64"), machos.bundle("arm64e")), WRONG),
        (INTEL, machos.bundle("arm64"), WRONG),
        (INTEL, machos.bundle("i386"), WRONG),
        (INTEL, machos.bundle("x86_64h"), None),
        (INTEL, machos.fat(machos.bundle("x86_64")), None),
        ("macosx_11_0_universal2", BOTH, None),
        ("macosx_11_0_universal2", machos.bundle("arm64"), WRONG),
        ("macosx_11_0_universal2", machos.bundle("x86_64"), WRONG),
        (LINUX, elfs.shared("x86_64"), None),
        (LINUX, elfs.shared("aarch64"), WRONG),
        (LINUX_ARM, elfs.shared("aarch64"), None),
        ("linux_x86_64", elfs.shared("x86_64"), None),
        ("win_amd64", machos.bundle("x86_64"), None),
        ("win_amd64", elfs.shared("aarch64"), None),
    ],
)
def test_wrong_architecture(target: str, data: bytes, expected: tuple[str, str] | None) -> None:
    assert verdict(target, data) == expected


@pytest.mark.parametrize(
    ("target", "data", "expected"),
    [
        (ARM, elfs.shared("aarch64"), FOREIGN),
        (LINUX, machos.bundle("x86_64"), FOREIGN),
        (ARM, machos.bundle(platform="ios"), FOREIGN),
        (ARM, machos.bundle(platform="iossimulator"), FOREIGN),
        (ARM, machos.bundle(platform="driverkit"), FOREIGN),
        (ARM, machos.bundle(version_command="min", platform="tvos"), FOREIGN),
        (ARM, machos.bundle(version_command=None), None),
        (INTEL, machos.fat(machos.bundle("x86_64"), machos.bundle("arm64", platform="ios")), None),
        (ARM, machos.fat(machos.bundle("x86_64"), machos.bundle("arm64", platform="ios")), FOREIGN),
        (LINUX, elfs.shared(needed=[MUSL_LIBC]), FOREIGN),
        (MUSL, elfs.shared(needed=[MUSL_LIBC]), None),
        (MUSL, elfs.shared(needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.2.5"]}), FOREIGN),
        (MUSL, elfs.shared(needed=["libc.so.6", "libpthread.so.0"]), None),  # libddwaf, made for both: musl takes it
        (MUSL, elfs.shared(needed=[]), None),
        (LINUX, elfs.shared(needed=[]), None),
        ("linux_x86_64", elfs.shared(needed=[MUSL_LIBC]), None),
        (LINUX, elfs.shared(osabi=9), FOREIGN),
        (LINUX, elfs.shared(osabi=3), None),
    ],
)
def test_wrong_platform(target: str, data: bytes, expected: tuple[str, str] | None) -> None:
    assert verdict(target, data) == expected


@pytest.mark.parametrize(
    ("target", "data", "severity"),
    [
        (ARM, machos.bundle(minos="14.0"), None),
        (ARM, machos.bundle(minos="14"), None),
        (ARM, machos.bundle(minos="14.0.1"), "warning"),
        (ARM, machos.bundle(minos="15.0"), "warning"),
        (ARM, machos.fat(machos.bundle("x86_64", minos="15.0"), machos.bundle("arm64")), None),
        ("macosx_10_9_x86_64", machos.bundle("x86_64", minos="10.13"), "warning"),
        ("macosx_10_13_x86_64", machos.bundle("x86_64", minos="10.9"), None),
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.28"]}), None),
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.29"]}), "error"),
        ("manylinux2014_x86_64", elfs.shared(versions={"libc.so.6": ["GLIBC_2.27"]}), "error"),
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR"]}), None),
        (LINUX, elfs.shared(versions={"libstdc++.so.6": ["GLIBCXX_3.4.99"]}), None),
        ("linux_x86_64", elfs.shared(versions={"libc.so.6": ["GLIBC_2.99"]}), None),
    ],
)
def test_newer_os_required(target: str, data: bytes, severity: str | None) -> None:
    assert verdict(target, data) == (("newer-os-required", severity) if severity else None)


@pytest.mark.parametrize(
    ("target", "data", "tag", "wanted"),
    [
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_2.29"]}), "manylinux_2_17_x86_64", "<1.0"),
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_2.29"]}), "manylinux_2_28_x86_64", "<1.0"),
        (LINUX, elfs.shared(versions={"libc.so.6": ["GLIBC_2.29"]}), "manylinux_2_29_x86_64", "<=1.0"),
        (ARM, machos.bundle(minos="15.0"), "macosx_14_0_arm64", "<1.0"),
        (ARM, machos.bundle(minos="15.0"), "macosx_15_0_arm64", "<=1.0"),
        (ARM, machos.bundle(minos="15.0"), "macosx_26_0_universal2", "<=1.0"),
    ],
)
def test_a_wheel_that_promises_the_target_would_come_again(target: str, data: bytes, tag: str, wanted: str) -> None:
    """Where the tags are for a newer system, the same version may have another wheel as well."""
    (finding,) = judge(target, {MODULE: data}, tags=(f"cp311-cp311-{tag}",))
    assert finding.remedy.endswith(f"'foo{wanted}'")


@pytest.mark.parametrize(
    ("path", "data", "severity"),
    [
        (MODULE, b"", "error"),
        ("foo/libx.dylib", machos.dylib()[:3000], "error"),
        ("tensorflow-plugins/libx.dylib", b"gone", "error"),
        ("foo/libx.so.1", b"", "error"),
        ("foo/testdata/crash", machos.bundle()[:3000], None),
        ("foo/libx.dylib", machos.dylib(), None),
    ],
)
def test_unreadable_binary(path: str, data: bytes, severity: str | None) -> None:
    assert verdict(ARM, data, path) == (("unreadable-binary", severity) if severity else None)


def test_what_is_damaged_and_for_another_system_stops_nobody() -> None:
    """raylib-py has in place of its ``.dylib`` the text that Git for Windows makes of a symbolic link."""
    assert verdict(LINUX, b"3\n0\n4096\n32768\n" + bytes(90), "foo/bin/libx.dylib") == ("unreadable-binary", "note")
    assert verdict(LINUX, b"", "foo/_x.cpython-311-darwin.so") == ("unreadable-binary", "error")


@pytest.mark.parametrize(
    ("target", "data", "path"),
    [
        (ARM, machos.executable(), MODULE),
        (ARM, machos.relocatable(), MODULE),  # clang -c -o _x.cpython-311-darwin.so
        (ARM, machos.fat(machos.relocatable(), machos.relocatable("x86_64")), MODULE),
        (LINUX, elfs.relocatable(), "foo/_x.cpython-311-x86_64-linux-gnu.so"),
        (LINUX, bytes(elfs.shared())[:16] + b"\2\0" + bytes(elfs.shared())[18:], "foo/_x.abi3.so"),
    ],
)
def test_what_is_no_module_under_a_modules_name(target: str, data: bytes, path: str) -> None:
    (finding,) = judge(target, {path: data})
    assert (finding.rule, finding.severity) == ("unreadable-binary", "error")
    assert "which Python cannot import" in finding.message
    assert verdict(target, data, "foo/helper") is None


@pytest.mark.skipif(sys.platform != "linux", reason="compiles for this machine")
def test_what_holds_debugging_information_only(tmp_path: Path) -> None:
    """``objcopy --only-keep-debug`` leaves the program headers, PT_DYNAMIC without bytes."""
    module, debug = tmp_path / "_x.so", tmp_path / "_x.debug"
    gcc = [find_tool("gcc"), "-g", "-shared", "-fPIC", "-x", "c", "-", "-o", str(module)]
    subprocess.run(gcc, input=b"void *PyInit__x(void) { return 0; }", check=True)
    subprocess.run(
        [f"{os.path.dirname(find_tool('gcc'))}/objcopy", "--only-keep-debug", str(module), str(debug)], check=True
    )  # of gcc's own package
    name, target = "_x.cpython-311-x86_64-linux-gnu.so", f"manylinux_2_39_{os.uname().machine}"
    assert verdict(target, module.read_bytes(), f"foo/{name}") is None
    assert verdict(target, debug.read_bytes(), f"foo/{name}") == ("unreadable-binary", "error")
    assert verdict(target, debug.read_bytes(), f"foo/.debug/{name}") is None  # where debuggers look for it


def test_a_suffix_behind_the_suffix() -> None:
    assert verdict(LINUX, machos.dylib(), "foo/libx.dylib-old") == ("wrong-platform", "note")
    assert verdict(LINUX, machos.dylib(), "foo/libx-old") == FOREIGN


@pytest.mark.parametrize(
    ("target", "path", "data", "expected"),
    [
        (ARM, "foo/lib/avx2/libx.dylib", machos.dylib("x86_64"), ("wrong-architecture", "note")),
        (ARM, "foo/lib/basic/libx.dylib", machos.dylib("x86_64"), WRONG),
        (ARM, "foo/lib/avx2/libx.dylib", machos.dylib("arm64"), None),
        (LINUX_ARM, "foo/lib/avx512/libx.so", elfs.shared("x86_64"), ("wrong-architecture", "note")),
        (LINUX, "foo/lib/avx/libx.so", elfs.shared("aarch64"), WRONG),
        (ARM, "foo/lib/cuda/libx.so", elfs.shared("x86_64"), ("wrong-platform", "note")),
        (ARM, "foo/lib/libx_cuda.so", elfs.shared("x86_64"), FOREIGN),
        (LINUX_ARM, "foo/lib/cuda/libx.so", elfs.shared("x86_64"), WRONG),
    ],
)
def test_folders_for_what_a_processor_or_a_card_can_do(
    target: str, path: str, data: bytes, expected: tuple[str, str] | None
) -> None:
    """ctransformers has ``lib/avx``, ``avx2``, ``cuda`` and ``basic``, and on Apple Silicon takes the last."""
    assert verdict(target, data, path) == expected


def test_what_go_has_for_its_own_tests() -> None:
    path = "go/src/debug/elf/testdata/gcc-386-freebsd-exec"
    assert verdict(LINUX, elfs.executable("i686"), path) == ("wrong-architecture", "note")


@pytest.mark.parametrize(
    "files",
    [
        {"foo/x.o": machos.relocatable("x86_64")},
        {"foo/x.dSYM/Contents/Resources/DWARF/x": machos.dsym("x86_64")},
        {"foo/x.o": elfs.relocatable("x86_64")},
        {"foo/x.dll": PE, "foo/x.pyd": PE, "foo/x.exe": PE},
    ],
)
def test_what_nobody_loads_is_not_judged(files: dict[str, bytes]) -> None:
    assert len(distribution(files).binaries) == len(files)
    assert judge(ARM, files) == []


class TestPayload:
    def test_a_twin_that_serves_makes_a_note(self) -> None:
        (found,) = judge(ARM, {"foo/darwin-x64/x.node": machos.bundle("x86_64"), "foo/darwin-arm64/x.node": machos.bundle()})
        assert (found.rule, found.severity) == ("wrong-architecture", "note")
        assert "foo/darwin-arm64/x.node beside it serves the target" in found.message

    def test_no_twin_that_serves_makes_errors(self) -> None:
        files = {"foo/osx/64/cbc": machos.executable("x86_64"), "foo/linux/64/cbc": elfs.executable()}
        assert {found.path: found.severity for found in judge(ARM, files)} == {
            "foo/osx/64/cbc": "error",
            "foo/linux/64/cbc": "note",
        }

    def test_a_twin_in_a_folder_that_names_the_system_makes_a_note(self) -> None:
        files = {f"foo/lib/{place}/libx.so": elfs.shared() for place in ("raspberry-pi/cortex-a53", "raspberry-pi/arm11")}
        found = judge(ARM, {**files, "foo/lib/mac/arm64/libx.dylib": machos.dylib()})
        assert {(one.path, one.severity) for one in found} == {(path, "note") for path in files}
        assert {one.severity for one in judge(ARM, {**files, "foo/lib/mac/arm64/libother.dylib": machos.dylib()})} == {"error"}

    def test_beside_the_one_for_the_system_only_that_is_an_error(self) -> None:
        files = {"foo/bin/apm": elfs.executable("i686"), "foo/bin/apm_aarch64": elfs.executable("aarch64")}
        found = judge(ARM, {**files, "foo/bin/apm_mac": machos.executable("x86_64")})
        assert {one.path: (one.rule, one.severity) for one in found} == {
            "foo/bin/apm_mac": ("wrong-architecture", "error"),
            "foo/bin/apm": ("wrong-platform", "note"),
            "foo/bin/apm_aarch64": ("wrong-platform", "note"),
        }
        assert all("foo/bin/apm_mac beside it is for macOS" in one.message for one in found if one.severity == "note")

    def test_a_twin_that_is_damaged_serves_nobody(self) -> None:
        files = {"foo/x_x86_64.dylib": machos.dylib("x86_64"), "foo/x_arm64.dylib": machos.dylib()[:3000]}
        assert [found.severity for found in judge(ARM, files)] == ["error", "error"]

    def test_a_path_that_names_another_system_makes_a_note(self) -> None:
        (found,) = judge(ARM, {"foo/linux/tool": elfs.executable()})
        assert (found.rule, found.severity) == ("wrong-platform", "note")

    def test_but_not_of_an_extension_module(self) -> None:
        (found,) = judge(ARM, {"foo/_x.cpython-311-x86_64-linux-gnu.so": elfs.shared()})
        assert (found.rule, found.severity) == ("wrong-platform", "error")


def test_the_words() -> None:
    (found,) = judge(ARM, {MODULE: machos.bundle("x86_64")}, tags=("cp311-cp311-macosx_11_0_x86_64",))
    assert found.message == "has only x86_64, the target needs arm64"
    assert found.remedy == "with a Python for macOS 14.0 arm64: pip install --force-reinstall --no-deps --no-cache-dir foo==1.0"
    assert (found.subject, found.distribution, found.path) == ("foo", "foo", MODULE)
    (found,) = judge("macosx_14_0_universal2", {MODULE: machos.bundle("i386")})
    assert found.message == "has only i386, the target needs arm64 and x86_64"
    (found,) = judge(LINUX, {MODULE: elfs.shared(versions={"libc.so.6": ["GLIBC_2.34"]})})
    assert found.message == "needs glibc 2.34, the target has 2.28"
    (found,) = judge(MUSL, {MODULE: elfs.shared(versions={"libc.so.6": ["GLIBC_2.17"]})})
    assert found.message == "is linked to glibc, the target has musl"


@pytest.mark.parametrize(("python", "severity"), [("3.11.7", "note"), ("3.9.6", "error"), (None, "error")])
def test_what_another_python_left_behind_is_never_imported(python: str | None, severity: str) -> None:
    files = {MODULE: machos.bundle(), "foo/_x.cpython-39-darwin.so": machos.bundle("x86_64")}
    (finding,) = judge_architecture(distribution(files), "foo", Target.parse(ARM), python)
    assert (finding.path, finding.severity) == ("foo/_x.cpython-39-darwin.so", severity)


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("delocate/tests/data/liba.dylib", "note"),
        ("foo/test/_x.cpython-311-darwin.so", "note"),
        ("foo/_tests.cpython-311-darwin.so", "error"),
        ("foo/testing/_x.cpython-311-darwin.so", "error"),
    ],
)
def test_foreign_files_that_tests_read_are_installed_too(path: str, severity: str) -> None:
    assert verdict(ARM, machos.bundle("x86_64"), path) == ("wrong-architecture", severity)


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("foo/tools/x86_64/tool", "note"),
        ("foo/lib/x64/libtool.dylib", "note"),
        ("foo/tools/arm64/tool", "error"),
        ("foo/tools/any/tool", "error"),
        ("foo/x86_64/_x.cpython-311-darwin.so", "error"),  # an import takes it
    ],
)
def test_a_folder_named_for_another_processor(path: str, severity: str) -> None:
    made = machos.executable if path.endswith("tool") else machos.dylib if "lib" in path else machos.bundle
    assert verdict(ARM, made("x86_64"), path) == ("wrong-architecture", severity)
