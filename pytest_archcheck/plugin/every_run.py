"""What is ours in every run, also in one with the checks off: ini values, markers, hooks and fixtures.

With the face of the package and the page that imports it, this is all of ours that such a run loads. So it imports nothing but
what pytest has imported, and each hook asks first whether the run means us. The other modules are imported where the checks may
be on (``hooks``, which declares the options, too), and where a test asks for something.
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

#: The options, of which none is declared where neither the command line nor addopts nor an ini value could mean us.
OPTIONS = (
    "archcheck",
    "no-archcheck",
    "archcheck-path",
    "archcheck-target",
    "archcheck-python",
    "archcheck-select",
    "archcheck-ignore",
    "archcheck-require",
    "archcheck-json",
    "archcheck-html",
    "archcheck-sarif",
    "archcheck-explain",
    "archcheck-annotations",
    "archcheck-all-pages",
)
#: What ``pytest --markers`` shows; what each ``requires_`` asks is told by ``pytest_archcheck.plugin.needs``.
_MARKERS = """\
archcheck: a check of pytest-archcheck; -m 'not archcheck' leaves them all out.
requires_clean(*distributions): these distributions are installed and pytest-archcheck finds no error in them; no name: in all.
requires_gpu(framework='tensorflow'): a GPU has just computed a correct matmul through that framework; None: through any.
requires_metal(framework='tensorflow'): a Metal GPU has just computed a correct matmul through it; None: Metal offers a device.
requires_native(): this Python is not emulated: not under Rosetta, not under QEMU.
"""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare ini values; refuse to go on where pytest has mistaken a path behind an option of ours for the project."""
    # -p pytest_archcheck.plugin, pytest_plugins of a conftest file and the entry point may each load this module: once.
    for name in {"pytest_archcheck", __package__} - {pluginmanager.get_name(sys.modules[__package__])}:
        pluginmanager.set_blocked(name)
    _declare_ini_values(parser)
    config: Any = pluginmanager.get_plugin("pytestconfig")
    for option in OPTIONS:
        config.option.__dict__.setdefault(option.replace("-", "_"))
        config.option.__dict__.setdefault(f"--{option}")
    if "--archcheck-" in f"{config.invocation_params.args} {os.environ.get('PYTEST_ADDOPTS')}":
        _ours("rootdir").refuse_foreign(config)


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
        yield from _ours("hooks").around_initial_conftests(early_config, parser, args)
    else:
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Register markers; with pytest-xdist, join the workers."""
    for line in _MARKERS.splitlines():
        config.addinivalue_line("markers", line)
    if "archcheck-session" in getattr(config, "workerinput", ()):
        _ours("hooks").join(config)
    if getattr(config.option, "dist", "no") != "no":
        _ours("shared_folder").join(config)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """Refuse markers that nobody can answer; declare our hooks where a plugin or conftest file has one of them."""
    outcome = yield
    hooks = collector.config.hook
    for name in "pytest_archcheck_findings", "pytest_archcheck_frameworks":
        if hasattr(hooks, name) and not getattr(hooks, name).has_spec():
            _ours("hookspecs").declare(collector.config.pluginmanager)
    if outcome.excinfo is not None or collector.nodeid == "archcheck":  # ours may be ten thousand, and require nothing
        return
    for item in outcome.get_result().result:
        for mark in item.iter_markers() if isinstance(item, pytest.Item) else ():
            if mark.name in ("requires_metal", "requires_gpu"):
                _ours("needs").reject_bad_arguments(collector, outcome.get_result())
                return


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what requires something that this environment has not."""
    for mark in item.iter_markers():
        if mark.name.startswith("requires_"):
            _ours("needs").hold_back(item)
            break


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail it instead where archcheck_require names the need; ask about the markers that fixtures have added."""
    for mark in item.iter_markers():
        if mark.name.startswith("requires_"):
            _ours("needs").fail(item)
            break


@pytest.fixture(scope="session")
def matmul_benchmark(pytestconfig: pytest.Config) -> MatmulBenchmark:
    """Measure ``(framework="tensorflow", size=None, dtype="float32")``: seconds, GFLOP/s, speed-up over the CPU, error."""
    measure: MatmulBenchmark = _ours("board").benchmark_of(pytestconfig)
    return measure


@pytest.fixture(scope="session")
def archcheck(pytestconfig: pytest.Config) -> Inspection:
    """What was inspected: target, interpreter, distributions, binaries, findings; checks off: the active environment."""
    inspection: Inspection = _ours("inspected").inspection_of(pytestconfig)
    return inspection


def _declare_ini_values(parser: pytest.Parser) -> None:
    # Numbers are declared as strings, which every pytest knows; numbers are accepted too when they are read.
    parser.addini("archcheck", "switch the checks on, as --archcheck does (default: off)", "bool", default=False)
    parser.addini("archcheck_paths", "what to inspect, as --archcheck-path (default: the active environment)", "paths")
    parser.addini("archcheck_target", "where it must run, as --archcheck-target (default: host)", "string", default="")
    parser.addini(
        "archcheck_python",
        "the Python of lock files and folders, as --archcheck-python (default: the running one)",
        "string",
        default="",
    )
    parser.addini("archcheck_select", "only these rules, as --archcheck-select (default: all)", "linelist")
    parser.addini("archcheck_ignore", "not these rules, as --archcheck-ignore (default: none)", "linelist")
    parser.addini("archcheck_require", "what must hold, as --archcheck-require (default: nothing)", "linelist")
    parser.addini("archcheck_json", "where to write the result, as --archcheck-json (default: none)", "string", default="")
    parser.addini("archcheck_html", "where to write the page, as --archcheck-html (default: none)", "string", default="")
    parser.addini("archcheck_sarif", "where to write SARIF, as --archcheck-sarif (default: none)", "string", default="")
    parser.addini(
        "archcheck_annotations",
        "annotate pull requests on GitHub, as --archcheck-annotations does (default: off)",
        "bool",
        default=False,
    )
    parser.addini(
        "archcheck_allow",
        "findings that are accepted, one 'SUBJECT[/RULE][ @TARGETGLOB]: reason' a line (default: none)",
        "linelist",
    )
    parser.addini(
        "archcheck_matmul_size", "rows of the square matrices of the matmul benchmark (default: 2048)", "string", default="2048"
    )
    parser.addini(
        "archcheck_matmul_min_gflops",
        "the least GFLOP/s that the matmul benchmark must reach (default: no gate)",
        "string",
        default="",
    )
    parser.addini(
        "archcheck_matmul_min_speedup",
        "how many times as fast as the CPU the matmul benchmark must be (default: no gate)",
        "string",
        default="",
    )
    parser.addini(
        "archcheck_probe_timeout",
        "seconds that importing and trying a framework may take (default: 300)",
        "string",
        default="300",
    )
    parser.addini(
        "verbosity_archcheck", "verbosity of archcheck's own output (default: auto, as -v and -q say)", "string", default="auto"
    )


@contextmanager
def unwritten() -> Generator[None, None, None]:
    """Let modules be imported as they are written.

    pytest rewrites the asserts of every module of an installed plugin, and of ours there are some hundred: it costs as much as
    their import, and four times that where no bytecode may be written.
    """
    rewriters = [(place, finder) for place, finder in enumerate(sys.meta_path) if hasattr(finder, "mark_rewrite")]
    for _, rewriter in rewriters:
        sys.meta_path.remove(rewriter)
    try:
        yield
    finally:
        for place, rewriter in rewriters:
            sys.meta_path.insert(place, rewriter)


def _ours(name: str) -> Any:  # noqa: ANN401 - a module
    with unwritten():
        return import_module(f"pytest_archcheck.plugin.{name}")
