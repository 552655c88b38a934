"""From one environment to its checks: the order in which facts are gathered and rules are asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_archcheck.discover.model import INTERPRETER_SUBJECT
from pytest_archcheck.findings import SEVERITIES, Check, Finding, Skipped
from pytest_archcheck.judge.access import ON_DISK, Access
from pytest_archcheck.judge.dependencies import judge_missing
from pytest_archcheck.judge.homes import addressed
from pytest_archcheck.judge.numpy import judge_numpy, removed_names
from pytest_archcheck.loader.optional import PythonSources
from pytest_archcheck.rules.architecture import judge_architecture
from pytest_archcheck.rules.conflicts import point_at_mixture
from pytest_archcheck.rules.elsewhere import elsewhere
from pytest_archcheck.rules.environment import PACKAGES_SUBJECT, foreign_environment, judge_unseen
from pytest_archcheck.rules.interpreter import (
    interpreter_distribution,
    judge_interpreter,
    point_at_interpreter,
    settle_interpreter,
)
from pytest_archcheck.rules.modules import judge_modules
from pytest_archcheck.rules.ownership import judge_ownership
from pytest_archcheck.rules.packages import judge_packages
from pytest_archcheck.rules.remedies import combined_remedies
from pytest_archcheck.rules.wheels import judge_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.loader.signing import SignatureKind
    from pytest_archcheck.machine.target import Target

#: The subject of the files that no distribution owns.
UNOWNED = "unowned"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one environment."""

    #: In the order in which they are collected: the environment's own, then distributions by name, unowned files last.
    checks: tuple[Check, ...]
    #: What could not be looked at while judging.
    skipped: tuple[Skipped, ...] = ()
    #: File -> architecture -> what its signature is worth, for the slices that the target needs signed.
    signatures: dict[str, dict[str, SignatureKind]] = field(default_factory=dict)


def subject_of(distribution: Distribution) -> str:
    """What the check of an installed distribution is called."""
    return distribution.name or UNOWNED


def judge(
    environment: Environment, target: Target, prefix: str = "", access: Access = ON_DISK, python: str | None = None
) -> Judgement:
    """Judge everything in an environment.

    :param prefix: goes before each subject: the environment's label where there are several.
    :param python: the Python that was asked for (``3.12``); counts where the environment has no interpreter.
    """
    if target.is_host and (foreign := foreign_environment(environment, target, prefix)):
        return Judgement(tuple(foreign))
    return _Judge(addressed(environment, target, python), target, prefix, access, python).judge()


