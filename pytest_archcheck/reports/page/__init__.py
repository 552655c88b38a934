"""The page: one HTML file that shows a report, or several side by side, and needs nothing else.

A template of our own: markup is made by functions that escape (:mod:`~pytest_archcheck.reports.page.markup`), so that nothing
read from a file can be anything but text. A template engine would bring what is not needed (files of templates, inheritance, a
language) and one more package into every environment that is inspected; the page has no loops that Python does not say better.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_archcheck.reports import text
from pytest_archcheck.reports.explain import rules
from pytest_archcheck.reports.page import carried
from pytest_archcheck.reports.page.checks import checks
from pytest_archcheck.reports.page.facts import Anchors, Report, State
from pytest_archcheck.reports.page.markup import Html, join, tag
from pytest_archcheck.reports.page.matrix import matrix
from pytest_archcheck.reports.page.picture import Picture
from pytest_archcheck.reports.page.pieces import SIGNS, part, sign
from pytest_archcheck.reports.page.speed import accelerators
from pytest_archcheck.reports.page.todo import what_to_do
from pytest_archcheck.reports.page.verdict import not_looked_at, summary, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.reports.merge import Labelled

_FENCED = re.compile(r"```\w*\n(.*?)\n```", re.DOTALL)


def render(document: dict[str, Any], reports: Sequence[Labelled]) -> str:
    """Return the page.

    :param document: the JSON that the page carries: a report, or several.
    :param reports: each report in it.
    """
    anchors = Anchors()
    several = len(reports) > 1
    shown = [
        Report(one.document, anchors, number=number, label=one.label if several else None) for number, one in enumerate(reports)
    ]
    pictures = [Picture(report) for report in shown]
    heading, version = _headline(shown), document["archcheck_version"]
    style = _resource("page.css") + "".join(picture.style() for picture in pictures)
    script = _resource("page.js")
    page = tag(
        "html",
        _head(heading, version, style, script),
        tag(
            "body",
            tag(
                "header",
                tag("p", tag("b", "archcheck"), f" {version}", class_="name"),
                tag("h1", sign(_state(document)), tag("span", heading)),
                None if several else summary(shown[0]),
            ),
            tag("main", _side_by_side(shown, pictures) if several else _alone(shown[0], pictures[0]), _rules(shown)),
            _footer(),
            carried.pack(document),
            tag("script", Html(script)),
        ),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def _head(heading: str, version: str, style: str, script: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"pytest-archcheck {version}"),
        tag("title", f"archcheck: {heading}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )


def _footer() -> Html:
    return tag(
        "footer",
        tag(
            "span",
            "The page needs no network. It carries its report: ",
            tag("code", "python -m pytest_archcheck.reports"),
            " takes it out again.",
        ),
        tag("button", "Save the report as JSON", type="button", class_="save js"),
        tag("p", class_="said hear", role="status", aria_live="polite"),
    )


def _alone(report: Report, picture: Picture) -> list[Html | None]:
    """What to do stands first, and the tools that search the list stand before it."""
    return [what_to_do(report), picture.html(), accelerators(report), _tools([report]), *_list(report)]


def _side_by_side(reports: Sequence[Report], pictures: Sequence[Picture]) -> list[Html]:
    folded = (_folded(report, picture) for report, picture in zip(reports, pictures, strict=True))
    return [matrix(reports), _tools(reports), *folded]


def _state(document: dict[str, Any]) -> State:
    """How well a report is as a whole, or all of several."""
    if document["verdict"] == "fail":
        return "error"
    return "pass" if document["complete"] else "unknown"


def _resource(name: str) -> str:
    """One of our own files; neither holds the end tag of its element."""
    return (files("pytest_archcheck.reports.page") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere; of what stands in the page only our own style and script count, by their hashes."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _headline(reports: Sequence[Report]) -> str:
    if len(reports) == 1:
        return verdict(reports[0])
    failing = [report for report in reports if report.document["verdict"] == "fail"]
    waiting = sum(not report.document["complete"] for report in reports)
    more = f"; {waiting} of them not complete" if waiting else ""
    if not failing:
        return f"All {len(reports)} reports pass{more}."
    return f"{len(failing)} of {len(reports)} reports {'fails' if len(failing) == 1 else 'fail'}{more}."


def _folded(report: Report, picture: Picture) -> Html:
    heading = tag("h2", sign(_state(report.document)), tag("span", f"{report.label}: {verdict(report)}"))
    parts = [summary(report), what_to_do(report), picture.html(), accelerators(report), *_list(report)]
    return tag("details", tag("summary", heading), parts, open=True, class_="report", id=report.anchor("report"))


def _list(report: Report) -> list[Html | None]:
    return [checks(report), not_looked_at(report)]


def _tools(reports: Sequence[Report]) -> Html:
    """Search and filters, of use with a script only."""
    subjects = [subject for report in reports for subject in report.subjects]
    present = {subject.state for subject in subjects}
    boxes = [
        tag("label", tag("input", type="checkbox", value=state, checked=True), f" {word}")
        for state, (_, word) in SIGNS.items()
        if state in present
    ]
    used = dict.fromkeys(finding.rule for subject in subjects for finding in subject.findings)
    architectures = sorted({architecture for subject in subjects for architecture in subject.architectures})
    return tag(
        "form",
        tag(
            "input", type="search", placeholder="Search names, files, findings  ( / )", aria_label="Search", autocomplete="off"
        ),
        tag("fieldset", tag("legend", "Show", class_="hear"), boxes),
        _choice("rule", "any rule", list(used)),
        _choice("architecture", "any architecture", architectures),
        tag("output"),
        class_="tools js",
        role="search",
    )


def _choice(name: str, every: str, values: Sequence[str]) -> Html:
    options = [tag("option", every, value=""), *(tag("option", text.sentence(value, 60), value=value) for value in values)]
    return tag("select", options, name=name, aria_label=name.capitalize())


def _rules(reports: Sequence[Report]) -> Html | None:
    """What docs/rules.md says of the rules that occur."""
    used = dict.fromkeys(finding.rule for report in reports for subject in report.subjects for finding in subject.findings)
    told = [_rule(name, rules()[name]) for name in used if name in rules()]
    if not told:
        return None
    return tag("section", part(2, "What the rules say"), told)


def _rule(name: str, markdown: str) -> Html:
    parts: list[object] = []
    for number, piece in enumerate(_FENCED.split(markdown)):
        if number % 2:
            parts.append(tag("pre", piece))
        else:
            parts += [tag("p", paragraph.replace("\n", " ")) for paragraph in piece.split("\n\n") if paragraph.strip()]
    return tag("details", tag("summary", name), join(parts), id=f"_rule-{name}", open=True, class_="about")
