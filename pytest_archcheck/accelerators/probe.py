"""Ask a framework for real work in a child, and say what came of it."""

from __future__ import annotations

import os
import re
import signal
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_archcheck.accelerators import installed, process
from pytest_archcheck.accelerators.failures import fatal_line, recognise, said_of_no_gpu, shorten, stack, unwrapped
from pytest_archcheck.accelerators.hidden import hidden_by
from pytest_archcheck.accelerators.known_failures import BAD_SIGNATURE, NATIVE
from pytest_archcheck.accelerators.model import Benchmark, Device, Framework, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.accelerators.process import Ended

#: Metal itself, for ``requires_metal(framework=None)``; it is on every Mac, so no distribution stands for it.
METAL = Framework(name="metal", title="Metal", distributions=(), adapter="")

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

#: A signal that says by itself what the cause most often is.
_SIGNAL_CAUSES = {
    "SIGILL": "the processor does not have an instruction that this build uses: often x86_64 code under Rosetta, or emulated",
    "SIGKILL": "something killed it: the system for want of memory, or macOS for an invalid code signature",
    "SIGBUS": "a file that it maps is shorter than its headers say: truncated",
}
_SIGNAL_REMEDIES = {
    "SIGILL": NATIVE,
    "SIGKILL": f"if memory was short, free some; on macOS: {BAD_SIGNATURE}",
    "SIGBUS": "{again}; and its device plugin likewise, where there is one",
}


def probe(framework: Framework, deadline: float, watch: process.Watch | None = None) -> Outcome:
    """Import the framework in a child, list its devices, and have the first GPU (or else the CPU) multiply two matrices.

    Takes at most ``deadline`` seconds and a few more for a child that will not die. Never raises for what the framework does.
    """
    ended = process.run(deadline, watch, task="probe", adapter=framework.adapter)
    return _outcome(framework, ended, deadline)


def probe_metal(deadline: float) -> Outcome:
    """List the GPUs that Metal itself offers to a child of this process: ``ok`` where there is one."""
    ended = process.run(deadline, task="metal")
    return _outcome(METAL, ended, deadline, needs_work=False)


def benchmark(
    framework: Framework,
    size: int,
    dtype: str,
    deadline: float,
    watch: process.Watch | None = None,
    *,
    measure: bool = True,
) -> Benchmark | Outcome:
    """Measure products of ``size`` x ``size`` matrices on the first GPU, or else the CPU.

    :param measure: False to look at one product's numbers only; then the answer is always an :class:`Outcome`.
    An :class:`Outcome` other than ``ok`` where there is nothing to report: the framework failed, or its numbers are wrong.
    """
    ended = process.run(deadline, watch, task="matmul", adapter=framework.adapter, size=size, dtype=dtype, measure=measure)
    outcome = _outcome(framework, ended, deadline)
    facts = _merge(ended.reported)
    if outcome.status not in ("ok", "no-gpu") or outcome.device is None or outcome.error is None or "seconds" not in facts:
        return outcome
    seconds, products = facts["seconds"], int(facts["asked"])
    median = statistics.median(seconds["eager"])
    return Benchmark(
        framework=framework.name,
        device=outcome.device.name,
        platform=outcome.device.platform,
        size=size,
        dtype=dtype,
        seconds=median,
        spread=(max(seconds["eager"]) - min(seconds["eager"])) / median,
        # One product adds and multiplies size ** 3 times.
        gflops=2 * size**3 / median / 1e9,
        speedup=statistics.median(seconds["cpu"]) / median if seconds["cpu"] else None,
        error=outcome.error,
        precision=_precision(facts),
        tensorfloat32=bool(facts["tensorfloat32"]),
        repeat_seconds=min(seconds["eager"]) * int(facts["repeat_products"]),
        compiled_seconds=statistics.median(seconds["compiled"]) if seconds["compiled"] else None,
        products=products,
    )


