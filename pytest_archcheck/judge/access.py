"""How judging gets at the bytes of a file: on disk, or inside a wheel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.source import open_again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from pytest_archcheck.binaries.source import Source
    from pytest_archcheck.loader.signing import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the files of an environment are read when more than their headers is needed."""

    #: Opens a file by :attr:`Binary.file <pytest_archcheck.binaries.model.Binary.file>`.
    opener: Callable[[str], AbstractContextManager[Source]] = open_again
    #: Paths of binaries that are too large for that: their signatures and symbols are not judged.
    partial: frozenset[str] = frozenset()
    #: Compare every page of signed code with its hash, not only the first.
    all_pages: bool = False
    #: Path of a binary, offset of a slice -> its signature, where that was read already.
    signatures: Mapping[tuple[str, int], Signature] = field(default_factory=dict)


ON_DISK = Access()
