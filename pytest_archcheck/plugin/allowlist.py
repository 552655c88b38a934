"""The allow-list: findings that a project knows and accepts, each with its reason.

One line is ``SUBJECT[/RULE][ @TARGETGLOB]: reason``: ``numpy/newer-os-required @macosx_11_*: CI has no older Mac``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_archcheck.findings import Severity

GRAMMAR = "'SUBJECT[/RULE][ @TARGETGLOB]: reason', such as 'numpy/wrong-architecture: not used here'"

#: A line that allows nothing (any more).
STALE_RULE = "stale-allow-line"

# The subject may hold "::" (environment::interpreter) and ends at "/", " @" or a colon with white space (or nothing) behind it.
# The subject of a wheel in a folder is numpy/numpy-2.0.2-cp311-...: its version has digits, which no rule's name has.
_LINE = r"""(?P<subject>\S(?:.*?\S)?)
        (?:/(?P<rule>[^\s/@:0-9]+))?
        (?:\s+@(?P<target>\S+?))?
        \s*:(?:\s+(?P<reason>.*))?"""
#: What is left of a line whose rule or target is empty or said twice: ``numpy/: reason``, ``numpy @: reason``.
_NO_SUBJECT = r"/$|(?:^|\s)@"


class InvalidLine(ValueError):
    """The text is no allow-list line; the message quotes it and says what was expected."""


class AllowLine(NamedTuple):
    """One line of the allow-list."""

    text: str
    subject: str
    #: None: every rule.
    rule: str | None
    #: A glob over the target's tag; None: every target.
    target: str | None
    reason: str

    @classmethod
    def parse(cls, text: str, rules: Iterable[str]) -> AllowLine:
        """Read one line; ``rules`` are the names that exist.

        Raises :class:`InvalidLine`.
        """
        short = len(text) <= limits.ALLOW_LINE_LENGTH
        match = re.fullmatch(_LINE, text.strip(), re.VERBOSE | re.DOTALL) if short else None
        if match is None or re.search(_NO_SUBJECT, match["subject"]):
            raise InvalidLine(f"got {text[: limits.ALLOW_LINE_LENGTH]!r}, expected {GRAMMAR}")
        if not (match["reason"] or "").strip():
            raise InvalidLine(f"got {text!r}, which gives no reason; expected {GRAMMAR}")
        known = sorted(rules)
        if match["rule"] is not None and match["rule"] not in known:
            from difflib import get_close_matches

            near = get_close_matches(match["rule"], known, n=3, cutoff=0.5) or known
            raise InvalidLine(f"got {text!r}, but there is no rule {match['rule']!r}; expected one such as {', '.join(near)}")
        return cls(
            text=text.strip(),
            subject=match["subject"],
            rule=match["rule"],
            target=match["target"],
            reason=match["reason"].strip(),
        )

    def speaks_of(self, *tags: str) -> bool:
        """Whether the line is meant for one of these targets."""
        return self.target is None or any(fnmatchcase(tag, self.target) for tag in tags)

    def allows(self, finding: Finding) -> bool:
        """Whether the line, which speaks of the finding's subject, speaks of the finding."""
        return finding.rule != STALE_RULE and self.rule in (None, finding.rule)


@dataclass(frozen=True)
class AllowList:
    """The lines, and the run that they are read in."""

    #: Tag of the run's target.
    target: str
    lines: tuple[AllowLine, ...] = ()
    #: The rules that were asked for (empty: all) and those that were not: a line on what nobody asked for is not stale.
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    @cached_property
    def _of_subject(self) -> dict[str, list[AllowLine]]:
        found: dict[str, list[AllowLine]] = {}
        for line in self.lines:
            found.setdefault(line.subject, []).append(line)
        return found

    def judge(self, subject: str, findings: Sequence[Finding], targets: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Mark the findings that are allowed, and add an error for each line on ``subject`` that allows none of them.

        :param targets: tags of the machines that the subject was judged for; by default the run's target.
        """
        lines = [line for line in self._of_subject.get(subject, ()) if line.speaks_of(*targets or (self.target,))]
        judged = tuple(
            replace(finding, allowed=next((line.reason for line in lines if line.allows(finding)), None))
            for finding in findings
        )
        stale = (line for line in lines if not any(line.allows(finding) for finding in findings) and self._was_asked(line))
        return judged + tuple(_stale(line) for line in stale)

    def _was_asked(self, line: AllowLine) -> bool:
        if line.rule is None:
            return not self.select and not self.ignore
        return line.rule not in self.ignore and (not self.select or line.rule in self.select)

    def unmatched(self, subjects: Iterable[str]) -> tuple[Finding, ...]:
        """Return one note for each line for the run's target whose subject is not here."""
        here = set(subjects)
        names = sorted(here)
        missing = [line for line in self.lines if line.subject not in here and line.speaks_of(self.target)]
        # To look for what was meant compares a line with every subject: the first lines tell enough.
        return tuple(_not_here(line, names if number < limits.ALLOW_LINE_HINTS else ()) for number, line in enumerate(missing))


def _stale(line: AllowLine) -> Finding:
    said = "allows nothing: there is no such finding (any more)"
    return _of_line(line, "error", said, "remove the line from archcheck_allow")


def _not_here(line: AllowLine, names: Sequence[str]) -> Finding:
    from difflib import get_close_matches

    near = get_close_matches(line.subject, names, n=1)
    said = "speaks of a subject that is not here" + (f"; did you mean {near[0]}?" if near else "")
    return _of_line(line, "note", said, "remove the line, or limit it to its target with ' @TARGETGLOB'")


def _of_line(line: AllowLine, severity: Severity, said: str, remedy: str) -> Finding:
    return Finding(
        rule=STALE_RULE,
        severity=severity,
        subject=line.subject,
        distribution=None,
        path=None,
        message=f"the archcheck_allow line '{line.text}' {said}",
        remedy=remedy,
    )
