"""An outcome of a probe, as remedies are made from one."""

from __future__ import annotations

from pytest_archcheck.accelerators.model import TENSORFLOW, Framework, Installed, Outcome
from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.framework_commands import filled


def outcome_of(here: Installed | None, framework: Framework = TENSORFLOW, plugin: Installed | None = None) -> Outcome:
    """A failed import of what is installed."""
    return Outcome(
        framework=framework,
        status="import-failed",
        stage="import",
        version=here.version if here else None,
        devices=(),
        device=None,
        error=None,
        seconds=1.0,
        installed=here,
        plugin=plugin,
    )


def typed(remedy: str, here: Installed | None = None, home: Home | None = None, plugin: Installed | None = None) -> str:
    """A remedy of the table of known failures as it is told where TensorFlow is installed so."""
    return filled(remedy, outcome_of(here, plugin=plugin), home or Home())
