"""Tells whether everything compiled in a Python environment loads and runs natively on the machine it is meant for.

``pytest --archcheck`` asks it as pytest items; :func:`inspect` asks it without pytest. Names are imported when they are first
used: a run that does not use them pays nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.model import Benchmark, Framework, MatmulBenchmark
    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Check, Finding
    from pytest_archcheck.inspection import Inspection, inspect
    from pytest_archcheck.machine.target import Target

    __version__: str

__all__ = [
    "ArchcheckWarning",
    "Benchmark",
    "Binary",
    "Check",
    "Distribution",
    "Finding",
    "Framework",
    "Inspection",
    "MatmulBenchmark",
    "Target",
    "__version__",
    "inspect",
]

_HOMES = {
    "Benchmark": "accelerators.model",
    "Binary": "binaries.model",
    "Check": "findings",
    "Distribution": "discover.model",
    "Finding": "findings",
    "Framework": "accelerators.model",
    "Inspection": "inspection",
    "MatmulBenchmark": "accelerators.model",
    "Target": "machine.target",
    "inspect": "inspection",
}


class ArchcheckWarning(UserWarning):
    """All that a check warns of, in one warning; ``-W error::pytest_archcheck.ArchcheckWarning`` makes the check fail."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib import metadata

        try:
            return metadata.version("pytest-archcheck")
        except metadata.PackageNotFoundError:  # a checkout on sys.path, not installed
            return "unknown"
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
