"""The machine that this process runs on: its hardware, its system, and whether the process is emulated.

On macOS everything comes from ``sysctlbyname`` (``man 3 sysctl``): ``platform.machine()`` tells what the *process* is, and
``platform.mac_ver()`` of a Python built against an old SDK says 10.16. On Linux the kernel tells its own architecture in
``/proc/sys/kernel/arch``, also to a process under QEMU user mode.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.machine.target import InvalidTarget, System, Target

if TYPE_CHECKING:
    from collections.abc import Callable

Emulation = Literal["rosetta", "qemu"]


class Host(NamedTuple):
    """Facts about this machine and this process; architectures by Apple's names on macOS, the wheel tag's on Linux."""

    system: System
    process_architecture: str
    #: The processor's on macOS, the kernel's on Linux; the process's own where nothing else is known.
    hardware_architecture: str
    #: macOS version (``15.6.1``); None elsewhere.
    os_version: str | None
    emulation: Emulation | None
    #: A virtual Mac: its GPU lists but seldom computes.
    virtual: bool = False
    #: Inside Docker, Podman or another container.
    container: bool = False

    @property
    def emulated(self) -> str | None:
        """For sentences: ``x86_64 under Rosetta on arm64``; None for a native process."""
        if self.emulation is None:
            return None
        translator = "Rosetta" if self.emulation == "rosetta" else "QEMU user mode"
        return f"{self.process_architecture} under {translator} on {self.hardware_architecture}"

    def target(self) -> Target:
        """The target called ``host``."""
        if self.system == "macos":
            return _mac_target(self)
        from packaging.tags import platform_tags

        tags = list(platform_tags())
        # manylinux_2_36_x86_64 or musllinux_1_2_aarch64, the newest that this process supports, says more than linux_x86_64.
        parsed = Target.parse(next((tag for tag in tags if tag.startswith(("manylinux_", "musllinux_"))), tags[0]))
        return Target(tag=parsed.tag, system=parsed.system, architectures=parsed.architectures, libc=parsed.libc, is_host=True)


def _mac_target(host: Host) -> Target:
    if host.os_version is None:
        raise InvalidTarget(
            "this Mac does not say its macOS version (sysctl kern.osproductversion); give a tag instead of 'host'"
        )
    major, _, rest = host.os_version.partition(".")
    minor = rest.partition(".")[0] or "0"
    return Target(
        tag=f"macosx_{major}_{minor}_{host.hardware_architecture}",
        system="macos",
        architectures=(host.hardware_architecture,),
        os_version=host.os_version,
        is_host=True,
    )


def this_host() -> Host:
    """Look at the machine."""
    if sys.platform == "darwin":
        return mac_host(_sysctl, os.uname().machine)
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "AMD64").lower()
    if sys.platform == "win32":
        architecture = {"amd64": "x86_64"}.get(machine, machine)
        return Host(
            system="windows",
            process_architecture=architecture,
            hardware_architecture=architecture,
            os_version=None,
            emulation=None,
        )
    return linux_host(machine, struct.calcsize("P"), _read_text)


def mac_host(sysctl: Callable[[str], bytes | None], machine: str) -> Host:
    """Read a Mac's answers.

    :param sysctl: name -> the raw bytes of the answer, None where there is no such name.
    :param machine: ``uname -m``: the process's architecture.
    """
    apple_silicon = _number(sysctl("hw.optional.arm64")) == 1
    translated = _number(sysctl("sysctl.proc_translated")) == 1  # absent on Intel: native
    version = _text(sysctl("kern.osproductversion"))
    model = _text(sysctl("hw.model")) or ""
    return Host(
        system="macos",
        process_architecture="x86_64" if translated else machine,
        hardware_architecture="arm64" if apple_silicon or translated else machine,
        os_version=version,
        emulation="rosetta" if translated else None,
        virtual=_number(sysctl("kern.hv_vmm_present")) == 1 or model.startswith("VirtualMac"),
    )


#: A 64-bit kernel's name for itself -> the wheel tag's architecture of a 32-bit process on it.
_NARROW = {"x86_64": "i686", "aarch64": "armv7l", "armv8l": "armv7l"}


def linux_host(machine: str, pointer_size: int, read: Callable[[str], str]) -> Host:
    """Read a Linux system's answers.

    :param machine: ``uname -m``; under QEMU user mode it is the emulated one.
    :param pointer_size: bytes; 4 in a 32-bit process, whose ``uname -m`` may still say x86_64.
    :param read: path -> text, empty where it cannot be read.
    """
    process = _NARROW.get(machine, machine) if pointer_size == 4 else machine
    processor = read("/proc/cpuinfo")
    kernel = read("/proc/sys/kernel/arch").strip() or _kernel_by_processor(processor, machine)
    emulation: Emulation | None = None
    if process == "x86_64" and "VirtualApple" in processor:
        # Rosetta for Linux answers in the name of an x86_64 kernel; only its processor's name gives it away.
        emulation, kernel = "rosetta", "aarch64"
    elif kernel not in (machine, process) and _NARROW.get(kernel) != process:
        emulation = "qemu"
    return Host(
        system="linux",
        process_architecture=process,
        hardware_architecture=kernel,
        os_version=None,
        emulation=emulation,
        container=bool(read("/run/.containerenv") or "docker" in read("/proc/1/cgroup") or os.path.exists("/.dockerenv")),
    )


def _kernel_by_processor(cpuinfo: str, machine: str) -> str:
    """The architecture of an older kernel, which does not say it: x86's text names a vendor, Arm's an implementer.

    QEMU 7.2 shows the text of the machine that it runs on; newer ones make up a text that fits ``machine``.
    """
    if machine.startswith(("aarch64", "arm")) and "vendor_id" in cpuinfo:
        return "x86_64"
    if machine in ("x86_64", "i686") and "CPU implementer" in cpuinfo:
        return "aarch64"
    return machine


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(limits.SETTINGS_FILE_SIZE)
    except OSError:
        return ""


def _sysctl(name: str) -> bytes | None:
    """``sysctlbyname(name, buffer, &size, NULL, 0)``; None for an unknown name (ENOENT)."""
    import ctypes

    return ask_sysctl(ctypes.CDLL("/usr/lib/libSystem.B.dylib").sysctlbyname, name)


def ask_sysctl(sysctlbyname: Callable[..., int], name: str) -> bytes | None:
    """Call the C function ``sysctlbyname``, which returns 0 on success and writes the answer's size."""
    import ctypes

    buffer = ctypes.create_string_buffer(256)
    size = ctypes.c_size_t(len(buffer))
    if sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return None
    return buffer.raw[: size.value]


def _number(answer: bytes | None) -> int | None:
    """A sysctl integer: 4 or 8 bytes in the machine's own order (Macs of today are little-endian)."""
    return int.from_bytes(answer, "little") if answer else None


def _text(answer: bytes | None) -> str | None:
    return answer.rstrip(b"\0").decode("utf-8", "replace") or None if answer else None