def _merge(reported: Iterable[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"stage": "start"}
    for facts in reported:
        merged |= facts
    return merged


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


#: Of a stack the innermost calls say most.
_STACK_LINES = 8

#: Root mean square error of a float32 product that real float32 never comes to, and TensorFloat-32 always (2.8e-4 at least).
_SURELY_ROUNDED = 1e-4


class _Case:
    """One child's end, and the sentences that can be made of it."""

    def __init__(self, framework: Framework, ended: Ended, deadline: float) -> None:
        self.framework = framework
        self.ended = ended
        self.deadline = deadline
        self.facts = _merge(ended.reported)
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

    def outcome(self, status: Status, message: str = "", cause: str = "", remedy: str = "") -> Outcome:
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
            remedy=installed.filled(remedy, self.framework),
            installed=installed.installed(self.framework.distributions),
            text="" if status in ("ok", "no-gpu") else self.text(),
        )

    @property
    def title(self) -> str:
        return f"{self.framework.title} {self.version}" if self.version else self.framework.title

    @property
    def doing(self) -> str:
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
            words.append(f"{owner.uninstall} {owner.name}" if owner else f"take {path} away{named}")
        return f"get the CPU back: {'; or '.join(words)}; then install a plugin that fits this {self.title}" if words else ""

    @property
    def plugin_loading(self) -> bool:
        """Whether it happened while the framework loaded a device plugin."""
        if self.stage not in ("import", "devices") or (self.known is not None and self.known.status == "import-failed"):
            return False
        fits_not = self.known is not None and self.known.status == "plugin-incompatible"
        return fits_not or _PLUGIN_LOADING.search(self.written) is not None


def _outcome(framework: Framework, ended: Ended, deadline: float, *, needs_work: bool = True) -> Outcome:
    try:
        return _answer(_Case(framework, ended, deadline), needs_work=needs_work)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What ran in the child may write over its report.
        case = _Case(framework, replace(ended, reported=()), deadline)
        said = shorten(f"{type(error).__name__}: {error}", 1, 200)
        return case.outcome("matmul-failed", f"what the child process of {case.title} reported cannot be read: {said}")


def _answer(case: _Case, *, needs_work: bool) -> Outcome:
    if "error_type" in case.facts:
        return _raised(case)
    if case.stage == "done":
        return _finished(case, needs_work=needs_work)
    return _timeout(case) if case.ended.status is None else _crashed(case)


def _timeout(case: _Case) -> Outcome:
    known = case.known
    plugin = f" while it loaded {case.plugin_names}" if case.plugin_loading else ""
    return case.outcome(
        "probe-timeout",
        f"{case.doing} did not end within {case.deadline:g} s{plugin}, and was stopped",
        known.cause if known else "",
        known.remedy if known else case.plugin_remedy if plugin else "",
    )


def _raised(case: _Case) -> Outcome:
    known = case.known
    plugin = case.plugin_loading
    status: Status = "matmul-failed"
    if known is not None and known.status == "plugin-incompatible" and plugin:
        status = "plugin-incompatible"
    elif case.stage in ("start", "import"):
        status = "plugin-incompatible" if plugin else "import-failed"
    elif known is not None and known.status == "wrong-device":
        status = "wrong-device"
    what = f"{case.plugin_names} of {case.title} cannot be loaded" if plugin else f"{case.doing} failed"
    kind, message = unwrapped(str(case.facts["error_type"]), str(case.facts["message"]))
    first = shorten(message.strip().partition("\n")[0], 1, 200)
    return case.outcome(
        status,
        f"{what}: {kind}: {first}" if first else f"{what}: {kind}",
        known.cause if known else "",
        known.remedy if known else case.plugin_remedy if plugin else "",
    )


