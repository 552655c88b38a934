"""Beside the plugins that projects use: each alone and all at once, switched on, with every warning an error.

The newest Python at hand with the newest pytest, and the oldest pair, with the newest release of each plugin that goes with it.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support import compatibility, pythons
from support.pythons import PYTESTS, PYTHONS
from support.sites import write
from support.small_project import CHECKS, HEADLINE, OWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.pythons import Outcome, Place, Seen
    from support.small_project import SmallProject

pytestmark = pytest.mark.compatibility

#: Project: the names that its plugins have for ``-p``.
PLUGINS = {
    "hypothesis": ("hypothesispytest",),
    "pytest-asyncio": ("asyncio",),
    "pytest-benchmark": ("benchmark",),
    "pytest-cov": ("pytest_cov",),
    "pytest-html": ("html", "html_fixtures", "metadata"),
    "pytest-randomly": ("randomly",),
    "pytest-rerunfailures": ("rerunfailures",),
    "pytest-retry": ("pytest-retry",),
    "pytest-split": ("pytest-split",),
    "pytest-timeout": ("timeout",),
    "pytest-trio": ("trio",),
}
#: Those that take over what another one does: not with all others at once.
ALONE = ("pytest-retry", "trio")
EVERYTHING = "all of them"
#: Column of the table: Pythons in order of preference, and the pytest.
PAIRS = {
    "newest Python, newest pytest": (PYTHONS[::-1], PYTESTS["newest"]),
    "Python 3.10, pytest 7.4": (PYTHONS[:1], PYTESTS["7.4"]),
}

ASYNC = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
COVERAGE = ("--cov=measured", "--cov-report=json")
HTML = ("--html=out.html", "--self-contained-html")

TESTS = {
    "async": "import asyncio\n\n\nasync def test_async():\n    await asyncio.sleep(0)\n",
    "flaky": (
        "from pathlib import Path\n\n\ndef test_flaky():\n    seen = Path(__file__).with_suffix('.seen')\n"
        "    again = seen.exists()\n    seen.touch()\n    assert again\n"
    ),
    "measured": "import measured\n\n\ndef test_measured():\n    assert measured.double(2) == 4\n",
    "property": (
        "from hypothesis import given, strategies\n\n\n@given(strategies.integers())\ndef test_property(x):\n"
        "    assert x == +x\n"
    ),
    "slow": "import time\n\nimport pytest\n\n\n@pytest.mark.timeout(0.2)\ndef test_slow():\n    time.sleep(10)\n",
    "trio": "import trio\n\n\nasync def test_trio():\n    await trio.lowlevel.checkpoint()\n",
    "speed": "def test_speed(benchmark):\n    assert benchmark(lambda: 3) == 3\n",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """The small project in an environment that has every plugin, of which one or all are loaded."""

    place: Place
    project: SmallProject
    names: tuple[str, ...]

    def run(self, *arguments: str, also: str = "") -> Seen:
        """Run checks and tests.

        :param also: further tests of :data:`TESTS`.
        """
        for name in also.split():
            write(self.project.folder / f"test_{name}.py", TESTS[name])
        write(self.project.folder / "measured.py", "def double(number):\n    return 2 * number\n")
        blocked = [name for name in self.place.plugins() if name not in self.names]
        return self.project.run(self.place, *(word for name in blocked for word in ("-p", f"no:{name}")), *arguments)


@pytest.fixture(params=PAIRS)
def beside(
    request: pytest.FixtureRequest, wheel: Path, project: SmallProject, record_property: Callable[[str, object], None]
) -> Beside:
    """What a test of this module is about: the plugin that its name ends with."""
    word = request.function.__name__.removeprefix("test_")
    plugin = next((one for one in PLUGINS if one.removeprefix("pytest-") == word), EVERYTHING)
    compatibility.record(record_property, f"beside {plugin}", request.param)
    preferred, version = PAIRS[request.param]
    interpreter = next((found for python in preferred if (found := pythons.find(python))), None)
    if interpreter is None:
        pytest.skip(f"Python {', '.join(preferred)} is not at hand: neither on PATH nor of pyenv")
    place = pythons.place(interpreter, (version, "pytest-xdist", *PLUGINS), wheel)
    seen = (place.versions[plugin],) if plugin in PLUGINS else (f"Python {interpreter.version}", place.versions["pytest"])
    record_property(compatibility.SEEN, f"({', '.join(seen)})")
    names = PLUGINS[plugin] if plugin in PLUGINS else tuple(name for name in place.plugins() if name not in ALONE)
    return Beside(place, project, names)


def _assert_result(seen: Seen, *more: Outcome) -> None:
    """Every item ran once, only the spoiled distribution failed, and the JSON report says so."""
    assert sorted(seen.outcomes) == sorted([*CHECKS, *OWN, *more]), seen.text
    assert (seen.status, seen.report["verdict"], seen.report["complete"]) == (1, "fail", True), seen.text
    assert [(one["rule"], one["subject"]) for one in seen.report["findings"]] == [("wrong-architecture", "spoiled")]
    assert f"FAILED archcheck::spoiled - {HEADLINE}" in seen.text, seen.text


def _assert_measured(folder: Path) -> None:
    """pytest-cov saw both lines of the module."""
    files = json.loads((folder / "coverage.json").read_text())["files"]
    assert files["measured.py"]["summary"]["covered_lines"] == 2


def test_cov(beside: Beside) -> None:
    _assert_result(beside.run(*COVERAGE, also="measured"), ("test_measured.py::test_measured", "PASSED"))
    _assert_measured(beside.project.folder)


def test_randomly(beside: Beside) -> None:
    runs = [beside.run("--randomly-seed=1"), beside.run("--randomly-seed=2")]
    for seen in runs:
        _assert_result(seen)
    assert runs[0].ids != runs[1].ids, "nothing was shuffled"


def test_timeout(beside: Beside) -> None:
    seen = beside.run("--timeout=60", also="slow")
    assert sorted(seen.outcomes) == sorted([*CHECKS, *OWN, ("test_slow.py::test_slow", "FAILED")]), seen.text
    assert (seen.status, seen.report["verdict"], seen.report["complete"]) == (1, "fail", True)
    assert "timeout: 60.0s" in seen.text.lower()


def test_rerunfailures(beside: Beside) -> None:
    """A test of the project is run again; a check is not, unless that is forced: it would say the same."""
    flaky = ("test_flaky.py::test_flaky", "RERUN"), ("test_flaky.py::test_flaky", "PASSED")
    _assert_result(beside.run("--reruns", "1", also="flaky"), *flaky)
    _assert_result(beside.run("--force-reruns", "1"), ("test_flaky.py::test_flaky", "PASSED"), ("archcheck::spoiled", "RERUN"))


def test_retry(beside: Beside) -> None:
    """Attempts have an outcome of their own, which is no pass; what the last one gave is what counts."""
    seen = beside.run("--retries", "1", also="flaky")
    retried = ("test_flaky.py::test_flaky", "RETRY"), ("archcheck::spoiled", "RETRY")
    _assert_result(seen, *retried, ("test_flaky.py::test_flaky", "PASSED"))
    cumulative = beside.run("--retries", "1", "--retry-outcome", "passed", "--cumulative-timing", "1")
    assert (cumulative.status, cumulative.report["verdict"]) == (1, "fail"), cumulative.text


def test_trio(beside: Beside) -> None:
    _assert_result(beside.run("-o", "trio_mode=true", also="trio"), ("test_trio.py::test_trio", "PASSED"))


def test_split(beside: Beside) -> None:
    groups = [beside.run("--splits", "2", "--group", group) for group in "12"]
    assert all(seen.outcomes for seen in groups)
    # A group without a check of ours has nothing to say of the environment.
    assert [seen.report["complete"] for seen in groups] == [bool({*seen.outcomes} & {*CHECKS}) for seen in groups]
    assert any(seen.report["complete"] for seen in groups)
    together = [one for seen in groups for one in seen.outcomes]
    assert sorted(together) == sorted([*CHECKS, *OWN]), groups[0].text + groups[1].text
    # Each report speaks of its own group.
    for seen in groups:
        failing = ("archcheck::spoiled", "FAILED") in seen.outcomes
        assert (seen.status, seen.report["verdict"]) == ((1, "fail") if failing else (0, "pass"))
        assert len(seen.report["findings"]) == int(failing)


def test_html(beside: Beside) -> None:
    _assert_result(beside.run(*HTML))
    page = (beside.project.folder / "out.html").read_text(encoding="utf-8")
    # Its table is JSON in an attribute; our row has the title, the finding and what to do.
    row = html.unescape(html.unescape(page)).replace('\\"', '"')
    assert '<td class="col-testId">archcheck::spoiled<div>spoiled 1.0</div><div><b>error</b> ' + HEADLINE in row
    assert "<br>remedy: " in row
    assert all(text in page for text in ("archcheck::spoiled", HEADLINE, "--reinstall"))


def test_benchmark(beside: Beside) -> None:
    speed = ("test_speed.py::test_speed", "PASSED")
    _assert_result(beside.run("--benchmark-max-time=0.05", also="speed"), speed)
    only = beside.run("--benchmark-only", "--benchmark-max-time=0.05")
    assert set(only.outcomes) == {(name, "SKIPPED") for name, _ in (*CHECKS, *OWN)} | {speed}, only.text
    # pytest is content with that, but nobody asked the checks: the report must not say that all is well.
    assert (only.status, only.report["verdict"], only.report["complete"]) == (0, "fail", False)


def test_asyncio(beside: Beside) -> None:
    _assert_result(beside.run(*ASYNC, also="async"), ("test_async.py::test_async", "PASSED"))


def test_hypothesis(beside: Beside) -> None:
    seen = beside.run("--hypothesis-show-statistics", also="property")
    _assert_result(seen, ("test_property.py::test_property", "PASSED"))
    assert "100 passing" in seen.text


@pytest.mark.parametrize("processes", [("-p", "no:xdist"), ("-n", "2", "--benchmark-disable")], ids=["one process", "-n 2"])
def test_all(beside: Beside, processes: tuple[str, ...]) -> None:
    options = (*ASYNC, *COVERAGE, *HTML, "--reruns=1", "--timeout=60", "--randomly-seed=1", "--benchmark-max-time=0.05")
    seen = beside.run(*options, *processes, also="async flaky measured property speed")
    passed = ("async", "flaky", "measured", "property", "speed")
    _assert_result(
        seen, ("test_flaky.py::test_flaky", "RERUN"), *((f"test_{name}.py::test_{name}", "PASSED") for name in passed)
    )
    _assert_measured(beside.project.folder)
    assert HEADLINE in (beside.project.folder / "out.html").read_text(encoding="utf-8")
