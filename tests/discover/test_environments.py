"""What kind of place a path is, which files belong to it, and who owns them."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import machos
from support.sites import add_distribution, make_venv, write

from pytest_archcheck.discover.environments import NothingToInspect, active_environment, environment_at, site_directories
from pytest_archcheck.machine.host import this_host

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Distribution, Environment

MACHO = machos.bundle()
MODULE = "foo/_x.cpython-311-darwin.so"

posix = pytest.mark.skipif(os.name == "nt", reason="symbolic links")


def owners(environment: Environment) -> dict[str | None, list[str]]:
    return {dist.name: [binary.path for binary in dist.binaries] for dist in environment.distributions}


def only(environment: Environment) -> Distribution:
    (distribution,) = environment.distributions
    return distribution


class TestKinds:
    def test_venv(self, tmp_path: Path) -> None:
        add_distribution(make_venv(tmp_path / "venv"), "foo", files={MODULE: MACHO})
        environment = environment_at(str(tmp_path / "venv"))
        assert (environment.kind, environment.label, environment.path) == ("venv", "venv", str(tmp_path / "venv"))
        assert owners(environment) == {"foo": [MODULE]}

    @pytest.mark.parametrize("layout", ["lib/python3.11/site-packages", "lib64/python3.13t/site-packages", "Lib/site-packages"])
    def test_prefix_without_a_configuration(self, tmp_path: Path, layout: str) -> None:
        add_distribution(tmp_path / layout, "foo", files={MODULE: MACHO})
        environment = environment_at(str(tmp_path))
        assert owners(environment) == {"foo": [MODULE]}
        assert only(environment).location == str(tmp_path / layout)

    @posix
    def test_prefix_whose_lib64_is_lib(self, tmp_path: Path) -> None:
        add_distribution(tmp_path / "lib/python3.11/site-packages", "foo", files={MODULE: MACHO})
        (tmp_path / "lib64").symlink_to("lib")
        assert owners(environment_at(str(tmp_path))) == {"foo": [MODULE]}

    def test_two_site_directories(self, tmp_path: Path) -> None:
        for lib, name in (("lib", "pure"), ("lib64", "plat")):
            add_distribution(tmp_path / lib / "python3.11/site-packages", name, files={f"{name}/_x.so": MACHO})
        assert owners(environment_at(str(tmp_path))) == {"pure": ["pure/_x.so"], "plat": ["plat/_x.so"]}

    def test_target_folder(self, tmp_path: Path) -> None:
        add_distribution(tmp_path, "foo", files={MODULE: MACHO, "bin/tool": MACHO}, record=False)
        write(tmp_path / "foo-1.0.dist-info" / "RECORD", f"{MODULE},,\n../../bin/tool,,\n")
        environment = environment_at(str(tmp_path))
        assert environment.kind == "site-packages"
        assert owners(environment) == {"foo": ["bin/tool", MODULE]}

    def test_compiled_files_alone(self, tmp_path: Path) -> None:
        write(tmp_path / "build/_x.so", MACHO)
        environment = environment_at(str(tmp_path))
        assert (environment.kind, owners(environment)) == ("folder", {None: ["build/_x.so"]})

    def test_an_empty_folder_is_an_environment_of_nothing(self, tmp_path: Path) -> None:
        environment = environment_at(str(tmp_path))
        assert (environment.distributions, environment.files) == ((), 0)

    def test_a_folder_of_other_things_is_none(self, tmp_path: Path) -> None:
        write(tmp_path / "README.md", "hello")
        with pytest.raises(NothingToInspect, match=r"looked for a virtual environment \(pyvenv.cfg\)"):
            environment_at(str(tmp_path))

    def test_a_file_or_nothing(self, tmp_path: Path) -> None:
        write(tmp_path / "x.txt", "")
        with pytest.raises(NothingToInspect, match="nothing that can be inspected"):
            environment_at(str(tmp_path / "x.txt"))
        with pytest.raises(NothingToInspect, match="no such file or folder"):
            environment_at(str(tmp_path / "nowhere"))

    @posix
    @pytest.mark.parametrize("spelling", ["{}/", "{}/../venv", "{}/lib/..", "link", "relative", "./relative/"])
    def test_other_spellings_of_a_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
        add_distribution(make_venv(tmp_path / "venv"), "foo", files={MODULE: MACHO})
        for name in ("link", "relative"):
            (tmp_path / name).symlink_to("venv")
        monkeypatch.chdir(tmp_path)
        assert owners(environment_at(spelling.format(tmp_path / "venv"))) == {"foo": [MODULE]}

    @pytest.mark.parametrize("name", ["a[b]c", "with space", "ünï", "star" if os.name == "nt" else "st*r?"])
    def test_names_that_mean_something_to_glob(self, tmp_path: Path, name: str) -> None:
        add_distribution(make_venv(tmp_path / name), "foo", files={MODULE: MACHO})
        assert owners(environment_at(str(tmp_path / name))) == {"foo": [MODULE]}


class TestOwners:
    def test_files_of_nobody(self, tmp_path: Path) -> None:
        add_distribution(tmp_path, "foo", files={MODULE: MACHO})
        write(tmp_path / "foo" / "_left.so", MACHO)
        assert owners(environment_at(str(tmp_path))) == {"foo": [MODULE], None: ["foo/_left.so"]}

    def test_two_distributions_that_record_one_file(self, tmp_path: Path) -> None:
        for name in ("opencv-python", "opencv-python-headless"):
            add_distribution(tmp_path, name, files={"cv2/cv2.abi3.so": MACHO})
        environment = environment_at(str(tmp_path))
        assert owners(environment) == {name: ["cv2/cv2.abi3.so"] for name in ("opencv-python", "opencv-python-headless")}

    def test_metadata_that_an_upgrade_left_behind_owns_nothing(self, tmp_path: Path) -> None:
        for version in ("9.0", "10.0"):
            add_distribution(tmp_path, "foo", version, files={MODULE: MACHO})
        assert only(environment_at(str(tmp_path))).version == "10.0"

    def test_the_same_name_in_two_site_directories(self, tmp_path: Path) -> None:
        for lib in ("lib", "lib64"):
            add_distribution(tmp_path / lib / "python3.11/site-packages", "foo", files={MODULE: MACHO})
        found = environment_at(str(tmp_path)).distributions
        assert [(dist.name, len(dist.binaries)) for dist in found] == [("foo", 1), ("foo", 1)]
        assert len({dist.location for dist in found}) == 2

    def test_records_come_before_guesses(self, tmp_path: Path) -> None:
        write(tmp_path / "foo-1.0.egg-info" / "PKG-INFO", "Name: foo\nVersion: 1.0\n")
        add_distribution(tmp_path, "bar", files={"foo/_bar.so": MACHO})
        write(tmp_path / "foo/_foo.so", MACHO)
        assert owners(environment_at(str(tmp_path))) == {"bar": ["foo/_bar.so"], "foo": ["foo/_foo.so"]}

    @pytest.mark.parametrize("path", ["yaml/_yaml.so", "_yaml.cpython-311-x86_64-linux-gnu.so"])
    def test_debian(self, tmp_path: Path, path: str) -> None:
        write(tmp_path / "PyYAML-6.0.egg-info", "Name: PyYAML\nVersion: 6.0\n")
        write(tmp_path / "PyYAML-6.0.dist-info" / "METADATA", "Name: PyYAML\nVersion: 6.0\n")
        write(tmp_path / "PyYAML-6.0.dist-info" / "top_level.txt", "_yaml\nyaml\n")
        write(tmp_path / path, MACHO)
        assert owners(environment_at(str(tmp_path))) == {"pyyaml": [path]}

    def test_an_egg(self, tmp_path: Path) -> None:
        egg = "foo-1.0-py3.11-macosx-11.0-arm64.egg"
        write(tmp_path / egg / "EGG-INFO/PKG-INFO", "Name: foo\nVersion: 1.0\n")
        write(tmp_path / egg / MODULE, MACHO)
        write(tmp_path / "easy-install.pth", f"./{egg}\n")
        add_distribution(tmp_path, "other")
        assert owners(environment_at(str(tmp_path))) == {"foo": [f"{egg}/{MODULE}"]}

    def test_programs_of_a_venv(self, tmp_path: Path) -> None:
        folder = make_venv(tmp_path)
        add_distribution(folder, "ruff", files={"../../../bin/ruff": machos.executable(), "../../../bin/hello": "#!/bin/sh\n"})
        add_distribution(folder, "ruff-too", files={"../../../bin/ruff": machos.executable()})
        assert owners(environment_at(str(tmp_path))) == {name: ["../../../bin/ruff"] for name in ("ruff", "ruff-too")}

    def test_records_that_lead_out_of_the_environment(self, tmp_path: Path) -> None:
        write(tmp_path / "bin/secret", MACHO)
        folder = make_venv(tmp_path / "venv")
        info = add_distribution(folder, "foo", files={MODULE: MACHO}, record=False)
        write(info / "RECORD", f"../../../../bin/secret,,\n{tmp_path}/bin/secret,,\n../../../lib,,\n{MODULE},,\n")
        assert owners(environment_at(str(tmp_path / "venv"))) == {"foo": [MODULE]}

    def test_names_that_are_no_utf8(self, tmp_path: Path) -> None:
        name = os.fsdecode(b"foo/\xff.so")
        info = add_distribution(tmp_path, "foo", record=False)
        (info / "RECORD").write_bytes(os.fsencode(name) + b",,\n")
        try:
            write(tmp_path / name, MACHO)
        except OSError:
            pytest.skip("this file system takes UTF-8 only")
        assert owners(environment_at(str(tmp_path))) == {"foo": [name]}


def test_what_could_not_be_looked_at_is_said(tmp_path: Path) -> None:
    add_distribution(tmp_path, "foo", files={MODULE: MACHO}, extra_metadata={"direct_url.json": "{"})
    assert any("direct_url.json" in skipped.reason for skipped in environment_at(str(tmp_path)).skipped)


def test_the_active_environment() -> None:
    environment = active_environment(this_host())
    assert environment.kind == "active"
    assert environment.interpreter is not None
    assert environment.interpreter.path == os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    assert any(binary.role == "extension" for binary in environment.interpreter.binaries)
    locations = [Path(dist.location).resolve() for dist in environment.distributions]
    assert all(
        any(location.is_relative_to(entry) for entry in map(Path, sys.path)) or location.exists() for location in locations
    )


class TestSiteDirectories:
    @pytest.fixture(autouse=True)
    def no_sites(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(site, "getsitepackages", list)
        monkeypatch.setattr(site, "ENABLE_USER_SITE", False)

    def test_by_their_names_and_contents(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("site-packages", "dist-packages", "lib-dynload", "target", "plain"):
            (tmp_path / name).mkdir()
        add_distribution(tmp_path / "target", "foo")
        entries = [str(path) for path in sorted(tmp_path.iterdir())]
        monkeypatch.setattr(sys, "path", ["", *entries, entries[0], str(tmp_path / "nowhere.zip")])
        assert [os.path.basename(folder) for folder in site_directories()] == ["dist-packages", "site-packages", "target"]

    def test_a_checkout_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # pytest and ``python -m`` put it on sys.path, and setuptools leaves an egg-info in it.
        write(tmp_path / "foo.egg-info" / "PKG-INFO", "Name: foo\nVersion: 1\n")
        write(tmp_path / "pyproject.toml", "")
        monkeypatch.setattr(sys, "path", [str(tmp_path)])
        assert site_directories() == []
