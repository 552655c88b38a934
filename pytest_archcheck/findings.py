"""The values that rules produce and reports show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

#: Worst first: the order in which findings are shown.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong (or worth knowing), what it is about, and what to do.

    Findings of one check that share rule, severity, message and remedy are shown as one paragraph with their paths listed, so
    the message speaks of the file without naming it.
    """

    #: Kebab-case name that says what is wrong: ``wrong-architecture``.
    rule: str
    #: ``error`` fails the check, ``warning`` is a Python warning, ``note`` is shown with ``-v``.
    severity: Severity
    #: The id of the check without ``archcheck::``: ``numpy``, ``environment::interpreter``.
    subject: str
    #: Normalised name of the distribution that owns the file; None where none does, or no file is meant.
    distribution: str | None
    #: The file, relative to the distribution's location; None where no single file is meant.
    path: str | None
    #: One sentence, facts included: ``has only x86_64, the target needs arm64``.
    message: str
    #: What to type or do; exact.
    remedy: str
    #: The reason of the ``archcheck_allow`` line that allows it.
    allowed: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be looked at, and why: data, never silence."""

    subject: str
    reason: str
    #: It belongs to what was to be inspected, and may hold compiled files: the inspection is not complete.
    unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question with its answer: becomes the pytest item ``archcheck::<subject>``."""

    subject: str
    #: What a reader calls it: ``numpy 2.0.2``.
    title: str
    findings: tuple[Finding, ...] = ()
    #: Set where the question could not be asked; the item is then skipped with this reason.
    unasked: str | None = None
    #: Extra words for ``-k``: the formats and architectures seen.
    keywords: tuple[str, ...] = ()
    #: Tags of the machines that it was judged for; empty: the target of the inspection.
    targets: tuple[str, ...] = ()
