"""Find a symbol the way dyld does: two-level ordinals, re-exports, and flat look-up.

System libraries lie in dyld's shared cache and not on disk: what would be looked up there is said to be unchecked.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import compress, islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.binaries.export_trie import ExportTrie
from pytest_archcheck.binaries.model import MachOSlice
from pytest_archcheck.binaries.nlist import (
    DYNAMIC_LOOKUP,
    EXECUTABLE,
    SELF_LIBRARY,
    STRONG,
    SymbolsInvalid,
    names_for_others,
    undefined_runs,
)
from pytest_archcheck.binaries.source import open_again

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_archcheck.binaries.model import Binary
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
_MH_DYLIB = 6
_NLIST_SIZE = 16  # sizeof(struct nlist_64)
#: Symbols of a library for each that is looked up in it, up to which it is worth to take the names of all: its linker has put
#: the same ones into the export trie, where a name takes twenty times as long.
_MANY = 16
#: Names that are taken in at once: together they take no more room than a few of the longest.
_AT_ONCE = 512


class Image(NamedTuple):
    """One slice of one file, as a process would hold it."""

    binary: Binary
    piece: MachOSlice

    @property
    def key(self) -> _Key:
        """What tells images apart."""
        return self.binary.file, self.piece.architecture


def image_of(binary: Binary, architecture: str) -> Image | None:
    """The slice of that architecture, None where the file has none."""
    for piece in binary.slices:
        if isinstance(piece, MachOSlice) and piece.architecture == architecture:
            return Image(binary, piece)
    return None


class FlatNamespace(NamedTuple):
    """What is known of the images that a flat look-up searches."""

    images: tuple[Image, ...]
    #: Tells the names that only these images could offer: any other may come from the system or from the interpreter.
    owns: Callable[[bytes], bool]


class MissingSymbol(NamedTuple):
    """A symbol that is proven to be missing."""

    name: str
    #: Install name of the library that should have it, or :data:`FLAT`.
    library: str


class SymbolReport(NamedTuple):
    """What became of the symbols that one image needs."""

    missing: tuple[MissingSymbol, ...]
    #: How many were found.
    found: int
    #: Library -> how many of its symbols could not be looked up (system libraries, the program).
    unchecked: dict[str, int]
    #: Why the image's own symbol table could not be read (to its end).
    problem: str | None = None


class Needs(NamedTuple):
    """The symbols that one image needs, weak references apart."""

    image: Image
    #: The names by the ordinal of the library that must have them.
    by_ordinal: dict[int, list[bytes]]
    #: The ordinal of each in the order of its symbol table.
    ordinals: bytes
    #: Why they are not all.
    problem: str | None = None

    def in_order(self) -> Iterator[tuple[bytes, int]]:
        """Names and ordinals in the order of its symbol table."""
        names = {ordinal: iter(names) for ordinal, names in self.by_ordinal.items()}
        return ((next(names[ordinal]), ordinal) for ordinal in self.ordinals)


class SymbolSpace:
    """Answers where symbols are. What is asked together is looked up together: each library is read once.

    :param providers: for an image, who serves each of its linked libraries: aligned with ``slice.libraries``. It must say None
        where that is not certain.
    :param opener: opens a file by its path.
    """

    def __init__(
        self,
        providers: Callable[[Binary, MachOSlice], Sequence[Provider]],
        opener: Callable[[str], AbstractContextManager[Source]] = open_again,
    ) -> None:
        self._providers = providers
        self._opener = opener
        self._served: dict[_Key, list[Image | None]] = {}
        self._known: dict[_Key, dict[bytes, Answer]] = {}
        #: Bytes of all names that were read.
        self._names_size = 0

    def check(
        self, image: Image, flat: FlatNamespace | None = None, *, ordinals: Collection[int] | None = None
    ) -> SymbolReport:
        """Look up the symbols that an image needs.

        :param flat: what a flat look-up sees; None where that is not known: then those symbols are unchecked.
        :param ordinals: look up only the symbols of these libraries; None for all.
        """
        needs = self.needs(image, ordinals)
        self.look_up([needs])
        return self.report(needs, flat)

    def needs(self, image: Image, ordinals: Collection[int] | None = None) -> Needs:
        """Read what an image needs.

        :param ordinals: only from these libraries; None for all.
        """
        names: list[bytes] = []
        libraries = bytearray()
        problem = None
        try:
            with self._opener(image.binary.file) as source:
                for run in undefined_runs(source, image.piece, ordinals):
                    strong = run.descriptions.translate(STRONG)
                    libraries += bytes(compress(run.ordinals, strong))
                    left = compress(run.names, strong)
                    while some := list(islice(left, _AT_ONCE)):
                        self._count(some)
                        names += some
        except (SymbolsInvalid, OSError) as error:
            problem = str(error)
        known = bytes(libraries[: len(names)])
        by_ordinal = {ordinal: list(compress(names, map(ordinal.__eq__, known))) for ordinal in sorted(set(known))}
        return Needs(image, by_ordinal, known, problem)

    def _count(self, names: list[bytes]) -> None:
        self._names_size += sum(map(len, names))
        if self._names_size > limits.SYMBOL_NAMES_SIZE:
            raise SymbolsInvalid("the names of its symbols take too much room")

    def look_up(self, many: Iterable[Needs]) -> None:
        """Look up what several images need of libraries; then each can be reported."""
        wanted: dict[_Key, tuple[Image, list[bytes]]] = {}
        for needs in many:
            for ordinal, names in needs.by_ordinal.items():
                provider = self._asked(needs.image, ordinal)
                if provider is not None:
                    wanted.setdefault(provider.key, (provider, []))[1].extend(names)
        while wanted:
            _, (image, together) = wanted.popitem()
            self._find_all(image, dict.fromkeys(together))

    def report(self, needs: Needs, flat: FlatNamespace | None = None) -> SymbolReport:
        """Tell what became of the symbols that an image needs, once they were looked up.

        :param flat: what a flat look-up sees; None where that is not known: then those symbols are unchecked.
        """
        image = needs.image
        found = 0
        unchecked: dict[str, int] = {}
        missing: set[tuple[bytes, int]] = set()
        for ordinal, names in needs.by_ordinal.items():
            if ordinal == DYNAMIC_LOOKUP:
                known = self._find_flat(image, flat, names) if flat else {}
            else:
                provider = self._asked(image, ordinal)
                known = {} if provider is None else self._known[provider.key]
            answers = list(map(known.get, names))
            found += answers.count("found")
            if "missing" in answers:
                missing.update((name, ordinal) for name, answer in zip(names, answers, strict=True) if answer == "missing")
            if left := answers.count("unchecked") + answers.count(None):
                unchecked[_library(image, ordinal)] = left
        first = islice((entry for entry in needs.in_order() if entry in missing), limits.MISSING_SYMBOLS) if missing else ()
        told = (MissingSymbol(_text(name), _library(image, ordinal)) for name, ordinal in first)
        return SymbolReport(tuple(told), found, unchecked, needs.problem)

    def _asked(self, image: Image, ordinal: int) -> Image | None:
        """The image that must have a symbol of that ordinal; None where nobody can be asked."""
        if ordinal == SELF_LIBRARY:
            return image
        if ordinal in (DYNAMIC_LOOKUP, EXECUTABLE) or len(image.piece.libraries) > _MAX_ORDINAL:
            return None
        return self._provider(image, ordinal)

    def _find_flat(self, image: Image, flat: FlatNamespace, names: Iterable[bytes]) -> dict[bytes, Answer]:
        answers: dict[bytes, Answer] = {}
        left = dict.fromkeys(names)
        for other in (image, *flat.images):
            if left:
                here = self._find_all(other, left)
                answers.update({name: "found" for name in left if here[name] == "found"})
                left = dict.fromkeys(name for name in left if name not in answers)
        return answers | {name: "missing" if flat.owns(name) else "unchecked" for name in left}

    def _find_all(self, image: Image, names: Iterable[bytes]) -> Mapping[bytes, Answer]:
        """Look names up in what one image offers, its re-exports included; they are among the answers."""
        known = self._known.setdefault(image.key, {})
        left = [name for name in names if name not in known]
        if left:
            known.update(self._find(image, left, {}))
        return known

    def _find(self, image: Image, names: Iterable[bytes], asked: dict[_Key, dict[bytes, Answer]]) -> Mapping[bytes, Answer]:
        """Look names up in one image and in those that it re-exports; they are among the answers.

        :param asked: what was asked of each image on the way here; libraries may re-export each other, and what is asked again
            before it is answered is missing.
        """
        here = asked.setdefault(image.key, {})
        new = [name for name in names if name not in here]
        if new:
            here.update(dict.fromkeys(new, "missing"))
            here.update(self._look_through(image, new, asked))
        return here

    def _look_through(self, image: Image, names: list[bytes], asked: dict[_Key, dict[bytes, Answer]]) -> dict[bytes, Answer]:
        if image.piece.exports is None or len(asked) > limits.LOADER_CHAIN:
            return dict.fromkeys(names, "unchecked")
        answers: dict[bytes, Answer] = {}
        try:
            with self._opener(image.binary.file) as source:
                if len(names) * _MANY > _symbols_in(image.piece) and (own := names_for_others(source, image.piece)):
                    answers.update(dict.fromkeys(set(names).intersection(own), "found"))
                    del own  # thousands of names
                    names = [name for name in names if name not in answers]
                exports, unknown = ExportTrie(source, image.piece.exports).find_all(names)
        except OSError:
            return dict.fromkeys(names, "unchecked")
        answers.update(dict.fromkeys(unknown, "unchecked"))
        elsewhere: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        for name, export in exports.items():
            if export.ordinal is None:
                answers[name] = "found"
            else:
                elsewhere[export.ordinal][name] = export.name or name
        for ordinal, others in elsewhere.items():
            there = self._find_in(image, ordinal, list(dict.fromkeys(others.values())), asked)
            answers.update((name, there[other]) for name, other in others.items())
        left = [name for name in names if name not in answers]
        answers.update(dict.fromkeys(left, "missing"))
        for ordinal, library in enumerate(image.piece.libraries, 1):
            if left and library.kind == "reexport":
                there = self._find_in(image, ordinal, left, asked)
                answers.update((name, there[name]) for name in left if there[name] != "missing")
                left = [name for name in left if there[name] != "found"]
        return answers

    def _find_in(
        self, image: Image, ordinal: int, names: list[bytes], asked: dict[_Key, dict[bytes, Answer]]
    ) -> Mapping[bytes, Answer]:
        provider = self._provider(image, ordinal)
        return dict.fromkeys(names, "unchecked") if provider is None else self._find(provider, names, asked)

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


def _symbols_in(piece: MachOSlice) -> int:
    """How many symbols the table of a library has; more than anybody wants where what it tells is not sure."""
    if piece.symbol_table is None or piece.filetype != _MH_DYLIB:
        return sys.maxsize
    return piece.symbol_table.symbols.size // _NLIST_SIZE


def _library(image: Image, ordinal: int) -> str:
    """What a symbol's library is called."""
    if ordinal == DYNAMIC_LOOKUP:
        return FLAT
    if ordinal == EXECUTABLE:
        return PROGRAM
    if ordinal == SELF_LIBRARY:
        return image.binary.path
    if ordinal > len(image.piece.libraries):
        return f"library {ordinal}"
    return image.piece.libraries[ordinal - 1].name


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
