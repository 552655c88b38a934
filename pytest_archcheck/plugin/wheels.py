"""A wheel is opened by the item that asks of it, in the process that runs the item; nothing of it stays but the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_archcheck.inspection import open_wheel
from pytest_archcheck.plugin.inspected import about, identifier, joined, prepared, request
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.outcome import HERE, Answer, Opened, pack

if TYPE_CHECKING:
    import pytest

    from pytest_archcheck.discover.wheel_names import WheelFile
    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.machine.target import Target
    from pytest_archcheck.plugin.settings import Settings

#: Of a wheel that nobody has opened yet nothing is known.
_PENDING = Answer(pending=True)


@dataclass(frozen=True, slots=True)
class Folder:
    """What the questions of all wheels of a run have in common."""

    config: pytest.Config
    #: The target of the inspection that named them.
    target: Target
    settings: Settings

    def ask(self, wheel: WheelFile) -> Answer:
        """Open a wheel and judge it."""
        settings = self.settings
        part = prepared(open_wheel(request(settings), self.target, wheel), settings)
        (check,) = _with_findings_of_others(self.config, settings, part).checks
        binaries = part.binaries
        reports = settings.json or settings.html or settings.sarif
        return Answer(
            findings=check.findings,
            unasked=check.unasked,
            opened=Opened(
                wheel=wheel,
                within=tuple(replace(skip, subject=skip.subject.replace(wheel.path, HERE)) for skip in part.skipped),
                packed=pack(json_report.distributions(part)) if reports else "",
                files=part.files,
                binaries=len(binaries),
                windows=sum(binary.format == "pe" for binary in binaries),
                seconds=part.seconds,
            ),
        )


class WheelQuestion:
    """What the item of a wheel asks, one of those that the inspection only named.

    There may be ten thousand: what the wheel's name says is not kept.
    """

    __slots__ = ("_folder", "subject", "wheel")

    known = _PENDING

    def __init__(self, folder: Folder, wheel: WheelFile) -> None:
        self._folder = folder
        self.wheel = wheel
        self.subject = identifier(wheel.label)

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.wheel.title

    @property
    def keywords(self) -> tuple[str, ...]:
        """The formats and architectures that its name promises."""
        return self.wheel.keywords

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """For JUnit XML."""
        return (("archcheck_title", self.title),)

    def ask(self) -> Answer:
        """Open it."""
        return self._folder.ask(self.wheel)


def _with_findings_of_others(config: pytest.Config, settings: Settings, part: Inspection) -> Inspection:
    """Ask other plugins for findings of theirs; whatever subject they give, this wheel is what they speak of."""
    (check,) = part.checks
    theirs = config.hook.pytest_archcheck_findings(inspection=part)
    findings = [about(finding, check.subject) for some in theirs for finding in some or ()]
    return joined(part, findings, settings) if findings else part
