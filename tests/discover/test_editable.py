"""Editable installs as each build backend writes them, and what of a project's folder is none of our business."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution, make_venv, write

from pytest_archcheck.discover.environments import environment_at

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.discover.model import Distribution, Environment

MACHO = machos.bundle()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with a compiled package, and much else that holds compiled files."""
    root = tmp_path / "project"
    write(root / "pyproject.toml", "")
    for folder in ("foo", "src/foo"):
        write(root / folder / "__init__.py", "")
        write(root / folder / "_x.cpython-311-darwin.so", MACHO)
    for other in (
        ".git/x.so",
        "node_modules/x/x.node",
        "tests/data/x.so",
        "tests/__init__.py",
        "build/lib/foo/_x.so",
        "docs/x.so",
    ):
        write(root / other, MACHO)
    add_distribution(make_venv(root / ".venv"), "numpy", files={"numpy/_core.so": MACHO})
    add_distribution(make_venv(root / "venv"), "numpy", files={"numpy/_core.so": MACHO})
    return root


def install(tmp_path: Path, project: Path, files: dict[str, str], *, name: str = "foo", direct: bool = True) -> Environment:
    site = make_venv(tmp_path / "env")
    url = json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}})
    add_distribution(site, name, files=files, extra_metadata={"direct_url.json": url} if direct else None)
    return environment_at(str(tmp_path / "env"))


def only(environment: Environment) -> Distribution:
    (distribution,) = environment.distributions
    return distribution


SETUPTOOLS = """import sys
MAPPING: dict[str, str] = {'foo': '@/src/foo'}
NAMESPACES: dict[str, list[str]] = {}
PATH_PLACEHOLDER = '__editable__.foo-1.0.finder.__path_hook__'
"""
EDITABLES = (
    "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('foo', '@/src/foo/__init__.py')\n"
)


@pytest.mark.parametrize(
    ("files", "inside"),
    [
        ({"__editable__.foo-1.0.pth": "@/src\n"}, "src"),
        (
            {"__editable__.foo-1.0.pth": "import __editable___foo_1_0_finder\n", "__editable___foo_1_0_finder.py": SETUPTOOLS},
            "src",
        ),
        ({"_foo.pth": "@/src\n"}, "src"),  # hatchling, maturin
        ({"_foo.pth": "import _editable_impl_foo\n", "_editable_impl_foo.py": EDITABLES}, "src"),  # hatchling, mapped
        ({"foo.pth": "@\n"}, "."),  # flit, poetry, pdm
        ({"foo.pth": "\n# a comment\n@/nowhere\n@\n@\n"}, "."),
    ],
    ids=["setuptools", "setuptools-finder", "hatchling", "hatchling-mapped", "flit", "twice"],
)
def test_packages_in_the_project(tmp_path: Path, project: Path, files: dict[str, str], inside: str) -> None:
    files = {name: text.replace("@", str(project)) for name, text in files.items()}
    found = only(install(tmp_path, project, files))
    assert (found.name, found.editable, found.root) == ("foo", True, str(project))
    assert found.location == str((project / inside).resolve())
    assert [binary.path for binary in found.binaries] == ["foo/_x.cpython-311-darwin.so"]


def test_scikit_build_core_puts_modules_into_the_site(tmp_path: Path, project: Path) -> None:
    finder = f"install({{'foo': '{project}/src/foo/__init__.py'}}, {{'foo._y': 'foo/_y.so'}}, None, False)\n"
    files: dict[str, str] = {"_foo_editable.py": finder, "_foo_editable.pth": "import _foo_editable\n"}
    site = make_venv(tmp_path / "env")
    add_distribution(site, "foo", files={**files, "foo/_y.so": MACHO})
    assert [binary.path for binary in only(environment_at(str(tmp_path / "env"))).binaries] == ["foo/_y.so"]


def test_meson_python_loads_from_its_build_folder(tmp_path: Path, project: Path) -> None:
    write(project / "build/cp311/_z.cpython-311-darwin.so", MACHO)
    loader = f"install('foo', {{'foo'}}, '{project}/build/cp311', ['ninja'], False)\n"
    found = only(
        install(tmp_path, project, {"_foo_editable_loader.py": loader, "foo-editable.pth": "import _foo_editable_loader\n"})
    )
    assert [binary.path for binary in found.binaries] == ["cp311/_z.cpython-311-darwin.so"]


def test_setup_py_develop(tmp_path: Path, project: Path) -> None:
    write(project / "foo.egg-info" / "PKG-INFO", "Name: foo\nVersion: 3.0\n")
    write(project / "foo.egg-info" / "top_level.txt", "foo\n")
    environment = install(
        tmp_path, project, {"easy-install.pth": f"{project}\n", "foo.egg-link": f"{project}\n.\n"}, name="other", direct=False
    )
    found = only(environment)
    assert (found.name, found.version, found.root) == ("foo", "3.0", str(project))
    assert [binary.path for binary in found.binaries] == ["foo/_x.cpython-311-darwin.so"]


def test_an_egg_info_in_src_makes_no_second_distribution(tmp_path: Path, project: Path) -> None:
    write(project / "src" / "foo.egg-info" / "PKG-INFO", "Name: foo\nVersion: 0.9\n")
    environment = install(tmp_path, project, {"__editable__.foo-1.0.pth": f"{project / 'src'}\n"})
    assert [project.version for project in environment.projects] == ["1.0"]


def test_a_pth_file_of_nobody(tmp_path: Path, project: Path) -> None:
    found = only(install(tmp_path, project, {"mine.pth": f"{project / 'src'}\n"}, name="unrelated", direct=False))
    assert (found.name, len(found.binaries)) == (None, 1)


def test_a_pth_file_to_another_site_directory(tmp_path: Path, project: Path) -> None:
    add_distribution(tmp_path / "shared", "bar", files={"bar/sub/_x.so": MACHO, "_top.so": MACHO})
    environment = install(tmp_path, project, {"shared.pth": f"{tmp_path / 'shared'}\n"})
    assert [(dist.name, dist.location) for dist in environment.distributions] == [("bar", str(tmp_path / "shared"))]
    assert len(only(environment).binaries) == 2


@pytest.mark.parametrize("source", ["(" * 10000, "x = 'unclosed", "\0", "MAPPING = {'foo': '/'}", "MAPPING = {'a': '@'}"])
def test_finders_that_say_nothing_of_use(tmp_path: Path, project: Path, source: str) -> None:
    finder = {"__editable___foo_1_0_finder.py": source.replace("@", str(project))}
    assert install(tmp_path, project, finder).distributions == ()
