"""From a path to what lies there: environments, wheels, a lock file, or one compiled file. No wheel is opened here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import NothingToInspect, environment_at, is_environment
from pytest_archcheck.discover.wheel_names import WheelFile, wheel_file
from pytest_archcheck.findings import Skipped

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment

#: The ends of source distributions, which lie beside the wheels in a folder ``dist``.
_SDISTS = (".tar.gz", ".zip")
_SDIST = "a source distribution: only what is built from it can be inspected"


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file that has not been read yet."""

    path: str
    #: Its name.
    label: str


@dataclass(frozen=True, slots=True)
class OneFile:
    """One compiled file, and the environment in which its libraries are looked for."""

    path: str
    environment: Environment

    @property
    def label(self) -> str:
        """Its name."""
        return os.path.basename(self.path)


Input: TypeAlias = "Environment | WheelFile | LockFile | OneFile"
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
            return [environment_at(around)], []
        files = [os.path.join(path, name) for name in sorted(_names(path))]
        wheels: list[Input] = [wheel_file(file) for file in files if file.endswith(".whl") and os.path.isfile(file)]
        if wheels:
            return wheels, [Skipped(file, _SDIST) for file in files if file.endswith(_SDISTS)]
        whole = path.endswith(_BUNDLES) or os.path.dirname(path) == path  # "/" is nobody's environment
        if not whole and (below := _below(path)):
            return below
    return [environment_at(path)], []


def _below(path: str) -> tuple[list[Input], list[Skipped]] | None:
    """The environments below a folder that is none, or else the wheels; None where there are neither."""
    from pytest_archcheck.discover.below import look_below

    found = look_below(path)
    places = found.environments or found.loose
    inputs: list[Input] = [environment_at(place) for place in places[: limits.ENVIRONMENTS_BELOW]]
    inputs = inputs or [wheel_file(file) for file in found.wheels]
    if not inputs:
        return None
    what = "environments" if places else "wheels"
    skipped = [Skipped(path, f"only the {what} below it were looked at")]
    if len(places) > limits.ENVIRONMENTS_BELOW:
        skipped.append(Skipped(path, f"{len(places)} environments lie below it: the first {len(inputs)} were looked at"))
    if found.cut:
        skipped.append(
            Skipped(path, "there is more below it than is looked through for environments: name the one that is meant")
        )
    return inputs, skipped


def _of_file(path: str) -> tuple[list[Input], list[Skipped]]:
    """A file that is no wheel and no lock: the Python of an environment, or one compiled file."""
    from pytest_archcheck.discover.below import environment_around
    from pytest_archcheck.discover.interpreters import is_interpreter_name
    from pytest_archcheck.discover.single import file_environment

    if is_interpreter_name(path) and (around := environment_around(path)):
        return [environment_at(around)], []
    return [OneFile(path, file_environment(path))], []


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise NothingToInspect(f"{folder}: the folder cannot be read: {error.strerror or error}") from error
