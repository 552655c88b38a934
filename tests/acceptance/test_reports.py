"""Reports for machines and for readers of a pull request: JSON Schema, GitHub's step summary and annotations, the hook."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.machos import bundle, fat
from support.sites import add_distribution
from support.wheels import write_wheel

from pytest_archcheck import limits

Run = Callable[..., pytest.RunResult]

SCHEMA = json.loads((files("pytest_archcheck.reports") / "schema.json").read_text(encoding="utf-8"))
DOCS = Path(__file__).parent.parent.parent


def validate(document: Any) -> Any:
    jsonschema.Draft202012Validator(SCHEMA, format_checker=None).validate(document)
    return document


def report(pytester: pytest.Pytester) -> Any:
    return validate(json.loads((pytester.path / "out.json").read_text(encoding="ascii")))


# The schema.


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"extra": 1}, {"schema_version": 2}, {"findings": [{"rule": "x"}]}])
def test_the_schema_refuses_what_is_no_report(
    run: Run, healthy: Path, pytester: pytest.Pytester, change: dict[str, Any]
) -> None:
    run(healthy, "--archcheck-json=out.json")
    with pytest.raises(jsonschema.ValidationError):
        validate(report(pytester) | change)


def test_a_healthy_and_a_broken_run(run: Run, healthy: Path, broken: Path, pytester: pytest.Pytester) -> None:
    run(healthy, "--archcheck-json=out.json")
    assert report(pytester)["verdict"] == "pass"
    run(broken, "--archcheck-json=out.json")
    assert report(pytester)["verdict"] == "fail"


def test_an_xfailed_run(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\narchcheck_allow =\n    numpy: old & <known>\n    gone: x\n    scipy/wrong-platform: stale\n")
    result = run(broken, "--archcheck-json=out.json", "--junitxml=out.xml", "-rx")
    document = report(pytester)
    assert {one["allowed"] for one in document["findings"]} == {None, "old & <known>"}
    assert [(one["rule"], one["severity"]) for one in document["findings"] if one["rule"] == "stale-allow-line"] == [
        ("stale-allow-line", "error"),
        ("stale-allow-line", "note"),
    ]
    result.stdout.fnmatch_lines(["XFAIL archcheck::numpy - *old & <known>"])  # pytest 7.4 writes "reason: " first
    xml = (pytester.path / "out.xml").read_text(encoding="utf-8")
    assert '<skipped type="pytest.xfail" message="old &amp; &lt;known&gt;"' in xml


def test_an_interrupted_run(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_bad="import no_such_module")
    run(broken, "test_bad.py", "--archcheck-json=out.json")
    document = report(pytester)
    assert (document["verdict"], document["complete"]) == ("fail", False)
    assert {"subject": "numpy", "reason": "not run"} in document["skipped"]


def test_a_wheel_and_a_lock(pytester: pytest.Pytester, tmp_path: Path) -> None:
    write_wheel(tmp_path, "demo", {"demo/_a.so": fat(bundle("x86_64"), bundle())}, tag="cp311-cp311-macosx_11_0_universal2")
    write_wheel(tmp_path, "demo", {"demo/_a.so": bundle()}, tag="cp311-cp311-macosx_10_9_x86_64.macosx_11_0_arm64")
    lock = tmp_path / "uv.lock"
    lock.write_text(
        'version = 1\n[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "numpy" }]\n[[package]]\nname = "numpy"\nversion = "2.0.2"\n'
        'source = { registry = "https://example.org/simple" }\n',
        encoding="utf-8",
    )
    pytester.runpytest(f"--archcheck-path={tmp_path}", f"--archcheck-path={lock}", "--archcheck-json=out.json")
    document = report(pytester)
    assert {one["rule"] for one in document["findings"]} >= {"wrong-architecture", "no-wheel-for-target"}
    assert sorted(type(one.get("target")).__name__ for one in document["distributions"]) == ["NoneType", "dict", "list"]


def test_this_environment_with_accelerators(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("--archcheck", "--archcheck-json=out.json", timeout=120)
    document = report(pytester)
    assert document["environment"]["interpreter"]["version"] == ".".join(map(str, sys.version_info[:3]))


def test_the_documented_report_is_one() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (DOCS / "README.md", *DOCS.glob("docs/*.md"))]
    blocks = [block for text in texts for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    reports = [json.loads(block) for block in blocks if "schema_version" in block]
    assert reports
    for document in reports:
        validate(document)


# GitHub's step summary.


def test_a_folder_that_is_made_is_named(run: Run, healthy: Path, pytester: pytest.Pytester) -> None:
    folder = pytester.path / "build" / "reports"
    said = f"archcheck: made the folder {folder} for a report"
    assert said in str(run(healthy, "--archcheck-json=build/reports/x.json").stdout)
    assert (folder / "x.json").is_file()
    assert said not in str(run(healthy, "--archcheck-json=build/reports/x.json").stdout)


@pytest.fixture
def step(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_no_summary_where_there_is_nothing_to_say(run: Run, healthy: Path, step: Path) -> None:
    run(healthy)
    assert not step.exists()


def test_the_summary(run: Run, broken: Path, step: Path) -> None:
    step.write_text("what another tool wrote\n", encoding="utf-8")
    run(broken)
    text = step.read_text(encoding="utf-8")
    assert text.startswith(
        "what another tool wrote\n### archcheck: 1 of 4 checks failed\n\nTarget\\: macOS 14.0 arm64.\n".replace("\\", "")
    )
    assert "\n| check | finding | what to do |\n|---|---|---|\n" in text
    rows = [line for line in text.splitlines() if line.startswith(("| numpy |", "| scipy |"))]
    assert len(rows) == 2
    assert rows[0].startswith(
        r"| numpy | **error** wrong-architecture\: 20 files have only x86\_64, the target needs arm64<br>numpy/core/"
    )
    assert "... and 17 more" in rows[0]
    assert text.endswith("\nWhat a rule says, with an example: `pytest --archcheck-explain wrong-architecture`\n\n")
    assert rows[1].startswith(r"| scipy | **warning** newer-os-required\: ")
    assert all(row.count(" | ") == 2 for row in rows)


def test_the_summary_under_xdist_is_written_once(run_child: Run, broken: Path, step: Path) -> None:
    pytest.importorskip("xdist")
    run_child(broken, "-n2")
    assert step.read_text(encoding="utf-8").count("### archcheck") == 1


def test_what_is_allowed_is_said_in_the_summary(run: Run, broken: Path, step: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\narchcheck_allow =\n    numpy: the <b>CI</b> image | is *old*\n")
    run(broken)
    text = step.read_text(encoding="utf-8")
    assert text.startswith("### archcheck: 4 checks passed, not without findings\n")
    assert r"| allowed\: the \<b\>CI\</b\> image \| is \*old\* |" in text


def test_names_from_files_are_no_markdown(run: Run, tmp_path: Path, step: Path) -> None:
    name = "evil/[x](javascript:x)<img src=x>|`*_@user\n# h.so"
    try:
        (tmp_path / "evil").mkdir()
        (tmp_path / name).write_bytes(bundle("x86_64"))
    except OSError:
        pytest.skip("this file system takes no such name")
    run(tmp_path)
    text = step.read_text(encoding="utf-8")
    assert r"evil/\[x\]\(javascript\:x\)\<img src=x\>\|\`\*\_\@user\\n\# h.so" in text


def test_a_summary_that_cannot_be_written_changes_nothing(run: Run, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/no/such/folder/summary.md")
    result = run(broken)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["archcheck: cannot write GITHUB_STEP_SUMMARY: No such file or directory"])


def test_listing_writes_no_summary(run: Run, broken: Path, step: Path) -> None:
    run(broken, "--co")
    assert not step.exists()


# Annotations.


def annotated(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("::")]


def test_annotations_on_request_only(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    assert annotated(run(broken)) == []
    said = annotated(run(broken, "--archcheck-annotations"))
    assert len(said) == 2
    assert said[0].startswith(
        "::error title=archcheck%3A numpy::wrong-architecture: 20 files have only x86_64, the target needs arm64%0A  numpy"
    )
    assert said[1].startswith("::warning title=archcheck%3A scipy::newer-os-required: ")
    pytester.makeini("[pytest]\narchcheck_annotations = true\n")
    assert len(annotated(run(broken, "-q", "-q"))) == 2


def test_annotations_are_escaped(run: Run, tmp_path: Path, pytester: pytest.Pytester) -> None:
    add_distribution(tmp_path, "evil", files={"evil/100%,a:b.so": bundle("x86_64")}, tags=("cp311-cp311-macosx_11_0_arm64",))
    (line,) = annotated(run(tmp_path, "--archcheck-annotations"))
    assert "evil/100%25,a:b.so" in line
    pytester.makeconftest(
        """
        from pytest_archcheck import Finding

        def pytest_archcheck_findings(inspection):
            return [Finding(rule="r", severity="error", subject="a,b:c%", distribution=None, path=None, message="m",
                            remedy="n")]
        """
    )
    assert "::error title=archcheck%3A a%2Cb%3Ac%25::r: m%0A  remedy: n" in annotated(run(tmp_path, "--archcheck-annotations"))


def test_of_many_annotations_the_last_counts_the_rest(run: Run, tmp_path: Path) -> None:
    for number in range(25):
        add_distribution(tmp_path, f"p{number:02}", files={f"p{number:02}/_a.so": bundle("x86_64")}, tags=())
    said = annotated(run(tmp_path, "--archcheck-annotations"))
    assert len(said) == 10
    assert said[-1] == "::error title=archcheck%3A 16 more checks::" + ", ".join(f"p{number:02}" for number in range(9, 25))


def test_a_lock_is_annotated_where_it_lies(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path))
    lock = pytester.mkdir("app") / "uv.lock"
    lock.write_text(
        'version = 1\n[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "numpy" }]\n[[package]]\nname = "numpy"\nversion = "2.0.2"\n'
        'source = { registry = "https://example.org/simple" }\n',
        encoding="utf-8",
    )
    result = pytester.runpytest(f"--archcheck-path={lock}", "--archcheck-target=macosx_14_0_arm64", "--archcheck-annotations")
    (line,) = annotated(result)
    assert line.startswith("::error file=app/uv.lock,title=archcheck%3A uv.lock%3A%3Anumpy::no-wheel-for-target: ")


def test_a_long_list_of_rows_is_cut() -> None:
    assert limits.GITHUB_ROWS * 5000 < 1 << 20


# The hook.


PLUGIN = """
import pytest
from pytest_archcheck import Finding

