"""Which file each DT_NEEDED entry resolves to, what is said where none does, and the symbols behind it."""

from __future__ import annotations

import os
import platform
import struct
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.sites import add_distribution, make_venv, write
from support.tools import find_tool

from pytest_archcheck import inspect
from pytest_archcheck.binaries.elf_hash_table import gnu_hash
from pytest_archcheck.binaries.elf_image import ElfInvalid
from pytest_archcheck.binaries.elf_symbol_table import SymbolTable
from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.discover.interpreters import running_interpreter
from pytest_archcheck.discover.model import Interpreter
from pytest_archcheck.loader import ldso, package_files
from pytest_archcheck.loader.elf_links import ElfLinks, link_elf
from pytest_archcheck.loader.elf_symbols import SymbolCheck, check_symbols
from pytest_archcheck.loader.optional import PythonSources
from pytest_archcheck.machine.host import this_host
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.elf_links import judge_elf_links, judge_elf_symbols, one_cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.sites import Content

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Finding

ARM = Target.parse("manylinux_2_28_aarch64")
MODULE = "pkg/_core.cpython-311-aarch64-linux-gnu.so"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux loader's own files")


def arm(*needed: str, **facts: object) -> bytes:
    return elfs.shared("aarch64", needed=needed, **facts)


def site_with(tmp_path: Path, files: Mapping[str, Content], name: str = "pkg") -> Path:
    site = tmp_path / "lib/python3.11/site-packages" if (tmp_path / "pyvenv.cfg").exists() else make_venv(tmp_path)
    add_distribution(site, name, "1.0", files)
    return site


def linked(environment: Environment, target: Target) -> ElfLinks:
    return link_elf(environment, target, PythonSources(environment.distributions))


def checked(environment: Environment) -> SymbolCheck:
    return check_symbols(linked(environment, this_host().target()), PythonSources(environment.distributions))


def owners(environment: Environment) -> dict[str, tuple[object, str]]:
    return {binary.file: (dist, dist.name or "unowned") for dist in environment.distributions for binary in dist.binaries}


def judged(folder: Path, target: Target = ARM) -> list[Finding]:
    environment = environment_at(str(folder))
    return judge_elf_links(linked(environment, target).broken, owners(environment), {})  # type: ignore[arg-type] # Distribution


def brief(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(finding.rule, finding.severity, finding.path) for finding in findings]


@pytest.mark.parametrize(
    "search",
    [
        {"runpath": "$ORIGIN/../pkg.libs"},
        {"rpath": "${ORIGIN}/../pkg.libs"},
        {"runpath": "/nowhere:$ORIGIN/../pkg.libs/"},
        {"rpath": "$ORIGIN/../$LIB:$ORIGIN/../pkg.libs"},
    ],
)
def test_a_bundled_library_is_found_by_the_modules_search_path(tmp_path: Path, search: dict[str, str]) -> None:
    library = "libz-12345678.so.1"
    site_with(tmp_path, {MODULE: arm(library, "libc.so.6", **search), f"pkg.libs/{library}": arm("libc.so.6", soname=library)})
    assert judged(tmp_path) == []


def test_a_bundled_library_that_is_gone_is_an_error_with_the_command(tmp_path: Path) -> None:
    site_with(tmp_path, {MODULE: arm("libz-12345678.so.1", "libc.so.6", runpath="$ORIGIN/../pkg.libs")})
    (finding,) = judged(tmp_path)
    assert (finding.rule, finding.severity, finding.subject, finding.path) == ("missing-library", "error", "pkg", MODULE)
    assert "libz-12345678.so.1" in finding.message
    assert finding.remedy == "pip install --force-reinstall --no-deps --no-cache-dir pkg==1.0"


def test_one_cause_is_said_once_with_who_needs_it(tmp_path: Path) -> None:
    files = {f"pkg/_{name}.abi3.so": arm("libtop.so", rpath="$ORIGIN") for name in "abcde"}
    site_with(tmp_path, {**files, "pkg/libtop.so": arm("libgone-12345678.so")})
    (finding,) = judged(tmp_path)
    assert finding.path == "pkg/libtop.so"
    assert "so pkg/_a.abi3.so, pkg/_b.abi3.so, pkg/_c.abi3.so and 2 more cannot be imported" in finding.message


