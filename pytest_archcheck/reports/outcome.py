"""What the items of a run said: the values between the items and the reports."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_archcheck.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.inspection import Inspection

#: ``other``: another plugin reported an outcome that pytest does not know.
State = Literal["passed", "failed", "xfailed", "skipped", "not run", "other"]

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

    def to_text(self) -> str:
        """Return ASCII, which any report can carry from a pytest-xdist worker; names of files may be no Unicode at all."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_text(cls, text: str) -> Answer:
        """Read back what :meth:`to_text` gave."""
        data = json.loads(text)
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
    #: Where it stands among all checks of the run, those included that were not selected.
    place: int = 0

    @property
    def broken(self) -> bool:
        """True where the item failed, or has an error that no line allows, whatever became of the item."""
        return self.state == "failed" or any(
            finding.severity == "error" and finding.allowed is None for finding in self.answer.findings
        )

    @property
    def ran(self) -> bool:
        """True where pytest asked and reported an outcome that it knows."""
        return self.state not in ("not run", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole run, narrowed to what the user selected."""

    inspection: Inspection
    outcomes: tuple[Outcome, ...]
    #: Findings of no item: notes on allow-list lines.
    notes: tuple[Finding, ...]
    #: True when there was an item, every selected one ran, and all that was to be inspected could be looked at.
    complete: bool
    #: False while items are still to run, or where some did not.
    finished: bool = True
    #: How many items the user's selection left out.
    left_out: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the items."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.answer.findings) + self.notes
