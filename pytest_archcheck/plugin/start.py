"""The beginning of a run with the checks on: what is asked is looked at, and inspected, before conftest files are loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_archcheck.plugin import arguments, inspected, progress, report_files, settings
from pytest_archcheck.plugin.inspected import SETTINGS
from pytest_archcheck.plugin.session import ArchcheckSession
from pytest_archcheck.plugin.telling import Telling
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.inspection import Inspection


class Started(NamedTuple):
    """A run with the checks on."""

    session: ArchcheckSession
    #: None in a pytest-xdist worker, whose controller tells.
    telling: Telling | None


def start(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> Started | None:
    """Inspect, if the checks are on, and say what is known to fail: nothing that conftest files do can hide that.

    Raises :class:`pytest.UsageError` for a bad setting.
    """
    scope = arguments.decide(config, parser, arguments.positionals(parser, args))
    if scope is None:
        return None
    checked = config.stash[SETTINGS] = settings.read(config, config.known_args_namespace)
    if checked.require and not all(_is_running_environment(path) for path in checked.paths):
        raise pytest.UsageError(
            f"--archcheck-require: {', '.join(checked.require)} is asked of the environment that runs pytest, and not of "
            f"{text.joined(checked.paths)}: leave --archcheck-path out"
        )
    made = report_files.check(checked)
    with progress.inspecting(config, text.joined(checked.paths, most=2) or "this environment"):
        inspection = inspected.inspect(checked)
    _refuse_idle_python(config, inspection)
    session = ArchcheckSession(config, checked, scope, inspection)
    telling = Telling(session, made)
    if not arguments.hand_to_loop(config, scope):
        telling.early()
    return Started(session, telling)


def _refuse_idle_python(config: pytest.Config, inspection: Inspection) -> None:
    """Say so where another Python was asked for, and everything is judged for its own."""
    typed: str | None = config.known_args_namespace.archcheck_python
    interpreters = [environment.interpreter for environment in inspection.environments]
    versions = [interpreter.version if interpreter else None for interpreter in interpreters]
    if not typed or not all(versions):
        return
    if not versions and inspection.wheels:
        own = "each wheel is judged for the Python of its own tags"
        raise pytest.UsageError(f"--archcheck-python: got {typed!r}, but {own}: leave the option out")
    for environment, version in zip(inspection.environments, versions, strict=True):
        if version and version.split(".")[:2] != typed.split(".")[:2]:
            said = (
                f"{text.escape(environment.path)} has its own Python, {version}, and is judged for that: leave the option out"
            )
            raise pytest.UsageError(f"--archcheck-python: got {typed!r}, but {said}")


def _is_running_environment(path: str) -> bool:
    here = [sys.prefix, *sys.path]
    return any(os.path.isdir(one) and os.path.samefile(path, one) for one in here)
