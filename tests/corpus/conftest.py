"""Trees of real wheels; each is downloaded once (see ``support/corpus.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import corpus
from support.shells import open_shell

if TYPE_CHECKING:
    from pathlib import Path

    from support.shells import Shell


@pytest.fixture(scope="session")
def arm64_tensorflow() -> Path:
    """TensorFlow 2.18 with tensorflow-metal for Apple Silicon and macOS 14: 397 Mach-O files in more than 28,000."""
    return corpus.arm64_tensorflow()


@pytest.fixture(scope="session")
def mixed_tensorflow(arm64_tensorflow: Path) -> Path:
    """The same with numpy and h5py from their x86_64 wheels."""
    pins = [pin for pin in corpus.read_pins("arm64-tensorflow") if pin.startswith(("numpy==", "h5py=="))]
    over = corpus.installed("x86_64-numpy-h5py", pins, "macos-x86_64")
    return corpus.merged("mixed-tensorflow", arm64_tensorflow, over)


@pytest.fixture(scope="session")
def arm64_popular() -> Path:
    """Compiled projects of many build systems, for Apple Silicon and macOS 14."""
    return corpus.installed("arm64-popular", corpus.read_pins("arm64-popular"), "macos-arm64")


@pytest.fixture(scope="session")
def linux_aarch64() -> Path:
    """A scientific stack for Linux aarch64 with glibc 2.28."""
    return corpus.installed("linux-aarch64", corpus.read_pins("linux-aarch64"), "linux-aarch64")


@pytest.fixture
def files_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uv copy files: as links into its cache, what a test tears would be torn for every environment of this machine."""
    monkeypatch.setenv("UV_LINK_MODE", "copy")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Where remedies are typed."""
    return open_shell(tmp_path)
