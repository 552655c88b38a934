"""Conftest files that take every item for a test function of a file below the tests: a healthy run stays healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

MODIFY = "def pytest_collection_modifyitems(config, items):\n    for item in items:\n        "
REPORT = (
    "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
    "    report = (yield).get_result()\n    if report.when == 'call':\n        "
)
#: What conftest files of real projects do with each item.
TAKEN_FOR_TESTS = {
    "the module's name": MODIFY + "assert item.module.__name__.split('.')[-1]",
    "what the module says of itself": MODIFY
    + "getattr(item.module, 'pytestmark', None), item.module.__doc__, item.module.__file__",
    "the parent's module": MODIFY + "item.parent.obj.__name__",
    "the function": MODIFY + "assert item.function.__name__ == item.obj.__name__ == item.name == item.originalname",
    "the function's documentation": MODIFY + "item.function.__doc__ and item.function.__doc__.strip()",
    "the function's kind": "import inspect\n" + MODIFY + "assert not inspect.iscoroutinefunction(item.obj)\n"
    "        assert not inspect.signature(item.function).parameters and inspect.getsource(item.function)",
    "the class": MODIFY + "assert item.cls is None and item.instance is None",
    "fixtures that every test gets": "import pytest\n@pytest.fixture\ndef database(): pass\n"
    + MODIFY
    + "item.fixturenames.append('database'); item.fixturenames.insert(0, 'database')",
    "fixtures of a failed test": REPORT + "item.funcargs.get('page'); 'driver' in item.funcargs",
    "the request of a failed test": REPORT + "item._request.node, item._request.fixturenames, item._request.config",
    "the request's fixtures": REPORT + "assert item._request.getfixturevalue('tmp_path').is_dir()",
    "another attempt": REPORT + "item._initrequest(); assert item.funcargs == {}",
    "the folder below the tests": "from pathlib import Path\n"
    + MODIFY
    + "Path(item.fspath).parent.relative_to(Path(__file__).parent / 'tests').parts[0]",
    "the second part of the path": "from pathlib import Path\n"
    + MODIFY
    + "Path(item.fspath).relative_to(config.rootpath).parts[1]",
    "parts below the tests": MODIFY + "item.path.relative_to(config.rootpath / 'tests').parts[1]",
    "the path's time": MODIFY + "item.path.stat().st_mtime; assert item.path.exists()",
    "what lies beside": MODIFY + "assert not (item.path.parent / 'data.json').exists(); assert not (item.path / 'x').exists()",
    "a condition in words": "import pytest\n" + MODIFY + "item.add_marker(pytest.mark.skipif('1 == 2', reason='never'))",
}


@pytest.mark.parametrize("what", TAKEN_FOR_TESTS)
def test_items_have_what_tests_have(run: Run, broken: Path, pytester: pytest.Pytester, what: str) -> None:
    (pytester.mkdir("tests") / "unit").mkdir()
    pytester.path.joinpath("tests", "unit", "test_project.py").write_text("def test_one(): pass\n", encoding="utf-8")
    pytester.makeconftest(TAKEN_FOR_TESTS[what])
    result = run(broken, ".")
    result.assert_outcomes(failed=1, passed=4, warnings=1)
    assert result.ret == 1
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("folder", ["tests", "checks of ours", None])
def test_the_path_lies_below_the_tests_and_is_asked_for_as_editors_do(
    run: Run, healthy: Path, pytester: pytest.Pytester, folder: str | None
) -> None:
    if folder is not None:
        pytester.mkdir(folder)
    if folder == "checks of ours":
        pytester.makeini(f'[pytest]\ntestpaths = nowhere "{folder}"\n')
    path = pytester.path / (folder or "") / "archcheck" / "checks"
    pytester.makeconftest(MODIFY + f"assert str(item.path) == str(item.fspath) == {str(path)!r}")
    run(healthy).assert_outcomes(passed=3)
    run(healthy, f"{path}::h5py").assert_outcomes(passed=1)
    run(healthy, "--nf").assert_outcomes(passed=3)


def test_no_fixture_is_set_up_for_a_check(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import pytest\n@pytest.fixture(autouse=True)\ndef never():\n    raise AssertionError\n"
        + MODIFY
        + "item.fixturenames.append('never')"
    )
    run(healthy).assert_outcomes(passed=3)
    run(healthy, "--fixtures-per-test").stdout.no_fnmatch_line("*never*")


def test_a_hook_that_nothing_helps_is_named(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(MODIFY + "item.callspec.params['browser']")
    result = run(healthy)
    assert result.ret == 3
    said = "archcheck: pytest_collection_modifyitems of conftest.py raised an error: it may not expect items in no file; *"
    result.stderr.fnmatch_lines([said])
    run(healthy, "--noconftest").assert_outcomes(passed=3)


def test_a_hook_that_breaks_in_a_worker_is_named(run_child: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(REPORT + "item.callspec.params['browser']")
    result = run_child(healthy, "-n", "1")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["archcheck: pytest_runtest_makereport of conftest.py raised an error: *--noconftest*"])


def test_a_hook_that_fails_a_check_is_named(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_runtest_setup(item):\n    item.callspec.params['browser']\n")
    result = run(healthy)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*- archcheck -*", "pytest_runtest_setup of conftest.py raised an error: *--noconftest*"])
