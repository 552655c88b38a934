"""What a page says of one report, drawn out of its JSON: subjects with their distributions, findings, states and links."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pytest_archcheck.findings import SEVERITIES, Finding
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


#: How well a subject is, the worst first. ``unknown``: its check did not run, or could not be asked.
State = Literal["error", "warning", "unknown", "note", "pass"]
STATES: tuple[State, ...] = ("error", "warning", "unknown", "note", "pass")

Json = dict[str, Any]

#: Why there is no check of a distribution that has compiled files.
_UNASKED = "no check asks about these files: they are for Windows, or their check was not selected"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A compiled file of the report."""

    #: Unique in the page.
    anchor: str
    facts: Json
    #: Its distribution's folder, wheel or lock file.
    location: str
    subject: str

    @property
    def path(self) -> str:
        """Relative to the location."""
        path: str = self.facts["path"]
        return path

    @property
    def size(self) -> int:
        """Bytes; 0 in reports of earlier versions."""
        return int(self.facts.get("size", 0))

    @property
    def architectures(self) -> tuple[str, ...]:
        """In file order."""
        return tuple(self.facts["architectures"])

    @property
    def links(self) -> list[Json]:
        """Linked libraries."""
        return list(self.facts.get("links", ()))


@dataclass(kw_only=True)
class Subject:
    """What one check speaks of: a distribution, or something of the environment."""

    name: str
    #: Unique in the page, and the part after ``#`` that people share.
    anchor: str
    title: str
    distributions: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    #: The check's own state; ``none`` where there is no check (files for Windows only), None where the report does not tell.
    run: str | None = None
    reason: str | None = None

    @property
    def size(self) -> int:
        """Compiled bytes."""
        return sum(file.size for file in self.files)

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """All that occur, the most frequent first."""
        count: dict[str, int] = defaultdict(int)
        for file in self.files:
            for architecture in file.architectures:
                count[architecture] += 1
        return tuple(sorted(count, key=lambda one: -count[one]))

    @property
    def row(self) -> str:
        """What it is called in every report: a wheel has another file name for each target."""
        names = {distribution["name"] for distribution in self.distributions}
        return (names.pop() if len(names) == 1 else None) or self.name

    @property
    def groups(self) -> list[text.Group]:
        """The findings as paragraphs, worst first."""
        return text.group(self.findings)

    @property
    def state(self) -> State:
        """The worst finding that nothing allows."""
        present = {finding.severity for finding in self.findings if finding.allowed is None}
        for severity in SEVERITIES[:2]:
            if severity in present:
                return severity
        if self.run == "failed":
            return "error"
        if self.run in ("skipped", "not run", "other", "none"):
            return "unknown"
        return "note" if self.findings else "pass"


class Anchors:
    """Names for ``id`` attributes, each once: from the names of distributions, which may be anything."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, words: str) -> str:
        """Return a name of letters, digits and some signs. The page's own begin with ``_``, which these never do."""
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")[:80] or "x"
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name)
        return name


