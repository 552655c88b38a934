"""Symbols between distributions: what one installed project needs of another one's library.

Files of one distribution were built together, and looking up every symbol of a large environment takes seconds (155,000 of them
in 763 files of two environments were all there). What breaks is an upgrade of one side, so only pairs that cross
distributions are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.loader.macho_symbols import Image, Needs, SymbolSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_archcheck.binaries.model import Binary, MachOSlice
    from pytest_archcheck.loader.macho_symbols import Provider


class BrokenPair(NamedTuple):
    """A file and a library of another distribution that do not fit."""

    binary: Binary
    provider: Binary
    #: Install name by which the file links the library.
    library: str
    #: The symbols that the library does not offer, never empty.
    missing: tuple[str, ...]


@dataclass(slots=True)
class PairReport:
    """What came of all pairs."""

    broken: list[BrokenPair] = field(default_factory=list)
    #: How many files were compared with a library of another distribution.
    files: int = 0
    #: Their symbols that were found.
    found: int = 0
    #: Files, and why they could not be compared.
    unread: list[tuple[Binary, str]] = field(default_factory=list)


class _Pair(NamedTuple):
    """What a file needs, and the libraries of other distributions that must have it, by ordinal."""

    needs: Needs
    foreign: dict[int, Binary]


def check_pairs(
    images: Iterable[tuple[Binary, MachOSlice]],
    owner: Callable[[Binary], str | None],
    providers: Callable[[Binary, MachOSlice], Sequence[Provider]],
) -> PairReport:
    """Compare every file with the libraries of other distributions that it links to.

    :param images: files that get loaded or run, each with its slice of one architecture.
    :param owner: the distribution of a file; None for files that nobody owns, which are compared with nothing.
    :param providers: who serves each linked library, None where that is not certain; see :class:`SymbolSpace`.
    """
    report = PairReport()
    waiting: list[_Pair] = []
    symbols = held = 0
    space = SymbolSpace(providers)
    for binary, piece in images:
        foreign = _foreign(binary, piece, owner, providers)
        if not foreign:
            continue
        if symbols > limits.PAIRED_SYMBOLS:
            report.unread.append((binary, "too many symbols of other distributions to look up"))
            continue
        if held > limits.PAIRED_AT_ONCE:
            _settle(waiting, space, report)
            space, waiting, held = SymbolSpace(providers), [], 0
        waiting.append(_Pair(space.needs(Image(binary, piece), foreign), foreign))
        symbols += len(waiting[-1].needs.ordinals)
        held += len(waiting[-1].needs.ordinals)
    _settle(waiting, space, report)
    return report


def _settle(pairs: Sequence[_Pair], space: SymbolSpace, report: PairReport) -> None:
    """Look up what some files need, and report them: a library that several of them link to is read once."""
    space.look_up(needs for needs, _ in pairs)
    report.files += len(pairs)
    for needs, foreign in pairs:
        answer = space.report(needs)
        report.found += answer.found
        if answer.problem:
            report.unread.append((needs.image.binary, answer.problem))
        for ordinal, provider in foreign.items() if answer.missing else ():
            library = needs.image.piece.libraries[ordinal - 1].name
            missing = tuple(symbol.name for symbol in answer.missing if symbol.library == library)
            if missing:
                report.broken.append(BrokenPair(needs.image.binary, provider, library, missing))


def _foreign(
    binary: Binary,
    piece: MachOSlice,
    owner: Callable[[Binary], str | None],
    providers: Callable[[Binary, MachOSlice], Sequence[Provider]],
) -> dict[int, Binary]:
    """The libraries of other distributions by their ordinal."""
    own = owner(binary)
    if own is None:
        return {}
    foreign = {}
    for ordinal, provider in enumerate(providers(binary, piece), 1):
        if provider is None or provider == "system":
            continue
        other = owner(provider)
        if other is not None and other != own:
            foreign[ordinal] = provider
    return foreign
