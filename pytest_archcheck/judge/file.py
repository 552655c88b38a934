"""From one compiled file to its check: judged where it lies, with what lies beside it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Check
from pytest_archcheck.judge.environment import Judgement, judge

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.judge.access import Access
    from pytest_archcheck.machine.target import Target


def judge_file(
    path: str, environment: Environment, label: str, target: Target, access: Access, python: str | None
) -> tuple[Environment, Judgement]:
    """Judge the file's environment and keep what is said of the file.

    :param environment: of :func:`pytest_archcheck.discover.single.file_environment`.
    :param python: the Python that was asked for.
    """
    judgement = judge(environment, target, access=access, python=python)
    real = os.path.realpath(path)
    own = [
        distribution._replace(binaries=(binary,))
        for distribution in environment.distributions
        for binary in distribution.binaries
        if os.path.realpath(binary.file) == real
    ]
    files = {(distribution.name, distribution.binaries[0].path) for distribution in own}
    foreign = [check for check in judgement.checks if check.unasked is not None]
    findings = tuple(
        replace(finding, subject=label)
        for check in judgement.checks
        for finding in check.findings
        if (finding.distribution, finding.path) in files or (foreign and finding.path is None)
    )
    title = f"{own[0].title} ({label})" if own and own[0].name else label
    keywords = {word for one in own for binary in one.binaries for word in (binary.format, *binary.architectures)}
    check = Check(subject=label, title=title, findings=findings, keywords=tuple(sorted(keywords)))
    shown = environment._replace(label=label, interpreter=None, distributions=tuple(own), files=1)
    skipped = tuple(skip for skip in judgement.skipped if os.path.realpath(skip.subject) == real)
    signatures = {file: kinds for file, kinds in judgement.signatures.items() if os.path.realpath(file) == real}
    return shown, Judgement((check,), skipped, signatures)
