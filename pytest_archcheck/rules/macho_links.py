"""Judge what dyld would find: ``missing-library``, ``library-wrong-architecture``, ``library-outside-environment``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.elsewhere import judge_elsewhere, nobody
from pytest_archcheck.rules.remedies import build_here, install_other, reinstall_or_other

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.loader.macho_links import BrokenLink

#: Homebrew's formula for a library that wheels are known to take from there: the library's stem -> formula.
_FORMULAE = {"libomp": "libomp", "libiodbc": "libiodbc", "libpq": "libpq", "libtbb": "tbb", "libgfortran": "gcc"}
#: Where Homebrew lies on Apple Silicon and on Intel Macs.
_HOMEBREW_PREFIXES = ("/opt/homebrew/", "/usr/local/")
#: ``/opt/homebrew/opt/FORMULA/lib/...``, ``/usr/local/Cellar/FORMULA/VERSION/lib/...``
_HOMEBREW = re.compile(r"/(?:(?:homebrew|local)/opt|Cellar)/([A-Za-z0-9@+._-]+)/")


def judge_macho_links(
    broken: Iterable[BrokenLink],
    owners: Mapping[str, tuple[Distribution, str]],
    problems: Mapping[str, str],
    brings: Callable[[str], str | None] = nobody,
) -> list[Finding]:
    """Judge the broken links of an environment.

    :param owners: file -> the distribution that owns it and its subject.
    :param problems: path of a file -> the subject under which it is an error already: the cause is reported once.
    :param brings: who may bring a library that is absent, see :mod:`pytest_archcheck.rules.elsewhere`.
    """
    findings = []
    for link in broken:
        distribution, subject = owners[link.binary.file]
        if link.status == "absent" and (who := brings(link.library.name)):
            rule, severity, message, remedy = judge_elsewhere(f"links to {link.library.name}", who, link.binary.location)
        else:
            rule, severity, message, remedy = _judge(link, distribution, problems)
        findings.append(
            Finding(
                rule=rule,
                severity=severity,
                subject=subject,
                distribution=distribution.name,
                path=link.binary.path,
                message=message,
                remedy=remedy,
            )
        )
    return findings


def _judge(link: BrokenLink, distribution: Distribution, problems: Mapping[str, str]) -> tuple[str, Severity, str, str]:
    name = link.library.name
    if link.status == "loaded":
        message = f"links to {name}, which no rpath leads to; {link.path} has that install name and serves once it is loaded"
        return "missing-library", "note", message, "none needed: import the package that brings it first"
    if link.status == "wrong-architecture":
        message = f"links to {name}, found as {link.path}, which has no slice for the target"
        if link.path and link.path in problems:
            return "library-wrong-architecture", "note", message, f"see archcheck::{problems[link.path]}"
        return (
            "library-wrong-architecture",
            _by_need("error", link),
            message,
            _if_used(link, _replaced(link.path or name, distribution)),
        )
    if link.status == "outside":
        place = f"; it looks for {link.path} on the target" if link.path != name else ""
        message = f"links to {name}, which is not in this environment{place}"
        remedy = _if_used(link, _install_there(name, link.path or name, distribution))
        return "library-outside-environment", _by_need("warning", link), message, remedy
    message = f"links to {name}, which is nowhere: not by its rpaths, and no file of this environment has that install name"
    return "missing-library", _by_need("error", link), message, _if_used(link, _bring(link, distribution))


def _by_need(severity: Severity, link: BrokenLink) -> Severity:
    """A file that the environment gets by without is worth no more than a note."""
    return severity if link.required else "note"


def _if_used(link: BrokenLink, remedy: str) -> str:
    return remedy if link.required else f"none needed unless this file is used: {remedy}"


def _bring(link: BrokenLink, distribution: Distribution) -> str:
    name = link.library.name
    # Where nothing leads to Homebrew's folders, what it installs is not found either.
    places = (name, *(rpath for piece in link.binary.slices for rpath in piece.rpaths))
    formula = _formula(name) if any(place.startswith(_HOMEBREW_PREFIXES) for place in places) else None
    again = reinstall_or_other(distribution, f"{os.path.basename(name)} is still missing")
    return f"brew install {formula}, or {again}" if formula else again


def _replaced(path: str, distribution: Distribution) -> str:
    """What to do about a library for another machine; an absolute path is of none that the environment holds."""
    if not os.path.isabs(path):
        return reinstall_or_other(distribution, "that changes nothing")
    if formula := _formula_of(path):
        # Homebrew for Apple Silicon and Homebrew for Intel have a prefix each.
        brew = "/usr/local/bin/brew" if "/homebrew/" in path else "/opt/homebrew/bin/brew"
        return f"{brew} install {formula}, then {build_here(distribution)}"
    return f"put a build of {path} for the target there, or {install_other(distribution)}"


def _install_there(name: str, path: str, distribution: Distribution) -> str:
    if formula := _formula(name) or (_formula_of(path) if name == path else None):
        return f"on the target: brew install {formula}"
    without = f"install a version that does without it: {install_other(distribution)}"
    if formula := _formula_of(path):  # of an rpath, which may be there for another library
        return f"on the target: brew install {formula}, if that brings {os.path.basename(path)}; or {without}"
    return f"bring {path} to the target, or {without}"


def _formula(name: str) -> str | None:
    stem = os.path.basename(name).partition(".")[0]
    return _FORMULAE.get(stem)


def _formula_of(path: str) -> str | None:
    """The formula that a file belongs to, by Homebrew's own layout."""
    match = _HOMEBREW.search(path)
    return match[1] if match else None
