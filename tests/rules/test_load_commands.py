"""Duplicate rpaths, duplicate libraries and missing UUIDs, file by file as dyld's policy has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import machos
from support.sources import BytesSource

from pytest_archcheck.binaries.macho import read_macho
from pytest_archcheck.binaries.model import Binary
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.load_commands import judge_load_commands

if TYPE_CHECKING:
    from pytest_archcheck.findings import Finding

PKG = Distribution(name="pkg", version="1.0", installer="pip", tags=(), location="/site", binaries=())
TWICE = ["@loader_path", "@rpath/other", "@loader_path"]
LIBRARIES = [machos.LIBSYSTEM, "@rpath/a.dylib", ("@rpath/a.dylib", "weak")]


def judge(target: str, data: bytes) -> list[Finding]:
    slices = read_macho(BytesSource(data), data[:4096])
    binary = Binary(path="pkg/x.so", location="/site", format="mach-o", role="extension", slices=slices, size=len(data))
    where = Target.parse(target)
    return [
        found for piece in slices for found in judge_load_commands(binary, piece, subject="pkg", distribution=PKG, target=where)
    ]


def verdicts(target: str, data: bytes) -> list[tuple[str, str]]:
    return [(found.rule, found.severity) for found in judge(target, data)]


# (SDK of the file, macOS of the target, severity)
RPATH_CASES = [
    ("14.0", "15_4", None),
    ("15.3", "15_4", None),
    ("15.3", "26_0", None),
    ("15.4", "15_4", "error"),
    ("15.5", "15_6", "error"),
    ("26.0", "15_4", "error"),
    ("26.0", "26_0", "error"),
    ("26.1", "26_4", "error"),
    ("15.4", "15_3", "warning"),
    ("15.4", "14_0", "warning"),
    ("26.0", "14_0", "warning"),
    # dyld of macOS 26 raised its limit from SDK 15.4 to SDK 26.0.
    ("15.4", "26_0", "warning"),
]


@pytest.mark.parametrize(("sdk", "macos", "severity"), RPATH_CASES)
@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_duplicate_rpath(sdk: str, macos: str, severity: str | None, arch: str) -> None:
    expected = [("duplicate-rpath", severity)] if severity else []
    assert verdicts(f"macosx_{macos}_{arch}", machos.bundle(arch, sdk=sdk, rpaths=TWICE)) == expected
    assert verdicts(f"macosx_{macos}_{arch}", machos.bundle(arch, sdk=sdk, rpaths=TWICE[:2])) == []


@pytest.mark.parametrize(
    ("sdk", "macos", "severity"),
    [
        ("14.5", "15_4", None),
        ("15.0", "15_4", "error"),
        ("15.0", "26_0", "warning"),
        ("26.0", "26_0", "error"),
        ("15.0", "14_0", "warning"),
    ],
)
def test_duplicate_library(sdk: str, macos: str, severity: str | None) -> None:
    expected = [("duplicate-library", severity)] if severity else []
    assert verdicts(f"macosx_{macos}_arm64", machos.bundle(sdk=sdk, libraries=LIBRARIES)) == expected
    assert verdicts(f"macosx_{macos}_arm64", machos.bundle(sdk=sdk, libraries=LIBRARIES[:2])) == []


@pytest.mark.parametrize(
    ("sdk", "macos", "severity"),
    [("11.3", "15_4", None), ("12.0", "15_4", "error"), ("12.0", "26_0", "error"), ("12.0", "14_0", "warning")],
)
def test_missing_uuid(sdk: str, macos: str, severity: str | None) -> None:
    expected = [("missing-uuid", severity)] if severity else []
    assert verdicts(f"macosx_{macos}_arm64", machos.bundle(sdk=sdk, uuid=False)) == expected
    assert verdicts(f"macosx_{macos}_arm64", machos.bundle(sdk=sdk)) == []


def test_programs_are_checked_since_macos_26_only() -> None:
    facts: dict[str, Any] = {"sdk": "26.0", "rpaths": TWICE, "uuid": False}
    program = machos.executable(**facts)
    assert verdicts("macosx_26_0_arm64", program) == [("duplicate-rpath", "error"), ("missing-uuid", "error")]
    assert verdicts("macosx_15_6_arm64", program) == [("duplicate-rpath", "warning"), ("missing-uuid", "warning")]
    assert verdicts("macosx_26_0_arm64", machos.executable(**facts | {"sdk": "15.4"})) == []


def test_what_dyld_never_loads_is_not_judged() -> None:
    assert verdicts("macosx_26_0_arm64", machos.dsym(sdk="26.0", uuid=False)) == []
    assert verdicts("macosx_26_0_arm64", machos.relocatable(sdk="26.0")) == []
    assert verdicts("macosx_26_0_arm64", machos.bundle(platform="ios", sdk="26.0", rpaths=TWICE)) == []
    assert verdicts("manylinux_2_28_aarch64", machos.bundle(sdk="26.0", rpaths=TWICE)) == []


def test_a_file_that_names_no_sdk_is_not_judged() -> None:
    assert verdicts("macosx_26_0_arm64", machos.bundle(version_command=None, rpaths=TWICE, uuid=False)) == []


def test_an_unknown_macos_gets_a_warning() -> None:
    data = machos.bundle(sdk="26.0", rpaths=TWICE)
    slices = read_macho(BytesSource(data), data[:4096])
    binary = Binary(path="pkg/x.so", location="/site", format="mach-o", role="extension", slices=slices, size=len(data))
    host = Target(tag="host", system="macos", architectures=("arm64",))
    (found,) = judge_load_commands(binary, slices[0], subject="pkg", distribution=PKG, target=host)
    assert found.severity == "warning"


def test_the_words() -> None:
    (found,) = judge("macosx_15_4_arm64", machos.bundle(sdk="15.4", rpaths=TWICE))
    assert found.message == "it has the rpath @loader_path twice, refused by macOS 15.4 to 15.7 in a file built with SDK 15.4"
    assert "install_name_tool -delete_rpath @loader_path /site/pkg/x.so" in found.remedy
    (found,) = judge("macosx_14_0_arm64", machos.bundle(sdk="15.4", rpaths=TWICE))
    assert found.message.endswith("; macOS 14.0 loads it")


@pytest.mark.parametrize(
    ("facts", "how"),
    [
        ({"libraries": LIBRARIES}, "with Xcode 15 or later, which links it once"),
        ({"uuid": False}, "without the linker's -no_uuid"),
    ],
)
def test_what_cannot_be_mended_in_the_file_is_built_otherwise(facts: dict[str, Any], how: str) -> None:
    (found,) = judge("macosx_15_4_arm64", machos.bundle(sdk="15.4", **facts))
    assert found.remedy == f"pip install 'pkg!=1.0', or build it {how}"
