"""A folder that the workers of pytest-xdist share, given to them by its controller."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from functools import partial
from typing import Any

import pytest

#: The folder.
_SHARED = pytest.StashKey[str]()


def join(config: pytest.Config) -> None:
    """Register these hooks."""
    config.pluginmanager.register(sys.modules[__name__], "archcheck-shared-folder")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - pytest-xdist's WorkerController
    """Give the workers a folder in common, so that a framework is probed once a run."""
    folder = node.config.stash.get(_SHARED, None)
    if folder is None:
        # Only a name that nobody can guess: the worker that first has something to put there makes the folder. So a run without
        # accelerators makes none, which would stay where the run is killed.
        folder = node.config.stash[_SHARED] = os.path.join(tempfile.gettempdir(), f"archcheck-{os.urandom(12).hex()}")
        node.config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    node.workerinput["archcheck-shared"] = folder
