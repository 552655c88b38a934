"""Why installers refuse a wheel whose archive is sound: pip and uv are the judge, and tests try both.

The binary distribution format (https://packaging.python.org/en/latest/specifications/binary-distribution-format/) asks for more
than they do; what both install is not held against a wheel.
"""

from __future__ import annotations

import configparser
import csv
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_archcheck import limits
from pytest_archcheck.discover.paths import ENCODING
from pytest_archcheck.discover.record import record_blocks
from pytest_archcheck.discover.text import plain_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zipfile import ZipInfo

    from pytest_archcheck.binaries.archive import Archive
    from pytest_archcheck.binaries.source import Source

_KINDS = frozenset({"purelib", "platlib", "scripts", "data", "headers"})
#: ``module:function``, perhaps with extras behind it.
_FUNCTION = re.compile(r"\s*[\w.]+\s*:\s*[\w.]+\s*(?:\[\s*[\w-]+(?:\s*,\s*[\w-]+)*\s*\]\s*)?")
_NAMED = 3
_ENCRYPTED = 0x1  # a flag of the zip format
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
#: Requirements as most are written, of which nobody need ask packaging: ``x[y] (>=1.0, !=1.5.*) ; extra == "z"``. One space at
#: most between two parts, for the sake of time: any number in several places would be tried in all combinations.
_PLAIN_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])? ?(?:\[[\w, -]*\])? ?"
    r"(?P<open>\()?(?:(?:>=|<=|<|>|==|!=|~=) ?\d+(?:\.\d+)+,? ?)*(?(open)\)) ?"
    r"(?:; ?(?:extra|python_version|sys_platform|platform_system) ?(?:==|!=|<|<=|>|>=) ?(?:\"[\w. -]*\"|'[\w. -]*'))?",
    re.ASCII,
)


