"""What a lock file says, whatever its format: frozen values, no opinions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: ``index``: files of a package index; ``git``, ``archive``: built from source; ``wheel``: one wheel by its URL or path;
#: ``local``: a folder beside the lock (this project, a workspace member).
Origin = Literal["index", "git", "archive", "wheel", "local"]


class LockInvalid(ValueError):
    """The file is no lock file that can be read; the message names the file and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Malformed(ValueError):
    """A value in the lock is not what the format says."""


class Pythons(Protocol):
    """The versions of Python that a lock was made for; their text says them in the lock's own words."""

    def contains(self, item: str, prereleases: bool | None = None) -> bool:  # noqa: FBT001 - as packaging has it
        """Whether a version is one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One version of one package."""

    #: Normalised.
    name: str
    #: None where the lock does not say (a project whose version is computed).
    version: str | None
    origin: Origin
    #: File names.
    wheels: tuple[str, ...]
    has_sdist: bool
    #: Names of the packages that ask for it; empty where the lock does not say.
    required_by: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``numpy 2.0.2``."""
        return f"{self.name} {self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What an installer would install on one machine with one Python."""

    #: Sorted by name and version.
    packages: tuple[LockedPackage, ...] = ()
    #: Projects that are built from a folder beside the lock; their dependencies are in :attr:`packages`.
    local: tuple[str, ...] = ()
    #: What an installer does not install unless asked: ``extra plot of demo``, ``group docs of demo``.
    left_out: tuple[str, ...] = ()
    #: Why the lock is not for this machine or Python; then nothing else is filled.
    excluded: str | None = None

    @classmethod
    def of(cls, installed: Iterable[LockedPackage], left_out: Iterable[str]) -> Selection:
        """Sort what is installed, and part it into packages and what is built from a folder beside the lock."""
        every = sorted(installed, key=lambda package: (package.name, package.version or ""))
        return cls(
            packages=tuple(package for package in every if package.origin != "local"),
            local=tuple(package.name for package in every if package.origin == "local"),
            left_out=tuple(left_out),
        )


class Lock(Protocol):
    """A lock file that was read."""

    @property
    def requires_python(self) -> Pythons | None:
        """The Pythons that it was made for; None for any."""

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Everything in it, whatever the machine."""

    def select(self, environment: Mapping[str, str]) -> Selection:
        """Return what is installed where the marker variables have these values. Raises :class:`Malformed`."""
