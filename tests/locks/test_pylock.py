from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Finding

pytest.importorskip("packaging.pylock", reason="packaging reads pylock.toml since 26.0")

HEAD = 'lock-version = "1.0"\ncreated-by = "hand"\nrequires-python = ">=3.11"\n'


def package(name: str, *tags: str, extra: str = "") -> str:
    files = ", ".join(
        f'{{ url = "https://example.invalid/{name.replace("-", "_")}-1-{tag}.whl", hashes = {{ sha256 = "00" }} }}'
        for tag in tags
    )
    return f'\n[[packages]]\nname = "{name}"\nversion = "1"\n{extra}' + (f"wheels = [{files}]\n" if tags else "")


def judge(
    tmp_path: Path, content: str, target: str = "macosx_14_0_arm64", python: str = "3.12"
) -> tuple[Environment, dict[str, tuple[Finding, ...]]]:
    path = tmp_path / "pylock.toml"
    path.write_text(content)
    environment, checks = inspect_lock(str(path), Target.parse(target), python)
    return environment, {check.subject: check.findings for check in checks}


def test_markers_are_the_target_s(tmp_path: Path) -> None:
    content = (
        HEAD
        + package("mac", "cp312-cp312-macosx_11_0_arm64", extra="marker = \"sys_platform == 'darwin'\"\n")
        + package("tux", "cp312-cp312-manylinux_2_17_x86_64", extra="marker = \"sys_platform == 'linux'\"\n")
    )
    _, mac = judge(tmp_path, content)
    assert mac == {"pylock.toml::environment::packages": (), "pylock.toml::mac": ()}
    _, tux = judge(tmp_path, content, target="manylinux_2_28_x86_64")
    assert tux == {"pylock.toml::environment::packages": (), "pylock.toml::tux": ()}
    _, arm_tux = judge(tmp_path, content, target="manylinux_2_28_aarch64")
    assert [finding.rule for finding in arm_tux["pylock.toml::tux"]] == ["no-wheel-for-target"]


def test_groups_and_extras(tmp_path: Path) -> None:
    content = (
        HEAD
        + 'extras = ["plot"]\ndependency-groups = ["dev", "docs"]\ndefault-groups = ["dev"]\n'
        + package("tester", "py3-none-any", extra="marker = \"'dev' in dependency_groups\"\n")
        + package("writer", "py3-none-any", extra="marker = \"'docs' in dependency_groups\"\n")
        + package("plotter", "py3-none-any", extra="marker = \"'plot' in extras\"\n")
    )
    environment, found = judge(tmp_path, content)
    assert set(found) == {"pylock.toml::environment::packages", "pylock.toml::tester"}
    assert "not installed by default, not looked at: extra plot, group docs" in {
        skipped.reason for skipped in environment.skipped
    }


def test_a_package_for_another_python(tmp_path: Path) -> None:
    """PEP 751: where packages.requires-python does not hold, an installer must raise an error."""
    content = (
        HEAD
        + package("old", "py3-none-any", extra='requires-python = "<3.12"\n')
        + package("gone", "py3-none-any", extra='marker = "sys_platform == \'win32\'"\nrequires-python = "<3.8"\n')
    )
    assert judge(tmp_path, content, python="3.11")[1] == {"pylock.toml::environment::packages": (), "pylock.toml::old": ()}
    (finding,) = judge(tmp_path, content)[1]["pylock.toml::environment::packages"]
    assert finding.rule == "lock-excludes-target"
    assert finding.message.endswith(": its package old is locked for Python <3.12")


def test_sources(tmp_path: Path) -> None:
    archive = 'archive = {{ url = "https://example.invalid/{}", hashes = {{ sha256 = "00" }} }}\n'
    content = (
        HEAD
        + package("cloned", extra='vcs = { type = "git", url = "https://example.invalid/x", commit-id = "0123" }\n')
        + package("packed", extra=archive.format("packed-1.tar.gz"))
        + package("wheel", extra=archive.format("wheel-1-cp312-cp312-win_amd64.whl"))
        + package("mine", extra='directory = { path = ".", editable = true }\n')
        + package("sdist", extra='sdist = { url = "https://example.invalid/sdist-1.tar.gz", hashes = { sha256 = "00" } }\n')
    )
    environment, found = judge(tmp_path, content)
    assert {subject.split("::")[1]: [finding.rule for finding in findings] for subject, findings in found.items()} == {
        "environment": [],
        "cloned": ["source-only"],
        "packed": ["source-only"],
        "sdist": ["source-only"],
        "wheel": ["no-wheel-for-target"],
    }
    assert "built from their own folders, not looked at: mine" in {skipped.reason for skipped in environment.skipped}
    assert not any(skipped.reason.startswith("all wheels exist") for skipped in environment.skipped)


def test_environments_that_the_lock_is_for(tmp_path: Path) -> None:
    content = HEAD + "environments = [\"sys_platform == 'linux'\"]\n" + package("p", "py3-none-any")
    _, found = judge(tmp_path, content)
    assert [finding.rule for finding in found["pylock.toml::environment::packages"]] == ["lock-excludes-target"]
    _, found = judge(tmp_path, content, target="musllinux_1_2_aarch64")
    assert found["pylock.toml::environment::packages"] == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("created-by = 'x'\n", "no 'lock-version'"),
        ("lock-version = '9.0'\ncreated-by = 'x'\npackages = []\n", "schema"),
        ("lock-version = '1.0'\ncreated-by = 'x'\n", "packages"),
        ("lock-version = '1.0'\ncreated-by = 'x'\npackages = 7\n", "packages"),
        (HEAD + package("p", "py3-none-any", extra="marker = 'no marker'\n"), "marker"),
        (HEAD + package("p", "py3-none-any", extra=f"marker = '{'(' * 9000}'\n"), "marker"),
        ("lock-version = \n", "at line 1"),
    ],
    ids=range(7),
)
def test_bad_locks_name_file_and_reason(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(LockInvalid) as error:
        judge(tmp_path, content)
    assert str(error.value).startswith(str(tmp_path / "pylock.toml"))
    assert reason in error.value.reason
