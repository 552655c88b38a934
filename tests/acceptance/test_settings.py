"""Options and ini values, in every kind of ini file that pytest reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.machos import bundle
from support.sites import add_distribution, make_venv, write
from support.wheels import write_wheel

if TYPE_CHECKING:
    from pathlib import Path

NATIVE = pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9.0 brought [tool.pytest]")


@pytest.fixture
def site(pytester: pytest.Pytester) -> Path:
    """``env with spaces``, below the project: numpy is x86_64 only."""
    site = pytester.path / "env with spaces"
    add_distribution(site, "numpy", files={"numpy/x.so": bundle("x86_64")}, tags=("cp311-cp311-macosx_11_0_x86_64",))
    return site


INI = """
[pytest]
archcheck = true
archcheck_paths = "env with spaces"
archcheck_target = macosx_14_0_arm64
archcheck_select =
    wrong-architecture
    wrong-platform, missing-symbol
archcheck_ignore = missing-symbol
archcheck_require =
archcheck_json = reports/out.json
archcheck_allow =
    # a comment
    numpy/wrong-architecture @macosx_*: known
"""
LEGACY_TOML = """
[tool.pytest.ini_options]
archcheck = true
archcheck_paths = ["env with spaces"]
archcheck_target = "macosx_14_0_arm64"
archcheck_select = ["wrong-architecture", "wrong-platform, missing-symbol"]
archcheck_ignore = ["missing-symbol"]
archcheck_require = []
archcheck_json = "reports/out.json"
archcheck_allow = ["numpy/wrong-architecture @macosx_*: known"]
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", INI),
        ("tox.ini", INI),
        ("setup.cfg", INI.replace("[pytest]", "[tool:pytest]")),
        ("pyproject.toml", LEGACY_TOML),
        pytest.param("pyproject.toml", LEGACY_TOML.replace(".ini_options", ""), marks=NATIVE),
        pytest.param("pytest.toml", LEGACY_TOML.replace("tool.pytest.ini_options", "pytest"), marks=NATIVE),
    ],
)
@pytest.mark.usefixtures("site")
def test_every_ini_value_in_every_file(pytester: pytest.Pytester, name: str, content: str) -> None:
    pytester.path.joinpath(name).write_text(content, encoding="utf-8")
    result = pytester.runpytest("--strict-config")
    result.assert_outcomes(passed=1, xfailed=1)
    assert (pytester.path / "reports" / "out.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("pytest.ini", "[pytest]\narchcheck = perhaps\n", "*perhaps*"),
        (
            "pytest.ini",
            "[pytest]\narchcheck = 1\narchcheck_target = arm64\n",
            "*archcheck_target (ini): got 'arm64'*macosx_14_0_arm64*",
        ),
        ("pytest.ini", "[pytest]\narchcheck = 1\narchcheck_select = nonsense\n", "*archcheck_select (ini): got 'nonsense'*"),
        (
            "pytest.ini",
            "[pytest]\narchcheck_require = nonsense\n",
            "*archcheck_require (ini): got 'nonsense', expected one of clean*",
        ),
        (
            "pytest.ini",
            "[pytest]\narchcheck_paths = nowhere\n",
            "*archcheck_paths (ini): got '*nowhere', expected a path that exists*",
        ),
        pytest.param("pyproject.toml", "[tool.pytest]\narchcheck = 'yes'\n", "*archcheck*bool*", marks=NATIVE),
        pytest.param(
            "pyproject.toml",
            "[tool.pytest]\narchcheck = true\narchcheck_allow = 'numpy: x'\n",
            "*archcheck_allow*list*",
            marks=NATIVE,
        ),
    ],
)
def test_bad_ini_values(pytester: pytest.Pytester, name: str, content: str, said: str) -> None:
    pytester.path.joinpath(name).write_text(content, encoding="utf-8")
    result = pytester.runpytest()
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--archcheck-target", "arm64"], "--archcheck-target: got 'arm64'*did you mean macosx_14_0_arm64[?]"),
        (
            ["--archcheck-select", "wrong-architectur"],
            "--archcheck-select: got 'wrong-architectur'*did you mean wrong-architecture*",
        ),
        (["--archcheck-ignore", "a,b"], "--archcheck-ignore: got 'a', expected one of *"),
        (["--archcheck-require", "speed"], "--archcheck-require: got 'speed', expected one of clean*"),
        (["--archcheck-path", "nowhere"], "--archcheck-path: got 'nowhere', expected a path that exists*"),
        (["--archcheck-path", "empty"], "--archcheck-path: *nothing to inspect*looked for*"),
        (
            ["--archcheck-select=wrong-python,wrong-numpy", "--archcheck-ignore=wrong-numpy,wrong-python"],
            "--archcheck-ignore: it leaves none of the selected rules: wrong-python, wrong-numpy",
        ),
        (
            ["--archcheck-json=out", "--archcheck-html=./out"],
            "--archcheck-html: */out is the report of --archcheck-json already: name another file",
        ),
        (
            ["--archcheck-require=clean", "--archcheck-path=empty"],
            "--archcheck-require: clean is asked of the environment that *",
        ),
    ],
)
def test_bad_options(pytester: pytest.Pytester, args: list[str], said: str) -> None:
    pytester.mkdir("empty").joinpath("notes.txt").write_text("nothing compiled", encoding="utf-8")
    result = pytester.runpytest("--archcheck", *args)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


