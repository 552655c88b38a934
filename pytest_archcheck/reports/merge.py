"""Several JSON reports as one: the shards of one run become the report of that run, others stand side by side.

Reports come in the order in which they were made: what a later run asked again counts as it was answered then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest_archcheck
from pytest_archcheck.reports.json_report import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A report and what tells it from others."""

    label: str
    document: Json


def reports_in(document: Json, label: str) -> list[Labelled]:
    """The reports that a document holds: itself, or those that were put side by side."""
    if "reports" in document:
        return [Labelled(one["label"], one["report"]) for one in document["reports"]]
    return [Labelled(label, document)]


def merge(given: Sequence[Labelled]) -> tuple[Json, list[Labelled]]:
    """Return one document, and the reports in it: shards of one run joined, each with a label of its own."""
    joined: list[Labelled] = []
    for one in given:
        for place, other in enumerate(joined):
            if _are_shards(other.document, one.document):
                joined[place] = Labelled(other.label, _join(other.document, one.document))
                break
        else:
            joined.append(one)
    if len(joined) == 1:
        return joined[0].document, joined
    labelled = list(_labelled(joined))
    document = {
        "schema_version": SCHEMA_VERSION,
        "archcheck_version": pytest_archcheck.__version__,
        "verdict": "fail" if any(one.document["verdict"] == "fail" for one in labelled) else "pass",
        "complete": all(one.document["complete"] for one in labelled),
        "reports": [{"label": one.label, "report": one.document} for one in labelled],
    }
    return document, labelled


def _labelled(reports: Iterable[Labelled]) -> Iterable[Labelled]:
    """Give each a label that no other has: the target where all have different ones, else the file's name."""
    reports = list(reports)
    tags = [one.document["target"]["tag"] for one in reports]
    names = tags if len(set(tags)) == len(tags) else [one.label for one in reports]
    taken: set[str] = set()
    for one, base in zip(reports, names, strict=True):
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name)
        yield Labelled(name, one.document)


def _are_shards(one: Json, other: Json) -> bool:
    """Whether two reports are parts of one run: the same target and place, and no check that ran in both.

    Or the other one goes on where this one was interrupted, and asks those that failed again, as ``--lf`` does. Twenty machines
    have the same target and path, too; but each of them has run every check.
    """
    same = all(one[key] == other[key] for key in ("schema_version", "archcheck_version", "target", "environment"))
    if not same or not one.get("checks") or not other.get("checks"):
        return False
    again = _ran(one) & _ran(other)
    return not again or (again <= _failed(one) and bool(_waiting(one) & _ran(other)))


def _failed(document: Json) -> set[str]:
    return {check["subject"] for check in document["checks"] if check["state"] == "failed"}


def _waiting(document: Json) -> set[str]:
    return {check["subject"] for check in document["checks"]} - _ran(document)


def _ran(document: Json) -> set[str]:
    return {check["subject"] for check in document["checks"] if check["state"] not in ("not run", "other")}


