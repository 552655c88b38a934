"""From a path to what is judged there: an environment, wheels, or a lock file."""

from __future__ import annotations

import itertools
import os
import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import NothingToInspect, environment_at, is_environment
from pytest_archcheck.discover.model import Environment
from pytest_archcheck.findings import Skipped
from pytest_archcheck.judge.access import Access
from pytest_archcheck.judge.environment import Judgement, judge, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_archcheck.discover.wheels import Wheel
    from pytest_archcheck.machine.target import Target

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


@dataclass(frozen=True, slots=True)
class Judged:
    """An input and what became of it."""

    environment: Environment
    judgement: Judgement
    #: The machines that its own tags promise and that it was judged for; empty: the target of the inspection.
    targets: tuple[Target, ...] = ()


Input: TypeAlias = "Environment | Wheel | LockFile | OneFile"
#: Folders that are one thing, whatever Python lies in them: all of it is looked at.
_BUNDLES = (".app", ".framework", ".bundle", ".xcframework")


def inputs_at(path: str) -> tuple[list[Input], list[Skipped]]:
    """Return what lies at a path, and what beside it is no input.

    :raises NothingToInspect: nothing that can be inspected; the message says what was looked for.
    """
    if os.path.isfile(path) and path.endswith(".whl"):
        return [_wheel(path)], []
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
        wheels: list[Input] = [_wheel(file) for file in files if file.endswith(".whl") and os.path.isfile(file)]
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
    inputs = inputs or [_wheel(file) for file in found.wheels]
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
    from pytest_archcheck.rules.inputs import advice_for

    if is_interpreter_name(path) and (around := environment_around(path)):
        return [environment_at(around)], []
    if advice := advice_for(path):
        raise NothingToInspect(f"{path}: {advice}")
    return [OneFile(path, file_environment(path))], []


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise NothingToInspect(f"{folder}: the folder cannot be read: {error.strerror or error}") from error


def _wheel(path: str) -> Wheel:
    from pytest_archcheck.discover.wheels import read_wheel

    try:
        return read_wheel(path)
    except OSError as error:
        raise NothingToInspect(f"{path}: the wheel cannot be read: {error.strerror or error}") from error


def labelled(inputs: Sequence[Input]) -> Iterator[tuple[Input, str]]:
    """Give each input a label of its own: its name, with a number where that is taken.

    The checks of one environment have no label before them; then what they are called is taken as well.
    """
    environments = [one for one in inputs if isinstance(one, Environment)]
    taken = {subject_of(dist) for one in environments if len(environments) == 1 for dist in one.distributions}
    numbers: dict[str, int] = {}
    for one in inputs:
        base = one.label.replace("::", "-").replace("[", "(").replace("]", ")")
        labels = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(numbers.get(base, 2))))
        label = base if environments == [one] else next(label for label in labels if label not in taken)
        numbers[base] = numbers.get(base, 2) + (label != base)
        taken.add(label)
        yield one, label


def judge_inputs(
    inputs: Sequence[Input], target: Target, python: str | None, *, target_given: bool, all_pages: bool
) -> list[Judged]:
    """Judge each input.

    :param target: where no target was given, this machine: wheels are then judged for what their own tags promise.
    :param python: what lock files are judged for, by default the running one, and folders that name no Python themselves.
    :raises LockInvalid: a lock file cannot be read.
    """
    several = sum(isinstance(one, Environment) for one in inputs) > 1
    judged = []
    for one, label in labelled(inputs):
        if isinstance(one, LockFile):
            judged.append(_judge_lock(one, label, target, python or platform.python_version()))
        elif isinstance(one, OneFile):
            from pytest_archcheck.judge.file import judge_file

            access = Access(all_pages=all_pages)
            judged.append(Judged(*judge_file(one.path, one.environment, label, target, access, python)))
        elif isinstance(one, Environment):
            environment = replace(one, label=label)
            prefix = f"{label}::" if several else ""
            judged.append(Judged(environment, judge(environment, target, prefix, Access(all_pages=all_pages), python)))
        else:
            from pytest_archcheck.judge.wheel import judge_wheel

            promised = () if target_given else one.targets
            judgement = judge_wheel(one, label, promised or (target,), by_tags=bool(promised), all_pages=all_pages)
            judged.append(Judged(replace(one.environment, label=label), judgement, promised))
    return judged


def _judge_lock(lock: LockFile, label: str, target: Target, python: str) -> Judged:
    from pytest_archcheck.judge.lock import inspect_lock

    environment, checks = inspect_lock(lock.path, target, python, label)
    return Judged(environment, Judgement(checks))
