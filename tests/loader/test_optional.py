"""Which Python files are asked whether a package gets by without one of its modules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from support import machos, sites

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
    sites.add_distribution(tmp_path, "pkg", files=files)
    read_file = optional._read
    read: list[str] = []

    def remembered(path: str) -> bytes:
        read.append(path)
        return read_file(path)

    monkeypatch.setattr(optional, "_read", remembered)
    (distribution,) = environment_at(str(tmp_path)).distributions
    assert PythonSources([distribution]).guard_import_of(distribution.binaries[0])
    assert read == [str(tmp_path / "pkg/__init__.py")]


def test_an_environment_among_tests_is_no_test(tmp_path: Path) -> None:
    guarded = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"
    site = tmp_path / "tests" / "env"
    sites.add_distribution(site, "pkg", files={"pkg/__init__.py": guarded.encode(), "pkg/_core.abi3.so": machos.bundle()})
    (distribution,) = environment_at(str(site)).distributions
    assert PythonSources([distribution]).guard_import_of(distribution.binaries[0])


def test_files_are_kept_only_where_their_package_is_asked_about_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {f"pkg/_part{number}.cpython-311-darwin.so": machos.bundle() for number in range(3)}
    guarded = "".join(f"try:\n    from . import _part{number}\nexcept ImportError:\n    pass\n" for number in range(3))
    sites.add_distribution(tmp_path, "pkg", files={**modules, "pkg/__init__.py": guarded.encode()})
    environment = environment_at(str(tmp_path))
    read: Counter[str] = Counter()
    original = optional._read

    def counting(path: str) -> bytes:
        read[path] += 1
        return original(path)

    monkeypatch.setattr(optional, "_read", counting)
    sources = optional.PythonSources(environment.distributions)
    times, kept = [], []
    for binary in environment.binaries:
        assert sources.guard_import_of(binary)
        times.append(read[str(tmp_path / "pkg/__init__.py")])
        kept.append(len(sources._kept))
    # numba's ten megabytes are searched once, and need not be held; a package with many broken files is read twice.
    assert (times, kept) == ([1, 2, 2], [0, 1, 1])
