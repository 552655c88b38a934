"""Rule missing-file: what an installer recorded and is not there any more."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.condas import SITE, add_package, make_prefix
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

LINUX = "manylinux_2_28_x86_64"
CORE = "demo/_core.cpython-311-x86_64-linux-gnu.so"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "venv")


def add(site: Path, code: str, *lost: str, **files: str) -> None:
    """``demo`` with a module that stays, and without files that its RECORD lists."""
    content: dict[str, str | bytes] = {"demo/__init__.py": code, "demo/_other.cpython-311-x86_64-linux-gnu.so": elfs.shared()}
    content |= {f"demo/{name}.py": text for name, text in files.items()} | {path: elfs.shared() for path in lost}
    add_distribution(site, "demo", "1.0", content, tags=("cp311-cp311-manylinux_2_17_x86_64",))
    for path in lost:
        (site / path).unlink()


def found(path: Path) -> list[Finding]:
    return [one for one in inspect(str(path), LINUX).findings if one.rule == "missing-file"]


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("from demo._core import run", {}),
        ("from ._core import run", {}),
        ("from . import _core", {}),
        ("import demo._core", {}),
        ("from demo import sub", {"sub": "from . import _core as core"}),
        (
            "from .sub import x",
            {"sub": "try:\n    from ._core import x\nexcept ImportError as e:\n    raise RuntimeError from e"},
        ),
    ],
)
def test_a_module_that_importing_needs(site: Path, code: str, files: dict[str, str]) -> None:
    add(site, code, CORE, **files)
    (finding,) = found(site)
    importer = "demo/sub.py" if files else "demo/__init__.py"
    assert (finding.severity, finding.subject, finding.distribution) == ("error", "demo", "demo")
    assert finding.message == (
        f"{CORE}, which demo 1.0 installed, is gone: import demo fails, as {importer} imports demo._core"
    )
    assert "--reinstall" in finding.remedy
    assert "demo==1.0" in finding.remedy


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    from . import _core\nexcept ImportError:\n    _core = None",
        "def run():\n    from ._core import run",
        "if False:\n    import demo._core",
        "_core = 1\nfrom .sub import x",
    ],
)
def test_a_module_that_is_named_and_perhaps_not_needed(site: Path, code: str) -> None:
    add(site, code, CORE, sub="from . import _core\nx = 1" if "sub" in code else "")
    assert [one.severity for one in found(site)] == ["warning"]


@pytest.mark.parametrize(
    ("lost", "other"),
    [
        (CORE, ""),  # lxml.etree: who uses lxml imports it
        (CORE, "from . import _core"),  # PIL._imaging: ``import PIL`` works, ``import PIL.Image`` does not
        (CORE, "def run():\n    from ._core import run"),
    ],
)
def test_a_module_that_importing_the_package_does_not_need(site: Path, lost: str, other: str) -> None:
    add(site, "", lost, other=other)
    (finding,) = found(site)
    assert (finding.severity, "--reinstall" in finding.remedy) == ("warning", True)


@pytest.mark.parametrize(
    ("lost", "other"),
    [
        (CORE, "try:\n    from . import _core\nexcept ImportError:\n    pass"),
        (CORE.replace("311", "39"), ""),  # of another Python
        ("demo/_core_tests.cpython-311-x86_64-linux-gnu.so", ""),  # as numpy has; what makes images small takes it out
        ("demo/plugin.so", ""),
        ("demo/libfast.so.2", ""),
    ],
)
def test_a_file_that_is_hardly_missed(site: Path, lost: str, other: str) -> None:
    add(site, "", lost, other=other)
    assert [(one.severity, one.remedy) for one in found(site)] == [("note", "none needed")]


def test_a_library_that_ctypes_would_load(site: Path) -> None:
    add(site, 'from ctypes import CDLL\nCDLL(__path__[0] + "/libfast.so.2")\n', "demo/libfast.so.2", "demo/libslow.so")
    (finding,) = found(site)
    assert finding.severity == "warning"
    assert finding.message == "demo/libfast.so.2 and one more, which demo 1.0 installed, are gone"


def test_files_of_tests_are_no_loss(site: Path) -> None:
    add(site, "", "demo/tests/_x.cpython-311-x86_64-linux-gnu.so")
    assert found(site) == []


def test_what_is_all_gone(site: Path) -> None:
    """``rm -rf site-packages/demo``: pip says that the requirement is satisfied."""
    add(site, "")
    add_distribution(site, "pure", "2.0", {"pure/__init__.py": "", "pure/a.py": ""})
    for name in ("demo", "pure"):
        shutil.rmtree(site / name)
    (finding,) = found(site)
    assert (finding.severity, finding.subject, finding.distribution) == ("error", "environment::packages", None)
    assert finding.message == "nothing of demo 1.0, pure 2.0 is there but metadata: what was installed cannot be imported"
    assert finding.remedy.endswith("demo==1.0 pure==2.0")


def test_a_package_that_is_gone_though_its_libraries_are_left(site: Path) -> None:
    """``rm -rf site-packages/numpy``: ``numpy.libs`` stays."""
    add(site, "", CORE, "demo.libs/libx-0a1b2c3d.so.1", "examples/libshow.so")
    write(site / "demo.libs/libx-0a1b2c3d.so.1", elfs.shared())
    shutil.rmtree(site / "examples")
    assert [one.severity for one in found(site)] == ["warning"]
    shutil.rmtree(site / "demo")
    (finding,) = found(site)
    assert finding.severity == "error"
    assert finding.message.endswith("are gone: import demo fails, as nothing of it is there")
    write(site / "demo.py", "")
    assert [one.severity for one in found(site)] == ["warning"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_links_in_a_circle(site: Path) -> None:
    add(site, "from . import _core", CORE)
    (site / CORE).symlink_to(CORE.rpartition("/")[2])
    assert [one.severity for one in found(site)] == ["error"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_links_into_a_cache_that_was_cleaned(site: Path, tmp_path: Path) -> None:
    """``uv pip install --link-mode=symlink``, then ``uv cache clean``: uv says that the requirement is satisfied."""
    add_distribution(site, "demo", "1.0", {CORE: elfs.shared(), "demo/__init__.py": "from . import _core"}, installer="uv")
    cache = tmp_path / "cache"
    for path in (*site.glob("demo/*"), site / "demo-1.0.dist-info/METADATA"):
        kept = cache / path.relative_to(site)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.rename(kept)
        path.symlink_to(kept)
    assert found(site) == []
    shutil.rmtree(cache)
    (finding,) = found(site)
    assert finding.severity == "error"
    assert finding.message == (
        "nothing of demo 1.0 is there but symbolic links that lead nowhere: what was installed cannot be imported"
    )
    assert finding.remedy.endswith("--link-mode=copy demo==1.0")  # with UV_LINK_MODE=symlink it would stop half-way


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_a_link_that_leads_nowhere_is_no_module(site: Path) -> None:
    add(site, "from . import _core", CORE)
    (site / CORE).symlink_to("nowhere.so")
    (finding,) = found(site)
    assert (finding.severity, "(a symbolic link that leads nowhere): import demo fails" in finding.message) == ("error", True)


def test_many_that_are_all_gone_are_told_in_a_few_words(site: Path) -> None:
    for number in range(20):
        add_distribution(site, f"d{number:02}", "1", {f"d{number:02}/__init__.py": ""})
        shutil.rmtree(site / f"d{number:02}")
    (finding,) = found(site)
    assert finding.message.startswith("nothing of d00 1, d01 1, d02 1, d03 1, d04 1, d05 1 and 14 more is there but metadata")
    assert finding.remedy == "install them again, from what they were installed from"


def test_of_what_is_half_gone_only_compiled_files_are_asked(site: Path) -> None:
    add_distribution(site, "pure", "2.0", {"pure/__init__.py": "", "pure/a.py": ""})
    (site / "pure" / "__init__.py").unlink()
    assert found(site) == []


def test_metadata_beside_an_archive_of_modules(tmp_path: Path) -> None:
    """PyInstaller copies metadata beside ``base_library.zip``; the modules are in the program."""
    add_distribution(tmp_path / "app", "pure", "2.0", {"pure/__init__.py": ""})
    shutil.rmtree(tmp_path / "app" / "pure")
    assert [one.severity for one in found(tmp_path / "app")] == ["error"]
    write(tmp_path / "app" / "base_library.zip", "")
    assert found(tmp_path / "app") == []


def test_what_an_older_version_left(site: Path) -> None:
    """Two of one name: the older RECORD lists what the newer version has no more."""
    add(site, "from ._core import x", CORE)
    add_distribution(site, "demo", "2.0", {"demo/new.py": ""})
    assert found(site) == []


def test_conda_goes_by_records_of_its_own(tmp_path: Path) -> None:
    prefix = make_prefix(tmp_path / "prefix", elfs.executable(needed=()), subdir="linux-64")
    add(prefix / SITE, "from ._core import x", CORE)
    assert [one.severity for one in found(prefix)] == ["error"], "pip installed it"
    (metadata,) = (prefix / SITE).glob("demo-*.dist-info/METADATA")
    text = metadata.read_text("utf-8")
    add_package(prefix, "demo", "1.0", {str(metadata.relative_to(prefix)): text}, subdir="linux-64")
    assert found(prefix) == []


def test_a_folder_that_cannot_be_looked_into_may_hold_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(site, "from ._core import x", CORE)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("pytest_archcheck.discover.record.os.lstat", refuse)
    assert found(site) == []