@pytest.mark.usefixtures("site")
def test_paths_typed_for_an_ini_file_that_is_not_there(pytester: pytest.Pytester) -> None:
    """pytest before 8.1 asserts that there is one."""
    given = ("-o", "archcheck_paths='env with spaces'", "-o", "archcheck_target=macosx_14_0_arm64")
    pytester.runpytest(*given).assert_outcomes(failed=1, passed=1)
    pytester.runpytest("-o", "archcheck_paths=").assert_outcomes()


@pytest.mark.usefixtures("site")
def test_the_command_line_wins_over_ini(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("pytest.ini").write_text(INI, encoding="utf-8")
    result = pytester.runpytest(
        "--archcheck-target=macosx_14_0_x86_64", "--archcheck-select=wrong-platform", "--archcheck-json=mine.json"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["archcheck: target macOS 14.0 x86_64*"])
    assert (pytester.path / "mine.json").exists()
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize(
    "args", [["--archcheck-select=wrong-platform"], ["--archcheck-ignore", "unreadable-binary,wrong-architecture"]]
)
def test_rules_can_be_chosen(pytester: pytest.Pytester, site: Path, args: list[str]) -> None:
    pytester.runpytest(f"--archcheck-path={site}", "--archcheck-target=macosx_14_0_arm64", *args).assert_outcomes(passed=2)


def test_help_and_version_inspect_nothing(pytester: pytest.Pytester) -> None:
    for option in ("--help", "--markers", "--version"):
        result = pytester.runpytest("--archcheck", option)
        assert result.ret == 0
        assert "archcheck: target" not in result.stdout.str()


def test_verbosity_of_our_own(pytester: pytest.Pytester, site: Path) -> None:
    if not hasattr(pytest.Config, "get_verbosity"):
        pytest.skip("pytest 8.0 brought it")
    pytester.makeini("[pytest]\nverbosity_archcheck = 1\narchcheck_allow = numpy: known\n")
    result = pytester.runpytest(f"--archcheck-path={site}", "--archcheck-target=macosx_14_0_arm64")
    result.stdout.fnmatch_lines(["numpy: wrong-architecture: * (allowed: known)"])


def test_an_empty_path_is_no_path(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--archcheck-path=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--archcheck-path: got an empty path*is a variable not set?"])


@pytest.mark.parametrize("noun", ["target", "python", "select", "ignore", "require", "json", "html", "sarif"])
def test_a_variable_that_is_not_set(pytester: pytest.Pytester, noun: str) -> None:
    """``--archcheck-target=$TARGET`` of a CI job would else be judged for the machine of the job, and pass."""
    result = pytester.runpytest("--archcheck", f"--archcheck-{noun}= ")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --archcheck-{noun}: nothing stands behind '=': is a variable not set?"])


def test_a_report_is_not_written_over_what_is_inspected(pytester: pytest.Pytester) -> None:
    wheel = write_wheel(pytester.path, "demo", {"demo/_core.so": bundle()})
    before = wheel.read_bytes()
    result = pytester.runpytest(f"--archcheck-path={wheel}", f"--archcheck-json={wheel.name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --archcheck-json: *.whl is what is inspected already: name another file"])
    assert wheel.read_bytes() == before


def test_a_folder_that_is_a_file(pytester: pytest.Pytester) -> None:
    write(pytester.path / "notes.txt", "")
    result = pytester.runpytest("--archcheck", "--archcheck-json=notes.txt/out.json")
    result.stderr.fnmatch_lines(["ERROR: --archcheck-json: got *: */notes.txt is a file, and no folder"])


def test_a_file_of_no_kind_that_is_inspected(pytester: pytest.Pytester) -> None:
    write(pytester.path / "notes.py", "")
    result = pytester.runpytest("--archcheck-path=notes.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *notes.py: nothing that can be inspected; expected the folder of an environment*"])


def test_a_truth_value_that_is_none_is_told_with_its_name(pytester: pytest.Pytester) -> None:
    """pytest 9.2 itself leaves the name out."""
    result = pytester.runpytest("archcheck", "-o", "archcheck=maybe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *archcheck*: *'maybe'*"])


