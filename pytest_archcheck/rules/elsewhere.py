"""What a wheel does not hold: a library that another distribution may bring, or that can only be its own.

A wheel is read alone. torchvision's modules link to libraries of torch, PySide6-Addons' to those of PySide6-Essentials; some
say so in Requires-Dist, some do not. A loader finds such a library by an rpath into the other distribution's folder, or because
importing that one has loaded it before. Nobody can tell from here, so it is said, and held against nobody. What is looked for
in the wheel's own folders is another matter: nobody else puts files there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.binaries.names import module_tag
from pytest_archcheck.discover.names import required_names
from pytest_archcheck.machine.wheel_tags import wheel_targets
from pytest_archcheck.rules.commands import command
from pytest_archcheck.rules.pythons import uv_platform
from pytest_archcheck.rules.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Severity

#: Libraries that distributions bring for others to link to, also where the other one does not require them: torch-scatter does
#: not require torch, tensorflow-io-gcs-filesystem requires tensorflow as an extra only. Compiled when it is asked.
_SHARED = (
    r"lib(?:c10|torch|shm|tensorflow|arrow|parquet|python3|shiboken|pyside|Qt\dC|jax|xla|tvm|mkl|iomp5|tbb|cu[a-z]+|nv[a-z]+|nccl"
    r"|mpi|omp)[^/]*|_pywrap_tensorflow[^/]*|Qt[A-Z]\w*|(?:lib)?Qt\d[A-Z][^/]*"
)
#: Where delocate and auditwheel put what they bundle; nobody else's file lies there.
_BUNDLED = (".dylibs/", ".libs/")
#: Where build systems look, for good measure, beside a package: ``$ORIGIN/../lib``.
_BESIDE = frozenset({"", "bin", "lib", "lib64"})


class Elsewhere(NamedTuple):
    """What is known of those who may bring a library to an environment."""

    #: Only a wheel is incomplete.
    is_wheel: bool = False
    #: Names of the distributions that it requires.
    requires: tuple[str, ...] = ()

    def who(self, library: str, asker: str, places: Iterable[str] = ()) -> str | None:
        """Name those who may bring a library; None for nobody.

        :param asker: path of the file that asks.
        :param places: the folders in which it is looked for, from the place where packages lie on.
        """
        if not self.is_wheel or library.startswith("/") or any(folder in library for folder in _BUNDLED):
            return None
        if self.is_own(library, asker, places):
            return None
        if not _is_shared(library):
            return self._required() or None
        return self._required() or "a distribution that is imported before it"

    def is_own(self, library: str, asker: str, places: Iterable[str]) -> bool:
        """Whether a library that is looked for in these places alone can only be the wheel's own."""
        places = tuple(places)
        is_exact = library.startswith("@loader_path/")  # nowhere else, and no library that is loaded already has that name
        if not self.is_wheel or not places or (_is_shared(library) and not is_exact):
            return False
        if is_bundle(places):
            return True
        top = asker.partition("/")[0]
        if is_like(top, library.rpartition("/")[2]):  # networkit's libnetworkit.dylib lies beside its package
            places = tuple(place for place in places if place.partition("/")[0] not in _BESIDE)
        if not all(_is_bundle(place) or place.partition("/")[0] == top for place in places):
            return False
        # PySide6-Addons puts its files into PySide6-Essentials' folder; libmlx.dylib is of mlx-metal.
        return not any(is_like(name, top) or is_like(name, library.rpartition("/")[2]) for name in self.requires)

    def _required(self) -> str:
        if not self.requires:
            return ""
        return f"one of the distributions that it requires ({listed(self.requires)})"


#: The environment is complete.
NOWHERE = Elsewhere()


def _is_shared(library: str) -> bool:
    name = library.rpartition("/")[2]  # pysam's libcutils.cpython-311-darwin.so is a module
    return re.fullmatch(_SHARED, name) is not None and module_tag(name) is None


def is_bundle(places: Iterable[str]) -> bool:
    """Whether all of these folders are made by the tools that repair wheels; of none it is not said."""
    places = tuple(places)
    return bool(places) and all(map(_is_bundle, places))


def _is_bundle(folder: str) -> bool:
    return any(marker in f"/{folder}/" for marker in _BUNDLED)


def is_like(requirement: str, name: str) -> bool:
    """Whether a distribution's name and that of a folder or library have the same words: ``mlx-metal`` and ``libmlx.dylib``."""
    plain = _plain(name)
    words = re.sub(r"[^a-z0-9]", "", requirement.lower())
    return len(plain) > 2 and len(words) > 2 and (plain in words or words in plain)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.partition(".")[0].lower().removeprefix("lib"))


def elsewhere(environment: Environment) -> Elsewhere:
    """Return who may bring what an environment does not hold."""
    if environment.kind != "wheel":
        return NOWHERE
    lines = [line for project in environment.projects for line in project.requires]
    return Elsewhere(is_wheel=True, requires=required_names(lines))


def _installed(name: str) -> str:
    """The commands that install a wheel with what it requires, for the machine that it is for, and inspect that."""
    *_, python, _, platforms = ["", "", "", *name.removesuffix(".whl").split("-")]
    targets = wheel_targets(f"{python}-none-{platform}" for platform in platforms.split("."))
    if not targets:
        return f"{command('pip', 'install', '--target', 'all', f'./{name}')} && pytest-archcheck all"
    look = command("pytest-archcheck", f"--archcheck-target={targets[0].tag}", "all")
    version = re.match(r"cp3(\d+)", python)
    words = ["--only-binary", ":all:", *(["--python-version", f"3.{version[1]}"] if version else []), f"./{name}"]
    platform = uv_platform(targets[0])
    if platform is None:  # pip knows every one, but the markers of what it requires it reads for the machine that it runs on
        tags = [word for tag in platforms.split(".") for word in ("--platform", tag)]
        return f"{command('pip', 'install', '--target', 'all', *tags, *words)} && {look}"
    variables = {"MACOSX_DEPLOYMENT_TARGET": targets[0].os_version} if targets[0].os_version else {}
    there = command("uv", "pip", "install", "--target", "all", "--python-platform", platform, *words, **variables)
    return f"{there} && {look}"


def judge_elsewhere(asks: str, who: str, wheel: str) -> tuple[str, Severity, str, str]:
    """Return rule, severity, message and remedy for a library that another distribution may bring to that wheel."""
    message = f"{asks}, which is not in the wheel; {who} may bring it: that was not looked at"
    remedy = f"to look there: {_installed(wheel.rpartition('/')[2])}"
    return "library-outside-environment", "note", message, remedy
