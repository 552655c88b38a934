"""A folder of wheels: each is opened by the item that asks of it, in the process that runs it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from support.machos import bundle
from support.wheels import write_wheel

import pytest_archcheck.binaries.archive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INTEL = "cp311-cp311-macosx_10_9_x86_64"
WINDOWS = "cp311-cp311-win_amd64"


def name(project: str, tag: str = "cp311-cp311-macosx_11_0_arm64") -> str:
    """The id of a wheel, without ``archcheck::``."""
    return f"{project}-1.0-{tag}"


@pytest.fixture
def house(pytester: pytest.Pytester) -> Path:
    """Six wheels: the second is broken, the last is for Windows."""
    folder = pytester.path / "house"
    for project in ("a", "b", "c", "d", "e"):
        write_wheel(folder, project, {f"{project}/_a.so": bundle("x86_64" if project == "b" else "arm64")})
    write_wheel(folder, "f", {"f/_a.pyd": b"MZ" + bytes(200)}, tag=WINDOWS)
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects of the wheels that this process opens, in that order."""
    found: list[str] = []
    real = pytest_archcheck.binaries.archive.Archive.__init__

    def open_it(archive: pytest_archcheck.binaries.archive.Archive, path: str) -> None:
        found.append(path.rpartition("/")[2].partition("-")[0])
        real(archive, path)

    monkeypatch.setattr(pytest_archcheck.binaries.archive.Archive, "__init__", open_it)
    return found


@pytest.fixture
def check(pytester: pytest.Pytester, house: Path) -> Callable[..., pytest.RunResult]:
    """Run pytest on the six wheels: in this process, or with pytest-xdist in others."""

    def check(*args: str) -> pytest.RunResult:
        words = (f"--archcheck-path={house}", "--archcheck-json=out.json", *args)
        alone = not any(arg.startswith("-n") for arg in args)
        return pytester.runpytest(*words) if alone else pytester.runpytest_subprocess(*words, timeout=120)

    return check


def report(pytester: pytest.Pytester) -> dict[str, Any]:
    text = (pytester.path / "out.json").read_text(encoding="ascii")
    document: dict[str, Any] = json.loads(text)
    assert text == json.dumps(document, indent=2) + "\n"  # although it is written piece by piece
    assert document["scan"].pop("seconds") > 0
    return document


def states(pytester: pytest.Pytester) -> dict[str, str]:
    """Project -> what became of its check."""
    return {one["subject"].partition("-")[0]: one["state"] for one in report(pytester)["checks"]}


def test_collecting_opens_nothing(check: Callable[..., pytest.RunResult], opened: list[str]) -> None:
    result = check("--co", "-q")
    assert [line for line in result.outlines if line.startswith("archcheck::")] == [
        *(f"archcheck::{name(project)}" for project in "abcde"),
        f"archcheck::{name('f', WINDOWS)}",
    ]
    assert opened == []


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (("-k", "c-1"), "c"),
        (("-k", "mach-o and not c-1"), "abde"),
        (("--deselect", "archcheck::" + name("a"), "-k", "not pe"), "bcde"),
        (("archcheck::" + name("e"),), "e"),
    ],
)
def test_a_selection_opens_what_it_selects(
    check: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    opened: list[str],
    selection: tuple[str, ...],
    chosen: str,
) -> None:
    check(*selection)
    assert opened == list(chosen)
    assert [one["name"] for one in report(pytester)["distributions"]] == list(chosen)
    assert set(states(pytester)) == set(chosen)


def test_the_first_failure_ends_the_work_and_last_failed_goes_on(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, opened: list[str]
) -> None:
    result = check("-x")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["4 of 6 checks did not run; nothing is known of 4 wheels"])
    assert opened == ["a", "b"]
    found = report(pytester)
    assert (found["verdict"], found["complete"]) == ("fail", False)
    assert states(pytester) == {"a": "passed", "b": "failed", **dict.fromkeys("cdef", "not run")}
    assert [one["name"] for one in found["distributions"]] == ["a", "b"]
    assert {"subject": name("c"), "reason": "not run"} in found["skipped"]

    opened.clear()
    check("--lf").assert_outcomes(failed=1, passed=3, skipped=1, deselected=1)
    assert opened == ["b", "c", "d", "e", "f"]
    opened.clear()
    check("--lf").assert_outcomes(failed=1, deselected=5)
    assert opened == ["b"]


