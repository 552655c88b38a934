"""Whatever files are called, what is shown of them is printable, short, and of the form that its reader expects."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_archcheck import limits
from pytest_archcheck.findings import Finding
from pytest_archcheck.reports import github, json_report, text

HOSTILE = "\x1b[31m]]>\u202e\r\n::error::x|<b>&\x00\ud800"
#: Surrogates too: names that are no UTF-8 arrive as such.
TEXTS = st.text(st.characters(), max_size=80)


@given(TEXTS)
@example(HOSTILE)
def test_escaped_text_is_printable(name: str) -> None:
    shown = text.escape(name)
    assert shown.isprintable()
    assert text.escape(shown) == shown
    assert shown.encode().decode() == shown  # no lone surrogate
    ET.fromstring(f"<x><![CDATA[{shown.replace(']]>', '')}]]></x>")  # noqa: S314 - it was made one line above


@given(TEXTS, st.integers(1, 5000))
def test_sentences_are_short(name: str, times: int) -> None:
    assert len(text.sentence(name * times)) <= limits.SENTENCE_LENGTH + 3


@given(st.lists(st.tuples(TEXTS, TEXTS, st.none() | TEXTS), min_size=1, max_size=6))
@example([(HOSTILE, HOSTILE, HOSTILE)])
def test_lines_of_findings_are_lines(facts: list[tuple[str, str, str | None]]) -> None:
    findings = [
        Finding(rule="r", severity="error", subject="s", distribution=None, path=path, message=message, remedy=remedy)
        for message, remedy, path in facts
    ]
    for group in text.group(findings):
        assert all(line.isprintable() for line in group.lines())
        assert len(group.lines()) <= text.SHOWN_PATHS + 3
    assert text.headline(findings).isprintable()


@given(TEXTS, TEXTS)
@example(HOSTILE, HOSTILE)
def test_a_workflow_command_is_one_line_with_one_end(title: str, message: str) -> None:
    command = github._command("error", title, text.escape(message), None)
    assert "\n" not in command
    assert "\r" not in command
    properties = command.removeprefix("::error ").partition("::")[0]
    assert re.fullmatch(r"title=[^:,\n\r]*", properties)


@given(TEXTS)
@example(HOSTILE)
def test_a_cell_of_the_summary_stays_one(cell: str) -> None:
    shown = github._plain(cell)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`\[]", shown)


@given(
    st.recursive(
        TEXTS | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
    )
)
def test_json_is_ascii_and_printable(value: object) -> None:
    written = json.dumps(json_report._escaped(value))
    assert written.isascii()
    assert written.isprintable()
