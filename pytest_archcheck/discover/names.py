"""Names in the metadata of installed projects: values, without a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r";.*\bextra\b")


def required_names(lines: Iterable[str]) -> tuple[str, ...]:
    """The projects that ``Requires-Dist`` lines name, as they are written; an extra is nothing that is required."""
    found = (_NAME.match(line) for line in lines if not _EXTRA.search(line))
    return tuple(dict.fromkeys(match[0] for match in found if match))
