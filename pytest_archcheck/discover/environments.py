"""Find environments: what kind of folder a path is, which site directories it has, and who owns the compiled files in it."""

from __future__ import annotations

import glob
import os
import re
import site as site_module
import sys
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.discover import conda
from pytest_archcheck.discover.editable import developed_projects, is_project_root, outside_folders, with_linked_sites
from pytest_archcheck.discover.files import Walk, has_passed_name, look_at, walk
from pytest_archcheck.discover.image_root import root_above
from pytest_archcheck.discover.installed import conda_prefix_facts, installed_projects
from pytest_archcheck.discover.interpreters import interpreter_of, is_venv, running_interpreter, sees_other_sites
from pytest_archcheck.discover.metadata import Project, has_projects, projects
from pytest_archcheck.discover.model import INTERPRETER_SUBJECT, Environment, EnvironmentKind, Interpreter
from pytest_archcheck.discover.ownership import Owners
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_archcheck.discover.files import Look
    from pytest_archcheck.discover.pth import Additions
    from pytest_archcheck.machine.host import Host


class NothingToInspect(ValueError):
    """The path holds no environment; the message says what was looked for."""


LOOKED_FOR = (
    "a virtual environment (pyvenv.cfg), a conda prefix (conda-meta), a prefix (lib/python*/site-packages), a site-packages "
    "folder (*.dist-info), a folder of wheels (*.whl), or compiled files"
)
FILES = (
    "the folder of an environment or of wheels, a wheel (*.whl), a lock file (uv.lock, poetry.lock, pdm.lock, pylock.toml, "
    "pylock.NAME.toml), or one compiled file"
)


def active_environment(host: Host, look: Look | None = None) -> Environment:
    """The environment of this process: its interpreter, and every site directory on ``sys.path``.

    :param look: is shown the compiled files of its packages, as :attr:`Walk.look`.
    """
    interpreter, skipped = running_interpreter(host)
    prefix = sys.prefix if conda.is_conda_prefix(sys.prefix) else None
    return _assemble("active", os.path.realpath(sys.prefix), site_directories(), prefix, interpreter, skipped, look)


def site_directories() -> list[str]:
    """The folders of ``sys.path`` that hold installed projects, in its order, without those that come up again."""
    known = {*site_module.getsitepackages()}
    if site_module.ENABLE_USER_SITE:
        known.add(site_module.getusersitepackages())
    found: dict[str, str] = {}
    for entry in sys.path:
        if not entry or not os.path.isdir(entry):
            continue
        # A checkout that pytest or PYTHONPATH put on sys.path has an egg-info folder too; only what is installed counts.
        is_site = entry in known or os.path.basename(entry) in ("site-packages", "dist-packages")
        if is_site or (has_projects(entry) and not is_project_root(entry)):
            found.setdefault(os.path.realpath(entry), entry)
    return list(found.values())


class _Place(NamedTuple):
    """What a folder is, by what lies in it."""

    kind: EnvironmentKind
    sites: list[str]


def _place(path: str) -> _Place | None:
    """What kind of environment a folder is; None where nothing is installed in it."""
    sites = _sites_below(path)
    if is_venv(path):
        return _Place("venv", sites)
    if conda.is_conda_prefix(path):
        return _Place("conda", sites)
    if sites:  # a prefix that was built or unpacked
        return _Place("venv", sites)
    return _Place("site-packages", [path]) if has_projects(path) else None


def is_environment(path: str) -> bool:
    """Whether something is installed in a folder, rather than lying there."""
    return _place(path) is not None


