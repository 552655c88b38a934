"""What the items of a run said: the values between the items and the reports."""

from __future__ import annotations

import base64
import functools
import json
import zlib
from dataclasses import asdict, astuple, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pytest_archcheck.findings import Finding, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.inspection import Inspection

#: ``other``: another plugin reported an outcome that pytest does not know.
State = Literal["passed", "failed", "xfailed", "skipped", "not run", "other"]

#: An object of JSON's ``distributions``, ``accelerators`` or ``benchmarks`` list.
Record = dict[str, Any]


class Placed(Protocol):
    """A wheel, of which reports want to know where it lies."""

    @property
    def path(self) -> str:
        """Absolute."""


#: Stands for the path of a wheel, which is long and known; no path holds it.
HERE = "\0"


class Opened(NamedTuple):
    """What reports tell of a wheel that its item has opened, beside findings: plain data, small enough to keep thousands."""

    wheel: Placed
    #: What could not be looked at; the path of the wheel is :data:`HERE` in it.
    within: tuple[Skipped, ...] = ()
    #: Its entries of JSON's ``distributions``, see :func:`pack`; empty where no report is written.
    packed: str = ""
    #: Members, compiled files, those for Windows.
    files: int = 0
    binaries: int = 0
    windows: int = 0
    seconds: float = 0.0

    @property
    def path(self) -> str:
        """Where the wheel lies."""
        return self.wheel.path

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be looked at."""
        return tuple(replace(one, subject=one.subject.replace(HERE, self.path)) for one in self.within)

    def to_record(self) -> Record:
        """Everything but the wheel."""
        return {
            "within": [astuple(one) for one in self.within],
            "packed": self.packed,
            "files": self.files,
            "binaries": self.binaries,
            "windows": self.windows,
            "seconds": self.seconds,
        }

    @classmethod
    def from_record(cls, record: Record, wheel: Placed) -> Opened:
        """Read back what :meth:`to_record` gave."""
        return cls(wheel=wheel, **record | {"within": tuple(_skipped(*one) for one in record["within"])})


@functools.lru_cache(maxsize=1024)
def _skipped(subject: str, reason: str, unseen: bool) -> Skipped:  # noqa: FBT001 - as in a record
    """Of thousands of wheels the same is said again and again."""
    return Skipped(subject, reason, unseen)


def pack(records: list[Record]) -> str:
    """JSON values as little text: reports of ten thousand wheels wait in memory for the end of the run."""
    return base64.b64encode(zlib.compress(json.dumps(records, separators=(",", ":")).encode(), 1)).decode()


def unpack(packed: str) -> list[Record]:
    """What was packed."""
    records: list[Record] = json.loads(zlib.decompress(base64.b64decode(packed))) if packed else []
    return records


class Answer(NamedTuple):
    """What asking a question gave."""

    findings: tuple[Finding, ...] = ()
    #: Set where the question could not be asked: the item is skipped with this reason.
    unasked: str | None = None
    #: One line that is shown also when all is well: ``tensorflow 2.18.1: Metal GPU computes, 2.9 TFLOP/s``.
    line: str | None = None
    accelerators: tuple[Record, ...] = ()
    benchmarks: tuple[Record, ...] = ()
    #: The wheel that was opened to answer.
    opened: Opened | None = None
    #: Nobody has looked yet, as of a wheel whose item has not run: there may be any finding.
    pending: bool = False
    #: Another check, which finds the very same: where that one runs too, what to do about it is told once.
    same_as: str | None = None

    def to_text(self) -> str:
        """Return ASCII, which any report can carry from a pytest-xdist worker; names of files may be no Unicode at all."""
        said = {
            "findings": [asdict(finding) for finding in self.findings],
            "unasked": self.unasked,
            "line": self.line,
            "accelerators": self.accelerators,
            "benchmarks": self.benchmarks,
            "opened": None if self.opened is None else self.opened.to_record(),
        }
        return json.dumps({name: value for name, value in said.items() if value}, default=str, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str, wheel: Placed | None = None) -> Answer:
        """Read back what :meth:`to_text` gave; of a wheel it is known which."""
        data = json.loads(text)
        return cls(
            findings=tuple(Finding(**finding) for finding in data.get("findings", ())),
            unasked=data.get("unasked"),
            line=data.get("line"),
            accelerators=tuple(data.get("accelerators", ())),
            benchmarks=tuple(data.get("benchmarks", ())),
            opened=Opened.from_record(data["opened"], wheel) if wheel is not None and "opened" in data else None,
        )


class Question(Protocol):
    """One pytest item ``archcheck::<subject>``: asked when the item runs."""

    @property
    def subject(self) -> str:
        """What its id says behind ``archcheck::``."""

    @property
    def title(self) -> str:
        """What a reader calls it: ``numpy 2.0.2``."""

    @property
    def ask(self) -> Callable[[], Answer]:
        """Called once, in the process that runs the item; allow-list lines are applied to what it returns."""

    @property
    def known(self) -> Answer:
        """What is known before it is asked; shown for items that never ran."""

    @property
    def keywords(self) -> tuple[str, ...]:
        """Extra words for ``-k``."""

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """Extra ``<property>`` elements for JUnit XML."""

    @property
    def wheel(self) -> Placed | None:
        """What is opened to answer."""


class Prepared(NamedTuple):
    """A question of which everything was worked out before it is asked."""

    subject: str
    title: str
    ask: Callable[[], Answer]
    known: Answer = Answer()
    keywords: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    wheel: None = None


class Outcome(NamedTuple):
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


class Result(NamedTuple):
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

    @property
    def opened(self) -> tuple[Opened, ...]:
        """The wheels that were opened, in the order of the items."""
        return tuple(outcome.answer.opened for outcome in self.outcomes if outcome.answer.opened is not None)

    @property
    def unjudged(self) -> tuple[Skipped, ...]:
        """Each path of which nothing could be judged: of wheels, where all that were named were opened and none was judged."""
        opened = [outcome.answer for outcome in self.outcomes if outcome.answer.opened is not None]
        whole = len(opened) == len(self.inspection.wheels)
        if not whole or not all(answer.unasked for answer in opened):
            return self.inspection.unjudged
        wheels = (Skipped(one.opened.path, one.unasked) for one in opened if one.opened is not None and one.unasked is not None)
        return (*self.inspection.unjudged, *wheels)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be looked at."""
        of_wheels = (skip for one in self.opened for skip in one.skipped)
        return (*self.inspection.skipped, *of_wheels, *self.unjudged[len(self.inspection.unjudged) :])
