"""``unsigned-binary``, ``invalid-signature``: code that the kernel of the target would refuse to map."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.remedies import reinstall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary, MachOSlice
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.loader.signing import Signature
    from pytest_archcheck.machine.target import Target

#: x86_64 code needs no signature, also under Rosetta.
_SIGNED_ARCHITECTURES = frozenset({"arm64", "arm64e"})
_MH_OBJECT, _MH_DSYM = 1, 10  # never mapped as code
#: So many files are named in a remedy; more are found by their names.
_NAMED_FILES = 3


def needs_signature(binary: Binary, piece: MachOSlice, target: Target) -> bool:
    """Whether the target would map this slice as code and refuse it unsigned: what is worth reading a signature for."""
    return (
        target.system == "macos"
        and piece.architecture in target.architectures
        and piece.architecture in _SIGNED_ARCHITECTURES
        and piece.platform == "macos"
        and binary.role != "object"
        and piece.filetype not in {_MH_OBJECT, _MH_DSYM}
    )


def judge_signatures(
    distribution: Distribution, subject: str, signatures: Iterable[tuple[Binary, MachOSlice, Signature]]
) -> Iterator[Finding]:
    """Judge the signatures of one distribution's slices, those for which :func:`needs_signature` holds."""
    broken = [entry for entry in signatures if entry[2].kind in {"none", "invalid"}]
    remedy = _remedy(distribution, [binary for binary, _, _ in broken])
    for binary, piece, signature in broken:
        unsigned = signature.kind == "none"
        yield Finding(
            rule="unsigned-binary" if unsigned else "invalid-signature",
            severity="error",
            subject=subject,
            distribution=distribution.name,
            path=binary.path,
            message=f"has no signature for {piece.architecture}: Apple Silicon runs no unsigned code"
            if unsigned
            else f"has an invalid signature for {piece.architecture} ({signature.reason}): macOS kills what loads it",
            remedy=remedy,
        )


def _remedy(distribution: Distribution, binaries: list[Binary]) -> str:
    sign = _codesign(list(dict.fromkeys(binary.file for binary in binaries)))  # a file may have several slices
    if distribution.name is None or distribution.version is None or distribution.editable or distribution.is_wheel:
        return sign
    return f"{reinstall(distribution)}; if it was published so: {sign}"


def _codesign(files: list[str]) -> str:
    if len(files) <= _NAMED_FILES:
        return f"codesign --force --sign - {shlex.join(files)}"
    names = sorted(
        {f"*{os.path.splitext(file)[1]}" if "." in os.path.basename(file) else os.path.basename(file) for file in files}
    )
    tests = " -o ".join(f"-name {shlex.quote(name)}" for name in names)
    folder = shlex.quote(f"{os.path.commonpath(files)}/.")
    return f"find {folder} -type f \\( {tests} \\) -exec codesign --force --sign - {{}} +"
