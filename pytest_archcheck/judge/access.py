"""How judging gets at the bytes of a file: on disk, or inside a wheel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.source import open_again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from pytest_archcheck.binaries.source import Source
    from pytest_archcheck.discover.files import Look
    from pytest_archcheck.judge.while_open import SliceKey
    from pytest_archcheck.loader.signing import Signature
    from pytest_archcheck.machine.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the files of an environment are read when more than their headers is needed."""

    #: Opens a file by :attr:`Binary.file <pytest_archcheck.binaries.model.Binary.file>`.
    opener: Callable[[str], AbstractContextManager[Source]] = open_again
    #: Paths of binaries that are too large for that: their signatures and symbols are not judged.
    partial: frozenset[str] = frozenset()
    #: Compare every page of signed code with its hash, not only the first.
    all_pages: bool = False
    #: The signatures that were read already.
    signatures: Mapping[SliceKey, Signature] = field(default_factory=dict)
    #: Reads them: it is to be shown each file while it is open for its headers.
    look: Look | None = None


ON_DISK = Access()


def on_disk(target: Target, *, all_pages: bool) -> Access:
    """Access to the files of environments that are about to be read, for what a target asks of them."""
    if target.system != "macos":
        return Access(all_pages=all_pages)
    from pytest_archcheck.judge.while_open import WhileOpen

    taken = WhileOpen((target,), all_pages=all_pages)
    return Access(all_pages=all_pages, signatures=taken.signatures, look=taken.take)
