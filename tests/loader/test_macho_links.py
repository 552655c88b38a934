"""Which file dyld would take for every linked library, on environments made of built files."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import machos
from support.sites import add_distribution, make_venv, write

from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.loader.macho_links import MachOLinks
from pytest_archcheck.loader.optional import PythonSources
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.discover.model import Environment

MODULE = "foo/_x.cpython-311-darwin.so"
SYSTEM = machos.LIBSYSTEM


def links_of(environment: Environment, target: Target) -> MachOLinks:
    return MachOLinks(environment, target, PythonSources(environment.distributions))


def links(site: Path, files: dict[str, bytes], target: str = "macosx_14_0_arm64", *, host: bool = False) -> MachOLinks:
    add_distribution(site, "foo", files=files)
    parsed = Target.parse(target)
    facts = {name: getattr(parsed, name) for name in ("tag", "system", "architectures", "os_version")}
    return links_of(environment_at(str(site)), Target(**facts, is_host=host))


def statuses(found: MachOLinks) -> dict[str, str]:
    """Linked library -> what became of it, the system's own apart."""
    return {link.library.name: link.resolution.status for link in found.search.links() if link.library.name != SYSTEM}


def module(library: str, *rpaths: str, **facts: Any) -> bytes:
    return machos.bundle(libraries=[SYSTEM, library], rpaths=rpaths, **facts)


@pytest.mark.parametrize(
    ("library", "rpaths", "place", "status"),
    [
        ("@rpath/liba.dylib", ["@loader_path/.dylibs"], "foo/.dylibs/liba.dylib", "found"),
        ("@rpath/liba.dylib", ["/nowhere", "@loader_path/../lib"], "lib/liba.dylib", "found"),
        ("@rpath/liba.dylib", ["@loader_path/."], "foo/liba.dylib", "found"),
        ("@rpath/liba.dylib", ["@loader_path"], "foo/liba.dylib", "found"),
        ("@rpath/sub/liba.dylib", ["@loader_path"], "foo/sub/liba.dylib", "found"),
        ("@loader_path/.dylibs/liba.dylib", [], "foo/.dylibs/liba.dylib", "found"),
        ("@loader_path/../foo/liba.dylib", [], "foo/liba.dylib", "found"),
        ("@rpath/liba.dylib", ["@loader_path/lib"], "other/liba.dylib", "loaded"),
        ("@rpath/liba.dylib", [], "foo/liba.dylib", "loaded"),
        ("@rpath/libb.dylib", ["@loader_path"], "foo/liba.dylib", "absent"),
        ("@loader_path/libb.dylib", [], "foo/liba.dylib", "absent"),
        ("@rpath/libb.dylib", ["/opt/homebrew/lib"], "foo/liba.dylib", "outside"),
        ("@rpath/libb.dylib", ["/Users/runner/build/lib"], "foo/liba.dylib", "absent"),
        ("/opt/homebrew/opt/libomp/lib/libomp.dylib", [], "foo/liba.dylib", "outside"),
        ("/usr/lib/libz.1.dylib", [], "foo/liba.dylib", "system"),
        ("/System/Library/Frameworks/Metal.framework/Metal", [], "foo/liba.dylib", "system"),
        ("@rpath/libswiftCore.dylib", ["/usr/lib/swift"], "foo/liba.dylib", "system"),
        ("@rpath/libb.dylib", ["/usr/lib/swift"], "foo/liba.dylib", "absent"),
        ("liba.dylib", [], "foo/other.dylib", "absent"),
        ("@rpath/libpython3.11.dylib", [], "foo/other.dylib", "system"),  # a folder of packages, without their Python
        ("/opt/homebrew/lib/libpython3.11.dylib", [], "foo/other.dylib", "outside"),
        ("", [], "foo/liba.dylib", "absent"),
        ("@rpath/", ["@loader_path"], "foo/liba.dylib", "absent"),
    ],
)
def test_one_link(tmp_path: Path, library: str, rpaths: list[str], place: str, status: str) -> None:
    found = links(tmp_path, {MODULE: module(library, *rpaths), place: machos.dylib(install_name="@rpath/liba.dylib")})
    assert statuses(found)[library] == status