def test_rpath_is_inherited_and_runpath_is_not(tmp_path: Path) -> None:
    files = {"pkg/libtop.so": arm("libdeep.so"), "pkg/deep/libdeep.so": arm()}
    site_with(tmp_path, {MODULE: arm("libtop.so", rpath="$ORIGIN:$ORIGIN/deep"), **files})
    assert judged(tmp_path) == []
    site_with(tmp_path, {MODULE: arm("libtop.so", runpath="$ORIGIN:$ORIGIN/deep"), **files})
    assert brief(judged(tmp_path)) == [("library-outside-environment", "warning", "pkg/libtop.so")]


def test_a_runpath_cuts_off_its_own_inheritance_only(tmp_path: Path) -> None:
    files = {
        "pkg/libmid.so": arm("libdeep.so", runpath="$ORIGIN/mid"),
        "pkg/mid/libdeep.so": arm("liblow.so"),
        "pkg/deep/liblow.so": arm(),
    }
    site_with(tmp_path, {MODULE: arm("libmid.so", rpath="$ORIGIN:$ORIGIN/deep"), **files})
    assert judged(tmp_path) == []


def test_a_file_for_another_machine_is_passed_over(tmp_path: Path) -> None:
    wrong = elfs.shared("x86_64", needed=())
    module = arm("libown.so", runpath="$ORIGIN/first:$ORIGIN/second")
    site_with(tmp_path, {MODULE: module, "pkg/first/libown.so": wrong, "pkg/second/libown.so": arm()})
    assert judged(tmp_path) == []


def test_a_library_of_another_architecture(tmp_path: Path) -> None:
    wrong = elfs.shared("x86_64", needed=())
    site_with(tmp_path, {MODULE: arm("libown-12345678.so", runpath="$ORIGIN"), "pkg/libown-12345678.so": wrong})
    (finding,) = judged(tmp_path)
    assert (finding.rule, finding.severity) == ("library-wrong-architecture", "error")
    assert "is for x86_64" in finding.message
    environment = environment_at(str(tmp_path))
    (link,) = linked(environment, ARM).broken
    assert link.path is not None
    problems = {link.path: "pkg"}
    again = judge_elf_links([link], owners(environment), problems)  # type: ignore[arg-type] # Distribution
    assert (again[0].severity, again[0].remedy) == ("note", "see archcheck::pkg")


def test_a_damaged_library_stops_the_search(tmp_path: Path) -> None:
    module = arm("libown.so", runpath="$ORIGIN/first:$ORIGIN/second")
    site_with(tmp_path, {MODULE: module, "pkg/first/libown.so": arm()[:200], "pkg/second/libown.so": arm()})
    (finding,) = judged(tmp_path)
    assert finding.rule == "missing-library"
    assert "is damaged: the file is cut off: a loaded segment lies past its end" in finding.message


def test_a_library_that_another_package_loads_first_is_a_note(tmp_path: Path) -> None:
    core = {"torch/_C.abi3.so": arm("libc10.so", runpath="$ORIGIN/lib"), "torch/lib/libc10.so": arm(soname="libc10.so")}
    site_with(tmp_path, core, "torch")
    site_with(tmp_path, {"vision/_C.abi3.so": arm("libc10.so")}, "vision")
    (finding,) = judged(tmp_path)
    assert (finding.rule, finding.severity, finding.subject) == ("missing-library", "note", "vision")
    assert "torch/lib/libc10.so" in finding.message


CUBLAS = {"nvidia/cublas/lib/libcublas.so.12": arm(soname="libcublas.so.12")}
PRELOADED = '{"libraries": ["libcublas.so.12"]}'


@pytest.mark.parametrize(
    ("provider", "files", "severity"),
    [
        ("nvidia-cublas-cu12", {}, "note"),  # nothing but libraries: everybody loads them first
        ("blas", {}, "warning"),
        ("blas", {"faiss/_preload.json": PRELOADED}, "note"),
        ("blas", {"faiss/loader.py": "load('libcublas.so.12')"}, "note"),
        ("blas", {"faiss/README.md": PRELOADED}, "warning"),
    ],
)
def test_a_library_that_its_user_loads_first_is_a_note(
    tmp_path: Path, provider: str, files: dict[str, Content], severity: str
) -> None:
    site_with(tmp_path, CUBLAS, provider)
    site_with(tmp_path, {"faiss/_faiss.abi3.so": arm("libcublas.so.12"), **files}, "faiss")
    (finding,) = judged(tmp_path)
    assert (finding.subject, finding.severity) == ("faiss", severity)


