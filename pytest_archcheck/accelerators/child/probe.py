"""Import the framework, list its devices, and multiply two matrices on the first GPU (or else the CPU)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .adapter import DeviceFacts
from .numbers import Numpy, Problem, numpy_or_none

if TYPE_CHECKING:
    from .adapter import Adapter
    from .report import Report

#: No two sides are alike, so a transposed operand cannot pass; none is a multiple of a GPU's tile.
_ROWS, _INNER, _COLUMNS = 193, 257, 129


def open_framework(adapter: Adapter, report: Report) -> list[DeviceFacts]:
    """Import the framework and list its devices, GPUs first."""
    report.stage("import")
    list_plugins = getattr(adapter, "plugins", None)
    if list_plugins is not None:
        report.say(plugins=list_plugins())
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
    platforms = getattr(adapter, "platforms", None)
    if platforms is not None:
        report.say(platforms=[str(platform) for platform in platforms()])
    devices = sorted(listed, key=lambda device: device["kind"] != "gpu")
    report.say(devices=devices)
    return devices


def numbers_of(adapter: Adapter, report: Report, devices: list[DeviceFacts]) -> Numpy | None:
    """Return numpy, or say why numbers cannot be looked at; None also where there is no device."""
    if not devices:
        return None
    numpy = numpy_or_none()
    if numpy is None:
        report.say(unchecked="numpy is not installed")
        return None
    report.say(tensorfloat32=_says_tensorfloat32(adapter, devices[0]["name"]))
    return numpy


def _says_tensorfloat32(adapter: Adapter, device: str) -> bool:
    ask = getattr(adapter, "tensorfloat32", None)
    return ask is not None and bool(ask(device))


def multiply(adapter: Adapter, report: Report, device: str, problem: Problem, dtype: str) -> None:
    """Say the device on which the product was made, its type, and how far its numbers are from the right ones."""
    report.stage("compute")
    report.say(device=device, dtype=dtype)
    product = adapter.matmul(adapter.place(problem.left, device), adapter.place(problem.right, device), device)
    report.say(placed=adapter.device_of(product))
    report.stage("read back")
    result = adapter.read(product)
    report.stage("compare")
    report.say(returned=str(result.dtype))
    report.say(error=problem.error_of(result)._asdict())


def run(adapter: Adapter, report: Report) -> None:
    """Say the device that the work was given to, the one that its result lies on, and the error."""
    devices = open_framework(adapter, report)
    numpy = numbers_of(adapter, report, devices)
    if numpy is not None:
        multiply(adapter, report, devices[0]["name"], Problem(numpy, _ROWS, _INNER, _COLUMNS, "float32"), "float32")
