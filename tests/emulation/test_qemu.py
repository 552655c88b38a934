"""The plugin in an emulated process: what it says of itself, of its packages and of what requires a native one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from support.foreign import ForeignPython

pytestmark = pytest.mark.corpus

EMULATED = "this Python runs as aarch64 under QEMU user mode on x86_64"


def _pytest(foreign: ForeignPython, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return foreign.run(folder, "-m", "pytest", "-p", "pytest_archcheck.plugin", "-p", "no:cacheprovider", *arguments)


def test_the_process_is_known_as_emulated_and_its_packages_as_healthy(foreign: ForeignPython, tmp_path: Path) -> None:
    result = _pytest(foreign, tmp_path, "archcheck", "--archcheck-json", "report.json")
    assert result.returncode == 0, result.stdout + result.stderr
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"] == "pass"
    interpreter = report["environment"]["interpreter"]
    assert (interpreter["emulation"], interpreter["architectures"]) == ("qemu", ["aarch64"])
    assert (report["target"]["system"], report["target"]["architecture"]) == ("linux", "aarch64")
    told = [(one["rule"], one["severity"], one["subject"]) for one in report["findings"] if one["severity"] != "note"]
    assert told == [("emulated-interpreter", "warning", "environment::interpreter")]
    owners = {
        one["name"]: {arch for file in one["binaries"] for arch in file["architectures"]} for one in report["distributions"]
    }
    assert owners["markupsafe"] == owners["pyyaml"] == {"aarch64"}
    assert f"{EMULATED}: its files are judged for what it is" in result.stdout
    assert "ArchcheckWarning" in result.stdout


@pytest.mark.parametrize(
    ("required", "status", "outcome"), [((), 0, "SKIPPED"), (("--archcheck-require", "native"), 1, "FAILED")]
)
def test_what_requires_a_native_process(
    foreign: ForeignPython, tmp_path: Path, required: tuple[str, ...], status: int, outcome: str
) -> None:
    (tmp_path / "test_speed.py").write_text("import pytest\n@pytest.mark.requires_native\ndef test_speed(): pass\n")
    result = _pytest(foreign, tmp_path, "-v", "-rs", "test_speed.py", *required)
    assert result.returncode == status, result.stdout + result.stderr
    assert f"test_speed.py::test_speed {outcome}" in result.stdout
    assert f"requires_native: {EMULATED}" in result.stdout
    assert ("archcheck::require::native FAILED" in result.stdout) is bool(required)