def test_an_interruption_keeps_what_is_known(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, house: Path, opened: list[str]
) -> None:
    conftest = pytester.makeconftest(
        """
        def pytest_runtest_setup(item):
            if item.name.startswith("d-"):
                raise KeyboardInterrupt
        """
    )
    words = (f"--archcheck-path={house}", "--archcheck-json=out.json", "-k", "not b-1")
    result = pytester.runpytest_subprocess(*words, timeout=120)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    found = report(pytester)
    assert (found["verdict"], found["complete"], found["findings"]) == ("fail", False, [])  # nobody knows of the others
    assert states(pytester) == {**dict.fromkeys("ac", "passed"), **dict.fromkeys("def", "not run")}
    conftest.unlink()
    opened.clear()
    check("--lf").assert_outcomes(passed=2, skipped=1, deselected=3)
    assert opened == ["d", "e", "f"]


def test_conftest_files_that_cannot_be_loaded_leave_nothing_judged(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, opened: list[str]
) -> None:
    pytester.makeconftest("raise ImportError('for another reason')")
    result = check()
    assert result.ret == 4
    assert result.outlines == ["archcheck: nothing was judged of 6 wheels: pytest ended before their checks ran"]
    found = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert (found["verdict"], found["complete"], found["distributions"]) == ("fail", False, [])
    assert opened == []


