"""Which Python files are asked whether a package gets by without one of its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import machos
from support.sites import add_distribution

from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.loader import optional
from pytest_archcheck.loader.optional import PythonSources

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_tests_of_a_package_are_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"
    files: dict[str, bytes | str] = {
        "pkg/__init__.py": guarded,
        "pkg/_core.abi3.so": machos.bundle(),
        "pkg/tests/test_core.py": "from pkg import _core\n",
        "pkg/sub/test_core.py": "from pkg import _core\n",
        "pkg/__pycache__/old.py": "from pkg import _core\n",
    }
    add_distribution(tmp_path, "pkg", files=files)
    read_file = optional._read
    read: list[str] = []

    def remembered(path: str) -> bytes:
        read.append(path)
        return read_file(path)

    monkeypatch.setattr(optional, "_read", remembered)
    (distribution,) = environment_at(str(tmp_path)).distributions
    assert PythonSources([distribution]).guard_import_of(distribution.binaries[0])
    assert read == [str(tmp_path / "pkg/__init__.py")]
