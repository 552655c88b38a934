"""What to type, out of a remedy: remedies are words around commands, and only a command can be copied into a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck.findings import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.findings import Severity
    from pytest_archcheck.reports import text
    from pytest_archcheck.reports.page.facts import Subject

#: What a command in a remedy begins with.
_PROGRAMS = (
    r"pip|uv|uvx|pipx|conda|mamba|micromamba|pixi|poetry|pdm|brew|arch|python[\d.]*|codesign|install_name_tool|rm|export|wheel|"
    r"pytest|pytest-archcheck|"
    r"xattr|softwareupdate|apt|apt-get|dnf|apk|CONDA_PKGS_DIRS=\"[^\"]+\"|CONDA_SUBDIR=\S+|MACOSX_DEPLOYMENT_TARGET=\S+"
)
_COMMAND = rf"(?:(?:/\S+/)?(?:{_PROGRAMS})|'/[^']+/python[\d.]*')(?= [-\w'\"./])"
#: A command stands at the beginning, or after the words that say when: ``with a Python for macOS: pip install numpy``.
_FIRST = re.compile(rf"(?:^|(?<=: )|(?<=`)){_COMMAND}")
#: The next step of several: ``pip uninstall torch, then conda install pytorch``. ``or`` brings another way.
_NEXT = re.compile(rf", (?:then |and then )?(?={_COMMAND})")
#: It ends where the words go on, outside of quotes.
_ENDS = re.compile(r"; |, |`| \(|\)|\.$| until | makes |$")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def command_of(remedy: str) -> str | None:
    """Return the first way of a remedy as a line to paste, its steps one after the other; None where it is words only."""
    first = _FIRST.search(remedy)
    if first is None:
        return None
    # What is quoted ends nothing; the same number of characters keeps the places.
    masked = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), remedy)
    steps, begin = [], first.start()
    while True:
        end = _ENDS.search(masked, begin)
        assert end is not None  # noqa: S101 - the end of the text is one
        steps.append(remedy[begin : end.start()])
        following = _NEXT.match(masked, end.start())
        if following is None:
            return " && ".join(steps)
        begin = following.end()


@dataclass(slots=True)
class Todo:
    """One thing to do, and everything that it mends."""

    remedy: str
    severity: Severity
    #: Each check with those of its findings that this mends.
    parts: list[tuple[Subject, text.Group]] = field(default_factory=list)

    @property
    def weight(self) -> tuple[int, int]:
        """Worst first, then what mends most."""
        files = sum(max(len(group.paths), 1) for _, group in self.parts)
        return SEVERITIES.index(self.severity), -files


def todos(subjects: Iterable[Subject]) -> list[Todo]:
    """Group what no line allows by what mends it, the worst first."""
    found: dict[str, Todo] = {}
    for subject in subjects:
        for group in subject.groups:
            if group.allowed is not None:
                continue
            todo = found.setdefault(group.remedy, Todo(group.remedy, group.severity))
            todo.severity = min(todo.severity, group.severity, key=SEVERITIES.index)
            todo.parts.append((subject, group))
    return sorted(found.values(), key=lambda todo: todo.weight)
