"""What long work says on a terminal, and that it says nothing where nobody watches."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.sites import write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

#: A framework that takes its time to be imported; its numbers are Python's own.
ADAPTER = """
import time


def load():
    time.sleep(2.6)
    return "1.0"


def devices():
    return [{"name": "CPU:0", "kind": "cpu", "platform": "", "description": ""}]


def place(array, device):
    return array


def matmul(left, right, device):
    return left @ right


def device_of(tensor):
    return "CPU:0"


def read(tensor):
    return tensor
"""
CONFTEST = """
from pathlib import Path
from pytest_archcheck.accelerators.model import Framework

def pytest_archcheck_frameworks():
    adapter = str(Path(__file__).with_name("adapter.py"))
    return [Framework(name="slow", title="Slow", distributions=("pytest",), adapter=adapter)]
"""
#: Runs under a terminal of 100 columns.
INSPECTING = """
import time
from types import SimpleNamespace
from pytest_archcheck.plugin import progress

options = SimpleNamespace(verbose={verbose}, collectonly=False, plugins=[])
with progress.inspecting(SimpleNamespace(known_args_namespace=options), "/an/environment"):
    time.sleep(2.2)
print("done")
"""


def on_terminal(folder: Path, *command: str, **environment: str) -> str:
    """What a command writes to a terminal."""
    import pty  # noqa: PLC0415 - Windows has no such module

    leader, follower = pty.openpty()
    names = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_") and name not in ("CI", "BUILD_NUMBER")
    }
    names |= {"COLUMNS": "100", "TERM": "xterm", **environment}
    child = subprocess.Popen(
        [sys.executable, *command], cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=names
    )
    os.close(follower)
    said = b""
    try:
        while chunk := os.read(leader, 65536):
            said += chunk
    except OSError:  # Linux' way of saying that nobody writes any more
        pass
    finally:
        os.close(leader)
        child.wait(60)
    return said.decode("utf-8", "replace")


def screen(said: str) -> list[str]:
    """The lines that are left on a terminal."""
    lines = []
    for written in said.replace("\r\n", "\n").split("\n"):
        line: list[str] = []
        at = 0
        for char in written:
            if char == "\b":
                at -= 1
            elif char == "\r":
                at = 0
            else:
                line[at : at + 1] = [char]
                at += 1
        lines.append("".join(line).rstrip())
    return lines


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "adapter.py", ADAPTER)
    write(tmp_path / "conftest.py", CONFTEST)
    write(tmp_path / "pytest.ini", "[pytest]\n")
    return tmp_path


RUN = ("-m", "pytest", "archcheck::accelerator::slow", "-p", "no:cacheprovider", "--color=no")


@pytest.mark.parametrize("options", [(), ("-v",), ("-s",)], ids=["plain", "-v", "-s"])
def test_a_probe_says_what_it_is_at_and_leaves_nothing_behind(project: Path, options: tuple[str, ...]) -> None:
    said = on_terminal(project, *RUN, *options)
    assert "Slow: importing, 1 of 300 s" in said
    assert "Slow: importing, 2 of 300 s" in said
    left = screen(said)
    assert not [line for line in left if "of 300 s" in line]
    expected = "archcheck::accelerator::slow PASSED" if options == ("-v",) else "archcheck ."
    end = "." if options == ("-s",) else "[100%]"  # -s: pytest tells no progress of its own
    assert [line for line in left if line.startswith(expected) and line.endswith(end)], left


@pytest.mark.parametrize(
    ("options", "environment"),
    [(("-q",), {}), ((), {"CI": "true"}), ((), {"TERM": "dumb"}), (("-p", "no:terminal"), {})],
    ids=["-q", "CI", "dumb", "no terminal"],
)
def test_nobody_watches(project: Path, options: tuple[str, ...], environment: dict[str, str]) -> None:
    assert "of 300 s" not in on_terminal(project, *RUN, *options, "--archcheck-json=out.json", **environment)
    assert '"verdict": "pass"' in (project / "out.json").read_text(encoding="ascii")


def test_a_pipe_is_no_terminal(project: Path) -> None:
    result = subprocess.run([sys.executable, *RUN], cwd=project, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0
    assert "of 300 s" not in result.stdout + result.stderr


def test_an_inspection_says_that_it_goes_on(tmp_path: Path) -> None:
    said = on_terminal(tmp_path, "-c", INSPECTING.format(verbose=0))
    assert re.search(r"archcheck: inspecting /an/environment, [1-9]\d* s", said)  # a busy machine wakes up late
    assert [line for line in screen(said) if line] == ["done"]


def test_a_quiet_inspection(tmp_path: Path) -> None:
    assert on_terminal(tmp_path, "-c", INSPECTING.format(verbose=-1)).strip() == "done"
