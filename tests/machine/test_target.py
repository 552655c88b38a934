"""Targets: every kind of platform tag, and the tag that was probably meant."""

from __future__ import annotations

import pytest

from pytest_archcheck.machine.target import InvalidTarget, Target


@pytest.mark.parametrize(
    ("tag", "system", "architectures", "os_version", "libc", "name"),
    [
        ("macosx_14_0_arm64", "macos", ("arm64",), "14.0", None, "macOS 14.0 arm64"),
        ("macosx_10_9_x86_64", "macos", ("x86_64",), "10.9", None, "macOS 10.9 x86_64"),
        ("macosx_11_0_universal2", "macos", ("arm64", "x86_64"), "11.0", None, "macOS 11.0 universal2"),
        ("manylinux_2_28_aarch64", "linux", ("aarch64",), None, ("glibc", "2.28"), "Linux aarch64"),
        ("manylinux1_i686", "linux", ("i686",), None, ("glibc", "2.5"), "Linux i686"),
        ("manylinux2010_x86_64", "linux", ("x86_64",), None, ("glibc", "2.12"), "Linux x86_64"),
        ("manylinux2014_ppc64le", "linux", ("ppc64le",), None, ("glibc", "2.17"), "Linux ppc64le"),
        ("musllinux_1_2_x86_64", "linux", ("x86_64",), None, ("musl", "1.2"), "Linux x86_64"),
        ("linux_armv7l", "linux", ("armv7l",), None, None, "Linux armv7l"),
        ("linux_riscv64", "linux", ("riscv64",), None, None, "Linux riscv64"),
        ("win_amd64", "windows", ("x86_64",), None, None, "Windows x86_64"),
        ("win_arm64", "windows", ("arm64",), None, None, "Windows arm64"),
        ("win32", "windows", ("i686",), None, None, "Windows i686"),
    ],
)
def test_tags(tag: str, system: str, architectures: tuple[str, ...], os_version: str, libc: tuple[str, str], name: str) -> None:
    target = Target.parse(tag)
    assert (target.tag, target.system, target.architectures) == (tag, system, architectures)
    assert (target.os_version, target.libc, target.name, target.is_host) == (os_version, libc, name, False)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("arm64", "macosx_14_0_arm64"),
        ("ARM64", "macosx_14_0_arm64"),
        ("m1", "macosx_14_0_arm64"),
        ("aarch64", "manylinux_2_28_aarch64"),
        ("x86_64", "manylinux_2_28_x86_64 or macosx_14_0_x86_64"),
        ("universal2", "macosx_14_0_universal2"),
        ("macosx-14.0-arm64", "macosx_14_0_arm64"),
        ("macosx_14_arm64", "macosx_14_0_arm64"),
        ("macos_15_arm64", "macosx_15_0_arm64"),
        ("macosx_14_0_aarch64", "macosx_14_0_arm64"),
        ("MACOSX_14_0_ARM64 ", "macosx_14_0_arm64"),
        ("manylinux_2_28_arm64", "manylinux_2_28_aarch64"),
        ("linux_amd64", "linux_x86_64"),
        ("cp311-cp311-macosx_11_0_arm64", "macosx_11_0_arm64"),
        ("linux-x86_64", "linux_x86_64"),
        ("win-amd64", "win_amd64"),
        ("mac", "macosx_14_0_arm64"),
        ("Darwin", "macosx_14_0_arm64"),
        ("osx-arm64", "macosx_14_0_arm64"),
        ("osx-64", "macosx_14_0_x86_64"),
        ("apple-silicon", "macosx_14_0_arm64"),
        ("Apple Silicon", "macosx_14_0_arm64"),
        ("aarch64-apple-darwin", "macosx_14_0_arm64"),
        ("x86_64-apple-darwin", "macosx_14_0_x86_64"),
        ("macos-14", "macosx_14_0_arm64"),
        ("macos-latest", "macosx_14_0_arm64"),
        ("darwin/arm64", "macosx_14_0_arm64"),
        ("mac intel", "macosx_14_0_x86_64"),
        ("linux/arm64", "manylinux_2_28_aarch64"),
        ("linux/arm64/v8", "manylinux_2_28_aarch64"),
        ("linux/amd64", "manylinux_2_28_x86_64"),
        ("linux-64", "manylinux_2_28_x86_64"),
        ("linux-aarch64", "linux_aarch64"),
        ("x86_64-unknown-linux-gnu", "manylinux_2_28_x86_64"),
        ("x86_64-unknown-linux-musl", "musllinux_1_2_x86_64"),
        ("alpine", "musllinux_1_2_x86_64"),
        ("win-64", "win_amd64"),
        ("x86_64-pc-windows-msvc", "win_amd64"),
        ("macosx_14_0_amr64", "macosx_14_0_arm64"),
        ("manylinux_2_28_x68_64", "manylinux_2_28_x86_64"),
    ],
)
def test_suggestions(text: str, meant: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        Target.parse(text)
    assert str(caught.value).startswith(f"got {text!r}, expected 'host' or a wheel platform tag")
    assert str(caught.value).endswith(f"; did you mean {meant}?")


NO_TAGS = """
    any macosx macosx_ macosx_x_y_arm64 macosx_14_0_ppc macosx_14_0_arm64e macosx_14_0_ manylinux_x86_64 manylinux_2_28_potato
    linux_ freebsd_13_amd64 ios_13_0_arm64 -
""".split()


@pytest.mark.parametrize("text", [*NO_TAGS, "", " ", "\0", "host ", "linux_x86_64\n", "9" * 5000, "macosx_" + "1_" * 5000])
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises(InvalidTarget, match=r"got .*expected 'host'"):
        Target.parse(text)


@pytest.mark.parametrize("text", ["-", "freebsd_13_amd64", "linux-arm64-x86_64"])
def test_nothing_is_suggested_where_nothing_is_near(text: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        Target.parse(text)
    assert str(caught.value).endswith("musllinux_1_2_x86_64")
