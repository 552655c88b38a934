"""``pytest-archcheck`` and ``python -m pytest_archcheck``: pytest with the checks and nothing else.

No conftest file, no settings of the project unless ``-c FILE`` asks for them, no other plugin unless ``-p NAME`` does (``-n``
is pytest-xdist's), and the rootdir is the current folder whatever is inspected: nothing of the inspected environment or of the
project runs, and none of it can end the run or change what is asked.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import pytest

import pytest_archcheck
from pytest_archcheck.plugin import options
from pytest_archcheck.plugin.arguments import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_HELP = """\
usage: pytest-archcheck [options] [PATH ...]        (the same: python -m pytest_archcheck)

Will everything compiled in a Python environment load and run natively on the machine it is meant for?

  pytest-archcheck                     this Python's own environment
  pytest-archcheck .venv               another environment: a virtual environment, a conda prefix, a folder, an image's files
  pytest-archcheck dist/*.whl          wheels, for the machines that their tags promise
  pytest-archcheck uv.lock --archcheck-target=macosx_14_0_arm64        will this lock install there?
  pytest-archcheck archcheck::numpy    one check again, by its id

Options are pytest's (-v, -q, -k, --junitxml=FILE, ...) and those of its group "archcheck": see pytest --help. Settings of the
project are read only from the file that -c FILE names; other plugins are loaded only by -p NAME, and pytest-xdist, where it is
installed, by its -n: -n 4 opens the wheels of a folder in four processes. Nothing is left behind; for --lf add -p cacheprovider
to each run.
"""

#: pytest's options that take a value, which may be the next argument: that is no path to inspect. Others begin with a dash or
#: hold their value after "=". Compared with pytest's help by a test.
VALUED_OPTIONS = frozenset(
    """
    -k -m -p -c -o -W -r -n --assert --basetemp --capture --code-highlight --color --config-file --confcutdir --deselect
    --doctest-glob --doctest-report --durations --durations-min --ignore --ignore-glob --import-mode
    --junit-prefix --junit-xml --junitprefix --junitxml --last-failed-no-failures --lfnf --log-auto-indent --log-cli-date-format
    --log-cli-format --log-cli-level --log-date-format --log-disable --log-file --log-file-date-format --log-file-format
    --log-file-level --log-file-mode --log-format --log-level --max-warnings --maxfail --override-ini --pastebin --pdbcls
    --pythonwarnings --report-chars --rootdir --show-capture --tb --verbosity
    --numprocesses --maxprocesses --max-worker-restart --maxschedchunk --dist --tx --testrunuid
    """.split()
)

#: pytest's plugin that leaves a folder behind, and its options, which go on from there.
_CACHE = "cacheprovider"
_OF_CACHE = frozenset(
    "--lf --last-failed --ff --failed-first --nf --new-first --sw --stepwise --sw-skip --stepwise-skip --cache-show".split()
)
#: What pytest is given for settings, so that it looks for no others.
_SETTINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standalone.ini")
#: Options of pytest-xdist.
_OF_XDIST = ("-n", "--numprocesses", "--dist", "--tx")
#: Settings of a project that change what runs, or that only its own plugins understand; kept out also where -c names the file.
_UNSET = (
    "addopts=",
    "filterwarnings=",
    "pythonpath=",
    "required_plugins=",
    "testpaths=",
    "strict=false",
    "strict_config=false",
)
#: Variables by which a shell or a CI job hands pytest options and plugins for the project's tests.
_FOR_TESTS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


class _OwnOptions:
    """Stands where :class:`pytest.Parser` does, and notes which options of ours take a value."""

    def __init__(self) -> None:
        self.valued: set[str] = set()

    def getgroup(self, *_: object) -> _OwnOptions:
        return self

    def addoption(self, *names: str, action: str = "store", **_: object) -> None:
        if action in ("store", "append"):
            self.valued.update(names)


def valued_options() -> frozenset[str]:
    """Every option whose value may be the next word."""
    own = _OwnOptions()
    options.declare(cast("pytest.Parser", own))
    return VALUED_OPTIONS | own.valued


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; return pytest's exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if any(word in given for word in ("-h", "--help")):
        sys.stdout.write(_HELP)
        return 0
    if "--version" in given or "-V" in given:
        sys.stdout.write(f"pytest-archcheck {pytest_archcheck.__version__}\n")
        return 0
    options, _ = _split(given)
    if options and options[-1] in valued_options() and given[-1] == options[-1]:
        sys.stderr.write(f"ERROR: {options[-1]} needs a value\n")  # or pytest would take what we add for it
        return int(pytest.ExitCode.USAGE_ERROR)
    lost = next((option for option in options if option.partition("=")[0] in _OF_CACHE), None)
    if lost and _CACHE not in options:
        sys.stderr.write(f"ERROR: {lost} goes on from an earlier run, and this command leaves nothing behind: ")
        sys.stderr.write(f"add -p {_CACHE} to each run\n")
        return int(pytest.ExitCode.USAGE_ERROR)
    for name in _FOR_TESTS:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main(command_line(given), plugins=[_Own()]))


class _Own:
    """Has pytest speak of the command that was typed, and not of the settings file that is ours: nobody knows that one."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.prog = "pytest-archcheck"

    def pytest_load_initial_conftests(self, early_config: pytest.Config, parser: pytest.Parser) -> None:
        if _is_ours(early_config):
            parser.extra_info.clear()  # what stands below a usage error: that file, and the current folder

    @pytest.hookimpl(hookwrapper=True)
    def pytest_report_header(self, config: pytest.Config) -> Generator[None, Any, None]:
        outcome = yield
        if _is_ours(config):
            lines = [[one] if isinstance(one, str) else list(one) for one in outcome.get_result()]
            outcome.force_result([[line for line in some if not line.startswith("configfile: ")] for some in lines])


def _is_ours(config: pytest.Config) -> bool:
    return config.inipath is not None and str(config.inipath) == _SETTINGS


def command_line(given: Sequence[str]) -> list[str]:
    """What pytest is called with; what the user typed comes last, which is what pytest obeys."""
    options, words = _split(given)
    # With "::" these are our ids also where the current folder holds one called archcheck.
    ids = [f"{ROOT}::" if word == ROOT else word for word in words if word.partition("::")[0] == ROOT]
    paths = [f"--archcheck-path={word}" for word in words if word.partition("::")[0] != ROOT]
    return [
        *("-c", _SETTINGS, f"--rootdir={os.getcwd()}", "--noconftest"),
        *(() if _CACHE in options else ("-p", f"no:{_CACHE}")),
        *("-p", "pytest_archcheck.plugin"),
        *(("-p", "xdist") if any(option.startswith(_OF_XDIST) for option in options) and find_spec("xdist") else ()),
        *(f"--override-ini={one}" for one in _UNSET),
        *options,
        *paths,
        *(ids or [f"{ROOT}::"]),
    ]


def _split(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part options, with their values, from the words that stand alone."""
    options: list[str] = []
    words: list[str] = []
    rest = iter(given)
    valued = valued_options()
    for argument in rest:
        if argument == "--":
            words += rest
        elif argument.startswith("-"):
            options.append(argument)
            if argument in valued:
                options += [value for value in [next(rest, None)] if value is not None]
        else:
            words.append(argument)
    return options, words