def refusals(
    archive: Archive,
    name: str,
    version: str | None,
    header: Mapping[str, Sequence[str]],
    metadata: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Yield the end of a sentence for each reason.

    :param name: by the file name, normalised, as is the version; None for a file name that says none.
    :param header: of the WHEEL file: keys in lower case -> values; empty where it was not read, which has been said.
    :param metadata: the same of METADATA.
    """
    members = {member.filename: member for member in archive.members}
    folders = sorted({path.partition("/")[0] for path in members if path.partition("/")[0].endswith(".dist-info")})
    if len(folders) > 1:
        yield f"it has {len(folders)} dist-info folders: {', '.join(folders[:_NAMED])}"
    elif folders and version is not None and _project(folders[0]) != name:
        yield f"its folder {folders[0]!r} is not named for {name}"
    if header:
        yield from _of_version(header)
    if metadata:
        yield from _of_metadata(name, version, metadata)
    if len(folders) == 1:
        yield from _of_record(archive, members.get(f"{folders[0]}/RECORD"))
        yield from _of_scripts(archive, members.get(f"{folders[0]}/entry_points.txt"))
        data = folders[0].removesuffix(".dist-info") + ".data/"
        odd = [path for path in members if path.startswith(data) and not _is_installed(path.removeprefix(data))]
        if odd:
            yield f"its member {odd[0]!r} lies in no folder that installers know the place of"
    if secret := next((path for path, member in members.items() if member.flag_bits & _ENCRYPTED), None):
        yield f"its member {secret!r} is encrypted"
    if strange := next((path for path in members if _CONTROL.search(path)), None):
        yield f"its member {strange!r} has a control character in its name"


def _is_installed(path: str) -> bool:
    kind, slash, rest = path.partition("/")
    return kind in _KINDS or (not rest and (not kind or bool(slash)))


def _project(folder: str) -> str:
    """``de-mo`` for ``de_mo-1.0.dist-info``, and for ``de_mo.dist-info``, which installers take too."""
    stem = folder.removesuffix(".dist-info")
    return canonicalize_name(stem.rpartition("-")[0] or stem)


def _of_version(header: Mapping[str, Sequence[str]]) -> Iterator[str]:
    text = next(iter(header.get("wheel-version", ())), "")
    match = re.fullmatch(r"(\d{1,9})(?:\.\d{1,9})*", text)
    if match is None:
        yield f"its Wheel-Version {text!r} is no version" if text else "its WHEEL file has no Wheel-Version"
    elif int(match[1]) != 1 or "." not in text:
        yield f"its Wheel-Version is {text}, and installers know version 1.0"


def _of_metadata(name: str, version: str | None, metadata: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for key in ("name", "version"):
        if not next(iter(metadata.get(key, ())), ""):
            yield f"its METADATA file has no {key.capitalize()}"
            return
    if version is None:
        return
    said = metadata["name"][0], metadata["version"][0]
    try:
        named, written = Version(version), Version(said[1])
        # A file name may add what the build was made with: torch-2.0+cpu.
        same = canonicalize_name(said[0]) == name and written in (named, Version(named.public))
    except ValueError:  # InvalidVersion, or a number of more digits than Python reads
        yield f"its METADATA file says version {said[1][: limits.NAME_LENGTH]!r}, which is none"
        return
    if not same:
        yield f"its METADATA file says that it is {' '.join(said)[: 2 * limits.NAME_LENGTH]}, its file name {name} {version}"
    for line in plain_requirements(metadata.get("requires-dist", ())[: limits.HEADER_LINES]):
        if not _PLAIN_REQUIREMENT.fullmatch(line) and not _is_requirement(line):
            yield f"its METADATA file requires {line[: limits.NAME_LENGTH]!r}, which is no requirement"
            return


def _is_requirement(line: str) -> bool:
    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True


def _of_record(archive: Archive, member: ZipInfo | None) -> Iterator[str]:
    if member is None:
        yield "it has no RECORD file in its dist-info folder"
        return
    if member.file_size > limits.TEXT_FILE_SIZE:
        yield f"its RECORD file claims {member.file_size} bytes"
        return
    try:
        odd = next((row for row in _rows(archive.source(member)) if row and not _is_entry(row)), None)
    except UnicodeDecodeError:
        yield "its RECORD file cannot be read: not UTF-8 text"
    except OSError as error:
        yield f"its RECORD file cannot be read: {error}"
    except csv.Error as error:
        yield f"its RECORD file is no table: {error}"
    else:
        if odd:
            wrong = (
                "without hash and size"
                if len(odd) < 3
                else "of more than path, hash and size"
                if len(odd) > 3
                else "with a size that is no number"
            )
            yield f"its RECORD file has a line {wrong}: {odd[0]!r}"


def _is_entry(row: list[str]) -> bool:
    """A path, its hash, its size: the last two may be empty."""
    return len(row) == 3 and (not row[2] or (row[2].isascii() and row[2].isdigit()))


def _rows(record: Source) -> Iterator[list[str]]:
    for block in record_blocks(record):
        if not block.isascii():
            block.encode(ENCODING, "surrogateescape").decode("utf-8")
        yield from csv.reader(block.splitlines())


def _of_scripts(archive: Archive, member: ZipInfo | None) -> Iterator[str]:
    if member is None:
        return
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep the case
    try:
        parser.read_string(archive.text(member, limits.WHEEL_METADATA_SIZE))
    except OSError as error:
        yield f"its entry_points.txt cannot be read: {error}"
        return
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        yield f"its entry_points.txt has {(getattr(error, 'option', None) or error.section)!r} twice"
        return
    except configparser.Error:
        yield "its entry_points.txt is no list of sections"
        return
    for section in ("console_scripts", "gui_scripts"):
        if not parser.has_section(section):
            continue
        for script, function in parser.items(section):
            if not _FUNCTION.fullmatch(function or ""):
                yield f"its script {script!r} calls no function: {function!r}"
                return
            if ".." in script.replace("\\", "/").split("/") or script.startswith("/"):
                yield f"its script {script!r} would be installed outside of the environment"
                return
