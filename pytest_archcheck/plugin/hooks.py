"""The hooks of a run that may have the checks on: they declare the options and start the session.

Registered by the module that pytest loads, ``every_run``, where anything typed or set may mean us.
"""

from __future__ import annotations

import copy
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin import hookspecs, options
from pytest_archcheck.plugin.every_run import unwritten

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_archcheck.plugin.start import Started

_PARSER = pytest.StashKey[pytest.Parser]()
#: The run that was started before conftest files.
_STARTED = pytest.StashKey["Started"]()
#: Name of the session's plugin, and of its entry in pytest-xdist's workerinput.
_SESSION = "archcheck-session"


def join(config: pytest.Config) -> None:
    """Register these hooks."""
    if not config.pluginmanager.has_plugin("archcheck-hooks"):
        config.pluginmanager.register(sys.modules[__name__], "archcheck-hooks")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options."""
    options.declare(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    hookspecs.declare(pluginmanager)


def around_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Generator[None, Any, None]:
    """Inspect before conftest files are imported; where that fails, say all that is known."""
    join(early_config)
    # pytest has parsed them without our options, and taken values of theirs for files of tests.
    parsed = parser.parse_known_args(args, namespace=copy.copy(early_config.option))
    for name, value in vars(parsed).items():
        if name.startswith("archcheck") or name == "file_or_dir":
            setattr(early_config.known_args_namespace, name, value)
    started = None
    early_config.stash[_PARSER] = parser
    # In a pytest-xdist worker the result will be handed over. What looks like one may also be a run that a worker's test
    # started: pytest_configure can tell.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        started = _start(early_config, parser, args)
        if started is not None:
            early_config.stash[_STARTED] = started
    outcome = yield
    if started is not None and started.telling is not None and outcome.excinfo is not None:
        started.telling.in_full()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Explain what is asked for instead of running."""
    names: list[str] = config.option.archcheck_explain or []
    if not names:
        return None
    from pytest_archcheck.plugin import explaining

    return explaining.explain(names)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugins of a run with the checks on."""
    started = _started(config)
    if started is None:
        if not hasattr(config, "workerinput") and any("--archcheck-" in str(arg) for arg in config.invocation_params.args):
            from pytest_archcheck.plugin import arguments

            arguments.warn_of_idle_options(config)
        return
    session, telling = started
    if telling is not None:
        session.join_findings_of_others()
        session.reject_unknown_ids()
    config.pluginmanager.register(session, _SESSION)
    if telling is not None:
        config.pluginmanager.register(telling, "archcheck-telling")
    session.join_html_report()
    if session.is_worker or getattr(config.option, "dist", "no") != "no":  # pytest-xdist
        with unwritten():
            from pytest_archcheck.plugin.workers import Workers
        config.pluginmanager.register(Workers(session), "archcheck-workers")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say so where a folder of that name keeps the checks from being meant."""
    name = "archcheck"
    taken = name in config.args and os.path.exists(os.path.join(str(config.invocation_params.dir), name))
    if config.pluginmanager.has_plugin(_SESSION) or not taken:
        return []
    return ["archcheck: a file or folder of this name is here and was taken for tests; for the checks: pytest archcheck::"]


def _could_concern_us(config: pytest.Config, args: list[str]) -> bool:
    """Whether a closer look is worth its time; False in nearly every run that has the checks off."""
    given = config.known_args_namespace
    if given.help or given.version or getattr(given, "markers", False) or given.archcheck_explain:
        return False
    if given.archcheck or given.archcheck_path or given.archcheck_require:
        return True
    try:
        if any(config.getini(name) for name in ("archcheck", "archcheck_paths", "archcheck_require")):
            return True
    except (TypeError, ValueError, AssertionError, pytest.UsageError):  # whoever looks closer will say what is wrong with it
        return True
    return any(_could_be_ours(arg) for arg in args)


def _could_be_ours(argument: str) -> bool:
    """``archcheck``, ``archcheck::x``, ``ROOTDIR::x``, or below the folder that items say they are in."""
    path, colons, _ = argument.partition("::")
    name = os.path.basename(path)
    return name == "archcheck" or (bool(colons) and (name == "checks" or os.path.isdir(path)))


def _start(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Started | None:
    if not _could_concern_us(config, args):
        return None
    with unwritten():
        from pytest_archcheck.plugin.start import start

        return start(config, parser, args)


def _started(config: pytest.Config) -> Started | None:
    """Return the run that a worker is handed, that was started before conftest files, or that could not be until now."""
    if hasattr(config, "workerinput"):
        handed = config.workerinput.get(_SESSION)
        if handed is None:
            return None
        with unwritten():
            from pytest_archcheck.plugin.start import Started
            from pytest_archcheck.plugin.workers import take_over

            return Started(take_over(config, handed), telling=None)
    if "PYTEST_XDIST_WORKER" in os.environ and _PARSER in config.stash:
        return _start(config, config.stash[_PARSER], [os.fspath(arg) for arg in config.invocation_params.args])
    started = config.stash.get(_STARTED, None)
    return started if started is not None and started.session.still_wanted(config.stash[_PARSER]) else None
