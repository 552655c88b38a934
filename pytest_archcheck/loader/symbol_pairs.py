"""Symbols between distributions: what one installed project needs of another one's library.

Files of one distribution were built together, and looking up every symbol of a large environment takes seconds (155,000 of them
in 763 files of two environments were all there). What breaks is an upgrade of one side, so only pairs that cross
distributions are compared.
"""

from __future__ import annotations

from collections import deque
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


class PairReport(NamedTuple):
    """What came of all pairs."""

    broken: tuple[BrokenPair, ...]
    #: How many files were compared with a library of another distribution.
    files: int
    #: Their symbols that were found.
    found: int
    #: File -> why it could not be compared.
    unread: tuple[tuple[Binary, str], ...]


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
    space = SymbolSpace(providers)
    compared: deque[tuple[Needs, dict[int, Binary]]] = deque()
    unread: list[tuple[Binary, str]] = []
    symbols = 0
    for binary, piece in images:
        foreign = _foreign(binary, piece, owner, providers)
        if not foreign:
            continue
        if symbols > limits.PAIRED_SYMBOLS:
            unread.append((binary, "too many symbols of other distributions to look up"))
            continue
        needs = space.needs(Image(binary, piece), foreign)
        symbols += len(needs.ordinals)
        compared.append((needs, foreign))
    space.look_up(needs for needs, _ in compared)
    broken: list[BrokenPair] = []
    files, found = len(compared), 0
    while compared:
        needs, foreign = compared.popleft()
        report = space.report(needs)
        found += report.found
        if report.problem:
            unread.append((needs.image.binary, report.problem))
        for ordinal, provider in foreign.items() if report.missing else ():
            library = needs.image.piece.libraries[ordinal - 1].name
            missing = tuple(symbol.name for symbol in report.missing if symbol.library == library)
            if missing:
                broken.append(BrokenPair(needs.image.binary, provider, library, missing))
    return PairReport(tuple(broken), files, found, tuple(unread))


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
