"""What people have in their hands: folders above environments and parts of them, one file, and what is no input yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution, make_venv, write

from pytest_archcheck import inspect, limits
from pytest_archcheck.discover.below import look_below
from pytest_archcheck.discover.environments import NothingToInspect
from pytest_archcheck.rules.inputs import advice_for

if TYPE_CHECKING:
    from pathlib import Path

ARM64 = "macosx_14_0_arm64"
MODULE = "foo/_x.cpython-311-darwin.so"


def subjects(path: Path) -> list[str]:
    return [check.subject for check in inspect(str(path), ARM64).checks]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with its environment, its tests' data and what its build left."""
    site = make_venv(tmp_path / ".venv")
    write(tmp_path / ".venv" / "pyvenv.cfg", "home = /nowhere\nversion = 3.11.7\n")
    add_distribution(site, "foo", files={MODULE: machos.bundle()})
    add_distribution(tmp_path / "tests" / "data", "fake", files={"fake/_x.so": machos.bundle("x86_64")})
    write(tmp_path / "build" / "_old.cpython-311-darwin.so", machos.bundle("x86_64"))
    write(tmp_path / "node_modules" / "x" / "pyvenv.cfg", "")
    return tmp_path


def test_below_a_project_its_environment_is_meant(project: Path) -> None:
    inspection = inspect(str(project), ARM64)
    assert [environment.path for environment in inspection.environments] == [str(project / ".venv")]
    assert {finding.severity for finding in inspection.findings} <= {"note"}
    assert [skip.reason for skip in inspection.skipped if skip.subject == str(project)] == [
        "only the environments below it were looked at"
    ]


@pytest.mark.parametrize("part", ["bin", "lib", "lib/python3.11", "bin/python"])
def test_a_part_of_an_environment_is_the_environment(project: Path, part: str) -> None:
    (project / ".venv" / "bin").mkdir()
    write(project / ".venv" / "bin" / "python", machos.executable())
    write(project / ".venv" / "bin" / "tool", machos.executable("x86_64"))
    assert [environment.path for environment in inspect(str(project / ".venv" / part), ARM64).environments] == [
        str(project / ".venv")
    ]


@pytest.mark.parametrize(
    "site", ["usr/lib/python3/dist-packages", "opt/tool/lib/python3.12/site-packages", "srv/app/Lib/site-packages"]
)
def test_environments_in_a_system_of_files(tmp_path: Path, site: str) -> None:
    write(tmp_path / "etc" / "os-release", "")
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    write(tmp_path / "usr" / "bin" / "tool", machos.executable("x86_64"))
    write(tmp_path / "proc" / "pyvenv.cfg", "")
    add_distribution(tmp_path / site, "foo", files={MODULE: machos.bundle("x86_64")})
    inspection = inspect(str(tmp_path), ARM64)
    (finding,) = [one for one in inspection.findings if one.severity == "error"]
    assert (finding.rule, finding.distribution, finding.path) == ("wrong-architecture", "foo", MODULE)


def test_several_environments_below_one_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        add_distribution(make_venv(tmp_path / name), "foo", files={MODULE: machos.bundle()})
    assert "two::foo" in subjects(tmp_path)


def test_folders_with_metadata_where_there_is_no_environment(tmp_path: Path) -> None:
    add_distribution(tmp_path / "layer" / "python", "foo", files={MODULE: machos.bundle()})
    assert "foo" in subjects(tmp_path)


def test_wheels_below_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "simple" / "foo" / "foo-1.0-py3-none-any.whl", b"")
    write(tmp_path / "simple" / "bar" / "bar-1.0-py3-none-any.whl", b"")
    assert subjects(tmp_path) == ["simple/bar/bar-1.0-py3-none-any", "simple/foo/foo-1.0-py3-none-any"]


def test_an_application_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    app = tmp_path / "Demo.app" / "Contents"
    add_distribution(app / "Resources" / "lib" / "python3.11" / "site-packages", "foo", files={MODULE: machos.bundle()})
    write(app / "MacOS" / "Demo", machos.executable("x86_64"))
    (finding,) = [one for one in inspect(str(tmp_path / "Demo.app"), ARM64).findings if one.severity == "error"]
    assert finding.path == "Contents/MacOS/Demo"


def test_the_search_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"d{number:02}").mkdir()
    make_venv(tmp_path / "d05" / "env")
    monkeypatch.setattr(limits, "SEARCHED_FOR_ENVIRONMENTS", 35)
    assert not look_below(str(tmp_path)).cut
    monkeypatch.setattr(limits, "SEARCHED_FOR_ENVIRONMENTS", 20)
    assert look_below(str(tmp_path)).cut
    monkeypatch.setattr(limits, "SEARCHED_FOR_ENVIRONMENTS", 1000)
    deep = tmp_path / "/".join("x" * (limits.ENVIRONMENT_DEPTH + 3))
    deep.mkdir(parents=True)
    found = look_below(str(tmp_path))
    assert found.cut
    assert found.environments == [str(tmp_path / "d05" / "env")]


