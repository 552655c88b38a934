"""Fake frameworks (an adapter file is all that a child needs) and real ones."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import frameworks

from pytest_archcheck.accelerators.model import TENSORFLOW, Framework

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An adapter whose "GPU" is a list of rows in memory; tests replace what shall go wrong.
_ADAPTER = """
import os, sys

def load():
    return "1.2.3"

def devices():
    return [
        {"name": "cpu", "kind": "cpu", "platform": "", "description": ""},
        {"name": "gpu:0", "kind": "gpu", "platform": "METAL", "description": "Fake"},
    ]

def place(array, device):
    return array, device

def matmul(left, right, device):
    return left[0] @ right[0], device

def device_of(tensor):
    return tensor[1]

def read(tensor):
    return tensor[0]
"""


@pytest.fixture
def make_framework(tmp_path: Path) -> frameworks.MakeFramework:
    """Write an adapter; what is given is added to the end and so replaces functions of the same name."""

    def make(changes: str = "") -> Framework:
        path = tmp_path / "adapter.py"
        path.write_text(_ADAPTER + textwrap.dedent(changes), encoding="utf-8")
        return Framework(name="fake", title="Fake", distributions=("fake",), adapter=str(path))

    return make


@pytest.fixture(scope="session")
def tensorflow_tree() -> Path:
    return frameworks.tree("tensorflow")


@pytest.fixture
def tensorflow(tensorflow_tree: Path, monkeypatch: pytest.MonkeyPatch) -> Framework:
    """Real TensorFlow for the children of this test."""
    monkeypatch.setenv("PYTHONPATH", str(tensorflow_tree))
    return TENSORFLOW


@pytest.fixture(scope="session")
def plugin_library(tensorflow_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frameworks.build_plugin(tensorflow_tree, tmp_path_factory.mktemp("device") / "libarchcheck_device.so")


@pytest.fixture
def device(
    tensorflow: Framework,  # noqa: ARG001 - the device is nothing without it
    plugin_library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> frameworks.Device:
    return frameworks.Device(plugin_library, tmp_path, monkeypatch)


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """Fail where a process that carries this test's mark in its environment outlives the test."""
    mark = f"ARCHCHECK_TEST_MARK={os.urandom(8).hex()}"
    name, _, value = mark.partition("=")
    os.environ[name] = value
    yield
    del os.environ[name]
    assert not list(_marked(mark.encode()))


def _marked(mark: bytes) -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) != os.getpid() and mark in _environment(entry):
            yield entry.name


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or a zombie
        return []
