"""``duplicate-rpath``, ``duplicate-library``, ``missing-uuid``: load commands that dyld refuses to tolerate in newer files.

Which files those are is decided by the SDK that the file itself was built with; the version of macOS decides which of dyld's
tables is in force. Both tables below are ``mach_o/Policy.cpp`` of Apple's open-source dyld, whose epochs are named after the
season of a release (spring 2025 is SDK 15.4, fall 2025 is SDK 26.0): up to macOS 15.3 nothing calls these checks; dyld-1284
to -1286 (macOS 15.4 to 15.7) apply them to what gets loaded, not to programs; since dyld-1323 (macOS 26) to both, but to
rpaths and libraries of fewer files.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.remedies import install_other

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_archcheck.binaries.model import Binary, MachOSlice
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.machine.target import Target

Version = tuple[int, ...]

_MH_OBJECT, _MH_EXECUTE, _MH_DSYM = 1, 2, 10


class _Policy(NamedTuple):
    """From which SDK on the dyld of these macOS versions refuses a file, by rule."""

    since: Version
    #: The first version to which it no longer applies.
    until: Version
    releases: str
    loaded: dict[str, Version]
    programs: dict[str, Version]


# Versions 16 to 25 do not exist; dyld counts an SDK of 16.0 (the first betas of macOS 26) like 26.0.
_POLICIES = (
    _Policy(
        since=(15, 4),
        until=(16,),
        releases="macOS 15.4 to 15.7",
        loaded={"duplicate-rpath": (15, 4), "duplicate-library": (15, 0), "missing-uuid": (12, 0)},
        programs={},
    ),
    _Policy(
        since=(16,),
        until=(1 << 32,),
        releases="macOS 26 and later",
        loaded={"duplicate-rpath": (16,), "duplicate-library": (16,), "missing-uuid": (12, 0)},
        programs={"duplicate-rpath": (16,), "duplicate-library": (16,), "missing-uuid": (16,)},
    ),
)


def _remedy(rule: str, name: str, binary: Binary, distribution: Distribution) -> str:
    if rule == "duplicate-rpath":
        file = shlex.quote(binary.file)
        return f"install_name_tool -delete_rpath {shlex.quote(name)} {file} && codesign --force --sign - {file}"
    how = "with Xcode 15 or later, which links it once" if rule == "duplicate-library" else "without the linker's -no_uuid"
    return f"{install_other(distribution)}, or build it {how}"


def judge_load_commands(
    binary: Binary, piece: MachOSlice, *, subject: str, distribution: Distribution, target: Target
) -> Iterator[Finding]:
    """Judge one slice that the target uses.

    An error where the target's dyld refuses it; a warning where another version's would, or where the target's is not known.
    """
    if target.system != "macos" or piece.platform != "macos" or piece.filetype in {_MH_OBJECT, _MH_DSYM}:
        return
    for rule, name, what in _defects(piece):
        verdict = _verdict(rule, piece, _version(target.os_version))
        if verdict is None:
            continue
        severity, releases = verdict
        yield Finding(
            rule=rule,
            severity=severity,
            subject=subject,
            distribution=distribution.name,
            path=binary.path,
            message=f"{what}, refused by {releases} in a file built with SDK {piece.sdk}"
            + (f"; macOS {target.os_version} loads it" if severity == "warning" and target.os_version else ""),
            remedy=_remedy(rule, name, binary, distribution),
        )


def _defects(piece: MachOSlice) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong by any policy: (rule, the name at fault, a clause for the message)."""
    rpath = _first_duplicate(piece.rpaths)
    if rpath is not None:
        yield "duplicate-rpath", rpath, f"it has the rpath {rpath} twice"
    # dyld does not count lazily loaded libraries here.
    library = _first_duplicate([library.name for library in piece.libraries if library.kind != "lazy"])
    if library is not None:
        yield "duplicate-library", library, f"it links {library} twice"
    if not piece.has_uuid:
        yield "missing-uuid", "", "it has no LC_UUID"


def _first_duplicate(names: Sequence[str]) -> str | None:
    if len(set(names)) == len(names):  # nearly always
        return None
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _verdict(rule: str, piece: MachOSlice, target: Version | None) -> tuple[Severity, str] | None:
    """How bad it is, and which releases refuse the file; None where none does."""
    sdk = _version(piece.sdk)
    if sdk is None:
        return None
    refusing = [policy for policy in _POLICIES if _refuses(policy, rule, piece, sdk)]
    if target is not None and any(policy.since <= target < policy.until for policy in refusing):
        return "error", next(policy.releases for policy in refusing if policy.since <= target < policy.until)
    return ("warning", " and ".join(policy.releases for policy in refusing)) if refusing else None


def _refuses(policy: _Policy, rule: str, piece: MachOSlice, sdk: Version) -> bool:
    limits = policy.programs if piece.filetype == _MH_EXECUTE else policy.loaded
    return rule in limits and sdk >= limits[rule]


def _version(text: str | None) -> Version | None:
    """``15.4`` as numbers to compare."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return None