def test_links_are_not_followed_while_looking(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert look_below(str(tmp_path)).environments == []


class TestOneFile:
    def test_alone(self, tmp_path: Path) -> None:
        file = write(tmp_path / "x.so", machos.bundle("x86_64"))
        write(tmp_path / "other.so", machos.bundle("x86_64"))
        inspection = inspect(str(file), ARM64)
        (check,) = inspection.checks
        assert (check.subject, [finding.rule for finding in check.findings]) == ("x.so", ["wrong-architecture"])
        assert [binary.path for binary in inspection.binaries] == ["x.so"]

    def test_its_libraries_may_lie_beside_it(self, tmp_path: Path) -> None:
        file = write(tmp_path / "x.so", machos.bundle(libraries=["@loader_path/libx.dylib", "@loader_path/liby.dylib"]))
        write(tmp_path / "libx.dylib", machos.dylib())
        (finding,) = inspect(str(file), ARM64).findings
        assert (finding.rule, "liby.dylib" in finding.message) == ("missing-library", True)

    def test_installed(self, project: Path) -> None:
        site = project / ".venv" / "lib" / "python3.11" / "site-packages"
        add_distribution(site, "bar", files={"bar/_x.so": machos.bundle("x86_64"), "bar/_y.so": machos.bundle("x86_64")})
        (check,) = inspect(str(site / "bar" / "_y.so"), ARM64).checks
        assert check.title == "bar 1.0 (_y.so)"
        assert [finding.path for finding in check.findings] == ["bar/_y.so"]
        assert f"--target {site} " in check.findings[0].remedy
        assert [one.path for one in inspect(str(site / MODULE), ARM64).findings if one.path] == []

    @pytest.mark.skipif(not os.path.exists("/proc"), reason="a Mac's file on Linux")
    def test_for_another_system_than_this(self, tmp_path: Path) -> None:
        file = write(tmp_path / "my x.so", machos.bundle())
        (finding,) = inspect(str(file)).findings
        assert finding.rule == "wrong-platform"
        assert finding.remedy == "say which machine it is for: add --archcheck-target=macosx_14_0_arm64"

    @pytest.mark.parametrize("content", ["", "text"])
    def test_no_compiled_file(self, tmp_path: Path, content: str) -> None:
        with pytest.raises(NothingToInspect, match="nothing that can be inspected; expected the folder of an environment"):
            inspect(str(write(tmp_path / "notes.bin", content)))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("requirements.txt", "uv pip compile --universal --format pylock.toml -o pylock.check.toml '{path}' && "),
        ("requirements-dev.in", "uv pip compile "),
        ("x-1.0-py3.11-macosx-11-arm64.egg", "python -m zipfile -e '{path}' there && pytest-archcheck ./there"),
        ("pixi.lock", "pixi install && pytest-archcheck .pixi/envs/default"),
        ("Pipfile.lock", "pipenv requirements > pinned.txt && uv pip compile "),
        ("pixi.toml", "pixi install && pytest-archcheck .pixi/envs/default"),
        ("environment.yml", "conda env create --prefix there --file '{path}' && pytest-archcheck ./there"),
        ("conda-lock.yml", "conda-lock install --prefix there '{path}' && pytest-archcheck ./there"),
        ("a.zip", "python -m zipfile -e '{path}' there && pytest-archcheck ./there"),
        ("pyproject.toml", "uv lock && pytest-archcheck uv.lock"),
        ("foo-1.0.tar.gz", "pip wheel --no-deps '{path}'"),
    ],
)
def test_what_is_no_input_leads_to_one(tmp_path: Path, name: str, typed: str) -> None:
    path = write(tmp_path / "my $(folder)" / name, "")
    with pytest.raises(NothingToInspect) as raised:
        inspect(str(path))
    assert typed.format(path=path) in str(raised.value)


def test_nothing_is_said_of_any_other_file() -> None:
    assert advice_for("/x/notes.md") is None


def test_a_file_is_opened_once_for_headers_and_signatures(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature is read while the file is open for its load commands: opening files is a good part of a scan."""
    opened = []

    def counted(path: str, *arguments: int) -> int:
        opened.append(path)
        return real_open(path, *arguments)

    real_open = os.open
    monkeypatch.setattr(os, "open", counted)
    inspection = inspect(str(project), ARM64)
    (file,) = inspection.signatures
    assert dict(inspection.signatures[file]) == {"arm64": "ad-hoc"}
    assert [path for path in opened if path == file] == [file]
