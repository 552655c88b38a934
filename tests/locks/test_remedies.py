"""What a lock's findings say to do: what mends it, and what locks it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM64 = "macosx_14_0_arm64"


def judge(
    tmp_path: Path, target: str, *packages: tuple[str, str, str], name: str = "uv.lock"
) -> dict[str, tuple[Finding, ...]]:
    """Findings of a lock in which ``demo`` requires these (name, version, tag of the only wheel)."""
    text = 'version = 1\nrequires-python = ">=3.9"\n[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
    text += "dependencies = [" + ", ".join(f'{{ name = "{package}" }}' for package, _, _ in packages) + "]\n"
    for package, version, tag in packages:
        wheel = f"https://example.invalid/{package.replace('-', '_')}-{version}-{tag}.whl"
        text += f'[[package]]\nname = "{package}"\nversion = "{version}"\n'
        text += f'source = {{ registry = "https://example.invalid" }}\nwheels = [{{ url = "{wheel}", hash = "sha256:00" }}]\n'
    (tmp_path / name).write_text(text, encoding="utf-8")
    _, checks = inspect_lock(str(tmp_path / name), Target.parse(target), "3.12")
    return {check.subject.rpartition("::")[2]: check.findings for check in checks}


def test_a_package_of_macos_alone_is_wanted_there_alone(tmp_path: Path) -> None:
    (found,) = judge(tmp_path, "manylinux_2_28_x86_64", ("metal", "1.2", "cp312-cp312-macosx_12_0_arm64"))["metal"]
    assert found.rule == "no-wheel-for-target"
    assert found.remedy == (
        "where it is required, say where it is wanted: metal ; sys_platform == 'darwin'; then lock again (uv lock)"
    )


def test_a_package_of_macos_alone_that_could_be_built(tmp_path: Path) -> None:
    """As pyobjc-core on Linux: no version has a wheel for that."""
    judge(tmp_path, ARM64, ("pyobjc-core", "13.0", "cp312-cp312-macosx_12_0_arm64"))
    lock = tmp_path / "uv.lock"
    sdist = 'sdist = { url = "https://example.invalid/pyobjc_core-13.0.tar.gz", hash = "sha256:00" }\n'
    lock.write_text(lock.read_text("utf-8").replace("wheels = ", sdist + "wheels = "), encoding="utf-8")
    _, (_, check) = inspect_lock(str(lock), Target.parse("manylinux_2_28_x86_64"), "3.12")
    (found,) = check.findings
    assert found.rule == "source-only"
    assert found.remedy.startswith("where it is required, say where it is wanted: pyobjc-core ; sys_platform == 'darwin'; then")


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.mac.toml"])
def test_a_pylock_that_was_made_for_one_machine(tmp_path: Path, name: str) -> None:
    pytest.importorskip("packaging.pylock", reason="packaging reads pylock.toml since 26.0")
    """``uv pip compile`` without ``--universal`` names the wheels of the machine that it runs on."""
    text = 'lock-version = "1.0"\ncreated-by = "uv"\n'
    for package in ("numpy", "scipy"):
        wheel = f"{package}-2.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        text += f'[[packages]]\nname = "{package}"\nversion = "2.0"\n'
        text += f'sdist = {{ url = "https://example.invalid/{package}-2.0.tar.gz", hashes = {{ sha256 = "00" }} }}\n'
        text += f'wheels = [{{ url = "https://example.invalid/{wheel}", hashes = {{ sha256 = "00" }} }}]\n'
    (tmp_path / name).write_text(text, encoding="utf-8")
    _, checks = inspect_lock(str(tmp_path / name), Target.parse(ARM64), "3.12")
    findings = [finding for check in checks for finding in check.findings]
    assert len(findings) == 2
    assert all("; the whole lock names wheels for Linux x86_64 only" in one.message for one in findings)
    assert all("its first lines' command with --universal" in one.remedy for one in findings)
    _, checks = inspect_lock(str(tmp_path / name), Target.parse("manylinux_2_28_x86_64"), "3.12")
    assert not any(check.findings for check in checks)


def test_another_processor_of_the_same_system_is_no_matter_of_markers(tmp_path: Path) -> None:
    (found,) = judge(tmp_path, ARM64, ("fast", "1.2", "cp312-cp312-macosx_12_0_x86_64"))["fast"]
    assert "sys_platform" not in found.remedy


def test_musl_is_another_image(tmp_path: Path) -> None:
    wheel = ("tensorflow", "2.18.0", "cp312-cp312-manylinux_2_17_x86_64")
    (found,) = judge(tmp_path, "musllinux_1_2_x86_64", wheel)["tensorflow"]
    assert found.remedy == "use a system with glibc: an image of Debian or Ubuntu (python:3.12-slim) instead of Alpine's"


@pytest.mark.parametrize(
    ("tensorflow", "metal", "loads"),
    [("2.19.1", "1.2.0", True), ("2.20.0", "1.2.0", False), ("2.21.0", "1.1.0", False), ("2.20.0", "1.3.0", True)],
)
def test_a_tensorflow_metal_that_does_not_load(tmp_path: Path, tensorflow: str, metal: str, *, loads: bool) -> None:
    packages = [
        ("tensorflow", tensorflow, "cp312-cp312-macosx_12_0_arm64"),
        ("tensorflow-metal", metal, "cp312-cp312-macosx_12_0_arm64"),
    ]
    found = judge(tmp_path, ARM64, *packages)
    assert found["tensorflow"] == ()
    assert [(one.rule, one.severity) for one in found["tensorflow-metal"]] == (
        [] if loads else [("plugin-incompatible", "warning")]
    )
    for one in found["tensorflow-metal"]:
        assert one.remedy.startswith(
            "require tensorflow==2.19.1 with tensorflow-metal==1.2.0, or no tensorflow-metal, and lock"
        )


def test_a_script_is_locked_again_as_one(tmp_path: Path) -> None:
    (found,) = judge(tmp_path, ARM64, ("fast", "1.2", "cp312-cp312-manylinux_2_17_x86_64"), name="tool.py.lock")["fast"]
    assert "lock again (uv lock --script tool.py)" in found.remedy
