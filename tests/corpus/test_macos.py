"""Real macOS wheels, judged from any machine by the command that users type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support import corpus, oracle
from support.cli import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.corpus
ARM64 = ("--archcheck-target", "macosx_14_0_arm64")
X86_64 = ("--archcheck-target", "macosx_14_0_x86_64")


def test_the_tensorflow_environment_is_healthy(arm64_tensorflow: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={arm64_tensorflow}", *ARM64)
    outcome.assert_healthy()
    seen = [binary for binary in outcome.binaries.values() if binary["format"] == "mach-o"]
    assert len(seen) == 397
    assert all("arm64" in binary["architectures"] for binary in seen)


def test_popular_wheels_have_no_error_and_say_which_macos_they_need(arm64_popular: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={arm64_popular}", *ARM64)
    assert (outcome.status, outcome.report["verdict"]) == (0, "pass")
    assert not outcome.subjects("error")
    names = {distribution["name"] for distribution in outcome.report["distributions"]}
    assert len(names - {None}) >= 40
    loaded = {path for path in oracle.mach_o_files(arm64_popular) if not path.endswith(".o")}
    newer = {path for path, version in oracle.minimum_macos(loaded).items() if version > (14, 0)}
    told = [finding for finding in outcome.report["findings"] if finding["rule"] == "newer-os-required"]
    assert {str(arm64_popular / finding["path"]) for finding in told} == newer


def test_x86_64_wheels_fail_and_say_what_to_type(mixed_tensorflow: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={mixed_tensorflow}", *ARM64)
    assert outcome.status == 1
    assert outcome.failed == {"archcheck::numpy", "archcheck::h5py"}
    assert outcome.subjects("error") == {"numpy", "h5py"}
    assert not outcome.subjects("warning")
    for name, version in (("numpy", "2.0.2"), ("h5py", "3.16.0")):
        section = _failure_of(name, outcome.text)
        assert "x86_64" in section
        assert "arm64" in section
        assert re.search(rf"pip install .*\b{name}=={re.escape(version)}", section), section
    bad = {finding["path"] for finding in outcome.report["findings"] if finding["rule"] == "wrong-architecture"}
    expected = [path for path, archs in _lipo(mixed_tensorflow).items() if "arm64" not in archs]
    assert len(expected) > 40
    assert {str(mixed_tensorflow / path) for path in bad} == set(expected)


def test_one_check_runs_again_by_its_id(mixed_tensorflow: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={mixed_tensorflow}", *ARM64, "archcheck::numpy")
    assert outcome.status == 1
    assert outcome.failed == {"archcheck::numpy"}
    assert "1 failed in" in outcome.text


@pytest.mark.parametrize("tree", ["mixed_tensorflow", "arm64_popular"])
def test_every_file_and_architecture_is_what_llvm_says(request: pytest.FixtureRequest, tree: str, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(tree)
    outcome = run_pytest(tmp_path, f"--archcheck-path={folder}", *ARM64)
    seen = {path: set(binary["architectures"]) for path, binary in outcome.binaries.items() if binary["format"] == "mach-o"}
    assert seen == _lipo(folder)


def test_arm64_only_wheels_fail_for_an_intel_mac(arm64_tensorflow: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={arm64_tensorflow}", *X86_64)
    owners = oracle.owners(arm64_tensorflow)
    by_owner: dict[str, list[set[str]]] = {}
    for path, archs in _lipo(arm64_tensorflow).items():
        by_owner.setdefault(owners[path], []).append(archs)
    arm64_only = {name for name, files in by_owner.items() if any("x86_64" not in archs for archs in files)}
    universal = set(by_owner) - arm64_only
    assert len(arm64_only) >= 10
    assert universal
    assert outcome.status == 1
    assert outcome.failed == {f"archcheck::{name}" for name in arm64_only}
    assert outcome.subjects("error") == arm64_only
    judged = {distribution["name"] for distribution in outcome.report["distributions"]}
    assert judged >= universal


def test_an_x86_64_program_in_an_arm64_wheel_is_found(tmp_path: Path) -> None:
    tree = corpus.installed("swig", ["swig==4.1.1"], "macos-arm64")
    outcome = run_pytest(tmp_path, f"--archcheck-path={tree}", *ARM64)
    assert outcome.failed == {"archcheck::swig"}


def _lipo(tree: Path) -> dict[str, set[str]]:
    return oracle.lipo_architectures(oracle.mach_o_files(tree))


def _failure_of(name: str, text: str) -> str:
    """The part of pytest's FAILURES section that is about one check."""
    match = re.search(rf"^_+ [^\n]*\b{name}\b[^\n]* _+\n(.*?)(?=^[_=]{{5,}})", text, re.MULTILINE | re.DOTALL)
    assert match is not None, text
    return match[1]
