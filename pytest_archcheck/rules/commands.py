"""The one place where commands to type are made: every word quoted for a shell, for the environment that was inspected.

What a file holds may stand in a command: names and versions are asked whether they are some, and where they are not there is no
command but words. An installer is told where to work (:class:`~pytest_archcheck.discover.model.Home`): without that it changes
the environment that the shell happens to be in.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_archcheck.discover.model import Home

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_archcheck.discover.model import Distribution, InstalledProject

#: Names of projects (the packaging specifications' rule), and what versions are made of, conda's too.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9.+!_-]*"
#: A specifier of requirements: ``>=1.2,<2``.
_SPECIFIER = r"(?:(?:===?|~=|!=|<=?|>=?)[A-Za-z0-9.+!*_-]+,?)+"

#: Where Debian's packages, and Ubuntu's, hold Python modules; pip refuses to touch it.
_DEBIAN = "/lib/python3/dist-packages/"

_RUNNING = Home()
#: What stands for a command that cannot be typed.
BY_HAND = "by hand: a name here holds characters that cannot be typed"
#: conda links the files of its cache: what is torn in an environment is torn there too, and an empty cache has to be filled.
_UNCACHED = 'CONDA_PKGS_DIRS="$(mktemp -d)" '
#: uv links them, too. Where UV_LINK_MODE asks for symbolic links it stops without a cache, and that after it has uninstalled.
_UV_UNCACHED = ("--no-cache", "--link-mode=copy")


def quoted(word: str) -> str | None:
    """A word as a shell takes it; None where it cannot be typed, as it holds control characters or half of a character."""
    return shlex.quote(word) if word.isprintable() else None


def command(*words: str, **variables: str) -> str:
    """One command, or the words that there is none."""
    parts = [*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), *map(quoted, words)]
    whole = [part for part in parts if part is not None]
    return " ".join(whole) if len(whole) == len(parts) else BY_HAND


def requirement(name: str, version: str | None = None, relation: str = "==") -> str | None:
    """``numpy==2.0.2``; None where the name is none, and without a version where that is none."""
    if not re.fullmatch(_NAME, name):
        return None
    return f"{name}{relation}{version}" if version and re.fullmatch(_VERSION, version) else name


def specified(name: str, specifier: str) -> str | None:
    """``numpy<1.24,>=1.22`` from a requirement that a file holds."""
    return f"{name}{specifier}" if re.fullmatch(_NAME, name) and re.fullmatch(_SPECIFIER, specifier) else None


def one_after_another(home: Home | None, *commands: str) -> str:
    """Commands for one place, each if the one before it went well."""
    where = f"{home.elsewhere}: " if home and home.elsewhere else ""
    return where + " && ".join(one.removeprefix(where) for one in commands)


def _of_package(what: str, recorded: str) -> str:
    """``apt-get`` for the package that holds a file: Debian's names are its own (python3-yaml for PyYAML)."""
    asked = command("dpkg", "-S", recorded)
    return f'apt-get {what} "$({asked} | cut -d: -f1)"' if asked.startswith("dpkg ") else asked


