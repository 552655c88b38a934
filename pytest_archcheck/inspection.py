"""The order of the steps: discover, read, judge. Telling is left to the caller."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.binaries.model import Binary
from pytest_archcheck.discover.environments import NothingToInspect, active_environment
from pytest_archcheck.discover.inputs import inputs_at
from pytest_archcheck.discover.model import Distribution, Environment, Interpreter
from pytest_archcheck.discover.wheel_names import WheelFile
from pytest_archcheck.findings import Check, Finding, Skipped
from pytest_archcheck.judge.access import on_disk
from pytest_archcheck.judge.inputs import judge_inputs, judge_wheel_file, labelled, with_one_environment_read
from pytest_archcheck.judge.links import Linked, links_of
from pytest_archcheck.judge.unjudged import unjudged_paths
from pytest_archcheck.loader.signing import SignatureKind
from pytest_archcheck.machine.host import this_host
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_archcheck.discover.inputs import Input
    from pytest_archcheck.judge.inputs import Judged
    from pytest_archcheck.machine.host import Host


class Request(NamedTuple):
    """What to inspect, for which machine, by which rules."""

    #: Empty: the active environment.
    paths: tuple[str, ...] = ()
    #: ``host`` or a wheel platform tag.
    target: str = "host"
    #: What lock files, and folders without an interpreter, are judged for: ``3.12`` or ``3.12.4``; None: lock files for the
    #: running one, folders for whichever they agree on.
    python: str | None = None
    #: Rule names; empty means all.
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    #: Compare every page of signed code with its hash, not only the first.
    all_pages: bool = False
    #: Only name the wheels: whoever asks of one opens it, by :func:`open_wheel`.
    leave_wheels: bool = False

    @property
    def names_target(self) -> bool:
        """Whether a machine is named. Where none is, what says itself what it is for (a wheel) is judged for that."""
        return self.target != "host"

    def machine(self, host: Host | None = None) -> Target:
        """The machine that is named, or else this one.

        :param host: this one, where it was looked at already.
        :raises InvalidTarget: the target is no wheel platform tag.
        """
        return Target.parse(self.target) if self.names_target else (host or this_host()).target()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Inspection:
    """Everything that was found, read and judged."""

    target: Target
    environments: tuple[Environment, ...]
    #: In the order in which they are collected: environment checks first, then distributions by name, unowned files last.
    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...]
    #: Each path of which nothing at all could be judged, and why: what was asked of it has no answer, so it is no pass.
    unjudged: tuple[Skipped, ...] = ()
    #: File -> architecture -> what its signature is worth, for the slices that the target needs signed.
    signatures: Mapping[str, Mapping[str, SignatureKind]]
    #: Path of a wheel -> the machines that its own tags promise, of files of another system -> its machine, where it was judged
    #: for those.
    wheel_targets: Mapping[str, tuple[Target, ...]]
    #: Those that were only named so far, and whether each is judged for the machines that its tags promise.
    wheels: tuple[WheelFile, ...] = ()
    by_tags: bool = False
    #: Directory entries seen.
    files: int
    #: Wall time of finding, reading and judging; imports and probes apart.
    seconds: float

    @property
    def aim(self) -> str:
        """What everything was judged for, in words: ``macOS 14.0 arm64``."""
        promised = {check.targets for check in self.checks}
        named = {wheel.targets if self.by_tags else () for wheel in self.wheels}
        promised |= {tuple(one.tag for one in targets) for targets in named}
        if promised <= {(), (self.target.tag,)}:
            return f"{self.target.name}, {' '.join(self.target.libc)}" if self.target.libc else self.target.name
        has_wheels = self.wheels or any(environment.kind == "wheel" for environment in self.environments)
        if () in promised:
            return f"{self.target.name}; {'wheels: what their tags promise' if has_wheels else 'other systems: their own'}"
        return "what the tags of each wheel promise" if has_wheels else "each system's own"

    @property
    def interpreter(self) -> Interpreter | None:
        """The interpreter of the first environment that has one."""
        return next((env.interpreter for env in self.environments if env.interpreter), None)

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        """Those that own a compiled file, and the files of none."""
        return tuple(dist for env in self.environments for dist in env.distributions)

    @property
    def binaries(self) -> tuple[Binary, ...]:
        """Every compiled file, the interpreter's included."""
        return tuple(binary for env in self.environments for binary in env.binaries)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the checks."""
        return tuple(finding for check in self.checks for finding in check.findings)

    def joined(self, parts: Iterable[Inspection]) -> Inspection:
        """The whole, once its wheels are opened: what that gave, in their order."""
        parts = tuple(parts)
        unjudged = tuple(_unjudged_wheels(parts))
        every = (self, *parts)
        return replace(
            self,
            environments=tuple(environment for one in every for environment in one.environments),
            checks=tuple(check for one in every for check in one.checks),
            skipped=(*(skip for one in every for skip in one.skipped), *unjudged),
            unjudged=(*self.unjudged, *unjudged),
            signatures={file: kinds for one in every for file, kinds in one.signatures.items()},
            wheel_targets={path: targets for one in parts for path, targets in one.wheel_targets.items()},
            wheels=(),
            files=sum(one.files for one in every),
            seconds=sum(one.seconds for one in every),
        )

    def links(self) -> dict[str, tuple[Linked, ...]]:
        """Each file that a target would load -> its linked libraries. Asked anew each time: judging keeps the broken ones."""
        found: dict[str, tuple[Linked, ...]] = {}
        for environment in self.environments:
            found |= links_of(environment, self.wheel_targets.get(environment.path, (self.target,)))
        return found

    def __repr__(self) -> str:
        """One line: its parts are thousands of values."""
        broken = sum(any(one.severity == "error" for one in check.findings) for check in self.checks)
        counts = f"distributions {len(self.distributions)}, compiled files {len(self.binaries)}"
        return f"<Inspection for {self.aim}: {counts}, checks with errors {broken} of {len(self.checks)}>"

    def __getitem__(self, subject: str) -> Check:
        """Return the check of that subject: ``inspection["numpy"].findings``.

        A check has ``subject``, ``title``, ``findings``, and ``unasked``: why it could not be asked, or None.

        Raises :class:`KeyError` that lists the nearest subjects.
        """
        for check in self.checks:
            if check.subject == subject:
                return check
        import difflib

        near = difflib.get_close_matches(subject, [check.subject for check in self.checks], cutoff=0.5)
        raise KeyError(f"{subject}; the nearest checks are {', '.join(near)}" if near else f"{subject}; no check is like it")


def inspect(path: str | None = None, target: str = "host", *, python: str | None = None) -> Inspection:
    """Inspect an environment, a wheel or a lock file without pytest.

    All errors are :class:`ValueError`.

    :param path: a virtual environment, conda prefix, site-packages folder, folder of compiled files, wheel, folder of wheels or
        lock file; ``None`` for the active environment.
    :param target: ``host`` or a wheel platform tag. With ``host`` a wheel is judged for what its own tags promise.
    :param python: what a lock file or a folder without an interpreter is judged for (``3.12``); ``None``: a lock file for the
        running one, a folder for whichever Python its modules agree on.
    :raises pytest_archcheck.machine.target.InvalidTarget: the target is no such tag.
    :raises pytest_archcheck.discover.environments.NothingToInspect: the path holds nothing that can be inspected.
    :raises pytest_archcheck.locks.model.LockInvalid: the lock file cannot be read.
    """
    return run(Request(paths=() if path is None else (path,), target=target, python=python))


def run(request: Request) -> Inspection:
    """Carry out a request.

    :raises InvalidTarget: the target is no wheel platform tag.
    :raises NothingToInspect: a path holds nothing that can be inspected.
    :raises LockInvalid: a lock file cannot be read.
    """
    with _collecting_no_garbage():
        begun = _begin(request)
        if request.leave_wheels or not begun.wheels:
            return begun
        return begun.joined(open_wheel(request, begun.target, wheel) for wheel in begun.wheels)


def open_wheel(request: Request, common: Target, wheel: WheelFile) -> Inspection:
    """Open one wheel and judge it: an inspection of that wheel alone.

    :param common: the target of the inspection that named it.
    """
    begin = time.perf_counter()
    with _collecting_no_garbage():
        judged = judge_wheel_file(wheel, request.machine(), target_given=request.names_target, all_pages=request.all_pages)
        return _inspection([judged], request, common, begin)


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """An inspection makes many small values and no cycles.

    Looking for garbage meanwhile, in all that pytest has loaded, is the largest single cost of a scan.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _begin(request: Request) -> Inspection:
    """Inspect everything but wheels, which are named."""
    begin = time.perf_counter()
    host = this_host()
    target = request.machine(host)
    access = on_disk(target, all_pages=request.all_pages)
    inputs: list[Input] = [] if request.paths else [active_environment(host, access.look)]
    skipped: list[Skipped] = []
    for path in request.paths:
        _refuse_what_only_leads_to_an_input(path)
        here, beside = inputs_at(path)
        inputs += here
        skipped += beside
    named = list(labelled(with_one_environment_read(inputs, access)))
    wheels = tuple(one.called(label) for one, label in named if isinstance(one, WheelFile))
    judged = judge_inputs(named, target, request.python, access)
    begun = _inspection(judged, request, _common_target(judged, wheels, by_tags=not request.names_target) or target, begin)
    unjudged = tuple(unjudged_paths(judged, target))
    return replace(
        begun,
        skipped=(*begun.skipped, *skipped, *unjudged),
        unjudged=unjudged,
        wheels=wheels,
        by_tags=not request.names_target,
    )