@pytest.mark.parametrize(
    ("requires", "source", "carried", "severity"),
    [
        (["eckitlib==2.5"], "load('eckit', 'eckitlib')", {}, "note"),
        (["eckitlib==2.5"], "import eckit._e", {}, "warning"),
        ([], "load('eckit', 'eckitlib')", {}, "warning"),
        (["eckitlib; extra == 'all'"], "load('eckit', 'eckitlib')", {}, "warning"),
        # what has modules may load what it likes, when it likes
        (["eckitlib"], "load('eckit', 'eckitlib')", {"eckitlib/_o.cpython-311-aarch64-linux-gnu.so": arm()}, "warning"),
    ],
)
def test_a_distribution_of_libraries_is_loaded_by_those_who_require_it(
    tmp_path: Path, requires: list[str], source: str, carried: dict[str, bytes], severity: str
) -> None:
    """eckit has findlibs load libeckit.so out of eckitlib."""
    site = site_with(tmp_path, {"eckitlib/lib64/libeckit.so": arm(soname="libeckit.so"), **carried}, "eckitlib")
    files: dict[str, bytes | str] = {
        "eckit/_e.cpython-311-aarch64-linux-gnu.so": arm("libeckit.so"),
        "eckit/__init__.py": source,
    }
    add_distribution(site, "eckit", "2.5", files, requires=requires)
    assert [finding.severity for finding in judged(tmp_path)] == [severity]


def test_a_library_of_ones_own_that_was_moved_is_no_preloaded_one(tmp_path: Path) -> None:
    files: dict[str, Content] = {"faiss/_faiss.abi3.so": arm("libcublas.so.12"), "faiss/_preload.json": PRELOADED}
    site_with(tmp_path, {**files, "moved/libcublas.so.12": arm(soname="libcublas.so.12")}, "faiss")
    assert brief(judged(tmp_path)) == [("library-outside-environment", "warning", "faiss/_faiss.abi3.so")]


@pytest.mark.parametrize(
    ("library", "requires", "severity"),
    [
        ("libcublas.so.12", ("cuda-pathfinder<2,>=1.3",), "note"),
        ("libnccl.so.2", ("numpy", "cuda-pathfinder"), "note"),
        ("libcublas.so.12", ("numpy",), "warning"),
        ("libusb-1.0.so.0", ("cuda-pathfinder",), "warning"),
    ],
)
def test_what_cuda_pathfinder_looks_for_is_a_note(
    tmp_path: Path, library: str, requires: tuple[str, ...], severity: str
) -> None:
    add_distribution(make_venv(tmp_path), "cupy", "14.0", {"cupy/_core.abi3.so": arm(library)}, requires=requires)
    assert brief(judged(tmp_path)) == [("library-outside-environment", severity, "cupy/_core.abi3.so")]


def test_a_library_that_nothing_reaches_any_more_serves_nobody(tmp_path: Path) -> None:
    module = arm("libown.so.2", runpath="$ORIGIN")
    site_with(tmp_path, {MODULE: module, "pkg/moved/libown.so.2": arm(soname="libown.so.2")})
    assert brief(judged(tmp_path)) == [("library-outside-environment", "warning", MODULE)]


@pytest.mark.parametrize("name", ["libc.so.6", "libstdc++.so.6", "libz.so.1", "ld-linux-aarch64.so.1", "libpthread.so.0"])
def test_what_every_manylinux_system_has_is_taken_as_present(tmp_path: Path, name: str) -> None:
    site_with(tmp_path, {MODULE: arm(name)})
    assert judged(tmp_path) == []


def test_libraries_of_a_graphics_driver_are_a_note(tmp_path: Path) -> None:
    site_with(tmp_path, {MODULE: arm("libcuda.so.1")})
    (finding,) = judged(tmp_path)
    assert (finding.rule, finding.severity) == ("missing-library", "note")
    assert "driver" in finding.message


def test_a_plugin_that_nobody_needs_is_a_note(tmp_path: Path) -> None:
    site_with(tmp_path, {MODULE: arm("libc.so.6"), "pkg/plugins/libqsqlmysql.so": arm("libmysqlclient.so.21")})
    assert brief(judged(tmp_path)) == [("library-outside-environment", "note", "pkg/plugins/libqsqlmysql.so")]


@pytest.mark.skipif(sys.platform != "linux", reason="files for this machine's loader")
@pytest.mark.parametrize(("function", "severity"), [("PyInit_plugin", "warning"), ("__driDriverGetExtensions", "note")])
def test_a_plugin_with_a_modules_name_is_told_by_what_it_exports(tmp_path: Path, function: str, severity: str) -> None:
    site = make_venv(tmp_path)
    library = compiled(tmp_path / "libgone.so.1", C_LIBRARY, "-Wl,-soname,libgone.so.1")
    compiled(site / "pkg/plugin.so", f"int answer(void); int {function}(void) {{ return answer(); }}", str(library))
    compiled(site / "pkg/other.so", "int PyInit_other(void) { return 0; }")
    target = replace(this_host().target(), is_host=False)
    assert brief(judged(tmp_path, target)) == [("library-outside-environment", severity, "pkg/plugin.so")]


