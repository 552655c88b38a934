"""Options and ini values: how they are declared, read and checked."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterable

    from pytest_archcheck.accelerators.settings import AcceleratorSettings
    from pytest_archcheck.plugin.allowlist import AllowLine

_T = TypeVar("_T")

#: What may be required, and what that demands; :data:`~pytest_archcheck.plugin.needs.NEEDS` knows how to tell.
DEMANDS = {
    "clean": "no check has an error",
    "gpu": "a GPU computes, through an installed framework",
    "metal": "a Metal GPU computes, through an installed framework",
    "native": "this Python is not emulated",
}

_SIZE = "archcheck_matmul_size"
_GFLOPS = "archcheck_matmul_min_gflops"
_SPEEDUP = "archcheck_matmul_min_speedup"
_PROBE_TIMEOUT = "archcheck_probe_timeout"


class Settings(NamedTuple):
    """Every setting, checked."""

    #: Absolute; empty: the active environment.
    paths: tuple[str, ...] = ()
    target: str = "host"
    #: ``3.12`` or ``3.12.4``; None: the running one.
    python: str | None = None
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    require: tuple[str, ...] = ()
    #: Absolute paths of the JSON report, of the page, of SARIF.
    json: str | None = None
    html: str | None = None
    sarif: str | None = None
    allow: tuple[AllowLine, ...] = ()
    all_pages: bool = False
    #: Annotate a pull request on GitHub with what is wrong.
    annotations: bool = False


def declare(parser: pytest.Parser) -> None:
    """Register every option and ini value."""
    group = parser.getgroup("archcheck", "compiled files: do they load and run natively? (also: pytest archcheck)")
    group.addoption(
        "--archcheck",
        dest="archcheck",
        action="store_true",
        default=None,
        help="inspect the active environment and collect one check per distribution before the project's tests (default: off; "
        "ini: archcheck)",
    )
    group.addoption(
        "--no-archcheck",
        dest="archcheck",
        action="store_false",
        help="switch the checks off where ini or addopts switch them on (default: as they say)",
    )
    group.addoption(
        "--archcheck-path",
        metavar="PATH",
        action="append",
        help="inspect this environment, folder, wheel, folder of wheels or lock file instead of the active environment; "
        "repeatable; implies --archcheck, and with no other argument only the checks are collected (default: the active "
        "environment; ini: archcheck_paths)",
    )
    group.addoption(
        "--archcheck-target",
        metavar="TAG",
        help="where the environment must run: 'host', or a wheel platform tag such as macosx_14_0_arm64 (default: host; "
        "ini: archcheck_target)",
    )
    group.addoption(
        "--archcheck-python",
        metavar="X.Y",
        help="the Python that a lock file (default: the running one) or a folder without an interpreter (default: the one that "
        "its modules agree on) is judged for (ini: archcheck_python)",
    )
    group.addoption(
        "--archcheck-select",
        metavar="RULES",
        action="append",
        help="only these rules, comma-separated; repeatable (default: all; ini: archcheck_select)",
    )
    group.addoption(
        "--archcheck-ignore",
        metavar="RULES",
        action="append",
        help="not these rules, comma-separated; repeatable (default: none; ini: archcheck_ignore)",
    )
    group.addoption(
        "--archcheck-require",
        metavar="WHAT",
        action="append",
        help=f"fail unless this holds of the running environment: {', '.join(DEMANDS)}; repeatable; implies --archcheck "
        "(default: nothing; ini: archcheck_require)",
    )
    group.addoption(
        "--archcheck-json",
        metavar="FILE",
        help="write the whole result to this file as JSON (default: none; ini: archcheck_json)",
    )
    group.addoption(
        "--archcheck-html",
        metavar="FILE",
        help="write the whole result to this file as a page to look at (default: none; ini: archcheck_html)",
    )
    group.addoption(
        "--archcheck-sarif",
        metavar="FILE",
        help="write the findings to this file as SARIF 2.1.0, for code scanning (default: none; ini: archcheck_sarif)",
    )
    group.addoption(
        "--archcheck-explain",
        metavar="RULE",
        action="append",
        help="print what a rule says, with an example, or what the check of an id asks, and exit; repeatable (default: run)",
    )
    group.addoption(
        "--archcheck-annotations",
        action="store_true",
        default=None,
        help="annotate on GitHub Actions each check that fails or warns (default: off; ini: archcheck_annotations)",
    )
    group.addoption(
        "--archcheck-all-pages",
        action="store_true",
        default=False,
        help="compare every page of signed code with its hash, not only the first (default: off)",
    )
    _declare_ini(parser)


def _declare_ini(parser: pytest.Parser) -> None:
    parser.addini("archcheck", "switch the checks on, as --archcheck does (default: off)", "bool", default=False)
    parser.addini(
        "archcheck_paths", "what to inspect, as --archcheck-path (default: the active environment)", "paths", default=[]
    )
    parser.addini("archcheck_target", "where it must run, as --archcheck-target (default: host)", "string", default="")
    parser.addini(
        "archcheck_python",
        "the Python of lock files and folders, as --archcheck-python (default: the running one)",
        "string",
        default="",
    )
    parser.addini("archcheck_select", "only these rules, as --archcheck-select (default: all)", "linelist", default=[])
    parser.addini("archcheck_ignore", "not these rules, as --archcheck-ignore (default: none)", "linelist", default=[])
    parser.addini("archcheck_require", "what must hold, as --archcheck-require (default: nothing)", "linelist", default=[])
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
        default=[],
    )
    # Numbers are declared as strings, which every pytest knows; numbers are accepted too, see _number_or_text.
    parser.addini(_SIZE, "rows of the square matrices of the matmul benchmark (default: 2048)", "string", default="2048")
    parser.addini(_GFLOPS, "the least GFLOP/s that the matmul benchmark must reach (default: no gate)", "string", default="")
    parser.addini(
        _SPEEDUP, "how many times as fast as the CPU the matmul benchmark must be (default: no gate)", "string", default=""
    )
    parser.addini(
        _PROBE_TIMEOUT, "seconds that importing and trying a framework may take (default: 300)", "string", default="300"
    )
    parser.addini(
        "verbosity_archcheck", "verbosity of archcheck's own output (default: auto, as -v and -q say)", default="auto"
    )


def ini(config: pytest.Config, name: str) -> Any:  # noqa: ANN401 - the type is the one declared for the name
    """Read an ini value; a value of the wrong type is a usage error that names the setting on every pytest."""
    try:
        return config.getini(name)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{name}: {error}") from error
    except AssertionError:
        # pytest before 8.1 asserts that there is an ini file, which paths are relative to; there is none: the value is of -o.
        values = [given.partition("=") for given in config.known_args_namespace.override_ini]
        (*_, value) = (value for given, _, value in values if given == name)
        return [os.path.join(str(config.invocation_params.dir), path) for path in shlex.split(value)]


def read(config: pytest.Config, options: argparse.Namespace) -> Settings:
    """Check everything that can be checked before the inspection; command line, then ini, then default.

    Raises :class:`pytest.UsageError` that names the setting, what was given and what was expected.
    """
    from pytest_archcheck.rules.catalog import RULES

    select = _names(config, options, "select", RULES)
    ignore = _names(config, options, "ignore", RULES)
    require = _names(config, options, "require", DEMANDS)
    return Settings(
        paths=_paths(config, options),
        target=_target(config, options),
        python=_python(config, options),
        select=frozenset(select),
        ignore=frozenset(ignore),
        require=tuple(dict.fromkeys(require)),
        json=_file(config, options, "json"),
        html=_file(config, options, "html"),
        sarif=_file(config, options, "sarif"),
        allow=_allow(config, RULES),
        all_pages=options.archcheck_all_pages,
        annotations=bool(options.archcheck_annotations or ini(config, "archcheck_annotations")),
    )


def _names(config: pytest.Config, options: argparse.Namespace, noun: str, known: Collection[str]) -> list[str]:
    typed = getattr(options, f"archcheck_{noun}")
    setting = f"--archcheck-{noun}" if typed else f"archcheck_{noun} (ini)"
    given: Iterable[str] = typed or ini(config, f"archcheck_{noun}")
    names = [name.strip() for line in given for name in line.split(",") if name.strip()]
    for name in names:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise pytest.UsageError(f"{setting}: got {name!r}, expected one of {', '.join(known)}{hint}")
    return names


def _paths(config: pytest.Config, options: argparse.Namespace) -> tuple[str, ...]:
    setting = "--archcheck-path" if options.archcheck_path else "archcheck_paths (ini)"
    base = str(config.invocation_params.dir)
    paths = []
    for given in options.archcheck_path or ini(config, "archcheck_paths"):
        path = os.path.abspath(os.path.join(base, os.path.expanduser(given)))
        if not os.path.exists(path):
            raise pytest.UsageError(f"{setting}: got {str(given)!r}, expected a path that exists; there is no {path}")
        paths.append(path)
    return tuple(dict.fromkeys(paths))


def _target(config: pytest.Config, options: argparse.Namespace) -> str:
    typed: str | None = options.archcheck_target
    given: str = (typed or ini(config, "archcheck_target")).strip()
    if given in ("", "host"):
        return "host"
    from pytest_archcheck.machine.target import InvalidTarget, Target

    try:
        return Target.parse(given).tag
    except InvalidTarget as error:
        raise pytest.UsageError(f"{'--archcheck-target' if typed else 'archcheck_target (ini)'}: {error}") from error


def _python(config: pytest.Config, options: argparse.Namespace) -> str | None:
    typed: str | None = options.archcheck_python
    given: str = (typed or ini(config, "archcheck_python")).strip()
    if not given:
        return None
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", given):
        setting = "--archcheck-python" if typed else "archcheck_python (ini)"
        raise pytest.UsageError(f"{setting}: got {given!r}, expected the version of a Python 3, such as 3.12 or 3.12.4")
    return given


def _file(config: pytest.Config, options: argparse.Namespace, noun: str) -> str | None:
    typed: str | None = getattr(options, f"archcheck_{noun}")
    if typed:
        return os.path.abspath(os.path.join(str(config.invocation_params.dir), os.path.expanduser(typed)))
    given: str = ini(config, f"archcheck_{noun}")
    if not given:
        return None
    base = config.inipath.parent if config.inipath else config.rootpath
    return os.path.abspath(os.path.join(str(base), os.path.expanduser(given)))


def _allow(config: pytest.Config, rules: Collection[str]) -> tuple[AllowLine, ...]:
    from pytest_archcheck.plugin.allowlist import AllowLine, InvalidLine

    try:
        return tuple(AllowLine.parse(given, rules) for given in ini(config, "archcheck_allow"))
    except InvalidLine as error:
        raise pytest.UsageError(f"archcheck_allow (ini): {error}") from error


def read_accelerators(config: pytest.Config) -> AcceleratorSettings:
    """Check the settings of probes and benchmarks, which nobody asks for where no framework is.

    Raises :class:`pytest.UsageError` that names the setting, what was given and what was expected.
    """
    from pytest_archcheck.accelerators import settings as accepted

    return accepted.AcceleratorSettings(
        size=_checked(config, _SIZE, lambda value: accepted.matrix_size(value, accepted.machine_memory())),
        min_gflops=_checked(config, _GFLOPS, accepted.gate),
        min_speedup=_checked(config, _SPEEDUP, accepted.gate),
        timeout=_checked(config, _PROBE_TIMEOUT, accepted.timeout),
    )


def _checked(config: pytest.Config, name: str, check: Callable[[object], _T]) -> _T:
    try:
        return check(_number_or_text(config, name))
    except ValueError as error:
        raise pytest.UsageError(f"{name} (ini): {error}") from error


def _number_or_text(config: pytest.Config, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a number or its text. Native TOML of pytest 9 refuses a number for a string; then it is taken as it stands."""
    try:
        return config.getini(name)
    except (TypeError, pytest.UsageError):  # the latter since pytest 9.2
        held = getattr(config, "_inicfg", {}).get(name)
        return getattr(held, "value", held)
