"""Judge for which Python extension modules are made: rule ``wrong-python``.

Python imports ``_x.cpython-312-darwin.so`` only if it is 3.12 itself; to any other the module is not there. A package may bring
one module for several Pythons side by side, so it is at fault only where it has none for this one. TensorFlow's modules say
nothing in their names (``_x.so``): there the wheel's tags tell what they were compiled for.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.names import extension_tag, is_test_data
from pytest_archcheck.findings import Finding
from pytest_archcheck.machine.python import Python, python_of_module, python_of_wheel
from pytest_archcheck.rules.remedies import reinstall
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution, Environment, Interpreter
    from pytest_archcheck.findings import Severity

    #: Whether a package survives without these modules of its own; None where nothing in it imports them.
    Survives = Callable[[Iterable[Binary]], bool | None]
    #: Path without any suffix -> what each file's name says of the Pythons that it is for -> the file.
    _Modules = dict[str, dict[str | None, Binary]]

RULE = "wrong-python"
#: A prefix's site directory, which only the Python of that version reads.
_SITE = re.compile(r"[/\\]lib\d*[/\\]python(?P<version>3\.\d+t?)[/\\](?:site|dist)-packages(?=[/\\]|$)")
#: Their tags say what was built, not what an installer has compared with this Python.
_NOT_BY_TAGS = (None, "conda", "rpm", "debian")
#: Whose Python it is.
_HERE, _ASKED = "which this environment has", "for which it is judged"
#: So many distributions are named; the others are counted.
_SHOWN = 5


def judge_modules(
    environment: Environment,
    owned: Sequence[tuple[Distribution, str]],
    packages_subject: str,
    given: str | None,
    survives: Survives,
) -> list[Finding]:
    """Say which distributions have no module for the Python that is to import them.

    :param owned: distributions and their subjects, without the interpreter's own.
    :param given: the Python that was asked for (``3.12``); counts where the environment has none of its own.
    """
    if environment.kind == "wheel":
        return [finding for one, subject in owned for finding in _wheel(one, subject)]
    own, asked = python_of(environment.interpreter), Python.parse(given)
    findings = list(_not_read(environment, own, packages_subject))
    waiting = []
    for distribution, subject in owned:
        if distribution.location in environment.unread_sites:
            continue
        site = _python_of_site(distribution.location)
        if environment.kind == "active" or (own and (site is None or site.version == own.version)):
            python, whose = own, _HERE
        elif environment.kind in ("venv", "conda") and site:
            python, whose = (
                site,
                _HERE,
            )  # its interpreter is not here; or it has two Pythons, each with site-packages of its own
        else:
            python, whose = (asked, _ASKED) if asked else (site, _HERE)
        if python is None:
            waiting.append((distribution, subject))
        else:
            findings += _judge(distribution, subject, python, whose, survives)
    findings += _disagreeing(waiting)
    return findings


def python_of(interpreter: Interpreter | None) -> Python | None:
    """The Python that an interpreter is, as far as modules care."""
    found = Python.parse(interpreter.version) if interpreter else None
    return Python(found.version, interpreter.abiflags, interpreter.implementation) if found and interpreter else None


def _python_of_site(location: str) -> Python | None:
    """The only Python that reads a prefix's site directory, by its path."""
    match = _SITE.search(location)
    return Python.parse(match["version"]) if match else None


def _not_read(environment: Environment, python: Python | None, subject: str) -> Iterator[Finding]:
    """What is installed for a Python that the environment no longer has."""
    unread = {site: [one.title for one in environment.projects if one.location == site] for site in environment.unread_sites}
    everything = sum(map(len, unread.values())) == len(environment.projects)
    for site, titles in unread.items():
        if titles:
            where = os.path.relpath(site, environment.path)
            verb = "lies" if len(titles) == 1 else "lie"
            yield Finding(
                rule=RULE,
                severity="error" if everything else "warning",
                subject=subject,
                distribution=None,
                path=None,
                message=f"{listed(titles, _SHOWN)} {verb} in {where}, where this environment's {python} does not look",
                remedy=f"make the environment anew with {_python_of_site(site)}, or install the packages again with {python}",
            )


def _judge(distribution: Distribution, subject: str, python: Python, whose: str, survives: Survives) -> Iterator[Finding]:
    modules = _modules(distribution)
    tagged = _tagged(modules)
    imports = {tag: python.imports(tag) for tag in {tag for files in tagged.values() for tag in files}}
    unserved = {stem: files for stem, files in tagged.items() if not any(imports[tag] for tag in files)}
    by_tags = distribution.installer not in _NOT_BY_TAGS and not distribution.editable and bool(distribution.tags)
    promised = by_tags and any(python.takes(tag) for tag in distribution.tags)
    if tagged and len(unserved) == len(tagged):
        found = _made_for(unserved)
        message = f"its extension modules ({len(tagged)}) are for {found} only: {python}, {whose}, imports none of them"
        without = survives(_one_of_each(unserved))
        severity, because = _severity(distribution, survives=without, by_tags=by_tags, promised=promised)
        yield _finding(distribution, subject, severity, message + because, python)
    elif by_tags and not promised and modules:
        abis = {one for tag in distribution.tags if (one := python_of_wheel(tag))}
        if abis and not tagged:
            message = f"is compiled for {_and(abis)}, as its wheel's tags say, not for {python}, {whose}"
            yield _finding(distribution, subject, "error", message, python)
        elif unserved:
            found = _made_for(unserved)
            some = f"{len(unserved)} of its {len(tagged)} extension modules {'is' if len(unserved) == 1 else 'are'}"
            message = f"{some} for {found} only, not for {python}, {whose}"
            needed = survives(_one_of_each(unserved)) is False
            yield _finding(distribution, subject, "error" if needed else "warning", message, python)
        elif tagged and all(map(_is_stable, tagged.values())):
            message = f"promises {_promise(distribution)} by its wheel's tags, not for {python}, {whose}"
            yield _finding(distribution, subject, "warning", message, python)


