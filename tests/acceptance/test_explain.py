"""``--archcheck-explain`` prints what ``docs/rules.md`` says, from an installed package too."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pytest_archcheck.reports.explain import rules
from pytest_archcheck.rules.catalog import RULES

DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


def test_every_rule_has_its_section() -> None:
    assert list(rules()) == list(RULES)
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"## `{name}`\n\n{body}" in text for name, body in rules().items())


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_explained(pytester: pytest.Pytester, rule: str) -> None:
    result = pytester.runpytest(f"--archcheck-explain={rule}", "--no-header")
    assert (result.ret, result.outlines[0]) == (0, rule)
    assert any(RULES[rule].summary in line for line in result.outlines)
    assert "```" not in result.stdout.str()


def test_nothing_runs_and_nothing_is_inspected(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("raise SystemExit(3)")
    result = pytester.runpytest(
        "--archcheck-path=no-such-folder", "--archcheck-explain=no-gpu", "--archcheck-explain=wrong-result"
    )
    assert result.ret == 0
    assert [line for line in result.outlines if line in RULES] == ["no-gpu", "wrong-result"]
    assert "test session starts" not in result.stdout.str()


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("archcheck::numpy", "Asks of every compiled file of one distribution"),
        ("archcheck::venv::environment::packages", "the installed packages together"),
        ("archcheck::accelerator::tensorflow", "Imports the framework in a child process"),
        ("archcheck::require::metal", "--archcheck-require"),
    ],
)
def test_an_id_is_explained(pytester: pytest.Pytester, subject: str, said: str) -> None:
    result = pytester.runpytest(f"--archcheck-explain={subject}")
    assert result.ret == 0
    assert said in result.stdout.str()


def test_an_unknown_rule_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--archcheck-explain=wrong-architectur\x1b[31m")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --archcheck-explain: got *did you mean wrong-architecture or *"])
    assert "\x1b" not in result.stderr.str()


@pytest.mark.compatibility
def test_an_installed_package_explains_too(tmp_path: Path) -> None:
    """The wheel holds the text: nothing of the checkout is at hand."""
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(root)]
    subprocess.run(build, check=True, timeout=300, env={**os.environ, "UV_NO_PROGRESS": "1"})
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    command = [sys.executable, "-m", "pytest", "-p", "pytest_archcheck.plugin", "--archcheck-explain=missing-symbol"]
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": os.environ["PATH"]}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("missing-symbol\n\nerror: ")
    shown = subprocess.run(
        [sys.executable, "-c", "import pytest_archcheck; print(pytest_archcheck.__file__)"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert shown.stdout.startswith(str(tmp_path / "site"))
