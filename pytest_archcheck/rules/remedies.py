"""What to type: exact commands with the names and versions at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.commands import Installer, command, requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.machine.target import Target


def reinstall(distribution: Distribution) -> str:
    """The command that puts the same version there again, by the tool that installed it, and touches nothing else."""
    return _without_installer(distribution) or reinstall_all([distribution])


def reinstall_all(distributions: Sequence[Distribution]) -> str:
    """The same for several that one tool installed in one place."""
    installer = Installer.of(distributions[0])
    return installer.again([_pinned(distribution) for distribution in distributions])


def _without_installer(distribution: Distribution) -> str | None:
    """What to do about what no installer can put there again."""
    if distribution.name is None:
        # Never to be removed: it may be what somebody built there, or recorded where nobody looked.
        return "nothing installed here has recorded this file: build or copy it again, or install what brings it"
    if distribution.is_wheel:
        return f"build the wheel again, or take another wheel of {distribution.title}"
    if distribution.name == "python" and distribution.metadata is None:
        return "install this Python again, as it was installed"  # no package of an index is the interpreter
    if distribution.editable:
        project = distribution.root or distribution.location
        pip = (distribution.home or Home()).pip
        return f"rebuild it: {command(*pip, 'install', '--force-reinstall', '--no-deps', '--editable', project)}"
    if requirement(distribution.name) is None:
        return "install it again, by hand: its name is none that an installer takes"
    return None


def _pinned(distribution: Distribution) -> str:
    return requirement(distribution.name or "", distribution.version) or ""


def install_other(distribution: Distribution, relation: Literal["!=", "<"] = "!=") -> str:
    """The command that installs another version (``<``: an older one), for what is made wrong and not only damaged.

    What has no other version (an editable project, a wheel, a file of nobody) is made again.
    """
    name, version = distribution.name, distribution.version
    wanted = requirement(name, version, relation) if name and version else None
    if wanted is None or wanted == name or _without_installer(distribution):
        return reinstall(distribution)
    return Installer.of(distribution).other([wanted])


def install_fitting(distribution: Distribution) -> str:
    """The command that installs the newest version, this one at most, that has a wheel for the target: an index knows which."""
    name, version = distribution.name, distribution.version
    wanted = requirement(name, version, "<=") if name and version else None
    if name is None or wanted is None or wanted == name or _without_installer(distribution):
        return reinstall(distribution)
    return Installer.of(distribution).fitting(name, wanted)


def update(distribution: Distribution, names: Iterable[str]) -> str:
    """The command that brings these projects up to date, by the tool that installed the distribution."""
    sound = [name for name in names if requirement(name)]
    return Installer.of(distribution).update(sound) if sound else "install versions that fit each other, by hand"


def build_here(distribution: Distribution) -> str:
    """The command that builds the same version from its sources."""
    name = distribution.name
    if name is None or _without_installer(distribution):
        return reinstall(distribution)
    installer = Installer.of(distribution)
    if installer.home.platform or installer.home.both:  # what is built is built for the machine that builds it
        installer = installer._replace(home=Home())
    return installer.again([_pinned(distribution)], options=("--no-binary", name))


def reinstall_or_other(distribution: Distribution, still: str) -> str:
    """The commands for what may be damaged here, or made like this.

    :param still: what tells after the first that it was made so: ``libx.dylib is still missing``.
    """
    again, other = reinstall(distribution), install_other(distribution)
    return again if again == other else f"{again}; if {still}: {other}"


def reinstall_for(distribution: Distribution, target: Target, rule: str) -> str:
    """The command that brings files for the target, or what to do where the wheel itself holds the wrong ones.

    :param rule: which found them.
    """
    if distribution.name is None or distribution.editable or distribution.installer == "conda":
        return reinstall(distribution)
    if distribution.is_wheel:
        return f"build the wheel on {target.name}, or with its cross compiler, or take this machine out of the wheel's tags"
    if distribution.tags and all(tag_serves(tag, target) for tag in distribution.tags):
        made_so = f"the wheel of {distribution.title} is made like this, unless the file was replaced here: try another version"
        other = install_other(distribution)
        if not all(tag.endswith("-any") for tag in distribution.tags):
            return f"{made_so} ({other}) or build it on {target.name} ({build_here(distribution)})"
        # For every machine: nothing in it is compiled where it is built, and its users may well do without the file.
        allow = f"{distribution.name}/{rule}: not used here"
        return f"{made_so} ({other}), or if nothing uses the file, add to archcheck_allow: {allow}"
    again = reinstall(distribution)
    return again if distribution.home else f"with a Python for {target.name}: {again}"


def tag_serves(tag: str, target: Target) -> bool:
    """Whether a wheel tag (``cp311-cp311-macosx_11_0_arm64``) promises to run on the target."""
    platform = tag.rpartition("-")[2]
    if platform == "any":
        return True
    if target.system == "macos":
        wanted = ("universal2", *target.architectures) if len(target.architectures) == 1 else ("universal2",)
        return platform.startswith("macosx_") and platform.endswith(tuple(f"_{name}" for name in wanted))
    other_libc = {"glibc": "musllinux", "musl": "manylinux"}.get(target.libc[0] if target.libc else "", "-")
    return "linux" in platform and not platform.startswith(other_libc) and platform.endswith(f"_{target.architecture}")


#: So many distributions are named in one command; more are installed anew, from what they were installed from.
_TOGETHER = 12


def combined_remedies(found: Iterable[tuple[Finding, Distribution | None]]) -> dict[Finding, Finding]:
    """Give findings of one rule the command that mends them all, where each names one that reinstalls its distribution.

    :param found: findings with the distribution that they are about.
    """
    groups: dict[tuple[str, str, Installer], dict[tuple[str | None, str], tuple[Distribution, list[Finding]]]] = {}
    for finding, distribution in found:
        if finding.severity == "error" and distribution is not None and _without_installer(distribution) is None:
            alone = reinstall(distribution)
            if alone in finding.remedy:
                key = (finding.rule, finding.remedy.replace(alone, "\0"), Installer.of(distribution))
                group = groups.setdefault(key, {})
                group.setdefault((distribution.name, distribution.location), (distribution, []))[1].append(finding)
    together: dict[Finding, Finding] = {}
    for (_, remedy, _), members in groups.items():
        if 1 < len(members) <= _TOGETHER:
            whole = remedy.replace("\0", reinstall_all([distribution for distribution, _ in members.values()]))
            together.update(
                (finding, replace(finding, remedy=whole)) for _, findings in members.values() for finding in findings
            )
    return together
