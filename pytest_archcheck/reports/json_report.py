"""The JSON report, schema 1. Every string is escaped: whoever shows it need not fear what file names hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest_archcheck
from pytest_archcheck import limits
from pytest_archcheck.binaries.model import Binary, MachOSlice
from pytest_archcheck.reports.outcome import unpack
from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_archcheck.discover.model import Distribution, Interpreter
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.judge.links import Linked
    from pytest_archcheck.machine.target import Target
    from pytest_archcheck.reports.outcome import Outcome, Record, Result

    #: File -> its linked libraries.
    Links = Mapping[str, tuple[Linked, ...]]

SCHEMA_VERSION = 1


def document(result: Result, links: Links | None = None) -> dict[str, Any]:
    """Return the report as JSON values.

    :param links: :meth:`Inspection.links() <pytest_archcheck.inspection.Inspection.links>`, where it is at hand.
    """
    return {key: list(said) if isinstance(said, Iterator) else said for key, said in _said(result, links)}


def pieces(result: Result, links: Links | None = None) -> Iterator[str]:
    """The same as text, one entry after another: of thousands of wheels not all stand in memory at once."""
    between = "{"
    for key, said in _said(result, links):
        yield f"{between}\n  {json.dumps(key)}: "
        if isinstance(said, Iterator):
            yield from _listed(said)
        else:
            yield json.dumps(said, indent=2).replace("\n", "\n  ")
        between = ","
    yield "\n}\n"


def _listed(entries: Iterator[Record]) -> Iterator[str]:
    between, end = "[\n    ", "[]"
    for entry in entries:
        yield between + json.dumps(entry, indent=2).replace("\n", "\n    ")
        between, end = ",\n    ", "\n  ]"
    yield end


def _said(result: Result, links: Links | None) -> Iterator[tuple[str, Any]]:
    """Each key of the document with its value: where there may be thousands, an iterator; every string is escaped."""
    inspection = result.inspection
    answers = [outcome.answer for outcome in result.outcomes]
    yield "schema_version", SCHEMA_VERSION
    yield "archcheck_version", pytest_archcheck.__version__
    yield "verdict", "fail" if any(one.broken or one.answer.pending for one in result.outcomes) else "pass"
    yield "complete", result.complete
    yield "target", _target(inspection.target)
    yield "aim", escape(inspection.aim)
    environments = [one.path for one in inspection.environments]
    wheels = (one.path for one in inspection.wheels)
    yield "environment", _escaped({"paths": [*environments, *wheels], "interpreter": _interpreter(inspection.interpreter)})
    yield "checks", map(_escaped, map(_check, result.outcomes))
    yield "distributions", _entries(result, links)
    yield "findings", (_escaped(asdict(finding)) for finding in result.findings)
    yield "accelerators", _escaped([record for answer in answers for record in answer.accelerators])
    yield "benchmarks", _escaped([record for answer in answers for record in answer.benchmarks])
    yield "skipped", map(_escaped, _skipped(result))
    yield (
        "scan",
        {
            "files": inspection.files + sum(one.files for one in result.opened),
            "binaries": len(inspection.binaries) + sum(one.binaries for one in result.opened),
            "seconds": round(inspection.seconds + sum(one.seconds for one in result.opened), 4),
        },
    )


def _skipped(result: Result) -> Iterator[Record]:
    for skip in result.skipped:
        yield {"subject": skip.subject, "reason": skip.reason, **({"unseen": True} if skip.unseen else {})}
    for outcome in result.outcomes:
        if not outcome.ran:
            yield {"subject": outcome.subject, "reason": outcome.reason or "not run"}
        elif outcome.state == "skipped":
            yield {"subject": outcome.subject, "reason": outcome.reason or "skipped"}


def _entries(result: Result, links: Links | None) -> Iterator[Record]:
    """The entries of ``distributions``, those of wheels in the order of their items."""
    yield from distributions(result.inspection, links)
    for one in result.opened:
        yield from unpack(one.packed)


def distributions(inspection: Inspection, links: Links | None = None) -> list[Record]:
    """The entries of ``distributions`` for what was inspected: every string is escaped."""
    graph = _Graph(inspection, inspection.links() if links is None else links)
    return [_escaped(_distribution(distribution, graph)) for distribution in inspection.distributions]


def _check(outcome: Outcome) -> dict[str, Any]:
    return {
        "subject": outcome.subject,
        "title": outcome.title,
        "state": outcome.state,
        "place": outcome.place,
        **({} if outcome.reason is None else {"reason": outcome.reason}),
    }


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


class _Graph:
    """The files of an inspection, and what links them."""

    def __init__(self, inspection: Inspection, links: Links) -> None:
        self.inspection = inspection
        self.links = links
        #: Where a file outside of every distribution has an owner: its name.
        self.owners = {id(binary): dist for dist in inspection.distributions for binary in dist.binaries}
        self.subjects = {id(dist): subject for dist, subject in _subjects(inspection)}
        of_environments = ((one, inspection.wheel_targets.get(one.path, ())) for one in inspection.environments)
        self.targets = {id(dist): targets for environment, targets in of_environments for dist in environment.distributions}

    def link(self, binary: Binary, linked: Linked) -> dict[str, Any]:
        """One entry of ``binaries[].links``."""
        record: dict[str, Any] = {"name": linked.name, "status": linked.status}
        if linked.weak:
            record["weak"] = True
        if linked.provider is not None:
            owner = self.owners.get(id(linked.provider))
            if owner is None:  # the interpreter's
                record["path"] = linked.provider.file
            else:
                record["path"] = linked.provider.path
                if owner is not self.owners.get(id(binary)):
                    record["subject"] = self.subjects[id(owner)]
        elif linked.path is not None:
            record["path"] = linked.path
        if linked.tried:
            record["tried"] = list(linked.tried)
        return record


def _subjects(inspection: Inspection) -> Iterator[tuple[Distribution, str]]:
    """Each distribution with the subject of the check that speaks of it."""
    several = sum(environment.kind not in ("wheel", "lock") for environment in inspection.environments) > 1
    for environment in inspection.environments:
        prefix = f"{environment.label}::" if environment.kind == "lock" or (several and environment.kind != "wheel") else ""
        for distribution in environment.distributions:
            own = environment.label if distribution.is_wheel else distribution.name or "unowned"
            yield distribution, prefix + own


def _distribution(distribution: Distribution, graph: _Graph) -> dict[str, Any]:
    inspection = graph.inspection
    targets = graph.targets[id(distribution)]
    differing = [_target(target) for target in targets] if targets not in ((), (inspection.target,)) else []
    return {
        "name": distribution.name,
        "subject": graph.subjects[id(distribution)],
        "version": distribution.version,
        "installer": distribution.installer,
        "tags": list(distribution.tags),
        "location": distribution.location,
        **({"target": differing[0] if len(differing) == 1 else differing} if differing else {}),
        "binaries": [_binary(binary, graph) for binary in distribution.binaries],
    }


def _binary(binary: Binary, graph: _Graph) -> dict[str, Any]:
    rpaths = dict.fromkeys(rpath for piece in binary.slices for rpath in piece.rpaths)
    known = graph.links.get(binary.file, ())
    # Slices that the target does not load are not looked up: what they link to is told all the same.
    names = {linked.name for linked in known}
    others = dict.fromkeys(one.name for piece in binary.slices for one in piece.libraries if one.name not in names)
    return {
        "path": binary.path,
        "format": binary.format,
        "role": binary.role,
        "size": binary.size,
        "architectures": list(binary.architectures),
        "min_os": {piece.architecture: piece.min_os for piece in binary.slices if piece.min_os is not None},
        "signature": dict(_signatures(binary, graph.inspection.signatures.get(binary.file, {}))),
        "links": [*(graph.link(binary, one) for one in known), *({"name": name} for name in others)],
        **({"rpaths": list(rpaths)[: limits.IMAGE_RPATHS]} if rpaths else {}),
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
