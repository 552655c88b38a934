"""Findings as text that a person reads: escaped, grouped, short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.findings import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: So many paths of a group are named; the others are counted.
SHOWN_PATHS = 3

#: A message speaks of one file (``has only x86_64``); of several it needs the plural.
_PLURALS = {
    "has": "have",
    "is": "are",
    "was": "were",
    "does": "do",
    "needs": "need",
    "says": "say",
    "links": "link",
    "asks": "ask",
    "holds": "hold",
    "lacks": "lack",
    "wants": "want",
    "requires": "require",
    "expects": "expect",
    "imports": "import",
    "loads": "load",
    "lists": "list",
    "names": "name",
    "cannot": "cannot",
}
#: Where the rest of such a message speaks of the file again: ``says that it needs``, ``; it looks for``.
_IT = r"(?<=that )it (needs)|(?<=; )it (looks)"


def _they(match: re.Match[str]) -> str:
    return f"they {(match[1] or match[2]).removesuffix('s')}"


def escape(text: str) -> str:
    r"""Write everything that is not printable as ``\x1b``, ``\u202e``: control characters, bidi controls, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def encodable(text: str, encoding: str | None) -> str:
    """What a stream of that encoding can write: other characters by their escapes; None: it does not say which it has."""
    name = encoding or "ascii"
    return text.encode(name, "backslashreplace").decode(name)


def sentence(text: str, longest: int = limits.SENTENCE_LENGTH) -> str:
    """Escape, and cut what is too long to be read."""
    escaped = escape(text[: longest + 1])
    return escaped if len(escaped) <= longest else f"{escaped[:longest]}..."


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``2 files``, ``2 binaries``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


class Group(NamedTuple):
    """Findings of one check that say the same of different files."""

    rule: str
    severity: Severity
    message: str
    remedy: str
    allowed: str | None
    paths: tuple[str, ...]

    @property
    def headline(self) -> str:
        """``wrong-architecture: 20 files have only x86_64, the target needs arm64``."""
        return f"{self.rule}: {self.fact}"

    @property
    def fact(self) -> str:
        """The message, with the number of files that it speaks of."""
        if not self.paths:
            return sentence(self.message)
        files = count(len(self.paths), "file")
        verb, _, rest = self.message.partition(" ")
        if verb not in _PLURALS:
            return sentence(f"{files}: {self.message}")
        if len(self.paths) == 1:
            return sentence(f"{files} {verb} {rest}")
        return sentence(f"{files} {_PLURALS[verb]} {re.sub(_IT, _they, rest)}")

    def lines(self) -> list[str]:
        """The headline, the first files, the remedy: a few lines, however many files there are."""
        shown = [f"  {sentence(path)}" for path in self.paths[:SHOWN_PATHS]]
        hidden = len(self.paths) - SHOWN_PATHS
        if hidden == 1:  # a line that names the last file is no longer than one that counts it
            shown.append(f"  {sentence(self.paths[-1])}")
        elif hidden > 1:
            shown.append(f"  ... and {hidden} more")
        if self.allowed is not None:
            return [self.headline, *shown, f"  allowed: {sentence(self.allowed)}"]
        return [self.headline, *shown, f"  remedy: {sentence(self.remedy, limits.REMEDY_LENGTH)}"]


def group(findings: Iterable[Finding]) -> list[Group]:
    """Join findings that share rule, severity, message and remedy; worst first, otherwise in the order given."""
    paths: dict[tuple[str, Severity, str, str, str | None], dict[str, None]] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.message, finding.remedy, finding.allowed)
        of_group = paths.setdefault(key, {})
        if finding.path is not None:
            of_group[finding.path] = None
    groups = [
        Group(rule=rule, severity=severity, message=message, remedy=remedy, allowed=allowed, paths=tuple(of_group))
        for (rule, severity, message, remedy, allowed), of_group in paths.items()
    ]
    return sorted(groups, key=lambda one: SEVERITIES.index(one.severity))


def text(findings: Iterable[Finding]) -> str:
    """Everything that the findings say, a paragraph for each group."""
    return "\n".join(line for one in group(findings) for line in one.lines())


def headline(findings: Iterable[Finding]) -> str:
    """One line for pytest's short summary: the worst group, and how many more there are."""
    groups = group(findings)
    more = f" (and {len(groups) - 1} more)" if len(groups) > 1 else ""
    return f"{groups[0].headline}{more}"


def failing(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that make a check fail: errors that no line allows."""
    return tuple(finding for finding in findings if finding.severity == "error" and finding.allowed is None)


def warning(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The warnings that no line allows."""
    return tuple(finding for finding in findings if finding.severity == "warning" and finding.allowed is None)


def joined(names: Sequence[str], most: int = 8) -> str:
    """``h5py, numpy``; a long list is cut: ``a, b and 30 more``."""
    escaped = [escape(name) for name in names]
    if len(escaped) <= most + 1:
        return ", ".join(escaped)
    return f"{', '.join(escaped[:most])} and {len(escaped) - most} more"