def test_a_pattern_that_the_shell_left(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--archcheck-path=dist/*.whl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*got 'dist/[*].whl', and nothing matches that pattern: is the folder right?"])


def test_a_pattern_that_no_shell_touches_stands_for_what_is_there(pytester: pytest.Pytester) -> None:
    for name in ("one", "two"):
        site = pytester.path / "images" / name / "usr" / "lib" / "python3" / "dist-packages"
        add_distribution(site, "foo", files={"foo/_x.so": bundle()})
    result = pytester.runpytest("--archcheck-path=images/*", "--archcheck-target=macosx_14_0_arm64", "--co", "-q")
    assert [line for line in result.outlines if line.endswith("::foo")] == ["archcheck::one::foo", "archcheck::two::foo"]


_HOSTILE = "\x1b[31mx\n::error::y"


@pytest.mark.parametrize(
    "arguments",
    [
        [f"--archcheck-path=no{_HOSTILE}"],
        [f"--archcheck-path=no{_HOSTILE}/*.whl"],
        [f"--archcheck-path=there{_HOSTILE}"],
        [f"--archcheck-path=there{_HOSTILE}/uv.lock"],
        ["--archcheck", "-o", "archcheck_allow=\x1b[31mx ::error::y"],
        ["--archcheck", f"--archcheck-target={_HOSTILE}"],
        ["--archcheck", f"--archcheck-python={_HOSTILE}"],
        ["--archcheck", f"--archcheck-select={_HOSTILE}"],
        ["--archcheck", f"--archcheck-require={_HOSTILE}"],
        ["--archcheck", f"--archcheck-json=there{_HOSTILE}/uv.lock/x"],
        [f"--archcheck-explain={_HOSTILE}"],
    ],
)
def test_what_was_typed_is_quoted_without_what_terminals_and_ci_obey(pytester: pytest.Pytester, arguments: list[str]) -> None:
    folder = pytester.path / f"there{_HOSTILE}"
    folder.mkdir()
    (folder / "uv.lock").write_text("version = [\n")
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = f"{result.stdout}\n{result.stderr}"
    assert "::error::y" in said
    assert "\x1b" not in said
    assert not any(line.lstrip().startswith("::") for line in said.splitlines())


def environment_with_python(folder: Path, version: str) -> None:
    site = make_venv(folder, version)
    add_distribution(site, "attrs", files={"attr/__init__.py": ""})
    write(folder / "bin" / "python3", elfs.executable(needed=())).chmod(0o755)


def test_a_python_that_nothing_is_judged_for(pytester: pytest.Pytester) -> None:
    environment_with_python(pytester.path / "env", "3.11.7")
    result = pytester.runpytest("--archcheck-path=env", "--archcheck-python=3.15")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--archcheck-python: got '3.15', but */env has its own Python, 3.11.*: leave the option out"])
    assert pytester.runpytest("--archcheck-path=env", "--archcheck-python=3.11").ret == 0


def test_a_python_for_wheels_which_name_their_own(pytester: pytest.Pytester) -> None:
    wheel = write_wheel(pytester.path, "demo", {"demo/_core.so": bundle()})
    result = pytester.runpytest(f"--archcheck-path={wheel}", "--archcheck-python=3.12")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = "--archcheck-python: got '3.12', but each wheel is judged for the Python of its own tags: leave the option out"
    result.stderr.fnmatch_lines([f"*{said}"])
    # A project's setting is not typed for this run.
    assert pytester.runpytest(f"--archcheck-path={wheel}", "-o", "archcheck_python=3.12").ret == 0


@pytest.mark.parametrize("first", ["old", "new"])
def test_a_python_that_one_of_two_environments_is_not_judged_for(pytester: pytest.Pytester, first: str) -> None:
    environment_with_python(pytester.path / "old", "3.11.7")
    environment_with_python(pytester.path / "new", "3.12.4")
    paths = [f"--archcheck-path={name}" for name in sorted(["old", "new"], key=lambda name: name != first)]
    result = pytester.runpytest(*paths, "--archcheck-python=3.11")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--archcheck-python: got '3.11', but */new has its own Python, 3.12.4, *"])


def test_a_package_where_a_path_is_expected(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--archcheck-path=numpy")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no '*/numpy'; one check alone is archcheck::numpy"])


def test_a_project_without_an_environment_has_a_lock(pytester: pytest.Pytester) -> None:
    pytester.makefile(".lock", uv="version = 1")
    result = pytester.runpytest(f"--archcheck-path={pytester.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*no environment lies there, but a lock file does: pytest-archcheck {pytester.path}/uv.lock"])
