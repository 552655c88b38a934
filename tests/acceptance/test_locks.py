"""Lock files: what installs on the target."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ARM = "macosx_14_0_arm64"


def wheel(name: str) -> str:
    return f'{{ url = "https://example.org/{name}", hash = "sha256:00" }}'


def package(name: str, version: str, *wheels: str, sdist: bool = False) -> str:
    lines = [f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://example.org/simple" }}']
    if sdist:
        lines.append(f"sdist = {wheel(f'{name}-{version}.tar.gz')}")
    lines.append(f"wheels = [{', '.join(wheel(f'{name}-{version}-{tag}.whl') for tag in wheels)}]")
    return "\n".join(lines) + "\n"


UV = (
    'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n'
    '[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\ndependencies = [\n'
    '    { name = "numpy" },\n    { name = "metal", marker = "sys_platform == \'darwin\'" },\n    { name = "built" },\n]\n\n'
    + package(
        "numpy", "2.0.2", "cp311-cp311-macosx_14_0_arm64", "cp312-cp312-macosx_14_0_arm64", "cp311-cp311-manylinux_2_17_x86_64"
    )
    + package("metal", "1.2.0", "cp311-cp311-macosx_12_0_arm64")
    + package("built", "0.1", sdist=True)
)
PYLOCK = """lock-version = "1.0"
created-by = "test"
[[packages]]
name = "numpy"
version = "2.0.2"
[[packages.wheels]]
name = "numpy-2.0.2-cp311-cp311-macosx_14_0_arm64.whl"
url = "https://example.org/numpy-2.0.2-cp311-cp311-macosx_14_0_arm64.whl"
hashes = { sha256 = "00" }
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "uv.lock"
    path.write_text(UV, encoding="utf-8")
    return path


def run(pytester: pytest.Pytester, lock: Path, *args: str, target: str = ARM, python: str = "3.11") -> pytest.RunResult:
    options = [f"--archcheck-path={lock}", f"--archcheck-target={target}", f"--archcheck-python={python}"]
    return pytester.runpytest(*options, "--archcheck-json=out.json", *args)


def test_what_installs_and_what_is_built_there(pytester: pytest.Pytester, lock: Path) -> None:
    result = run(pytester, lock, "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "archcheck: target macOS 14.0 arm64, Python 3.1*, 3 locked packages, 0.* s",
            "archcheck::uv.lock::environment::packages PASSED*",
            "archcheck::uv.lock::built PASSED*",
            "archcheck::uv.lock::metal PASSED*",
            "archcheck::uv.lock::numpy PASSED*",
            "archcheck::uv.lock::built",
            "*ArchcheckWarning: source-only: *",
            "uv.lock: *install it into FOLDER*",
        ]
    )
    result.stdout.no_fnmatch_line("not looked at: *install into a folder and run*")  # it is told once
    document = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
    assert document["verdict"] == "pass"
    assert document["environment"] == {"paths": [str(lock)], "interpreter": None}
    assert [(one["rule"], one["severity"], one["subject"]) for one in document["findings"]] == [
        ("source-only", "warning", "uv.lock::built")
    ]
    assert [one["name"] for one in document["distributions"]] == ["built", "metal", "numpy"]


def test_what_was_not_looked_at_is_said_when_all_is_well(pytester: pytest.Pytester, lock: Path) -> None:
    result = run(pytester, lock, "archcheck::uv.lock::numpy")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["uv.lock: *the files in them fit each other no lock tells: install it into FOLDER, then pytest-archcheck FOLDER*"]
    )


def test_the_python_of_the_option(pytester: pytest.Pytester, lock: Path) -> None:
    result = run(pytester, lock, "archcheck::uv.lock::metal", python="3.12")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["no-wheel-for-target: metal 1.2.0 * Python 3.12 *", "  remedy: use Python 3.11 *"])


def test_markers_are_the_targets_not_ours(pytester: pytest.Pytester, lock: Path) -> None:
    result = run(pytester, lock, "-v", target="manylinux_2_28_x86_64")
    result.stdout.no_fnmatch_line("*uv.lock::metal*")
    assert result.ret == 0


