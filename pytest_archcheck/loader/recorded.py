"""What distributions brought by their own RECORD: a library that is named there and is gone was lost, not forgotten."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid
from pytest_archcheck.discover.record import read_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.discover.model import Distribution


class Recorded:
    """The files that distributions brought; each RECORD is read once, and only if something is missing."""

    def __init__(self) -> None:
        self._paths: dict[str, dict[str, list[str]]] = {}

    def lost(self, distribution: Distribution | None, library: str, places: Sequence[str]) -> bool:
        """Whether a distribution brought a library that is not there any more.

        :param places: the folders in which it is looked for, from the place where packages lie on; none: wherever it lay.
        """
        if distribution is None or distribution.metadata is None:
            return False
        paths = self._paths.get(distribution.metadata)
        if paths is None:
            paths = self._paths[distribution.metadata] = defaultdict(list)
            for path in _files(distribution):
                paths[path.rpartition("/")[2]].append(path)
        here = {binary.path for binary in distribution.binaries}
        brought = [path for path in paths.get(library.rpartition("/")[2], ()) if path not in here]
        return any(not places or path.rpartition("/")[0] in places for path in brought)


def _files(distribution: Distribution) -> list[str]:
    metadata = distribution.metadata or ""
    try:
        if not distribution.is_wheel:
            return list(read_record(os.path.join(metadata, "RECORD")).files or ())
        with Archive(metadata) as archive:
            record = [member for member in archive.members if member.filename.endswith(".dist-info/RECORD")]
            text = archive.text(record[0], limits.TEXT_FILE_SIZE) if record else ""
    except (ArchiveInvalid, OSError):
        return []
    return [line.partition(",")[0].strip('"') for line in text.splitlines()]
