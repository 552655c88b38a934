"""The Python that extension modules must be made for: which of them it imports, and which wheels are for it."""

from __future__ import annotations

import re
from typing import NamedTuple

#: ``cpython-312``, ``cpython-313td``, ``cpython-36m``: what PEP 3149 puts into the name of a module.
_CPYTHON = re.compile(r"cpython-(\d)(\d+)([a-z]*)")
#: ``pypy310-pp73``, ``graalpy242-311-native``: the Python that they are like is in the first number, or in the second.
_PYPY = re.compile(r"pypy(\d)(\d+)-")
_GRAALPY = re.compile(r"graalpy\d*-(\d)(\d+)-")
#: ``abi3``, since 3.15 also ``abi3-x86_64-linux-gnu`` (PEP 384); ``abi3t``, for both builds of 3.15 and newer (PEP 803).
_STABLE = re.compile(r"abi3(t?)(?:-|$)")
#: ``cp312``, ``pp310``, ``py3``: a wheel's Python tag; ``cp313t``, ``cp36m``: its ABI tag.
_PYTHON_TAG = re.compile(r"(cp|pp|py|graalpy)(\d)(\d*)")
_ABI_TAG = re.compile(r"cp(\d)(\d+)([a-z]*)")
_VERSION = re.compile(r"(\d+)\.(\d+)(t?)")
_NAMES = {"cpython": "Python", "pypy": "PyPy", "graalpy": "GraalPy"}
_FIRST_ABI3T = (3, 15)


class Python(NamedTuple):
    """One minor version of one build of one implementation."""

    version: tuple[int, int]
    #: As in :data:`sys.abiflags`: ``t`` free-threaded, ``d`` debug; None where nobody knows.
    flags: str | None = ""
    #: As in :data:`sys.implementation`.
    implementation: str = "cpython"

    @classmethod
    def parse(cls, text: str | None) -> Python | None:
        """Read ``3.12``, ``3.12.4`` or ``3.13t``; None for anything else."""
        match = _VERSION.match(text or "")
        return cls((int(match[1]), int(match[2])), match[3]) if match else None

    def __str__(self) -> str:
        """``Python 3.12``, ``free-threaded Python 3.13``, ``PyPy 3.10``."""
        build = "free-threaded " if self.is_free_threaded else ""
        return f"{build}{_NAMES.get(self.implementation, self.implementation)} {self.number}"

    @property
    def number(self) -> str:
        """``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def is_free_threaded(self) -> bool:
        """Whether it is known to be built without the GIL."""
        return "t" in (self.flags or "")

    def imports(self, tag: str | None) -> bool:
        """Whether it imports a module with this tag in its name (``cpython-312-darwin``, ``abi3``), by importlib's suffixes.

        A tag that is not known here is given the benefit of the doubt; so is a name without one, which every Python imports.
        """
        if tag is None:
            return True
        if stable := _STABLE.match(tag):
            if stable[1]:
                return self.implementation == "cpython" and self.version >= _FIRST_ABI3T
            # Built without the GIL, a Python has objects of another layout (PEP 703), and no stable ABI before abi3t.
            return self.implementation == "cpython" and not self.is_free_threaded
        made_for = python_of_module(tag)
        if made_for is None:
            return True
        return (
            made_for.version == self.version and made_for.implementation == self.implementation and self._runs(made_for.flags)
        )

    def takes(self, tag: str) -> bool:
        """Whether it is one of the Pythons that a wheel's tag is for (``cp311-cp311-macosx_11_0_arm64``), on any platform."""
        pythons, _, rest = tag.partition("-")
        abi = rest.partition("-")[0]
        is_stable = _STABLE.fullmatch(abi) is not None
        if is_stable and not self.imports(abi):
            return False
        exact = _ABI_TAG.fullmatch(abi)
        if exact and not ((int(exact[1]), int(exact[2])) == self.version and self._runs(exact[3])):
            return False
        return any(self._is_meant(one, is_stable=is_stable) for one in pythons.split("."))

    def _is_meant(self, tag: str, *, is_stable: bool) -> bool:
        match = _PYTHON_TAG.match(tag)
        if match is None:
            return True  # not known here
        family, major, minor = match[1], int(match[2]), match[3]
        if family != "py" and family != {"cpython": "cp", "pypy": "pp"}.get(self.implementation, self.implementation):
            return False
        if not minor:
            return major == self.version[0]
        named = (major, int(minor))
        # py310 and cp310-abi3 are for 3.10 and all newer ones, cp310-cp310 and cp310-none for that one only.
        return major == self.version[0] and named <= self.version if family == "py" or is_stable else named == self.version

    def _runs(self, flags: str | None) -> bool:
        """Whether modules of a build run in this one: a debug build imports those of the plain one, not the other way round."""
        if self.flags is None or flags is None:
            return True
        return ("t" in flags) == ("t" in self.flags) and not ("d" in flags and "d" not in self.flags)


def python_of_module(tag: str | None) -> Python | None:
    """The one Python that the tag in a module's name is for; None for ``abi3``, no tag, and what is not known."""
    for pattern, implementation in ((_CPYTHON, "cpython"), (_PYPY, "pypy"), (_GRAALPY, "graalpy")):
        if match := pattern.match(tag or ""):
            flags = match[3].replace("m", "").replace("u", "") if implementation == "cpython" else ""
            return Python((int(match[1]), int(match[2])), flags, implementation)
    return None


def python_of_wheel(tag: str) -> Python | None:
    """The one Python whose ABI a wheel's tag names (``cp311-cp311-...``); None where it is for several."""
    exact = _ABI_TAG.fullmatch(tag.split("-")[1]) if tag.count("-") >= 2 else None
    return Python((int(exact[1]), int(exact[2])), exact[3].replace("m", "").replace("u", "")) if exact else None
