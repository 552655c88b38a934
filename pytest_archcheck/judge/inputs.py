"""From what lies at a path to its judgement: each kind of input goes its own way."""

from __future__ import annotations

import itertools
import os
import platform
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.discover.environments import NothingToInspect, environment_at
from pytest_archcheck.discover.inputs import EnvironmentFolder, LockFile, OneFile
from pytest_archcheck.discover.model import Environment
from pytest_archcheck.judge.access import ON_DISK, on_disk
from pytest_archcheck.judge.environment import Judgement, judge, subject_of
from pytest_archcheck.rules.commands import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_archcheck.discover.inputs import Input
    from pytest_archcheck.discover.wheel_names import WheelFile
    from pytest_archcheck.judge.access import Access
    from pytest_archcheck.machine.target import Target


class Judged(NamedTuple):
    """An input and what became of it."""

    environment: Environment
    judgement: Judgement
    #: The machines that its tags promise, or the one that its system is of, where it was judged for those.
    targets: tuple[Target, ...] = ()


def with_one_environment_read(inputs: Sequence[Input], access: Access) -> list[Input]:
    """Read an environment that is the only one. Several are read when they are judged, side by side.

    :param access: the one with which it will be judged.
    :raises NothingToInspect: there is none; the message says what was looked for.
    """
    alone = sum(isinstance(one, EnvironmentFolder) for one in inputs) == 1
    return [_read(one.path, access) if alone and isinstance(one, EnvironmentFolder) else one for one in inputs]


def _read(path: str, access: Access) -> Environment:
    """The environment in a folder; a project's folder without one has a lock, perhaps."""
    try:
        return environment_at(path, access.look)
    except NothingToInspect as error:
        from pytest_archcheck.locks.reading import is_lock_name

        locks = sorted(filter(is_lock_name, os.listdir(path))) if os.path.isdir(path) else []
        if not locks:
            raise
        typed = command("pytest-archcheck", os.path.join(path, locks[0]))
        raise NothingToInspect(f"{path}: no environment lies there, but a lock file does: {typed}") from error


def labelled(inputs: Sequence[Input]) -> Iterator[tuple[Input, str]]:
    """Give each input a label of its own: its name, with a number where that is taken.

    The checks of one environment have no label before them; then what they are called is taken as well.
    """
    environments = [one for one in inputs if isinstance(one, Environment)]
    taken = {subject_of(dist) for one in environments if len(environments) == 1 for dist in one.distributions}
    numbers: dict[str, int] = {}
    for one in inputs:
        base = one.label.replace("::", "-").replace("[", "(").replace("]", ")")
        label = base
        if base in taken and environments != [one]:
            label = next(
                label for number in itertools.count(numbers.get(base, 2)) if (label := f"{base}-{number}") not in taken
            )
            numbers[base] = numbers.get(base, 2) + 1
        taken.add(label)
        yield one, label


def judge_inputs(
    inputs: Sequence[tuple[Input, str]], target: Target, python: str | None, access: Access = ON_DISK
) -> list[Judged]:
    """Judge each input, which comes with its label. Wheels are left alone: :func:`judge_wheel_file` takes one at a time.

    :param access: to the files of environments that were read already.
    :param python: what lock files are judged for, by default the running one, and folders that name no Python themselves.
    :raises NothingToInspect: a folder holds no environment.
    :raises LockInvalid: a lock file cannot be read.
    """
    asked = (target, python, access.all_pages)
    folders = [(one.path, label, *asked) for one, label in inputs if isinstance(one, EnvironmentFolder)]
    several: Iterator[Judged] = iter(())
    if folders:
        from pytest_archcheck.judge.side_by_side import each

        several = iter(each(_judge_folder, folders))
    judged = []
    for one, label in inputs:
        if isinstance(one, LockFile):
            running = platform.python_version().removesuffix("+")  # which a build from git has
            judged.append(_judge_lock(one, label, target, python or running))
        elif isinstance(one, OneFile):
            from pytest_archcheck.judge.file import judge_file

            judged.append(Judged(*judge_file(one.path, one.environment, label, target, access, python)))
        elif isinstance(one, Environment):
            judged.append(_judge_environment(one._replace(label=label), target, "", access, python))
        elif isinstance(one, EnvironmentFolder):
            judged.append(next(several))
    return judged


def _judge_folder(path: str, label: str, target: Target, python: str | None, all_pages: bool) -> Judged:  # noqa: FBT001 - pickled
    """Read and judge one of several environments; in a child, too."""
    access = on_disk(target, all_pages=all_pages)
    return _judge_environment(_read(path, access)._replace(label=label), target, f"{label}::", access, python)


def _judge_environment(environment: Environment, target: Target, prefix: str, access: Access, python: str | None) -> Judged:
    """For the target; where none was given, the files of another system are judged for that one."""
    own = None
    if target.is_host and environment.root is not None:
        from pytest_archcheck.discover.image_machine import machine_of_root

        own = machine_of_root(environment)
    judgement = judge(environment, own or target, prefix, access, python)
    if own is None:
        return Judged(environment, judgement)
    checks = tuple(replace(check, targets=(own.tag,)) for check in judgement.checks)
    return Judged(environment, replace(judgement, checks=checks), (own,))


def judge_wheel_file(file: WheelFile, target: Target, *, target_given: bool, all_pages: bool) -> Judged:
    """Open a wheel and judge it.

    :param target: where no target was given, this machine: the wheel is then judged for what its own tags promise.
    """
    from pytest_archcheck.judge.wheel import read_and_judge

    wheel, judgement, promised = read_and_judge(file.path, file.label, target, target_given=target_given, all_pages=all_pages)
    return Judged(wheel.environment._replace(label=file.label), judgement, promised)


def _judge_lock(lock: LockFile, label: str, target: Target, python: str) -> Judged:
    from pytest_archcheck.judge.lock import inspect_lock

    environment, checks = inspect_lock(lock.path, target, python, label)
    return Judged(environment, Judgement(checks))
