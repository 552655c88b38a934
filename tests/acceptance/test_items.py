"""Every check is a pytest item: chosen, run again and reported like any test."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def _tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_project="def test_one(): pass\ndef test_two(): pass\n")


PACKAGES = "archcheck::environment::packages"


def ids(result: pytest.RunResult) -> list[str]:
    """What ``--co -q`` lists, in order."""
    return [line for line in result.outlines if "::" in line]


def test_checks_come_before_the_tests_of_the_project(run: Run, healthy: Path) -> None:
    listed = ids(run(healthy, "--co", "-q", "."))
    assert listed == [
        PACKAGES,
        "archcheck::h5py",
        "archcheck::pandas",
        "test_project.py::test_one",
        "test_project.py::test_two",
    ]


def test_a_path_alone_runs_the_checks_alone(run: Run, healthy: Path) -> None:
    result = run(healthy)
    result.assert_outcomes(passed=3)
    assert result.ret == 0


def test_a_healthy_run_says_a_header_line_and_dots(run: Run, healthy: Path) -> None:
    result = run(healthy, ".")
    result.stdout.fnmatch_lines(
        [
            "*test session starts*",
            "archcheck: target macOS 14.0 arm64, 2 distributions, 2 compiled files, * s",
            "collected 5 items",
            "",
            "archcheck ...*",
            "test_project.py ..*",
            "",
            "*5 passed*",
        ]
    )
    assert sum("archcheck" in line for line in result.outlines if not line.startswith(("plugins:", "rootdir:"))) == 2
    assert result.errlines == []


def test_a_broken_distribution_fails_in_few_lines(run: Run, broken: Path) -> None:
    result = run(broken)
    assert result.ret == 1
    result.assert_outcomes(failed=1, passed=3, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "archcheck: target macOS 14.0 arm64, 3 distributions, 22 compiled files, * s",
            "archcheck: 1 of 4 checks failed: numpy",
            "*test session starts*",
            "archcheck ..F.*",
            "*_ archcheck: numpy 1.26.4 _*",
            "wrong-architecture: 20 files have only x86_64, the target needs arm64",
            "  numpy/core/_part00.so",
            "  numpy/core/_part01.so",
            "  numpy/core/_part02.so",
            "  ... and 17 more",
            "  remedy: *numpy==1.26.4*",
            "*= warnings summary =*",
            "archcheck::scipy",
            "*ArchcheckWarning: newer-os-required: *",
            "    scipy/_lib.so",
            "    remedy: *",
            "FAILED archcheck::numpy - wrong-architecture: 20 files have only x86_64*",
        ]
    )
    text = result.stdout.str()
    assert "_part03" not in text
    assert "Traceback" not in text
    assert text.count("checks failed") == 1  # the header is not said twice


def test_the_short_summary_gives_the_reason_in_full(run: Run, broken: Path) -> None:
    run(broken).stdout.fnmatch_lines(
        ["FAILED archcheck::numpy - wrong-architecture: 20 files have only x86_64, the target needs arm64"]
    )


@pytest.mark.parametrize(
    ("args", "listed"),
    [
        (["-k", "numpy"], ["archcheck::numpy"]),
        (["-k", "archcheck"], [PACKAGES, "archcheck::h5py", "archcheck::numpy", "archcheck::scipy"]),
        (["-k", "x86_64"], ["archcheck::numpy"]),
        (["-m", "archcheck"], [PACKAGES, "archcheck::h5py", "archcheck::numpy", "archcheck::scipy"]),
        (["-m", "not archcheck"], ["test_project.py::test_one", "test_project.py::test_two"]),
        (["--deselect", "archcheck::numpy", "-k", "archcheck"], [PACKAGES, "archcheck::h5py", "archcheck::scipy"]),
        (["archcheck::numpy"], ["archcheck::numpy"]),
        (["archcheck::numpy", "archcheck::h5py"], ["archcheck::h5py", "archcheck::numpy"]),
        (["archcheck", "test_project.py::test_two"], None),
        (["test_project.py::test_two", "archcheck::numpy"], ["archcheck::numpy", "test_project.py::test_two"]),
    ],
)
def test_selection(run: Run, broken: Path, args: list[str], listed: list[str] | None) -> None:
    positional = args[0].startswith(("archcheck", "test_"))
    found = ids(run(broken, "--co", "-q", *args, *([] if positional else ["."])))
    if listed is None:
        listed = [PACKAGES, "archcheck::h5py", "archcheck::numpy", "archcheck::scipy", "test_project.py::test_two"]
    assert found == listed


def test_failed_checks_run_again_with_lf_and_first_with_ff(run: Run, broken: Path) -> None:
    run(broken, ".").assert_outcomes(failed=1, passed=5, warnings=1)
    run(broken, ".", "--lf").assert_outcomes(failed=1, deselected=5)
    assert ids(run(broken, ".", "--ff", "-v"))[0].startswith("archcheck::numpy FAILED")


def test_lf_finds_a_failed_check_in_a_group(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from pytest_archcheck import Finding

        def pytest_archcheck_findings(inspection):
            yield Finding(rule="house-rule", severity="error", subject="house::paint", distribution=None, path=None,
                          message="the paint is wet", remedy="wait")
        """
    )
    result = run(broken, ".")
    result.stdout.fnmatch_lines(["FAILED archcheck::house::paint - house-rule: the paint is wet"])
    assert ids(run(broken, ".", "--lf", "--co", "-q")) == ["archcheck::numpy", "archcheck::house::paint"]
    assert ids(run(broken, "archcheck::house", "--co", "-q")) == ["archcheck::house::paint"]


