"""From a path to what lies there: environments, wheels, a lock file, or one compiled file. No wheel is opened here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import NothingToInspect, is_environment
from pytest_archcheck.discover.wheel_names import WheelFile, wheel_below, wheel_file
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment

_SDIST = "a source distribution: only what is built from it can be inspected"
_SDISTS = "{} source distributions, {} and so on: only what is built from them can be inspected"


class LockFile(NamedTuple):
    """A lock file that has not been read yet."""

    path: str
    #: Its name.
    label: str


class EnvironmentFolder(NamedTuple):
    """An environment that has not been read yet: one of several is read beside the others."""

    path: str
    label: str


class OneFile(NamedTuple):
    """One compiled file, and the environment in which its libraries are looked for."""

    path: str
    environment: Environment

    @property
    def label(self) -> str:
        """Its name."""
        return os.path.basename(self.path)


Input: TypeAlias = "Environment | EnvironmentFolder | WheelFile | LockFile | OneFile"
#: Folders that are one thing, whatever Python lies in them: all of it is looked at.
_BUNDLES = (".app", ".framework", ".bundle", ".xcframework")


def inputs_at(path: str) -> tuple[list[Input], list[Skipped]]:
    """Return what lies at a path, and what beside it is no input.

    :raises NothingToInspect: nothing that can be inspected; the message says what was looked for.
    """
    if os.path.isfile(path) and path.endswith(".whl"):
        return [wheel_file(path)], []
    if os.path.isfile(path):
        from pytest_archcheck.locks.reading import is_lock_name

        if is_lock_name(path):
            return [LockFile(path, os.path.basename(path))], []
        return _of_file(path)
    if os.path.isdir(path) and not is_environment(path):
        from pytest_archcheck.discover.below import environment_around

        if around := environment_around(path):
            return [_folder(around)], []
        whole = path.endswith(_BUNDLES) or os.path.dirname(path) == path  # "/" is nobody's environment
        if not whole and (below := _below(path)):
            return below
    return [_folder(path)], []


def _below(path: str) -> tuple[list[Input], list[Skipped]] | None:
    """The environments below a folder that is none, or else the wheels; None where there are neither.

    Where wheels lie in the folder itself they are meant, whatever lies beside them.
    """
    from pytest_archcheck.discover.below import look_below

    try:
        found = look_below(path)
    except OSError as error:
        raise NothingToInspect(f"{path}: the folder cannot be read: {error.strerror or error}") from error
    deep = [place for place in found.wheels if "/" in place]
    places = found.environments or found.loose
    skipped = []
    inputs: list[Input]
    root = os.path.abspath(path)
    if places and len(deep) == len(found.wheels):
        skipped.append(Skipped(path, "only the environments below it were looked at"))
        if len(places) > limits.ENVIRONMENTS_BELOW:
            what = f"{len(places)} environments lie below it: the first {limits.ENVIRONMENTS_BELOW} were looked at"
            skipped.append(Skipped(path, what))
        inputs = [_folder(place, path) for place in places[: limits.ENVIRONMENTS_BELOW]]
        if len(places) == 1:  # the folder stands for it: a container's root file system for the Python in it
            inputs = [EnvironmentFolder(places[0], _folder(path).label)]
    elif found.wheels:
        if places or deep:
            skipped.append(Skipped(path, "only the wheels below it were looked at"))
        if len(found.wheels) > limits.WHEELS_BELOW:
            what = f"more than {limits.WHEELS_BELOW} wheels lie below it: so many were looked at"
            skipped.append(Skipped(path, what))
        skipped += _of_sdists(path, found.sdists)
        inputs = [wheel_below(root, place) for place in found.wheels[: limits.WHEELS_BELOW]]
    else:
        return None
    if found.cut:
        what = "wheels" if found.wheels and not places else "environments: name the one that is meant"
        skipped.append(Skipped(path, f"there is more below it than is looked through for {what}"))
    if found.unread:
        skipped.append(Skipped(path, f"{found.unread} of the folders below it cannot be read"))
    return inputs, skipped


def _of_sdists(path: str, sdists: list[str]) -> list[Skipped]:
    """Say once what lies beside the wheels and is none."""
    if len(sdists) < 2:
        return [Skipped(os.path.join(path, *place.split("/")), _SDIST) for place in sdists]
    return [Skipped(path, _SDISTS.format(len(sdists), sdists[0]))]


def _folder(path: str, given: str | None = None) -> EnvironmentFolder:
    """An environment, labelled by its folder; one of several below a folder that was given, by its way from there."""
    label = os.path.basename(os.path.abspath(path)) if given is None else os.path.relpath(path, given).replace(os.sep, "/")
    return EnvironmentFolder(path, label or "root")


def _of_file(path: str) -> tuple[list[Input], list[Skipped]]:
    """A file that is no wheel and no lock: the Python of an environment, or one compiled file."""
    from pytest_archcheck.discover.below import environment_around
    from pytest_archcheck.discover.interpreters import is_interpreter_name
    from pytest_archcheck.discover.single import file_environment

    if is_interpreter_name(path) and (around := environment_around(path)):
        return [_folder(around)], []
    return [OneFile(path, file_environment(path))], []
