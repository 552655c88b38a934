"""Examples of rules on what files load: libraries, symbols, TensorFlow's plugins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest_archcheck.loader.tensorflow_plugins
from support.examples.stage import CP311_ARM64, Example, Stage
from support.hosts import APPLE_SILICON
from support.machos import LIBSYSTEM, bundle, dylib, executable
from support.sites import add_distribution, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_archcheck.findings import Finding

_INTERNAL = "@rpath/_pywrap_tensorflow_internal.so"
_PLUGIN = "tensorflow-plugins/libmetal_plugin.dylib"


def _missing_library(stage: Stage) -> tuple[Finding, ...]:
    module = bundle(libraries=["@rpath/libhdf5.310.dylib", LIBSYSTEM], rpaths=["@loader_path/.dylibs"])
    add_distribution(stage.venv(), "h5py", "3.11.0", {"h5py/_errors.cpython-311-darwin.so": module}, tags=CP311_ARM64)
    return stage.inspect()


def _library_wrong_architecture(stage: Stage) -> tuple[Finding, ...]:
    site, homebrew = stage.venv(), "usr/local/opt/hdf5/lib/libhdf5.310.dylib"
    library = write(stage.folder / homebrew, dylib("x86_64", f"/{homebrew}"))
    module = bundle(libraries=[str(library), LIBSYSTEM])
    add_distribution(site, "h5py", "3.11.0", {"h5py/_errors.cpython-311-darwin.so": module}, tags=CP311_ARM64)
    return stage.inspect_running(site, executable(), APPLE_SILICON)


def _library_outside(stage: Stage) -> tuple[Finding, ...]:
    library = dylib(
        install_name="@rpath/lib_lightgbm.dylib",
        libraries=["@rpath/libomp.dylib", LIBSYSTEM],
        rpaths=["/opt/homebrew/opt/libomp/lib"],
    )
    files: dict[str, bytes | str] = {
        "lightgbm/lib/lib_lightgbm.dylib": library,
        "lightgbm/libpath.py": 'NAME = "lib_lightgbm.dylib"\n',
    }
    add_distribution(stage.venv(), "lightgbm", "4.5.0", files, tags=CP311_ARM64)
    return stage.inspect()


def _missing_symbol(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    library = "@rpath/libtorch_cpu.dylib"
    exports = ["__ZN5torch3jit17parseSchemaOrNameERKNSt3__112basic_stringIcNS1_11char_traitsIcEENS1_9allocatorIcEEEEb"]
    torch: dict[str, bytes | str] = {"torch/lib/libtorch_cpu.dylib": dylib(install_name=library, exports=exports)}
    add_distribution(site, "torch", "2.4.0", torch, tags=CP311_ARM64)
    wanted = "__ZN5torch3jit17parseSchemaOrNameERKNSt3__112basic_stringIcNS1_11char_traitsIcEENS1_9allocatorIcEEEE"
    module = bundle(libraries=[library, LIBSYSTEM], rpaths=["/Users/ec2-user/conda/lib"], undefined=[wanted])
    files: dict[str, bytes | str] = {"torchvision/_C.so": module}
    add_distribution(site, "torchvision", "0.18.0", files, tags=CP311_ARM64, requires=("torch (==2.3.0)",))
    return stage.inspect()


def _add_tensorflow(site: Path, version: str, install_name: str = _INTERNAL) -> None:
    entry = dylib(install_name=install_name, exports=["_TF_NewBuffer"])
    files: dict[str, bytes | str] = {"tensorflow/python/_pywrap_tensorflow_internal.so": entry}
    add_distribution(site, "tensorflow", version, files, tags=CP311_ARM64)


def _add_metal(site: Path, version: str, symbol: str = "_TF_NewBuffer") -> None:
    plugin = dylib(install_name="libmetal_plugin.dylib", libraries=[_INTERNAL, LIBSYSTEM], undefined=[symbol])
    add_distribution(site, "tensorflow-metal", version, {_PLUGIN: plugin}, tags=CP311_ARM64)


def _plugin_incompatible(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add_tensorflow(site, "2.20.0", "@rpath/libtensorflow_internal.dylib")
    _add_metal(site, "1.2.0")
    return stage.inspect()


def _search(stage: Stage, path: Sequence[Path], user_site: Path | None = None) -> None:
    """Let these be the directories of sys.path."""
    told = {
        "sys": SimpleNamespace(path=[str(entry) for entry in path]),
        "site": SimpleNamespace(
            ENABLE_USER_SITE=user_site is not None, getusersitepackages=lambda: str(user_site), getsitepackages=list
        ),
        "sysconfig": SimpleNamespace(get_paths=lambda: dict.fromkeys(("purelib", "platlib"), str(path[0]))),
    }
    for name, value in told.items():
        stage.patch.setattr(pytest_archcheck.loader.tensorflow_plugins, name, value)


def _plugin_twice(stage: Stage) -> tuple[Finding, ...]:
    site, user_site = stage.venv(), stage.folder / "Library/Python/3.11/lib/python/site-packages"
    _add_tensorflow(site, "2.19.1")
    _add_metal(site, "1.2.0")
    _add_metal(user_site, "1.1.0")
    _search(stage, [site], user_site)
    return stage.inspect_running(site, executable(), APPLE_SILICON)


def _plugin_not_searched(stage: Stage) -> tuple[Finding, ...]:
    site, vendored = stage.venv(), stage.folder / "vendored"
    _add_tensorflow(vendored, "2.19.1")
    _add_metal(vendored, "1.2.0")
    _search(stage, [site, vendored])
    return stage.inspect_running(vendored, executable(), APPLE_SILICON)


def _plugin_replaced(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    _add_tensorflow(site, "2.19.1")
    _add_metal(site, "1.2.0")
    write(site / _PLUGIN, dylib(install_name="libmetal_plugin.dylib", libraries=[_INTERNAL, LIBSYSTEM]))
    return stage.inspect()


EXAMPLES = (
    Example(
        "missing-library",
        "h5py 3.11.0 without the folder of libraries that its wheel brings.",
        ("h5py==3.11.0", "h5py!=3.11.0", "libhdf5.310.dylib"),
        _missing_library,
    ),
    Example(
        "library-wrong-architecture",
        "h5py 3.11.0, built for arm64 on a Mac whose Homebrew, in /usr/local, is the one for Intel.",
        ("h5py==3.11.0", "hdf5"),
        _library_wrong_architecture,
    ),
    Example(
        "library-outside-environment",
        "lightgbm 4.5.0, which takes libomp from Homebrew, for another Mac: target macOS 14.0 arm64.",
        ("libomp",),
        _library_outside,
    ),
    Example(
        "missing-symbol",
        "torchvision 0.18.0 beside torch 2.4.0, whose function of that name takes one argument more.",
        ("torchvision", "torch"),
        _missing_symbol,
    ),
    Example(
        "plugin-incompatible",
        "tensorflow-metal 1.2.0 beside tensorflow 2.20.0, which gave its internal library another name.",
        ("tensorflow", "tensorflow-metal"),
        _plugin_incompatible,
    ),
    Example(
        "plugin-loaded-twice",
        "tensorflow-metal 1.2.0 in the environment, and 1.1.0 left in the user site.",
        ("Library/Python/3.11/lib/python/site-packages/tensorflow-plugins/libmetal_plugin.dylib",),
        _plugin_twice,
    ),
    Example(
        "plugin-not-searched",
        "tensorflow 2.19.1 and tensorflow-metal 1.2.0, put into the folder vendored by pip install --target.",
        ("tensorflow-metal==1.2.0", "vendored/tensorflow-plugins"),
        _plugin_not_searched,
    ),
    Example(
        "plugin-replaced",
        "The plugin of tensorflow-metal 1.2.0, overwritten by another file.",
        ("tensorflow-metal==1.2.0",),
        _plugin_replaced,
    ),
)
