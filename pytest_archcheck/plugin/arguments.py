"""Which arguments of the command line are ours, and whether they switch the checks on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_archcheck import ArchcheckWarning
from pytest_archcheck.plugin.settings import ini

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

#: The first part of every id.
ROOT = "archcheck"

#: The option, which nobody can type, that carries a scope to the child of ``pytest -f``.
_HANDED = "archcheck_scope_of_loop"


class Scope(NamedTuple):
    """What is collected."""

    #: Subjects named by id (``""`` is all of them); None where none was named: all.
    named: tuple[str, ...] | None = None
    #: True where the project's own tests are not collected.
    only: bool = False

    def holds(self, subject: str) -> bool:
        """Whether the check of ``subject`` is collected."""
        return self.named is None or any(not name or names(name, subject) for name in self.named)


def names(name: str, subject: str) -> bool:
    """Whether an id (without its first part) names that check, or a group that it is of."""
    return subject == name or subject.startswith(f"{name}::")


def named_subject(config: pytest.Config, argument: str) -> str | None:
    """Return the subject that an argument names: ``""`` for all of them, None where it is not ours.

    Ours are ``archcheck`` and ``archcheck::x`` from any folder, the same below the rootdir (ids are printed relative to the
    current folder), and what VS Code runs: ``PATH::x`` with the path of an item, or with the rootdir. What exists on disk wins,
    but a folder has no ``::``.
    """
    path, separator, subject = argument.partition("::")
    full = os.path.normpath(os.path.join(str(config.invocation_params.dir), path))
    root = str(config.rootpath)
    if separator and os.path.normcase(full) in (os.path.normcase(root), os.path.normcase(_item_path(config))):
        return subject
    ours = path == ROOT or os.path.normcase(full) == os.path.normcase(os.path.join(root, ROOT))
    if not ours or os.path.isfile(full) or (os.path.isdir(full) and not separator):
        return None
    return subject


def _item_path(config: pytest.Config) -> str:
    from pytest_archcheck.plugin.faces import item_path

    return os.fspath(item_path(config))


def _switched(config: pytest.Config, options: argparse.Namespace) -> bool:
    """Whether an option (typed or of addopts) or an ini value asks for the checks."""
    if options.archcheck or options.archcheck_path or options.archcheck_require:
        return True
    return any(ini(config, name) for name in ("archcheck", "archcheck_paths", "archcheck_require"))


def positionals(parser: pytest.Parser, args: Sequence[str]) -> list[str]:
    """Return the arguments that are no options, interleaved ones too (argparse calls those unknown)."""
    options, unknown = parser.parse_known_and_unknown_args(list(args))
    return [*options.file_or_dir, *(arg for arg in unknown if not arg.startswith("-"))]


def decide(config: pytest.Config, parser: pytest.Parser, given: Sequence[str]) -> Scope | None:
    """Return what is collected, or None where the checks are off.

    :param given: the positional arguments, those of addopts included.
    """
    options = config.known_args_namespace
    handed = getattr(options, _HANDED, None)
    if handed is not None:
        return Scope(named=None if handed[0] is None else tuple(handed[0]), only=handed[1])
    # What the user typed, without addopts and ini.
    typed_args = [os.fspath(arg) for arg in config.invocation_params.args]
    typed, _ = parser.parse_known_and_unknown_args(typed_args)
    typed_given = [arg for arg in positionals(parser, typed_args) if arg in given]
    if typed.archcheck is False:
        return None
    subjects = [subject for arg in given if (subject := named_subject(config, arg)) is not None]
    tests = [arg for arg in typed_given if named_subject(config, arg) is None]
    if subjects:
        return Scope(named=tuple(dict.fromkeys(subjects)))
    if typed.archcheck or typed.archcheck_path or typed.archcheck_require:
        return Scope(only=bool(typed.archcheck_path) and not tests)
    if options.archcheck is False or tests:
        return None  # what is on by default gives way to tests that are asked for by name
    return Scope() if _switched(config, options) else None


def hand_to_loop(config: pytest.Config, scope: Scope) -> bool:
    """With ``pytest -f`` of pytest-xdist, let its child collect the same; False where there is no child or this is it.

    This process only starts a child again and again, which gets our options, but not what was typed.
    """
    options = config.known_args_namespace
    if not getattr(options, "looponfail", False) or hasattr(options, _HANDED):
        return False
    setattr(config.option, _HANDED, [None if scope.named is None else list(scope.named), scope.only])
    return True


def warn_of_idle_options(config: pytest.Config) -> None:
    """Where the checks are off, say so of the options that the user typed for them: nobody else would."""
    typed = [os.fspath(arg).partition("=")[0] for arg in config.invocation_params.args]
    idle = sorted({name for name in typed if name.startswith("--archcheck-") and name != "--archcheck-explain"})
    if not idle or "--no-archcheck" in typed:
        return
    message = f"{', '.join(idle)}: without effect, as the checks are off; add --archcheck"
    try:
        config.issue_config_time_warning(ArchcheckWarning(message), stacklevel=2)
    except ArchcheckWarning as warning:  # -W error
        raise pytest.UsageError(message) from warning
