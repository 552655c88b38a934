"""Device plugins of JAX that fail, in real JAX: a library of our own that speaks PJRT as far as it must."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support import faults, frameworks

from pytest_archcheck.accelerators import process
from pytest_archcheck.accelerators.model import JAX
from pytest_archcheck.accelerators.probe import probe

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.usefixtures("no_process_left"),
    pytest.mark.skipif(sys.platform != "linux", reason="built with gcc"),
]

LONG = 300.0

_MODULE = """
import os
import jax._src.xla_bridge as bridge

def initialize():
    library = os.path.join(os.path.dirname(__file__), "libmade_up.so")
    bridge.register_plugin("made_up", priority=500, library_path=library)
"""


@pytest.fixture(scope="module")
def deadline() -> float:
    """Seconds that JAX does not need even on a busy machine, from what a probe of it took just now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(frameworks.tree("jax")))
        return max(10.0, 4 * probe(JAX, LONG).seconds)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin, where JAX finds it."""
    folder = tmp_path / "jax_plugins" / "made_up"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(_MODULE, encoding="utf-8")
    source = Path(__file__).parent / "device" / "pjrt.c"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(frameworks.tree("jax"))]))
    built = frameworks.build_library(source.read_text(encoding="utf-8"), tmp_path / "libbuilt.so")
    return built.rename(folder / "libmade_up.so")


@pytest.mark.parametrize("fault", faults.PJRT, ids=lambda one: one.name)
def test_faults(library: Path, deadline: float, fault: faults.Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHCHECK_PJRT_FAULT", fault.name)
    outcome = probe(JAX, deadline if fault.rule == "probe-timeout" else LONG)
    assert (outcome.status, outcome.stage, fault.words in outcome.message) == (fault.rule, "devices", True), outcome
    assert outcome.remedy.startswith(f"get the CPU back: take {library} away; then")
    if "Error" not in outcome.text:  # a stack, whose innermost call is JAX's own
        assert "jaxlib/xla_client.py" in outcome.text
        assert process.CHILD not in outcome.text


@pytest.mark.usefixtures("library")
def test_another_version_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    # jaxlib 0.6.2 takes any minor version as long as nobody tells it not to.
    monkeypatch.setenv("ENABLE_PJRT_COMPATIBILITY", "0")
    outcome = probe(JAX, LONG)
    assert outcome.status == "plugin-incompatible"
    assert "Mismatched PJRT plugin PJRT API version (0.47) and framework PJRT API version 0.70" in outcome.message
    assert "jax==0.5.0 jaxlib==0.5.0" in outcome.remedy


def test_a_plugin_that_jax_leaves_out_is_named(library: Path) -> None:
    library.write_bytes(library.read_bytes()[:40])  # less than the 64 bytes of an ELF header
    outcome = probe(JAX, LONG)
    assert outcome.status == "no-gpu"
    assert "sees no GPU; its CPU computes; it left out jax_plugins.made_up: " in outcome.message
    assert "Failed to open " in outcome.message