@pytest.mark.parametrize(
    ("library", "sdk", "status"),
    [
        ("@rpath/libz.1.dylib", "12.3", "system"),
        ("@loader_path/libc++.1.dylib", "11.0", "system"),
        ("@rpath/libz.1.dylib", "13.0", "absent"),
        ("@rpath/libown.dylib", "12.3", "absent"),
    ],
)
def test_dyld_looks_in_usr_lib_too_for_older_sdks(tmp_path: Path, library: str, sdk: str, status: str) -> None:
    assert statuses(links(tmp_path, {MODULE: module(library, sdk=sdk)}))[library] == status


def test_rpaths_are_inherited_from_those_who_load(tmp_path: Path) -> None:
    files = {
        MODULE: module("@loader_path/lib/liba.dylib", "@loader_path/more"),
        "foo/lib/liba.dylib": machos.dylib(install_name="x", libraries=["@loader_path/libb.dylib"]),
        "foo/lib/libb.dylib": machos.dylib(install_name="y", libraries=["@rpath/libc.dylib"]),
        "foo/more/libc.dylib": machos.dylib(install_name="z"),
    }
    assert set(statuses(links(tmp_path, files)).values()) == {"found"}


def test_the_program_of_a_venv_brings_rpaths_and_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "python/bin/python3", machos.executable(rpaths=["@executable_path/../lib"]))
    write(tmp_path / "python/lib/python3.11/lib-dynload/libp.dylib", machos.dylib(install_name="p"))
    site = make_venv(tmp_path / "venv")
    write(tmp_path / "venv/pyvenv.cfg", f"home = {tmp_path}/python/bin\nversion = 3.11.7\n")
    libraries = ["@executable_path/../lib/python3.11/lib-dynload/libp.dylib", "@rpath/python3.11/lib-dynload/libp.dylib"]
    add_distribution(site, "foo", files={MODULE: machos.bundle(libraries=libraries)})
    found = links_of(environment_at(str(tmp_path / "venv")), Target.parse("macosx_14_0_arm64"))
    assert set(statuses(found).values()) == {"found"}


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_links_on_disk_lead_to_the_file_that_was_read(tmp_path: Path) -> None:
    site = tmp_path / "real"
    found = None
    write(site / "foo/liba.1.dylib", machos.dylib(install_name="a"))
    (site / "foo/liba.dylib").symlink_to("liba.1.dylib")
    (tmp_path / "site").symlink_to(site)
    found = links(tmp_path / "site", {MODULE: module("@loader_path/liba.dylib")})
    (link,) = (link for link in found.search.links() if link.library.name != SYSTEM)
    assert link.resolution.provider
    assert link.resolution.provider.path == "foo/liba.1.dylib"


def broken(found: MachOLinks) -> list[tuple[str, str, bool]]:
    return [(link.library.name, link.status, link.required) for link in found.broken()]


def test_a_host_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "homebrew/liba.dylib", machos.dylib())
    write(tmp_path / "homebrew/libi.dylib", machos.dylib("x86_64"))
    names = [str(tmp_path / "homebrew" / name) for name in ("liba.dylib", "libi.dylib", "gone.dylib")]
    found = links(tmp_path / "site", {MODULE: machos.bundle(libraries=names)}, host=True)
    assert broken(found) == [(names[1], "wrong-architecture", True), (names[2], "absent", True)]


@pytest.mark.parametrize("kind", ["regular", "reexport", "weak"])
def test_only_weak_links_may_break(tmp_path: Path, kind: str) -> None:
    found = links(tmp_path, {MODULE: machos.bundle(libraries=[("@rpath/gone.dylib", kind)])})
    assert broken(found) == ([] if kind == "weak" else [("@rpath/gone.dylib", "absent", True)])


