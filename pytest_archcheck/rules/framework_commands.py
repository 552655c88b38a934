"""Commands for frameworks, of which known failures say only what they do: here they are made for the environment that runs.

A text of :mod:`~pytest_archcheck.accelerators.known_failures`, or of a framework itself, leaves them open as marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.model import Installed
from pytest_archcheck.rules.commands import Installer, requirement

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.model import Outcome
    from pytest_archcheck.discover.model import Home

#: ``{install}``; ``{remove tensorflow-metal pip}`` names a distribution and what installed it.
_MARK = re.compile(r"\{(\w+)(?: ([\w.-]+)(?: ([\w.-]*))?)?\}")


def filled(text: str, outcome: Outcome, home: Home) -> str:
    """Put the commands for the environment at home there into a remedy."""
    here = here_is(outcome)
    plugin = outcome.plugin or Installed(_usual_plugin(outcome), installer=here.installer)
    own, index = _installer(here, home), _installer(here, home, of_index=True)

    text = text.replace("{metal_pair}", metal_pair(outcome))

    def put(match: re.Match[str]) -> str:
        mark, name, by = match.groups()
        values = {
            "name": here.name,
            "version": here.version,
            "pinned": pinned(here),
            # conda keeps a version that was asked for, and takes none with `conda update`.
            "keep": "" if own.tool == "conda" else f" {pinned(here)}",
            "install": own.other([]),
            "upgrade": own.update([]),
            "again": own.again([pinned(here)]),
            "reinstall": own.again([]),
            "uninstall": own.remove([]),
            # What conda's channels do not have, pip brings into a conda environment too.
            "pip": index.other([]),
            "rebuild": index.again([], options=("--no-binary",)),
            "without_plugin": _installer(plugin, home).remove([plugin.name]),
            "conda_update": Installer("conda", home).update([]),
        }
        if mark == "remove" and name:
            return _installer(Installed(name, installer=by or ""), home).remove([name])
        return values.get(mark, match[0])

    return _MARK.sub(put, text)


def here_is(outcome: Outcome) -> Installed:
    """The distribution that is installed here; the usual one where nobody knows."""
    return outcome.installed or Installed(next(iter(outcome.framework.distributions), outcome.framework.name))


def pinned(here: Installed) -> str:
    """``tensorflow-cpu==2.18.1``: for a command that must not move it to another version."""
    return requirement(here.name, here.version, "=" if here.installer == "conda" else "==") or here.name


def plugins_of(outcome: Outcome) -> list[str]:
    """The distributions that give a framework Metal and are not its own."""
    framework = outcome.framework
    return [name for name in framework.metal_distributions if name not in framework.distributions]


def metal_pair(outcome: Outcome) -> str:
    """The pair that fits; another distribution of the same framework has to go first, or both write the same files."""
    here, pair = here_is(outcome), outcome.framework.metal_downgrade
    if here.name in outcome.framework.distributions[:1] and here.installer != "conda":
        return pair
    return pair.replace("{pip}", f"{{uninstall}} {here.name} && {{pip}}", 1)


def _usual_plugin(outcome: Outcome) -> str:
    return next(iter(plugins_of(outcome)), "the device plugin")


def _installer(here: Installed, home: Home, *, of_index: bool = False) -> Installer:
    if here.installer == "conda":
        return Installer("pip" if of_index else "conda", home)
    return Installer("uv" if here.installer == "uv" else "pip", home)
