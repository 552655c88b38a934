"""Import the framework, list its devices, and multiply two matrices on the first GPU (or else the CPU)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .adapter import DeviceFacts
from .numbers import TOLERANCE, error_of, numpy_or_none, random_matrix

if TYPE_CHECKING:
    from .adapter import Adapter
    from .report import Report

#: No two sides are alike, so a transposed operand cannot pass; none is a multiple of a GPU's tile.
_ROWS, _INNER, _COLUMNS = 193, 257, 129


def open_framework(adapter: Adapter, report: Report) -> list[DeviceFacts]:
    """Import the framework and list its devices, GPUs first."""
    report.stage("import")
    report.say(version=adapter.load())
    report.stage("devices")
    listed = [
        DeviceFacts(
            name=str(device["name"]),
            kind=str(device["kind"]),
            platform=str(device["platform"]),
            description=str(device["description"]),
        )
        for device in adapter.devices()
    ]
    devices = sorted(listed, key=lambda device: device["kind"] != "gpu")
    report.say(devices=devices)
    return devices


def run(adapter: Adapter, report: Report) -> None:
    """Say the device that the work was given to, the one that its result lies on, and the error."""
    devices = open_framework(adapter, report)
    if not devices:
        return
    device = devices[0]["name"]
    numpy = numpy_or_none()
    if numpy is None:
        report.say(unchecked="numpy is not installed")
        return
    report.stage("compute")
    report.say(device=device, dtype="float32")
    left = random_matrix(numpy, _ROWS, _INNER, "float32")
    right = random_matrix(numpy, _INNER, _COLUMNS, "float32")
    product = adapter.matmul(adapter.place(left, device), adapter.place(right, device), device)
    report.say(placed=adapter.device_of(product))
    report.stage("read back")
    result = adapter.read(product)
    report.stage("compare")
    report.say(error=error_of(numpy, result, left, right), tolerance=TOLERANCE["float32"])
