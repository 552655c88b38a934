"""Bytes in memory, for readers that take a file."""

from __future__ import annotations


class BytesSource:
    """A file that is nowhere: see :class:`pytest_archcheck.binaries.source.Source`."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, size: int) -> bytes:
        return self.content[offset : offset + size] if offset >= 0 else b""