SEEN = []

def pytest_archcheck_findings(inspection):
    SEEN.append(len(inspection.binaries))
    yield Finding(rule="licence", severity="warning", subject="h5py", distribution="h5py", path="h5py/_core.so",
                  message="has no licence", remedy="ask legal")
    yield Finding(rule="licence", severity="error", subject="policy::licences", distribution=None, path=None,
                  message="two licences clash", remedy="ask legal")

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"asked {SEEN}")
"""


def test_findings_of_a_third_party_plugin(run: Run, broken: Path, pytester: pytest.Pytester, step: Path) -> None:
    pytester.syspathinsert()
    pytester.makepyfile(house_plugin=PLUGIN)
    result = run(broken, "-p", "house_plugin", "--archcheck-json=out.json", "--archcheck-annotations")
    result.stdout.fnmatch_lines(
        ["licence: two licences clash", "asked [[]22]", "FAILED archcheck::policy::licences - licence: two licences clash"]
    )
    mine = [(one["subject"], one["severity"]) for one in report(pytester)["findings"] if one["rule"] == "licence"]
    assert mine == [("h5py", "warning"), ("policy::licences", "error")]
    assert "| policy\\:\\:licences | **error** licence\\: two licences clash |" in step.read_text(encoding="utf-8")


def test_a_third_party_finding_can_be_allowed(run: Run, broken: Path, pytester: pytest.Pytester) -> None:
    pytester.syspathinsert()
    pytester.makepyfile(house_plugin_two=PLUGIN)
    pytester.makeini("[pytest]\narchcheck_allow =\n    policy::licences: legal knows\n")
    run(broken, "-p", "house_plugin_two", "archcheck::policy").assert_outcomes(xfailed=1)