def test_a_library_of_the_wrong_architecture(tmp_path: Path) -> None:
    files = {MODULE: module("@loader_path/liba.dylib"), "foo/liba.dylib": machos.dylib("x86_64")}
    assert broken(links(tmp_path, files)) == [("@loader_path/liba.dylib", "wrong-architecture", True)]
    files["foo/liba.dylib"] = machos.fat(machos.dylib("x86_64"), machos.dylib("arm64"))
    assert broken(links(tmp_path, files)) == []


def test_a_library_for_newer_intel_processors_serves_intel(tmp_path: Path) -> None:
    files = {
        MODULE: module("@loader_path/liba.dylib", arch="x86_64"),
        "foo/liba.dylib": machos.dylib("x86_64h", install_name="a"),
    }
    assert broken(links(tmp_path, files, "macosx_14_0_x86_64")) == []


def test_what_another_python_left_behind_may_lack_a_library(tmp_path: Path) -> None:
    write(tmp_path / "python/bin/python3", machos.executable())
    site = make_venv(tmp_path / "venv")
    write(tmp_path / "venv/pyvenv.cfg", f"home = {tmp_path}/python/bin\nversion = 3.11.7\n")
    files = {MODULE.replace("311", version): module("@rpath/gone.dylib") for version in ("39", "311")}
    add_distribution(site, "foo", files=files)
    found = links_of(environment_at(str(tmp_path / "venv")), Target.parse("macosx_14_0_arm64"))
    assert {link.binary.path: link.required for link in found.broken()} == {MODULE: True, MODULE.replace("311", "39"): False}


def test_slices_that_the_target_does_not_use_do_not_count(tmp_path: Path) -> None:
    data = machos.fat(machos.bundle("x86_64", libraries=["@rpath/gone.dylib"]), machos.bundle("arm64"))
    assert broken(links(tmp_path, {MODULE: data})) == []
    assert len(broken(links(tmp_path, {MODULE: data}, "macosx_14_0_universal2"))) == 1


def test_what_a_package_gets_by_without(tmp_path: Path) -> None:
    plugin = machos.dylib(install_name="q", libraries=["@rpath/gone.dylib"])
    found = links(tmp_path, {"foo/plugins/libqsql.dylib": plugin, "foo/__init__.py": b"import os\n"})
    assert broken(found) == [("@rpath/gone.dylib", "absent", False)]
    write(tmp_path / "foo/__init__.py", "import ctypes\nctypes.CDLL('plugins/libqsql.dylib')\n")
    assert broken(links(tmp_path, {})) == [("@rpath/gone.dylib", "absent", True)]


@pytest.mark.parametrize(("framework", "required"), [({}, False), ({"torch/_C.abi3.so": machos.bundle()}, True)])
def test_operators_for_a_framework_that_is_not_installed(tmp_path: Path, framework: dict[str, bytes], required: bool) -> None:  # noqa: FBT001 - a parameter
    operators = machos.dylib(install_name="@rpath/foo_ops.dylib", libraries=["@rpath/libtorch_cpu.dylib"])
    files = {"foo/foo_ops.dylib": operators, "foo/ml/torch.py": b"import torch\ntorch.ops.load_library('foo_ops.dylib')\n"}
    assert broken(links(tmp_path, files | framework)) == [("@rpath/libtorch_cpu.dylib", "absent", required)]


#: torchaudio's way to FFmpeg: whichever version is there.
FAMILY = """
def find(version):
    name = f"foo.lib._ffmpeg{version}"
    return importlib.import_module(name)

def any_of():
    for version in ("6", "5"):
        try:
            return find(version)
        except Exception:
            continue
    raise ImportError
"""


