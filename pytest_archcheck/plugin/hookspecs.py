"""The hooks that other plugins and ``conftest.py`` may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pytest_archcheck.accelerators.model import Framework
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.inspection import Inspection


class HookSpecs:
    """Declared where the checks may be on, where a hook is called, and where somebody implements one.

    A ``conftest.py`` that must also load where this plugin is not (``-p no:pytest_archcheck``, or not installed) marks
    its implementations with ``@pytest.hookimpl(optionalhook=True)``: otherwise pytest refuses the unknown hook. The values that
    come and go can be imported from ``pytest_archcheck``: ``Inspection``, ``Finding``, ``Framework``.
    """

    def pytest_archcheck_findings(self, inspection: Inspection) -> Iterable[Finding]:  # type: ignore[empty-body]
        """Return findings of your own, judged from what was inspected.

        Called once, after the inspection and before collection; with pytest-xdist in the controller only. A finding joins the
        item that its ``subject`` names; a subject that no item has becomes an item of its own. ``archcheck_allow`` lines apply;
        settings know the plugin's own rules only, so accept a rule of yours by a line that names its subject alone.

        A wheel is inspected when its item runs: then this is called with an inspection of that wheel alone, in the process that
        runs the item (with pytest-xdist in a worker), and what is returned joins that item, whatever its subject.
        """

    def pytest_archcheck_frameworks(self) -> Iterable[Framework]:  # type: ignore[empty-body]
        """Return frameworks whose GPU shall be checked too.

        Each gets the items ``archcheck::accelerator::<name>`` and ``archcheck::matmul::<name>`` where one of its distributions
        is installed, and may be named by ``requires_metal``, ``requires_gpu`` and ``matmul_benchmark``. Called in every process
        that collects; return the same each time. A framework is described by :class:`pytest_archcheck.Framework`: its
        name, its distributions, and an adapter file that is run in a child process only.
        """


def declare(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare them, once a run."""
    known = getattr(pluginmanager.hook, "pytest_archcheck_frameworks", None)
    if known is None or not known.has_spec():
        pluginmanager.add_hookspecs(HookSpecs)
