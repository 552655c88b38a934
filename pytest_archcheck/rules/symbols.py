"""Rule ``missing-symbol``: a file needs what the library of another distribution does not offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.remedies import update
from pytest_archcheck.rules.words import and_others, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.loader.symbol_pairs import BrokenPair


def judge_pairs(
    distribution: Distribution, subject: str, pairs: Iterable[BrokenPair], owner: Callable[[Binary], Distribution | None]
) -> Iterator[Finding]:
    """Judge the broken pairs of one distribution's files."""
    for pair in pairs:
        other = owner(pair.provider)
        title = other.title if other is not None and other.name is not None else "the file there"
        names = [owned.name for owned in (distribution, other) if owned is not None and owned.name is not None]
        yield Finding(
            rule="missing-symbol",
            severity="error",
            subject=subject,
            distribution=distribution.name,
            path=pair.binary.path,
            message=f"needs the symbol {shortened(pair.missing[0])}{and_others(len(pair.missing) - 1)} of {pair.library}, "
            f"which {title} does not offer",
            remedy=f"install versions that were built for each other: {update(distribution, names)}",
        )
