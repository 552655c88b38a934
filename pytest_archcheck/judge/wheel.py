"""From one wheel to its check: judged for each machine that its tags promise."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.discover.wheels import read_wheel
from pytest_archcheck.findings import SEVERITIES, Check, Finding, Skipped
from pytest_archcheck.judge.access import Access
from pytest_archcheck.judge.environment import Judgement, judge
from pytest_archcheck.judge.while_open import WhileOpen
from pytest_archcheck.rules.wheels import judge_wheel_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_archcheck.discover.wheels import Wheel
    from pytest_archcheck.loader.signing import SignatureKind
    from pytest_archcheck.machine.target import Target


def read_and_judge(
    path: str, label: str, target: Target, *, target_given: bool, all_pages: bool = False
) -> tuple[Wheel, Judgement, tuple[Target, ...]]:
    """Read a wheel and judge it: for the target that was given, or else for the machines that its tags promise, also returned.

    :param target: this machine, where none was given: what a wheel is judged for that promises nothing.
    """
    taken = WhileOpen((target,) if target_given else (), all_pages=all_pages)
    wheel = read_wheel(path, lambda binary, source, promised: taken.take(binary, source, promised=promised))
    promised = () if target_given else wheel.targets
    access = Access(opener=wheel.open, partial=wheel.partial, all_pages=all_pages, signatures=taken.signatures)
    return wheel, judge_wheel(wheel, label, promised or (target,), by_tags=bool(promised), access=access), promised


def judge_wheel(wheel: Wheel, label: str, targets: Sequence[Target], *, by_tags: bool, access: Access) -> Judgement:
    """Judge a wheel for each of several machines, in one check.

    One for a system that is judged nowhere is left alone, whatever the target.

    :param label: the subject.
    :param by_tags: the targets come from the wheel's own tags.
    """
    environment = wheel.environment._replace(label=label)
    if wheel.other_system:
        targets = ()
    meant = by_tags or not wheel.targets or any(_promises(one, target) for one in wheel.targets for target in targets)
    judgements = [judge(environment, target, access=access) for target in targets if meant]
    found = judge_wheel_file(wheel.problems, wheel.distribution, label)
    found += [finding for one in judgements for check in one.checks for finding in check.findings]
    findings = _merged(_fitted(replace(finding, subject=label), wheel, targets, by_tags=by_tags) for finding in found)
    check = Check(
        subject=label,
        title=f"{wheel.distribution.title} (wheel)",
        findings=findings,
        unasked=None if findings else _unasked(wheel, targets) if meant else _not_meant(wheel, targets),
        keywords=_keywords(wheel),
        targets=tuple(target.tag for target in targets) if by_tags else (),
    )
    skipped = [skip for one in judgements for skip in one.skipped]
    skipped += _not_looked_at(wheel, findings, targets if meant else ())
    signatures: dict[str, dict[str, SignatureKind]] = defaultdict(dict)
    for one in judgements:
        for file, kinds in one.signatures.items():
            signatures[file].update(kinds)
    return Judgement((check,), tuple(dict.fromkeys(skipped)), dict(signatures))


def _on_macs(targets: Sequence[Target]) -> bool:
    return all(target.system == "macos" for target in targets)


def _fitted(finding: Finding, wheel: Wheel, targets: Sequence[Target], *, by_tags: bool) -> Finding:
    """Word a finding for a wheel: what is done to a file of it is done where it is unpacked."""
    if by_tags and finding.rule == "newer-os-required" and finding.severity == "warning":
        # Many sound wheels' tags name an older macOS than their files: dyld does not mind, and few machines are that old. A
        # symbol version that glibc lacks, ld.so does mind.
        finding = replace(finding, severity="note")
    if by_tags and finding.rule == "library-outside-environment" and finding.severity == "warning" and _on_macs(targets):
        finding = replace(
            finding, severity="error"
        )  # /opt/homebrew, or a folder of the machine that built it: no tag promises it
    if f"{wheel.path}/" in finding.remedy:
        inside = finding.remedy.replace(f"{wheel.path}/", "")
        name = shlex.quote(os.path.basename(wheel.path))
        remedy = f"wheel unpack {name}; in the folder that it makes: {inside}; then wheel pack that folder"
        finding = replace(finding, remedy=remedy)
    return finding


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Say once what holds for several machines, worst first."""
    once: dict[tuple[str, str, str | None, str], Finding] = {}
    for one in findings:
        once.setdefault((one.rule, one.severity, one.path, one.message), one)
    return tuple(sorted(once.values(), key=lambda one: SEVERITIES.index(one.severity)))


def _unasked(wheel: Wheel, targets: Sequence[Target]) -> str | None:
    if wheel.other_system:
        return f"a wheel for {wheel.other_system}: its files are counted, not inspected"
    if targets and all(target.system == "windows" for target in targets):
        return "a wheel for Windows: its files are counted, not inspected"
    binaries = wheel.distribution.binaries
    if binaries and all(binary.format == "pe" for binary in binaries):
        return "it holds Windows files only: they are counted, not inspected"
    return None


def _promises(promise: Target, target: Target) -> bool:
    """Whether a machine that a wheel's name promises is of the target's kind, whatever their versions."""
    libcs = {one.libc[0] for one in (promise, target) if one.libc}
    same = promise.system == target.system and len(libcs) < 2
    return same and not set(promise.architectures).isdisjoint(target.architectures)


def _not_meant(wheel: Wheel, targets: Sequence[Target]) -> str:
    """Why a wheel says nothing of the target: no installer takes it there."""
    promised = " and ".join(target.name for target in wheel.targets) or "other machines"
    return f"not for this target: its tags promise {promised}, not {' and '.join(target.name for target in targets)}"


def _keywords(wheel: Wheel) -> tuple[str, ...]:
    words = {word for binary in wheel.distribution.binaries for word in (binary.format, *binary.architectures)}
    return tuple(sorted({"wheel", *words}))


def _not_looked_at(wheel: Wheel, findings: Iterable[Finding], targets: Sequence[Target]) -> Iterator[Skipped]:
    for finding in findings:
        if finding.rule == "library-outside-environment" and finding.severity == "note":
            yield Skipped(f"{wheel.path}/{finding.path}", finding.message)
    if any(target.system == "linux" for target in targets) and any(
        piece.libraries for binary in wheel.distribution.binaries if binary.format == "elf" for piece in binary.slices
    ):
        yield Skipped(wheel.path, "symbols of ELF files are looked up where they are installed with a Python, not in a wheel")
