"""``--archcheck-path ENV``, with a space: pytest takes ENV for the project's folder before it knows the option."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

TARGET = "--archcheck-target=macosx_14_0_arm64"


@pytest.fixture
def env(healthy: Path, tmp_path: Path) -> Path:
    """An environment with settings of its own, and code that they name."""
    made = tmp_path / "a hostile env"
    shutil.copytree(healthy, made)
    (made / "pytest.ini").write_text("[pytest]\ntestpaths = .\npythonpath = .\n", encoding="utf-8")
    (made / "conftest.py").write_text("raise SystemExit('the inspected environment was run')\n", encoding="utf-8")
    return made


def test_the_settings_of_an_inspected_environment_are_refused(pytester: pytest.Pytester, env: Path) -> None:
    result = pytester.runpytest("--archcheck-path", str(env), TARGET)
    assert result.ret == 4
    said = (
        f"ERROR: write --archcheck-path='{env}', with '=': behind the space pytest took it for * and read {env}/pytest.ini. *"
    )
    result.stderr.fnmatch_lines([said])
    assert "was run" not in result.stderr.str() + result.stdout.str()
    assert "archcheck: target" not in result.stdout.str()


def test_written_as_one_word_it_is_inspected(pytester: pytest.Pytester, env: Path) -> None:
    pytester.runpytest(f"--archcheck-path={env}", TARGET).assert_outcomes(passed=3)


@pytest.mark.parametrize("where", ["below the project", "in the variable"])
def test_wherever_it_lies_and_is_said(
    pytester: pytest.Pytester, env: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    pytester.makeini("[pytest]\n")
    if where == "below the project":
        shutil.move(env, pytester.path / "env")
        result = pytester.runpytest("--archcheck-path", "env", TARGET)
    else:
        monkeypatch.setenv("PYTEST_ADDOPTS", f"--archcheck-path '{env}'")
        result = pytester.runpytest(TARGET)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: write --archcheck-path=*"])


def test_what_an_option_wrote_is_not_taken_either(pytester: pytest.Pytester, env: Path, healthy: Path) -> None:
    """Not the first time: then the file is not there yet."""
    arguments = (f"--archcheck-path={healthy}", TARGET, "--archcheck-json", str(env / "out.json"))
    pytester.runpytest(*arguments).assert_outcomes(passed=3)
    result = pytester.runpytest(*arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: write --archcheck-json=*"])


@pytest.mark.parametrize("named", ["--rootdir", "argument", "in it"])
def test_what_the_user_named_is_the_users_own(
    pytester: pytest.Pytester, env: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    (env / "conftest.py").unlink()
    arguments = ["--archcheck-path", str(env), TARGET]
    if named == "--rootdir":
        arguments.append(f"--rootdir={env}")
    elif named == "argument":
        (env / "test_project.py").write_text("def test_one(): pass\n", encoding="utf-8")
        arguments.append(str(env))
    else:
        monkeypatch.chdir(env)
    pytester.runpytest(*arguments).assert_outcomes(passed=4 if named == "argument" else 3)


def test_options_without_a_value_take_none(pytester: pytest.Pytester, env: Path, healthy: Path) -> None:
    (env / "conftest.py").unlink()
    pytester.runpytest(f"--archcheck-path={healthy}", TARGET, "--archcheck-all-pages", str(env)).assert_outcomes(passed=3)
