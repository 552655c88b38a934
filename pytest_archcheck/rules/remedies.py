"""What to type: exact commands with the names and versions at hand."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.machine.target import Target


def reinstall(distribution: Distribution) -> str:
    """The command that puts the same version there again, by the tool that installed it."""
    name, version = distribution.name, distribution.version
    if name is None:
        return f"nothing installed owns this file: remove it from {distribution.location}, or install what brings it"
    if distribution.is_wheel:
        return f"build the wheel again, or take another one of {distribution.title}"
    if distribution.editable:
        project = shlex.quote(distribution.root or distribution.location)
        return f"rebuild it: pip install --force-reinstall --no-deps --editable {project}"
    if distribution.installer == "conda":
        return f"conda install --force-reinstall {name}{'=' + version if version else ''}"
    return f"{_anew(distribution)} {_pinned(name, version)}"


def _anew(distribution: Distribution) -> str:
    if distribution.installer == "uv":
        return "uv pip install --reinstall --no-cache"
    return "pip install --force-reinstall --no-cache-dir"


def _pinned(name: str, version: str | None) -> str:
    return f"{name}=={version}" if version else name


def install_other(distribution: Distribution, relation: Literal["!=", "<"] = "!=") -> str:
    """The command that installs another version (``<``: an older one), for what is made wrong and not only damaged.

    What has no other version (an editable project, a wheel, a file of nobody) is made again.
    """
    name, version = distribution.name, distribution.version
    if name is None or version is None or distribution.is_wheel or distribution.editable:
        return reinstall(distribution)
    return f"{_tool(distribution)} install {shlex.quote(f'{name}{relation}{version}')}"


def update(distribution: Distribution, names: Iterable[str]) -> str:
    """The command that brings these projects up to date, by the tool that installed the distribution."""
    tool = _tool(distribution)
    return f"{tool} update {' '.join(names)}" if tool == "conda" else f"{tool} install --upgrade {' '.join(names)}"


def _tool(distribution: Distribution) -> str:
    return {"conda": "conda", "uv": "uv pip"}.get(distribution.installer or "", "pip")


def build_here(distribution: Distribution) -> str:
    """The command that builds the same version from its sources."""
    name = distribution.name
    if name is None or distribution.is_wheel or distribution.editable:
        return reinstall(distribution)
    return f"{_anew(distribution)} --no-binary {name} {_pinned(name, distribution.version)}"


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
    return f"with a Python for {target.name}: {reinstall(distribution)}"


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