def _join(one: Json, other: Json) -> Json:
    """The report of the run that both are parts of; the other one is the later."""
    one = _without(one, _ran(one) & _ran(other))
    ran = {id(document): _ran(document) for document in (one, other)}
    checks: dict[str, Json] = {}
    #: Subject -> the part that speaks of it: the one where it ran.
    home: dict[str, int] = {}
    for document in (one, other):
        for check in document["checks"]:
            subject = check["subject"]
            if subject not in checks or subject in ran[id(document)]:
                checks[subject] = check
                home[subject] = id(document)
    ordered = sorted(checks.values(), key=lambda check: int(check["place"]))
    place = {check["subject"]: number for number, check in enumerate(ordered)}
    findings = [
        finding
        for document in (one, other)
        for finding in document["findings"]
        if home.get(finding["subject"], id(document)) == id(document)
    ]
    findings = _once(findings)
    findings.sort(key=lambda finding: place.get(finding["subject"], len(place)))
    waiting = {check["subject"] for check in ordered if check["state"] in ("not run", "other")}
    # What one part did not run stands in its list of what was skipped; the other part may have run it.
    known = {check["subject"] for check in ordered}
    skipped = [skip for skip in _once([*one["skipped"], *other["skipped"]]) if _still_skipped(skip, checks, known, waiting)]
    # What was not run in one part made that part fail; where all has run, only what the checks say counts.
    fails = any(check["state"] == "failed" for check in ordered) or any(map(fails_a_check, findings))
    wheels = {path: number for number, path in enumerate(one["environment"]["paths"]) if path.endswith(".whl")}
    skipped.sort(key=lambda skip: _turn(skip["subject"], wheels, place))
    distributions = _once([*one["distributions"], *other["distributions"]])
    distributions.sort(key=lambda distribution: wheels.get(distribution["location"], -1))
    return {
        **one,
        "verdict": "fail" if fails or (waiting and "fail" in (one["verdict"], other["verdict"])) else "pass",
        "complete": bool(ordered) and not waiting and not any(map(_in_doubt, (one, other))),
        "checks": ordered,
        "distributions": distributions,
        "findings": findings,
        "accelerators": _once([*one["accelerators"], *other["accelerators"]]),
        "benchmarks": _once([*one["benchmarks"], *other["benchmarks"]]),
        "skipped": skipped,
        "scan": _scan(one, other),
    }


def _without(document: Json, again: set[str]) -> Json:
    """What still counts of a report once these checks were asked again."""
    if not again:
        return document
    opened = [one for one in document["distributions"] if one["subject"] in again]
    places = {one["location"] for one in opened}
    scan = {**document["scan"], "binaries": document["scan"]["binaries"] - sum(len(one["binaries"]) for one in opened)}
    return {
        **document,
        "checks": [check for check in document["checks"] if check["subject"] not in again],
        "distributions": [one for one in document["distributions"] if one["subject"] not in again],
        "findings": [finding for finding in document["findings"] if finding["subject"] not in again],
        "skipped": [skip for skip in document["skipped"] if not _is_at(skip["subject"], places | again)],
        "scan": scan,
    }


def _is_at(subject: str, places: set[str]) -> bool:
    return subject in places or any(subject.startswith(f"{place}/") for place in places)


def fails_a_check(finding: Json) -> bool:
    """Whether it is an error that no line allows."""
    return finding["severity"] == "error" and finding["allowed"] is None


def _in_doubt(part: Json) -> bool:
    """Whether it is not only for want of checks, which the other part may have run, that a part is not complete."""
    if any(skip.get("unseen") for skip in part["skipped"]):
        return True
    return not part["complete"] and len(_ran(part)) == len(part["checks"])


def _turn(subject: str, wheels: dict[str, int], place: dict[str, int]) -> tuple[int, int]:
    """Where a run would list what it skipped: of its environments, then of each wheel as they are ordered, then its checks."""
    if subject in place:
        return 2, place[subject]
    wheel = subject  # or a member of it
    while wheel and wheel not in wheels:
        wheel = wheel[: max(wheel.rfind("/"), 0)]
    return (1, wheels[wheel]) if wheel else (0, 0)


def _still_skipped(skip: Json, checks: dict[str, Json], known: set[str], waiting: set[str]) -> bool:
    subject = skip["subject"]
    if subject not in known or subject in waiting:
        return True
    state, reason = checks[subject]["state"], checks[subject].get("reason", "skipped")
    return bool(state == "skipped" and skip["reason"] == reason)


def _scan(one: Json, other: Json) -> Json:
    """Parts that inspected the same count once; what each did for itself adds up."""
    same = one["distributions"] == other["distributions"]
    parts = (one["scan"], other["scan"])
    fold = max if same else sum
    return {key: fold(part[key] for part in parts) for key in one["scan"]}


def _once(values: Iterable[Json]) -> list[Json]:
    """Each value once, in the order given."""
    kept: list[Json] = []
    seen: set[str] = set()
    for value in values:
        key = repr(value)
        if key not in seen:
            seen.add(key)
            kept.append(value)
    return kept


def stem(path: str) -> str:
    """What a reader calls a file: its name without the ending."""
    return os.path.splitext(os.path.basename(path))[0]
