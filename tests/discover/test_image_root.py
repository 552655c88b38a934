"""The files of another system in a folder: absolute links, its libraries and its Python are looked for in it, never here."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.sites import add_distribution, write

from pytest_archcheck import inspect
from pytest_archcheck.discover.image_root import real_path, root_above

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="roots have symbolic links")

TRIPLET = "usr/lib/aarch64-linux-gnu"
GLIBC, MUSL = "manylinux_2_36_aarch64", "musllinux_1_2_aarch64"


def make_root(folder: Path, *, musl: bool = False) -> Path:
    """A root of Debian, or of Alpine, for another processor than most: nothing of it can come from this machine."""
    loader = "/lib/ld-musl-aarch64.so.1" if musl else "/lib/ld-linux-aarch64.so.1"
    write(folder / "etc" / "os-release", "ID=some\n")
    libc = "libc.musl-aarch64.so.1" if musl else "libc.so.6"
    write(folder / ("lib/libc.musl-aarch64.so.1" if musl else f"{TRIPLET}/libc.so.6"), elfs.shared("aarch64", needed=()))
    write(folder / loader[1:], elfs.shared("aarch64", needed=()))
    write(folder / "usr/bin/python3.11", elfs.executable("aarch64", loader, needed=(libc,)))
    (folder / "usr/bin/python3").symlink_to("python3.11")
    return folder


def module(*needed: str, **facts: str) -> bytes:
    return elfs.shared("aarch64", needed=needed, **facts)


def add(folder: Path, site: str, content: bytes, *, musl: bool = False) -> None:
    tag = "cp311-cp311-musllinux_1_2_aarch64" if musl else "cp311-cp311-manylinux_2_17_aarch64"
    files: dict[str, bytes | str] = {
        "demo/__init__.py": "from demo import _x\n",
        f"demo/_x.cpython-311-aarch64-linux-{'musl' if musl else 'gnu'}.so": content,
    }
    add_distribution(folder / site, "demo", files=files, tags=(tag,))


def make_venv(folder: Path, name: str = "opt/venv") -> Path:
    write(folder / name / "pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
    (folder / name / "bin").mkdir()
    (folder / name / "bin" / "python").symlink_to("/usr/bin/python3")
    return folder / name / "lib" / "python3.11" / "site-packages"


def errors(path: Path, target: str = GLIBC) -> list[Finding]:
    return [finding for finding in inspect(str(path), target).findings if finding.severity != "note"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path / "root")


@pytest.mark.parametrize("site", ["usr/lib/python3/dist-packages", "opt/venv/lib/python3.11/site-packages"])
def test_a_library_of_the_system(root: Path, site: str) -> None:
    make_venv(root)
    add(root, site, module("libblas.so.3"))
    (finding,) = errors(root)
    assert (finding.rule, finding.severity) == ("missing-library", "error"), "the whole system lies here"
    # As update-alternatives leaves it: two absolute links.
    library = write(root / TRIPLET / "blas" / "libblas.so.3", module(soname="libblas.so.3"))
    (root / "etc/alternatives").mkdir()
    (root / "etc/alternatives/blas").symlink_to(f"/{library.relative_to(root)}")
    (root / TRIPLET / "libblas.so.3").symlink_to("/etc/alternatives/blas")
    assert errors(root) == []
    library.unlink()
    assert len(errors(root)) == 1


@pytest.mark.parametrize("facts", [{"rpath": "/opt/own"}, {"runpath": "/opt/own"}, {"runpath": "$ORIGIN/../../../../../own"}])
def test_folders_that_a_file_names(root: Path, facts: dict[str, str]) -> None:
    add(root, "opt/venv/lib/python3.11/site-packages", module("libown.so", **facts))
    make_venv(root)
    assert len(errors(root)) == 1
    write(root / "opt/own/libown.so", module())
    assert errors(root) == []


def test_folders_that_ld_so_conf_names(root: Path) -> None:
    add(root, "usr/lib/python3/dist-packages", module("libown.so"))
    write(root / "usr/local/own/libown.so", module())
    assert len(errors(root)) == 1
    write(root / "etc/ld.so.conf.d/own.conf", "# ours\n/usr/local/own\n")
    assert errors(root) == []


def test_musl(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", musl=True)
    add(root, "usr/lib/python3.11/site-packages", module("libc.musl-aarch64.so.1", "libopenblas.so.3"), musl=True)
    (finding,) = errors(root, MUSL)
    assert finding.remedy.startswith("in that system: apk add so:libopenblas.so.3, or pip ")
    write(root / "usr/lib/libopenblas.so.3", module("libc.musl-aarch64.so.1"))
    assert errors(root, MUSL) == []


@pytest.mark.parametrize("musl", [True, False])
def test_without_a_target_it_is_judged_for_itself(tmp_path: Path, *, musl: bool) -> None:
    """This machine is neither aarch64 nor has it musl, in most places where tests run."""
    root = make_root(tmp_path / "root", musl=musl)
    site = "usr/lib/python3.11/site-packages"
    add(root, site, module("libc.musl-aarch64.so.1" if musl else "libc.so.6"), musl=musl)
    found = inspect(str(root))
    assert found.target.tag == ("musllinux_1_2_aarch64" if musl else "linux_aarch64")
    assert [one for one in found.findings if one.severity != "note"] == []
    add(root, site, elfs.shared("x86_64", needed=()), musl=musl)
    assert {one.rule for one in inspect(str(root)).findings} >= {"wrong-architecture"}
    assert inspect(str(root), "manylinux_2_28_x86_64").target.tag == "manylinux_2_28_x86_64", "a target that is given counts"


def test_two_systems_are_judged_for_themselves(tmp_path: Path, pytester: pytest.Pytester) -> None:
    for name in ("alpine", "debian"):
        root = make_root(tmp_path / name, musl=name == "alpine")
        add(root, "usr/lib/python3.11/site-packages", module("libc.musl-aarch64.so.1" if name == "alpine" else "libc.so.6"))
    written = tmp_path / "report.json"
    paths = [f"--archcheck-path={tmp_path / name}" for name in ("alpine", "debian")]
    result = pytester.runpytest(*paths, f"--archcheck-json={written}")
    result.stdout.fnmatch_lines(["archcheck: target each system's own, *"])
    told = [one["target"]["tag"] for one in json.loads(written.read_text("utf-8"))["distributions"]]
    assert told == ["musllinux_1_2_aarch64", "linux_aarch64"]


def test_the_version_of_its_c_library(tmp_path: Path) -> None:
    """musl has it as a text; glibc's, by the versions of its symbols: test_a_real_one."""
    root = make_root(tmp_path / "root", musl=True)
    (root / "lib/ld-musl-aarch64.so.1").write_bytes(elfs.shared("aarch64", needed=()) + b"\x001.1.24\0Dynamic Program Loader\0")
    add(root, "usr/lib/python3.11/site-packages", module("libc.musl-aarch64.so.1"), musl=True)
    assert inspect(str(root)).target.tag == "musllinux_1_1_aarch64"