def test_nf_and_stepwise_and_exitfirst(run: Run, broken: Path) -> None:
    run(broken, ".", "--nf").assert_outcomes(failed=1, passed=5, warnings=1)
    result = run(broken, ".", "-x")
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(
        [
            "*= archcheck =*",
            "1 of 4 checks did not run; what the inspection found is shown",
            "scipy: newer-os-required*(not run)",
        ]
    )
    run(broken, ".", "--sw").assert_outcomes(failed=1, passed=2)
    run(broken, ".", "--sw").assert_outcomes(failed=1, deselected=2)


@pytest.mark.parametrize("option", ["no:terminal", "no:cacheprovider", "no:warnings"])
def test_without_other_plugins(run_child: Run, broken: Path, option: str) -> None:
    result = run_child(broken, "-p", option)
    assert result.ret == 1
    if option == "no:terminal":
        assert result.outlines == []
    else:
        told = "scipy: newer-os-required*" if option == "no:warnings" else "*ArchcheckWarning: newer-os-required*"
        result.stdout.fnmatch_lines([told, "*1 failed, 3 passed*"])


def test_ids_as_printed_below_the_rootdir_run_again_from_there(
    run: Run, broken: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\n")
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    result = run(broken, "archcheck")
    result.stdout.fnmatch_lines(["FAILED ../archcheck::numpy - *"])
    for argument in ("../archcheck::numpy", "archcheck::numpy", f"{pytester.path}/archcheck::numpy", f"{pytester.path}::numpy"):
        assert run(broken, argument).parseoutcomes() == {"failed": 1}, argument


def test_the_root_folder_names_checks_as_editors_do(run: Run, broken: Path) -> None:
    run(broken, ".::numpy").assert_outcomes(failed=1)


def test_junit_xml(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    run(broken, "--junitxml=report.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "report.xml").iter("testcase")}  # noqa: S314 - pytest wrote it just now
    assert set(cases) == {"packages", "h5py", "numpy", "scipy"}
    numpy = cases["numpy"]
    assert numpy.get("classname") == "archcheck"
    failure = numpy.find("failure")
    assert failure is not None
    assert failure.get("message") == "wrong-architecture: 20 files have only x86_64, the target needs arm64"
    properties = {one.get("name"): one.get("value") for one in numpy.iter("property")}
    assert properties == {"archcheck_title": "numpy 1.26.4", "archcheck_findings": "wrong-architecture"}


@pytest.mark.parametrize("style", ["long", "short", "line", "native", "no", "auto"])
def test_every_traceback_style(run: Run, broken: Path, style: str) -> None:
    result = run(broken, f"--tb={style}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*wrong-architecture: 20 files have only x86_64*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    if style == "no":  # then our own section says what failed
        result.stdout.fnmatch_lines(["numpy: wrong-architecture*", "  remedy: *"])


@pytest.mark.parametrize(
    "option", ["-v", "-vv", "-q", "-qq", "--setup-show", "--durations=3", "--fixtures-per-test", "--full-trace"]
)
def test_other_ways_of_showing(run: Run, broken: Path, option: str) -> None:
    result = run(broken, ".", option)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert result.ret == (0 if option == "--fixtures-per-test" else 1)


def test_verbose_names_the_checks(run: Run, broken: Path) -> None:
    run(broken, "-v").stdout.fnmatch_lines(["archcheck::h5py PASSED*", "archcheck::numpy FAILED*", "archcheck::scipy PASSED*"])


def test_help_states_the_default_of_every_option(pytester: pytest.Pytester) -> None:
    lines = pytester.runpytest("--help").stdout.str()
    options = ["--archcheck", "--no-archcheck", "path", "target", "select", "ignore", "require", "json"]
    section = lines[
        lines.index("--archcheck ") : lines.index("[pytest] configuration options") if "[pytest] conf" in lines else None
    ]
    assert section.count("(default:") + section.count("(default") >= len(options)


def test_strict_markers_know_ours(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_strict="import pytest\n@pytest.mark.requires_clean\ndef test_it(): pass\n")
    result = run(healthy, "--strict-markers", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.requires_clean([*]distributions): *"])


def test_a_project_with_a_greedy_conftest(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    """What conftest files do with every item: fixtures, markers, properties."""
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                assert "db" not in item.fixturenames
                item.get_closest_marker("slow")
                assert item.path.exists()
                item.add_marker(pytest.mark.usefixtures())
            items.reverse()
        """
    )
    run(broken, ".").assert_outcomes(failed=1, passed=5, warnings=1)
