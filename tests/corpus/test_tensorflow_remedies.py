"""What is said of pairs around TensorFlow for a Mac, typed: uv installs the real wheels, and they are judged again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import corpus
from support.shells import Shell, open_shell

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_archcheck.findings import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.tensorflow,
    pytest.mark.skipif(sys.platform != "linux", reason="the folders are filled for a Mac from here"),
]

ARM64 = "macosx_14_0_arm64"
FOR_A_MAC = ("--python-platform", "aarch64-apple-darwin", "--python-version", "3.11", "--only-binary", ":all:")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.setenv("UV_LINK_MODE", "copy")
    yield open_shell(tmp_path)
    shutil.rmtree(tmp_path)  # a gigabyte


def filled(shell: Shell, tree: Path, *pins: str) -> Path:
    """A folder with the files of a cached tree, and these over it."""
    site = shell.folder / "my site"
    # As links: installers take a file away before they write another.
    shutil.copytree(tree, site, copy_function=os.link, symlinks=True)
    put = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(site), *FOR_A_MAC, "--no-deps", *pins]
    subprocess.run(put, check=True, timeout=600, env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"})
    return site


def said(site: Path) -> list[Finding]:
    return [finding for finding in inspect(str(site), ARM64).findings if finding.severity != "note"]


def test_a_numpy_that_tensorflow_does_not_take(shell: Shell) -> None:
    tree = corpus.installed("tensorflow-2.17.1", ["tensorflow==2.17.1"], "macos-arm64")
    site = filled(shell, tree, "numpy==2.0.2")
    (finding,) = (one for one in said(site) if one.rule == "conflicting-distributions")
    shell.type(finding.remedy)
    assert [one for one in said(site) if one.rule == "conflicting-distributions"] == []
    assert list(site.glob("numpy-1.*.dist-info"))


def test_a_tensorflow_for_which_there_is_no_metal(shell: Shell) -> None:
    """TensorFlow 2.20 with tensorflow-metal 1.2.0, which nothing else in that folder requires."""
    tree = corpus.installed("tensorflow-2.20.0", ["tensorflow==2.20.0"], "macos-arm64")
    site = filled(shell, tree, "tensorflow-metal==1.2.0")
    (finding,) = (one for one in said(site) if one.rule == "plugin-incompatible")
    shell.type(finding.remedy)
    assert said(site) == []
    assert list(site.glob("tensorflow-2.19.1.dist-info"))


def test_two_distributions_of_tensorflow(shell: Shell) -> None:
    """Both go, and the one that is wanted comes again."""
    tree = corpus.installed("tensorflow-2.20.0", ["tensorflow==2.20.0"], "macos-arm64")
    site = filled(shell, tree, "tensorflow-macos==2.16.2")
    (finding,) = (one for one in said(site) if one.rule == "conflicting-distributions")
    shell.type(finding.remedy)
    assert said(site) == []
    assert len(list(site.glob("tensorflow*2*.dist-info"))) == 1
