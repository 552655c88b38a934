"""The JSON report, schema 1. Every string is escaped: whoever shows it need not fear what file names hold."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import stat
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest_archcheck
from pytest_archcheck import limits
from pytest_archcheck.binaries.model import Binary, MachOSlice
from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_archcheck.discover.model import Distribution, Interpreter
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.machine.target import Target
    from pytest_archcheck.reports.outcome import Result

SCHEMA_VERSION = 1


def document(result: Result) -> dict[str, Any]:
    """Return the report as JSON values."""
    inspection = result.inspection
    answers = [outcome.answer for outcome in result.outcomes]
    skipped = [{"subject": skip.subject, "reason": skip.reason} for skip in inspection.skipped]
    for outcome in result.outcomes:
        if not outcome.ran:
            skipped.append({"subject": outcome.subject, "reason": outcome.reason or "not run"})
        elif outcome.state == "skipped":
            skipped.append({"subject": outcome.subject, "reason": outcome.reason or "skipped"})
    written = {
        "schema_version": SCHEMA_VERSION,
        "archcheck_version": pytest_archcheck.__version__,
        "verdict": "fail" if any(outcome.broken for outcome in result.outcomes) else "pass",
        "complete": result.complete,
        "target": _target(inspection.target),
        "environment": {
            "paths": [environment.path for environment in inspection.environments],
            "interpreter": _interpreter(inspection.interpreter),
        },
        "distributions": [_distribution(distribution, inspection) for distribution in inspection.distributions],
        "findings": [asdict(finding) for finding in result.findings],
        "accelerators": [record for answer in answers for record in answer.accelerators],
        "benchmarks": [record for answer in answers for record in answer.benchmarks],
        "skipped": skipped,
        "scan": {"files": inspection.files, "binaries": len(inspection.binaries), "seconds": round(inspection.seconds, 4)},
    }
    escaped: dict[str, Any] = _escaped(written)
    return escaped


def check_writable(path: str) -> None:
    """Make the folder of the report and try to write there. Raises :class:`OSError`."""
    if _is_special(path):
        return
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _remove_leftovers(os.path.realpath(path))
    trial = _beside(path)
    with open(trial, "wb"):
        pass
    os.remove(trial)


def write(path: str, result: Result) -> None:
    """Write the report, all at once: a reader sees the old one or the new one. Raises :class:`OSError`."""
    content = json.dumps(document(result), indent=2) + "\n"
    if _is_special(path):  # /dev/stdout, a FIFO: not to be replaced by a file, and read as it is written: only the last word
        if result.complete:
            with open(path, "w", encoding="ascii") as stream:
                stream.write(content)
        return
    real = os.path.realpath(path)
    trial = _beside(real)
    try:
        with open(trial, "w", encoding="ascii") as stream:
            stream.write(content)
        os.replace(trial, real)
    finally:
        if os.path.exists(trial):
            os.remove(trial)


def _beside(path: str) -> str:
    return f"{path}.{os.getpid()}.part"


def _remove_leftovers(path: str) -> None:
    """Remove the part of a report that a run left when it was killed while it wrote."""
    for part in glob.glob(f"{glob.escape(path)}.*.part"):
        with contextlib.suppress(OSError):  # it is gone, or somebody else's
            if os.path.getmtime(part) < time.time() - limits.REPORT_PART_SECONDS:
                os.remove(part)


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _target(target: Target) -> dict[str, Any]:
    return {
        "tag": target.tag,
        "system": target.system,
        "architecture": target.architecture,
        "os_version": target.os_version,
    }


def _interpreter(interpreter: Interpreter | None) -> dict[str, Any] | None:
    if interpreter is None:
        return None
    return {
        "path": interpreter.path,
        "version": interpreter.version,
        "architectures": list(interpreter.architectures),
        "emulation": interpreter.emulation,
    }


def _distribution(distribution: Distribution, inspection: Inspection) -> dict[str, Any]:
    targets = inspection.wheel_targets.get(distribution.location, ())
    differing = [_target(target) for target in targets] if targets not in ((), (inspection.target,)) else []
    return {
        "name": distribution.name,
        "version": distribution.version,
        "installer": distribution.installer,
        "tags": list(distribution.tags),
        "location": distribution.location,
        **({"target": differing[0] if len(differing) == 1 else differing} if differing else {}),
        "binaries": [_binary(binary, inspection.signatures.get(binary.file, {})) for binary in distribution.binaries],
    }


def _binary(binary: Binary, signatures: Mapping[str, str]) -> dict[str, Any]:
    return {
        "path": binary.path,
        "format": binary.format,
        "role": binary.role,
        "architectures": list(binary.architectures),
        "min_os": {piece.architecture: piece.min_os for piece in binary.slices if piece.min_os is not None},
        "signature": dict(_signatures(binary, signatures)),
    }


def _signatures(binary: Binary, read: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is known of each slice: signatures are read only where the target needs them."""
    for piece in binary.slices:
        if piece.architecture in read:
            yield piece.architecture, read[piece.architecture]
        elif isinstance(piece, MachOSlice) and piece.signature is None:
            yield piece.architecture, "none"


def _escaped(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {escape(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(one) for one in value]
    return value