@pytest.mark.parametrize(("source", "required"), [(FAMILY, False), ("from foo.lib import _ffmpeg6, _ffmpeg5\n", True)])
def test_a_numbered_family_of_which_one_is_taken(tmp_path: Path, source: str, required: bool) -> None:  # noqa: FBT001 - a parameter
    files = {f"foo/lib/_ffmpeg{version}.so": module(f"@rpath/libav.{version}.dylib") for version in (5, 6)}
    found = links(tmp_path, {**files, "foo/ffmpeg.py": source.encode()})
    assert [one.required for one in found.broken()] == [required, required]


@pytest.mark.parametrize(
    ("files", "required"),
    [
        ({"foo/auth/kerberos_client.py": b"NAME = 'kerberos_client'"}, False),  # mysql-connector's plugin has a namesake
        ({"foo/plugins/__init__.py": b""}, True),
        ({"foo/auth.py": b"from foo.plugins.kerberos_client import login"}, True),
        ({"foo/auth.py": b"CDLL(folder / 'kerberos_client.so')"}, True),
    ],
)
def test_what_lies_in_no_package_and_is_named_nowhere_is_a_plugin(
    tmp_path: Path,
    files: dict[str, bytes],
    required: bool,  # noqa: FBT001 - a parameter
) -> None:
    plugin = {"foo/__init__.py": b"", "foo/plugins/kerberos_client.so": module("@loader_path/libgone.dylib")}
    found = broken(links(make_venv(tmp_path), {**plugin, **files}))
    assert found == [("@loader_path/libgone.dylib", "absent", required)]


def test_a_library_that_is_named_just_before_an_optional_module(tmp_path: Path) -> None:
    source = b"def sox():\n    load('libsoxes')\n    return import_module('foo._sox')\n"
    library = machos.dylib(install_name="@rpath/libsoxes.so", libraries=["@rpath/libsox.dylib"])
    files = {"foo/libsoxes.so": library, "foo/_sox.so": module("@rpath/libsoxes.so"), "foo/x.py": source}
    assert [(name, required) for name, status, required in broken(links(tmp_path, files)) if status == "absent"] == [
        ("@rpath/libsox.dylib", False)
    ]


STUB = machos.executable(libraries=["@loader_path/libpython3.11.dylib"])


def test_a_program_that_people_type_needs_its_libraries(tmp_path: Path) -> None:
    """panda3d has them all: a tool by a console script, a stub that is copied, and a program that a wrapper starts."""
    wrapped = machos.executable(libraries=["@executable_path/libMaya.dylib"])
    scripts = "[console_scripts]\nthe-parse = tools:parse\ndeploy-stub = tools:stub\negg2maya = tools:egg2maya\n"
    files = {"tools/the_parse": STUB, "tools/deploy-stub": STUB, "tools/egg2maya_bin": wrapped, "tools/__init__.py": b""}
    add_distribution(tmp_path, "tools", files=files, extra_metadata={"entry_points.txt": scripts})
    found = links_of(environment_at(str(tmp_path)), Target.parse("macosx_14_0_arm64"))
    assert {one.binary.path: one.required for one in found.broken()} == {
        "tools/the_parse": True,
        "tools/deploy-stub": False,
        "tools/egg2maya_bin": False,
    }


@pytest.mark.parametrize(
    "library",
    [
        "@loader_path/.dylibs/libheif.dylib",  # pillow-heif: an object that raises later stands in for the module
        "@loader_path/../foo.dylibs/libvips.42.dylib",  # pyvips-binary
        "@loader_path/../deep/_native.cpython-311-darwin.so",  # ddtrace
    ],
)
def test_what_only_the_wheel_can_bring_is_missed_whatever_the_package_makes_of_it(tmp_path: Path, library: str) -> None:
    source = b"try:\n    from . import _heif\nexcept ImportError as e:\n    _heif = Deferred(e)\n"
    found = links(tmp_path, {"foo/_heif.so": module(library), "foo/__init__.py": source})
    assert [one.required for one in found.broken()] == [True]


