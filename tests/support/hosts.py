"""Makes the plugin believe that it runs elsewhere, at the places where it asks: C's sysctlbyname, /proc, and what Python says
of itself. Everything above them is the product's own.
"""

from __future__ import annotations

import ctypes
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest_archcheck.discover.environments
import pytest_archcheck.discover.interpreters
import pytest_archcheck.machine.host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pytest

#: Integers are 4 bytes on a Mac, texts end with a NUL byte.
ONE, ZERO = b"\1\0\0\0", b"\0\0\0\0"
APPLE_SILICON = {
    "hw.optional.arm64": ONE,
    "sysctl.proc_translated": ZERO,
    "kern.osproductversion": b"14.5\0",
    "hw.model": b"Mac14,2\0",
    "kern.hv_vmm_present": ZERO,
}
TRANSLATED = APPLE_SILICON | {"sysctl.proc_translated": ONE}
INTEL = {"kern.osproductversion": b"13.7\0", "hw.model": b"MacBookPro16,1\0", "kern.hv_vmm_present": ZERO}
VIRTUAL = APPLE_SILICON | {"hw.model": b"VirtualMac2,1\0", "kern.hv_vmm_present": ONE}


def sysctlbyname(answers: Mapping[str, bytes]) -> Callable[..., int]:
    """``sysctlbyname`` as libSystem has it: through C, with C's arguments, -1 and no bytes for an unknown name."""
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t), ctypes.c_void_p, ctypes.c_size_t
    )

    def function(name: bytes, old: int, size: Any, new: int | None, new_size: int) -> int:
        answer = answers.get(name.decode())
        if answer is None or new is not None or new_size != 0 or size[0] < len(answer):
            return -1
        ctypes.memmove(old, answer, len(answer))
        size[0] = len(answer)
        return 0

    return prototype(function)


def on_mac(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, bytes]) -> None:
    """A Mac whose libSystem gives these answers."""
    library = SimpleNamespace(sysctlbyname=sysctlbyname(answers))
    translated, apple = answers.get("sysctl.proc_translated") == ONE, "hw.optional.arm64" in answers
    monkeypatch.setitem(sys.modules, "ctypes", _Stand(ctypes, {"CDLL": lambda _path: library}))
    _replace(monkeypatch, "sys", sys, platform="darwin")
    uname = SimpleNamespace(machine="arm64" if apple and not translated else "x86_64")
    _replace(monkeypatch, "os", os, uname=lambda: uname)


def on_linux(monkeypatch: pytest.MonkeyPatch, machine: str, kernel: str, *, container: bool = True) -> None:
    """A 64-bit Linux process that ``uname -m`` calls ``machine`` on that kernel."""
    texts = {"/proc/sys/kernel/arch": f"{kernel}\n"}
    monkeypatch.setattr(pytest_archcheck.machine.host, "_read_text", lambda path: texts.get(path, ""))
    docker = _Stand(os.path, {"exists": lambda path: container and path == "/.dockerenv"})
    _replace(monkeypatch, "os", os, uname=lambda: SimpleNamespace(machine=machine), path=docker)
    # packaging.tags goes by it.
    monkeypatch.setattr("sysconfig.get_platform", lambda: f"linux-{machine}")


def as_python(monkeypatch: pytest.MonkeyPatch, prefix: Path, executable: Path, site: Path) -> None:
    """The running interpreter is that executable, its environment that prefix and its only site directory that one."""
    told = SimpleNamespace(
        prefix=str(prefix),
        path=[str(site)],
        executable=str(executable),
        _base_executable=str(executable),
        implementation=sys.implementation,
        abiflags="",
    )
    library = executable.parent.parent / "lib" / "python3.11"
    monkeypatch.setattr(pytest_archcheck.discover.environments, "sys", told)
    monkeypatch.setattr(pytest_archcheck.discover.interpreters, "sys", told)
    monkeypatch.setattr(
        pytest_archcheck.discover.interpreters, "sysconfig", SimpleNamespace(get_path=lambda _name: str(library))
    )
    monkeypatch.setattr(pytest_archcheck.discover.interpreters, "platform", SimpleNamespace(python_version=lambda: "3.11.7"))
    monkeypatch.setattr(os, "__file__", str(library / "os.py"))


class _Stand:
    """A module with some of its names replaced, for one importer."""

    def __init__(self, module: Any, replaced: Mapping[str, Any]) -> None:
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _replace(monkeypatch: pytest.MonkeyPatch, name: str, module: Any, **replaced: Any) -> None:
    monkeypatch.setattr(pytest_archcheck.machine.host, name, _Stand(module, replaced))