def environment_at(path: str, look: Look | None = None) -> Environment:
    """The environment in a folder.

    :param look: is shown the compiled files of its packages, as :attr:`Walk.look`.
    :raises NothingToInspect: there is none; the message says what was looked for.
    """
    if not os.path.isdir(path):
        missing = "no such file or folder" if not os.path.lexists(path) else "nothing that can be inspected"
        raise NothingToInspect(f"{path}: {missing}; expected {FILES}")
    path = os.path.abspath(path)
    if os.path.dirname(path) == path:
        raise NothingToInspect(f"{path}: the whole file system: name an environment in it, such as {sys.prefix}")
    kind, sites = _place(path) or _Place("folder", [path])
    root = root_above(path)
    interpreter, skipped = interpreter_of(path, root) if kind in ("venv", "conda") else (None, [])
    environment = _assemble(kind, path, sites, path if kind == "conda" else None, interpreter, skipped, look)
    environment = environment._replace(root=root) if root else environment
    if kind == "folder" and not environment.binaries and environment.files:
        raise NothingToInspect(f"{path}: nothing to inspect; looked for {LOOKED_FOR}")
    return _with_its_own_interpreter(environment) if is_venv(path) else environment


def _with_its_own_interpreter(environment: Environment) -> Environment:
    """Leave out a base interpreter of another system than everything else.

    A virtual environment that was made on a Mac, or filled for one, names the folder of its base interpreter; this machine may
    have a Python of its own there.
    """
    interpreter = environment.interpreter
    formats = {binary.format for dist in environment.distributions for binary in dist.binaries if binary.slices}
    if interpreter is None or not interpreter.binaries or not formats or interpreter.binaries[0].format in formats:
        return environment
    reason = f"its base interpreter is not on this machine: {interpreter.path} is for another system than its packages"
    return environment._replace(interpreter=None, skipped=(*environment.skipped, Skipped(INTERPRETER_SUBJECT, reason)))


def _sites_below(prefix: str) -> list[str]:
    """``lib*/python*/site-packages`` (POSIX) and ``Lib/site-packages`` (Windows) of a prefix."""
    escaped = glob.escape(prefix)
    found = [
        *glob.glob(os.path.join(escaped, "lib*", "python*", "site-packages")),
        *glob.glob(os.path.join(escaped, "lib", "pypy*", "site-packages")),
        *glob.glob(os.path.join(escaped, "lib*", "python*", "dist-packages")),  # Debian's
        *glob.glob(os.path.join(escaped, "Lib", "site-packages")),
    ]
    # Of several names for one folder its own counts, then the shortest: conda links lib/python3.1 to lib/python3.13.
    ranked = sorted(
        found, key=lambda folder: (_version_folder(folder) == _version_folder(os.path.realpath(folder)), -len(folder))
    )
    unique = {os.path.realpath(folder): folder for folder in ranked if os.path.isdir(folder)}
    return sorted(unique.values())


def _version_folder(site: str) -> str:
    """``python3.11`` of ``lib/python3.11/site-packages``."""
    return os.path.basename(os.path.dirname(site))


def _unread_sites(prefix: str, sites: list[str], interpreter: Interpreter | None) -> tuple[str, ...]:
    """The site directories of another Python than the prefix has.

    A release upgrade of the system below a virtual environment, or ``conda install python=3.12``, leaves them.
    """
    minor = ".".join((interpreter.version or "").split(".")[:2]) if interpreter else ""
    if not minor:
        return ()
    named = [(site, match) for site in sites if (match := re.fullmatch(r"python(\d+\.\d+)t?", _version_folder(site)))]
    return tuple(
        site for site, match in named if match[1] != minor and not os.path.exists(os.path.join(prefix, "bin", match[0]))
    )


