"""``python -m pytest_archcheck``: the checks alone, whatever the project, the environment or the shell brings along."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.sites import write

from pytest_archcheck.plugin.standalone import command_line, valued_options

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "macosx_14_0_arm64"


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_archcheck", *arguments]
    full = os.environ | {"COLUMNS": "150"} | environment
    return subprocess.run(command, cwd=folder, env=full, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A project in which plain pytest cannot even start, and whose modules would shadow what pytest imports."""
    folder = tmp_path / "project"
    write(folder / "conftest.py", "raise SystemExit('conftest ran')")
    write(
        folder / "pytest.ini",
        "[pytest]\naddopts = --cov=project -p evil\nfilterwarnings = error::project.Own\nasyncio_mode = x\n",
    )
    write(folder / "evil.py", "raise SystemExit('evil ran')")
    write(folder / "pluggy.py", "raise SystemExit('pluggy ran')")
    write(folder / "test_one.py", "raise SystemExit('a test module ran')")
    write(folder / "archcheck" / "__init__.py", "raise SystemExit('a folder of our name ran')")
    return folder


def test_nothing_of_the_project_runs(hostile: Path, healthy: Path, broken: Path) -> None:
    shell = {"PYTEST_ADDOPTS": "--nonsense", "PYTEST_PLUGINS": "evil"}
    well = _run(hostile, f"--archcheck-path={healthy}", f"--archcheck-target={TARGET}", **shell)
    assert well.returncode == 0, well.stdout + well.stderr
    assert "3 passed" in well.stdout
    assert "warning" not in well.stdout
    ill = _run(hostile, f"--archcheck-path={broken}", f"--archcheck-target={TARGET}", "archcheck", **shell)
    assert ill.returncode == 1
    assert "FAILED archcheck::numpy - wrong-architecture" in ill.stdout
    assert "1 failed, 3 passed, 1 warning" in ill.stdout
    assert not [name for name in os.listdir(hostile) if name.startswith(".")], "it leaves nothing behind"


def test_nothing_of_the_inspected_environment_runs_however_its_path_is_typed(hostile: Path, tmp_path: Path) -> None:
    target = f"--archcheck-target={TARGET}"
    for words in (["--archcheck-path", str(hostile)], [str(hostile)], [f"--archcheck-path={hostile}"]):
        done = _run(tmp_path, *words, target)
        assert "ran" not in done.stdout + done.stderr


def test_words_that_stand_alone_are_paths(tmp_path: Path, healthy: Path, broken: Path) -> None:
    done = _run(tmp_path, f"--archcheck-target={TARGET}", str(healthy), "-k", "pandas or numpy", str(broken))
    assert done.returncode == 1
    assert f"FAILED archcheck::{broken.name}::numpy - wrong-architecture" in done.stdout
    assert "1 failed, 1 passed, 5 deselected" in done.stdout
    missing = _run(tmp_path, "tests")
    assert missing.returncode == 4
    assert "--archcheck-path: got 'tests', expected a path that exists" in missing.stderr


def test_settings_of_the_project_where_they_are_asked_for(hostile: Path, broken: Path) -> None:
    allow = "archcheck_allow =\n    numpy/wrong-architecture: known\n"
    (hostile / "pytest.ini").write_text((hostile / "pytest.ini").read_text() + allow)
    target = f"--archcheck-target={TARGET}"
    assert _run(hostile, str(broken), target).returncode == 1
    asked = _run(hostile, str(broken), target, "-c", "pytest.ini")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "1 xfailed" in asked.stdout


def test_one_check_again_by_its_id(hostile: Path, broken: Path) -> None:
    done = _run(hostile, str(broken), f"--archcheck-target={TARGET}", "archcheck::h5py")
    assert "1 passed" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("words", [("-n", "2"), ("-p", "xdist", "-n2")])
def test_workers_of_pytest_xdist(tmp_path: Path, broken: Path, words: tuple[str, ...]) -> None:
    done = _run(tmp_path, str(broken), f"--archcheck-target={TARGET}", *words)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1


def test_the_header_names_no_settings_file_but_one_that_was_asked_for(tmp_path: Path, healthy: Path) -> None:
    write(tmp_path / "mine.ini", "[pytest]\n")
    plain = _run(tmp_path, str(healthy), f"--archcheck-target={TARGET}")
    assert "3 passed" in plain.stdout
    assert "configfile" not in plain.stdout
    assert ".ini" not in plain.stdout
    assert "configfile: mine.ini\n" in _run(tmp_path, str(healthy), f"--archcheck-target={TARGET}", "-c", "mine.ini").stdout


@pytest.mark.parametrize("option", ["-k", "--archcheck-path"])
def test_an_option_whose_value_was_forgotten(tmp_path: Path, option: str) -> None:
    """pytest would take what the command adds for it."""
    done = _run(tmp_path, option)
    assert (done.returncode, done.stdout, done.stderr) == (4, "", f"ERROR: {option} needs a value\n")


def test_going_on_from_an_earlier_run(tmp_path: Path, broken: Path) -> None:
    words = (str(broken), f"--archcheck-target={TARGET}")
    lost = _run(tmp_path, *words, "--lf")
    assert (lost.returncode, lost.stdout) == (4, "")
    assert lost.stderr == (
        "ERROR: --lf goes on from an earlier run, and this command leaves nothing behind: add -p cacheprovider to each run\n"
    )
    assert "1 failed, 3 passed" in _run(tmp_path, *words, "-p", "cacheprovider").stdout
    again = _run(tmp_path, *words, "-p", "cacheprovider", "--lf").stdout
    assert "1 failed, 3 deselected" in again
    assert "AssertRewrite" not in again


def test_a_misspelt_option_is_answered_by_the_command_that_was_typed(tmp_path: Path) -> None:
    done = _run(tmp_path, "--archcheck-targt=host")
    assert done.returncode == 4
    assert "pytest-archcheck: error: unrecognized arguments: --archcheck-targt=host" in done.stderr
    assert ".ini" not in done.stderr


def test_help_and_version(tmp_path: Path) -> None:
    assert "pytest-archcheck dist/*.whl" in _run(tmp_path, "--help").stdout
    assert _run(tmp_path, "--version").stdout.startswith("pytest-archcheck ")


def test_the_options_with_values_are_those_of_pytest(tmp_path: Path) -> None:
    """As its help shows them, with ours; those of other plugins are there only where ``-p`` loads them."""
    command = [sys.executable, "-m", "pytest", "--help", "-p", "pytest_archcheck.plugin"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    shown = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    lines = [re.split(r"\s{2,}", line[2:])[0] for line in shown.splitlines() if line.startswith("  -")]
    valued = {name for line in lines for name in re.findall(r"(--?[\w-]+)(?:=| )[\w{]", line)}
    assert len(valued) > 40
    assert valued <= valued_options()


def test_what_the_user_types_comes_last() -> None:
    line = command_line(["--rootdir=/elsewhere", "-c", "mine.ini", "dist/x.whl", "--", "-odd"])
    assert line.index("--rootdir=/elsewhere") > line.index(f"--rootdir={os.getcwd()}")
    assert line[-3:] == ["--archcheck-path=dist/x.whl", "--archcheck-path=-odd", "archcheck::"]
