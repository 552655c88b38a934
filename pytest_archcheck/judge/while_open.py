"""What judging needs of a file beyond its headers, taken while it is open for these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.binaries.model import MachOSlice
from pytest_archcheck.loader.signing import read_signature
from pytest_archcheck.rules.signing import needs_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.binaries.source import Source
    from pytest_archcheck.loader.signing import Signature
    from pytest_archcheck.machine.target import Target

#: Of a slice: the folder and path of its file, and where it begins there.
SliceKey = tuple[str, str, int]


class WhileOpen:
    """What rules need of a file beyond its headers, taken while these are read: so it is opened, or inflated, once.

    A signature lies at the end of its slice. Only a macOS target asks for it, and only of code for arm64: of all other files no
    more is read than headers take.
    """

    def __init__(self, targets: Sequence[Target], *, all_pages: bool) -> None:
        """Take the machines that files are judged for, where these are known before a file is open."""
        self.signatures: dict[SliceKey, Signature] = {}
        self._targets = targets
        self._all_pages = all_pages

    def take(self, binary: Binary, source: Source, head: bytes = b"", promised: Sequence[Target] = ()) -> None:
        """Look at one binary.

        :param head: the first bytes of the file, where they are at hand.
        :param promised: the machines that its wheel promises: it is judged for them where no other is known.
        """
        for piece in binary.slices:
            if isinstance(piece, MachOSlice) and any(
                needs_signature(binary, piece, target) for target in self._targets or promised
            ):
                begin = piece.extent.offset
                front = source.read(begin, len(head)) if begin else head
                signature = read_signature(source, piece, front, all_pages=self._all_pages)
                self.signatures[binary.location, binary.path, begin] = signature
