"""Which slices need a signature, and what is said of those without a good one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sources import BytesSource

from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.binaries.model import Binary, MachOSlice, Role
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.loader.signing import Signature
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.signing import judge_signatures, needs_signature

if TYPE_CHECKING:
    from pathlib import Path

ARM64, X86_64, UNIVERSAL2 = (Target.parse(f"macosx_14_0_{name}") for name in ("arm64", "x86_64", "universal2"))
LINUX = Target.parse("manylinux_2_28_aarch64")


def binary(data: bytes, role: Role = "extension", path: str = "pkg/_x.so") -> tuple[Binary, tuple[MachOSlice, ...]]:
    slices = read_macho(BytesSource(data), data[:4096])
    return Binary(path=path, location="/site", format="mach-o", role=role, slices=slices, size=len(data)), slices


def needed(data: bytes, target: Target, role: Role = "extension") -> list[str]:
    found, slices = binary(data, role)
    return [piece.architecture for piece in slices if needs_signature(found, piece, target)]


def test_only_arm64_code_that_the_target_runs() -> None:
    fat = machos.fat(machos.bundle("x86_64"), machos.bundle("arm64"))
    assert needed(fat, ARM64) == ["arm64"]
    assert needed(fat, UNIVERSAL2) == ["arm64"]
    assert needed(fat, X86_64) == []
    assert needed(fat, LINUX) == []


@pytest.mark.parametrize("role", ["extension", "library", "plugin", "executable"])
def test_every_role_that_is_loaded_or_run(role: Role) -> None:
    assert needed(machos.bundle(), ARM64, role) == ["arm64"]


def test_what_is_never_mapped_as_code() -> None:
    assert needed(machos.bundle(), ARM64, "object") == []
    assert needed(machos.relocatable(), ARM64) == []
    assert needed(machos.dsym(), ARM64) == []
    assert needed(machos.bundle(platform="ios"), ARM64) == []


PLAIN = Distribution(name="regex", version="2021.10.8", installer="pip", tags=(), location="/site", binaries=())


def judge(owner: Distribution, *kinds: Signature) -> list[tuple[str, str, str | None, str, str]]:
    entries = []
    for number, kind in enumerate(kinds):
        found, (piece,) = binary(machos.bundle(), path=f"pkg/_x{number}.so")
        entries.append((found, piece, kind))
    return [(f.rule, f.severity, f.path, f.message, f.remedy) for f in judge_signatures(owner, "regex", entries)]


def test_good_signatures_give_no_finding() -> None:
    assert judge(PLAIN, Signature("ad-hoc", pages=1), Signature("signed", pages=1)) == []


def test_unsigned_and_invalid_are_errors() -> None:
    unsigned, invalid = judge(PLAIN, Signature("none"), Signature("invalid", "the reason"))
    assert unsigned[:3] == ("unsigned-binary", "error", "pkg/_x0.so")
    assert invalid[:3] == ("invalid-signature", "error", "pkg/_x1.so")
    assert unsigned[3] == "has no signature for arm64: Apple Silicon runs no unsigned code"
    assert invalid[3] == "has an invalid signature for arm64 (the reason): macOS kills what loads it"


def test_the_remedy_names_the_distribution_and_the_files() -> None:
    ((*_, remedy),) = judge(PLAIN, Signature("none"))
    assert remedy.startswith("pip install --force-reinstall --no-deps --no-cache-dir regex==2021.10.8; ")
    assert remedy.endswith("codesign --force --sign - /site/pkg/_x0.so")
    assert len({found[4] for found in judge(PLAIN, *[Signature("none")] * 5)}) == 1


def test_the_remedy_for_files_that_pip_did_not_install() -> None:
    for owner in (PLAIN._replace(name=None, version=None), PLAIN._replace(editable=True)):
        ((*_, remedy),) = judge(owner, Signature("none"))
        assert remedy == "codesign --force --sign - /site/pkg/_x0.so"
    ((*_, remedy),) = judge(PLAIN._replace(installer="conda"), Signature("none"))
    assert "conda install --force-reinstall --no-deps regex=2021.10.8; " in remedy


def test_a_file_of_two_slices_is_named_once() -> None:
    found, slices = binary(machos.fat(machos.bundle("arm64"), machos.bundle("arm64e")))
    owner = PLAIN._replace(name=None)
    remedies = {one.remedy for one in judge_signatures(owner, "x", [(found, piece, Signature("none")) for piece in slices])}
    assert remedies == {"codesign --force --sign - /site/pkg/_x.so"}


@pytest.mark.skipif(sys.platform == "win32", reason="the command is a Mac's")
def test_many_files_are_found_by_the_command_of_the_remedy(tmp_path: Path) -> None:
    names = ["a b/_x.so", "a b/_y.so", "lib/libz.1.dylib", "bin/tool"]
    entries = []
    for name in names:
        found, (piece,) = binary(machos.bundle(), path=name)
        entries.append((found._replace(location=str(tmp_path)), piece, Signature("none")))
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(machos.bundle())
    (tmp_path / "lib" / "notes.txt").write_text("none of it")
    codesign = tmp_path / "codesign"
    codesign.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    codesign.chmod(0o755)
    (remedy,) = {one.remedy for one in judge_signatures(PLAIN._replace(name=None), "x", entries)}
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["/bin/sh", "-c", remedy], env={"PATH": path}, capture_output=True, text=True, check=True)
    signed = done.stdout.splitlines()
    assert signed[:3] == ["--force", "--sign", "-"]
    assert {os.path.normpath(file) for file in signed[3:]} == {str(tmp_path / name) for name in names}
