"""What pytest loads, and all that imports pytest: options, markers, fixtures, items.

In comes pytest's configuration; out go items, reports and the exit code. Judges nothing itself.
Nothing heavy is imported until it is asked for: an installed but idle plugin must cost nothing. Hence the imports inside
functions, and named tuples in what is loaded at once: to make one dataclass takes half a millisecond of every run of pytest.
It asserts nothing to be rewritten, and the standalone command has imported it before pytest could: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin import arguments, hookspecs, needs, settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_archcheck.accelerators.model import Benchmark, MatmulBenchmark
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.session import ArchcheckSession

#: The folder that pytest-xdist's workers share.
_SHARED = pytest.StashKey[str]()
_PARSER = pytest.StashKey[pytest.Parser]()
#: The session that was started before conftest files.
_STARTED = pytest.StashKey["ArchcheckSession"]()
#: Name of the session's plugin, and of its entry in pytest-xdist's workerinput.
_SESSION = "archcheck-session"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare options and ini values; refuse to go on where pytest has mistaken a path behind one of them for the project."""
    settings.declare(parser)
    config = pluginmanager.get_plugin("pytestconfig")
    if config is not None and any("--archcheck-" in arg for arg in _typed(config)):
        from pytest_archcheck.plugin import rootdir

        rootdir.refuse_foreign(config)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, None]:
    """Inspect before conftest files are imported; where that fails, say all that is known."""
    session = None
    early_config.stash[_PARSER] = parser
    # In a pytest-xdist worker the result will be handed over. What looks like one may also be a run that a worker's test
    # started: pytest_configure can tell.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        session = _start(early_config, parser, args)
        if session is not None:
            early_config.stash[_STARTED] = session
    outcome = yield
    if session is not None and outcome.excinfo is not None:
        session.tell_in_full()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Explain what is asked for instead of running."""
    names: list[str] = config.option.archcheck_explain or []
    if not names:
        return None
    from pytest_archcheck.plugin import explaining

    return explaining.explain(names)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers, and the session's plugin where the checks are on."""
    needs.register(config)
    session = _session(config)
    if session is None:
        if not hasattr(config, "workerinput"):
            arguments.warn_of_idle_options(config)
        return
    if not session.is_worker:
        session.join_findings_of_others()
        session.reject_unknown_ids()
    config.pluginmanager.register(session, _SESSION)
    session.join_html_report()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what requires something that this environment has not."""
    needs.hold_back(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail it instead where archcheck_require names the need."""
    needs.fail(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """Refuse markers that nobody can answer."""
    outcome = yield
    if outcome.excinfo is None:
        needs.reject_bad_arguments(collector, outcome.get_result())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - pytest-xdist's WorkerController
    """Give the workers of pytest-xdist a folder in common, so that a framework is probed once a run."""
    folder = node.config.stash.get(_SHARED, None)
    if folder is None:
        # Only a name that nobody can guess: the worker that first has something to put there makes the folder. So a run without
        # accelerators makes none, which would stay where the run is killed.
        folder = node.config.stash[_SHARED] = os.path.join(tempfile.gettempdir(), f"archcheck-{os.urandom(12).hex()}")
        node.config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    node.workerinput["archcheck-shared"] = folder


@pytest.fixture(scope="session")
def matmul_benchmark(pytestconfig: pytest.Config) -> MatmulBenchmark:
    """Measure ``(framework="tensorflow", size=None, dtype="float32")``: seconds, GFLOP/s, speed-up over the CPU, error."""
    from pytest_archcheck.plugin import accelerators

    def measure(framework: str = "tensorflow", size: int | None = None, dtype: str = "float32") -> Benchmark:
        return accelerators.run_benchmark(pytestconfig, framework, size, dtype)

    return measure


@pytest.fixture(scope="session")
def archcheck(pytestconfig: pytest.Config) -> Inspection:
    """What was inspected: target, interpreter, distributions, binaries, findings; checks off: the active environment."""
    from pytest_archcheck.plugin.inspected import inspection_of

    return inspection_of(pytestconfig)


def _typed(config: pytest.Config) -> list[str]:
    return [*map(os.fspath, config.invocation_params.args), os.environ.get("PYTEST_ADDOPTS", "")]


def _start(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> ArchcheckSession | None:
    if not arguments.could_concern_us(config, args):
        return None
    from pytest_archcheck.plugin.session import start

    return start(config, parser, args)


def _session(config: pytest.Config) -> ArchcheckSession | None:
    """Return the session that a worker is handed, that was started before conftest files, or that could not be until now."""
    if hasattr(config, "workerinput"):
        handed = config.workerinput.get(_SESSION)
        if handed is None:
            return None
        from pytest_archcheck.plugin.session import take_over

        return take_over(config, handed)
    if "PYTEST_XDIST_WORKER" in os.environ and _PARSER in config.stash:
        return _start(config, config.stash[_PARSER], [os.fspath(arg) for arg in config.invocation_params.args])
    session = config.stash.get(_STARTED, None)
    return session if session is not None and session.still_wanted(config.stash[_PARSER]) else None
