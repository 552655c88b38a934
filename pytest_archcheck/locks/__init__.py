"""Lock files: whether what they name installs on the target."""

from __future__ import annotations

from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.locks.reading import is_lock_name

__all__ = ["LockInvalid", "inspect_lock", "is_lock_name"]
