"""Findings as text: escaped, grouped, short."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_archcheck.findings import Finding
from pytest_archcheck.reports import text


def finding(path: str | None = "a.so", message: str = "has only x86_64", **facts: Any) -> Finding:
    plain = {
        "rule": "wrong-architecture",
        "severity": "error",
        "subject": "numpy",
        "distribution": "numpy",
        "remedy": "reinstall",
    }
    return Finding(path=path, message=message, **(plain | facts))


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("plain übung \\ path", "plain übung \\ path"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\r\tc\0", r"a\nb\r\tc\x00"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\udcff", r"\udcff"),
        ("\ufffe\x85\u2028", r"\ufffe\x85\u2028"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escape(raw: str, escaped: str) -> None:
    assert text.escape(raw) == escaped
    assert text.escape(raw).isprintable()


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("utf-8", "\u00fc \u65e5"), ("latin-1", "\u00fc \\u65e5"), ("ascii", "\\xfc \\u65e5"), (None, "\\xfc \\u65e5")],
)
def test_what_a_stream_cannot_write_is_written_by_its_escapes(encoding: str | None, written: str) -> None:
    assert text.encodable("\u00fc \u65e5", encoding) == written


@pytest.mark.parametrize(
    ("long", "shown"), [("x" * 10, "x" * 10), ("x" * 11, "x" * 10 + "..."), ("\x1b" * 3, r"\x1b\x1b\x" + "...")]
)
def test_a_sentence_is_cut_after_it_was_escaped(long: str, shown: str) -> None:
    assert text.sentence(long, 10) == shown


def test_what_a_line_allows_neither_fails_nor_warns() -> None:
    for severity in ("error", "warning", "note"):
        here, allowed = finding(severity=severity), finding(severity=severity, allowed="known")
        assert text.failing([here, allowed]) == ((here,) if severity == "error" else ())
        assert text.warning([here, allowed]) == ((here,) if severity == "warning" else ())


def test_long_text_is_cut() -> None:
    assert len(text.sentence("x" * 100_000)) < 1000


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1, ["  0.so"]),
        (3, ["  0.so", "  1.so", "  2.so"]),
        (4, ["  0.so", "  1.so", "  2.so", "  3.so"]),
        (5, ["  0.so", "  1.so", "  2.so", "  ... and 2 more"]),
        (300, ["  0.so", "  1.so", "  2.so", "  ... and 297 more"]),
    ],
)
def test_few_paths_of_many(number: int, shown: list[str]) -> None:
    said = text.text([finding(f"{index}.so") for index in range(number)]).splitlines()
    files = "1 file has" if number == 1 else f"{number} files have"
    assert said == [f"wrong-architecture: {files} only x86_64", *shown, "  remedy: reinstall"]


def test_worst_first_and_one_paragraph_for_each_message() -> None:
    findings = [
        finding("a.so", rule="a-note", severity="note"),
        finding("b.so", message="is damaged"),
        finding("c.so", message="gone"),
        finding("d.so", message="is damaged"),
        finding(None, message="the whole is wrong", severity="warning"),
    ]
    assert [one.headline for one in text.group(findings)] == [
        "wrong-architecture: 2 files are damaged",
        "wrong-architecture: 1 file: gone",
        "wrong-architecture: the whole is wrong",
        "a-note: 1 file has only x86_64",
    ]
    assert text.headline(findings) == "wrong-architecture: 2 files are damaged (and 3 more)"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("says that it needs macOS 15.0", "2 files say that they need macOS 15.0"),
        ("links to x, which is not here; it looks for y", "2 files link to x, which is not here; they look for y"),
        ("cannot be read", "2 files cannot be read"),
    ],
)
def test_messages_of_several_files(message: str, said: str) -> None:
    assert text.headline([finding("a.so", message), finding("b.so", message)]) == f"wrong-architecture: {said}"


def test_a_path_found_twice_is_one_file() -> None:
    assert text.headline([finding(), finding()]) == "wrong-architecture: 1 file has only x86_64"


def test_names_joined() -> None:
    assert text.joined(["a", "b\n"]) == r"a, b\n"
    assert text.joined([str(number) for number in range(40)], most=2) == "0, 1 and 38 more"
