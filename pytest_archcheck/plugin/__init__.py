"""What pytest loads, and all that imports pytest: options, markers, hooks, fixtures, items.

In comes pytest's configuration; out go items, reports and the exit code. Judges nothing itself.
This module is all of ours that a run loads which has the checks off, but for the face of the package. It is as small as can be:
pytest's rewriter of asserts reads it one field of its bytecode at a time, which makes a function cost some 15 µs. Hence few
functions, and tables as text. It asserts nothing: PYTEST_DONT_REWRITE. Other modules are imported past the rewriter where the
checks may be on (``hooks``, which declares the options, too), and where a test asks for something.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_archcheck import Inspection, MatmulBenchmark

#: What each option is while none is declared: they are where the command line, addopts or an ini value could mean us. Other
#: plugins may ask for their values in every run.
_OPTIONS = (
    "archcheck no-archcheck archcheck-path archcheck-target archcheck-python archcheck-select archcheck-ignore "
    "archcheck-require archcheck-json archcheck-html archcheck-sarif archcheck-explain archcheck-annotations "
    "archcheck-all-pages"
)
#: Ini values: name, type, default, what it means. Numbers are declared as strings, which every pytest knows; numbers are
#: accepted too when they are read.
_INI = """\
archcheck|bool||switch the checks on, as --archcheck does (default: off)
archcheck_paths|paths||what to inspect, as --archcheck-path (default: the active environment)
archcheck_target|string||where it must run, as --archcheck-target (default: host)
archcheck_python|string||the Python of lock files and folders, as --archcheck-python (default: the running one)
archcheck_select|linelist||only these rules, as --archcheck-select (default: all)
archcheck_ignore|linelist||not these rules, as --archcheck-ignore (default: none)
archcheck_require|linelist||what must hold, as --archcheck-require (default: nothing)
archcheck_json|string||where to write the result, as --archcheck-json (default: none)
archcheck_html|string||where to write the page, as --archcheck-html (default: none)
archcheck_sarif|string||where to write SARIF, as --archcheck-sarif (default: none)
archcheck_annotations|bool||annotate pull requests on GitHub, as --archcheck-annotations does (default: off)
archcheck_allow|linelist||findings that are accepted, one 'SUBJECT[/RULE][ @TARGETGLOB]: reason' a line (default: none)
archcheck_matmul_size|string|2048|rows of the square matrices of the matmul benchmark (default: 2048)
archcheck_matmul_min_gflops|string||the least GFLOP/s that the matmul benchmark must reach (default: no gate)
archcheck_matmul_min_speedup|string||how many times as fast as the CPU the matmul benchmark must be (default: no gate)
archcheck_probe_timeout|string|300|seconds that importing and trying a framework may take (default: 300)
verbosity_archcheck|string|auto|verbosity of archcheck's own output (default: auto, as -v and -q say)
"""
#: What ``pytest --markers`` shows; what each ``requires_`` asks is told by ``pytest_archcheck.plugin.needs``.
_MARKERS = """\
archcheck: a check of pytest-archcheck; -m 'not archcheck' leaves them all out.
requires_clean(*distributions): these distributions are installed and pytest-archcheck finds no error in them; no name: in all.
requires_gpu(framework='tensorflow'): a GPU has just computed a correct matmul through that framework; None: through any.
requires_metal(framework='tensorflow'): a Metal GPU has just computed a correct matmul through it; None: Metal offers a device.
requires_native(): this Python is not emulated: not under Rosetta, not under QEMU.
"""


def __dir__() -> list[str]:
    # pytest and pluggy look at every name that a plugin shows, some ten microseconds each: only those that are theirs.
    return (
        "pytest_addoption pytest_load_initial_conftests pytest_configure pytest_make_collect_report pytest_runtest_setup "
        "pytest_runtest_call archcheck matmul_benchmark"
    ).split()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare ini values; refuse to go on where pytest has mistaken a path behind an option of ours for the project."""
    # -p pytest_archcheck.plugin, pytest_plugins of a conftest file and the entry point may each load this module: once.
    for name in {"pytest_archcheck", __name__} - {pluginmanager.get_name(sys.modules[__name__])}:
        pluginmanager.set_blocked(name)
    for line in _INI.splitlines():
        name, kind, default, meaning = line.split("|")
        parser.addini(name, meaning, kind, {"bool": False, "string": default}.get(kind, []))  # type: ignore[arg-type]
    config: Any = pluginmanager.get_plugin("pytestconfig")
    for option in _OPTIONS.split():
        config.option.__dict__.setdefault(option.replace("-", "_"))
        config.option.__dict__.setdefault(f"--{option}")
    if "--archcheck-" in f"{config.invocation_params.args} {os.environ.get('PYTEST_ADDOPTS')}":
        _ours("rootdir", pluginmanager).refuse_foreign(config)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, None]:
    """Load the hooks of a run with the checks on, where they may be on: most that have them off say nothing of them."""
    given = vars(early_config.option)  # filled already where another process has started this one
    asked = given["archcheck"] or given["archcheck_path"] or given["archcheck_require"]
    meant = asked or early_config.known_args_namespace.help or "_ARGCOMPLETE" in os.environ
    for word in args:
        path = word.partition("::")[0]
        # An option, a file of options, "archcheck", "archcheck::x", and ids as editors give them: below a folder.
        meant = meant or word.startswith(("--archcheck", "--no-archcheck", "@")) or os.path.basename(path) == "archcheck"
        meant = meant or (path != word and not os.path.isfile(path))
    try:
        for name in "archcheck", "archcheck_paths", "archcheck_require":
            meant = meant or early_config.getini(name)
    except (TypeError, ValueError, AssertionError, pytest.UsageError):  # the hooks will say what is wrong with it
        meant = True
    if meant:
        yield from _ours("hooks", early_config.pluginmanager).around_initial_conftests(early_config, parser, args)
    else:
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Register markers; with pytest-xdist, join the workers."""
    for line in _MARKERS.splitlines():
        config.addinivalue_line("markers", line)
    if "archcheck-session" in getattr(config, "workerinput", ()):
        _ours("hooks", config.pluginmanager).join(config)
    if getattr(config.option, "dist", "no") != "no":
        _ours("shared_folder", config.pluginmanager).join(config)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """Refuse markers that nobody can answer; declare our hooks where a plugin or conftest file has one of them."""
    outcome = yield
    hooks = collector.config.hook
    for name in "pytest_archcheck_findings", "pytest_archcheck_frameworks":
        if hasattr(hooks, name) and not getattr(hooks, name).has_spec():
            _ours("hookspecs", collector.config.pluginmanager).declare(collector.config.pluginmanager)
    if outcome.excinfo is not None or collector.nodeid == "archcheck":  # ours may be ten thousand, and require nothing
        return
    for item in outcome.get_result().result:
        for mark in item.iter_markers() if isinstance(item, pytest.Item) else ():
            if mark.name in ("requires_metal", "requires_gpu"):
                _ours("needs", collector.config.pluginmanager).reject_bad_arguments(collector, outcome.get_result())
                return


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what requires something that this environment has not."""
    for mark in item.iter_markers():
        if mark.name.startswith("requires_"):
            _ours("needs", item.config.pluginmanager).hold_back(item)
            break


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail it instead where archcheck_require names the need; ask about the markers that fixtures have added."""
    for mark in item.iter_markers():
        if mark.name.startswith("requires_"):
            _ours("needs", item.config.pluginmanager).fail(item)
            break


@pytest.fixture(scope="session")
def matmul_benchmark(pytestconfig: pytest.Config) -> MatmulBenchmark:
    """Measure ``(framework="tensorflow", size=None, dtype="float32")``: seconds, GFLOP/s, speed-up over the CPU, error."""
    measure: MatmulBenchmark = _ours("board", pytestconfig.pluginmanager).benchmark_of(pytestconfig)
    return measure


@pytest.fixture(scope="session")
def archcheck(pytestconfig: pytest.Config) -> Inspection:
    """What was inspected: target, interpreter, distributions, binaries, findings; checks off: the active environment."""
    inspection: Inspection = _ours("inspected", pytestconfig.pluginmanager).inspection_of(pytestconfig)
    return inspection


@contextmanager
def unwritten(pluginmanager: pytest.PytestPluginManager) -> Generator[None, None, None]:
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


def _ours(name: str, pluginmanager: pytest.PytestPluginManager) -> Any:  # noqa: ANN401 - a module
    with unwritten(pluginmanager):
        return import_module(f"pytest_archcheck.plugin.{name}")