class Report:
    """One report, read for a page."""

    def __init__(self, document: Json, anchors: Anchors, *, number: int = 0, label: str | None = None) -> None:
        """Take a report's JSON.

        :param number: which of the page's reports it is; part of the names of its anchors, the first one's apart.
        :param label: what tells it from the page's other reports.
        """
        self.document = document
        self.number = number
        self.label = label
        self._anchors = anchors
        self.subjects = self._read()
        self._users: dict[str, list[tuple[File, Json]]] | None = None

    @property
    def level(self) -> int:
        """Of the headings of its parts: where there are several reports each has a heading above them."""
        return 2 if self.label is None else 3

    @property
    def aim(self) -> str:
        """What it was judged for, in words."""
        return str(self.document.get("aim") or self.document["target"]["tag"])

    @property
    def needed(self) -> frozenset[str]:
        """The architectures that the target asks every file for."""
        architecture = self.document["target"]["architecture"]
        return frozenset(("arm64", "x86_64") if architecture == "universal2" else (architecture,))

    def serves(self, subject: Subject, file: File) -> bool:
        """Whether a file has all architectures that its target needs."""
        targets = [dist["target"] for dist in subject.distributions if "target" in dist]
        needed = set(self.needed)
        if targets:
            several = targets[0] if isinstance(targets[0], list) else [targets[0]]
            needed = {one["architecture"] for one in several}
            if "universal2" in needed:
                needed = needed - {"universal2"} | {"arm64", "x86_64"}
        return needed <= set(file.architectures)

    def anchor(self, words: str) -> str:
        """A name in the page for something of this report."""
        return self._anchors.name(words if self.label is None else f"{self.label}-{words}")

    def _read(self) -> list[Subject]:
        checks: list[Json] = list(self.document.get("checks", ()))
        subjects = {check["subject"]: self._subject(check["subject"], check["title"], check) for check in checks}
        number = 0
        for distribution in self.document["distributions"]:
            name = distribution.get("subject") or distribution["name"] or "unowned"
            subject = subjects.get(name)
            if subject is None:
                subject = subjects[name] = self._subject(name, _title(distribution), None)
            subject.distributions.append(distribution)
            for binary in distribution["binaries"]:
                number += 1
                anchor = f"_f{self.number}-{number}"
                file = File(anchor=anchor, facts=binary, location=distribution["location"], subject=name)
                subject.files.append(file)
        for finding in self.document["findings"]:
            name = finding["subject"]
            if name not in subjects:
                subjects[name] = self._subject(name, name, None)
            subjects[name].findings.append(Finding(**{key: finding[key] for key in Finding.__slots__}))
        return list(subjects.values())

    def _subject(self, name: str, title: str, check: Mapping[str, Any] | None) -> Subject:
        anchor = self.anchor(name.replace("::", "-"))
        if check is None:
            told = "checks" in self.document
            return Subject(
                name=name, anchor=anchor, title=title, run="none" if told else None, reason=_UNASKED if told else None
            )
        return Subject(name=name, anchor=anchor, title=title, run=check["state"], reason=check.get("reason"))

    @property
    def worst_first(self) -> list[Subject]:
        """The subjects, those with errors before those with warnings, otherwise in their order."""
        return sorted(self.subjects, key=lambda subject: STATES.index(subject.state))

    @cached_property
    def files(self) -> dict[tuple[str, str], File]:
        """Subject and path -> file."""
        return {(file.subject, file.path): file for subject in self.subjects for file in subject.files}

    def provider(self, file: File, link: Json) -> File | None:
        """The file of the report that a link leads to."""
        if "path" not in link:
            return None
        return self.files.get((link.get("subject", file.subject), link["path"]))

    def users(self, file: File) -> list[tuple[File, Json]]:
        """Who links to a file, by which link."""
        if self._users is None:
            self._users = defaultdict(list)
            for user in self.files.values():
                for link in user.links:
                    provider = self.provider(user, link)
                    if provider is not None and provider is not user:
                        self._users[provider.anchor].append((user, link))
        return self._users.get(file.anchor, [])

    def chain(self, file: File) -> list[File]:
        """From an extension module, which Python imports, to this file: the shortest way by which it gets loaded."""
        came: dict[str, File | None] = {file.anchor: None}
        waiting = [file]
        for one in waiting:
            if one.facts["role"] in ("extension", "executable"):
                way = [one]
                while (following := came[way[-1].anchor]) is not None:
                    way.append(following)
                return way
            for user, _ in self.users(one):
                if user.anchor not in came:
                    came[user.anchor] = one
                    waiting.append(user)
        return [file]

    def blamed(self, file: File, message: str) -> Iterator[Json]:
        """The links of a file that a finding speaks of: those that its message names, or else all that do not hold."""
        bad = [link for link in file.links if link.get("status") not in (None, "found", "system")]
        named = [link for link in file.links if os.path.basename(link["name"]) in message]
        yield from named or bad

    @property
    def counts(self) -> dict[State, int]:
        """How many checks are how well."""
        states = [subject.state for subject in self.subjects if subject.run != "none"]
        return {state: states.count(state) for state in STATES}


def _title(distribution: Json) -> str:
    if distribution["name"] is None:
        return "files of no distribution"
    return f"{distribution['name']} {distribution['version']}" if distribution["version"] else str(distribution["name"])


def bytes_of(number: int) -> str:
    """``3.1 MB``: in powers of ten, as disks and package indexes count."""
    if number < 1000:
        return f"{number} B"
    size = float(number)
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if size >= 99.5 else f"{size:.1f} {unit}"