def _crashed(case: _Case) -> Outcome:
    status = case.ended.status or 0
    name = _signal_name(-status) if status < 0 else ""
    known = case.known
    plugin = f" while it loaded {case.plugin_names}" if case.plugin_loading else ""
    remedy = known.remedy if known else _SIGNAL_REMEDIES.get(name, "")
    if plugin and (known is None or not known.status) and case.plugin_remedy:
        remedy = case.plugin_remedy  # whatever the signal: it is the plugin that has to go
    how = f"crashed with {name}" if name else f"ended the process with exit status {status}"
    return case.outcome(
        "import-crashed" if case.stage in ("start", "import", "devices") else "matmul-failed",
        f"{case.doing} {how}{plugin}",
        known.cause if known else _SIGNAL_CAUSES.get(name, ""),
        remedy,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _finished(case: _Case, *, needs_work: bool) -> Outcome:
    gpus = [device for device in case.devices if device.is_gpu]
    if not needs_work:
        reason = str(case.facts.get("reason", f"{case.framework.title} offers no GPU to this process"))
        return case.outcome("ok") if gpus else case.outcome("no-gpu", reason)
    if "unchecked" in case.facts:
        if not gpus:
            return _no_gpu(case, f"{case.title} sees no GPU")
        unchecked = f"{case.title} lists {gpus[0].name}, whose numbers were not checked: {case.facts['unchecked']}"
        return case.outcome("unchecked", unchecked)
    if case.device is None:
        return _no_gpu(case, f"{case.title} lists no device")
    where = f"{case.device.name} ({case.device.label})"
    placed = str(case.facts["placed"])
    if placed != case.facts["device"]:
        told = f"a matmul that {case.title} was told to do on {where} was done on {shorten(placed, 1, 80)}"
        return case.outcome("wrong-device", told)
    wrong = _wrong(case.facts)
    if wrong:
        return case.outcome("wrong-result", f"a {case.facts['dtype']} matmul of {case.title} on {where} {wrong}")
    if not gpus:
        return _no_gpu(case, f"{case.title} sees no GPU; its CPU computes")
    return case.outcome("ok")


def _no_gpu(case: _Case, message: str) -> Outcome:
    """Name what hides a GPU, where that is plain to see."""
    told = hidden_by(case.framework.name, os.environ, case.facts.get("platforms"))
    if told is None:
        said = shorten(said_of_no_gpu(case.ended.errors), 1)
        return case.outcome("no-gpu", f"{message}; {said}" if said else message)
    name, sentence = told
    return case.outcome("no-gpu", f"{message}; {sentence}", remedy=f"run without it: env -u {name} pytest archcheck")


def _wrong(facts: dict[str, Any]) -> str:
    """Say what is wrong with the numbers; empty where nothing is."""
    dtype, returned, error = facts["dtype"], facts["returned"], facts["error"]
    if returned != dtype:
        return f"came back as {shorten(str(returned), 1, 40)}"
    if error["rms"] is None:
        return "gives numbers that are not finite"
    if error["rms"] > error["allowed_rms"]:
        wrong = f"{error['rms']:.2g} in the root mean square, allowed {error['allowed_rms']:.2g}"
        return f"gives wrong numbers: relative error {wrong}{_looks_like(dtype, error['rms'])}"
    if error["largest"] > error["allowed_largest"]:
        wrong = f"{error['largest']:.2g} of a typical one, allowed {error['allowed_largest']:.2g}"
        return f"gives wrong numbers: one is off by {wrong}"
    for name, chain in facts.get("chains", {}).items():
        wrong = _wrong_chain(chain)
        if wrong:
            return wrong + {"compiled": ", compiled", "cpu": " on the CPU"}.get(name, "")
    return ""


def _wrong_chain(chain: dict[str, Any]) -> str:
    where = f"in a chain of {chain['products']} products"
    if chain["rms"] is None:
        return f"gives numbers that are not finite {where}"
    for kind in ("", "_largest"):
        error, allowed = chain[kind[1:] or "rms"], chain[f"allowed{kind}"]
        if error > allowed:
            return f"gives wrong numbers {where}: relative error {error:.2g}, allowed {allowed:.2g}"
    return ""


def _looks_like(dtype: str, rms: float) -> str:
    """Name the type that gives such errors where another one was asked for."""
    if dtype == "float64" and 1e-9 < rms < 1e-5:
        return ": as float32 gives"
    if dtype == "float32" and 2.2e-3 < rms < 7e-3:
        return ": as bfloat16 gives"
    return ""


def _precision(facts: dict[str, Any]) -> str:
    """The precision that the numbers show: ``tensorfloat32`` where float32 was asked for and inputs were rounded."""
    rms = facts["error"]["rms"]
    return "tensorfloat32" if facts["dtype"] == "float32" and rms > _SURELY_ROUNDED else str(facts["dtype"])
