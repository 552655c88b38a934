"""Builds a conda prefix as conda lays it out: the files it links, and a PrefixRecord for each package in ``conda-meta``."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from support.sites import Content, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SITE = "lib/python3.11/site-packages"


def add_package(
    prefix: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, Content] | None = None,
    *,
    subdir: str = "osx-arm64",
) -> Path:
    """Link a package into the prefix; return its record.

    :param files: path below the prefix: content.
    """
    paths = []
    for path, content in (files or {}).items():
        digest = hashlib.sha256(write(prefix / path, content).read_bytes()).hexdigest()
        size = (prefix / path).stat().st_size
        paths.append(
            {"_path": path, "path_type": "hardlink", "sha256": digest, "sha256_in_prefix": digest, "size_in_bytes": size}
        )
    record = {
        "build": "0",
        "build_number": 0,
        "channel": f"https://conda.anaconda.org/conda-forge/{subdir}",
        "depends": [],
        "files": list(files or {}),
        "fn": f"{name}-{version}-0.conda",
        "name": name,
        "paths_data": {"paths": paths, "paths_version": 1},
        "subdir": subdir,
        "version": version,
    }
    return write(prefix / "conda-meta" / f"{name}-{version}-0.json", json.dumps(record, indent=2))


def python_package(
    prefix: Path, name: str, version: str = "1.0", files: Mapping[str, Content] | None = None, *, subdir: str = "osx-arm64"
) -> Path:
    """Link a Python package as conda-build makes it: with a dist-info folder of conda's own. Files are below site-packages."""
    info = f"{name}-{version}.dist-info"
    contents: dict[str, Content] = dict(files or {})
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    contents[f"{info}/INSTALLER"] = "conda\n"
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    return add_package(prefix, name, version, {f"{SITE}/{path}": content for path, content in contents.items()}, subdir=subdir)


def make_prefix(prefix: Path, python: bytes, *, subdir: str = "osx-arm64") -> Path:
    """A prefix with an interpreter; return its site-packages folder."""
    add_package(prefix, "python", "3.11.7", {"bin/python3.11": python}, subdir=subdir)
    (prefix / "bin" / "python").symlink_to("python3.11")
    add_package(prefix, "tzdata", "2024a", {"share/zoneinfo/tzdata.zi": "# tzdb\n"}, subdir="noarch")
    write(prefix / "conda-meta" / "history", "==> 2024-01-01 00:00:00 <==\n")
    (prefix / SITE).mkdir(parents=True)
    return prefix / SITE
