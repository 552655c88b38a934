"""Which Homebrew formula brings a file, as its path says: a stem does not.

``libpq.5.dylib`` lies in ``libpq``, ``postgresql@15`` and Postgres.app. Most of what wheels link to is "keg-only": it lies in
the formula's own folder and never in ``PREFIX/lib``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: Homebrew for Apple Silicon lies in one folder, Homebrew for Intel Macs in the other.
_PREFIXES = {"/opt/homebrew": "arm64", "/usr/local": "x86_64"}
#: ``PREFIX/opt/FORMULA/...`` leads to whatever version is installed, ``PREFIX/Cellar/FORMULA/VERSION/...`` to that one.
_FORMULA = r"[A-Za-z0-9][A-Za-z0-9@+._-]*"
_KEG = rf"(/opt/homebrew|/usr/local)/(?:opt/({_FORMULA})|Cellar/({_FORMULA})/([\w.-]+))/"
#: Files that a formula links into ``PREFIX/lib`` -> that formula.
_LINKED = {"libtbb.12.dylib": "tbb"}
_IN_PREFIX = r"(/opt/homebrew|/usr/local)/lib/([^/]+)"
#: The formulae of which it is known that they bring a library of that name, whatever else may lie in their folder.
_SURE = {("libomp", "libomp.dylib"), ("libpq", "libpq.5.dylib"), ("libiodbc", "libiodbc.2.dylib"), ("tbb", "libtbb.12.dylib")}


class Keg(NamedTuple):
    """A formula's folder."""

    formula: str
    #: Of which Homebrew it is: ``arm64`` or ``x86_64``.
    architecture: str
    #: The one version that the path leads to; None for any.
    version: str | None = None

    @property
    def other_brew(self) -> str:
        """The command of the other Homebrew: a Mac may have both."""
        return "/usr/local/bin/brew" if self.architecture == "arm64" else "/opt/homebrew/bin/brew"

    def brings(self, file: str) -> bool:
        """Whether the formula is known to bring a file of that name."""
        return (self.formula, file) in _SURE


def keg_of(path: str, *, is_there: bool = False) -> Keg | None:
    """The formula that brings the file at this path; None where the path does not say so.

    :param is_there: the file was found, below whatever folder a Homebrew may lie.
    """
    if match := (re.search if is_there else re.match)(_KEG, path):
        prefix, formula, versioned, version = match.groups()
        return Keg(formula or versioned, _PREFIXES[prefix], version)
    if (match := re.fullmatch(_IN_PREFIX, path)) and match[2] in _LINKED:
        return Keg(_LINKED[match[2]], _PREFIXES[match[1]])
    return None
