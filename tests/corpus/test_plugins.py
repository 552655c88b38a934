"""tensorflow-metal against the TensorFlows that pip pairs it with, read from the real wheels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support import corpus

from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.loader.tensorflow_plugins import PluginVerdict, check_plugin, is_plugin, tensorflow_beside

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Environment

pytestmark = pytest.mark.corpus
INTERNAL = "@rpath/_pywrap_tensorflow_internal.so"


def environment(*pins: str) -> Environment:
    name = "-".join(pin.replace("==", "-") for pin in pins)
    return environment_at(str(corpus.installed(name, pins, "macos-arm64")))


def verdict(tensorflow: str, metal: str) -> PluginVerdict:
    """Of the plugin of one version and the TensorFlow of another, each installed once in a folder of its own."""
    framework = environment(f"tensorflow=={tensorflow}")
    (plugin,) = (binary for binary in environment(f"tensorflow-metal=={metal}").binaries if is_plugin(binary))
    started = time.perf_counter()
    found = check_plugin(plugin, "arm64", tensorflow_beside(plugin, framework.binaries))
    assert time.perf_counter() - started < 10  # 12 to 128 ms were measured; a bound, not a benchmark
    assert found is not None
    return found


def test_the_pinned_pair_loads(arm64_tensorflow: object) -> None:
    binaries = environment_at(str(arm64_tensorflow)).binaries
    (plugin,) = (binary for binary in binaries if is_plugin(binary))
    found = check_plugin(plugin, "arm64", tensorflow_beside(plugin, binaries))
    assert found is not None
    assert found.loads
    assert found.found > 100
    assert any(library.startswith("/System/Library/Frameworks/Metal.framework") for library, _ in found.unchecked)


@pytest.mark.parametrize("metal", ["1.0.1", "1.1.0"])
def test_tensorflow_2_18_took_a_symbol_away(arm64_tensorflow: object, metal: str) -> None:
    (plugin,) = (binary for binary in environment(f"tensorflow-metal=={metal}").binaries if is_plugin(binary))
    found = check_plugin(plugin, "arm64", tensorflow_beside(plugin, environment_at(str(arm64_tensorflow)).binaries))
    assert found is not None
    assert not found.missing_libraries
    assert "__ZN3tsl8internal10LogMessageC1EPKcii" in [symbol.name for symbol in found.missing_symbols]


def test_tensorflow_2_17_loads_the_plugin_of_its_time() -> None:
    assert verdict("2.17.1", "1.1.0").loads


def test_tensorflow_2_20_renamed_a_library() -> None:
    found = verdict("2.20.0", "1.2.0")
    assert found.missing_libraries == (INTERNAL,)
    assert not found.loads
