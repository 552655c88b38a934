"""The interpreter of an environment: the running one, or the one that a folder names. It is read, never started."""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.names import module_tag
from pytest_archcheck.discover.files import Walk, look_at, walk
from pytest_archcheck.discover.image_root import below, real_path
from pytest_archcheck.discover.model import INTERPRETER_SUBJECT, Interpreter
from pytest_archcheck.discover.text import plain_version, read_paths
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Provider
    from pytest_archcheck.machine.host import Host


#: ``python3.14``, ``python3.14td``: the version, then the build.
_EXECUTABLE = re.compile(r"(\d+\.\d+)([td]*)$")


def running_interpreter(host: Host | None) -> tuple[Interpreter, list[Skipped]]:
    """The interpreter of this process and the extensions of its standard library.

    :param host: the machine and the process; None: whether it is emulated stays unknown.
    """
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    folders = {sysconfig.get_path("platstdlib"), sysconfig.get_path("stdlib"), os.path.dirname(os.__file__)}
    dynload = [os.path.join(folder, "lib-dynload") for folder in folders if folder]
    interpreter, skipped = _read(executable, platform.python_version(), dynload)
    known = interpreter._replace(
        abiflags=getattr(sys, "abiflags", ""),  # Windows has had it only since 3.14
        implementation=sys.implementation.name,
        emulation=host.emulation if host else None,
        command=sys.executable or None,
        host=host,
    )
    return known, skipped


def is_venv(prefix: str) -> bool:
    """Whether a folder is a virtual environment (:mod:`venv`)."""
    return os.path.isfile(os.path.join(prefix, "pyvenv.cfg"))


def interpreter_of(prefix: str, root: str | None = None) -> tuple[Interpreter | None, list[Skipped]]:
    """The interpreter of a virtual environment or of another prefix, with what of it could not be looked at.

    :param root: of the other system that it lies in: absolute links and paths count from there.
    """
    return interpreter_of_venv(prefix, root) if is_venv(prefix) else interpreter_of_prefix(prefix, root)


def interpreter_of_venv(prefix: str, root: str | None = None) -> tuple[Interpreter | None, list[Skipped]]:
    """The base interpreter that ``pyvenv.cfg`` names (:mod:`venv`: ``home`` is the folder of its executable)."""
    settings = _pyvenv_settings(os.path.join(prefix, "pyvenv.cfg"))
    version = plain_version(settings.get("version") or settings.get("version_info") or "") or None
    home = settings.get("home", "")
    executable = next(
        (
            real
            for name in _executable_names(version)
            for folder in (os.path.join(prefix, "bin"), home and below(root, home))
            if folder and os.path.isfile(real := real_path(os.path.join(folder, name), root))
        ),
        None,
    )
    if executable is None:
        reason = f"its base interpreter is not on this machine: pyvenv.cfg says home = {home or '(nothing)'}"
        return None, [Skipped(INTERPRETER_SUBJECT, reason)]
    version = _version(executable, version)
    return _read(executable, version, _dynload(os.path.dirname(os.path.dirname(executable)), version))


def interpreter_of_prefix(prefix: str, root: str | None = None) -> tuple[Interpreter | None, list[Skipped]]:
    """The interpreter in a prefix's own ``bin`` (conda, a framework or source build), if there is one."""
    paths = (real_path(os.path.join(prefix, "bin", name), root) for name in _executable_names(None))
    real = next(filter(os.path.isfile, paths), None)
    if real is None:
        return None, []
    match = _EXECUTABLE.search(os.path.basename(real))
    return _read(real, match[1] if match else None, _dynload(prefix, None))


def is_interpreter_name(path: str) -> bool:
    """``python``, ``python3.12``, ``python3.14td``, ``python.exe``."""
    return re.fullmatch(r"python(?:\d(?:\.\d+[td]*)?)?(?:\.exe)?", os.path.basename(path)) is not None


