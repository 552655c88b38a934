"""TensorFlow plugins against TensorFlows built for the purpose: what loads, where plugins lie, and what is said."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest
from support import machos
from support.sites import add_distribution
from support.sources import BytesSource
from support.wheels import write_wheel

from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.inspection import inspect
from pytest_archcheck.loader.macho_symbols import FLAT, MissingSymbol
from pytest_archcheck.loader.tensorflow_plugins import (
    PluginVerdict,
    check_plugin,
    find_plugin_folders,
    is_plugin,
    is_replaced,
    searched_directories,
    tensorflow_beside,
)
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.tensorflow_plugins import judge_plugin, judge_plugin_folders, judge_replaced

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.findings import Finding

INTERNAL = "@rpath/_pywrap_tensorflow_internal.so"
FRAMEWORK = "@rpath/libtensorflow_framework.2.dylib"
LOG = "__ZN3tsl8internal10LogMessageC1EPKcii"
PLUGIN = "tensorflow-plugins/libmetal_plugin.dylib"
ARM64 = Target.parse("macosx_14_0_arm64")


class Site:
    """A site-packages folder with one TensorFlow; the entry module re-exports what its framework library offers."""

    def __init__(self, folder: Path, arch: str = "arm64", internal: str = INTERNAL, **framework: Any) -> None:
        self.folder = folder
        self.binaries: list[Binary] = []
        offered = {"exports": ["_TF_NewBuffer", "_TF_Flat", LOG]} | framework
        self.add("tensorflow/libtensorflow_framework.2.dylib", machos.dylib(arch, install_name=FRAMEWORK, **offered))
        entry = machos.dylib(
            arch,
            install_name=internal,
            libraries=[machos.LIBSYSTEM, FRAMEWORK],
            rpaths=["@loader_path/.."],
            exports=["_TF_Local"],
            reexports=dict.fromkeys(("_TF_NewBuffer", LOG), (2, "")),
        )
        self.add("tensorflow/python/_pywrap_tensorflow_internal.so", entry)

    def add(self, path: str, data: bytes) -> Binary:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        binary = read_binary(path, str(self.folder), BytesSource(data), data[:4096])
        assert binary is not None
        self.binaries.append(binary)
        return binary

    def plugin(self, *symbols: str | tuple[str, int, bool], path: str = PLUGIN, **facts: Any) -> Binary:
        chosen = {"libraries": [INTERNAL, machos.LIBSYSTEM], "rpaths": ["/Users/builder/nowhere"]} | facts
        return self.add(path, machos.dylib(undefined=symbols, install_name="bazel-out/libmetal_plugin.dylib", **chosen))

    def check(self, plugin: Binary, architecture: str = "arm64") -> PluginVerdict:
        verdict = check_plugin(plugin, architecture, tensorflow_beside(plugin, self.binaries))
        assert verdict is not None
        return verdict


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site-packages")


def test_a_plugin_that_fits(site: Site) -> None:
    """Re-exported symbols, one looked up flat, one of the system: its rpath exists nowhere, install names decide."""
    symbols = ("_TF_NewBuffer", LOG, "_TF_Local", ("_TF_Flat", 0xFE, False), ("_malloc", 2, False))
    verdict = site.check(site.plugin(*symbols))
    assert verdict == PluginVerdict("arm64", found=4, unchecked=((machos.LIBSYSTEM, 1),))
    assert verdict.loads


def test_a_symbol_that_is_gone(tmp_path: Path) -> None:
    site = Site(tmp_path, exports=["_TF_NewBuffer", "_TF_Flat"])
    verdict = site.check(site.plugin("_TF_NewBuffer", LOG))
    assert [(symbol.name, symbol.library) for symbol in verdict.missing_symbols] == [(LOG, INTERNAL)]
    assert not verdict.loads


def test_an_install_name_that_is_gone(tmp_path: Path) -> None:
    """As TensorFlow 2.20 did: the file keeps its name, its install name does not."""
    site = Site(tmp_path, internal="bazel-out/lib_internal.dylib")
    verdict = site.check(site.plugin("_TF_NewBuffer"))
    assert verdict.missing_libraries == (INTERNAL,)
    assert not verdict.loads


def test_an_rpath_that_leads_there_helps(tmp_path: Path) -> None:
    site = Site(tmp_path, internal="bazel-out/lib_internal.dylib")
    verdict = site.check(site.plugin("_TF_NewBuffer", rpaths=["@loader_path/../tensorflow/python"]))
    assert verdict.loads
    assert verdict.found == 1


def test_a_weak_library_may_be_missing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.check(site.plugin(libraries=[("@rpath/other.dylib", "weak")])).loads


def test_flat_lookup_does_not_see_the_entry_module(site: Site) -> None:
    verdict = site.check(site.plugin(("_TF_Local", 0xFE, False)))
    assert [symbol.name for symbol in verdict.missing_symbols] == ["_TF_Local"]


def test_flat_names_that_may_come_from_elsewhere_are_unchecked(site: Site) -> None:
    verdict = site.check(site.plugin(("_objc_msgSend", 0xFE, False), ("_PyErr_Clear", 0xFE, False)))
    assert verdict.loads
    assert verdict.unchecked == (("flat namespace", 2),)


def test_nothing_to_decide(tmp_path: Path) -> None:
    site = Site(tmp_path, arch="x86_64")
    plugin = site.plugin("_TF_NewBuffer")
    assert check_plugin(plugin, "arm64", tensorflow_beside(plugin, site.binaries)) is None
    assert check_plugin(plugin, "x86_64", tensorflow_beside(plugin, site.binaries)) is None
    assert check_plugin(plugin, "arm64", []) is None


def test_the_tensorflow_of_the_same_folder_is_taken(tmp_path: Path) -> None:
    old, new = Site(tmp_path / "a", exports=["_TF_Flat"]), Site(tmp_path / "b")
    both = [*old.binaries, *new.binaries]
    for site, loads in ((old, False), (new, True)):
        plugin = site.plugin("_TF_NewBuffer")
        verdict = check_plugin(plugin, "arm64", tensorflow_beside(plugin, both))
        assert verdict is not None
        assert verdict.loads is loads


def test_tensorflow_below_a_prefix(tmp_path: Path) -> None:
    """Paths of conda's packages begin at the prefix; a package's own folder named tensorflow is not TensorFlow."""
    site = Site(tmp_path)
    plugin = site.plugin("_TF_NewBuffer")
    site.add("horovod/tensorflow/mpi_lib.so", machos.bundle())
    below = [binary._replace(path=f"lib/python3.11/site-packages/{binary.path}", location="/env") for binary in site.binaries]
    (moved,) = (binary for binary in below if binary.path.endswith(plugin.path))
    paths = [binary.path.removeprefix("lib/python3.11/site-packages/") for binary in tensorflow_beside(moved, below)]
    assert paths == [binary.path for binary in site.binaries if binary.path.startswith("tensorflow/")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PLUGIN, True),
        ("lib/site-packages/tensorflow-plugins/x.so", True),
        ("tensorflow-plugins/deeper/x.so", False),
        ("my-tensorflow-plugins/x.so", False),
        ("tensorflow-plugins/x.txt", False),
    ],
)
def test_what_is_a_plugin(site: Site, path: str, *, expected: bool) -> None:
    assert is_plugin(site.plugin()._replace(path=path)) is expected


# What is said


def distribution(name: str, version: str, location: str = "/site") -> Distribution:
    return Distribution(name=name, version=version, installer="pip", tags=(), location=location, binaries=())


METAL, TENSORFLOW = distribution("tensorflow-metal", "1.1.0"), distribution("tensorflow", "2.18.1")


def judge(
    site: Site, plugin: Binary, *, owner: Distribution = METAL, python: str | None = "3.11.7", **facts: Any
) -> list[Finding]:
    arguments: dict[str, Any] = {"tensorflow": TENSORFLOW, "target": ARM64} | facts
    return list(judge_plugin(owner, "tensorflow-metal", plugin, site.check(plugin), python=python, **arguments))


def test_a_plugin_that_fits_gives_no_finding(site: Site) -> None:
    assert judge(site, site.plugin("_TF_NewBuffer")) == []


def test_symbols_of_no_library_are_counted_apart(site: Site) -> None:
    missing = [
        MissingSymbol(name, library) for name, library in (("_TF_A", FLAT), ("_B", "lib"), ("_C", "lib"), ("_TF_D", FLAT))
    ]
    verdict = PluginVerdict("arm64", missing_symbols=tuple(missing))
    plugin = site.plugin("_TF_NewBuffer")
    (found,) = judge_plugin(METAL, "x", plugin, verdict, tensorflow=TENSORFLOW, target=ARM64, python=None)
    assert found.message.startswith("needs the symbol _B (and 1 other) and 2 of any library, which tensorflow 2.18.1 does not")


def test_a_plugin_alone_is_said_to_be_alone(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {PLUGIN: machos.dylib(libraries=["@rpath/libtensorflow_framework.2.dylib"])}
    add_distribution(tmp_path, "tensorflow-metal", files=files, tags=["cp311-cp311-macosx_11_0_arm64"])
    (found,) = inspect(str(tmp_path), "macosx_14_0_arm64").findings
    assert (found.rule, found.severity) == ("missing-library", "warning")
    assert "needs @rpath/libtensorflow_framework.2.dylib, and there is no TensorFlow in this environment" in found.message
    wheel = write_wheel(tmp_path / "dist", "tensorflow-metal", files)
    assert [(one.rule, one.severity) for one in inspect(str(wheel)).findings] == [("library-outside-environment", "note")]


def test_the_symbol_and_the_pair_to_install(site: Site) -> None:
    (found,) = judge(site, site.plugin("__ZN3tsl4goneEv"))
    assert (found.rule, found.severity, found.path) == ("plugin-incompatible", "error", PLUGIN)
    assert found.message.startswith("needs the symbol __ZN3tsl4goneEv, which tensorflow 2.18.1 does not offer")
    assert found.remedy == "pip install tensorflow==2.19.1 tensorflow-metal==1.2.0"


def test_the_library(tmp_path: Path) -> None:
    site = Site(tmp_path, internal="bazel-out/lib_internal.dylib")
    (found,) = judge(site, site.plugin("_TF_NewBuffer"))
    assert found.message.startswith(f"needs the library {INTERNAL}, which tensorflow 2.18.1 does not have")


@pytest.mark.parametrize(
    ("python", "remedy"),
    [
        ("3.9.1", "pip install tensorflow==2.19.1"),
        ("3.12.4", "pip install tensorflow==2.19.1"),
        (None, "pip install tensorflow==2.19.1"),
        ("3.13.0", "pip uninstall --yes tensorflow-metal"),
        ("3.14.0", "pip uninstall --yes tensorflow-metal"),
        ("3.8.10", "pip uninstall --yes tensorflow-metal"),
    ],
)
def test_the_remedy_fits_the_python(site: Site, python: str | None, remedy: str) -> None:
    (found,) = judge(site, site.plugin("_TF_gone"), python=python)
    assert found.remedy.startswith(remedy)


def test_remedies_for_other_plugins_and_for_tensorflow_macos(site: Site) -> None:
    plugin = site.plugin("_TF_gone")
    (found,) = judge(site, plugin, owner=distribution("my-plugin", "1"))
    assert found.remedy == "pip install --upgrade my-plugin tensorflow; or pip uninstall --yes my-plugin"
    (found,) = judge(site, plugin, tensorflow=distribution("tensorflow-macos", "2.15.0"))
    assert found.remedy.startswith("pip uninstall --yes tensorflow-macos && pip install tensorflow==2.19.1")


def test_a_newer_minimum_os_is_only_a_hint(site: Site) -> None:
    (found,) = judge(site, site.plugin("_TF_gone", minos="15.0"))
    assert "made for macOS 15.0 or newer" in found.message
    assert judge(site, site.plugin("_TF_NewBuffer", minos="15.0")) == []


# Where plugins lie


def plugin_folder(site: Path, name: str = "libmetal_plugin.dylib") -> str:
    folder = site / "tensorflow-plugins"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    return str(site)


def verdicts(searched: list[str], others: list[str] | None = None) -> list[tuple[str, str]]:
    folders = find_plugin_folders(searched, others or [])
    return [(found.rule, found.severity) for found in judge_plugin_folders(METAL, "tensorflow-metal", folders)]


def test_one_folder_searched_once_is_healthy(tmp_path: Path) -> None:
    one = plugin_folder(tmp_path / "site-packages")
    assert verdicts([one, one, str(tmp_path / "none")]) == []
    (tmp_path / "empty" / "tensorflow-plugins").mkdir(parents=True)
    assert verdicts([one], [str(tmp_path / "empty")]) == []


def test_one_folder_by_two_names(tmp_path: Path) -> None:
    one = plugin_folder(tmp_path / "venv" / "site-packages")
    os.symlink(tmp_path / "venv", tmp_path / "link")
    other = str(tmp_path / "link" / "site-packages")
    assert verdicts([one, other]) == [("plugin-loaded-twice", "error")]
    folders = find_plugin_folders([one, other])
    (found,) = judge_plugin_folders(METAL, "tensorflow-metal", folders)
    assert f"{one}/tensorflow-plugins, {other}/tensorflow-plugins" in found.message


def test_a_stale_plugin_in_the_user_site(tmp_path: Path) -> None:
    one, user = plugin_folder(tmp_path / "venv"), plugin_folder(tmp_path / "user")
    assert verdicts([user, one]) == [("plugin-loaded-twice", "error")]


def test_two_different_plugins_are_fine(tmp_path: Path) -> None:
    assert verdicts([plugin_folder(tmp_path / "a"), plugin_folder(tmp_path / "b", "libother.dylib")]) == []


def test_a_folder_that_is_not_searched(tmp_path: Path) -> None:
    aside = plugin_folder(tmp_path / "target")
    assert verdicts([], [aside]) == [("plugin-not-searched", "warning")]
    folders = find_plugin_folders([], [aside])
    (found,) = judge_plugin_folders(METAL, "tensorflow-metal", folders)
    assert found.remedy.endswith(f"TF_PLUGGABLE_DEVICE_LIBRARY_PATH={aside}/tensorflow-plugins")


def test_a_second_name_that_is_not_searched_is_harmless(tmp_path: Path) -> None:
    one = plugin_folder(tmp_path / "venv")
    os.symlink(tmp_path / "venv", tmp_path / "link")
    assert verdicts([one], [str(tmp_path / "link")]) == []


def test_the_directories_that_tensorflow_searches() -> None:
    path = ["/p/lib/python3.11", "/p/lib/python3.11/site-packages", "/project", "/home/me/pip-target"]
    found = searched_directories(
        path, user_site="/home/me/site", site_packages=["/p/lib/python3.11/site-packages"], library_paths=["/other/purelib"]
    )
    assert found == ["/home/me/site", "/p/lib/python3.11/site-packages", "/other/purelib"]
    assert searched_directories(path, user_site=None, site_packages=[], library_paths=[]) == ["/p/lib/python3.11/site-packages"]


# RECORD


def record(site: Site, plugin: Binary, line: str) -> str:
    folder = site.folder / "tensorflow_metal-1.1.0.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_text(f"tensorflow-plugins/__init__.py,,\n{line}\n", encoding="utf-8")
    assert (site.folder / plugin.path).exists()
    return str(folder)


def digest(plugin: Binary) -> str:
    with open(plugin.file, "rb") as file:
        return base64.urlsafe_b64encode(hashlib.sha256(file.read()).digest()).rstrip(b"=").decode()


def test_a_plugin_is_compared_with_its_record(site: Site) -> None:
    plugin = site.plugin()
    metadata = record(site, plugin, f"{PLUGIN},sha256={digest(plugin)},{plugin.size}")
    assert not is_replaced(plugin, metadata)
    other = site.plugin("_TF_other")
    assert is_replaced(other, metadata)
    found = judge_replaced(METAL, "tensorflow-metal", other)
    assert (found.rule, found.severity) == ("plugin-replaced", "warning")
    assert "tensorflow-metal 1.1.0" in found.message


def test_without_a_recorded_hash_nothing_is_claimed(site: Site) -> None:
    plugin = site.plugin()
    assert not is_replaced(plugin, record(site, plugin, f"{PLUGIN},,"))
    assert not is_replaced(plugin, str(site.folder / "nowhere.dist-info"))
