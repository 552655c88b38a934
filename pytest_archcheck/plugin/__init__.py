"""What pytest loads, and all that imports pytest: options, markers, hooks, fixtures, items.

In comes pytest's configuration; out go items, reports and the exit code. Judges nothing itself.
This module, the entry point, goes through pytest's rewriter of asserts, which takes several times as long over a module as
Python does, and compiles it in every run where no bytecode may be written. So it is small, and what all runs need besides is
imported past it. It asserts nothing, and the standalone command has imported it before pytest could: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the hooks of every run."""
    finders = sys.meta_path[:]
    sys.meta_path[:] = [one for one in finders if one is not getattr(pluginmanager, "rewrite_hook", None)]
    try:
        from pytest_archcheck.plugin import hooks
    finally:
        sys.meta_path[:] = finders
    pluginmanager.register(hooks, "archcheck-hooks")
