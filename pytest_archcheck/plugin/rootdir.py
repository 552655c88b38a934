"""What pytest took for the project's folder: it looks for it before it knows our options, among what stands behind them.

Of ``--archcheck-path ENV`` it takes ENV for a folder of tests (not of ``--archcheck-path=ENV``). An ini file there is then the
run's own: its ``addopts`` and ``pythonpath`` hold, and what they name gets imported.
"""

from __future__ import annotations

import os
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Where pytest looks for its settings, and what makes a file one of its own.
_INI_FILES = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
#: Options of ours that take no value.
_FLAGS = ("--archcheck-annotations", "--archcheck-all-pages")


def refuse_foreign(config: pytest.Config) -> None:
    """Raise :class:`pytest.UsageError` where pytest found the project's folder by the value of an option of ours.

    As early as a plugin can: while options are declared. By then pytest has read the ini file and imported what its
    ``addopts`` name with ``-p``; not yet conftest files.
    """
    args = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(os.fspath, config.invocation_params.args)]
    values = [(option, value) for option, value in pairwise(args) if _takes(option) and os.path.exists(value)]
    if not values or _is_told(args):
        return
    here = os.path.realpath(config.invocation_params.dir)
    others = [os.path.realpath(os.path.join(here, arg.partition("::")[0])) for arg in _rest(args)]
    asked = [here, *(path for path in others if os.path.exists(path))]
    folder = str(config.inipath.parent if config.inipath is not None else config.rootpath)
    if any(_is_below(path, os.path.realpath(folder)) for path in asked):
        return
    option, value = values[0]
    raise pytest.UsageError(_message(option, value, config.inipath))


def _takes(option: str) -> bool:
    return option.startswith("--archcheck-") and "=" not in option and option not in _FLAGS


def _is_told(args: Sequence[str]) -> bool:
    """Whether the folder or the ini file is named."""
    return any(
        arg in ("-c", "--config-file", "--rootdir") or arg.startswith(("-c", "--config-file=", "--rootdir=")) for arg in args
    )


def _rest(args: Sequence[str]) -> list[str]:
    """What pytest may take for a test file and is no value of an option of ours."""
    return [arg for before, arg in zip(("", *args), args, strict=False) if not arg.startswith("-") and not _takes(before)]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _message(option: str, value: str, ini: Path | None) -> str:
    write = f"write {option}={text.sentence(shlex.quote(value))}, with '='"
    if ini is None:
        return f"{write}: behind the space pytest took it for the folder of your tests"
    return (
        f"{write}: behind the space pytest took it for the folder of your tests, and read {text.escape(str(ini))}. "
        "By now pytest may have imported what addopts in that file name with -p "
        "(pytest 8.4 and newer: also from folders that its pythonpath names). "
        "Nothing was inspected, and no conftest.py of it was imported"
    )


def unread_ini(config: pytest.Config) -> str | None:
    """The project's ini file, where pytest has not read it.

    pytest looks for it before it knows our options: it takes PATH of ``--archcheck-path PATH`` (but not of
    ``--archcheck-path=PATH``) for a folder of tests, and looks there.
    """
    if "--archcheck-path" not in config.invocation_params.args or config.known_args_namespace.inifilename:
        return None
    here = config.invocation_params.dir
    for folder in (here, *here.parents):
        for name, section in _INI_FILES.items():
            file = folder / name
            if file.is_file() and section in file.read_text(encoding="utf-8", errors="replace"):
                return None if config.inipath is not None and config.inipath.samefile(file) else str(file)
    return None
