"""Where the environment must run: system, architecture and OS version.

A target is ``host`` or a wheel platform tag (PEP 425, PEP 600, PEP 656). On macOS the host is the *hardware*: an x86_64
Python under Rosetta on Apple Silicon has an arm64 target. On Linux it is the process's own architecture: an aarch64 container
under QEMU is a healthy aarch64 environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

System = Literal["macos", "linux", "windows"]

#: PEP 513, 571 and 599: the old names of manylinux profiles and the glibc that each one allows.
_LEGACY_MANYLINUX = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}

#: Numbers of more digits are no versions: Python refuses to read those of 4,300.
_TAG = re.compile(
    r"""(?: macosx_(?P<mac>\d{1,4}_\d{1,4})
          | manylinux_(?P<glibc>\d{1,4}_\d{1,4})
          | musllinux_(?P<musl>\d{1,4}_\d{1,4})
          | (?P<legacy>manylinux1|manylinux2010|manylinux2014)
          | (?P<linux>linux)
        )_(?P<architecture>[a-z0-9][a-z0-9_]*)""",
    re.VERBOSE,
)
_MAC_ARCHITECTURES = {"arm64": ("arm64",), "x86_64": ("x86_64",), "universal2": ("arm64", "x86_64")}
#: Names of ``uname -m`` for which Linux wheels, or at least Pythons, exist.
_LINUX_ARCHITECTURES = frozenset(
    """
    x86_64 i686 aarch64 armv5l armv6l armv7l armv8l ppc ppc64 ppc64le s390 s390x riscv32 riscv64 loongarch64 mips mipsel mips64
    mips64el sparc64
    """.split()
)
_WINDOWS_ARCHITECTURES = {"win_amd64": "x86_64", "win_arm64": "arm64", "win32": "i686"}

#: What people write for a target, and the tag that they mean.
_SUGGESTIONS = {
    "arm64": "macosx_14_0_arm64",
    "m1": "macosx_14_0_arm64",
    "m2": "macosx_14_0_arm64",
    "m3": "macosx_14_0_arm64",
    "m4": "macosx_14_0_arm64",
    "mac": "macosx_14_0_arm64",
    "macos": "macosx_14_0_arm64",
    "macosx": "macosx_14_0_arm64",
    "osx": "macosx_14_0_arm64",
    "darwin": "macosx_14_0_arm64",
    "apple": "macosx_14_0_arm64",
    "apple silicon": "macosx_14_0_arm64",
    "intel": "macosx_14_0_x86_64",
    "glibc": "manylinux_2_28_x86_64",
    "manylinux": "manylinux_2_28_x86_64",
    "alpine": "musllinux_1_2_x86_64",
    "musl": "musllinux_1_2_x86_64",
    "musllinux": "musllinux_1_2_x86_64",
    "windows": "win_amd64",
    "win": "win_amd64",
    "win64": "win_amd64",
    "macosx_arm64": "macosx_14_0_arm64",
    "universal2": "macosx_14_0_universal2",
    "aarch64": "manylinux_2_28_aarch64",
    "x86_64": "manylinux_2_28_x86_64 or macosx_14_0_x86_64",
    "amd64": "manylinux_2_28_x86_64",
    "linux": "manylinux_2_28_x86_64",
}
#: What other tools call an architecture, by the system.
_OTHER_NAMES = {
    "macosx": {"aarch64": "arm64", "amd64": "x86_64", "x64": "x86_64", "intel": "x86_64"},
    "linux": {"arm64": "aarch64", "amd64": "x86_64", "x64": "x86_64", "i386": "i686", "x86": "i686", "armv7": "armv7l"},
}


class InvalidTarget(ValueError):
    """The text names no target; the message says what was given and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A machine that an environment is meant for."""

    #: The wheel platform tag: ``macosx_14_0_arm64``.
    tag: str
    system: System
    #: All of them must be served; two for ``universal2``.
    architectures: tuple[str, ...]
    #: macOS version (``14.0``); None elsewhere.
    os_version: str | None = None
    #: ``("glibc", "2.28")``, ``("musl", "1.2")``; None where the tag does not say (``linux_x86_64``).
    libc: tuple[Literal["glibc", "musl"], str] | None = None
    #: True where it is this machine, so that paths outside the environment can be looked at.
    is_host: bool = False

    @property
    def architecture(self) -> str:
        """The one architecture, or ``universal2``."""
        return self.architectures[0] if len(self.architectures) == 1 else "universal2"

    @property
    def name(self) -> str:
        """For sentences: ``macOS 14.0 arm64``, ``Linux aarch64``."""
        system = {"macos": "macOS", "linux": "Linux", "windows": "Windows"}[self.system]
        return " ".join(part for part in (system, self.os_version, self.architecture) if part)

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a wheel platform tag.

        Raises :class:`InvalidTarget` for anything else, with the tag that was probably meant.
        """
        target = _read(text)
        if target is None:
            raise InvalidTarget(_explain(text))
        return target


