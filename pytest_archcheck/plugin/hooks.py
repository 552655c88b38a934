"""The hooks of every run, whether the checks are on or off, and the fixtures.

Where the checks are off, this module and what it imports are all of ours that a run loads, and they import nothing that pytest
has not. Hence the imports inside functions. pytest and pluggy look at every name of this module: few names, little time.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin import options

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pytest_archcheck.accelerators.model import Benchmark, Framework, MatmulBenchmark
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.session import ArchcheckSession

#: The folder that pytest-xdist's workers share.
_SHARED = pytest.StashKey[str]()
_PARSER = pytest.StashKey[pytest.Parser]()
#: The session that was started before conftest files.
_STARTED = pytest.StashKey["ArchcheckSession"]()
#: Name of the session's plugin, and of its entry in pytest-xdist's workerinput.
_SESSION = "archcheck-session"

#: What ``pytest --markers`` shows; what each ``requires_`` asks is told by :data:`~pytest_archcheck.plugin.needs.NEEDS`.
_MARKERS = """\
archcheck: a check of pytest-archcheck; -m 'not archcheck' leaves them all out.
requires_clean(*distributions): these distributions are installed and pytest-archcheck finds no error in them; no name: in all.
requires_gpu(framework='tensorflow'): a GPU has just computed a correct matmul through that framework; None: through any.
requires_metal(framework='tensorflow'): a Metal GPU has just computed a correct matmul through it; None: Metal offers a device.
requires_native(): this Python is not emulated: not under Rosetta, not under QEMU.
"""


class HookSpecs:
    """Hooks that other plugins and ``conftest.py`` may implement.

    A ``conftest.py`` that must also load where this plugin is not (``-p no:archcheck``, or not installed) marks
    its implementations with ``@pytest.hookimpl(optionalhook=True)``: otherwise pytest refuses the unknown hook. The values that
    come and go can be imported from ``pytest_archcheck``: ``Inspection``, ``Finding``, ``Framework``.
    """

    def pytest_archcheck_findings(self, inspection: Inspection) -> Iterable[Finding]:  # type: ignore[empty-body]
        """Return findings of your own, judged from what was inspected.

        Called once, after the inspection and before collection; with pytest-xdist in the controller only. A finding joins the
        item that its ``subject`` names; a subject that no item has becomes an item of its own. ``archcheck_allow`` lines apply;
        settings know the plugin's own rules only, so accept a rule of yours by a line that names its subject alone.

        A wheel is inspected when its item runs: then this is called with an inspection of that wheel alone, in the process that
        runs the item (with pytest-xdist in a worker), and what is returned joins that item, whatever its subject.
        """

    def pytest_archcheck_frameworks(self) -> Iterable[Framework]:  # type: ignore[empty-body]
        """Return frameworks whose GPU shall be checked too.

        Each gets the items ``archcheck::accelerator::<name>`` and ``archcheck::matmul::<name>`` where one of its distributions
        is installed, and may be named by ``requires_metal``, ``requires_gpu`` and ``matmul_benchmark``. Called in every process
        that collects; return the same each time. A framework is described by :class:`pytest_archcheck.Framework`: its
        name, its distributions, and an adapter file that is run in a child process only.
        """


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare options and ini values; refuse to go on where pytest has mistaken a path behind one of them for the project."""
    options.declare(parser)
    config = pluginmanager.get_plugin("pytestconfig")
    if config is not None and any("--archcheck-" in arg for arg in _typed(config)):
        with _unwritten(pluginmanager):
            from pytest_archcheck.plugin import rootdir

            rootdir.refuse_foreign(config)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    pluginmanager.add_hookspecs(HookSpecs)


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
    for line in _MARKERS.splitlines():
        config.addinivalue_line("markers", line)
    session = _session(config)
    if session is None:
        if not hasattr(config, "workerinput") and any("--archcheck-" in str(arg) for arg in config.invocation_params.args):
            from pytest_archcheck.plugin import arguments

            arguments.warn_of_idle_options(config)
        return
    if not session.is_worker:
        session.join_findings_of_others()
        session.reject_unknown_ids()
    config.pluginmanager.register(session, _SESSION)
    session.join_html_report()
    if session.is_worker or getattr(config.option, "dist", "no") != "no":  # pytest-xdist
        with _unwritten(config.pluginmanager):
            from pytest_archcheck.plugin.workers import Workers
        config.pluginmanager.register(Workers(session), "archcheck-workers")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say so where a folder of that name keeps the checks from being meant."""
    name = "archcheck"
    taken = name in config.args and os.path.exists(os.path.join(str(config.invocation_params.dir), name))
    if config.pluginmanager.has_plugin(_SESSION) or not taken:
        return []
    return ["archcheck: a file or folder of this name is here and was taken for tests; for the checks: pytest archcheck::"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what requires something that this environment has not."""
    if any(mark.name.startswith("requires_") for mark in item.iter_markers()):
        from pytest_archcheck.plugin import needs

        needs.hold_back(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail it instead where archcheck_require names the need; ask about the markers that fixtures have added."""
    if any(mark.name.startswith("requires_") for mark in item.iter_markers()):
        from pytest_archcheck.plugin import needs

        needs.fail(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """Refuse markers that nobody can answer."""
    outcome = yield
    if outcome.excinfo is not None or collector.nodeid == "archcheck":  # ours may be ten thousand, and require nothing
        return
    report = outcome.get_result()
    for item in report.result:
        for mark in item.iter_markers() if isinstance(item, pytest.Item) else ():
            if mark.name in ("requires_metal", "requires_gpu"):
                from pytest_archcheck.plugin import needs

                needs.reject_bad_arguments(collector, report)
                return


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - pytest-xdist's WorkerController
    """Give the workers of pytest-xdist a folder in common, so that a framework is probed once a run."""
    folder = node.config.stash.get(_SHARED, None)
    if folder is None:
        import shutil
        import tempfile
        from functools import partial

        # Only a name that nobody can guess: the worker that first has something to put there makes the folder. So a run without
        # accelerators makes none, which would stay where the run is killed.
        folder = node.config.stash[_SHARED] = os.path.join(tempfile.gettempdir(), f"archcheck-{os.urandom(12).hex()}")
        node.config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    node.workerinput["archcheck-shared"] = folder


@pytest.fixture(scope="session")
def matmul_benchmark(pytestconfig: pytest.Config) -> MatmulBenchmark:
    """Measure ``(framework="tensorflow", size=None, dtype="float32")``: seconds, GFLOP/s, speed-up over the CPU, error."""
    from pytest_archcheck.plugin.board import run_benchmark

    def measure(framework: str = "tensorflow", size: int | None = None, dtype: str = "float32") -> Benchmark:
        return run_benchmark(pytestconfig, framework, size, dtype)

    return measure


@pytest.fixture(scope="session")
def archcheck(pytestconfig: pytest.Config) -> Inspection:
    """What was inspected: target, interpreter, distributions, binaries, findings; checks off: the active environment."""
    from pytest_archcheck.plugin.inspected import inspection_of

    return inspection_of(pytestconfig)


def _typed(config: pytest.Config) -> list[str]:
    return [*map(os.fspath, config.invocation_params.args), os.environ.get("PYTEST_ADDOPTS", "")]


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
    except (TypeError, ValueError, AssertionError):  # whoever looks closer will say what is wrong with it
        return True
    return any(_could_be_ours(arg) for arg in args)


def _could_be_ours(argument: str) -> bool:
    """``archcheck``, ``archcheck::x``, ``ROOTDIR::x``, or below the folder that items say they are in."""
    path, colons, _ = argument.partition("::")
    name = os.path.basename(path)
    return name == "archcheck" or (bool(colons) and (name == "checks" or os.path.isdir(path)))


@contextlib.contextmanager
def _unwritten(pluginmanager: pytest.PytestPluginManager) -> Generator[None, None, None]:
    """Let modules be imported as they are written.

    pytest rewrites the asserts of every module of an installed plugin, and of ours there are some hundred: it costs as much as
    their import, and four times that where no bytecode may be written.
    """
    rewriter = getattr(pluginmanager, "rewrite_hook", None)
    if rewriter not in sys.meta_path:  # --assert=plain
        yield
        return
    at = sys.meta_path.index(rewriter)
    sys.meta_path.remove(rewriter)
    try:
        yield
    finally:
        sys.meta_path.insert(at, rewriter)


def _start(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> ArchcheckSession | None:
    if not _could_concern_us(config, args):
        return None
    with _unwritten(config.pluginmanager):
        from pytest_archcheck.plugin.session import start

        return start(config, parser, args)


def _session(config: pytest.Config) -> ArchcheckSession | None:
    """Return the session that a worker is handed, that was started before conftest files, or that could not be until now."""
    if hasattr(config, "workerinput"):
        handed = config.workerinput.get(_SESSION)
        if handed is None:
            return None
        with _unwritten(config.pluginmanager):
            from pytest_archcheck.plugin.workers import take_over

            return take_over(config, handed)
    if "PYTEST_XDIST_WORKER" in os.environ and _PARSER in config.stash:
        return _start(config, config.stash[_PARSER], [os.fspath(arg) for arg in config.invocation_params.args])
    session = config.stash.get(_STARTED, None)
    return session if session is not None and session.still_wanted(config.stash[_PARSER]) else None