def test_the_only_library_of_a_package_without_modules_is_needed(tmp_path: Path) -> None:
    site_with(tmp_path, {"lightgbm/lib/lib_lightgbm.so": arm("libgomp.so.1"), "lightgbm/__init__.py": ""}, "lightgbm")
    (finding,) = judged(tmp_path)
    assert (finding.rule, finding.severity) == ("library-outside-environment", "warning")
    assert "apt-get install --reinstall libgomp1" in finding.remedy


def test_libraries_without_a_python_file_are_loaded_by_others_if_at_all(tmp_path: Path) -> None:
    """intel-openmp requires Intel's ``lib/libur_*.so``, which want the compiler's own libraries, and does without them."""
    site = make_venv(tmp_path)
    add_distribution(site, "cmplr", "1.0", {"../../libur.so": arm("libsvml.so"), "../../libur.so.0": arm("libsvml.so")})
    assert {severity for _, severity, _ in brief(judged(tmp_path))} == {"note"}


@pytest.mark.skipif(sys.platform != "linux", reason="files for this machine's loader")
@pytest.mark.parametrize("brought", [(), ("mpich",), ("mpich", "openmpi")])
def test_a_module_with_a_file_for_each_of_several_libraries(tmp_path: Path, brought: tuple[str, ...]) -> None:
    """mpi4py's finder takes the file for the MPI that is there, which nothing but ``ctypes`` finds in ``lib`` of a venv."""
    site = make_venv(tmp_path)
    suffix = f".cpython-311-{platform.machine()}-linux-gnu.so"
    for name, soname in (("mpich", "libmpi.so.12"), ("openmpi", "libmpi.so.40")):
        library = compiled(tmp_path / name / soname, C_LIBRARY, f"-Wl,-soname,{soname}")
        module = "int answer(void); void *PyInit_MPI(void) { answer(); return 0; }"
        content = compiled(tmp_path / f"MPI.{name}{suffix}", module, str(library)).read_bytes()
        write(site / f"mpi4py/MPI.{name}{suffix}", content)
        if name in brought:
            add_distribution(site, name, "1.0", {f"../../{soname}": library.read_bytes()})
    files = {f"mpi4py/MPI.{name}{suffix}": (site / f"mpi4py/MPI.{name}{suffix}").read_bytes() for name in ("mpich", "openmpi")}
    add_distribution(
        site, "mpi4py", "4.0", files | {"mpi4py/__init__.py": "LIBRARIES = 'libmpi.so.12', 'libmpi.so.40'\nfrom . import MPI\n"}
    )
    found = brief(judged(tmp_path, replace(this_host().target(), is_host=False)))
    assert {severity for _, severity, _ in found} == ({"note"} if brought else {"warning"})
    assert len(found) == 2


def test_on_alpine_it_is_another_command(tmp_path: Path) -> None:
    site_with(tmp_path, {MODULE: arm("libgomp.so.1")})
    environment = environment_at(str(tmp_path))
    links = linked(environment, Target.parse("musllinux_1_2_aarch64"))
    (finding,) = judge_elf_links(links.broken, owners(environment), {}, musl=links.musl)  # type: ignore[arg-type] # Distribution
    assert finding.remedy.startswith("on the target: apk add so:libgomp.so.1, or pip install --force-reinstall")


GUARDED = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        (GUARDED, "note"),
        ("from pkg import _core\n", "warning"),
        (GUARDED + "def f():\n    import pkg._core\n", "warning"),
        ("try:\n    import pkg._core\nexcept KeyError:\n    pass\n", "warning"),
        ("", "warning"),
        ("def f(:\n    _core\n", "warning"),
    ],
)
def test_a_module_that_its_package_does_without_is_a_note(tmp_path: Path, source: str, severity: str) -> None:
    site_with(tmp_path, {MODULE: arm("libtbb.so.12"), "pkg/__init__.py": source})
    assert brief(judged(tmp_path)) == [("library-outside-environment", severity, MODULE)]


