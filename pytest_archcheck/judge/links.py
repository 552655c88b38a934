"""Who links to whom, for reports: every linked library of every file, where it was found, and where it was looked for.

Judging keeps only the links that do not hold; this asks the loaders again, for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.machine.target import Target

#: ``found``: a file of the environment, or of this host. ``system``: part of the target's system. ``loaded``: not where the
#: loader looks, but an image of the environment has that name and serves once it is loaded. ``outside``: a place on the target
#: that nobody can look at from here. ``missing``: nowhere. The others name what is wrong with the file that was found.
LinkedStatus = Literal["found", "system", "loaded", "outside", "missing", "wrong-architecture", "damaged"]


class Linked(NamedTuple):
    """One linked library of one file."""

    #: As the file writes it.
    name: str
    #: Whether the file does without it.
    weak: bool
    status: LinkedStatus
    #: The environment's file that serves, or that has the name.
    provider: Binary | None
    #: Where a file outside of the environment lies, or would lie.
    path: str | None
    #: The paths where the loader would look, in its order; only of what is not found there.
    tried: tuple[str, ...]


def links_of(environment: Environment, targets: Iterable[Target]) -> dict[str, tuple[Linked, ...]]:
    """Every file of the environment that a target would load -> its linked libraries, in the file's order."""
    found: dict[str, dict[str, Linked]] = defaultdict(dict)
    for target in targets:
        trace = {"macos": _macho, "linux": _elf}.get(target.system)
        for file, linked in trace(environment, target) if trace else ():
            found[file].setdefault(linked.name, linked)
    return {file: tuple(of_file.values()) for file, of_file in found.items()}


def _macho(environment: Environment, target: Target) -> Iterator[tuple[str, Linked]]:
    from pytest_archcheck.loader.macho_search import MachOSearch

    links = MachOSearch(environment, target)
    for link in links.links():
        resolution = link.resolution
        status: LinkedStatus = "missing" if resolution.status == "absent" else resolution.status
        if status in ("found", "loaded") and not links.serves(resolution, link.piece.architecture):
            status = "wrong-architecture"
        unfound = status not in ("found", "system")
        yield (
            link.binary.file,
            Linked(
                name=link.library.name,
                weak=link.library.kind == "weak",
                status=status,
                provider=resolution.provider,
                path=resolution.path,
                tried=tuple(links.tried(link))[: limits.SHOWN_TRIED] if unfound else (),
            ),
        )


def _elf(environment: Environment, target: Target) -> Iterator[tuple[str, Linked]]:
    from pytest_archcheck.loader.elf_links import link_elf
    from pytest_archcheck.loader.optional import PythonSources

    sources = PythonSources(environment.distributions, environment.python_folders)
    links = link_elf(environment, target, sources)
    broken = {(link.via or link.binary.file, link.name): link for link in links.broken}
    for link in links.all_links():
        asking = link.user.binary
        if asking is None:
            continue
        status: LinkedStatus = "system" if link.status == "assumed" else link.status
        judged = broken.get((asking.file, link.name))
        if judged is not None:
            status = "loaded" if judged.status == "elsewhere" else judged.status
        unfound = status not in ("found", "system")
        yield (
            asking.file,
            Linked(
                name=link.name,
                weak=False,
                status=status,
                provider=link.image.binary if link.image else None,
                path=link.image.path
                if link.image and not link.image.binary
                else link.path or (judged.path if judged else None),
                tried=tuple(links.tried(link))[: limits.SHOWN_TRIED] if unfound else (),
            ),
        )
