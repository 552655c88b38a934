"""Remedies that are commands, with pip's own dry run as the judge: each is possible, and moves the framework nowhere."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.outcomes import typed

from pytest_archcheck.accelerators.known_failures import TABLE
from pytest_archcheck.accelerators.model import Installed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(sys.version_info >= (3, 13) or sys.platform != "linux", reason="TensorFlow 2.18.1 has no wheels there"),
]

NAME, VERSION = "tensorflow-cpu", "2.18.1"


def pip(python: Path, *arguments: str) -> dict[str, Any]:
    """What pip would install, by its report; it downloads metadata only."""
    command = [str(python), "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    report: dict[str, Any] = json.loads(done.stdout)
    return {re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): item["metadata"] for item in report["install"]}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment with the metadata of TensorFlow and of all it requires, and no files: pip reads no more."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    for metadata in pip(python, f"{NAME}=={VERSION}", "setuptools").values():
        name, version = re.sub(r"[-.]+", "_", metadata["name"]), metadata["version"]
        if list(site.glob(f"{name}-*.dist-info")):
            continue
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        requires = "".join(f"Requires-Dist: {one}\n" for one in metadata.get("requires_dist", ()))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: {version}\n{requires}")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")
    return python


#: A command that begins with ``{install}`` or ``{upgrade}``, with what it asks for.
_WORD = r"(?: '[^']+'| numpy| protobuf| setuptools| \{pinned\}|\{keep\})"
_COMMAND = re.compile(rf"\{{(?:install|upgrade)\}}{_WORD}+")
#: What the rows ask for; GENCODE stands for the version in the message, 5.28.3 in the text that was seen.
COMMANDS = sorted({found.replace("GENCODE", "5.28.3") for known in TABLE for found in _COMMAND.findall(known.remedy)})


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_possible_and_keeps_tensorflow(command: str, environment: Path) -> None:
    words = shlex.split(typed(command, Installed(NAME, VERSION, "pip")))[2:]
    if "numpy<1.24" in words:
        words = [word if word != "numpy<1.24" else "numpy<1.27" for word in words]  # TensorFlow 2.8's; 2.18 is not met by it
    would = pip(environment, *words)
    assert NAME not in would
    assert not {name for name in would if name.startswith("tensorflow")}


def test_files_are_put_there_again_and_nothing_else_is_touched(environment: Path) -> None:
    words = shlex.split(typed("{again}", Installed(NAME, VERSION, "pip")))
    assert words[:2] == ["pip", "install"]
    would = pip(environment, *(word for word in words[2:] if word != "--no-cache-dir"))
    assert {name: one["version"] for name, one in would.items()} == {NAME: VERSION}
