"""Texts of failures with their cause and remedy: one table, to which a row is all that a new one needs.

Texts of others, not ours: they are matched as they were seen in the issue or release that the row names, the narrow ones before
the wide ones, because the first row that fits is taken. In a remedy these marks stand for what is installed here, and for
commands that name the environment; :mod:`~pytest_archcheck.rules.framework_commands` fills them in:

- ``{pinned}``: the framework's distribution with its version: ``tensorflow-cpu==2.18.1``; ``{name}`` and ``{version}`` alone;
- ``{install}``: ``pip install``, or what else installed it; ``{upgrade}``, ``{uninstall}``, ``{reinstall}`` likewise;
- ``{keep}``: ``{pinned}`` and a space before it, where ``{upgrade}`` might move it;
- ``{pip}``: ``{install}`` for what the package index alone has, and not conda's channels; ``{rebuild}``: from its sources;
- ``{conda_update}``: ``conda update`` of this environment;
- ``{again}``: the command that puts the framework's own files there again, and nothing else;
- ``{metal_pair}``: what the framework says to do for Metal where its version has none;
- ``{without_plugin}``: the command that removes its device plugin.

A remedy never moves the framework to another version unless the row says why it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.known_failures import gpu, machine, packages, plugins, system

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.known_failures.row import Known

#: In the order in which they are tried.
TABLE: tuple[Known, ...] = (*plugins.ROWS, *machine.ROWS, *system.ROWS, *packages.ROWS, *gpu.ROWS)
