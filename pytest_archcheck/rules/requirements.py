"""Rule ``unmet-requirement``: what ``--archcheck-require`` names does not hold."""

from __future__ import annotations

from pytest_archcheck.findings import Finding


def judge_unmet(what: str, message: str, remedy: str) -> Finding:
    """Report a requirement (``native``) that is not met."""
    return Finding(
        rule="unmet-requirement",
        severity="error",
        subject=f"require::{what}",
        distribution=None,
        path=None,
        message=message,
        remedy=remedy,
    )
