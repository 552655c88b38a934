"""A conda channel in a folder, of packages made by hand: conda's own cannot be had everywhere."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def add_to_channel(
    channel: Path, title: str, files: Mapping[str, bytes], depends: Sequence[str] = (), subdir: str = "linux-64"
) -> None:
    """Put one package into a channel, and into the list of its packages."""
    name, version = title.split()
    folder = channel / subdir
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, object] = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "subdir": subdir,
    }
    paths = [
        {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
        for path, data in files.items()
    ]
    info = {
        "info/index.json": json.dumps(index).encode(),
        "info/files": "\n".join(files).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
    }
    package = folder / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(package, "w:bz2") as archive:
        for path, data in {**info, **files}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    raw = package.read_bytes()
    for there in (subdir, "noarch"):
        listing = channel / there / "repodata.json"
        listing.parent.mkdir(exist_ok=True)
        known: dict[str, dict[str, object]] = {"info": {"subdir": there}, "packages": {}}
        known = json.loads(listing.read_text()) if listing.exists() else known
        if there == subdir:
            digests = {"md5": hashlib.md5(raw).hexdigest(), "sha256": hashlib.sha256(raw).hexdigest()}  # noqa: S324
            known["packages"][package.name] = {**index, **digests, "size": len(raw)}
        listing.write_text(json.dumps(known))