@pytest.mark.parametrize(
    ("importer", "severity"),
    [
        ("try:\n    from . import fast\nexcept ImportError:\n    fast = None\n", "note"),
        ("from . import fast\n", "warning"),
        ("", "warning"),
    ],
)
def test_what_imports_a_module_may_itself_be_an_option(tmp_path: Path, importer: str, severity: str) -> None:
    files: dict[str, Content] = {MODULE: arm("libgone.so"), "pkg/fast.py": "from . import _core\n", "pkg/__init__.py": importer}
    site_with(tmp_path, {**files, "pkg/tests/test_core.py": "from pkg import _core\n"})
    assert [finding.severity for finding in judged(tmp_path)] == [severity]


def test_a_handler_that_raises_again_makes_no_option(tmp_path: Path) -> None:
    source = "try:\n    from ._core import lib\nexcept ImportError as e:\n    raise ImportError('no C extension') from e\n"
    site_with(tmp_path, {MODULE: arm("libgone-0a1b2c3d.so"), "pkg/library.py": source})
    assert [finding.severity for finding in judged(tmp_path)] == ["error"]


def test_a_copy_of_the_standard_library_is_payload(tmp_path: Path) -> None:
    stash = {f"stash/{name}.cpython-311-aarch64-linux-gnu.so": arm("libgone.so.3") for name in ("_ssl", "_hashlib", "_lzma")}
    site_with(tmp_path, {**stash, "pkg/__init__.py": "", MODULE: arm()})
    assert {finding.severity for finding in judged(tmp_path)} == {"note"}
    site_with(tmp_path, {**stash, "stash/__init__.py": ""})
    assert {finding.severity for finding in judged(tmp_path)} == {"warning"}


def test_a_library_that_its_distribution_brought_is_missed(tmp_path: Path) -> None:
    files = {MODULE: arm("libown.so.1", runpath="$ORIGIN/lib"), "pkg/lib/libown.so.1": arm(), "pkg/lib/libother.so": arm()}
    site = site_with(tmp_path, files)
    assert judged(tmp_path) == []
    (site / "pkg/lib/libown.so.1").unlink()
    assert brief(judged(tmp_path)) == [("missing-library", "error", MODULE)]


def test_forty_consequences_are_said_with_their_cause(tmp_path: Path) -> None:
    modules = {f"pkg/_m{number}.abi3.so": arm("libown-0a1b2c3d.so.1", runpath="$ORIGIN") for number in range(40)}
    site_with(tmp_path, modules)
    environment = environment_at(str(tmp_path))
    (finding,) = judge_elf_links(one_cause(linked(environment, ARM).broken), owners(environment), {})  # type: ignore[arg-type] # Distribution
    assert finding.message.startswith("needs libown-0a1b2c3d.so.1, which is not where the loader looks; so pkg/_m1.abi3.so, ")
    assert finding.message.endswith(" and 36 more cannot be imported")


def test_a_module_may_be_imported_by_another_package_of_its_distribution(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "cupy_backends/nccl.abi3.so": arm("libnccl.so.2"),
        "cupy/_core.abi3.so": arm(),
        "cupy/nccl.py": "try:\n    from cupy_backends.nccl import *\nexcept ImportError:\n    pass\n",
    }
    site_with(tmp_path, files, "cupy")
    assert brief(judged(tmp_path)) == [("library-outside-environment", "note", "cupy_backends/nccl.abi3.so")]


def test_what_was_loaded_is_let_go_of_at_once(tmp_path: Path) -> None:
    """Nothing looks for garbage during an inspection: what held itself would stay, and be looked for after it."""
    site_with(tmp_path, {MODULE: arm("libown.so", "libc.so.6", runpath="$ORIGIN"), "pkg/libown.so": arm("libgone.so")})
    links = linked(environment_at(str(tmp_path)), ARM)
    assert len(links.modules[0].closure.images) == 2
    held = weakref.ref(links._loading)
    del links
    assert held() is None


def test_a_library_looked_up_once_still_takes_what_its_process_holds(tmp_path: Path) -> None:
    """What a file asks for is the same in every process, unless another file has the name there before."""
    files: dict[str, Content] = {
        "pkg/a.abi3.so": arm("libown.so", runpath="$ORIGIN"),
        "pkg/b.abi3.so": arm("libdeep.so", "libown.so", runpath="$ORIGIN/other:$ORIGIN"),
        "pkg/c.abi3.so": arm("libown.so", runpath="$ORIGIN"),
        "pkg/libown.so": arm("libdeep.so", runpath="$ORIGIN"),
        "pkg/libdeep.so": arm(),
        "pkg/other/libdeep.so": arm(),
    }
    site_with(tmp_path, files)
    a, b, c = (module.closure for module in linked(environment_at(str(tmp_path)), ARM).modules)
    brought = [[image.path.partition("/pkg/")[2] for image in closure.images[1:]] for closure in (a, b, c)]
    assert brought == [["libown.so", "libdeep.so"], ["other/libdeep.so", "libown.so"], ["libown.so", "libdeep.so"]]
    assert a.links[1] is c.links[1]


