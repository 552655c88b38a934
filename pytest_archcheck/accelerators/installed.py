"""Which frameworks are installed: asked of the distributions' metadata, never by importing one."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.accelerators.model import Framework


def version_of(distributions: Iterable[str]) -> tuple[str, str] | None:
    """Return name and version of the first of these distributions that is installed; None where none is."""
    for name in distributions:
        try:
            version = metadata.version(name)
        except (metadata.PackageNotFoundError, KeyError, TypeError, ValueError, OSError):
            continue  # not there, or metadata so broken that nothing can be said: the package checks speak of that
        return name, version or "?"
    return None


def is_installed(framework: Framework) -> bool:
    """Whether any distribution that stands for the framework is there."""
    return version_of(framework.distributions) is not None