def _inspection(judged: Iterable[Judged], request: Request, target: Target, begin: float) -> Inspection:
    """What was judged, as one value."""
    judged = tuple(judged)
    return Inspection(
        target=target,
        environments=tuple(one.environment for one in judged),
        checks=tuple(check for one in judged for check in _keep_selected(one.judgement.checks, request)),
        skipped=tuple(skip for one in judged for skip in (*one.environment.skipped, *one.judgement.skipped)),
        signatures={file: kinds for one in judged for file, kinds in one.judgement.signatures.items()},
        wheel_targets={one.environment.path: one.targets for one in judged if one.targets},
        files=sum(one.environment.files for one in judged),
        seconds=time.perf_counter() - begin,
    )


def _unjudged_wheels(opened: Iterable[Inspection]) -> Iterator[Skipped]:
    """Each wheel, where not one could be judged."""
    asked = [(environment.path, check.unasked) for one in opened for environment in one.environments for check in one.checks]
    if all(unasked for _, unasked in asked):
        yield from (Skipped(path, unasked) for path, unasked in asked if unasked)


def _refuse_what_only_leads_to_an_input(path: str) -> None:
    """Say what to type for requirements, an egg or a conda lock: they name what would be inspected."""
    if os.path.isfile(path):
        from pytest_archcheck.rules.inputs import advice_for

        if advice := advice_for(path):
            raise NothingToInspect(f"{path}: {advice}")


def _common_target(judged: Sequence[Judged], wheels: Iterable[WheelFile], *, by_tags: bool) -> Target | None:
    """The one machine that everything is judged for by its own tags: what a reader calls the target."""
    targets = {wheel.targets if by_tags else () for wheel in wheels} | {one.targets for one in judged}
    common = targets.pop()
    return common[0] if not targets and len(common) == 1 else None


def _keep_selected(checks: Iterable[Check], request: Request) -> list[Check]:
    """Drop the findings of rules that were not asked for."""

    def asked(finding: Finding) -> bool:
        return (not request.select or finding.rule in request.select) and finding.rule not in request.ignore

    return [replace(check, findings=tuple(filter(asked, check.findings))) for check in checks]
