"""Judge TensorFlow plugins.

Rules ``plugin-incompatible``, ``plugin-loaded-twice``, ``plugin-not-searched`` and ``plugin-replaced``.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.loader.macho_symbols import FLAT
from pytest_archcheck.rules.architecture import version_numbers
from pytest_archcheck.rules.commands import Installer, one_after_another
from pytest_archcheck.rules.elsewhere import judge_elsewhere
from pytest_archcheck.rules.remedies import reinstall
from pytest_archcheck.rules.words import and_others, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.loader.macho_symbols import MissingSymbol
    from pytest_archcheck.loader.tensorflow_plugins import PluginFolder, PluginVerdict
    from pytest_archcheck.machine.target import Target
    from pytest_archcheck.rules.elsewhere import Elsewhere

METAL = "tensorflow-metal"
#: The newest pair that loads, and the minor versions of Python 3 that it has wheels for. Advice only: no verdict rests on it.
_NEWEST_PAIR = ("tensorflow==2.19.1", "tensorflow-metal==1.2.0")
_PYTHONS = range(9, 13)


def judge_lonely_plugin(distribution: Distribution, subject: str, plugin: Binary, others: Elsewhere) -> Finding:
    """Say that a plugin has no TensorFlow beside it; a wheel holds none."""
    names = [library.name for piece in plugin.slices[:1] for library in piece.libraries if "tensorflow" in library.name.lower()]
    needs = f"needs {names[0]}{and_others(len(names) - 1)}" if names else "is a plugin of TensorFlow"
    if others.is_wheel:
        who = others.who("libtensorflow_framework.2.dylib", plugin.path) or "TensorFlow"
        rule, severity, message, remedy = judge_elsewhere(needs, who, plugin.location)
    else:
        rule, severity = "missing-library", "warning"
        message = f"{needs}, and there is no TensorFlow in this environment: nothing loads it"
        remedy = "install a TensorFlow that fits, or remove the plugin"
    return _finding(rule, distribution, subject, plugin.path, message, remedy, severity=severity)


def _missing(symbols: Sequence[MissingSymbol]) -> str:
    """``the symbol _A (and 3 others)``: those that a library should have, and apart from them those that any may have."""
    flat = [symbol for symbol in symbols if symbol.library == FLAT]
    bound = [symbol for symbol in symbols if symbol.library != FLAT]
    named = bound or flat
    text = f"the symbol {shortened(named[0].name)}{and_others(len(named) - 1)}"
    return f"{text} and {len(flat)} of any library" if bound and flat else text


def judge_plugin(
    distribution: Distribution,
    subject: str,
    plugin: Binary,
    verdict: PluginVerdict,
    *,
    tensorflow: Distribution,
    target: Target,
    python: str | None,
) -> Iterator[Finding]:
    """Judge whether one plugin loads.

    :param distribution: the plugin's owner.
    :param tensorflow: the owner of the TensorFlow that it was compared with.
    :param python: version of the interpreter, None where it is not known.
    """
    if verdict.loads:
        return
    if verdict.missing_libraries:
        names = verdict.missing_libraries
        what = f"needs the library {names[0]}{and_others(len(names) - 1)}, which {tensorflow.title} does not have"
    else:
        what = f"needs {_missing(verdict.missing_symbols)}, which {tensorflow.title} does not offer"
    yield _finding(
        "plugin-incompatible",
        distribution,
        subject,
        plugin.path,
        f"{what}: importing tensorflow fails{_newer_os(plugin, verdict, target)}",
        _pair_remedy(distribution, tensorflow, verdict.architecture, python),
    )


def _newer_os(plugin: Binary, verdict: PluginVerdict, target: Target) -> str:
    """A minimum OS above the target's is no error by itself, but here it may be the reason."""
    for piece in plugin.slices:
        if piece.architecture != verdict.architecture or not piece.min_os or not target.os_version:
            continue
        if version_numbers(piece.min_os) > version_numbers(target.os_version):
            return f" (it is also made for macOS {piece.min_os} or newer)"
    return ""


