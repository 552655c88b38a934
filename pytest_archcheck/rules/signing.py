"""``unsigned-binary``, ``invalid-signature``: code that the kernel of the target would refuse to map."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.remedies import reinstall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.binaries.model import Binary, MachOSlice
    from pytest_archcheck.discover.model import Distribution
    from pytest_archcheck.signing import Signature
    from pytest_archcheck.target import Target

#: x86_64 code needs no signature, also under Rosetta.
_SIGNED_ARCHITECTURES = frozenset({"arm64", "arm64e"})
_MH_OBJECT, _MH_DSYM = 1, 10  # never mapped as code
#: So many files are named in a remedy; the finding lists all of them anyway.
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
            message=f"its {piece.architecture} code is not signed, and Apple Silicon runs no unsigned code"
            if unsigned
            else f"the signature of its {piece.architecture} code is invalid, macOS kills what loads it: {signature.reason}",
            remedy=remedy,
        )


def _remedy(distribution: Distribution, binaries: list[Binary]) -> str:
    named = (
        " ".join(shlex.quote(binary.file) for binary in binaries) if len(binaries) <= _NAMED_FILES else "FILE (each of them)"
    )
    sign = f"codesign --force --sign - {named}"
    if distribution.name is None or distribution.version is None or distribution.editable or distribution.is_wheel:
        return sign
    return f"{reinstall(distribution)}; if it was published so: {sign}"
