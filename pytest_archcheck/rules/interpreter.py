"""Judge the interpreter: its files, whether it is emulated, and what that means for the packages.

Rules ``emulated-interpreter`` and ``single-slice-packages``; those about files (``wrong-architecture``, ...) hold for its own.

A process is all of one architecture. So where the interpreter is not made for the target, neither is what its installer
brings, and what mends both is another interpreter: the packages' findings point at it instead of asking for reinstallation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.model import LOADED_ROLES
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.pythons import native_python, start_native
from pytest_archcheck.rules.remedies import reinstall
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.discover.model import Environment, Interpreter
    from pytest_archcheck.machine.host import Host
    from pytest_archcheck.machine.target import Target

#: So many distributions are named; the others are counted.
_SHOWN = 5


def interpreter_distribution(interpreter: Interpreter) -> Distribution:
    """The interpreter's own files, in the shape that rules about files take."""
    return Distribution(
        name="python",
        version=interpreter.version,
        installer=None,
        tags=(),
        location=interpreter.path,
        binaries=interpreter.binaries,
    )


def judge_interpreter(environment: Environment, subject: str, target: Target) -> list[Finding]:
    """Judge what the interpreter is besides its files: emulated, or of more architectures than its packages."""
    interpreter = environment.interpreter
    if interpreter is None:
        return []
    return [*_emulated(interpreter, subject, target), *_single_slice(environment, interpreter, subject, target)]


def settle_interpreter(findings: Iterable[Finding], interpreter: Interpreter, target: Target) -> list[Finding]:
    """Make one story of all findings about an interpreter: what mends its files is another Python, not ``pip install``.

    Files that only the emulated process can load are the same fault as ``emulated-interpreter``, so they are not said again.
    """
    found = list(findings)
    emulated = any(finding.rule == "emulated-interpreter" for finding in found)
    running = set(_running_as(interpreter))
    fitting = {binary.path for binary in interpreter.binaries if running & set(binary.architectures)}
    remedy = native_python(interpreter, target)
    settled = []
    for finding in found:
        if emulated and finding.rule == "wrong-architecture" and finding.path in fitting:
            continue
        if finding.path is None:
            settled.append(finding)
        else:
            settled.append(replace(finding, distribution=None, remedy=finding.remedy if finding.severity == "note" else remedy))
    return settled


def point_at_interpreter(
    findings: Iterable[Finding], distributions: Iterable[Distribution], interpreter: Interpreter, where: str, target: Target
) -> list[Finding]:
    """Give files that fit the interpreter's process, but not the target, the remedy that mends the interpreter.

    :param distributions: the owners of the files; one, or all that share a name.
    :param where: subject of the interpreter's check.
    """
    if not _is_cause(interpreter, target):
        return list(findings)
    owners = {binary.path: (binary, dist) for dist in distributions for binary in dist.binaries}
    running = set(_running_as(interpreter))

    def pointed(finding: Finding) -> Finding:
        binary, owner = owners.get(finding.path or "", (None, None))
        if finding.rule != "wrong-architecture" or finding.severity != "error" or binary is None or owner is None:
            return finding
        if running.isdisjoint(binary.architectures):
            return finding
        return replace(finding, remedy=_remedy_elsewhere(interpreter, owner, where, target))

    return [pointed(finding) for finding in findings]


def _remedy_elsewhere(interpreter: Interpreter, owner: Distribution, where: str, target: Target) -> str:
    if _serves(interpreter, target):
        # The same Python stays, started natively: then what was installed while it was emulated must come again.
        return f"see archcheck::{where} first; then, with Python started as {target.architecture}: {reinstall(owner)}"
    return f"see archcheck::{where}: that Python is the cause, and a new environment with another brings the right files"


def _is_cause(interpreter: Interpreter, target: Target) -> bool:
    """Whether files for another architecture than the target's are to be expected beside this interpreter."""
    running = _running_as(interpreter)
    return bool(running) and any(name not in running for name in target.architectures)