def _severity(distribution: Distribution, *, survives: bool | None, by_tags: bool, promised: bool) -> tuple[Severity, str]:
    """How bad it is that no module is for this Python, and the words that say why."""
    if survives:
        # markupsafe works without its module, slower; but a wheel for another Python does not belong here.
        return ("warning" if by_tags and not promised else "note"), "; its package works without"
    if by_tags and not promised:
        return "error", ""
    if distribution.name is None or survives is None:
        return "note", "; nothing here imports it by that name"
    return ("warning" if promised else "error"), ""


def _is_stable(files: Iterable[str | None]) -> bool:
    return any((tag or "").startswith("abi3") for tag in files)


def _modules(distribution: Distribution) -> _Modules:
    """Extension modules by their path without any suffix: the files of one are for several Pythons."""
    found: _Modules = defaultdict(dict)
    for binary in distribution.binaries:
        if binary.role == "extension" and binary.format != "pe" and not is_test_data(binary.path):
            folder, slash, name = binary.path.rpartition("/")
            found[folder + slash + name.partition(".")[0]].setdefault(extension_tag(name), binary)
    return found


def _tagged(modules: _Modules) -> _Modules:
    """Those of which each file says what it is for."""
    return {stem: files for stem, files in modules.items() if None not in files}


def _one_of_each(modules: _Modules) -> Iterator[Binary]:
    return (next(iter(files.values())) for files in modules.values())


def _wheel(distribution: Distribution, subject: str) -> Iterator[Finding]:
    """Compare a wheel's modules with the one Python, or the few, that its tags name."""
    tagged = _tagged(_modules(distribution))
    for python in sorted({one for tag in distribution.tags if (one := python_of_wheel(tag))}, key=str):
        if tagged and not any(python.imports(tag) for files in tagged.values() for tag in files):
            found = _made_for(tagged)
            message = f"its tags promise {python}, and its modules are for {found} only"
            yield Finding(
                rule=RULE,
                severity="error",
                subject=subject,
                distribution=distribution.name,
                path=None,
                message=message,
                remedy=f"before it is published, build it with {python}, or correct its tags",
            )


def _disagreeing(owned: Sequence[tuple[Distribution, str]]) -> Iterator[Finding]:
    """Where nobody says which Python it will be, all must be for one."""
    fitting: dict[int, set[Python]] = {
        id(distribution): fits for distribution, _ in owned if (fits := _pythons_of(distribution))
    }
    votes = Counter(python for fits in fitting.values() for python in fits)
    if not votes:
        return
    usual = max(votes, key=lambda python: (votes[python], python.version))
    agreeing = [one.title for one, _ in owned if usual in fitting.get(id(one), ())]
    for distribution, subject in owned:
        fits = fitting.get(id(distribution), set())
        if fits and usual not in fits:
            others = f"{listed(agreeing, _SHOWN)} beside it {'are' if len(agreeing) > 1 else 'is'} for {usual}"
            message = f"its modules are for {_and(fits)}, and {others}: no Python has both"
            yield _finding(distribution, subject, "error", message, usual)


def _pythons_of(distribution: Distribution) -> set[Python]:
    """Every Python that has all its modules; empty where they are for more than can be listed."""
    if distribution.name is None or distribution.editable:
        return set()
    found: set[Python] | None = None
    modules = _modules(distribution)
    for files in modules.values():
        pythons = {python_of_module(tag) for tag in files}
        exact = {python for python in pythons if python is not None}
        if exact and None not in pythons:
            found = exact if found is None else found & exact
    if found is None and modules and distribution.installer not in _NOT_BY_TAGS:
        abis = {python_of_wheel(tag) for tag in distribution.tags}
        found = {one for one in abis if one} if None not in abis else None
    return found or set()


def _made_for(modules: _Modules) -> str:
    pythons = [python_of_module(tag) for files in modules.values() for tag in files]
    exact = {python for python in pythons if python}
    return _and(exact) if exact else "Pythons with the GIL (abi3)"


def _promise(distribution: Distribution) -> str:
    return " and ".join(sorted({"-".join(tag.split("-")[:2]) for tag in distribution.tags}))


def _and(pythons: Iterable[Python]) -> str:
    return " and ".join(str(one) for one in sorted(pythons, key=lambda one: (one.version, str(one))))


def _finding(distribution: Distribution, subject: str, severity: Severity, message: str, python: Python) -> Finding:
    return Finding(
        rule=RULE,
        severity=severity,
        subject=subject,
        distribution=distribution.name,
        path=None,
        message=message,
        remedy="none needed" if severity == "note" else f"with {python}: {reinstall(distribution)}",
    )
