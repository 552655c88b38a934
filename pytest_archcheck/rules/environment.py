"""Questions about an environment as a whole."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Check, Finding
from pytest_archcheck.rules.architecture import NATIVE_FORMATS

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Severity, Skipped
    from pytest_archcheck.machine.target import Target

PACKAGES_SUBJECT = "environment::packages"
#: Folders of which each holds a whole set of packages.
_SITES = ("site-packages", "dist-packages")
#: Characters of a path in a sentence; of a longer one its beginning and its end.
_PATH_SHOWN = 200
_SYSTEMS = {"mach-o": ("macOS", "macosx_14_0_{}", "arm64"), "elf": ("Linux", "manylinux_2_28_{}", "x86_64")}


def foreign_environment(environment: Environment, target: Target, prefix: str) -> list[Check] | None:
    """One finding instead of hundreds for an environment of another system that was given without a target.

    It is taken for one if no compiled file has the host's own format. Its distributions stay in the result, not judged.
    """
    formats = Counter(binary.format for binary in environment.binaries if binary.format != "pe" and binary.slices)
    native = NATIVE_FORMATS[target.system]
    if environment.kind == "active" or not formats or native in formats or native == "pe":
        return None
    ((form, _),) = formats.most_common(1)
    platforms = Counter(piece.platform for binary in environment.binaries if binary.format == form for piece in binary.slices)
    if (platform := platforms.most_common(1)[0][0]) not in {"macos", "linux"}:
        return _of_another_system(environment, target, prefix, platform)
    system, tag, usual = _SYSTEMS[form]
    architectures = Counter(name for binary in environment.binaries if binary.format == form for name in binary.architectures)
    # The one that most files have; an even count of both, as in universal2 wheels, says nothing.
    tag = tag.format(
        architectures.most_common(1)[0][0] if len(set(architectures.values())) > 1 or len(architectures) == 1 else usual
    )
    option = f"--archcheck-target={tag}"
    what = "wheel" if environment.kind == "wheel" else "environment"
    message = f"this is a {system} {what}, this machine is {target.name}, and no target was given"
    remedy = f"say which machine it is for: add {option}"
    if tag == "macosx_14_0_x86_64":
        # Intel files are what is wrong with many an environment on Apple Silicon: judged for Intel, all is well with them.
        remedy += " (an Intel Mac) or --archcheck-target=macosx_14_0_arm64 (Apple Silicon)"
    reason = f"not judged: a {system} environment without a target (pass {option})"
    return _checks(environment, prefix, message, remedy, reason)


def _of_another_system(environment: Environment, target: Target, prefix: str, platform: str) -> list[Check]:
    """Files for iOS, say: no target makes them right."""
    message = f"this is an environment for {platform}, and this machine is {target.name}"
    return _checks(
        environment, prefix, message, f"install what is built for {target.name}", f"not judged: it is for {platform}"
    )


def _checks(environment: Environment, prefix: str, message: str, remedy: str, reason: str) -> list[Check]:
    subject = prefix + PACKAGES_SUBJECT
    finding = Finding(
        rule="wrong-platform",
        severity="error",
        subject=subject,
        distribution=None,
        path=None,
        message=message,
        remedy=remedy,
    )
    names = sorted({distribution.name or "unowned" for distribution in environment.distributions})
    return [
        Check(subject=subject, title="the environment", findings=(finding,)),
        *(Check(subject=prefix + name, title=name, unasked=reason) for name in names),
    ]


def judge_unseen(environment: Environment, subject: str) -> list[Finding]:
    """Name what belongs to the environment and could not be looked at; of many folders the first."""
    unseen = [skip for skip in environment.skipped if skip.unseen]
    whole = [skip for skip in unseen if skip.subject == environment.path or os.path.basename(skip.subject) in _SITES]
    inside = [skip for skip in unseen if skip not in whole]
    kinds: tuple[tuple[Severity, list[Skipped]], ...] = (("error", whole), ("warning", inside))
    findings = []
    for severity, skips in kinds:
        more = f" (and {len(skips) - 1} more)" if len(skips) > 1 else ""
        findings += [
            Finding(
                rule="unseen-folder",
                severity=severity,
                subject=subject,
                distribution=None,
                path=None,
                message=f"{_short(skip.subject)}{more} is not inspected: {skip.reason}",
                remedy="let the user who runs this read it, or inspect it by itself with --archcheck-path=",
            )
            for skip in skips[:1]
        ]
    return findings


def _short(path: str) -> str:
    return path if len(path) <= _PATH_SHOWN else f"{path[: _PATH_SHOWN // 2]}...{path[-_PATH_SHOWN // 4 :]}"
