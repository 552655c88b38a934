"""The JSON report: complete, true to what ran, written at once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from support.machos import bundle, fat
from support.sites import add_distribution

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

KEYS = [
    "schema_version",
    "archcheck_version",
    "verdict",
    "complete",
    "target",
    "aim",
    "environment",
    "checks",
    "distributions",
    "findings",
    "accelerators",
    "benchmarks",
    "skipped",
    "scan",
]


@pytest.fixture
def written(pytester: pytest.Pytester) -> Callable[..., dict[str, Any]]:
    """What a run wrote."""

    def written(name: str = "out.json") -> dict[str, Any]:
        document: dict[str, Any] = json.loads((pytester.path / name).read_text(encoding="ascii"))
        return document

    return written


def test_the_whole_document(run: Run, broken: Path, written: Callable[..., dict[str, Any]]) -> None:
    run(broken, "--archcheck-json=deep/er/out.json")
    document = written("deep/er/out.json")
    assert list(document) == KEYS
    assert document["schema_version"] == 1
    assert (document["verdict"], document["complete"]) == ("fail", True)
    assert document["target"] == {
        "tag": "macosx_14_0_arm64",
        "system": "macos",
        "architecture": "arm64",
        "os_version": "14.0",
    }
    assert document["environment"]["paths"] == [str(broken)]
    numpy = next(one for one in document["distributions"] if one["name"] == "numpy")
    assert {key: numpy[key] for key in ("version", "installer", "tags")} == {
        "version": "1.26.4",
        "installer": "pip",
        "tags": ["cp311-cp311-macosx_10_9_x86_64"],
    }
    assert len(numpy["binaries"]) == 20
    assert numpy["subject"] == "numpy"
    assert numpy["binaries"][0] == {
        "path": "numpy/core/_part00.so",
        "format": "mach-o",
        "role": "extension",
        "size": len(bundle("x86_64")),
        "architectures": ["x86_64"],
        "min_os": {"x86_64": "11.0"},
        "signature": {"x86_64": "none"},
        "links": [{"name": "/usr/lib/libSystem.B.dylib"}],  # the target would not load it: nobody looks where it leads
    }
    assert document["aim"] == "macOS 14.0 arm64"
    assert {check["subject"]: (check["state"], check["place"]) for check in document["checks"]} == {
        "environment::packages": ("passed", 0),
        "h5py": ("passed", 1),
        "numpy": ("failed", 2),
        "scipy": ("passed", 3),
    }
    finding = next(one for one in document["findings"] if one["rule"] == "wrong-architecture")
    assert finding == {
        "rule": "wrong-architecture",
        "severity": "error",
        "subject": "numpy",
        "distribution": "numpy",
        "path": "numpy/core/_part00.so",
        "message": "has only x86_64, the target needs arm64",
        "remedy": finding["remedy"],
        "allowed": None,
    }
    assert "numpy==1.26.4" in finding["remedy"]
    assert document["skipped"] == []
    assert document["scan"]["binaries"] == 22
    assert document["scan"]["seconds"] >= 0


def test_two_slices(run: Run, tmp_path: Path, written: Callable[..., dict[str, Any]]) -> None:
    file = fat(bundle("x86_64", minos="10.9"), bundle("arm64"))
    add_distribution(tmp_path, "both", files={"both/_x.so": file}, tags=("cp311-cp311-macosx_11_0_universal2",))
    run(tmp_path, "--archcheck-json=out.json")
    binary = written()["distributions"][0]["binaries"][0]
    assert binary["architectures"] == ["x86_64", "arm64"]
    assert binary["min_os"] == {"x86_64": "10.9", "arm64": "11.0"}
    assert binary["signature"] == {"x86_64": "none", "arm64": "ad-hoc"}


@pytest.mark.parametrize(
    ("args", "verdict", "rules"),
    [
        (["-k", "h5py"], "pass", set()),
        (["-k", "scipy"], "pass", {"newer-os-required"}),
        (["archcheck::numpy"], "fail", {"wrong-architecture"}),
        (["--deselect", "archcheck::numpy"], "pass", {"newer-os-required"}),
    ],
)
def test_selection_narrows_it(
    run: Run, broken: Path, written: Callable[..., dict[str, Any]], args: list[str], verdict: str, rules: set[str]
) -> None:
    run(broken, "--archcheck-json=out.json", *args)
    assert written()["verdict"] == verdict
    assert {one["rule"] for one in written()["findings"]} == rules
    assert written()["complete"] is True


def test_a_warning_that_the_user_makes_an_error_fails_the_verdict(
    run: Run, broken: Path, written: Callable[..., dict[str, Any]]
) -> None:
    result = run(broken, "-k", "scipy", "--archcheck-json=out.json", "-W", "error::pytest_archcheck.ArchcheckWarning")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(
        ["newer-os-required: 1 file says *", "  scipy/_lib.so", "FAILED archcheck::scipy - newer-os-required: *"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert written()["verdict"] == "fail"


def test_listing_is_not_running(run: Run, broken: Path, written: Callable[..., dict[str, Any]]) -> None:
    run(broken, "--co", "--archcheck-json=out.json")
    assert (written()["verdict"], written()["complete"]) == ("fail", False)


def test_an_old_report_is_replaced_and_nothing_is_left_beside_it(
    run: Run, healthy: Path, pytester: pytest.Pytester, written: Callable[..., dict[str, Any]]
) -> None:
    pytester.path.joinpath("out.json").write_text("old", encoding="utf-8")
    run(healthy, "--archcheck-json=out.json", "-p", "no:terminal")
    assert written()["verdict"] == "pass"
    assert sorted(path.name for path in pytester.path.iterdir() if path.suffix in (".json", ".part")) == ["out.json"]


@pytest.mark.parametrize("where", ["a folder", "below a file"])
def test_a_place_that_cannot_be_written_is_said_at_once(run: Run, healthy: Path, pytester: pytest.Pytester, where: str) -> None:
    pytester.mkdir("folder")
    pytester.path.joinpath("file").write_text("", encoding="utf-8")
    result = run(healthy, f"--archcheck-json={'folder' if where == 'a folder' else 'file/out.json'}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --archcheck-json: got *, expected a file that can be written: *"])
    result.stdout.no_fnmatch_line("*session starts*")


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="Windows has no such file")
def test_to_standard_output(run_child: Run, healthy: Path) -> None:
    result = run_child(healthy, "-p", "no:terminal", "--archcheck-json=/dev/stdout")
    assert json.loads(result.stdout.str())["verdict"] == "pass"
    assert os.path.exists("/dev/stdout")


def test_names_from_files_reach_nobody_raw(
    run_child: Run, tmp_path: Path, pytester: pytest.Pytester, written: Callable[..., dict[str, Any]]
) -> None:
    name = "evil/\x1b[31m\u202eso\n.so"
    try:
        (tmp_path / "evil").mkdir()
        (tmp_path / name).write_bytes(bundle("x86_64"))
        (os.fsencode(tmp_path) + b"/evil/\xff.so").decode("utf-8", "surrogateescape")
    except OSError:
        pytest.skip("this file system takes no such name")
    with open(os.fsencode(tmp_path) + b"/evil/\xff.so", "wb") as stream:
        stream.write(bundle("x86_64"))
    result = run_child(tmp_path, "--archcheck-json=out.json", "--junitxml=out.xml", "--color=no")
    assert result.ret == 1
    shown = r"  evil/\x1b[31m\u202eso\n.so"
    assert shown in result.outlines
    assert r"  evil/\udcff.so" in result.outlines
    assert {one["path"] for one in written()["findings"]} == {shown.strip(), r"evil/\udcff.so"}
    for text in (result.stdout.str(), (pytester.path / "out.xml").read_text(encoding="utf-8"), json.dumps(written())):
        assert all(char.isprintable() or char == "\n" for char in text)
