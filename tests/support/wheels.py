"""Builds a wheel: files, METADATA, WHEEL and RECORD in one call."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    files: Mapping[str, bytes | str],
    *,
    tag: str = "cp311-cp311-macosx_11_0_arm64",
    version: str = "1.0",
    requires: Sequence[str] = (),
) -> Path:
    """Write ``NAME-VERSION-TAG.whl`` and return its path; ``requires`` are Requires-Dist lines."""
    escaped = re.sub(r"[-_.]+", "_", name)
    info = f"{escaped}-{version}.dist-info"
    interpreters, abis, platforms = (part.split(".") for part in tag.split("-"))
    tags = [f"{one}-{abi}-{platform}" for one in interpreters for abi in abis for platform in platforms]
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{escaped}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", metadata)
        lines = "".join(f"Tag: {one}\n" for one in tags)
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\n{lines}")
        archive.writestr(f"{info}/RECORD", "")
    return path
