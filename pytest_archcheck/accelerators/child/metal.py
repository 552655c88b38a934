"""Metal without a framework: the list of GPUs that this process may use, by ctypes.

``MTLCopyAllDevices`` is what the plugins of TensorFlow and PyTorch call; ``MTLCreateSystemDefaultDevice`` may return nil in a
session without a display. Objective-C methods are called through ``objc_msgSend`` cast to one function type per signature: on
arm64 a variadic call passes its arguments elsewhere. (Apple: "Metal", "Objective-C Runtime".)
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .report import Report

#: A scalar type of ctypes, and what a call with it returns (int, bytes, bool, None).
CType: TypeAlias = Any
Value: TypeAlias = Any

#: Neither is a file on disk on macOS 11 and later; dyld has them in its shared cache.
METAL = "/System/Library/Frameworks/Metal.framework/Metal"
OBJECTIVE_C = "/usr/lib/libobjc.A.dylib"

#: MTLGPUFamilyMetal3 (MTLDevice.h).
_METAL_3 = 5001
_MOST_DEVICES = 64


def list_devices(metal_path: str = METAL, objc_path: str = OBJECTIVE_C) -> list[dict[str, Any]]:
    """Return each GPU's name, whether it shares memory with the CPU, its working set (bytes), and whether it knows Metal 3."""
    metal = ctypes.CDLL(metal_path)
    objc = ctypes.CDLL(objc_path)
    objc.sel_registerName.restype = ctypes.c_void_p
    objc.sel_registerName.argtypes = [ctypes.c_char_p]

    address = ctypes.cast(objc.objc_msgSend, ctypes.c_void_p).value or 0

    def send(receiver: int, selector: str, result: CType | None, *arguments: tuple[CType, int]) -> Value:
        """Call a method that takes and returns scalars or pointers."""
        signature = ctypes.CFUNCTYPE(result, ctypes.c_void_p, ctypes.c_void_p, *(kind for kind, _ in arguments))
        return signature(address)(receiver, objc.sel_registerName(selector.encode()), *(value for _, value in arguments))

    metal.MTLCopyAllDevices.restype = ctypes.c_void_p
    metal.MTLCopyAllDevices.argtypes = []
    devices = metal.MTLCopyAllDevices()
    if not devices:
        return []
    found = []
    for index in range(min(send(devices, "count", ctypes.c_ulong), _MOST_DEVICES)):
        device = send(devices, "objectAtIndex:", ctypes.c_void_p, (ctypes.c_ulong, index))
        name = send(send(device, "name", ctypes.c_void_p), "UTF8String", ctypes.c_char_p)
        found.append(
            {
                "name": f"Metal:{index}",
                "kind": "gpu",
                "platform": "METAL",
                "description": (name or b"").decode("utf-8", "replace"),
                "unified_memory": bool(send(device, "hasUnifiedMemory", ctypes.c_bool)),
                "working_set": int(send(device, "recommendedMaxWorkingSetSize", ctypes.c_uint64)),
                "metal3": bool(send(device, "supportsFamily:", ctypes.c_bool, (ctypes.c_long, _METAL_3))),
            }
        )
    send(devices, "release", None)
    return found


def run(report: Report) -> None:
    """Say which GPUs there are; off macOS, that there can be none."""
    report.stage("import")
    if sys.platform != "darwin":
        report.say(devices=[], reason="there is no Metal framework on this system")
        return
    report.stage("devices")
    report.say(devices=list_devices())
