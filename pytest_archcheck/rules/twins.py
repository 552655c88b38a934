"""Files shipped for several machines side by side, one of which is chosen at run time.

``lib/darwin-arm64/x.node`` and ``lib/darwin-x64/x.node``, ``attach_linux_amd64.so`` and ``attach.dylib``, ``cli-64.exe``: such
files are twins if their paths are the same once every word that names a machine is taken out. If one of the twins serves the
target, the others are payload that nobody loads there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_archcheck.binaries.model import Binary

#: Words that name a system, an architecture or a binary format, as they occur between separators in real paths.
_SYSTEM_WORDS = {
    "macos": "macos", "macosx": "macos", "mac": "macos", "osx": "macos", "darwin": "macos", "apple": "macos",
    "linux": "linux", "linux32": "linux", "linux64": "linux", "manylinux": "linux", "musllinux": "linux", "gnu": "linux",
    "glibc": "linux", "musl": "linux", "gnueabihf": "linux", "android": "android", "ios": "ios", "iphoneos": "ios",
    "iphonesimulator": "ios", "simulator": "ios", "win": "windows", "win32": "windows", "win64": "windows",
    "windows": "windows", "msvc": "windows", "freebsd": "freebsd",
}  # fmt: skip
#: The same for processors; ``32`` and ``64`` alone may also be somebody's version of a thing.
_PROCESSOR_WORDS = frozenset(
    """
    arm arm64 arm64e aarch64 armv6 armv7 armv7l armhf armeabi v7a v8a x64 x86 x86_64 x86-64 i386 i486 i586 i686 i32 i64 ia32
    amd64 intel universal universal2 fat fat3 oldsdk ppc ppc64 ppc64le s390x riscv64 m1 pc unknown
    """.split()
)
_WIDTHS_AND_SUFFIXES = frozenset({"32", "64", "32bit", "64bit", "so", "dylib", "dll", "exe", "node", "pyd", "bundle"})
_MACHINE_WORDS = _SYSTEM_WORDS.keys() | _PROCESSOR_WORDS | _WIDTHS_AND_SUFFIXES
#: x86_64 holds a separator itself, so it is taken as one word first.
_WORD = re.compile(r"x86[_-]64|[A-Za-z]+\d*[A-Za-z]*|\d+(?:bit)?")
#: Folders named for what drives graphics cards, which macOS has not: ``lib/cuda/libx.so``.
_CARDS = frozenset({"cuda", "rocm", "hip"})
#: ``libx.dylib``, ``libx.dylib-old``, ``libx.dylib.bak``.
_DYLIB = re.compile(r"\.dylib\b[^/]*\Z")


def twin_key(path: str) -> str:
    """The path without the words that name a machine, ``lib`` prefixes and separators."""
    folder, slash, name = path.lower().rpartition("/")
    # A tool that merges wheels splits _f.cpython-311-darwin.so into _f/arm64.cpython-311-darwin.so and its like: mediapipe.
    if slash and all(word in _MACHINE_WORDS for word in _WORD.findall(name.partition(".")[0])):
        slash = "-"
    parts = []
    for part in f"{folder}{slash}{name}".split("/"):
        words = [word for word in _WORD.findall(part) if word not in _MACHINE_WORDS]
        if words:
            words[0] = words[0].removeprefix("lib") or words[0]
            parts.append(" ".join(words))
    return "/".join(parts)


def systems_named(path: str) -> set[str]:
    """The operating systems that the path's words name, or else its suffix."""
    named = {_SYSTEM_WORDS[word] for word in _WORD.findall(path.lower()) if word in _SYSTEM_WORDS}
    if not named and not _CARDS.isdisjoint(path.lower().split("/")[:-1]):
        return {"linux", "windows"}
    return named or ({"macos"} if _DYLIB.search(path) else set())


_INTEL = ("x86_64", "i386", "i686")
#: Words for the architectures of files, as they name folders.
_ARCHITECTURES = {
    "arm64": ("arm64", "aarch64"), "aarch64": ("arm64", "aarch64"), "armhf": ("armv7l",), "armv7l": ("armv7l",),
    "x64": ("x86_64",), "x86_64": ("x86_64",), "x86-64": ("x86_64",), "amd64": ("x86_64",), "intel": ("x86_64", "i386"),
    "x86": ("i386", "i686"), "i386": ("i386", "i686"), "i686": ("i686",), "ppc64le": ("ppc64le",), "s390x": ("s390x",),
    "riscv64": ("riscv64",),
    # Named for instructions that one family of processors has: ctransformers' ``lib/avx2``.
    "sse2": _INTEL, "sse3": _INTEL, "sse4": _INTEL, "avx": _INTEL, "avx2": _INTEL, "avx512": _INTEL,
}  # fmt: skip


def architectures_named(folder: str) -> set[str]:
    """The architectures of files that a folder's words name: ``tools/x64`` is for x86_64."""
    words = (word for word in _WORD.findall(folder.lower()) if word in _ARCHITECTURES)
    return {name for word in words for name in _ARCHITECTURES[word]}


def _systems_and_processors(path: str) -> list[str]:
    return [word for word in _WORD.findall(path.lower()) if word in _SYSTEM_WORDS or word in _PROCESSOR_WORDS]


def serving_twins(binaries: Sequence[Binary], serves: Callable[[Binary], bool]) -> Callable[[Binary], Binary | None]:
    """Return a function that gives, for a binary that does not serve the target, a twin in the same distribution that does."""
    beside = _Twins(serves, lambda: ((twin_key(binary.path), binary) for binary in binaries))
    # ``raspberry-pi/cortex-a53/libx.so`` beside ``mac/arm64/libx.dylib``: not all boards have a word in the lists above. So
    # what lies in a folder that is named after a system is known by its name alone.
    by_name = _Twins(
        serves,
        lambda: (
            (twin_key(name), binary)
            for binary, (folder, _, name) in ((one, one.path.rpartition("/")) for one in binaries)
            if systems_named(folder)
        ),
    )

    def twin(binary: Binary) -> Binary | None:
        for other in beside.serving(twin_key(binary.path)):
            # ``_hash_32.so`` and ``_hash_64.so`` are two modules, not one for two machines; ``_x.so`` and ``libx.dylib`` too.
            if binary.role != "extension" or _kind(other) != _kind(binary):
                return other
        others = by_name.serving(twin_key(binary.path.rpartition("/")[2]))
        return next((other for other in others if other.format != binary.format), None)

    return twin


def _kind(binary: Binary) -> tuple[str, tuple[str, ...]]:
    return binary.format, tuple(_systems_and_processors(binary.path))


class _Twins:
    """Binaries by a key; nearly always nobody asks."""

    def __init__(self, serves: Callable[[Binary], bool], keyed: Callable[[], Iterable[tuple[str, Binary]]]) -> None:
        self._serves = serves
        self._keyed = keyed
        self._all: dict[str, list[Binary]] | None = None
        self._serving: dict[str, list[Binary]] = {}

    def serving(self, key: str) -> list[Binary]:
        """Those that serve the target, the first of each kind: whoever may not be replaced by one may by the next."""
        if self._all is None:
            self._all = defaultdict(list)
            for one, binary in self._keyed():
                self._all[one].append(binary)
        if key not in self._serving:
            kinds: dict[tuple[str, tuple[str, ...]], Binary] = {}
            for binary in filter(self._serves, self._all.get(key, ())):
                kinds.setdefault(_kind(binary), binary)
            self._serving[key] = list(kinds.values())
        return self._serving[key]
