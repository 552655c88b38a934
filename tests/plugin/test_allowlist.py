"""The grammar of archcheck_allow, and what its lines do."""

from __future__ import annotations

import gc
import time

import pytest

from pytest_archcheck.findings import Finding, Severity
from pytest_archcheck.plugin.allowlist import AllowLine, AllowList, InvalidLine

RULES = ("wrong-architecture", "missing-library")


def finding(rule: str = "wrong-architecture", severity: Severity = "error") -> Finding:
    return Finding(
        rule=rule, severity=severity, subject="numpy", distribution="numpy", path="a.so", message="is bad", remedy="mend"
    )


@pytest.mark.parametrize(
    ("line", "subject", "rule", "target", "reason"),
    [
        ("numpy: old CI", "numpy", None, None, "old CI"),
        ("numpy/wrong-architecture: a: b/c @d", "numpy", "wrong-architecture", None, "a: b/c @d"),
        ("numpy @macosx_*_arm64: x", "numpy", None, "macosx_*_arm64", "x"),
        ("numpy/missing-library @macosx_1[45]_*: x", "numpy", "missing-library", "macosx_1[45]_*", "x"),
        ("environment::interpreter/missing-library: x", "environment::interpreter", "missing-library", None, "x"),
        ("my env::numpy: x", "my env::numpy", None, None, "x"),
        ("  numpy :  x  ", "numpy", None, None, "x"),
        ("a/b/x-1.0-py3-none-any: x", "a/b/x-1.0-py3-none-any", None, None, "x"),
        ("a/x-1.0-py3-none-any/missing-library: x", "a/x-1.0-py3-none-any", "missing-library", None, "x"),
    ],
)
def test_lines(line: str, subject: str, rule: str | None, target: str | None, reason: str) -> None:
    parsed = AllowLine.parse(line, RULES)
    assert (parsed.subject, parsed.rule, parsed.target, parsed.reason) == (subject, rule, target, reason)


@pytest.mark.parametrize(
    "line", ["", "numpy", "numpy:", "numpy:  ", "numpy:reason", ": reason", "numpy/typo: x", "numpy/: x", "numpy @: x", "@x: y"]
)
def test_no_lines(line: str) -> None:
    with pytest.raises(InvalidLine, match="got"):
        AllowLine.parse(line, RULES)


def judged(*lines: str, findings: tuple[Finding, ...], **chosen: frozenset[str]) -> list[tuple[str, str | None]]:
    listed = AllowList(lines=tuple(AllowLine.parse(line, RULES) for line in lines), target="macosx_14_0_arm64", **chosen)
    return [(one.rule, one.allowed) for one in listed.judge("numpy", findings)]


def test_the_first_line_that_fits_gives_the_reason() -> None:
    found = (finding(), finding("missing-library"))
    assert judged("numpy/missing-library: b", "numpy: a", findings=found) == [
        ("wrong-architecture", "a"),
        ("missing-library", "b"),
    ]


def test_stale_lines_are_errors() -> None:
    assert judged("numpy/missing-library: b", findings=(finding(),)) == [
        ("wrong-architecture", None),
        ("stale-allow-line", None),
    ]
    assert judged("numpy: b", findings=()) == [("stale-allow-line", None)]
    assert judged("numpy: b", findings=(), ignore=frozenset({"missing-library"})) == []
    assert judged("scipy: b", findings=()) == []


def test_a_subject_that_is_not_here_is_a_note_with_what_is_near() -> None:
    listed = AllowList(
        lines=(
            AllowLine.parse("nunpy: x", RULES),
            AllowLine.parse("h5py: x", RULES),
            AllowLine.parse("jax @linux_*: x", RULES),
        ),
        target="macosx_14_0_arm64",
    )
    (note,) = listed.unmatched(["numpy", "h5py"])
    assert (note.severity, note.subject) == ("note", "nunpy")
    assert "did you mean numpy?" in note.message
    (note,) = listed.unmatched(["h5py"])
    assert note.message == "the archcheck_allow line 'nunpy: x' speaks of a subject that is not here"


def test_a_line_on_a_rule_that_was_asked_for_is_stale_whatever_else_was_not() -> None:
    line = "numpy/missing-library: b"
    for chosen in ({"select": {"missing-library"}}, {"ignore": {"wrong-architecture"}}):
        assert judged(line, findings=(), **{name: frozenset(rules) for name, rules in chosen.items()}) == [
            ("stale-allow-line", None)
        ]
    for chosen in ({"select": {"wrong-architecture"}}, {"ignore": {"missing-library"}}):
        assert judged(line, findings=(), **{name: frozenset(rules) for name, rules in chosen.items()}) == []


def test_a_wheel_has_targets_of_its_own() -> None:
    line = AllowLine.parse("demo @*_x86_64: x", RULES)
    listed = AllowList(lines=(line,), target="macosx_14_0_arm64")
    assert [one.allowed for one in listed.judge("demo", [finding()], ["macosx_10_9_x86_64"])] == ["x"]
    assert [one.allowed for one in listed.judge("demo", [finding()])] == [None]


def test_stale_lines_of_many_distributions() -> None:
    """Ten times the lines and the distributions take ten times as long, not a hundred times."""
    spent = []
    for size in (1_000, 10_000):
        lines = tuple(AllowLine.parse(f"d{number}: known", ()) for number in range(size))
        allowed = AllowList("macosx_14_0_arm64", lines)
        gc.disable()  # or it looks through all that earlier tests have left, in the longer turn only
        begin = time.process_time()
        found = [finding for number in range(size) for finding in allowed.judge(f"d{number}", ())]
        spent.append(time.process_time() - begin)
        gc.enable()
        assert len(found) == size
    assert spent[1] < 30 * spent[0] + 0.05
