"""Builds a site-packages folder: a distribution with its files, WHEEL tags, INSTALLER and RECORD in one call."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Content = bytes | str


def write(path: Path, content: Content) -> Path:
    """Write bytes or UTF-8 text, making the folders above it; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def add_distribution(
    site: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, Content] | None = None,
    *,
    tags: Sequence[str] = ("py3-none-any",),
    installer: str | None = "pip",
    record: bool = True,
    extra_metadata: Mapping[str, Content] | None = None,
    requires: Sequence[str] = (),
) -> Path:
    """Install a distribution by hand; return its dist-info folder.

    :param files: path below ``site`` (``..`` allowed, as for scripts): content.
    :param tags: ``Tag:`` lines of WHEEL; empty: no WHEEL file.
    :param record: write RECORD, with a hash and size for each file.
    :param extra_metadata: further files of the dist-info folder, such as ``direct_url.json``.
    """
    escaped = re.sub(r"[-_.]+", "_", name)  # the binary distribution format's rule for file names
    info = f"{escaped}-{version}.dist-info"
    contents: dict[str, Content] = dict(files or {})
    requirements = "".join(f"Requires-Dist: {line}\n" for line in requires)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirements}"
    if tags:
        lines = "".join(f"Tag: {tag}\n" for tag in tags)
        pure = str(all(tag.endswith("-any") for tag in tags)).lower()
        contents[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\n{lines}"
    if installer is not None:
        contents[f"{info}/INSTALLER"] = f"{installer}\n"
    contents |= {f"{info}/{path}": content for path, content in (extra_metadata or {}).items()}
    for path, content in contents.items():
        write(site / path, content)
    if record:
        rows = [*(_record_row(site / path, path) for path in contents), f"{info}/RECORD,,"]
        write(site / info / "RECORD", "\n".join(rows) + "\n")
    return site / info


def make_venv(root: Path, version: str = "3.11.7") -> Path:
    """A virtual environment's skeleton without an interpreter; return its site-packages folder."""
    write(root / "pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n")
    site = root / "lib" / f"python{version.rpartition('.')[0]}" / "site-packages"
    site.mkdir(parents=True)
    return site


def _record_row(file: Path, path: str) -> str:
    content = file.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    quoted = f'"{path}"' if "," in path else path
    return f"{quoted},sha256={digest},{len(content)}"
