"""Linux environments: the running one, and real wheels for another architecture."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from support import oracle
from support.cli import run_pytest

AARCH64 = ("--archcheck-target", "manylinux_2_28_aarch64")
on_x86_64_linux = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="speaks of an x86_64 Linux environment"
)


@on_x86_64_linux
def test_the_running_environment_passes(tmp_path: Path) -> None:
    run_pytest(tmp_path, "archcheck").assert_healthy()


@on_x86_64_linux
def test_the_running_environment_fails_for_aarch64(tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, "archcheck", *AARCH64)
    assert outcome.status == 1
    expected = {owner for owner, has_elf in _active_distributions().items() if has_elf}
    assert "lief" in expected
    failed = {name.removeprefix("archcheck::") for name in outcome.failed}
    assert {name for name in failed if not name.startswith("environment")} - {"unowned"} == expected


@pytest.mark.corpus
def test_wheels_for_aarch64_pass_for_aarch64(linux_aarch64: Path, tmp_path: Path) -> None:
    without_requirements = "--archcheck-ignore=missing-dependency"  # they were installed without what they require
    outcome = run_pytest(tmp_path, f"--archcheck-path={linux_aarch64}", without_requirements, *AARCH64)
    outcome.assert_healthy()
    seen = {path for path, binary in outcome.binaries.items() if binary["format"] == "elf"}
    assert seen == oracle.elf_files(linux_aarch64)
    assert {arch for binary in outcome.binaries.values() for arch in binary["architectures"]} == {"aarch64"}


@pytest.mark.corpus
def test_wheels_for_aarch64_fail_for_x86_64(linux_aarch64: Path, tmp_path: Path) -> None:
    outcome = run_pytest(tmp_path, f"--archcheck-path={linux_aarch64}", "--archcheck-target", "manylinux_2_28_x86_64")
    owners = oracle.owners(linux_aarch64)
    expected = {f"archcheck::{owners[path]}" for path in oracle.elf_files(linux_aarch64)}
    assert len(expected) >= 10
    assert outcome.status == 1
    assert outcome.failed == expected


def _active_distributions() -> dict[str, bool]:
    """Normalised name of every installed distribution: whether it owns an ELF file."""
    found = {}
    for distribution in distributions():
        name = distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        files = [Path(str(path.locate())) for path in distribution.files or ()]
        found[name] = any(file.is_file() and oracle.head(str(file))[:4] == b"\x7fELF" for file in files)
    return found