def sees_other_sites(prefix: str) -> bool:
    """Whether a virtual environment was made with ``--system-site-packages``."""
    settings = _pyvenv_settings(os.path.join(prefix, "pyvenv.cfg"))
    return settings.get("include-system-site-packages", "").lower() == "true"


def _executable_names(version: str | None) -> tuple[str, ...]:
    minor = ".".join((version or "").split(".")[:2])
    return ("python3", "python", *((f"python{minor}",) if minor else ()))


def _dynload(prefix: str, version: str | None) -> list[str]:
    """``lib/python3.11/lib-dynload`` below a prefix; every one that is there if the version is not known."""
    minor = ".".join((version or "").split(".")[:2])
    lib = os.path.join(prefix, "lib")
    try:
        names = sorted(name for name in os.listdir(lib) if re.fullmatch(r"python\d\.\d+t?", name))
    except OSError:
        return []
    return [os.path.join(lib, name, "lib-dynload") for name in names if not minor or name.rstrip("t") == f"python{minor}"]


#: What each way of installing Python writes into its path. Homebrew keeps it in its Cellar, uv in a folder named after
#: python-build-standalone's builds.
_PROVIDERS: tuple[tuple[Provider, re.Pattern[str]], ...] = (
    ("uv", re.compile(r"/cpython-\d+\.\d+[^/]*-(?:macos|linux)-[^/]+/bin/")),
    ("pyenv", re.compile(r"/\.?pyenv/versions/[^/]+/bin/")),
    ("homebrew", re.compile(r"/Cellar/python@?[^/]*/")),
    ("xcode", re.compile(r"^/Applications/Xcode[^/]*\.app/|^/Library/Developer/CommandLineTools/")),
    ("python.org", re.compile(r"^/Library/Frameworks/Python[^/]*\.framework/")),
)


def provider_of(executable: str) -> Provider | None:
    """How that Python was installed, as far as its real path tells; conda is known by its records."""
    if os.path.isdir(os.path.join(os.path.dirname(os.path.dirname(executable)), "conda-meta")):
        return "conda"
    return next((name for name, pattern in _PROVIDERS if pattern.search(executable)), None)


def _read(executable: str, version: str | None, dynload: list[str]) -> tuple[Interpreter, list[Skipped]]:
    found = Walk()
    look_at(found, executable, os.path.dirname(executable), os.path.basename(executable))
    own = found.binaries[0] if found.binaries else None
    for folder in sorted(dynload):
        if os.path.isdir(folder):
            walk(found, folder)
    interpreter = Interpreter(
        path=executable,
        version=version,
        architectures=own.architectures if own else (),
        abiflags=_abiflags(executable, found.binaries),
        implementation="pypy" if "pypy" in os.path.basename(executable) else "cpython",
        binaries=tuple(found.binaries),
        provider=provider_of(executable),
    )
    return interpreter, found.skipped


def _version(executable: str, recorded: str | None) -> str | None:
    """The version: what pyvenv.cfg says, unless the executable's own name says another.

    A virtual environment whose Python was replaced below it (``/usr/bin/python3`` by a release upgrade) still records the old.
    """
    match = _EXECUTABLE.search(os.path.basename(executable))
    if match is None or (recorded or "").split(".")[:2] == match[1].split("."):
        return recorded
    return match[1]


def _abiflags(executable: str, binaries: Iterable[Binary]) -> str | None:
    """The build: from the executable's name, or where that is the plain ``python3.14``, from its standard library's names.

    A debug build's modules may lie beside those of the plain one, not the other way round.
    """
    match = _EXECUTABLE.search(os.path.basename(executable))
    if match and match[2]:
        return match[2]
    flags = {tag.flags for binary in binaries if (tag := module_tag(binary.path))}
    return min(flags, key=len, default=None)


def _pyvenv_settings(path: str) -> dict[str, str]:
    """``key = value`` lines; later ones win, as in :mod:`site`."""
    try:
        lines = read_paths(path, limits.SETTINGS_FILE_SIZE).splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and "\0" not in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