def _running_as(interpreter: Interpreter) -> tuple[str, ...]:
    """The architecture of the process; of a Python that does not run here, those that it could have."""
    if interpreter.emulation and interpreter.host:
        return (interpreter.host.process_architecture,)
    return interpreter.architectures


def _serves(interpreter: Interpreter, target: Target) -> bool:
    return all(name in interpreter.architectures for name in target.architectures)


def _emulated(interpreter: Interpreter, subject: str, target: Target) -> list[Finding]:
    host = interpreter.host
    if host is None or host.emulation is None:
        return []
    if not target.is_host and host.process_architecture in target.architectures:
        return []  # it is meant for machines of that architecture; that this one emulates them is no fault of it
    finding = Finding(
        rule="emulated-interpreter",
        severity="error" if host.system == "macos" else "warning",
        subject=subject,
        distribution=None,
        path=None,
        message="",
        remedy="",
    )
    if host.system == "macos":
        return [replace(finding, message=_rosetta(interpreter, host, target), remedy=start_native(interpreter, target))]
    return [replace(finding, message=_linux(host), remedy=_linux_remedy(host))]


def _rosetta(interpreter: Interpreter, host: Host, target: Target) -> str:
    hardware = host.hardware_architecture
    if _serves(interpreter, target):
        return (
            f"this Python holds {hardware} but was started as {host.process_architecture} under Rosetta: it installs and loads "
            f"{host.process_architecture} files only; Rosetta ends with macOS 27"
        )
    return (
        f"this Python holds only {host.process_architecture} and runs under Rosetta on an {hardware} Mac: it installs and "
        f"loads {host.process_architecture} files only, and stops working with macOS 28 (macOS 27 is the last with Rosetta)"
    )


def _linux(host: Host) -> str:
    message = (
        f"this Python runs as {host.emulated}: "
        "its files are judged for what it is, but it is slow, and a crash or a hang may be the emulator's"
    )
    if host.process_architecture == "x86_64":
        message += "; packages that need AVX, such as TensorFlow, may end with SIGILL or SIGABRT"
    return message


def _linux_remedy(host: Host) -> str:
    docker = {"aarch64": "arm64", "x86_64": "amd64", "armv7l": "arm/v7"}.get(host.hardware_architecture)
    if host.container and docker:
        return f"use an image for this machine: give docker run and docker build --platform linux/{docker}"
    return f"start a Python for {host.hardware_architecture}, unless the emulated one is what you test"


def _single_slice(environment: Environment, interpreter: Interpreter, subject: str, target: Target) -> list[Finding]:
    """``single-slice-packages``: an interpreter that starts as either architecture, packages that load into one only."""
    both = ("arm64", "x86_64")
    if target.system != "macos" or "arm64" not in target.architectures or not set(both) <= set(interpreter.architectures):
        return []  # an Intel Mac starts it one way only
    findings = []
    for only, other in (both, both[::-1]):
        names = [dist.name or "files of none" for dist in environment.distributions if _loads_only(dist, only, other)]
        if not names:
            continue
        launch = "under Rosetta (arch -x86_64, an Intel terminal or IDE)" if only == "arm64" else "as arm64"
        holders = f"{len(names)} distributions hold" if len(names) > 1 else "1 distribution holds"
        message = (
            f"this Python holds arm64 and x86_64, but {holders} {only} only and cannot be imported when it is started "
            f"{launch}: {listed(names, _SHOWN)}"
        )
        findings.append(
            Finding(
                rule="single-slice-packages",
                severity="note",
                subject=subject,
                distribution=None,
                path=None,
                message=message,
                remedy=f"none needed while it is started as {only}: arch -{only} python3 makes sure",
            )
        )
    return findings


def _loads_only(distribution: Distribution, only: str, other: str) -> bool:
    loaded = [binary.architectures for binary in distribution.binaries if binary.role in LOADED_ROLES and not binary.problem]
    return any(only in names and other not in names for names in loaded)
