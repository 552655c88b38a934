"""Which frameworks are installed: asked of the distributions' metadata, never by importing one."""

from __future__ import annotations

import contextlib
import os
from importlib import metadata
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.model import Installed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.accelerators.model import Framework


def installed(distributions: Iterable[str]) -> Installed | None:
    """Return the first of these distributions that is installed; None where none is."""
    return next((found for found in map(_look_up, distributions) if found is not None), None)


def _look_up(name: str) -> Installed | None:
    try:
        found = metadata.distribution(name)
        return Installed(name, found.version or "", (found.read_text("INSTALLER") or "").strip())
    except (metadata.PackageNotFoundError, KeyError, TypeError, ValueError, OSError):
        return None  # not there, or metadata so broken that nothing can be said: the package checks speak of that


def is_installed(framework: Framework) -> bool:
    """Whether any distribution that stands for the framework is there."""
    return installed(framework.distributions) is not None


def installed_plugin(framework: Framework) -> Installed | None:
    """The distribution of the framework's device plugin."""
    return installed(name for name in framework.metal_distributions if name not in framework.distributions)


def owner_of(file: str) -> Installed | None:
    """Return the distribution that has recorded a file of a device plugin (an absolute path); None where none has."""
    folder = os.path.basename(os.path.dirname(file))
    for found in metadata.distributions():
        with contextlib.suppress(KeyError, TypeError, ValueError, OSError):
            recorded = (path for path in found.files or () if path.parent.name == folder)
            if any(os.path.realpath(str(found.locate_file(path))) == os.path.realpath(file) for path in recorded):
                return _look_up(found.metadata["Name"])
    return None
