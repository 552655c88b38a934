"""Examples of rules on a run's settings: the allow-list and what is required."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest_archcheck
from pytest_archcheck.plugin.allowlist import AllowLine, AllowList
from pytest_archcheck.plugin.needs import NEEDS
from pytest_archcheck.rules.catalog import RULES
from support.examples.stage import ARM64, CP311_ARM64, Example, Stage
from support.machos import bundle
from support.sites import add_distribution

if TYPE_CHECKING:
    import pytest

    from pytest_archcheck.findings import Finding

_LINE = "pulp/wrong-architecture: the solver is not used here"


def _stale_line(_stage: Stage) -> tuple[Finding, ...]:
    allowed = AllowList(lines=(AllowLine.parse(_LINE, RULES),), target=ARM64)
    return allowed.judge("pulp", [])


def _unmet(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    for name in ("numpy", "scipy"):
        files = {f"{name}/_core.cpython-311-darwin.so": bundle("x86_64")}
        add_distribution(site, name, "2.0.2", files, tags=CP311_ARM64)
    inspection = pytest_archcheck.inspect(str(stage.folder / ".venv"), ARM64)
    no_config = cast("pytest.Config", None)  # this need asks the inspection alone
    return NEEDS["clean"].ask(no_config, inspection).findings


EXAMPLES = (
    Example(
        "stale-allow-line",
        f'archcheck_allow has the line "{_LINE}", and pulp has only arm64 files.',
        ("archcheck_allow",),
        _stale_line,
    ),
    Example(
        "unmet-requirement",
        "--archcheck-require clean in an environment whose numpy and scipy are for x86_64.",
        ("archcheck::numpy", "archcheck::scipy"),
        _unmet,
    ),
)
