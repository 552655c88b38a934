"""Find a symbol the way dyld does: two-level ordinals, re-exports, and flat look-up.

System libraries lie in dyld's shared cache and not on disk: what would be looked up there is said to be unchecked.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.binaries.export_trie import ExportTrie, TrieInvalid
from pytest_archcheck.binaries.model import MachOSlice
from pytest_archcheck.binaries.nlist import (
    DYNAMIC_LOOKUP,
    EXECUTABLE,
    SELF_LIBRARY,
    SymbolsInvalid,
    UndefinedSymbol,
    undefined_symbols,
)
from pytest_archcheck.binaries.source import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from contextlib import AbstractContextManager

    from pytest_archcheck.binaries.model import Binary, Extent
    from pytest_archcheck.binaries.source import Source

#: Who serves a linked library: a file of the environment, the system, or nobody that is known.
Provider: TypeAlias = "Binary | Literal['system'] | None"
Answer = Literal["found", "missing", "unchecked"]

#: Path and architecture of an image.
_Key: TypeAlias = "tuple[str, str]"

#: What the ordinal of a flat look-up and of the program are called where counts are reported by library.
FLAT = "flat namespace"
PROGRAM = "the program"
#: GET_LIBRARY_ORDINAL has room for so many libraries; with more of them the symbol table cannot tell which one is meant.
_MAX_ORDINAL = 0xFD


@dataclass(frozen=True, slots=True)
class Image:
    """One slice of one file, as a process would hold it."""

    binary: Binary
    piece: MachOSlice
    #: What tells images apart, made once: it is asked for with every symbol.
    key: _Key = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.binary.file, self.piece.architecture))


def image_of(binary: Binary, architecture: str) -> Image | None:
    """The slice of that architecture, None where the file has none."""
    for piece in binary.slices:
        if isinstance(piece, MachOSlice) and piece.architecture == architecture:
            return Image(binary, piece)
    return None


@dataclass(frozen=True, slots=True)
class FlatNamespace:
    """What is known of the images that a flat look-up searches."""

    images: tuple[Image, ...]
    #: Tells the names that only these images could offer: any other may come from the system or from the interpreter.
    owns: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class MissingSymbol:
    """A symbol that is proven to be missing."""

    name: str
    #: Install name of the library that should have it, or :data:`FLAT`.
    library: str


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """What became of the symbols that one image needs."""

    missing: tuple[MissingSymbol, ...]
    #: How many were found.
    found: int
    #: Library -> how many of its symbols could not be looked up (system libraries, the program).
    unchecked: dict[str, int]
    #: Why the image's own symbol table could not be read (to its end).
    problem: str | None = None


class SymbolSpace:
    """Answers where symbols are. A context manager: it holds files open.

    :param providers: for an image, who serves each of its linked libraries: aligned with ``slice.libraries``. It must say None
        where that is not certain.
    :param opener: opens a file by its path.
    """

    def __init__(
        self,
        providers: Callable[[Binary, MachOSlice], Sequence[Provider]],
        opener: Callable[[str], AbstractContextManager[Source]] = open_file,
    ) -> None:
        self._providers = providers
        self._opener = opener
        self._tries: dict[_Key, tuple[ExportTrie, ExitStack]] = {}
        self._served: dict[_Key, list[Image | None]] = {}
        self._known: dict[tuple[_Key, bytes], Answer] = {}

    def __enter__(self) -> SymbolSpace:  # noqa: PYI034 - typing.Self is younger than Python 3.10
        return self

    def __exit__(self, *_error: object) -> None:
        while self._tries:
            self._forget_oldest()

    def check(self, image: Image, flat: FlatNamespace | None = None, *, ordinals: Container[int] | None = None) -> SymbolReport:
        """Look up the symbols that an image needs.

        :param flat: what a flat look-up sees; None where that is not known: then those symbols are unchecked.
        :param ordinals: look up only the symbols of these libraries; None for all.
        """
        missing: list[MissingSymbol] = []
        unchecked: Counter[str] = Counter()
        found = 0
        deadline = time.monotonic() + limits.IMAGE_SECONDS
        problem = None
        try:
            with self._opener(image.binary.file) as source:
                for symbol in undefined_symbols(source, image.piece, ordinals):
                    if symbol.weak:
                        continue
                    library, answer = self._answer(image, symbol, flat)
                    if answer == "found":
                        found += 1
                    elif answer == "unchecked":
                        unchecked[library] += 1
                    else:
                        missing.append(MissingSymbol(_text(symbol.name), library))
                        if len(missing) == limits.MISSING_SYMBOLS:
                            break
                    if time.monotonic() > deadline:
                        problem = "looking up its symbols takes too long"
                        break
        except (SymbolsInvalid, OSError) as error:
            problem = str(error)
        return SymbolReport(tuple(missing), found, dict(unchecked), problem)

    def find(self, image: Image, name: bytes) -> Answer:
        """Look a name up in what one image offers, its re-exports included."""
        answer = self._known.get((image.key, name))
        if answer is None:
            if len(self._known) >= limits.REMEMBERED_ANSWERS:
                self._known.clear()
            answer = self._known[image.key, name] = self._find(image, name, set())
        return answer

    def _answer(self, image: Image, symbol: UndefinedSymbol, flat: FlatNamespace | None) -> tuple[str, Answer]:
        """Where the symbol was looked up, and what came of it."""
        libraries = image.piece.libraries
        if symbol.ordinal == DYNAMIC_LOOKUP:
            return FLAT, "unchecked" if flat is None else self._find_flat(image, flat, symbol.name)
        if symbol.ordinal == EXECUTABLE:
            return PROGRAM, "unchecked"
        if symbol.ordinal == SELF_LIBRARY:
            return image.binary.path, self.find(image, symbol.name)
        if symbol.ordinal > len(libraries):
            return f"library {symbol.ordinal}", "unchecked"
        library = libraries[symbol.ordinal - 1].name
        if len(libraries) > _MAX_ORDINAL:
            return library, "unchecked"
        provider = self._provider(image, symbol.ordinal)
        return library, "unchecked" if provider is None else self.find(provider, symbol.name)

    def _find_flat(self, image: Image, flat: FlatNamespace, name: bytes) -> Answer:
        if any(self.find(other, name) == "found" for other in (image, *flat.images)):
            return "found"
        return "missing" if flat.owns(name) else "unchecked"

    def _find(self, image: Image, name: bytes, seen: set[tuple[_Key, bytes]]) -> Answer:
        if (image.key, name) in seen:
            return "missing"
        seen.add((image.key, name))
        if image.piece.exports is None:
            return "unchecked"
        try:
            export = self._trie(image, image.piece.exports).find(name)
        except (TrieInvalid, OSError):
            return "unchecked"
        if export is not None:
            return "found" if export.ordinal is None else self._find_in(image, export.ordinal, export.name or name, seen)
        answer: Answer = "missing"
        for ordinal, library in enumerate(image.piece.libraries, 1):
            if library.kind == "reexport":
                elsewhere = self._find_in(image, ordinal, name, seen)
                if elsewhere == "found":
                    return "found"
                if elsewhere == "unchecked":
                    answer = "unchecked"
        return answer

    def _find_in(self, image: Image, ordinal: int, name: bytes, seen: set[tuple[_Key, bytes]]) -> Answer:
        provider = self._provider(image, ordinal)
        return "unchecked" if provider is None else self._find(provider, name, seen)

    def _provider(self, image: Image, ordinal: int) -> Image | None:
        """The image that serves the library of that ordinal; that it is missing would be another finding's concern."""
        served = self._served.get(image.key)
        if served is None:
            architecture = image.piece.architecture
            served = self._served[image.key] = [
                None if provider is None or provider == "system" else image_of(provider, architecture)
                for provider in self._providers(image.binary, image.piece)
            ]
        return served[ordinal - 1] if 0 < ordinal <= len(served) else None

    def _trie(self, image: Image, extent: Extent) -> ExportTrie:
        """Open an image's trie, or take it from the few that are kept open; the one used longest ago makes room."""
        kept = self._tries.pop(image.key, None)
        if kept is None:
            if len(self._tries) >= limits.OPEN_TRIES:
                self._forget_oldest()
            stack = ExitStack()
            kept = ExportTrie(stack.enter_context(self._opener(image.binary.file)), extent), stack
        self._tries[image.key] = kept
        return kept[0]

    def _forget_oldest(self) -> None:
        _, stack = self._tries.pop(next(iter(self._tries)))
        stack.close()


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