class Installer(NamedTuple):
    """The tool that installed something, told where."""

    tool: Literal["pip", "uv", "conda", "apt"]
    home: Home
    #: What dpkg is asked for the package of, where Debian's tools installed it.
    recorded: str | None = None

    @classmethod
    def of(cls, installed: Distribution | InstalledProject) -> Installer:
        """The one that put it there."""
        home = installed.home or _RUNNING
        if installed.installer == "conda":
            return cls("conda", home)
        if installed.installer in (None, "debian") and installed.metadata and _DEBIAN in f"{installed.metadata}":
            # Where /lib is a link to /usr/lib it may have been found by that, which dpkg has not recorded.
            return cls("apt", home, "/usr" + installed.metadata[installed.metadata.index(_DEBIAN) :])
        return cls("uv" if installed.installer == "uv" or home.only_uv else "pip", home)

    def again(self, wanted: Iterable[str], *, options: Sequence[str] = ()) -> str:
        """Put these there once more, and nothing else: what they require stays as it is."""
        if self.recorded:
            return self._there(_of_package("install --reinstall", self.recorded))
        if self.tool == "conda":
            again = self._typed(["--force-reinstall", "--no-deps", *map(self._for_conda, wanted)])
            return self._there(again if again.startswith(BY_HAND) else _UNCACHED + again)
        if self.tool == "uv":
            return self._install(["--reinstall", "--no-deps", *_UV_UNCACHED, *options, *wanted])
        return self._install(["--force-reinstall", "--no-deps", "--no-cache-dir", *options, *wanted])

    def _for_conda(self, wanted: str) -> str:
        """``numpy=2.0.2``; of another platform, which conda else takes for no reason to put another file there."""
        name, pin, version = wanted.partition("==")
        if pin and self.home.conda_subdir:
            return f"{name}[version={version},subdir={self.home.conda_subdir}]"
        return f"{name}={version}" if pin else name

    def other(self, wanted: Iterable[str]) -> str:
        """Install these, with what they require; of none it is the beginning of the command."""
        return self._install([*wanted])

    def again_with_dependencies(self, wanted: str) -> str:
        """Install this one, also where files of it lie there that nobody has recorded."""
        if self.tool == "uv":
            return self._install(["--reinstall-package", re.split(r"[=<>!~]", wanted)[0], wanted])
        return self._install([wanted])

    def fitting(self, name: str, wanted: str) -> str:
        """Install the newest of these versions that has a wheel for the target, also if it is the installed version."""
        if self.recorded:
            return self._there(_of_package("install", self.recorded))
        if self.tool == "conda":
            return self._install([wanted])
        if self.tool == "uv":
            binary = [] if self.home.platform else ["--only-binary", ":all:"]
            return self._install([*binary, "--reinstall-package", name, wanted])
        # pip would take --force-reinstall for what it requires, too, and bring the newest of that.
        alone = self._typed(["--force-reinstall", "--no-deps", "--only-binary", ":all:", wanted])
        return self._there(f"{alone} && {self._typed([wanted])}")

    def update(self, names: Iterable[str]) -> str:
        """Bring these up to date."""
        if self.recorded:
            return self._there(_of_package("install", self.recorded))
        if self.tool == "conda":
            return self._there(command("conda", "update", *self.home.for_conda, *names))
        return self._install(["--upgrade", *names])

    def remove(self, names: Iterable[str]) -> str:
        """Uninstall these without asking."""
        if self.recorded:
            return self._there(_of_package("remove", self.recorded))
        if self.tool == "conda":
            # Without --force it removes all that requires them, too.
            return self._there(command("conda", "remove", *self.home.for_conda, "--force", *names))
        if self.tool == "uv":
            return self._there(command("uv", "pip", "uninstall", *self.home.folder_for_uv[:2], *names))
        return self._there(command(*self.home.pip, "uninstall", "--yes", *names))

    def _install(self, words: Sequence[str]) -> str:
        if self.recorded:
            return self._there(_of_package("install", self.recorded))
        return self._there(self._typed(words))

    def _there(self, typed: str) -> str:
        return f"{self.home.elsewhere}: {typed}" if self.home.elsewhere else typed

    def _for_both(self, tag: str, wanted: Sequence[str]) -> str:
        """The wheels for both architectures, and then those files: uv takes no two platforms, pip only to download."""
        python = self.home.folder_for_uv[2:]
        got = command(
            "pip", "download", "--no-deps", "--only-binary", ":all:", "--platform", tag, *python, "--dest", "both", *wanted
        )
        place = ("--python-platform", "aarch64-apple-darwin", "--reinstall", "--no-deps", "--no-index", "--find-links", "both")
        there = command("uv", "pip", "install", *self.home.folder_for_uv, *place, *wanted)
        return f"{got} && {there}; where there is no such wheel, those for arm64 and x86_64 made one by delocate-merge"

    def _typed(self, words: Sequence[str]) -> str:
        if self.tool == "conda":
            variables = {"CONDA_SUBDIR": self.home.conda_subdir} if self.home.conda_subdir else {}
            return command("conda", "install", *self.home.for_conda, *words, **variables)
        if self.home.both:
            return self._for_both(self.home.both, [word for word in words if not word.startswith("-") and word != ":all:"])
        if self.tool == "uv":
            variables = {"MACOSX_DEPLOYMENT_TARGET": self.home.oldest_macos} if self.home.oldest_macos else {}
            return command("uv", "pip", "install", *self.home.folder_for_uv, *self.home.platform, *words, **variables)
        return command(*self.home.pip, "install", *words)
