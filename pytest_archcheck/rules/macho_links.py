"""Judge what dyld would find: ``missing-library``, ``library-wrong-architecture``, ``library-outside-environment``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.causes import by_need, consequence, if_used
from pytest_archcheck.rules.elsewhere import NOWHERE, judge_elsewhere
from pytest_archcheck.rules.homebrew import keg_of
from pytest_archcheck.rules.remedies import build_here, install_other, reinstall_or_other

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.loader.macho_links import BrokenLink
    from pytest_archcheck.rules.elsewhere import Elsewhere

#: A part of an application: ``/Applications/Postgres.app/Contents/Versions/15/lib/libpq.5.dylib``.
_APPLICATION = r"/Applications/(?:[^/]+/)*?([^/]+)\.app/"


def judge_macho_links(
    broken: Iterable[BrokenLink],
    owners: Mapping[str, tuple[Distribution, str]],
    problems: Mapping[str, str],
    elsewhere: Elsewhere = NOWHERE,
) -> list[Finding]:
    """Judge the broken links of an environment.

    :param owners: file -> the distribution that owns it and its subject.
    :param problems: path of a file -> the subject under which it is an error already: the cause is reported once.
    :param elsewhere: who may bring a library that is absent.
    """
    findings = []
    for link in _one_cause(broken, owners):
        distribution, subject = owners[link.binary.file]
        name, asker = link.library.name, link.binary.path
        is_program = link.binary.role == "executable" and name.startswith("@loader_path/")  # nothing is loaded before it
        if link.status == "absent" and not (link.lost or is_program) and (who := elsewhere.who(name, asker, link.places)):
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


def _one_cause(broken: Iterable[BrokenLink], owners: Mapping[str, tuple[Distribution, str]]) -> list[BrokenLink]:
    """Gather the links of one distribution that break for want of one library: the others follow from the first."""
    links: dict[tuple[object, ...], BrokenLink] = {}
    for link in broken:
        name = os.path.basename(link.library.name) if link.status == "absent" else link.library.name
        key = (owners[link.binary.file][1], name, link.status, link.path, link.required)
        first = links.get(key)
        if first is None:
            links[key] = link
        elif link.binary is first.binary:
            links[(*key, link.library.name)] = link
        else:
            links[key] = first._replace(others=(*first.others, link.binary))
    return list(links.values())


def _judge(link: BrokenLink, distribution: Distribution, problems: Mapping[str, str]) -> tuple[str, Severity, str, str]:
    name = link.library.name
    if link.status == "loaded":
        message = f"links to {name}: {_not_found(link)}; {link.path} has that install name and serves once it is loaded"
        return "missing-library", "note", message, "none needed where the package that brings it is imported first"
    if link.status == "wrong-architecture":
        message = f"links to {name}, found as {link.path}, which has no slice for the target{consequence(link.others)}"
        if link.path and link.path in problems:
            return "library-wrong-architecture", "note", message, f"see archcheck::{problems[link.path]}"
        return (
            "library-wrong-architecture",
            by_need("error", required=link.required),
            message,
            if_used(_replaced(link.path or name, distribution), required=link.required),
        )
    if link.status == "outside":
        place = f"; it looks for {_looked_for(link)} on the target" if link.path != name else ""
        message = f"links to {name}, which is not in this environment{place}{consequence(link.others, 'without it')}"
        remedy = if_used(_install_there(link, distribution), required=link.required)
        return "library-outside-environment", by_need("warning", required=link.required), message, remedy
    nobody = "" if link.lost else ", and no file of this environment has that install name"
    lost = f"; {distribution.title} brought a library of that name" if link.lost else ""
    message = f"links to {name}, which is nowhere: {_not_found(link)}{nobody}{lost}{consequence(link.others)}"
    remedy = if_used(_bring(link, distribution), required=link.required)
    return "missing-library", by_need("error", required=link.required), message, remedy


def _not_found(link: BrokenLink) -> str:
    name = link.library.name
    if name.startswith("@rpath/"):
        return _rpaths(link.rpaths)
    if name.startswith(("/", "@")):
        return "it is not there"
    return "it has no folder, and dyld does not look beside the file that asks"


def _rpaths(rpaths: Sequence[str]) -> str:
    """``its rpaths A and B do not lead there``, naming two at most."""
    if len(rpaths) < 2:
        return f"its rpath {rpaths[0]} does not lead there" if rpaths else "no rpath of its own leads there"
    shown = f"{rpaths[0]}, {rpaths[1]} and {len(rpaths) - 2} more" if len(rpaths) > 2 else " and ".join(rpaths)
    return f"its rpaths {shown} do not lead there"


def _looked_for(link: BrokenLink) -> str:
    """The paths at which a library by rpath would have to lie: those of absolute rpaths, two at most."""
    rest = link.library.name.removeprefix("@rpath")
    tried = [f"{rpath}{rest}" for rpath in link.rpaths if rpath.startswith("/")]
    return " and ".join(tried[:2]) if link.path in tried[:2] else link.path or ""


def _bring(link: BrokenLink, distribution: Distribution) -> str:
    again = reinstall_or_other(distribution, f"{os.path.basename(link.library.name)} is still missing")
    # Where nothing leads to Homebrew's folders, what it installs is not found either.
    there = _put_there(link)
    return f"{there.what}, or {again}" if there else again


def _replaced(path: str, distribution: Distribution) -> str:
    """What to do about a library for another machine; an absolute path is of none that the environment holds."""
    if not os.path.isabs(path):
        return reinstall_or_other(distribution, "that changes nothing")
    if keg := keg_of(path, is_there=True):
        return f"{keg.other_brew} install {keg.formula}, then {build_here(distribution)}"
    return f"put a build of {path} for the target there, or {install_other(distribution)}"


def _install_there(link: BrokenLink, distribution: Distribution) -> str:
    there = _put_there(link)
    if there and there.is_sure:
        return f"on the target: {there.what}"
    without = f"install a version that does without it: {install_other(distribution)}"
    if there:
        return f"on the target: {there.what}; or {without}"
    path = link.path or link.library.name
    keg = keg_of(path)
    other = f" (Homebrew for {link.architecture} installs to another folder)" if keg else ""
    return f"bring {path} to the target{other}, or {without}"


class _Way(NamedTuple):
    """What puts a library where it is looked for."""

    what: str
    #: Whether it does so in any case.
    is_sure: bool = False


def _put_there(link: BrokenLink) -> _Way | None:
    """What the paths at which a library is looked for tell of how it gets there; None where they do not."""
    name = link.library.name
    file = os.path.basename(name)
    candidates = [f"{rpath}{name[6:]}" for rpath in link.rpaths] if name.startswith("@rpath/") else [name]
    kegs = (keg for path in candidates if (keg := keg_of(path)))
    if keg := next((keg for keg in kegs if link.architecture in {keg.architecture, ""}), None):
        install = f"brew install {keg.formula}"
        if keg.version:
            return _Way(f"{install}, if that still is its version {keg.version}, which the path names")
        if name.startswith("/") or keg.brings(file):
            return _Way(install, is_sure=True)
        return _Way(f"{install}, if that brings {file}")  # the rpath may be there for another library
    if application := next((match[1] for path in candidates if (match := re.match(_APPLICATION, path))), None):
        return _Way(f"install the application {application}, of which it is a part")
    return None
