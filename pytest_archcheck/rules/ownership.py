"""Judge who owns a file: ``contested-file``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer, one_after_another
from pytest_archcheck.rules.remedies import reinstall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.discover.model import Distribution

#: So many of those that claim a file are named; the others are counted.
_SHOWN = 6


def judge_ownership(owned: Sequence[tuple[Distribution, str]]) -> list[Finding]:
    """Name the files that several distributions have recorded; whoever was installed last wrote them.

    :param owned: distributions and their subjects.
    """
    installed = [entry for entry in owned if entry[0].metadata is not None]  # not the interpreter, not the files of nobody
    first: dict[str, Distribution] = {}
    claims: dict[str, list[Distribution]] = {}
    for distribution, _ in installed:
        for binary in distribution.binaries:
            other = first.setdefault(binary.file, distribution)
            if other is not distribution:
                claims.setdefault(binary.file, [other]).append(distribution)
    findings = []
    for distribution, subject in installed:
        for binary in distribution.binaries if claims else ():
            everybody = claims.get(binary.file, ())
            others = [other for other in everybody[: _SHOWN + 1] if other is not distribution][:_SHOWN]
            if others:
                more = len(everybody) - 1 - len(others)
                findings.append(_contested(distribution, subject, binary.path, others, more))
    return findings


def _contested(distribution: Distribution, subject: str, path: str, others: Sequence[Distribution], more: int) -> Finding:
    titles = " and ".join(other.title for other in others) + (f" and {more} more" if more else "")
    if more:
        remedy = f"keep {distribution.name}: uninstall the others, then {reinstall(distribution)}; or the other way round"
    else:
        remedy = f"keep {distribution.name}: {_instead(distribution, others)}; or the other way round"
    return Finding(
        rule="contested-file",
        severity="note",
        subject=subject,
        distribution=distribution.name,
        path=path,
        message=f"is also recorded by {titles}: the one that was installed last wrote it",
        remedy=remedy,
    )


def _instead(distribution: Distribution, others: Sequence[Distribution]) -> str:
    gone = Installer.of(others[0]).remove(dict.fromkeys(other.name or "" for other in others))
    return one_after_another(distribution.home, gone, reinstall(distribution))