def test_a_library_that_its_distribution_brought_is_missed(tmp_path: Path) -> None:
    plugin = machos.dylib(install_name="@rpath/libplugin.dylib", libraries=["@loader_path/libown.dylib"])
    add_distribution(tmp_path, "foo", files={"foo/libplugin.dylib": plugin, "foo/libown.dylib": machos.dylib()})
    (tmp_path / "foo/libown.dylib").unlink()
    (found,) = links_of(environment_at(str(tmp_path)), Target.parse("macosx_14_0_arm64")).broken()
    assert (found.lost, found.required) == (True, True)


def test_a_copy_by_another_name_serves_nobody(tmp_path: Path) -> None:
    """eccodeslib: what were symbolic links are copies in a wheel, all with one install name."""
    copies = {
        f"foo/lib/{name}.dylib": machos.dylib(install_name="@rpath/liba.0.dylib") for name in ("liba", "liba.0", "liba.0.1")
    }
    user = machos.dylib(install_name="@rpath/libuser.dylib", libraries=["@rpath/liba.0.dylib"], rpaths=["@loader_path"])
    add_distribution(tmp_path, "foo", files={**copies, "foo/lib/libuser.dylib": user})
    assert list(links_of(environment_at(str(tmp_path)), Target.parse("macosx_14_0_arm64")).broken()) == []
    (tmp_path / "foo/lib/liba.0.dylib").unlink()
    (found,) = links_of(environment_at(str(tmp_path)), Target.parse("macosx_14_0_arm64")).broken()
    assert (found.status, found.lost, found.required) == ("absent", True, True)


def test_what_tests_read_may_lack_a_library(tmp_path: Path) -> None:
    name = "foo/tests/data/_x.cpython-311-darwin.so"
    assert broken(links(tmp_path, {name: module("@rpath/gone.dylib")})) == [("@rpath/gone.dylib", "absent", False)]


def test_rings_end(tmp_path: Path) -> None:
    ring = {
        f"foo/lib{number}.dylib": machos.dylib(
            install_name=f"@rpath/lib{number}.dylib",
            libraries=[f"@loader_path/lib{(number + step) % 30}.dylib" for step in range(30)] + ["@rpath/gone.dylib"],
            rpaths=["@loader_path", "@loader_path/../foo"],
        )
        for number in range(30)
    }
    begin = time.process_time()
    assert {status for _, status, _ in broken(links(tmp_path, ring))} == {"absent"}
    assert time.process_time() - begin < 3


def test_thousands_of_rpaths_and_libraries_end(tmp_path: Path) -> None:
    rpaths = [f"@loader_path/{number}" for number in range(5000)]
    data = machos.bundle(rpaths=rpaths, libraries=[f"@rpath/{number}.dylib" for number in range(5000)])
    begin = time.process_time()
    assert broken(links(tmp_path, {MODULE: data}))
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("brought", [(), ("libmpi.12.dylib",), ("libmpi.40.dylib",)])
def test_a_module_with_a_file_for_each_of_several_libraries(tmp_path: Path, brought: tuple[str, ...]) -> None:
    """mpi4py's finder takes the file for the MPI that is there."""
    wanted = {"mpich": "libmpi.12.dylib", "openmpi": "libmpi.40.dylib"}
    files = {
        f"mpi4py/MPI.{name}.cpython-311-darwin.so": module(f"@rpath/{library}", "/opt/homebrew/lib")
        for name, library in wanted.items()
    }
    files |= {f"lib/{library}": machos.dylib(install_name=f"@rpath/{library}") for library in brought}
    found = {
        one.library.name.rpartition("/")[2]: one.required for one in links(tmp_path, files).broken() if one.status == "outside"
    }
    assert found == {library: not brought for library in wanted.values() if library not in brought}