def _read(text: str) -> Target | None:
    if text in _WINDOWS_ARCHITECTURES:
        return Target(tag=text, system="windows", architectures=(_WINDOWS_ARCHITECTURES[text],))
    match = _TAG.fullmatch(text)
    if match is None:
        return None
    architecture = match["architecture"]
    if match["mac"]:
        if architecture not in _MAC_ARCHITECTURES:
            return None
        version = match["mac"].replace("_", ".")
        return Target(tag=text, system="macos", architectures=_MAC_ARCHITECTURES[architecture], os_version=version)
    if architecture not in _LINUX_ARCHITECTURES:
        return None
    libc: tuple[Literal["glibc", "musl"], str] | None = None
    if match["glibc"]:
        libc = ("glibc", match["glibc"].replace("_", "."))
    elif match["legacy"]:
        libc = ("glibc", _LEGACY_MANYLINUX[match["legacy"]])
    elif match["musl"]:
        libc = ("musl", match["musl"].replace("_", "."))
    return Target(tag=text, system="linux", architectures=(architecture,), libc=libc)


def _explain(text: str) -> str:
    expected = "'host' or a wheel platform tag such as macosx_14_0_arm64, manylinux_2_28_aarch64, musllinux_1_2_x86_64"
    suggestion = _SUGGESTIONS.get(re.sub(r"[-_ ]+", " ", text.strip().lower())) or _SUGGESTIONS.get(text.strip().lower())
    suggestion = suggestion or _mended(text) or _by_words(text) or _nearest(text)
    hint = f"; did you mean {suggestion}?" if suggestion else ""
    return f"got {text[:100]!r}, expected {expected}{hint}"


#: Words of the names that conda, Rust, Docker, Node and people give to machines.
_SYSTEM_WORDS = {
    "macosx": {"osx", "darwin", "macos", "macosx", "mac", "apple", "silicon"},
    "manylinux": {"linux", "gnu", "linux64", "manylinux", "gnueabihf"},
    "musllinux": {"musl", "alpine", "musllinux"},
    "win": {"win", "windows", "win32", "msvc"},
}
_SYSTEM_TAGS = {"macosx": "macosx_14_0_{}", "manylinux": "manylinux_2_28_{}", "musllinux": "musllinux_1_2_{}", "win": "win_{}"}
_WINDOWS_NAMES = {"x86_64": "amd64", "x64": "amd64", "64": "amd64", "aarch64": "arm64"}


def _by_words(text: str) -> str | None:
    """The tag of ``osx-arm64``, ``aarch64-apple-darwin``, ``linux/arm64``, ``linux-64``, ``x86_64-unknown-linux-musl``."""
    words = re.findall(r"x86[_-]64|[a-z0-9]+", text.strip().lower())
    plain = [word.replace("-", "_") for word in words if word not in ("unknown", "pc", "v8")]
    systems = [name for name, names in _SYSTEM_WORDS.items() if names.intersection(plain)]
    if "musllinux" in systems:
        systems = ["musllinux"]
    if systems == ["macosx"]:  # macos-14, macos-latest: GitHub's runners
        plain = [word for word in plain if word not in ("latest", "large", "xlarge") and not re.fullmatch(r"1[1-9]|2\d", word)]
    known = set().union(*_SYSTEM_WORDS.values())
    machines = [word for word in plain if word not in known]
    if len(systems) != 1 or len(machines) > 1:
        return None
    system = systems[0]
    machine = machines[0] if machines else "arm64" if system == "macosx" else ""
    if system == "win":
        machine = _WINDOWS_NAMES.get(machine, machine)
    else:
        names = _OTHER_NAMES["macosx" if system == "macosx" else "linux"]
        machine = {"64": "x86_64", "32": "i686"}.get(machine) or names.get(machine, machine)
    tag = _SYSTEM_TAGS[system].format(machine)
    return tag if _read(tag) else None


def _nearest(text: str) -> str | None:
    """A tag with a letter or two wrong: ``macosx_14_0_amr64``."""
    import difflib

    known = """macosx_14_0_arm64 macosx_14_0_x86_64 macosx_14_0_universal2 manylinux_2_28_x86_64 manylinux_2_28_aarch64
        musllinux_1_2_x86_64 musllinux_1_2_aarch64 win_amd64"""
    near = difflib.get_close_matches(text.strip().lower(), known.split(), n=1, cutoff=0.75)
    return near[0] if near else None


def _mended(text: str) -> str | None:
    """The tag in ``macosx-14.0-arm64``, ``macos_14_arm64``, ``manylinux_2_28_arm64`` or ``cp311-cp311-macosx_11_0_arm64``."""
    plain = text[:100].strip().lower()
    for part in (plain, plain.rpartition("-")[2]):
        match = re.fullmatch(r"([a-z]+\d*)_((?:\d+_)*)(.*)", re.sub(r"[-. ]", "_", part).replace("macos_", "macosx_"))
        if match is None:
            continue
        system, version, architecture = match.groups()
        if system == "macosx" and version.count("_") == 1:
            version += "0_"
        other_names = _OTHER_NAMES.get("linux" if "linux" in system else system, {})
        tag = f"{system}_{version}{other_names.get(architecture, architecture)}"
        if _read(tag):
            return tag
    return None