def _assemble(
    kind: EnvironmentKind,
    path: str,
    sites: list[str],
    conda_prefix: str | None,
    interpreter: Interpreter | None,
    skipped: list[Skipped],
    look: Look | None,
) -> Environment:
    """Walk everything that belongs to the environment and hand each compiled file to its owner."""
    found = Walk(skipped=list(skipped), look=look)
    owners = Owners()
    records: list[conda.CondaPackage] = []
    if conda_prefix:
        records, unread = conda.packages(conda_prefix)
        found.skipped += unread
        owners.add_records(conda_prefix, records)
    installed: dict[str, list[Project]] = {}
    added = with_linked_sites(sites)
    for site in added:
        before = len(found.binaries)
        walk(found, site)
        # Of what a project has recorded only two kinds of files are asked for: compiled ones, and those that conda claims too.
        compiled = {binary.path for binary in found.binaries[before:]}
        installed[site] = projects(site, compiled | conda.files_below(site, conda_prefix, records))
        found.skipped += [Skipped(project.name, problem) for project in installed[site] for problem in project.problems]
        found.skipped += [Skipped(path, problem) for path, problem in added[site].problems]
    for site, recorded in installed.items():
        here = recorded + developed_projects(added[site], recorded)
        owners.add_projects(here)
        for outside, owner in outside_folders(site, added[site], here, found.skipped).items():
            before = len(found.binaries)
            _walk_outside(found, outside)
            owners.assign(found.binaries[before:], owner)
        _look_at_scripts(found, site, here, owners)
    if conda_prefix:
        real = os.path.realpath(conda_prefix)
        found.pruned = frozenset(os.path.join(real, name) for name in conda.OTHER_ENVIRONMENTS)
        own = [os.path.dirname(item.file) for item in interpreter.binaries] if interpreter else []
        found.roots |= {folder for folder in map(os.path.realpath, own) if folder.endswith("lib-dynload")}
        walk(found, conda_prefix)
    search_path, is_whole = _search_path(kind, path, added)
    return Environment(
        kind=kind,
        path=path,
        label=os.path.basename(path.rstrip(os.sep)) or "root",
        interpreter=interpreter,
        distributions=owners.distributions(found.binaries),
        skipped=tuple(found.skipped),
        files=found.files,
        projects=installed_projects(owners.projects, conda_prefix, records),
        conda=conda_prefix_facts(conda_prefix, records, active=kind == "active") if conda_prefix else None,
        unread_sites=_unread_sites(path, sites, interpreter) if kind in ("venv", "conda") else (),
        search_path=search_path,
        is_whole=is_whole,
        python_folders=tuple(sorted(found.python_folders)),
    )


def _search_path(kind: EnvironmentKind, path: str, added: Mapping[str, Additions]) -> tuple[tuple[str, ...], bool]:
    """The folders that its Python imports from, and whether these are all of them.

    A folder that ``pip install --target`` filled may be one of several on somebody's ``PYTHONPATH``.
    """
    found = dict.fromkeys([*added, *(folder for additions in added.values() for _, folder in additions.folders)])
    if kind == "active":
        found.update(dict.fromkeys(entry or os.curdir for entry in sys.path))
        # An archive holds modules that are not looked for; the standard library's own is seldom there.
        return tuple(found), not any(os.path.isfile(entry) for entry in found)
    if kind == "conda":
        for pattern in ("~/.local/lib/python*/site-packages", "~/Library/Python/*/lib/python/site-packages"):
            found.update(dict.fromkeys(glob.glob(os.path.expanduser(pattern))))
        return tuple(found), True
    return tuple(found), is_venv(path) and not sees_other_sites(path)


def _walk_outside(found: Walk, path: str) -> None:
    if os.path.isdir(path):
        walk(found, path, os.path.dirname(path))
    else:
        look_at(found, path, os.path.dirname(path), os.path.basename(path), foreign=os.path.islink(path))


#: A site directory inside a prefix, on POSIX and on Windows.
_SITE_IN_PREFIX = re.compile(r"(?P<prefix>.*)(?:[/\\]lib\d*[/\\]python[^/\\]*|[/\\]Lib)[/\\](?:site|dist)-packages")


def _look_at_scripts(found: Walk, site: str, installed: list[Project], owners: Owners) -> None:
    """Programs that projects put into the prefix's ``bin``, recorded as ``../../../bin/ruff``."""
    match = _SITE_IN_PREFIX.fullmatch(site.rstrip("/\\"))
    if match is None:
        return  # a folder of ``pip install --target`` holds its own ``bin``; the paths recorded for it lead nowhere
    prefix = os.path.realpath(match["prefix"])
    for project in installed:
        before = len(found.binaries)
        for recorded in project.outside:
            if recorded[:3] == "../" and not has_passed_name(os.path.basename(recorded)):
                path = os.path.normpath(os.path.join(site, recorded))
                if os.path.realpath(path).startswith(prefix + os.sep) and os.path.isfile(path):
                    look_at(found, path, site, os.path.relpath(path, site).replace(os.sep, "/"))
        owners.assign(found.binaries[before:], project.name)
