"""What the name of a wheel says before anybody opens it: enough to collect its check, and to say what it promises."""

from __future__ import annotations

import functools
import os
import re
from typing import NamedTuple

from pytest_archcheck.machine.target import Target  # noqa: TC001 - users ask for the types of what an inspection holds
from pytest_archcheck.machine.wheel_tags import tags_in, wheel_targets

#: What a normalised name has one dash for (PEP 503).
_RUNS = re.compile(r"[-_.]+")
#: What the files of a wheel for a system are, for ``-k``.
_FORMATS = {"macos": "mach-o", "linux": "elf", "windows": "pe"}
#: A folder that is named by a hash. So much of its name tells it from others.
_HASH, _SHOWN = re.compile(r"[0-9a-f]{32,}"), 12


class WheelFile(NamedTuple):
    """A wheel that has not been opened yet. There may be ten thousand: what else its name says is worked out when asked for."""

    #: The folder that was looked through, absolute: one string for all that lie below it.
    root: str
    #: What its check is called.
    label: str
    #: Where it lies below that folder, with ``/``; None: where its label says.
    place: str | None = None

    @property
    def path(self) -> str:
        """Absolute."""
        return os.path.join(self.root, *self._place.split("/"))

    @property
    def title(self) -> str:
        """What a reader calls it: ``numpy 2.0.2 (wheel)``."""
        name, version, *rest = f"{self._stem}-".split("-", 5)
        return f"{_RUNS.sub('-', name).lower()} {version} (wheel)" if len(rest) > 3 else f"{self.label} (wheel)"

    @property
    def targets(self) -> tuple[Target, ...]:
        """The machines that its name promises, by which installers choose."""
        return _promised(self._tag)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Words for ``-k``: the formats and architectures that its name promises."""
        return _words(self._tag)

    def called(self, label: str) -> WheelFile:
        """The same with another label."""
        return self if label == self.label else WheelFile(self.root, label, self._place)

    @property
    def _place(self) -> str:
        return f"{self.label}.whl" if self.place is None else self.place

    @property
    def _stem(self) -> str:
        if self.place is None:
            return self.label.rpartition("/")[2]
        return self.place.rpartition("/")[2].removesuffix(".whl")

    @property
    def _tag(self) -> str:
        stem = self._stem
        before, *tags = stem.rsplit("-", 3)
        return stem[len(before) + 1 :] if len(tags) == 3 else stem


def wheel_file(path: str) -> WheelFile:
    """Name a wheel by its file's name."""
    folder, name = os.path.split(os.path.abspath(path))
    return wheel_below(folder, name)


def wheel_below(root: str, place: str) -> WheelFile:
    """A wheel by its path below a folder that is absolute: its label depends on nothing that lies beside it."""
    label = label_of(place)
    return WheelFile(root, label, None if place == f"{label}.whl" else place)


def label_of(place: str) -> str:
    """``numpy/numpy-2.0.2-cp311-...`` for ``numpy/numpy-2.0.2-cp311-....whl``; hashes are cut: nobody reads sixty digits."""
    if "/" not in place:
        return place.removesuffix(".whl")
    *folders, name = place.split("/")
    short = [folder[:_SHOWN] if _HASH.fullmatch(folder) else folder for folder in folders]
    return "/".join([*short, name.removesuffix(".whl")])


@functools.lru_cache(maxsize=1024)
def _promised(tag: str) -> tuple[Target, ...]:
    return wheel_targets(sorted(map(str, tags_in(tag) or ())))


@functools.lru_cache(maxsize=1024)
def _words(tag: str) -> tuple[str, ...]:
    targets = _promised(tag)
    architectures = {architecture for target in targets for architecture in target.architectures}
    return tuple(sorted({"wheel", *(_FORMATS[target.system] for target in targets), *architectures}))