def _pair_remedy(distribution: Distribution, tensorflow: Distribution, architecture: str, python: str | None) -> str:
    installer = Installer.of(distribution)
    if distribution.name != METAL:
        if distribution.name is None:
            return reinstall(distribution)
        both = [distribution.name, tensorflow.name or "tensorflow"]
        return f"{installer.update(both)}; or {installer.remove([distribution.name])}"
    minor = _minor(python)
    if architecture == "arm64" and (minor is None or minor in _PYTHONS):
        also = [installer.remove(["tensorflow-macos"])] if tensorflow.name == "tensorflow-macos" else []
        return one_after_another(distribution.home, *also, installer.other(_NEWEST_PAIR))
    reason = (
        f"no {METAL} loads on Python {python}" if architecture == "arm64" else f"no newer {METAL} exists for {architecture}"
    )
    return f"{installer.remove([METAL])} ({reason}; TensorFlow then uses the CPU)"


def _minor(python: str | None) -> int | None:
    """``3.11.7`` -> 11."""
    parts = (python or "").split(".")
    return int(parts[1]) if len(parts) > 1 and parts[0] == "3" and parts[1].isdecimal() else None


def judge_plugin_folders(distribution: Distribution, subject: str, folders: Sequence[PluginFolder]) -> Iterator[Finding]:
    """Judge where the plugins of an active environment that has TensorFlow lie.

    :param distribution: the owner of the plugins.
    :param folders: all plugin folders that the environment can reach.
    """
    by_real: dict[str, list[PluginFolder]] = defaultdict(list)
    by_plugin: dict[str, list[PluginFolder]] = defaultdict(list)
    for folder in folders:
        if folder.searched:
            by_real[folder.real].append(folder)
    for names in by_real.values():
        for plugin in names[0].plugins:
            by_plugin[plugin].append(names[0])
        if len(names) > 1:
            message = (
                f"TensorFlow reaches one plugin folder by {len(names)} names, loads it under each and aborts: {_paths(names)}"
            )
            extra = shlex.quote(os.path.dirname(names[-1].path))
            remedy = f"take {extra} off sys.path (PYTHONPATH, .pth files), or make the environment anew without symbolic links"
            yield _finding("plugin-loaded-twice", distribution, subject, None, message, remedy)
    for plugin, places in by_plugin.items():
        if len(places) > 1:
            message = f"TensorFlow finds {plugin} in {len(places)} folders, loads each and aborts: {_paths(places)}"
            remove = shlex.join(["rm", f"{places[0].path}/{plugin}"])
            remedy = f"keep one of them: {remove}, or export PYTHONNOUSERSITE=1 if that is in the user site"
            yield _finding("plugin-loaded-twice", distribution, subject, None, message, remedy)
    for folder in folders:
        if not folder.searched and folder.real not in by_real:
            message = f"TensorFlow does not look for plugins in {folder.path}: it silently ignores {', '.join(folder.plugins)}"
            remedy = (
                f"{reinstall(distribution)}, without --target, into the environment itself; or "
                f"export TF_PLUGGABLE_DEVICE_LIBRARY_PATH={shlex.quote(folder.path)}"
            )
            yield _finding("plugin-not-searched", distribution, subject, None, message, remedy, severity="warning")


def _paths(folders: Sequence[PluginFolder]) -> str:
    return ", ".join(folder.path for folder in folders)


def judge_replaced(distribution: Distribution, subject: str, plugin: Binary) -> Finding:
    """Report a plugin that is not the file of its distribution: another one wrote over it, or a tool edited it."""
    return _finding(
        "plugin-replaced",
        distribution,
        subject,
        plugin.path,
        f"is not the file that {distribution.title} installed: another plugin may have been installed over it",
        reinstall(distribution),
        severity="warning",
    )


def _finding(
    rule: str,
    distribution: Distribution,
    subject: str,
    path: str | None,
    message: str,
    remedy: str,
    *,
    severity: Severity = "error",
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        subject=subject,
        distribution=distribution.name,
        path=path,
        message=message,
        remedy=remedy,
    )
