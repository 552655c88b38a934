"""Every check with what it found, the files that it speaks of, and who loads whom."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.facts import bytes_of
from pytest_archcheck.reports.page.markup import Html, join, tag
from pytest_archcheck.reports.page.pieces import folded, href, item, part, remedy_of, sign
from pytest_archcheck.reports.page.remedies import command_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.reports.page.facts import File, Json, Report, State, Subject

#: So many files of a finding are shown with who loads them, besides the first.
_SHOWN_CHAINS = 3
#: So many that link to a file are named.
_SHOWN_USERS = 12
#: So many files of a finding stand open.
_SHOWN_PATHS = 8


def checks(report: Report) -> Html:
    """Every check with what it found and the files that it speaks of, the worst first."""
    return tag(
        "section",
        part(report.level, "Every check"),
        tag("div", [_subject(report, subject) for subject in report.worst_first], class_="list"),
        tag("p", "Nothing matches.", class_="none", hidden=True),
    )


def _subject(report: Report, subject: Subject) -> Html:
    words = [text.count(len(subject.files), "file"), bytes_of(subject.size)] if subject.files else []
    rules = list(dict.fromkeys(finding.rule for finding in subject.findings))
    body: list[object] = []
    if subject.reason and subject.run in ("skipped", "not run", "other", "none"):
        body.append(tag("p", "Not judged: ", text.sentence(subject.reason), class_="muted"))
    body += [_finding(report, subject, group) for group in subject.groups]
    body += [_origin(distribution) for distribution in subject.distributions[:1]]
    if subject.files:
        body.append(tag("ul", [_file(report, subject, file) for file in subject.files], class_="files"))
    return tag(
        "details",
        tag(
            "summary",
            sign(subject.state),
            tag("b", text.sentence(subject.title)),
            tag("span", ", ".join(rules), class_="rules"),
            tag("span", " + ".join(subject.architectures), class_="archs"),
            tag("span", ", ".join(words), class_="size"),
        ),
        tag("div", body, class_="body"),
        id=subject.anchor,
        open=True,
        class_=f"subject {subject.state}",
        data_name=subject.name,
        data_row=subject.row,
        data_s=subject.state,
        data_r=" ".join(rules),
        data_a=" ".join(subject.architectures),
    )


def _origin(distribution: Json) -> Html | None:
    said = [f"id archcheck::{distribution['subject']}"] if distribution.get("subject") else []
    if distribution["installer"]:
        said.append(f"installed by {distribution['installer']}")
    if distribution["tags"]:
        said.append(f"tags {text.joined(distribution['tags'], most=4)}")
    said.append(f"in {distribution['location']}")
    return tag("p", "; ".join(said), class_="muted origin")


def _finding(report: Report, subject: Subject, group: text.Group) -> Html:
    state: State = "note" if group.allowed is not None else group.severity
    chains: list[Html] = []
    for path in group.paths:
        file = report.files.get((subject.name, path))
        chain = None if file is None else _chain(report, file, list(report.blamed(file, group.message)))
        if chain is not None:
            chains.append(chain)
        if len(chains) > _SHOWN_CHAINS:
            break
    paths = [tag("li", tag("code", text.sentence(path))) for path in group.paths]
    long = len(paths) > _SHOWN_PATHS
    listed = tag("ul", paths, class_="paths") if paths else None
    return tag(
        "article",
        item(report.level, sign(state), tag("a", group.rule, href=f"#_rule-{group.rule}"), " ", group.fact),
        tag("p", tag("b", "Allowed: "), text.sentence(group.allowed))
        if group.allowed is not None
        else remedy_of(group.remedy, command_of(group.remedy)),
        folded(text.count(len(paths), "file"), listed) if long and listed else listed,
        chains[:1],
        folded("The same of other files", join(*chains[1:])) if chains[1:] else None,
        id=report.anchor(f"{subject.name.replace('::', '-')}-{group.rule}"),
        class_=f"finding {state}",
    )


def _chain(report: Report, file: File, blamed: Sequence[Json]) -> Html | None:
    """From what Python imports to what is missing, with every place where the loader looked."""
    if not blamed:
        return None
    steps = []
    way = report.chain(file)
    for number, one in enumerate(way):
        # What is no extension module is loaded by its path, with ctypes say, or run.
        first = "Python imports " if one.facts["role"] == "extension" else f"The {one.facts['role']} "
        words = first if number == 0 else "which links to "
        steps.append(tag("li", words, tag("a", tag("code", text.sentence(one.path)), href=href(one.anchor))))
    for link in blamed[:_SHOWN_USERS]:
        tried = [tag("li", tag("code", _short(path, file.location))) for path in link.get("tried", ())]
        steps.append(
            tag(
                "li",
                "which asks for ",
                tag("code", text.sentence(link["name"])),
                f": {_outcome(link)}",
                tag("p", "The loader looks, in this order, in:", class_="muted") if tried else None,
                tag("ol", tried, class_="tried") if tried else None,
            )
        )
    return tag("ol", steps, class_="chain")


_OUTCOMES = {
    "system": "part of the system",
    "loaded": "not where the loader looks; it serves only where something has loaded it before",
    "outside": "outside of this environment, where nobody can look from here",
    "missing": "nowhere",
    "wrong-architecture": "found, without the architecture that is needed",
    "damaged": "found, and damaged",
}


def _outcome(link: Json) -> str:
    status = link.get("status")
    path = text.sentence(link.get("path", ""))
    if status == "found":
        return f"found, {path}"
    said = _OUTCOMES.get(status or "", "not looked for: the target does not load this slice")
    return f"{said} ({path})" if path else said


def _short(path: str, location: str) -> str:
    """A path within the environment without the environment's own."""
    return text.sentence(path[len(location) + 1 :] if path.startswith(f"{location}{os.sep}") else path)


