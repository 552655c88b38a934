"""The machine and the process, from the raw answers of the system."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

import pytest
from support.hosts import APPLE_SILICON, INTEL, ONE, TRANSLATED, VIRTUAL, on_mac, sysctlbyname

from pytest_archcheck.machine.host import Host, ask_sysctl, linux_host, mac_host, this_host
from pytest_archcheck.machine.target import InvalidTarget

if TYPE_CHECKING:
    from collections.abc import Mapping


def mac(answers: Mapping[str, bytes], machine: str) -> Host:
    function = sysctlbyname(answers)
    return mac_host(lambda name: ask_sysctl(function, name), machine)


def test_native_apple_silicon() -> None:
    host = mac(APPLE_SILICON, "arm64")
    assert host == Host(
        system="macos", process_architecture="arm64", hardware_architecture="arm64", os_version="14.5", emulation=None
    )
    assert host.emulated is None
    assert host.target().tag == "macosx_14_5_arm64"


def test_a_translated_process_has_the_hardware_for_its_target() -> None:
    host = mac(TRANSLATED, "x86_64")
    assert (host.process_architecture, host.hardware_architecture, host.emulation) == ("x86_64", "arm64", "rosetta")
    assert host.emulated == "x86_64 under Rosetta on arm64"
    assert host.target().architectures == ("arm64",)


def test_a_translated_process_whose_mac_does_not_say_what_it_is() -> None:
    host = mac({name: answer for name, answer in TRANSLATED.items() if name != "hw.optional.arm64"}, "x86_64")
    assert (host.hardware_architecture, host.emulation) == ("arm64", "rosetta")


def test_an_intel_mac_has_none_of_the_names() -> None:
    host = mac(INTEL, "x86_64")
    assert (host.process_architecture, host.hardware_architecture, host.emulation) == ("x86_64", "x86_64", None)
    assert not host.virtual
    assert host.target().tag == "macosx_13_7_x86_64"


@pytest.mark.parametrize("missing", ["hw.model", "kern.hv_vmm_present"])
def test_a_virtual_mac_is_known_by_either_answer(missing: str) -> None:
    host = mac({name: answer for name, answer in VIRTUAL.items() if name != missing}, "arm64")
    assert (host.virtual, host.emulation) == (True, None)


def test_this_host_asks_libsystem(monkeypatch: pytest.MonkeyPatch) -> None:
    on_mac(monkeypatch, TRANSLATED)
    assert this_host() == mac(TRANSLATED, "x86_64")


def test_answers_of_eight_bytes() -> None:
    host = mac(TRANSLATED | {"hw.optional.arm64": ONE + bytes(4), "sysctl.proc_translated": ONE + bytes(4)}, "x86_64")
    assert host.emulation == "rosetta"


def test_a_mac_without_a_version_is_no_target() -> None:
    host = mac({"hw.optional.arm64": ONE}, "arm64")
    with pytest.raises(InvalidTarget, match=r"kern\.osproductversion"):
        host.target()


def linux(machine: str, texts: Mapping[str, str], pointer_size: int = 8) -> Host:
    return linux_host(machine, pointer_size, lambda path: texts.get(path, ""))


ARCH, CPUINFO = "/proc/sys/kernel/arch", "/proc/cpuinfo"
AMD = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n"
ARM = "processor\t: 0\nBogoMIPS\t: 48.00\nCPU implementer\t: 0x61\n"
APPLE_AS_INTEL = "processor\t: 0\nvendor_id\t: VirtualApple\nmodel name\t: VirtualApple @ 2.50GHz\n"


@pytest.mark.parametrize(
    ("machine", "texts", "pointer_size", "expected"),
    [
        ("x86_64", {ARCH: "x86_64\n", CPUINFO: AMD}, 8, None),
        ("aarch64", {ARCH: "aarch64\n", CPUINFO: ARM}, 8, None),
        ("aarch64", {}, 8, None),
        ("x86_64", {ARCH: "x86_64\n", CPUINFO: AMD}, 4, None),  # a 32-bit Python on a 64-bit kernel
        ("i686", {ARCH: "x86_64\n", CPUINFO: AMD}, 4, None),
        ("armv8l", {ARCH: "aarch64\n", CPUINFO: ARM}, 4, None),
        ("aarch64", {ARCH: "x86_64\n", CPUINFO: AMD}, 8, "aarch64 under QEMU user mode on x86_64"),
        ("x86_64", {ARCH: "aarch64\n", CPUINFO: ARM}, 8, "x86_64 under QEMU user mode on aarch64"),
        ("riscv64", {ARCH: "x86_64\n"}, 8, "riscv64 under QEMU user mode on x86_64"),
        ("x86_64", {ARCH: "x86_64\n", CPUINFO: APPLE_AS_INTEL}, 8, "x86_64 under Rosetta on aarch64"),
        # Kernels that do not say their architecture.
        ("aarch64", {CPUINFO: AMD}, 8, "aarch64 under QEMU user mode on x86_64"),
        ("x86_64", {CPUINFO: ARM}, 8, "x86_64 under QEMU user mode on aarch64"),
        ("x86_64", {CPUINFO: AMD}, 8, None),
        ("aarch64", {CPUINFO: ARM}, 8, None),
    ],
)
def test_linux(machine: str, texts: dict[str, str], pointer_size: int, expected: str | None) -> None:
    assert linux(machine, texts, pointer_size).emulated == expected


@pytest.mark.parametrize(
    ("texts", "there", "expected"),
    [
        ({}, "", False),
        ({"/proc/1/cgroup": "0::/init.scope\n"}, "", False),
        ({"/proc/1/cgroup": "12:pids:/docker/6c1f\n"}, "", True),
        ({}, "/.dockerenv", True),  # an empty file
        ({"/run/.containerenv": 'engine="podman"'}, "", True),
    ],
)
def test_a_container_is_known_by_what_its_engine_leaves(
    monkeypatch: pytest.MonkeyPatch, texts: dict[str, str], there: str, expected: object
) -> None:
    monkeypatch.setattr("os.path.exists", lambda path: path == there)
    assert linux("aarch64", texts).container is expected


@pytest.mark.skipif(sys.platform != "darwin", reason="asks the real sysctl")
def test_this_mac() -> None:
    host = this_host()
    assert host.process_architecture == platform.machine()
    assert host.os_version


@pytest.mark.skipif(sys.platform != "linux", reason="asks the real /proc")
def test_this_linux_is_not_emulated() -> None:
    host = this_host()
    assert (host.system, host.emulation, host.process_architecture) == ("linux", None, platform.machine())


@pytest.mark.parametrize(("named", "architecture"), [("AMD64", "x86_64"), ("ARM64", "arm64"), (None, "x86_64")])
def test_windows_tells_by_a_variable(monkeypatch: pytest.MonkeyPatch, named: str | None, architecture: str) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "uname", raising=False)
    if named is None:
        monkeypatch.delenv("PROCESSOR_ARCHITECTURE", raising=False)
    else:
        monkeypatch.setenv("PROCESSOR_ARCHITECTURE", named)
    host = this_host()
    assert (host.system, host.process_architecture, host.hardware_architecture) == ("windows", architecture, architecture)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="musl's version is told another way")
def test_the_target_of_this_linux_has_its_newest_manylinux_tag() -> None:
    target = this_host().target()
    version = platform.libc_ver()[1]
    assert target.tag == f"manylinux_{version.replace('.', '_')}_{platform.machine()}"
    assert (target.libc, target.architectures, target.is_host) == (("glibc", version), (platform.machine(),), True)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # As packaging lists them: Alpine, a Linux whose C library is not known, Windows.
        (["musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "linux_x86_64"], ("musllinux_1_2_x86_64", "linux", ("musl", "1.2"))),
        (["linux_riscv64"], ("linux_riscv64", "linux", None)),
        (["win_amd64"], ("win_amd64", "windows", None)),
    ],
)
def test_what_other_systems_call_themselves(
    monkeypatch: pytest.MonkeyPatch, tags: list[str], expected: tuple[object, ...]
) -> None:
    monkeypatch.setattr("packaging.tags.platform_tags", lambda: iter(tags))
    target = linux("x86_64", {}).target()
    assert (target.tag, target.system, target.libc) == expected
    assert target.is_host