def test_its_python_is_the_interpreter(root: Path) -> None:
    make_venv(root)
    add(root, "opt/venv/lib/python3.11/site-packages", module())
    for path in (root / "opt/venv", root):
        found = inspect(str(path), GLIBC)
        assert found.interpreter
        assert found.interpreter.path == str(root / "usr/bin/python3.11")


def test_what_is_typed_there_has_the_paths_of_there(root: Path) -> None:
    make_venv(root)
    add(root, "opt/venv/lib/python3.11/site-packages", module()[:40])
    (finding,) = errors(root / "opt/venv")
    assert finding.remedy == (
        "in that system: pip --python /opt/venv install --force-reinstall --no-deps --no-cache-dir demo==1.0"
    )


def test_what_debian_installed_debian_mends(root: Path) -> None:
    site = root / "usr/lib/python3/dist-packages"
    add_distribution(site, "PyYAML", "6.0", {"yaml/_yaml.cpython-311-aarch64-linux-gnu.so": module()[:40]}, installer=None)
    (finding,) = errors(root)
    assert finding.remedy == (
        "in that system: apt-get install --reinstall "
        '"$(dpkg -S /usr/lib/python3/dist-packages/PyYAML-6.0.dist-info | cut -d: -f1)"'
    )


def test_links_stay_inside(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    here = str(root)
    (root / "etc/hosts").symlink_to("/../../../etc/hostname")
    (root / "etc/circle").symlink_to("circle")
    (root / "var").symlink_to("usr")
    assert real_path(f"{here}/etc/hosts", here) == f"{here}/etc/hostname"
    assert real_path(f"{here}/etc/circle", here) == f"{here}/etc/circle"
    assert real_path(f"{here}/var/../usr/bin/python3", here) == f"{here}/usr/bin/python3.11"
    assert real_path("/etc/hosts", here) == "/etc/hosts"
    assert root_above(f"{here}/usr/lib/x") == here
    assert root_above(str(tmp_path)) is None
    assert root_above("/usr/lib") is None, "this machine's own is none"


#: The system's own Python, by its version.
PYTHON = os.path.basename(os.path.realpath("/usr/bin/python3"))
PACKAGES = f"""
    base-files libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libgfortran5 libquadmath0 libblas3 liblapack3 python3-minimal
    {PYTHON}-minimal lib{PYTHON}-minimal lib{PYTHON}-stdlib python3-numpy
""".split()


@pytest.mark.corpus
@pytest.mark.skipif(
    not os.path.exists("/etc/debian_version") or platform.machine() != "x86_64" or os.geteuid() != 0,
    reason="takes Debian's own packages of this system, and runs their Python in a root of its own",
)
def test_a_real_one(tmp_path: Path) -> None:
    """Debian's numpy in a root of its own: what is said, and what its Python says in there."""
    subprocess.run(
        ["/usr/bin/apt-get", "download", "-q", *PACKAGES], cwd=tmp_path, check=True, capture_output=True, timeout=300
    )
    root = tmp_path / "root"
    for package in tmp_path.glob("*.deb"):
        subprocess.run(["/usr/bin/dpkg", "-x", str(package), str(root)], check=True, timeout=60)

    def imports() -> str:
        command = ["/usr/sbin/chroot", str(root), "/usr/bin/python3", "-c", "import numpy.linalg.lapack_lite"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return (done.stderr.strip().splitlines() or [""])[-1]

    def said() -> list[str]:
        return [one.message for one in errors(root, "host") if one.subject.endswith("numpy")]

    assert "libblas.so.3" in imports()
    assert any("libblas.so.3" in message for message in said())
    alternatives = root / "etc" / "alternatives"
    alternatives.mkdir(exist_ok=True)
    for name in ("blas", "lapack"):
        (alternatives / name).symlink_to(f"/usr/lib/x86_64-linux-gnu/{name}/lib{name}.so.3")
        (root / "usr/lib/x86_64-linux-gnu" / f"lib{name}.so.3").symlink_to(f"/etc/alternatives/{name}")
    assert imports() == ""
    assert said() == []
    assert re.fullmatch(r"manylinux_2_\d\d_x86_64", inspect(str(root)).target.tag)
    (root / "usr/lib/x86_64-linux-gnu/libgfortran.so.5").unlink()
    assert "libgfortran.so.5" in imports()
    assert any("libgfortran.so.5" in message for message in said())
