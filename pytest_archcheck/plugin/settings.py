"""Options and ini values: how they are read and checked. ``options`` and ``every_run`` declare them."""

from __future__ import annotations

import glob
import os
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

from pytest_archcheck.reports.text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection

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


def ini(config: pytest.Config, name: str) -> Any:  # noqa: ANN401 - the type is the one declared for the name
    """Read an ini value; a value of the wrong type is a usage error that names the setting on every pytest."""
    try:
        return config.getini(name)
    except (TypeError, ValueError, pytest.UsageError) as error:
        told = f"{error}"  # pytest 9.2 says it as a usage error, of some types without the name
        raise pytest.UsageError(told if name in told else f"{name} (ini): {told}") from error
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

    _refuse_empty(options)
    ini(config, "archcheck")  # a value that is none is refused also where an argument has switched the checks on
    select = _names(config, options, "select", RULES)
    ignore = _names(config, options, "ignore", RULES)
    require = _names(config, options, "require", DEMANDS)
    if select and not set(select) - set(ignore):
        raise pytest.UsageError(f"--archcheck-ignore: it leaves none of the selected rules: {', '.join(select)}")
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


def _refuse_empty(options: argparse.Namespace) -> None:
    """Where a variable of a CI job is not set, ``--archcheck-target=$TARGET`` would ask something else than was meant."""
    for noun in ("target", "python", "select", "ignore", "require", "json", "html", "sarif"):
        typed = getattr(options, f"archcheck_{noun}")
        values = typed if isinstance(typed, list) else [typed]
        if any(value is not None and not value.strip() for value in values):
            raise pytest.UsageError(f"--archcheck-{noun}: nothing stands behind '=': is a variable not set?")


def _given(config: pytest.Config, options: argparse.Namespace, noun: str, plural: str = "") -> tuple[Any, str]:
    """What was typed, or else what the ini file says, and how a message calls the one that it is from."""
    typed = getattr(options, f"archcheck_{noun}")
    if typed:
        return typed, f"--archcheck-{noun}"
    name = f"archcheck_{plural or noun}"
    return ini(config, name), f"{name} (ini)"


def _names(config: pytest.Config, options: argparse.Namespace, noun: str, known: Collection[str]) -> list[str]:
    given, setting = _given(config, options, noun)
    names = [name.strip() for line in given for name in line.split(",") if name.strip()]
    for name in names:
        if name not in known:
            near = near_names(name, known)
            said = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(known)}"
            raise pytest.UsageError(f"{setting}: got {escape(name)!r}, {said}")
    return names


def near_names(name: str, known: Collection[str]) -> list[str]:
    """The names that were probably meant: those that begin so, else those that are written nearly so."""
    from difflib import get_close_matches

    plain = name.strip().lower().replace("_", "-")
    longer = [one for one in known if plain and one.startswith(plain)]
    return longer[:3] or get_close_matches(plain, known, n=3)


def _paths(config: pytest.Config, options: argparse.Namespace) -> tuple[str, ...]:
    every, setting = _given(config, options, "path", plural="paths")
    base = str(config.invocation_params.dir)
    paths = []
    for given in every:
        if not str(given).strip():
            raise pytest.UsageError(f"{setting}: got an empty path, expected one that exists: is a variable not set?")
        path = os.path.abspath(os.path.join(base, os.path.expanduser(given)))
        if not os.path.exists(path):
            if several := sorted(glob.glob(path)):  # --archcheck-path=images/*: no shell puts names in the place of that
                paths += several
                continue
            if re.search(r"[*?\[]", os.path.basename(path)):
                raise pytest.UsageError(
                    f"{setting}: got {str(given)!r}, and nothing matches that pattern: is the folder right?"
                )
            check = f"; one check alone is archcheck::{given}" if re.fullmatch(r"[\w-]+", str(given)) else ""
            raise pytest.UsageError(f"{setting}: got {str(given)!r}, expected a path that exists; there is no {path!r}{check}")
        paths.append(path)
    return tuple(dict.fromkeys(paths))


def _target(config: pytest.Config, options: argparse.Namespace) -> str:
    text, setting = _given(config, options, "target")
    given: str = text.strip()
    if given in ("", "host"):
        return "host"
    from pytest_archcheck.machine.target import InvalidTarget, Target

    try:
        return Target.parse(given).tag
    except InvalidTarget as error:
        raise pytest.UsageError(f"{setting}: {error}") from error


def _python(config: pytest.Config, options: argparse.Namespace) -> str | None:
    text, setting = _given(config, options, "python")
    given: str = text.strip()
    if not given:
        return None
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", given):
        raise pytest.UsageError(f"{setting}: got {given!r}, expected the version of a Python 3, such as 3.12 or 3.12.4")
    return given


def _file(config: pytest.Config, options: argparse.Namespace, noun: str) -> str | None:
    typed: str | None = getattr(options, f"archcheck_{noun}")
    given: str = typed or ini(config, f"archcheck_{noun}")
    if not given:
        return None
    settings_folder = config.inipath.parent if config.inipath else config.rootpath
    base = config.invocation_params.dir if typed else settings_folder
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
