"""Where installers have to be told to work, so that a command mends the environment that was inspected and no other."""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.architecture import NATIVE_FORMATS
from pytest_archcheck.rules.packages import conda_subdir
from pytest_archcheck.rules.pythons import uv_platform

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment, Interpreter
    from pytest_archcheck.machine.target import Target

#: The format of files that run here; of Windows nothing is asked.
_HERE = {"darwin": "mach-o", "linux": "elf"}
_VERSION_FOLDER = re.compile(r"[/\\]python(3\.\d+)t?[/\\](?:site|dist)-packages")
_PYTHON_TAG = re.compile(r"(?:cp|pp)(\d)(\d{1,2})-")


def addressed(environment: Environment, target: Target, python: str | None = None) -> Environment:
    """The environment in which each installed thing knows where it is at home.

    :param python: the Python that was asked for; counts where the environment has no interpreter.
    """
    home = _home(environment, target, python)
    if home is None:
        return environment

    in_folder = home.folder_for_uv[:1] == ("--target",)

    @functools.cache  # one value for all that lie in one folder
    def at(location: str) -> Home:
        return home._replace(folder_for_uv=("--target", location, *home.folder_for_uv[2:])) if in_folder else home

    return environment._replace(
        distributions=tuple(dist._replace(home=at(dist.location)) for dist in environment.distributions),
        projects=tuple(replace(project, home=at(project.location)) for project in environment.projects),
    )


def _home(environment: Environment, target: Target, python: str | None) -> Home | None:
    """None where what is typed in a plain shell reaches it, or nothing is installed."""
    interpreter, kind = environment.interpreter, environment.kind
    if kind in ("wheel", "lock"):
        return None
    if kind == "active":
        return _of_running(interpreter.command if interpreter else None, environment.path, conda=environment.conda is not None)
    prefix = environment.path if kind != "site-packages" else _venv_above(environment.path)
    if environment.root is not None:
        return _in_image(environment, environment.root, prefix or environment.path)
    subdir = None if target.is_host else conda_subdir(target)
    for_conda = ("--prefix", environment.path) if environment.conda else ()
    if interpreter is not None and interpreter.binaries and prefix and _runs_here(interpreter):
        if NATIVE_FORMATS[target.system] != interpreter.binaries[0].format:
            return Home(elsewhere=f"in an environment whose Python is for {target.name}")
        return _with_python(environment, prefix, target, for_conda, subdir)
    if prefix and kind == "site-packages" and target.is_host:
        return _with_python(environment, prefix, target, for_conda, subdir)
    platform = uv_platform(target)
    if target.system == "macos" and len(target.architectures) > 1:
        minor = python_of(environment, python)
        return Home(
            folder_for_uv=("--target", environment.path, *(("--python-version", minor) if minor else ())),
            both=target.tag,
            only_uv=True,
            for_conda=for_conda,
        )
    if platform is None:
        return Home(elsewhere=f"on {target.name}", for_conda=for_conda, conda_subdir=subdir)
    minor = python_of(environment, python)
    return Home(
        folder_for_uv=("--target", environment.path, *(("--python-version", minor) if minor else ())),
        platform=() if target.is_host else ("--python-platform", platform, "--only-binary", ":all:"),
        oldest_macos=None if target.is_host else target.os_version,
        only_uv=True,
        for_conda=for_conda,
        conda_subdir=subdir,
    )


def _in_image(environment: Environment, root: str, prefix: str) -> Home:
    """What is typed in a system of which only the files are here, by the paths that it knows."""
    inner = prefix.removeprefix(root) or os.sep
    is_venv = os.path.isfile(os.path.join(prefix, "pyvenv.cfg"))
    has_pip = any(project.name == "pip" for project in environment.projects)
    python = os.path.join(inner, "bin", "python" if is_venv else "python3")
    return Home(
        pip=(python, "-m", "pip") if has_pip else ("pip", "--python", inner if is_venv else python),
        folder_for_uv=("--python", inner if is_venv else python),
        for_conda=("--prefix", inner) if environment.conda else (),
        elsewhere="in that system",
    )


def _with_python(environment: Environment, prefix: str, target: Target, for_conda: tuple[str, ...], subdir: str | None) -> Home:
    """An environment whose own Python runs here."""
    is_venv = os.path.isfile(os.path.join(prefix, "pyvenv.cfg"))
    python = os.path.join(prefix, "bin", "python")
    if not os.path.exists(python) and os.path.exists(f"{python}3"):
        python = f"{python}3"
    has_pip = any(project.name == "pip" for project in environment.projects)
    platform = None if target.is_host else uv_platform(target)
    return Home(
        pip=(python, "-m", "pip") if has_pip else ("pip", "--python", prefix if is_venv else python),
        folder_for_uv=("--python", prefix if is_venv else python),
        platform=("--python-platform", platform, "--only-binary", ":all:") if platform else (),
        oldest_macos=target.os_version if platform else None,
        only_uv=bool(platform),
        for_conda=for_conda,
        conda_subdir=subdir,
    )


def running_home() -> Home | None:
    """The same of this process's environment, where nothing was inspected."""
    prefix = os.path.realpath(sys.prefix)
    return _of_running(sys.executable or None, prefix, conda=os.path.isdir(os.path.join(prefix, "conda-meta")))


def _of_running(command: str | None, prefix: str, *, conda: bool) -> Home | None:
    """The running environment is named, unless it is the shell's: then the plain command is right, and easier to read."""
    activated = [os.environ.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    if command is None or any(one and os.path.realpath(one) == prefix for one in activated):
        return None
    # What a plain `pip` belongs to lies beside the `python` that PATH leads to: setup-python of a CI job, a container.
    first = shutil.which("python") or shutil.which("python3")
    beside = first is not None and os.path.dirname(first) == os.path.dirname(command)
    return Home(
        pip=("pip",) if beside else (command, "-m", "pip"),
        folder_for_uv=("--python", command),
        for_conda=("--prefix", prefix) if conda else (),
    )


def _runs_here(interpreter: Interpreter) -> bool:
    return interpreter.binaries[0].format == _HERE.get(sys.platform)


def _venv_above(site: str) -> str | None:
    """The virtual environment that a site-packages folder is of."""
    for above in ("../../..", "../.."):  # lib/python3.11/site-packages, and Lib/site-packages on Windows
        prefix = os.path.normpath(os.path.join(site, above))
        if os.path.isfile(os.path.join(prefix, "pyvenv.cfg")):
            return prefix
    return None


def python_of(environment: Environment, asked: str | None = None) -> str | None:
    """``3.11``: of its interpreter, else by its folder's name, the one asked for, or what most packages were built for."""
    version = environment.interpreter.version if environment.interpreter else None
    if version is None:
        places = {match[1] for dist in environment.distributions if (match := _VERSION_FOLDER.search(dist.location))}
        version = places.pop() if len(places) == 1 else asked
    if version is None:
        tags = [match for dist in environment.distributions for tag in dist.tags[:1] if (match := _PYTHON_TAG.match(tag))]
        numbers = Counter(f"{match[1]}.{match[2]}" for match in tags)
        return numbers.most_common(1)[0][0] if numbers else None
    return ".".join(version.split(".")[:2])
