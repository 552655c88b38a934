"""Each Python x each pytest x pytest-xdist off and on: the same items, the same result, and not one warning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import compatibility, pythons
from support.pythons import PYTESTS, PYTHONS
from support.small_project import CHECKS, HEADLINE, OWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.pythons import Place, Seen
    from support.small_project import SmallProject

pytestmark = pytest.mark.compatibility

PROCESSES = {"one process": ("-p", "no:xdist"), "-n 2": ("-n", "2")}

SPOILED = ("archcheck::spoiled", "FAILED")
JUNIT = [
    ("archcheck.environment::packages", "passed"),
    ("archcheck::sound", "passed"),
    ("archcheck::spoiled", "failed"),
    ("test_own::test_native", "passed"),
    ("test_own::test_clean", "passed"),
    ("test_own::test_unmet", "skipped"),
    ("test_own::test_fixture", "passed"),
]


@pytest.mark.parametrize("processes", PROCESSES)
@pytest.mark.parametrize("version", PYTESTS)
@pytest.mark.parametrize("python", PYTHONS)
def test_cell(
    python: str,
    version: str,
    processes: str,
    wheel: Path,
    project: SmallProject,
    record_property: Callable[[str, object], None],
) -> None:
    compatibility.record(record_property, f"Python {python}, pytest {version}", processes)
    interpreter = pythons.find(python)
    if interpreter is None:
        pytest.skip(f"Python {python} is not at hand: neither on PATH nor of pyenv")
    place = pythons.place(interpreter, (PYTESTS[version], "pytest-xdist"), wheel)
    record_property(compatibility.SEEN, f"({interpreter.version}, {place.versions['pytest']})")
    options = PROCESSES[processes]

    alone = processes == "one process"
    _assert_whole(project.run(place, *options), in_order=alone)
    if alone or version == "newest":  # two seconds each with pytest-xdist
        _assert_last_failed(project.run(place, *options, "--lf"))
    if alone:
        _assert_order(project, place)
        _assert_nothing_added(project.run_off(place, *options))


def _assert_whole(seen: Seen, *, in_order: bool) -> None:
    """Every item once with its outcome; the same on the screen, in JUnit's file and in the JSON report."""
    expected, junit = [*CHECKS, *OWN], JUNIT
    assert (seen.status, seen.last_line) == (1, "1 failed, 5 passed, 1 skipped"), seen.text
    if in_order:
        assert (list(seen.outcomes), list(seen.junit)) == (expected, junit), seen.text
    else:
        assert (sorted(seen.outcomes), sorted(seen.junit)) == (sorted(expected), sorted(junit)), seen.text
    assert f"FAILED archcheck::spoiled - {HEADLINE}" in seen.text, seen.text
    assert (seen.report["verdict"], seen.report["complete"]) == ("fail", True)
    assert [(one["rule"], one["subject"]) for one in seen.report["findings"]] == [("wrong-architecture", "spoiled")]
    assert [one["name"] for one in seen.report["distributions"]] == ["sound", "spoiled"]


def _assert_last_failed(seen: Seen) -> None:
    assert (seen.status, seen.outcomes) == (1, (SPOILED,)), seen.text
    assert json.dumps(seen.report).count('"wrong-architecture"') == 1


def _assert_order(project: SmallProject, place: Place) -> None:
    """``--collect-only -q``, which editors and scripts read: ids and one closing line."""
    arguments = ("-m", "pytest", "-W", "error", "--collect-only", "-q", *project.switches, ".")
    listed = place.python(*arguments, cwd=project.folder)
    *ids, empty, closing = listed.stdout.splitlines()
    assert (ids, empty) == ([name for name, _ in (*CHECKS, *OWN)], ""), listed.stdout + listed.stderr
    assert closing.startswith("7 tests collected in ")
    assert listed.returncode == 0


def _assert_nothing_added(seen: Seen) -> None:
    """The plugin installed and not asked for: markers and the fixture work, and there is no word of it."""
    assert (seen.status, sorted(seen.outcomes)) == (0, sorted(OWN)), seen.text
    assert (seen.last_line, sorted(seen.junit)) == ("3 passed, 1 skipped", sorted(JUNIT[len(CHECKS) :])), seen.text
    assert "archcheck:" not in seen.text, seen.text
    assert seen.report == {}
