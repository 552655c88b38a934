"""Which Python files are asked whether a package gets by without one of its modules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import elfs, machos, sites

from pytest_archcheck import limits
from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.judge.environment import judge
from pytest_archcheck.loader import package_files
from pytest_archcheck.loader.optional import PythonSources
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from pytest_archcheck.discover.model import Distribution

GUARDED = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"


def test_tests_of_a_package_are_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, bytes | str] = {
        "pkg/__init__.py": GUARDED,
        "pkg/_core.abi3.so": machos.bundle(),
        "pkg/tests/test_core.py": "from pkg import _core\n",
        "pkg/sub/test_core.py": "from pkg import _core\n",
        "pkg/__pycache__/old.py": "from pkg import _core\n",
    }
    sites.add_distribution(tmp_path, "pkg", files=files)
    read_file = package_files._read_file
    read: list[str] = []

    def remembered(path: str) -> bytes:
        read.append(path)
        return read_file(path)

    monkeypatch.setattr(package_files, "_read_file", remembered)
    (distribution,) = environment_at(str(tmp_path)).distributions
    assert PythonSources([distribution]).guard_import_of(distribution.binaries[0])
    assert read == [str(tmp_path / "pkg/__init__.py")]


def test_an_environment_among_tests_is_no_test(tmp_path: Path) -> None:
    site = tmp_path / "tests" / "env"
    sites.add_distribution(site, "pkg", files={"pkg/__init__.py": GUARDED, "pkg/_core.abi3.so": machos.bundle()})
    (distribution,) = environment_at(str(site)).distributions
    assert PythonSources([distribution]).guard_import_of(distribution.binaries[0])


def test_files_are_read_once_for_all_modules_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {f"pkg/_part{number}.cpython-311-darwin.so": machos.bundle() for number in range(3)}
    guarded = "".join(f"try:\n    from . import _part{number}\nexcept ImportError:\n    pass\n" for number in range(3))
    sites.add_distribution(tmp_path, "pkg", files={**modules, "pkg/__init__.py": guarded.encode()})
    environment = environment_at(str(tmp_path))
    read: Counter[str] = Counter()
    original = package_files._read_file

    def counting(path: str) -> bytes:
        read[path] += 1
        return original(path)

    monkeypatch.setattr(package_files, "_read_file", counting)
    sources = PythonSources(environment.distributions)
    times, kept = [], []
    for binary in environment.binaries:
        assert sources.guard_import_of(binary)
        times.append(read[str(tmp_path / "pkg/__init__.py")])
        kept.append(len(sources._files._kept))
    # Read once, and not held: what remains are the lines that import something.
    assert (times, kept) == ([1, 1, 1], [0, 0, 0])
    assert not sources.mentions(environment.binaries[0], b"libgone")
    assert not sources.mentions(environment.binaries[1], b"libmore")
    assert (read[str(tmp_path / "pkg/__init__.py")], len(sources._files._kept)) == (2, 1)  # other questions take all of it


@pytest.mark.parametrize(
    ("image", "suffix", "tag", "rule"),
    [
        (
            elfs.shared("aarch64", needed=("libgone.so.1",)),
            "39-aarch64-linux-gnu",
            "manylinux_2_28_aarch64",
            "library-outside-environment",
        ),
        (machos.bundle(libraries=("@rpath/libgone.1.dylib",)), "39-darwin", "macosx_14_0_arm64", "missing-library"),
    ],
    ids=("linux", "macos"),
)
def test_one_environment_has_one_set_of_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: bytes, suffix: str, tag: str, rule: str
) -> None:
    """The folders of a package are listed once, whoever asks: which Python its modules are for, and what links to nothing.

    Those without a Python file are not listed at all: the walk has seen that they hold none.
    """
    site = tmp_path / "lib/python3.11/site-packages"
    files: dict[str, bytes | str] = {"pkg/__init__.py": GUARDED, "pkg/_core.so": image, f"pkg/_more.cpython-{suffix}.so": image}
    files |= {"pkg/data/x.qml": "", "pkg/part/one.py": "", "pkg-more/two.py": ""}
    sites.add_distribution(site, "pkg", files=files)
    listed: Counter[str] = Counter()
    original = package_files._entries

    def counting(folder: str) -> list[os.DirEntry[str]]:
        listed[folder] += 1
        return original(folder)

    monkeypatch.setattr(package_files, "_entries", counting)
    judged = judge(environment_at(str(site)), Target.parse(tag))
    assert {"wrong-python", rule} <= {finding.rule for check in judged.checks for finding in check.findings}
    assert listed == {str(site / "pkg"): 1, str(site / "pkg/part"): 1}


def test_what_the_walk_has_seen_is_what_a_listing_finds(tmp_path: Path) -> None:
    names = ("__init__.py", "a/b/c.py", "a/x.json", "a-b/d.py", "data/x.qml", "__pycache__/e.py", "py", "odd.py/f.py")
    files = {f"{package}/{name}": "" for package in ("pkg", "pkgs", "pkg-1") for name in names}
    sites.add_distribution(tmp_path, "pkg", files=files | {"pkg/_core.abi3.so": machos.bundle()})
    environment = environment_at(str(tmp_path))
    (binary,) = environment.binaries
    walked = package_files.PackageFiles(environment.distributions, environment.python_folders)
    listed = package_files.PackageFiles(environment.distributions)
    found = sorted(path for path, _ in walked.of(binary))
    assert found == sorted(path for path, _ in listed.of(binary))
    expected = ("__init__.py", "a-b/d.py", "a/b/c.py", "odd.py/f.py")
    assert found == [str(tmp_path / "pkg" / name) for name in expected]
    assert [path for path, _ in walked.of(binary, ".json")] == [str(tmp_path / "pkg/a/x.json")]


@pytest.mark.parametrize("limit", ["PYTHON_LOOKS", "PYTHON_PARSED_SIZE", "PYTHON_TREES"])
def test_once_a_bound_is_spent_nothing_more_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """A module of whose import nothing is known counts as needed: what is broken is told."""
    first, second = (_guarding(tmp_path, name) for name in ("one", "two"))
    bounds = {"PYTHON_LOOKS": 1, "PYTHON_PARSED_SIZE": len(GUARDED), "PYTHON_TREES": 1}
    monkeypatch.setattr(limits, limit, bounds[limit])
    sources = PythonSources([first, second])
    assert sources.guard_import_of(first.binaries[0])
    assert not sources.guard_import_of(second.binaries[0])
    assert sources.guard_import_of(first.binaries[0])  # what was answered once needs no second look
    assert sources.survives_without(second.binaries) is None
    assert sources.mentions(second.binaries[0], b"_core") is (limit != "PYTHON_LOOKS")


def _guarding(folder: Path, name: str) -> Distribution:
    files = {f"{name}/__init__.py": GUARDED.encode(), f"{name}/_core.abi3.so": machos.bundle()}
    sites.add_distribution(folder / name, name, files=files)
    (distribution,) = environment_at(str(folder / name)).distributions
    return distribution
