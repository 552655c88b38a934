"""Wheels: what a wheel would install, read inside the zip, for the machines that its tags promise.

Paths are those that ``pip install --target`` gives the files. Nothing is ever written.
"""

from __future__ import annotations

import os
import posixpath
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid, member_source
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.discover.model import Distribution, Environment, InstalledProject
from pytest_archcheck.discover.refusals import refusals
from pytest_archcheck.discover.text import header_fields, plain_name, plain_requirements, plain_version
from pytest_archcheck.discover.wheel_members import Reading, read_binaries
from pytest_archcheck.findings import Skipped
from pytest_archcheck.machine.wheel_tags import other_system, tags_in, wheel_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zipfile import ZipInfo

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.binaries.source import Source
    from pytest_archcheck.machine.target import Target

_DATA = re.compile(r"(?P<root>[^/]+)\.data/(?P<kind>purelib|platlib|scripts|data|headers)/(?P<rest>.+)")
_DIST_INFO = re.compile(r"(?P<stem>[^/]+)\.dist-info/(?P<file>WHEEL|METADATA|RECORD)")
#: A path that ``normpath`` leaves as it is: no empty part, and none that begins with a dot.
_NORMAL = re.compile(r"[^/.][^/]*(?:/[^/.][^/]*)*")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What a wheel holds."""

    #: Absolute.
    path: str
    #: File name without ``.whl``: the subject of its check.
    label: str
    distribution: Distribution
    #: The machines that its file name promises, by which installers choose; its WHEEL file's where the name says none.
    targets: tuple[Target, ...]
    #: The system that it is for where that is neither macOS nor Linux nor Windows: ``iOS``, ``Pyodide``.
    other_system: str | None
    #: Why installers would refuse it; empty for a sound wheel. Each is the end of a sentence.
    problems: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    #: Members seen.
    files: int
    #: Paths of binaries that were not read to their end: neither their signatures nor their symbols can be judged.
    partial: frozenset[str]
    #: ``Requires-Dist`` lines: what is installed together with it.
    requires: tuple[str, ...]
    #: Path of a binary -> its member.
    members: dict[str, ZipInfo] = field(repr=False)

    @property
    def environment(self) -> Environment:
        """The wheel as an environment of one distribution."""
        return Environment(
            kind="wheel",
            path=self.path,
            label=self.label,
            interpreter=None,
            distributions=(self.distribution,),
            skipped=tuple(Skipped(f"{self.path}/{one.subject}", one.reason) for one in self.skipped),
            files=self.files,
            projects=(self._project,),
        )

    @property
    def _project(self) -> InstalledProject:
        return InstalledProject(
            name=self.distribution.name or self.label,
            version=self.distribution.version,
            location=self.path,
            metadata=self.path,
            tags=self.distribution.tags,
            requires=self.requires,
        )

    @contextmanager
    def open(self, path: str) -> Iterator[Source]:
        """Open a binary by :attr:`Binary.file <pytest_archcheck.binaries.model.Binary.file>`. Raises :class:`OSError`."""
        member = self.members.get(os.path.relpath(path, self.path).replace(os.sep, "/"))
        if member is None:
            raise FileNotFoundError(f"the wheel holds no {path!r}")
        with open_file(self.path) as archive:
            yield member_source(archive, member)


def read_wheel(path: str, look: Callable[[Binary, Source, Sequence[Target]], None] | None = None) -> Wheel:
    """Read a wheel; one that cannot be read at all, or is there no more, comes back with its :attr:`Wheel.problems` alone.

    :param look: is shown each binary while its member is open, with the machines that the wheel promises: whoever wants more
        of it than is read here takes it then, because to come back is to inflate it once more.
    """
    absolute = os.path.abspath(path)
    reading = Reading(absolute)
    label = os.path.basename(absolute).removesuffix(".whl")
    name, version, tags = _from_file_name(reading, label)
    files = 0
    targets = wheel_targets(tags)
    written: tuple[str, ...] = ()
    metadata: dict[str, list[str]] = {}
    try:
        with Archive(absolute) as archive:
            files = len(archive.members)
            _lay_out(reading, archive.members)
            header = _header(reading, archive, "WHEEL")
            written = _expanded(header.get("tag", ()))
            targets = targets if tags else wheel_targets(written)
            metadata = _header(reading, archive, "METADATA")
            reading.problems += refusals(archive, name, version, header, metadata)
            for binary, source in read_binaries(reading, archive):
                if look is not None:
                    look(binary, source, targets)
    except ArchiveInvalid as error:
        reading.problems.append(str(error))
    except OSError as error:
        reading.problems.append(f"it cannot be read: {error.strerror or error}")
    return Wheel(
        path=absolute,
        label=label.replace("[", "(").replace("::", "-"),
        distribution=Distribution(
            name=canonicalize_name(plain_name(metadata.get("name", [name])[0])),
            version=plain_version(metadata.get("version", [version or ""])[0]) or None,
            installer=None,
            tags=written or tags,
            location=absolute,
            binaries=tuple(sorted(reading.binaries, key=lambda binary: binary.path)),
            metadata=absolute,
        ),
        targets=targets,
        other_system=other_system(tags or written),
        problems=tuple(reading.problems),
        skipped=tuple(reading.skipped),
        files=files,
        partial=frozenset(reading.partial),
        requires=plain_requirements(metadata.get("requires-dist", ())),
        members={path: reading.members[path] for path in {binary.path for binary in reading.binaries}},
    )


def _lay_out(reading: Reading, members: list[ZipInfo]) -> None:
    """Decide where each member would be installed."""
    seen: set[str] = set()
    # pip writes what lies in the data folder after everything else, and scripts last; of two with one place the later stays.
    for member in sorted(members, key=_turn):
        name = member.filename
        if name.endswith("/"):
            continue
        if _leaves_the_site(name):
            reading.problems.append(f"its member {name!r} would be installed outside of the environment")
            continue
        if name in seen:
            reading.problems.append(f"it holds {name!r} twice")
        match = _DIST_INFO.fullmatch(name)
        if match:
            reading.metadata.setdefault(match["file"], member)
        else:
            path = _installed_path(name)
            other = reading.members.get(path)
            if other is not None and name not in seen and (other.CRC, other.file_size) != (member.CRC, member.file_size):
                reading.problems.append(f"it installs {path!r} twice, from {other.filename!r} and then from {name!r}")
            reading.members[path] = member
        seen.add(name)


def _turn(member: ZipInfo) -> int:
    """0 for what lies in the root of the wheel, 1 for its data folder, 2 for scripts."""
    match = _in_data(member.filename)
    return 0 if match is None else 2 if match["kind"] == "scripts" else 1


def _in_data(name: str) -> re.Match[str] | None:
    return _DATA.fullmatch(name) if ".data/" in name else None


def _leaves_the_site(name: str) -> bool:
    plain = name.replace("\\", "/")
    if ".." not in plain and ":" not in plain:
        return plain.startswith("/")
    return plain.startswith("/") or posixpath.normpath(plain).partition("/")[0] == ".." or bool(_DRIVE.match(plain))


def _installed_path(name: str) -> str:
    match = _in_data(name)
    if match is None:
        return name if _NORMAL.fullmatch(name) else posixpath.normpath(name)
    folder = {"scripts": "bin", "headers": "include"}.get(match["kind"], "")
    return posixpath.normpath(posixpath.join(folder, match["rest"]))


def _header(reading: Reading, archive: Archive, name: str) -> dict[str, list[str]]:
    """Read the RFC 822 header of WHEEL or METADATA: keys in lower case -> values."""
    member = reading.metadata.get(name)
    if member is None:
        reading.problems.append(f"it has no {name} file in a dist-info folder")
        return {}
    try:
        text = archive.text(member, limits.WHEEL_METADATA_SIZE if name == "METADATA" else limits.SMALL_FILE_SIZE)
    except OSError as error:
        reading.problems.append(f"its {name} file cannot be read: {error}")
        return {}
    if not text[:1].isalpha():  # nothing, a blank line, or a byte order mark: what follows is no header
        reading.problems.append(f"its {name} file does not begin with a field")
        return {}
    return header_fields(text)


def _from_file_name(reading: Reading, label: str) -> tuple[str, str | None, tuple[str, ...]]:
    if tags_in("-".join(label.split("-")[-3:])) is None:  # parse_wheel_filename() would make all of millions
        reading.problems.append("its file name is none of a wheel: it does not end in tags")
        return label.partition("-")[0], None, ()
    try:
        name, version, _, tags = parse_wheel_filename(f"{label}.whl")
    except (InvalidWheelFilename, ValueError) as error:
        reading.problems.append(f"its file name is none of a wheel: {error}")
        return label.partition("-")[0], None, ()
    return name, str(version), tuple(sorted(map(str, tags)))


def _expanded(lines: Iterable[str]) -> tuple[str, ...]:
    """Expand ``py2.py3-none-any``; an odd tag stays as it is, and those beyond any that are meant are left out."""
    found: dict[str, None] = {}
    for line in lines:
        if len(line) > limits.TAG_LENGTH:
            continue
        tags = tags_in(line)
        found.update(dict.fromkeys([line] if tags is None else sorted(map(str, tags))))
        if len(found) > limits.WHEEL_TAGS:
            break
    return tuple(found)