def test_sources_are_read_once_however_many_files_are_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def note(path: str) -> bytes:
        read.append(path)
        return b""

    monkeypatch.setattr(package_files, "_read_file", note)
    modules: dict[str, Content] = {f"pkg/_m{number}.abi3.so": arm("libgone.so.1", "liblost.so.1") for number in range(9)}
    site_with(tmp_path, {**modules, "pkg/__init__.py": "", "pkg/a.py": ""})
    assert len(judged(tmp_path)) == 18
    assert len(read) == 2


def test_no_source_is_read_where_a_library_was_surely_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a package says of its modules: what it brought and lost is an error."""
    read: list[str] = []

    def note(path: str) -> bytes:
        read.append(path)
        return b""

    monkeypatch.setattr(package_files, "_read_file", note)
    site_with(tmp_path, {MODULE: arm("libown-0a1b2c3d.so.1"), "pkg/__init__.py": "from . import _core\n"})
    assert [finding.severity for finding in judged(tmp_path)] == ["error"]
    assert read == []


def test_relative_imports_from_deeper_folders_are_followed(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODULE: arm(), "pkg/a/b.py": GUARDED.replace("from .", "from ..")})
    (dist,) = environment_at(str(site)).distributions
    assert PythonSources().guard_import_of(dist.binaries[0])


@pytest.mark.parametrize(
    ("abiflags", "tag", "severity"),
    [
        ("", "cpython-310", "note"),
        ("", "cpython-311", "warning"),
        ("", "cpython-311d", "note"),  # Debian keeps a debug build's standard library beside the other
        ("", "cpython-311t", "note"),
        ("d", "cpython-311d", "warning"),
        ("d", "cpython-311", "warning"),  # since 3.8 a debug build imports these too
        ("t", "cpython-311t", "warning"),
        ("t", "cpython-311", "note"),
        ("t", "cpython-311td", "note"),
        (None, "cpython-311t", "warning"),  # nothing tells which build it is
    ],
)
def test_modules_of_another_python_are_never_imported(tmp_path: Path, abiflags: str | None, tag: str, severity: str) -> None:
    module = f"pkg/_core.{tag}-aarch64-linux-gnu.so"
    site_with(tmp_path, {module: arm("libgone.so.1")})
    environment = environment_at(str(tmp_path))
    python = Interpreter(path="/nowhere/python3", version="3.11.7", architectures=("aarch64",), abiflags=abiflags)
    known = environment._replace(interpreter=python)
    findings = judge_elf_links(linked(known, ARM).broken, owners(known), {})  # type: ignore[arg-type] # Distribution
    assert brief(findings) == [("library-outside-environment", severity, module)]


def test_musl_reports_neither_its_own_libc_nor_glibcs(tmp_path: Path) -> None:
    site_with(
        tmp_path, {MODULE: arm("libc.musl-aarch64.so.1", "libz.so.1"), "pkg/_other.abi3.so": arm("libc.so.6", "libm.so.6")}
    )
    assert judged(tmp_path, Target.parse("musllinux_1_2_aarch64")) == []


def test_musl_inherits_runpaths(tmp_path: Path) -> None:
    files = {"pkg/libtop.so": arm("libdeep.so"), "pkg/deep/libdeep.so": arm()}
    site_with(tmp_path, {MODULE: arm("libtop.so", runpath="$ORIGIN:$ORIGIN/deep"), **files})
    assert judged(tmp_path, Target.parse("musllinux_1_2_aarch64")) == []


def test_libraries_that_need_each_other_and_themselves(tmp_path: Path) -> None:
    files = {"pkg/liba.so": arm("libb.so", "liba.so", rpath="$ORIGIN"), "pkg/libb.so": arm("liba.so", rpath="$ORIGIN/../pkg")}
    site_with(tmp_path, {MODULE: arm("liba.so", rpath="$ORIGIN"), **files})
    assert judged(tmp_path) == []


def test_folders_that_are_links_to_themselves(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODULE: arm("liba-12345678.so", rpath="$ORIGIN/loop/loop:$ORIGIN/../pkg/loop")})
    (site / "pkg/loop").symlink_to("loop")
    assert brief(judged(tmp_path)) == [("missing-library", "error", MODULE)]


@on_linux
def test_the_cache_holds_what_ldconfig_prints() -> None:
    ldconfig = next((path for path in ("/sbin/ldconfig", "/usr/sbin/ldconfig") if Path(path).exists()), None)
    if ldconfig is None or not Path("/etc/ld.so.cache").exists():
        pytest.skip("no ld.so.cache here")
    printed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    expected: dict[str, list[str]] = {}
    for line in printed.splitlines()[1:]:
        if " => " in line and "(libc6" in line:
            expected.setdefault(line.split()[0], []).append(line.split(" => ")[1])
    assert {name: list(paths) for name, paths in ldso.parse_cache(Path("/etc/ld.so.cache").read_bytes()).items()} == expected


@on_linux
@pytest.mark.parametrize(
    "change", [lambda c: c[:0], lambda c: c[:40], lambda c: c[: len(c) // 2], lambda c: c[:20] + b"\xff" * 4 + c[24:]]
)
def test_a_cache_that_makes_no_sense(change) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - a lambda of bytes
    header = b"glibc-ld.so.cache1.1" + struct.pack("=II4BI12x", 1, 20, 0, 0, 0, 0, 0)
    cache = header + struct.pack("=iIIIQ", 3, 72, 80, 0, 0) + b"liba.so\0/lib/liba.so\0"
    assert ldso.parse_cache(cache) == {"liba.so": ("/lib/liba.so",)}
    for paths in ldso.parse_cache(change(cache)).values():
        assert isinstance(paths, tuple)


# Symbols: real files out of the C compiler, for this machine.

needs_compiler = pytest.mark.skipif(sys.platform != "linux", reason="files for this machine's loader")
C_LIBRARY = "int answer(void) { return 42; }\nint other(void) { return answer(); }\n"
C_MODULE = "int answer(void);\nint PyInit__core(void) { return answer(); }\n"


def compiled(path: Path, source: str, *options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    code = path.with_suffix(".c")
    code.write_text(source)
    subprocess.run([find_tool("gcc"), "-shared", "-fPIC", "-o", str(path), str(code), *options], check=True, timeout=60)
    code.unlink()
    return path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """``pkg/_core.abi3.so`` needs ``answer`` of ``pkg/libanswer.so``."""
    site = make_venv(tmp_path)
    library = compiled(site / "pkg/libanswer.so", C_LIBRARY, "-Wl,-soname,libanswer.so")
    compiled(site / "pkg/_core.abi3.so", C_MODULE, str(library), "-Wl,-rpath,$ORIGIN")
    write(site / "pkg/__init__.py", "from . import _core\n")
    return site


def symbols_of(site: Path) -> tuple[SymbolCheck, list[Finding]]:
    found = environment_at(str(site))
    environment = found.__class__(
        kind="venv", path=found.path, label="x", interpreter=running_interpreter(None)[0], distributions=found.distributions
    )
    check = checked(environment)
    return check, judge_elf_symbols(check.missing, owners(environment))  # type: ignore[arg-type] # Distribution


@on_linux
def test_nothing_that_this_python_needs_is_missing(tmp_path: Path) -> None:
    found = environment_at(str(site_with(tmp_path, {"pkg/__init__.py": "", "pkg/_core.abi3.so": arm()})))
    interpreter, _ = running_interpreter(None)
    environment = found.__class__(kind="active", path=found.path, label="x", interpreter=interpreter, distributions=())
    links = linked(environment, this_host().target())
    assert links.base is not None
    assert links.base.images[0].path == interpreter.path
    assert [link.name for link in links.broken if link.required] == []


@needs_compiler
def test_symbols_are_not_read_where_the_process_is_not_known(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SymbolTable, "wanted", lambda _: pytest.fail("names of a module were read in vain"))
    check = checked(environment_at(str(package)))
    assert [(one.path, reason) for one, reason in check.unchecked] == [("pkg/_core.abi3.so", "the interpreter is not known")]


@needs_compiler
def test_symbols_that_are_all_there(package: Path) -> None:
    check, findings = symbols_of(package)
    assert findings == []
    assert check.unchecked == ()
    assert check.checked > 10  # the standard library's own modules too


@needs_compiler
@pytest.mark.parametrize("style", ["-Wl,--hash-style=gnu", "-Wl,--hash-style=sysv", "-Wl,--hash-style=both"])
def test_a_symbol_that_the_library_no_longer_exports(package: Path, style: str) -> None:
    compiled(package / "pkg/libanswer.so", C_LIBRARY.replace("answer", "reply"), "-Wl,-soname,libanswer.so", style)
    _, (finding,) = symbols_of(package)
    assert (finding.rule, finding.severity, finding.path) == ("missing-symbol", "error", "pkg/_core.abi3.so")
    assert "needs answer, which" in finding.message


@needs_compiler
def test_a_plugin_finds_its_symbols_in_the_program_that_it_is_for(package: Path) -> None:
    compiled(package / "pkg/module_for_apache.so", "int ap_run(void);\nint load(void) { return ap_run(); }\n")
    _, findings = symbols_of(package)
    assert findings == []


@needs_compiler
def test_weak_symbols_may_be_missing(package: Path) -> None:
    compiled(package / "pkg/_core.abi3.so", "__attribute__((weak)) " + C_MODULE)
    assert symbols_of(package)[1] == []


@needs_compiler
def test_a_symbol_that_was_made_global_before_is_a_note(package: Path) -> None:
    compiled(package / "pkg/_core.abi3.so", C_MODULE)
    assert [finding.severity for finding in symbols_of(package)[1]] == ["error"]
    write(package / "pkg/__init__.py", "import ctypes\nctypes.CDLL(path, ctypes.RTLD_GLOBAL)\n")
    assert [finding.severity for finding in symbols_of(package)[1]] == ["note"]


@needs_compiler
def test_a_version_that_the_library_does_not_define(package: Path, tmp_path: Path) -> None:
    for version in ("TWO", "ONE"):  # linked to the first, shipped with the second
        script = write(tmp_path / "version.map", f"{version} {{ global: answer; }};\n")
        name = tmp_path / "libanswer.so" if version == "TWO" else package / "pkg/libanswer.so"
        compiled(name, C_LIBRARY, "-Wl,-soname,libanswer.so", f"-Wl,--version-script={script}")
    compiled(package / "pkg/_core.abi3.so", C_MODULE, str(tmp_path / "libanswer.so"), "-Wl,-rpath,$ORIGIN")
    _, (finding,) = symbols_of(package)
    assert (finding.rule, finding.severity) == ("missing-symbol", "error")
    assert "needs TWO of libanswer.so" in finding.message


@on_linux
def test_a_glibc_that_is_too_old_is_said_once(tmp_path: Path) -> None:
    """The library of this system does not define the version either; but what is to be done is said by the other rule."""
    module = elfs.shared(this_host().process_architecture, needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.99"]})
    add_distribution(make_venv(tmp_path), "demo", "1.0", {"demo/_x.abi3.so": module})
    errors = [finding.rule for finding in inspect(str(tmp_path)).findings if finding.severity == "error"]
    assert errors == (["newer-os-required"] if (this_host().target().libc or ("",))[0] == "glibc" else ["wrong-platform"])


@needs_compiler
def test_the_static_verdict_is_that_of_dlopen(package: Path) -> None:
    import ctypes  # noqa: PLC0415 - loads what was built two lines above

    ctypes.CDLL(str(package / "pkg/_core.abi3.so"), mode=os.RTLD_NOW)
    content = (package / "pkg/libanswer.so").read_bytes()
    other = package / "changed" / "pkg"
    write(other / "libanswer.so", content.replace(b"\0answer\0", b"\0xnswer\0"))
    write(other / "_core.abi3.so", (package / "pkg/_core.abi3.so").read_bytes())
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)",
            str(other / "_core.abi3.so"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "undefined symbol" in child.stderr
    said = {finding.path for finding in symbols_of(package / "changed")[1]}
    assert said == {"pkg/_core.abi3.so", "pkg/libanswer.so"}  # its own call of the renamed function is lost too


@needs_compiler
def test_symbol_tables_that_were_changed_give_an_answer_or_a_reason(package: Path) -> None:
    path = package / "pkg/libanswer.so"
    content = path.read_bytes()
    outcomes = set()
    for position in [*range(64, 700, 3), *range(0x2A0, 0x600, 7)]:
        changed = bytearray(content)
        changed[position] ^= 0xFF
        path.unlink(missing_ok=True)
        path.write_bytes(changed)
        outcomes.add(_asked(SymbolTable(str(path))))
    assert {True, False} <= outcomes


def _asked(table: SymbolTable) -> bool:
    try:
        table.wanted(), table.versions(), table.relocated([b"answer"]), table.lost()
        return table.defines([b"answer", b"nothing"]) == {b"answer"}
    except ElfInvalid as error:
        return not str(error)


def test_the_hash_function_is_the_published_one() -> None:
    assert [hex(gnu_hash(name)) for name in (b"", b"printf", b"exit", b"syscall")] == [
        "0x1505",
        "0x156b2bb8",
        "0x7c967e3f",
        "0xbac212a0",
    ]
