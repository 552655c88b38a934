"""Find a symbol the way dyld does: two-level ordinals, re-exports, and flat look-up.

System libraries lie in dyld's shared cache and not on disk: what would be looked up there is said to be unchecked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.binaries.export_trie import ExportTrie
from pytest_archcheck.binaries.model import MachOSlice
from pytest_archcheck.binaries.nlist import (
    DYNAMIC_LOOKUP,
    EXECUTABLE,
    SELF_LIBRARY,
    SymbolsInvalid,
    undefined_symbols,
)
from pytest_archcheck.binaries.source import open_again

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Needs:
    """The symbols that one image needs, weak references apart."""

    image: Image
    #: (name, library ordinal), in the order of its symbol table.
    symbols: tuple[tuple[bytes, int], ...]
    #: Why they are not all.
    problem: str | None = None

    def by_ordinal(self) -> dict[int, list[bytes]]:
        """The names by the library that must have them."""
        names: defaultdict[int, list[bytes]] = defaultdict(list)
        for name, ordinal in self.symbols:
            names[ordinal].append(name)
        return names


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
        #: Each name once: files of one project need the same ones.
        self._names: dict[bytes, bytes] = {}
        self._names_size = 0

    def check(
        self, image: Image, flat: FlatNamespace | None = None, *, ordinals: Collection[int] | None = None
    ) -> SymbolReport:
        """Look up the symbols that an image needs.

        :param flat: what a flat look-up sees; None where that is not known: then those symbols are unchecked.
        :param ordinals: look up only the symbols of these libraries; None for all.
        """
        return self.report(self.needs(image, ordinals), flat)

    def needs(self, image: Image, ordinals: Collection[int] | None = None) -> Needs:
        """Read what an image needs.

        :param ordinals: only from these libraries; None for all.
        """
        symbols: list[tuple[bytes, int]] = []
        kept = self._names
        try:
            with self._opener(image.binary.file) as source:
                for name, ordinal, weak in undefined_symbols(source, image.piece, ordinals):
                    if not weak:
                        symbols.append((kept.get(name) or self._keep(name), ordinal))
        except (SymbolsInvalid, OSError) as error:
            return Needs(image, tuple(symbols), str(error))
        return Needs(image, tuple(symbols))

    def _keep(self, name: bytes) -> bytes:
        self._names_size += len(name)
        if self._names_size > limits.SYMBOL_NAMES_SIZE:
            raise SymbolsInvalid("the names of its symbols take too much room")
        self._names[name] = name
        return name

    def look_up(self, many: Iterable[Needs]) -> None:
        """Look up what several images need of libraries, before they are reported one by one."""
        wanted: dict[_Key, tuple[Image, dict[bytes, None]]] = {}
        for needs in many:
            for ordinal, names in needs.by_ordinal().items():
                provider = self._asked(needs.image, ordinal)
                if provider is not None:
                    wanted.setdefault(provider.key, (provider, {}))[1].update(dict.fromkeys(names))
        for image, together in wanted.values():
            self._find_all(image, together)

    def report(self, needs: Needs, flat: FlatNamespace | None = None) -> SymbolReport:
        """Tell what became of the symbols that an image needs.

        :param flat: what a flat look-up sees; None where that is not known: then those symbols are unchecked.
        """
        self.look_up([needs])
        image = needs.image
        answers: dict[int, Mapping[bytes, Answer]] = {}
        for ordinal, names in needs.by_ordinal().items():
            if ordinal == DYNAMIC_LOOKUP:
                answers[ordinal] = self._find_flat(image, flat, names) if flat else {}
            else:
                provider = self._asked(image, ordinal)
                answers[ordinal] = {} if provider is None else self._known[provider.key]
        missing: list[MissingSymbol] = []
        unchecked: Counter[str] = Counter()
        found = 0
        for name, ordinal in needs.symbols:
            answer = answers[ordinal].get(name, "unchecked")
            if answer == "found":
                found += 1
            elif answer == "unchecked":
                unchecked[_library(image, ordinal)] += 1
            elif len(missing) < limits.MISSING_SYMBOLS:
                missing.append(MissingSymbol(_text(name), _library(image, ordinal)))
        return SymbolReport(tuple(missing), found, dict(unchecked), needs.problem)

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

    def _find(self, image: Image, names: Iterable[bytes], asked: dict[_Key, dict[bytes, Answer]]) -> dict[bytes, Answer]:
        """Look names up in one image and in those that it re-exports.

        :param asked: what was asked of each image on the way here; libraries may re-export each other, and what is asked again
            before it is answered is missing.
        """
        here = asked.setdefault(image.key, {})
        new: dict[bytes, Answer] = {name: "missing" for name in names if name not in here}
        here.update(new)
        if new:
            here.update(self._look_through(image, list(new), asked))
        return {name: here[name] for name in names}

    def _look_through(self, image: Image, names: list[bytes], asked: dict[_Key, dict[bytes, Answer]]) -> dict[bytes, Answer]:
        if image.piece.exports is None or len(asked) > limits.LOADER_CHAIN:
            return dict.fromkeys(names, "unchecked")
        try:
            with self._opener(image.binary.file) as source:
                exports, unknown = ExportTrie(source, image.piece.exports).find_all(names)
        except OSError:
            return dict.fromkeys(names, "unchecked")
        answers: dict[bytes, Answer] = dict.fromkeys(unknown, "unchecked")
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
