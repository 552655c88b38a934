"""From how a child ended to an outcome: finished, raised, crashed, or out of time."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.case import Case
from pytest_archcheck.accelerators.correctness import how_wrong
from pytest_archcheck.accelerators.failures import said_of_no_gpu, shorten, unwrapped
from pytest_archcheck.accelerators.hidden import hidden_by
from pytest_archcheck.accelerators.known_failures.row import BAD_SIGNATURE, ILLEGAL_INSTRUCTION, NATIVE

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.model import Framework, Outcome, Status
    from pytest_archcheck.accelerators.process import Ended

#: A signal that says by itself what the cause most often is.
_SIGNAL_CAUSES = {
    "SIGILL": ILLEGAL_INSTRUCTION,
    "SIGKILL": "something killed it: the system for want of memory, or macOS for an invalid code signature",
    "SIGBUS": "a file that it maps is shorter than its headers say: truncated",
}
_SIGNAL_REMEDIES = {
    "SIGILL": NATIVE,
    "SIGKILL": f"if memory was short, free some; on macOS: {BAD_SIGNATURE}",
    "SIGBUS": "{again}; and its device plugin likewise, where there is one",
}


def outcome_of(framework: Framework, ended: Ended, deadline: float, *, needs_work: bool = True) -> Outcome:
    """Say what came of it; whatever the child reported, it raises nothing."""
    try:
        return _answer(Case(framework, ended, deadline), needs_work=needs_work)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What ran in the child may write over its report.
        case = Case(framework, replace(ended, reported=()), deadline)
        said = shorten(f"{type(error).__name__}: {error}", 1, 200)
        return case.outcome("matmul-failed", f"what the child process of {case.title} reported cannot be read: {said}")


def _answer(case: Case, *, needs_work: bool) -> Outcome:
    if "error_type" in case.facts:
        return _raised(case)
    if case.stage == "done":
        return _finished(case, needs_work=needs_work)
    return _timeout(case) if case.ended.status is None else _crashed(case)


def _timeout(case: Case) -> Outcome:
    plugin = f" while it loaded {case.plugin_names}" if case.plugin_loading else ""
    return case.outcome(
        "probe-timeout",
        f"{case.doing} did not end within {case.deadline:g} s{plugin}, and was stopped",
        case.cause,
        case.plugin_remedy if plugin and not case.known else case.remedy(),
    )


def _raised(case: Case) -> Outcome:
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
        case.cause,
        case.plugin_remedy if plugin and not known else case.remedy(),
    )


def _crashed(case: Case) -> Outcome:
    status = case.ended.status or 0
    name = _signal_name(-status) if status < 0 else ""
    known = case.known
    plugin = f" while it loaded {case.plugin_names}" if case.plugin_loading else ""
    remedy = case.remedy(_SIGNAL_REMEDIES.get(name, ""))
    if plugin and (known is None or not known.status) and case.plugin_remedy:
        remedy = case.plugin_remedy  # whatever the signal: it is the plugin that has to go
    how = f"crashed with {name}" if name else f"ended the process with exit status {status}"
    return case.outcome(
        "import-crashed" if case.stage in ("start", "import", "devices") else "matmul-failed",
        f"{case.doing} {how}{plugin}",
        case.cause or _SIGNAL_CAUSES.get(name, ""),
        remedy,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _finished(case: Case, *, needs_work: bool) -> Outcome:
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
    wrong = how_wrong(case.facts)
    if wrong:
        return case.outcome("wrong-result", f"a {case.facts['dtype']} matmul of {case.title} on {where} {wrong}")
    if not gpus:
        return _no_gpu(case, f"{case.title} sees no GPU; its CPU computes")
    return case.outcome("ok")


def _no_gpu(case: Case, message: str) -> Outcome:
    """Name what hides a GPU, where that is plain to see."""
    told = hidden_by(case.framework.name, os.environ, case.facts.get("platforms"))
    if told is None:
        said = shorten(said_of_no_gpu(case.ended.errors), 1)
        return case.outcome("no-gpu", f"{message}; {said}" if said else message)
    name, sentence = told
    return case.outcome("no-gpu", f"{message}; {sentence}", remedy=f"run without it: env -u {name} pytest archcheck")
