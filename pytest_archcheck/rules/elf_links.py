"""Judge what ld.so would find: broken links (``missing-library`` and its kin) and ``missing-symbol``.

An error is what stops an import: a link of an extension module, or of a library that one needs. A file that nothing here is
seen to need (a plugin for a database, a GPU, MPI) is loaded on demand if ever, so its broken link is a note; so are links to a
graphics driver's libraries, which are absent on every machine without that hardware, and modules that their package imports
inside ``try``. ``BrokenLink.required`` says which is which.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.names import module_tag
from pytest_archcheck.discover.model import INTERPRETER_SUBJECT
from pytest_archcheck.findings import Finding
from pytest_archcheck.loader.ldso import DRIVER_LIBRARIES
from pytest_archcheck.rules import debian
from pytest_archcheck.rules.causes import by_need, consequence, if_used
from pytest_archcheck.rules.commands import command
from pytest_archcheck.rules.elsewhere import NOWHERE, is_bundle, is_like, judge_elsewhere
from pytest_archcheck.rules.remedies import install_other, reinstall
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.loader.elf_links import BrokenLink
    from pytest_archcheck.loader.elf_symbols import MissingSymbols
    from pytest_archcheck.rules.elsewhere import Elsewhere


def one_cause(broken: Iterable[BrokenLink]) -> list[BrokenLink]:
    """Gather the links of one distribution that break for want of one library: the others follow from the first."""
    links: dict[tuple[object, ...], BrokenLink] = {}
    for link in broken:
        key = (id(link.distribution), link.name, link.status, link.path, link.required)
        first = links.get(key)
        if first is None:
            links[key] = link
        else:
            stopped = {id(binary): binary for binary in (*first.importers, link.binary, *link.importers)}
            links[key] = replace(first, importers=tuple(stopped.values()), places=(*first.places, *link.places))
    return list(links.values())


def judge_elf_links(
    broken: Iterable[BrokenLink],
    owners: Mapping[str, tuple[Distribution, str]],
    problems: Mapping[str, str],
    elsewhere: Elsewhere = NOWHERE,
    *,
    musl: bool = False,
    promised: bool = False,
) -> list[Finding]:
    """Judge the broken links of an environment.

    :param owners: file -> the distribution that owns it and its subject; a file that is not among them is the interpreter's.
    :param problems: path of a file -> the subject under which it is an error already: the cause is reported once.
    :param elsewhere: who may bring a library that is not here.
    :param musl: the target's C library is musl, so it is Alpine rather than Debian.
    :param promised: a manylinux or musllinux tag says that a wheel brings all that not every such system has (PEP 600, 656).
    """
    findings = []
    for link in broken:
        distribution, subject = owners.get(link.binary.file, (None, INTERPRETER_SUBJECT))
        if elsewhere.is_wheel and link.status == "outside" and _is_not_here(link) and _is_own(link, elsewhere):
            link = replace(link, status="missing")  # noqa: PLW2901 - nothing else puts files there
        if _is_not_here(link) and (who := elsewhere.who(link.name, link.binary.path, link.places)):
            rule, severity, message, remedy = judge_elsewhere(f"needs {link.name}", who, link.binary.location)
        else:
            rule, severity, message, remedy = _judge(link, distribution, problems, musl=musl)
        if elsewhere.is_wheel and severity == "warning" and "/" in link.name:
            severity = "error"  # a path of the machine that built the wheel
        elif elsewhere.is_wheel and promised and severity == "warning" and not debian.knows(link.name):
            rule, severity = "missing-library", "error"
            message = f"needs {link.name}, which is not in the wheel, and no such system is known to have it"
            repair = command("auditwheel", "repair", os.path.basename(link.binary.location))
            remedy = f"where {link.name} is installed: {repair} puts it into the wheel"
        findings.append(_finding(rule, severity, subject, distribution, link.binary, message, remedy))
    return findings


def _is_not_here(link: BrokenLink) -> bool:
    """Whether nothing here, and no package of a system that is known, has the library."""
    known = link.bundled or link.name in DRIVER_LIBRARIES or debian.knows(link.name)
    return link.status in {"missing", "outside"} and not known


def _is_own(link: BrokenLink, elsewhere: Elsewhere) -> bool:
    """Whether no system can bring a library that a wheel lacks.

    A module, what is looked for in a folder made for it, or what has the package's own name (highspy's ``libhighs.so.1``):
    ``$ORIGIN`` alone is what build systems write for good measure.
    """
    if module_tag(link.name):
        return True
    here = link.binary.path.rpartition("/")[0]
    made_for_it = is_bundle(link.places) or any(place.startswith(f"{here}/") for place in link.places)
    made_for_it = made_for_it or is_like(here.partition("/")[0], link.name)
    return made_for_it and elsewhere.is_own(link.name, link.binary.path, link.places)


def judge_elf_symbols(missing: Iterable[MissingSymbols], owners: Mapping[str, tuple[Distribution, str]]) -> list[Finding]:
    """Judge symbols and versions that loading would not find; ``owners`` as in :func:`judge_elf_links`."""
    findings = []
    for entry in missing:
        if entry.provider is not None and all(name.startswith("GLIBC_") for name in entry.names):
            continue  # newer-os-required speaks of it
        distribution, subject = owners.get(entry.binary.file, (None, INTERPRETER_SUBJECT))
        names = listed(entry.names)
        severity: Severity = "error"
        if entry.provider is not None:
            message = f"needs {names} of {os.path.basename(entry.provider)}, which {entry.provider} does not have"
            remedy = f"update what provides {entry.provider}, or install a build for an older system: {_older(distribution)}"
        elif entry.elsewhere is not None:
            severity = "note"
            message = (
                f"needs {names}, which nothing that it loads exports; {entry.elsewhere} does, if it was made global before"
            )
            remedy = "none needed where the package that brings it is imported first"
        else:
            message = f"needs {names}, which neither Python nor any library that it loads exports"
            remedy = _reinstall(distribution)
        message += _consequence(entry.binary, entry.importers)
        findings.append(_finding("missing-symbol", severity, subject, distribution, entry.binary, message, remedy))
    return findings


def _finding(
    rule: str,
    severity: Severity,
    subject: str,
    distribution: Distribution | None,
    binary: Binary,
    message: str,
    remedy: str,
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        subject=subject,
        distribution=distribution.name if distribution else None,
        path=binary.path,
        message=message,
        remedy=remedy,
    )


def _judge(
    link: BrokenLink, distribution: Distribution | None, problems: Mapping[str, str], *, musl: bool
) -> tuple[str, Severity, str, str]:
    asks = f"loads {link.via}, which needs {link.name}" if link.via else f"needs {link.name}"
    ending = _consequence(link.binary, link.importers)
    bring = _bring(link, distribution, musl=musl)
    if link.status == "elsewhere":
        message = f"{asks}, which its search path does not lead to; {link.path} has that name and serves once it is loaded"
        return "missing-library", "note", message, "none needed where the package that brings it is imported first"
    if link.name in DRIVER_LIBRARIES:
        message = f"{asks}, which the driver of a graphics card installs; there is none here"
        return "missing-library", "note", message, "none needed unless the graphics card is to be used: install its driver"
    if link.status in {"wrong-architecture", "damaged"}:
        wrong = link.status == "wrong-architecture"
        what = f"is for {link.reason}" if wrong else f"is damaged: {link.reason}"
        rule = "library-wrong-architecture" if wrong else "missing-library"
        message = f"{asks}, found as {link.path}, which {what}{ending}"
        if link.path is not None and link.path in problems:
            return rule, "note", message, f"see archcheck::{problems[link.path]}"
        return rule, by_need("error", required=link.required), message, bring
    if link.status == "outside":
        without = _consequence(link.binary, link.importers, "without it")
        message = f"{asks}, which is not in this environment and not on every system of the target's kind{without}"
        return "library-outside-environment", by_need("warning", required=link.required), message, f"on the target: {bring}"
    message = f"{asks}, which is not where the loader looks{ending}"
    return "missing-library", by_need("error", required=link.required), message, bring


def _consequence(binary: Binary, importers: tuple[Binary, ...], word: str = "so") -> str:
    """Who else cannot be imported, for a library that extension modules load."""
    return consequence([module for module in importers if module is not binary], word)


def _bring(link: BrokenLink, distribution: Distribution | None, *, musl: bool) -> str:
    return if_used(_command(link, distribution, musl=musl), required=link.required)


def _command(link: BrokenLink, distribution: Distribution | None, *, musl: bool) -> str:
    home = distribution.home if distribution else None
    where = f"{home.elsewhere}: " if home and home.elsewhere else ""
    if musl and not link.bundled:
        add = command("apk", "add", f"so:{link.name}")  # Alpine's packages are known by the sonames that they bring, too
        again = f", or {_reinstall(distribution).removeprefix(where)}" if distribution and distribution.name else ""
        return f"{where}{add}{again}"
    if package := debian.package_of(link.name):
        # --reinstall: the package may be there and its file lost; one that is not there it installs.
        return f"{where}apt-get install --reinstall {package}, or {_reinstall(distribution).removeprefix(where)}"
    if distribution is None or distribution.name is None:
        return f"install what provides {link.name} ({_search(link.name)})"
    if link.bundled:
        return reinstall(distribution)
    return f"{reinstall(distribution)}; if it does not bring {link.name}: {_search(link.name)} names a package that does"


def _search(library: str) -> str:
    """What looks for the whole name of the file, which cannot be taken for an option of apt-file's."""
    return command("apt-file", "search", "--regexp", f"/{re.escape(library)}$")


def _older(distribution: Distribution | None) -> str:
    """Another version: the same one would be the same file again."""
    return install_other(distribution, "<") if distribution else "reinstall Python"


def _reinstall(distribution: Distribution | None) -> str:
    return reinstall(distribution) if distribution else "reinstall Python"