class _Judge:
    """The work on one environment."""

    def __init__(self, environment: Environment, target: Target, prefix: str, access: Access, python: str | None) -> None:
        self._environment = environment
        self._python = python
        self._target = target
        self._prefix = prefix
        #: The subject of the installed packages as a whole.
        self._packages = prefix + PACKAGES_SUBJECT
        self._access = access
        self._findings: dict[str, list[Finding]] = defaultdict(list)
        self._skipped: list[Skipped] = []
        self._signatures: dict[str, dict[str, SignatureKind]] = {}
        #: One for all that is asked: each Python file is found once, and all answers share one bound.
        self._sources = PythonSources(environment.distributions, environment.python_folders)
        self._owned = list(self._subjects())
        #: File -> the distribution that owns it and its subject.
        self._owners = {binary.file: entry for entry in self._owned for binary in entry[0].binaries}

    def judge(self) -> Judgement:
        python = self._environment.interpreter.version if self._environment.interpreter else None
        for distribution, subject in self._owned:
            self._add(judge_architecture(distribution, subject, self._target, python))
            self._add(filter(None, [judge_tags(distribution, subject)]))
        if self._target.system != "windows":
            self._judge_modules()
        if self._target.system == "macos":
            self._judge_macos()
        elif self._target.system == "linux":
            self._judge_linux()
        self._add(judge_ownership(self._owned))
        self._add(judge_interpreter(self._environment, self._prefix + INTERPRETER_SUBJECT, self._target))
        self._add(judge_unseen(self._environment, self._packages))
        self._add(judge_packages(self._environment, self._packages, self._target, removed_names(self._environment)))
        return Judgement(tuple(self._combined(list(self._checks()))), tuple(self._skipped), dict(self._signatures))

    def _subjects(self) -> Iterator[tuple[Distribution, str]]:
        """Who owns compiled files, the interpreter first, and the subject of the check that speaks of them."""
        if self._environment.interpreter is not None:
            yield interpreter_distribution(self._environment.interpreter), self._prefix + INTERPRETER_SUBJECT
        for distribution in self._environment.distributions:
            own = self._environment.label if distribution.is_wheel else subject_of(distribution)
            yield distribution, self._prefix + own

    def _add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._findings[finding.subject].append(finding)

    def _judge_modules(self) -> None:
        """Say which packages have no module for the environment's Python, or none that its numpy takes."""
        packages = [entry for entry in self._owned if entry[1] != self._prefix + INTERPRETER_SUBJECT]
        sources = self._sources
        self._add(judge_modules(self._environment, packages, self._packages, self._python, sources.survives_without))
        self._add(judge_numpy(self._environment, packages, self._access, sources.survives_without))
        self._add(judge_missing(self._environment, packages, self._packages, self._target, self._python))
        if any(project.lost or project.is_gone for project in self._environment.projects):
            from pytest_archcheck.judge.lost_files import judge_lost_files

            self._add(judge_lost_files(self._environment, packages, self._packages, sources.survives_without))

    def _judge_macos(self) -> None:
        from pytest_archcheck.judge.macos import MacJudge

        mac = MacJudge(self._environment, self._target, self._owners, self._access, self._sources)
        for distribution, subject in self._owned:
            self._add(mac.slices(distribution, subject))
        self._add(mac.links(self._subjects_of_broken_files()))
        self._add(mac.symbols())
        self._add(mac.plugins())
        self._skipped += mac.skipped
        self._signatures = mac.signatures

    def _judge_linux(self) -> None:
        from pytest_archcheck.loader.elf_links import link_elf
        from pytest_archcheck.loader.elf_symbols import check_symbols
        from pytest_archcheck.rules.elf_links import judge_elf_links, judge_elf_symbols, one_cause

        links = link_elf(self._environment, self._target, self._sources)
        problems, others = self._subjects_of_broken_files(), elsewhere(self._environment)
        promised = self._target.tag.startswith(("manylinux", "musllinux"))
        broken = one_cause(links.broken)
        self._add(judge_elf_links(broken, self._owners, problems, others, musl=links.musl, promised=promised))
        if self._environment.kind == "wheel":
            return  # symbols are looked up in a process, and which Python that will be is not known
        symbols = check_symbols(links, self._sources)
        self._add(judge_elf_symbols(symbols.missing, self._owners))
        for reason, count in Counter(reason for _, reason in symbols.unchecked).items():
            self._skipped.append(Skipped(self._prefix + "symbols", f"of {count} extension modules: {reason}"))

    def _subjects_of_broken_files(self) -> dict[str, str]:
        """Path, relative and absolute, of each file with an error -> the subject that speaks of it."""
        problems: dict[str, str] = {}
        for distribution, subject in self._owned:
            bad = {finding.path for finding in self._findings[subject] if finding.severity == "error"}
            for binary in distribution.binaries:
                if binary.path in bad:
                    problems[binary.path] = problems[binary.file] = subject
        return problems

    def _checks(self) -> Iterator[Check]:
        groups: dict[str, list[Distribution]] = {}
        for distribution, subject in self._owned:
            groups.setdefault(subject, []).append(distribution)
        where = self._prefix + INTERPRETER_SUBJECT
        if where in groups:
            yield self._check(where, groups.pop(where), "Python")
        if self._environment.projects or self._environment.conda or self._findings[self._packages]:
            yield Check(subject=self._packages, title="installed packages", findings=self._settled(self._packages, []))
        for subject, distributions in groups.items():
            if any(binary.format != "pe" for distribution in distributions for binary in distribution.binaries):
                yield self._check(subject, distributions)

    def _combined(self, checks: list[Check]) -> Iterator[Check]:
        """Where several distributions have one fault, which one command each would mend: one command for all of them."""
        owners = {subject: owned for owned, subject in reversed(self._owned)}
        together = combined_remedies((finding, owners.get(check.subject)) for check in checks for finding in check.findings)
        for check in checks:
            findings = tuple(together.get(finding, finding) for finding in check.findings)
            yield replace(check, findings=findings) if findings != check.findings else check

    def _check(self, subject: str, distributions: list[Distribution], name: str | None = None) -> Check:
        binaries = [binary for distribution in distributions for binary in distribution.binaries if binary.format != "pe"]
        return Check(
            subject=subject,
            title=f"{name} {distributions[0].version or ''}".rstrip() if name else distributions[0].title,
            findings=self._settled(subject, distributions),
            unasked=f"compiled files are not judged for {self._target.name}" if self._target.system == "windows" else None,
            keywords=tuple(sorted({word for binary in binaries for word in (binary.format, *binary.architectures)})),
        )

    def _settled(self, subject: str, distributions: list[Distribution]) -> tuple[Finding, ...]:
        """The subject's findings, worst first; what mends an interpreter, and what it is the cause of, is another one."""
        findings = point_at_mixture(self._findings[subject], self._environment.projects, self._packages)
        interpreter, where = self._environment.interpreter, self._prefix + INTERPRETER_SUBJECT
        if interpreter is not None:
            if subject == where:
                findings = settle_interpreter(findings, interpreter, self._target)
            else:
                findings = point_at_interpreter(findings, distributions, interpreter, where, self._target)
        return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
