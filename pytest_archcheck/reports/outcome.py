"""What the items of a run said: the values between the items and the reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_archcheck.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_archcheck.inspection import Inspection

State = Literal["passed", "failed", "xfailed", "skipped", "not run"]

#: An object of JSON's ``accelerators`` or ``benchmarks`` list.
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What asking a question gave."""

    findings: tuple[Finding, ...] = ()
    #: Set where the question could not be asked: the item is skipped with this reason.
    unasked: str | None = None
    #: One line that is shown also when all is well: ``tensorflow 2.18.1: Metal GPU computes, 2.9 TFLOP/s``.
    line: str | None = None
    accelerators: tuple[Record, ...] = ()
    benchmarks: tuple[Record, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return builtins only: what a report may carry from a pytest-xdist worker."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        """Read back what :meth:`to_dict` gave."""
        return cls(
            findings=tuple(Finding(**finding) for finding in data["findings"]),
            unasked=data["unasked"],
            line=data["line"],
            accelerators=tuple(data["accelerators"]),
            benchmarks=tuple(data["benchmarks"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One pytest item ``archcheck::<subject>``: asked when the item runs."""

    subject: str
    #: What a reader calls it: ``numpy 2.0.2``.
    title: str
    #: Called once, in the process that runs the item; allow-list lines are applied to what it returns.
    ask: Callable[[], Answer]
    #: What is known before it is asked; shown for items that never ran.
    known: Answer = Answer()
    #: Extra words for ``-k``.
    keywords: tuple[str, ...] = ()
    #: Extra ``<property>`` elements for JUnit XML.
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One item after the run."""

    subject: str
    title: str
    state: State
    answer: Answer
    #: Why it was skipped, by us or (state "not run") by a marker or another plugin.
    reason: str | None = None

    @property
    def broken(self) -> bool:
        """True where the item failed, or never ran and is known to be wrong."""
        if self.state == "not run":
            return any(finding.severity == "error" and finding.allowed is None for finding in self.answer.findings)
        return self.state == "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole run, narrowed to what the user selected."""

    inspection: Inspection
    outcomes: tuple[Outcome, ...]
    #: Findings of no item: notes on allow-list lines.
    notes: tuple[Finding, ...]
    #: True when every selected item ran.
    complete: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the items."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.answer.findings) + self.notes
