"""How one child ended, and the words for it: what it was doing, what it raised or wrote, which plugin it was loading."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pytest_archcheck.accelerators import installed, process
from pytest_archcheck.accelerators.failures import fatal_line, recognise, shorten, stack, unwrapped
from pytest_archcheck.accelerators.model import Device, Framework, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.accelerators.process import Ended

#: Names in Python's stack or in a message that only the loading of a device plugin leaves there: TensorFlow's and JAX's.
_PLUGIN_LOADING = re.compile(
    r"load_pluggable_device_library|TF_LoadPluggableDeviceLibrary|tensorflow-plugins"
    r"|load_pjrt_plugin_dynamically|initialize_pjrt_plugin|make_c_api_client"
)

#: What the child was doing, for sentences.
_DOING = {
    "start": "starting Python",
    "import": "importing {title}",
    "devices": "listing the devices of {title}",
    "compute": "a matmul on {device}",
    "read back": "reading a matmul's result back from {device}",
    "compare": "comparing the result of {device}",
    "measure": "measuring matmuls on {device}",
}

#: Of a stack the innermost calls say most.
_STACK_LINES = 8


def merged(reported: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Everything that the child reported, the later fact for the earlier."""
    facts_of_all: dict[str, Any] = {"stage": "start"}
    for facts in reported:
        facts_of_all |= facts
    return facts_of_all


def _largest(facts: dict[str, Any]) -> float | None:
    error: float | None = facts.get("error", {}).get("largest")
    return error


def _devices(facts: dict[str, Any]) -> tuple[Device, ...]:
    return tuple(
        Device(
            name=shorten(str(device["name"]), 1, 80),
            is_gpu=device["kind"] == "gpu",
            platform=shorten(str(device["platform"]), 1, 80),
            description=shorten(str(device["description"]), 1, 80),
        )
        for device in facts.get("devices", ())
    )


class Case:
    """One child's end, and the sentences that can be made of it."""

    def __init__(self, framework: Framework, ended: Ended, deadline: float) -> None:
        self.framework = framework
        self.ended = ended
        self.deadline = deadline
        self.facts = merged(ended.reported)
        self.stage: str = self.facts["stage"]
        self.devices = _devices(self.facts)
        #: The one that was given work: the child takes the first.
        self.device = self.devices[0] if "device" in self.facts else None
        version = self.facts.get("version")
        self.version = shorten(str(version), 1, 80) if version else None
        #: Everything that was written, for recognising it: what was raised first, warnings may be older stories.
        self.raised = str(self.facts.get("traceback", "")) + str(self.facts.get("message", ""))
        self.written = f"{self.raised}\n{ended.errors}\n{ended.output}\n{ended.trace}"
        self.known = recognise(self.raised) or recognise(self.written)
        #: Device plugins that the framework would load, as paths.
        self.plugins = tuple(str(path) for path in self.facts.get("plugins", ()))

    @property
    def cause(self) -> str:
        """Of a failure whose text is known."""
        return self.known.cause if self.known else ""

    def remedy(self, unknown: str = "") -> str:
        """Of a failure whose text is known, or else this one; with marks for commands."""
        return self.known.remedy if self.known else unknown

    def outcome(self, status: Status, message: str = "", cause: str = "", remedy: str = "") -> Outcome:
        """Put together what is known of it."""
        return Outcome(
            framework=self.framework,
            status=status,
            stage=self.stage,
            version=self.version,
            devices=self.devices,
            device=self.device,
            error=_largest(self.facts),
            seconds=self.ended.seconds,
            message=message,
            cause=cause,
            remedy=remedy,
            installed=installed.installed(self.framework.distributions),
            plugin=installed.installed_plugin(self.framework),
            text="" if status in ("ok", "no-gpu") else self.text(),
        )

    @property
    def title(self) -> str:
        """``TensorFlow 2.19.1``."""
        return f"{self.framework.title} {self.version}" if self.version else self.framework.title

    @property
    def doing(self) -> str:
        """What the child was at: ``a matmul on GPU:0 (Metal GPU)``."""
        device = f"{self.device.name} ({self.device.label})" if self.device else "a device"
        return _DOING[self.stage].format(title=self.title, device=device)

    def text(self) -> str:
        """What was raised, or else the line that says why it ended; a stack only where there is nothing else."""
        if "error_type" in self.facts:
            kind, message = unwrapped(str(self.facts["error_type"]), str(self.facts["message"]))
            return shorten(f"{kind}: {message}", 6)
        # What a C library wrote last may still be in its buffer, and standard output is seldom where causes stand.
        written = shorten(fatal_line(self.ended.errors) or fatal_line(self.ended.output))
        return written or shorten("\n".join(stack(self.ended.trace, process.CHILD).splitlines()[:_STACK_LINES]))

    @property
    def plugin_names(self) -> str:
        """Which device plugins it was that were being loaded, for sentences."""
        names = [os.path.basename(path) for path in self.plugins]
        if not names:
            return "a device plugin"
        return f"the device plugin {names[0]}" if len(names) == 1 else f"one of the device plugins {', '.join(names)}"

    @property
    def plugin_remedy(self) -> str:
        """What to do about a plugin that ends the process while it is loaded."""
        words = []
        for path in self.plugins:
            owner = installed.owner_of(path)
            named = ", or out of TF_PLUGGABLE_DEVICE_LIBRARY_PATH" if self.framework.name == "tensorflow" else ""
            words.append(f"{{remove {owner.name} {owner.installer}}}" if owner else f"take {path} away{named}")
        return f"get the CPU back: {'; or '.join(words)}; then install a plugin that fits this {self.title}" if words else ""

    @property
    def plugin_loading(self) -> bool:
        """Whether it happened while the framework loaded a device plugin."""
        if self.stage not in ("import", "devices") or (self.known is not None and self.known.status == "import-failed"):
            return False
        fits_not = self.known is not None and self.known.status == "plugin-incompatible"
        return fits_not or _PLUGIN_LOADING.search(self.written) is not None
