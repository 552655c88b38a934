"""What became of the items of a run, as pytest reported it: from this process, or from the workers of pytest-xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.plugin.arguments import ROOT
from pytest_archcheck.reports.outcome import Answer, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

    from pytest_archcheck.reports.outcome import Question

PREFIX = f"{ROOT}::"

#: The outcomes that pytest itself knows. Others are another plugin's, and no pass.
_STATES: Mapping[str, State] = {"passed": "passed", "failed": "failed", "skipped": "skipped"}


class Kept:
    """The subjects that were collected, and of each what its item said and how that ended."""

    def __init__(self) -> None:
        #: Subjects that -k, -m and the like left; None until collection has finished.
        self.selected: set[str] | None = None
        #: True once pytest has begun to run what it collected.
        self.running = False
        #: Subjects whose warnings pytest has recorded.
        self.warned: set[str] = set()
        self._states: dict[str, State] = {}
        self._reasons: dict[str, str] = {}
        self._answers: dict[str, Answer] = {}

    def select(self, subjects: Iterable[str]) -> None:
        """Note what a process has collected."""
        self.selected = (self.selected or set()) | set(subjects)

    def note(self, report: pytest.TestReport, question: Question) -> None:
        """Keep what a report says of an item of ours."""
        subject = question.subject
        if report.when == "setup":  # the first report of an item, or of one more attempt at it
            self._states.pop(subject, None)
            self._reasons.pop(subject, None)
        if report.when == "call" or report.outcome != "passed":
            self._end(report, question)
        carried = getattr(report, "archcheck", None)
        if carried is not None:
            self._answers[subject] = Answer.from_text(carried, question.wheel)

    def answer(self, subject: str) -> Answer:
        """What an item said; empty where it has not."""
        return self._answers.get(subject, Answer())

    def _end(self, report: pytest.TestReport, question: Question) -> None:
        subject, outcome = question.subject, str(report.outcome)
        if self._states.get(subject) == "failed":  # nothing that teardown says makes up for that
            return
        state = _STATES.get(outcome, "other")
        if state == "other":
            self._reasons[subject] = f"reported as {outcome!r}, which is no pass"
        elif isinstance(report.longrepr, tuple):
            self._reasons[subject] = report.longrepr[2].removeprefix("Skipped: ")
        if state == "skipped" and hasattr(report, "wasxfail"):
            state = "xfailed"
        elif state == "skipped" and report.when == "setup" and question.known.unasked is None:
            # Skipped before it began and not by us: another plugin's option or a marker kept it from being asked.
            state = "not run"
        self._states[subject] = state

    def outcome(self, question: Question, place: int) -> Outcome:
        """What is known of an item so far; ``place``: where it stands among all of the run."""
        return Outcome(
            subject=question.subject,
            title=question.title,
            state=self._states.get(question.subject, "not run"),
            answer=self._answers.get(question.subject, question.known),
            reason=self._reasons.get(question.subject),
            place=place,
        )

    def lost(self) -> list[str]:
        """The subjects whose items were to run, and that pytest told nothing of."""
        return sorted((self.selected or set()) - self._states.keys()) if self.running else []
