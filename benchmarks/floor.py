"""``floor.c`` once more in Python: the least that any scan in Python must do. Prints the same line; ``scan.py`` runs it."""

from __future__ import annotations

import os
import stat
import sys
import time

import timing  # noqa: F401 - finds the package

from pytest_archcheck.discover.files import _TEXT_NAMES, TEXT_AND_DATA_SUFFIXES


def walk(root: str) -> tuple[int, int, int]:
    """Walk every folder, read 4 KiB of each candidate; return directory entries, files read and bytes read."""
    entries = files = size = 0
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as listing:
            for entry in listing:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                name = entry.name
                _, dot, suffix = name.rpartition(".")
                if (dot and suffix.lower() in TEXT_AND_DATA_SUFFIXES) or name in _TEXT_NAMES:
                    continue
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    files += 1
                    size += len(os.pread(descriptor, 4096, 0))
                os.close(descriptor)
    return entries, files, size


if __name__ == "__main__":
    start = time.perf_counter()
    print(*walk(sys.argv[1]), time.perf_counter() - start)
