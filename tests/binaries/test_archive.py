"""Members of an archive that can be inflated only from their beginning."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.archive import Archive

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_passed_over_is_not_kept_and_can_be_asked_for_all_the_same(tmp_path: Path) -> None:
    content = b"".join(b"%x" % (number**9) for number in range(60_000))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("a", content)
    with Archive(str(tmp_path / "a.zip")) as archive:
        (member,) = archive.members
        source = archive.source(member)
        assert source.read(0, 100) == content[:100]
        end = len(content) - 1000
        source.pass_to(end)  # type: ignore[attr-defined]
        assert len(source._window) < 100_000  # type: ignore[attr-defined]
        assert source.read(end, 600) == content[end : end + 600]
        assert source.read(end + 100, 900) == content[end + 100 :]
        assert source.read(1 << 20, 50) == content[1 << 20 : (1 << 20) + 50]
        source.pass_to(len(content) + 5)  # type: ignore[attr-defined]
        assert source.read(0, 10) == content[:10]