def _file(report: Report, subject: Subject, file: File) -> Html:
    facts = file.facts
    minimum = sorted(set(facts["min_os"].values()))
    signed = sorted(set(facts["signature"].values()))
    bad = "" if facts["format"] == "pe" or report.serves(subject, file) else "foreign"
    return tag(
        "li",
        tag("code", _breakable(text.sentence(file.path))),
        tag("span", " + ".join(file.architectures) or "no architecture", class_=f"arch {bad}".rstrip()),
        tag("span", f"{'macOS' if facts['format'] == 'mach-o' else 'OS'} {', '.join(minimum)}" if minimum else ""),
        tag("span", {"none": "unsigned"}.get(", ".join(signed), ", ".join(signed))),
        tag("span", facts["role"]),
        tag("span", bytes_of(file.size) if file.size else ""),
        _neighbours(report, file),
        id=file.anchor,
    )


def _breakable(path: str) -> Html:
    """A path that may be broken after its slashes."""
    parts: list[object] = []
    for name in re.split(r"(?<=/)", path):
        parts += [name, Html("<wbr>")]
    return join(parts[:-1])


def _neighbours(report: Report, file: File) -> Html | None:
    links: list[object] = []
    for link in file.links:
        provider = report.provider(file, link)
        name = text.sentence(os.path.basename(link["name"]) or link["name"], 80)
        status = link.get("status")
        one: object = tag("a", name, href=href(provider.anchor), title=link["name"]) if provider else name
        if status not in (None, "found", "system"):
            one = tag("em", one, " (", "weak, " if link.get("weak") else "", status.replace("-", " "), ")")
        links += [", ", one]
    used: list[object] = []
    users = report.users(file)
    for user, _ in users[:_SHOWN_USERS]:
        used += [", ", tag("a", text.sentence(os.path.basename(user.path), 80), href=href(user.anchor))]
    if len(users) > _SHOWN_USERS:
        used.append(f" and {len(users) - _SHOWN_USERS} more")
    if not links and not used:
        return None
    return tag(
        "p",
        ["links to ", links[1:]] if links else None,
        "; " if links and used else None,
        ["needed by ", used[1:]] if used else None,
    )
