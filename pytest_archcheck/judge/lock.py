"""Whether a lock installs on a target: one check a locked package, and one for the lock as a whole."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.discover.model import Distribution, Environment
from pytest_archcheck.findings import Check, Finding, Skipped
from pytest_archcheck.locks.markers import marker_environment
from pytest_archcheck.locks.model import Lock, LockInvalid, Malformed, Selection
from pytest_archcheck.locks.reading import read_lock
from pytest_archcheck.locks.tags import machines, supported_tags, wheel_tags
from pytest_archcheck.rules.locks import Place, judge_package, judge_plugin_pair, judge_python, locked_elsewhere, only_for

if TYPE_CHECKING:
    from pytest_archcheck.locks.model import LockedPackage
    from pytest_archcheck.machine.target import Target


def inspect_lock(path: str, target: Target, python: str, label: str | None = None) -> tuple[Environment, tuple[Check, ...]]:
    """Judge a lock file.

    :param target: any target; each architecture of a ``universal2`` one is judged by itself, as each machine
        installs for itself.
    :param python: ``3.12`` (the first of its releases that the lock is for is meant) or ``3.12.4``.
    :param label: the first part of every subject; by default the file's name.
    :returns: an environment of kind ``lock`` whose distributions are the packages that install there, without binaries, and the
        checks: ``<label>::environment::packages`` first, then ``<label>::<package>`` by name.
    :raises LockInvalid: the file cannot be read as what it claims to be.
    """
    label = label or os.path.basename(path).replace("[", "(").replace("]", ")")
    lock = read_lock(path)
    places = [Place(label=label, machine=machine, python=python) for machine in machines(target)]
    try:
        selections = [(place, _select(lock, place)) for place in places]
    except Malformed as error:
        raise LockInvalid(path, str(error)) from None
    whole = [judge_python(place, selection.excluded) for place, selection in selections if selection.excluded]
    checks = _package_checks(lock, selections)
    title = f"{label} for {target.name}, Python {python}"
    top = Check(subject=f"{label}::environment::packages", title=title, findings=tuple(whole))
    environment = Environment(
        kind="lock",
        path=os.path.abspath(path),
        label=label,
        interpreter=None,
        python=python,
        distributions=_distributions(os.path.abspath(path), selections),
        skipped=_not_looked_at(label, target, selections, checks, excluded=bool(whole)),
    )
    return environment, (top, *checks)


def _select(lock: Lock, place: Place) -> Selection:
    python = place.release(lock.requires_python)
    if python is None:
        return Selection(excluded=f"it is locked for Python {lock.requires_python}")
    return lock.select(marker_environment(place.machine, python))


def _package_checks(lock: Lock, selections: list[tuple[Place, Selection]]) -> tuple[Check, ...]:
    """One check a name: two machines, or two versions, of one package are judged in the same one."""
    found: dict[str, tuple[dict[str, None], dict[Finding, None]]] = {}
    versions: dict[str, list[LockedPackage]] = defaultdict(list)
    for package in lock.packages:
        if len(versions[package.name]) <= limits.LOCK_VERSIONS:
            versions[package.name].append(package)
    for place, selection in selections:
        elsewhere = only_for(lock.packages, place)
        for package in selection.packages:
            titles, findings = found.setdefault(package.name, ({}, {}))
            titles[package.title] = None
            others = locked_elsewhere(package, versions[package.name])
            finding = judge_package(package, place, others, lock.requires_python, elsewhere)
            if finding is not None:
                findings[finding] = None
    for place, selection in selections:
        pair = judge_plugin_pair(selection.packages, place)
        if pair is not None:
            found["tensorflow-metal"][1][pair] = None
    label = selections[0][0].label
    return tuple(
        Check(subject=f"{label}::{name}", title=", ".join(titles), findings=tuple(findings))
        for name, (titles, findings) in sorted(found.items())
    )


def _distributions(path: str, selections: list[tuple[Place, Selection]]) -> tuple[Distribution, ...]:
    found: dict[tuple[str, str | None], Distribution] = {}
    for place, selection in selections:
        for package in selection.packages:
            found[package.name, package.version] = Distribution(
                name=package.name,
                version=package.version,
                installer=None,
                tags=_tags(package, place),
                location=path,
                binaries=(),
            )
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or "")))


def _tags(package: LockedPackage, place: Place) -> tuple[str, ...]:
    """Return those tags of the package's wheels that install at this place."""
    supported = supported_tags(place.machine, place.minor_python)
    return tuple(sorted({str(tag) for name in package.wheels for tag in wheel_tags(name) & supported}))


def _not_looked_at(
    label: str, target: Target, selections: list[tuple[Place, Selection]], checks: tuple[Check, ...], *, excluded: bool
) -> tuple[Skipped, ...]:
    if excluded:
        return (Skipped(label, "the packages were not looked at: the lock is not for this target and Python"),)
    complete = not any(check.findings for check in checks)
    fit = (
        ("all wheels exist; " if complete else "")
        + "whether the files in them fit each other no lock tells: install it into FOLDER, then pytest-archcheck FOLDER"
        + ("" if target.is_host else f" --archcheck-target={target.tag}")
    )
    skipped = [Skipped(label, fit)]
    left_out = list(dict.fromkeys(name for _, selection in selections for name in selection.left_out))
    if left_out:
        skipped.append(Skipped(label, "not installed by default, not looked at: " + ", ".join(left_out)))
    local = sorted({name for _, selection in selections for name in selection.local})
    if local:
        skipped.append(Skipped(label, "built from their own folders, not looked at: " + ", ".join(local)))
    return tuple(skipped)
