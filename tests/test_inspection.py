"""The whole way from a path to findings, and that nothing in a tree stops it."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from support import elfs, machos
from support.sites import add_distribution, make_venv, write

import pytest_archcheck
from pytest_archcheck.discover.environments import NothingToInspect
from pytest_archcheck.inspection import Request, inspect, run
from pytest_archcheck.machine.target import InvalidTarget

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM, INTEL = "macosx_14_0_arm64", "macosx_14_0_x86_64"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """numpy is made for Intel, scipy for Apple Silicon, pillow for both."""
    intel, arm = machos.bundle("x86_64"), machos.bundle("arm64")
    folder = tmp_path / "site-packages"
    add_distribution(folder, "numpy", "2.0.2", {"numpy/_core.cpython-311-darwin.so": intel})
    add_distribution(folder, "scipy", "1.14.1", {"scipy/_lib.cpython-311-darwin.so": arm})
    add_distribution(folder, "Pillow", "11.0.0", {"PIL/_imaging.cpython-311-darwin.so": machos.fat(intel, arm)})
    add_distribution(folder, "pure", files={"pure.py": ""})
    write(folder / "left.so", arm)
    return folder


def failing(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.subject for finding in findings if finding.severity == "error"]


@pytest.mark.parametrize(
    ("target", "subjects"),
    [(ARM, ["numpy"]), (INTEL, ["scipy", "unowned"]), ("macosx_14_0_universal2", ["numpy", "scipy", "unowned"])],
)
def test_the_main_job(site: Path, target: str, subjects: list[str]) -> None:
    found = inspect(str(site), target)
    assert failing(found.findings) == subjects
    assert [check.subject for check in found.checks if "::" not in check.subject] == ["numpy", "pillow", "scipy", "unowned"]
    assert (len(found.binaries), found.target.tag) == (4, target)
    assert found.seconds > 0
    assert found["numpy"].title == "numpy 2.0.2"
    assert "x86_64" in found["numpy"].keywords


def test_the_public_name(site: Path) -> None:
    assert failing(pytest_archcheck.inspect(str(site), ARM).findings) == ["numpy"]


def test_the_active_environment_on_its_own_host_has_no_error() -> None:
    found = inspect()
    assert [finding for finding in found.findings if finding.severity == "error"] == []
    assert found.interpreter is not None
    assert found.target.is_host


def test_a_subject_that_is_not_there_names_its_neighbours(site: Path) -> None:
    with pytest.raises(KeyError, match="numpi; the nearest checks are numpy"):
        inspect(str(site), ARM)["numpi"]


def test_select_and_ignore(site: Path) -> None:
    def rules(select: frozenset[str] = frozenset(), ignore: frozenset[str] = frozenset()) -> set[str]:
        return {finding.rule for finding in run(Request(paths=(str(site),), target=ARM, select=select, ignore=ignore)).findings}

    assert "wrong-architecture" in rules()
    assert rules(select=frozenset({"missing-library"})) == set()
    assert rules(select=frozenset({"wrong-architecture"})) == {"wrong-architecture"}
    assert "wrong-architecture" not in rules(ignore=frozenset({"wrong-architecture"}))


def test_several_environments_have_labels(site: Path, tmp_path: Path) -> None:
    for folder in ("a", "b", "c::d"):
        add_distribution(tmp_path / folder / "env", "foo", files={"foo/_x.so": machos.bundle()})
    add_distribution(tmp_path / "env-2", "foo", files={"foo/_x.so": machos.bundle()})
    paths = [str(tmp_path / name) for name in ("env-2", "a/env", "b/env", "c::d/env")]
    found = run(Request(paths=(*paths, str(site)), target=ARM))
    labels = [environment.label for environment in found.environments]
    assert labels == ["env-2", "env", "env-3", "env-4", "site-packages"]
    assert "env-3::foo" in {check.subject for check in found.checks}
    assert len({check.subject for check in found.checks}) == len(found.checks)


def test_usage(tmp_path: Path) -> None:
    with pytest.raises(NothingToInspect):
        inspect(str(tmp_path / "nowhere"))
    with pytest.raises(InvalidTarget):
        inspect(str(tmp_path), "arm64")
    assert inspect(str(tmp_path), ARM).checks == ()


@pytest.mark.skipif(not os.path.exists("/proc"), reason="a Mac environment on Linux")
def test_a_foreign_environment_without_a_target_is_one_finding(site: Path) -> None:
    found = inspect(str(site))
    (finding,) = found.findings
    assert finding.severity == "error"
    assert "--archcheck-target=macosx_14_0_arm64" in finding.remedy
    assert found["numpy"].unasked


@pytest.mark.skipif(not os.path.exists("/proc"), reason="an iOS environment on Linux")
def test_files_for_ios_are_one_rule_for_any_target(tmp_path: Path) -> None:
    ios = machos.bundle(platform="ios", signed=False, libraries=["@rpath/Python.framework/Python"], minos="13.0")
    add_distribution(
        tmp_path, "foo", files={"foo/_x.cpython-313-iphoneos.so": ios}, tags=["cp313-cp313-ios_13_0_arm64_iphoneos"]
    )
    (finding,) = inspect(str(tmp_path)).findings
    assert finding.message.startswith("this is an environment for ios, and this machine is Linux ")
    assert [finding.rule for finding in inspect(str(tmp_path), ARM).findings] == ["wrong-platform"]


@pytest.mark.skipif(not os.path.exists("/proc"), reason="a Linux environment with one damaged file on Linux")
def test_a_damaged_file_does_not_make_an_environment_foreign(tmp_path: Path) -> None:
    add_distribution(tmp_path, "foo", files={"foo/_x.cpython-311-darwin.so": b""})
    assert [finding.rule for finding in inspect(str(tmp_path)).findings] == ["unreadable-binary"]


def test_two_distributions_that_record_one_file(tmp_path: Path) -> None:
    for name in ("opencv-python", "opencv-python-headless"):
        add_distribution(tmp_path, name, files={"cv2/cv2.abi3.so": machos.bundle()})
    add_distribution(tmp_path, "other", files={"other/_x.so": machos.bundle()})
    found = [finding for finding in inspect(str(tmp_path), ARM).findings if finding.rule == "contested-file"]
    assert [(finding.subject, finding.severity) for finding in found] == [
        ("opencv-python", "note"),
        ("opencv-python-headless", "note"),
    ]
    assert "also recorded by opencv-python-headless 1.0" in found[0].message
    assert f"uv pip uninstall --target {tmp_path} opencv-python-headless && " in found[0].remedy
    assert "--reinstall --no-deps --no-cache --link-mode=copy opencv-python==1.0; or the other way round" in found[0].remedy


def test_a_windows_target_judges_nothing(site: Path) -> None:
    assert failing(inspect(str(site), "win_amd64").findings) == []


def test_a_venv_of_another_machine(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "venv")
    add_distribution(site, "numpy", files={"numpy/_core.cpython-311-darwin.so": machos.bundle()})
    found = inspect(str(tmp_path / "venv"), ARM)
    assert failing(found.findings) == []
    assert found.interpreter is None


def test_a_tree_of_ruins(tmp_path: Path) -> None:
    random.seed(3)
    seeds = [machos.bundle(rpaths=["@loader_path"]), machos.fat(machos.dylib("x86_64"), machos.dylib()), bytes(elfs.Elf())]
    for number in range(150):
        data = bytearray(random.choice(seeds))  # noqa: S311 - no secret
        for _ in range(3):
            data[random.randrange(600)] = random.randrange(256)  # noqa: S311
        folder = random.choice(["foo", "foo/x.framework", "foo/tensorflow-plugins", "foo/bin"])  # noqa: S311
        write(tmp_path / folder / f"_{number}{random.choice(['.so', '.dylib', '', '.so.1'])}", bytes(data))  # noqa: S311
    write(tmp_path / "foo-1.0.dist-info" / "METADATA", b"\xff\xfe")
    write(tmp_path / "foo-1.0.dist-info" / "RECORD", b"foo/_1.so,\xff\n\0")
    for target in (ARM, "manylinux_2_28_x86_64"):
        found = inspect(str(tmp_path), target)
        assert any(finding.rule == "unreadable-binary" for finding in found.findings)
        assert all(finding.message and finding.remedy and finding.subject for finding in found.findings)


def test_one_line_says_what_an_inspection_holds(site: Path, tmp_path: Path) -> None:
    assert repr(inspect(str(site), ARM)) == (
        "<Inspection for macOS 14.0 arm64: distributions 4, compiled files 4, checks with errors 1 of 5>"
    )
    one = tmp_path / "one"
    add_distribution(one, "scipy", "1.14.1", {"scipy/_lib.so": machos.bundle()})
    inspection = inspect(str(one), ARM)
    assert repr(inspection).endswith("distributions 1, compiled files 1, checks with errors 0 of 2>")
    assert repr(inspection.distributions[0]) == f"<Distribution scipy 1.14.1 in {one}: compiled files 1>"
