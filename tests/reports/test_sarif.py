"""SARIF as its published schema has it, with findings where a person can change something."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from support.corpus import npm_package
from support.machos import bundle
from support.sites import add_distribution, write

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "--archcheck-target=macosx_14_0_arm64"
LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "demo"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]

[[package]]
name = "numpy"
version = "2.0.2"
source = { registry = "https://example.org/simple" }
"""


def sarif(pytester: pytest.Pytester, *arguments: str) -> dict[str, Any]:
    pytester.runpytest(*arguments, TARGET, "--archcheck-sarif=out.sarif")
    document: dict[str, Any] = json.loads((pytester.path / "out.sarif").read_text(encoding="utf-8"))
    return document


def results(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rule -> its first result."""
    (run,) = document["runs"]
    return {one["ruleId"]: one for one in reversed(run["results"])}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site packages"
    files = {"numpy/core/a#b.so": bundle("x86_64")}
    add_distribution(site, "numpy", "2.0.2", files, tags=("cp311-cp311-macosx_10_9_x86_64",))
    add_distribution(site, "scipy", "1.14.1", {"scipy/_x.so": bundle(minos="15.0")}, tags=("cp311-cp311-macosx_15_0_arm64",))
    return site


def test_a_lock_file_is_shown_at_the_line_of_its_package(pytester: pytest.Pytester) -> None:
    lock = write(pytester.path / "uv.lock", LOCK)
    found = results(sarif(pytester, f"--archcheck-path={lock}", "--archcheck-python=3.12"))["no-wheel-for-target"]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "uv.lock"}
    assert LOCK.splitlines()[place["region"]["startLine"] - 1] == 'name = "numpy"'


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("requirements.txt", "# what we need\nscikit-learn\nNumPy[extra] >= 2  # for arrays\n", 3),
        ("requirements-dev.in", "-r requirements.txt\nnumpy\n", 2),
        ("pyproject.toml", "[project]\nname = 'x'\ndependencies = [\n  'numpy>=2',\n]\n", 4),
        ("poetry.lock", '[[package]]\nname = "numpy-financial"\n\n[[package]]\nname = "numpy"\n', 5),
    ],
)
def test_an_environment_is_shown_where_the_project_names_the_distribution(
    pytester: pytest.Pytester, site: Path, name: str, content: str, line: int
) -> None:
    write(pytester.path / name, content)
    place = results(sarif(pytester, f"--archcheck-path={site}"))["wrong-architecture"]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": name}, "region": {"startLine": line}}


def test_without_such_a_line_the_file_itself_is_shown(pytester: pytest.Pytester, site: Path) -> None:
    found = results(sarif(pytester, f"--archcheck-path={site}"))
    uri = found["wrong-architecture"]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("file:///")
    assert uri.endswith("/site%20packages/numpy/core/a%23b.so")


def test_levels_rules_and_what_is_allowed(pytester: pytest.Pytester, site: Path) -> None:
    pytester.makeini("[pytest]\narchcheck_allow =\n    numpy: not used here\n")
    document = sarif(pytester, f"--archcheck-path={site}")
    found = results(document)
    assert {rule: one["level"] for rule, one in found.items()} == {
        "wrong-architecture": "error",
        "newer-os-required": "warning",
    }
    assert found["wrong-architecture"]["suppressions"][0]["justification"] == "not used here"
    assert "suppressions" not in found["newer-os-required"]
    driver = document["runs"][0]["tool"]["driver"]
    assert [driver["rules"][one["ruleIndex"]]["id"] for one in found.values()] == list(found)
    assert all(rule["shortDescription"]["text"].endswith(".") for rule in driver["rules"])
    assert re.search(r"\nRemedy: .*pip install", found["wrong-architecture"]["message"]["text"])


def test_one_finding_keeps_its_fingerprint(pytester: pytest.Pytester, site: Path) -> None:
    runs = [sarif(pytester, f"--archcheck-path={site}") for _ in range(2)]
    prints = [[one["partialFingerprints"] for one in document["runs"][0]["results"]] for document in runs]
    assert prints[0] == prints[1]
    assert len({json.dumps(one) for one in prints[0]}) == len(prints[0])


@pytest.mark.corpus
def test_it_is_valid(pytester: pytest.Pytester, site: Path) -> None:
    """By the schema of SARIF 2.1.0: rtm.5, which became the standard."""
    schema = json.loads(
        (npm_package("@microsoft/jest-sarif@1.0.0-beta.0") / "lib/schemas/sarif-2.1.0-rtm.5.json").read_text("utf-8")
    )
    assert schema["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    lock = write(pytester.path / "uv.lock", LOCK)
    pytester.makeini("[pytest]\narchcheck_allow =\n    numpy: not used here\n")
    for path in (site, lock):
        document = sarif(pytester, f"--archcheck-path={path}")
        assert document["runs"][0]["results"]
        validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document | {"version": "2.0.0"})