def test_what_others_skip_is_no_pass(check: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n\ndef pytest_runtest_setup(item):\n    pytest.skip('only benchmarks')\n")
    result = check("-k", "a-1")
    result.assert_outcomes(skipped=1, deselected=5)
    assert (report(pytester)["verdict"], report(pytester)["complete"]) == ("fail", False)


@pytest.mark.parametrize("change", ["unlink", "cut"])
def test_a_wheel_that_changes_before_it_is_opened(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, house: Path, change: str
) -> None:
    pytester.makeconftest(
        f"""
        from pathlib import Path

        def pytest_collection_finish():
            wheel = Path({str(house)!r}, {name("c") + ".whl"!r})
            wheel.unlink() if {change!r} == "unlink" else wheel.write_bytes(wheel.read_bytes()[:100])
        """
    )
    result = check()
    result.assert_outcomes(passed=3, failed=2, skipped=1)
    said = "it cannot be read: No such file or directory" if change == "unlink" else "*"
    result.stdout.fnmatch_lines([f"unreadable-wheel: the wheel is not sound: {said}"])
    assert [one["subject"] for one in report(pytester)["findings"] if one["rule"] == "unreadable-wheel"] == [name("c")]


def test_findings_of_others_are_asked_for_wheel_by_wheel(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, opened: list[str]
) -> None:
    pytester.makeconftest(
        """
        from pytest_archcheck import Finding

        def pytest_archcheck_findings(inspection):
            (owner,) = inspection.distributions
            if owner.name == "c":
                yield Finding(rule="too-large", severity="error", subject="whatever", distribution=owner.name, path=None,
                              message="is large", remedy="make it small")
        """
    )
    result = check("-k", "not b-1")
    result.assert_outcomes(passed=3, failed=1, skipped=1, deselected=1)
    assert [(one["subject"], one["rule"]) for one in report(pytester)["findings"]] == [(name("c"), "too-large")]
    assert opened == ["a", "c", "d", "e", "f"]


def test_a_line_of_the_allow_list_is_stale_once_its_wheel_was_opened(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeini(
        f"[pytest]\narchcheck_allow =\n    {name('a')}: not any more\n    {name('b')}: known\n    {name('z')}: gone\n"
    )
    check().assert_outcomes(passed=3, failed=1, xfailed=1, skipped=1)
    found = [(one["rule"], one["severity"], one["subject"]) for one in report(pytester)["findings"]]
    assert ("stale-allow-line", "error", name("a")) in found
    assert ("stale-allow-line", "note", name("z")) in found
    check("-k", "c-1").assert_outcomes(passed=1, deselected=5)


def test_who_asks_for_the_inspection_gets_all_of_it(
    check: Callable[..., pytest.RunResult], pytester: pytest.Pytester, opened: list[str]
) -> None:
    pytester.makepyfile(
        f"""
        def test_whole(archcheck):
            assert len(archcheck.distributions) == 6
            assert archcheck[{name("b")!r}].findings
            assert archcheck.wheels == ()
        """
    )
    check(".", "-k", "test_whole").assert_outcomes(passed=1, deselected=6)
    assert opened == list("abcdef")


def test_only_windows_wheels_selected_of_others_is_pytests_to_judge(check: Callable[..., pytest.RunResult]) -> None:
    assert check("-k", "win_amd64").ret == 0


def test_pytest_keeps_little_of_what_passed(check: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker("trylast")
            items[0].user_properties.append(("mine", 1))
            items[0].stash["mine"] = 1

        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                return
            stats = session.config.pluginmanager.getplugin("terminalreporter").stats
            reports = [report for some in stats.values() for report in some]
            assert len([report for report in reports if report.when == "call"]) == 6
            beside = 12 if session.config.option.durations else 0
            assert len([report for report in reports if report.when != "call"]) == beside
            assert not any(hasattr(report, "archcheck") for report in reports)
            for report in stats["passed"]:
                assert not vars(report).keys() & {"keywords", "location", "sections", "user_properties"}
                assert (report.outcome, report.when, report.longrepr, report.sections) == ("passed", "call", None, [])
                assert "archcheck" in report.keywords
                assert report.location[0] == "archcheck"
                assert report.duration > 0
            if not getattr(session, "items", ()):  # a controller's
                return
            first, *others = session.items
            assert (first.stash["mine"], first.user_properties[-1], [mark.name for mark in first.own_markers]) == (
                1, ("mine", 1), ["trylast"]
            )
            for item in others:
                assert set(vars(item)) == {"question", "answer"} or item.name[0] == "b"  # its findings are a property
                assert item.answer is None
                assert item.get_closest_marker("archcheck")
                assert "archcheck" in item.keywords and item.name in item.keywords
                assert item.user_properties[0][0] == "archcheck_title"
        """
    )
    for options in ((), ("--durations=5",), ("-n2",)):
        result = check(*options)
        result.assert_outcomes(passed=4, failed=1, skipped=1)
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
        assert len(report(pytester)["distributions"]) == 6


KILL = """
import os, signal
from pathlib import Path

def pytest_runtest_call(item):
    once = Path(__file__).with_name("killed")
    if item.name.startswith("c-") and "PYTEST_XDIST_WORKER" in os.environ and (not once.exists() or {always}):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""


class TestWorkers:
    """With pytest-xdist."""

    pytestmark = pytest.mark.usefixtures("_xdist")

    @pytest.fixture
    def _xdist(self) -> None:
        pytest.importorskip("xdist")

    def test_the_report_is_the_same(self, check: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
        check("-v")
        expected = report(pytester)
        result = check("-n4", "-v")
        result.assert_outcomes(passed=4, failed=1, skipped=1)
        assert json.dumps(report(pytester)) == json.dumps(expected)

    def test_a_wheel_whose_worker_is_killed_is_opened_by_another(
        self, check: Callable[..., pytest.RunResult], pytester: pytest.Pytester
    ) -> None:
        check("-q")
        expected = report(pytester)
        pytester.makeconftest(KILL.format(always=False))
        result = check("-n2")
        result.assert_outcomes(passed=4, failed=1, skipped=1)
        assert (pytester.path / "killed").exists()
        assert json.dumps(report(pytester)) == json.dumps(expected)

    def test_a_wheel_that_kills_every_worker_is_told(
        self, check: Callable[..., pytest.RunResult], pytester: pytest.Pytester
    ) -> None:
        pytester.makeconftest(KILL.format(always=True))
        result = check("-n2")
        result.assert_outcomes(passed=3, failed=2, skipped=1)
        result.stdout.fnmatch_lines([f"worker 'gw*' crashed while running 'archcheck::{name('c')}'"])
        assert report(pytester)["verdict"] == "fail"
        assert states(pytester) == {"a": "passed", "b": "failed", "c": "failed", "d": "passed", "e": "passed", "f": "skipped"}

    def test_no_worker_is_sent_more_than_names(self, check: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
        pytester.makeconftest(
            """
            import pytest

            @pytest.hookimpl(trylast=True)
            def pytest_configure_node(node):
                with open("sent.txt", "a") as stream:
                    stream.write(f"{len(node.workerinput['archcheck-session'])}\\n")
            """
        )
        check("-n2", "-k", "a-1").assert_outcomes(passed=1)
        few = max(map(int, (pytester.path / "sent.txt").read_text().split()))
        for number in range(100):
            shutil.copy(pytester.path / "house" / f"{name('a')}.whl", pytester.path / "house" / f"{name(f'x{number}')}.whl")
        (pytester.path / "sent.txt").unlink()
        check("-n2", "-k", "a-1").assert_outcomes(passed=1)
        many = max(map(int, (pytester.path / "sent.txt").read_text().split()))
        assert many - few < 100 * 60