def test_the_python_of_the_ini_and_of_this_process(pytester: pytest.Pytester, lock: Path) -> None:
    pytester.makeini("[pytest]\narchcheck_python = 3.12.4\n")
    options = [f"--archcheck-path={lock}", f"--archcheck-target={ARM}", "archcheck::uv.lock::metal"]
    pytester.runpytest(*options).stdout.fnmatch_lines(["no-wheel-for-target: * Python 3.12 *"])
    pytester.makeini("[pytest]\n")
    ours = pytester.runpytest(f"--archcheck-path={lock}", "--co", "-q")
    assert ours.ret == 0


@pytest.mark.parametrize("given", ["3", "2.7", "py312", "3.12rc1", "latest"])
def test_a_python_that_is_none(pytester: pytest.Pytester, lock: Path, given: str) -> None:
    result = run(pytester, lock, python=given)
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [f"ERROR: --archcheck-python: got '{given}', expected the version of a Python 3, such as 3.12*"]
    )


def test_a_pylock(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytest.importorskip("packaging.pylock", reason="packaging reads pylock.toml since 26.0")
    for name in ("pylock.toml", "pylock.mac.toml"):
        (tmp_path / name).write_text(PYLOCK, encoding="utf-8")
    result = run(pytester, tmp_path / "pylock.toml", f"--archcheck-path={tmp_path / 'pylock.mac.toml'}", "-v", python="3.12")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["archcheck::pylock.toml::numpy FAILED*", "archcheck::pylock.mac.toml::numpy FAILED*"])


def test_two_locks_of_one_name(pytester: pytest.Pytester, lock: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "uv.lock"
    other.write_text(UV, encoding="utf-8")
    result = run(pytester, lock, f"--archcheck-path={other}", "-v")
    result.stdout.fnmatch_lines(["archcheck::uv.lock::numpy PASSED*", "archcheck::uv.lock-2::numpy PASSED*"])


def test_what_is_known_is_allowed(pytester: pytest.Pytester, lock: Path) -> None:
    pytester.makeini("[pytest]\narchcheck_allow =\n    uv.lock::metal/no-wheel-for-target: no GPU on 3.12 yet\n")
    run(pytester, lock, "archcheck::uv.lock::metal", python="3.12").assert_outcomes(xfailed=1)
    stale = run(pytester, lock, "archcheck::uv.lock::metal", python="3.11")
    stale.assert_outcomes(failed=1)
    stale.stdout.fnmatch_lines(["stale-allow-line: *uv.lock::metal/no-wheel-for-target: no GPU on 3.12 yet*"])


READS_PYLOCK = pytest.mark.skipif(find_spec("packaging.pylock") is None, reason="packaging reads pylock.toml since 26.0")


def test_a_packaging_that_reads_no_pylock(pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.pylock", None)
    lock = tmp_path / "pylock.toml"
    lock.write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n', encoding="utf-8")
    result = run(pytester, lock)
    assert result.ret == 4
    said = "ERROR: *pylock.toml: reading pylock files needs packaging 26.0 or newer: pip install 'packaging>=26.0'"
    result.stderr.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("uv.lock", "version = 99\n", "*uv.lock: *99*"),
        ("uv.lock", "version = [\n", "*uv.lock: not TOML: *"),
        ("uv.lock", "\0\udcff", "*uv.lock: not UTF-8 text at byte *"),
        pytest.param(
            "pylock.toml", 'lock-version = "9.0"\ncreated-by = "x"\npackages = []\n', "*pylock.toml: *9.0*", marks=READS_PYLOCK
        ),
        ("pylock.toml", "", "*pylock.toml: *"),
    ],
)
def test_bad_locks(pytester: pytest.Pytester, tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    result = run(pytester, path)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --archcheck-path: {said}"])
    result.stderr.no_fnmatch_line("*Traceback*")
    assert not (pytester.path / "out.json").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("composer.lock", "nothing that can be inspected; expected *pylock.toml*"),
        ("requirements.txt", "requirements name no files; a lock made of them does: uv pip compile *"),
        ("Pipfile.lock", "it names no files; a lock made of it does: pipenv requirements *"),
    ],
)
def test_other_locks_are_not_guessed_at(pytester: pytest.Pytester, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("", encoding="utf-8")
    result = run(pytester, tmp_path / name)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --archcheck-path: *{name}: {said}"])
