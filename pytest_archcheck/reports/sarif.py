"""SARIF 2.1.0, which code scanning of GitHub and GitLab shows (OASIS, "Static Analysis Results Interchange Format").

A finding is shown where a person can change something: at the line of a lock file or of requirements that names the
distribution; where none does, at the compiled file itself.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_archcheck import limits
from pytest_archcheck.reports.explain import rules
from pytest_archcheck.reports.places import below

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: Files at the root of a project that name what gets installed, those that pin it first.
_NAMING = (
    re.compile(r"uv\.lock|pylock(\.[\w-]+)?\.toml|poetry\.lock|pdm\.lock|pixi\.lock"),
    re.compile(r"[\w.-]*requirements[\w.-]*\.(txt|in)"),
    re.compile(r"pyproject\.toml|environment\.ya?ml"),
)


def document(report: Json, root: str) -> Json:
    """Return a report as SARIF.

    :param report: our JSON.
    :param root: the project's folder: locations are relative to it.
    """
    places = _Places(report, root)
    used = list(dict.fromkeys(finding["rule"] for finding in report["findings"]))
    numbers = {rule: number for number, rule in enumerate(used)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pytest-archcheck",
                        "semanticVersion": report["archcheck_version"],
                        "rules": [_rule(rule) for rule in used],
                    }
                },
                # What was judged for one target does not replace what was for another.
                "automationDetails": {"id": f"archcheck/{report['target']['tag']}/"},
                "invocations": [{"executionSuccessful": bool(report["complete"])}],
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, numbers[finding["rule"]], places) for finding in report["findings"]],
            }
        ],
    }


def _rule(name: str) -> Json:
    told = rules().get(name)
    if told is None:  # another plugin's
        return {"id": name}
    severity, _, rest = told.partition(": ")
    summary = rest.partition("\n")[0]
    return {
        "id": name,
        "shortDescription": {"text": summary},
        "help": {"text": told, "markdown": told},
        "defaultConfiguration": {"level": severity},
    }


def _result(finding: Json, number: int, places: _Places) -> Json:
    file = f"{finding['path']}: " if finding["path"] is not None else ""
    identity = "\n".join(str(finding[key]) for key in ("rule", "subject", "path"))
    result: Json = {
        "ruleId": finding["rule"],
        "ruleIndex": number,
        "level": finding["severity"],
        "message": {"text": f"{finding['subject']}: {file}{finding['message']}\nRemedy: {finding['remedy']}"},
        "locations": [{"physicalLocation": places.of(finding)}],
        "partialFingerprints": {"archcheck/v1": hashlib.sha256(identity.encode("utf-8")).hexdigest()},
    }
    if finding["allowed"] is not None:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding["allowed"]}]
    return result


class _Places:
    """Where a finding is shown."""

    def __init__(self, report: Json, root: str) -> None:
        self._root = os.path.realpath(root)
        self._locations = {dist.get("subject", dist["name"]): dist["location"] for dist in report["distributions"]}
        self._paths: list[str] = report["environment"]["paths"]
        self._known: dict[str, Json | None] = {}
        self._texts = list(self._naming_files())

    def of(self, finding: Json) -> Json:
        """SARIF's physicalLocation."""
        location = self._locations.get(finding["subject"]) or (self._paths[0] if self._paths else ".")
        if os.path.isfile(location) and not location.endswith(".whl"):  # a lock file
            line = _line(_text(location), finding["distribution"] or "")
            return _place(_uri(location, self._root), line or 1)
        named = self._named(finding["distribution"])
        if named is not None:
            return named
        if location.endswith(".whl"):
            return _place(_uri(location, self._root), None)
        return _place(_uri(os.path.join(location, finding["path"] or ""), self._root), None)

    def _named(self, distribution: str | None) -> Json | None:
        """The first line of the project that names a distribution."""
        if distribution is None:
            return None
        if distribution not in self._known:
            found = ((path, _line(text, distribution)) for path, text in self._texts)
            self._known[distribution] = next((_place(_uri(path, self._root), line) for path, line in found if line), None)
        return self._known[distribution]

    def _naming_files(self) -> Iterator[tuple[str, str]]:
        try:
            names = sorted(os.listdir(self._root))
        except OSError:
            return
        for pattern in _NAMING:
            for name in names:
                path = os.path.join(self._root, name)
                if pattern.fullmatch(name) and os.path.isfile(path):
                    yield path, _text(path)


def _place(uri: str, line: int | None) -> Json:
    place: Json = {"artifactLocation": {"uri": uri}}
    if line is not None:
        place["region"] = {"startLine": line}
    return place


def _uri(path: str, root: str) -> str:
    """Relative to the root where it lies below, else absolute."""
    way = below(os.path.realpath(path), root)
    if way is not None:
        return quote(way)
    real = os.path.normpath(path)
    return pathlib.Path(real).as_uri() if os.path.isabs(real) else quote(real.replace(os.sep, "/"))


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(limits.LOCK_FILE_SIZE)
    except OSError:
        return ""


def _line(text: str, name: str) -> int | None:
    """The line that names a distribution: as a lock's table does, else as a requirement does."""
    loose = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))
    entry = re.compile(rf"""^\s*(?:- )?["']?name["']?\s*[=:]\s*["']?{loose}["']?\s*,?$""", re.IGNORECASE | re.MULTILINE)
    requirement = re.compile(rf"""^[\s"'-]*{loose}\s*(?:[\[<>=!~;@,"'#\s\\]|$)""", re.IGNORECASE | re.MULTILINE)
    found = (entry.search(text) or requirement.search(text)) if name else None
    if found is None:
        return None
    begin = found.start() + len(found[0]) - len(found[0].lstrip())
    return text.count("\n", 0, begin) + 1
