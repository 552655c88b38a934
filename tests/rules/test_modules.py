"""Rule wrong-python: modules for another Python than the one that is to import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.machos import bundle
from support.sites import add_distribution, make_venv, write
from support.wheels import write_wheel

from pytest_archcheck.inspection import Request, run

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck import Finding

ARM64 = "macosx_14_0_arm64"
IMPORTING = "from . import _core\n"
GUARDED = "try:\n    from . import _core\nexcept ImportError:\n    _core = None\n"


def tag(abi: str, python: str | None = None) -> tuple[str, ...]:
    return (f"{python or abi.rstrip('t')}-{abi}-macosx_12_0_arm64",)


def add(
    site: Path,
    name: str,
    *suffixes: str,
    tags: tuple[str, ...] = tag("cp311"),
    code: str = IMPORTING,
    installer: str | None = "pip",
) -> None:
    files = {f"{name}/_core{suffix}.so": bundle() for suffix in suffixes}
    add_distribution(site, name, "1.0", {f"{name}/__init__.py": code, **files}, tags=tags, installer=installer)


def found(path: Path, python: str | None = None) -> list[Finding]:
    findings = run(Request(paths=(str(path),), target=ARM64, python=python)).findings
    return [finding for finding in findings if finding.rule == "wrong-python"]


def severities(path: Path, python: str | None = None) -> dict[str, str]:
    return {finding.subject: finding.severity for finding in found(path, python)}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Of Python 3.11, as its path says; its interpreter is not there."""
    site = make_venv(tmp_path / "venv")
    config = tmp_path / "venv" / "pyvenv.cfg"
    write(config, config.read_text().replace("/usr/bin", str(tmp_path / "nowhere")))
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What ``pip install --target`` fills: nothing says which Python will read it."""
    return tmp_path / "target"


def venv(site: Path) -> Path:
    return site.parent.parent.parent


@pytest.mark.parametrize(
    "suffixes",
    [
        (".cpython-311-darwin",),
        (".abi3",),
        ("",),
        (".cpython-310-darwin", ".cpython-311-darwin", ".cpython-312-darwin"),
        (".cpython-312-darwin", ".abi3"),
        (".cpython-312-darwin", ""),
    ],
)
def test_a_module_for_this_python_among_others_is_enough(site: Path, suffixes: tuple[str, ...]) -> None:
    add(site, "demo", *suffixes)
    assert found(venv(site)) == []


def test_modules_for_another_python(site: Path) -> None:
    add(site, "good", ".cpython-311-darwin")
    add(site, "demo", ".cpython-312-darwin", tags=tag("cp312"))
    (finding,) = found(venv(site))
    assert (finding.severity, finding.subject, finding.path) == ("error", "demo", None)
    assert "Python 3.12 only" in finding.message
    assert "Python 3.11, which this environment has" in finding.message
    assert "demo==1.0" in finding.remedy


@pytest.mark.parametrize("suffix", [".cpython-311t-darwin", ".pypy310-pp73-darwin", ".cpython-311d-darwin"])
def test_modules_for_another_build_or_implementation(site: Path, suffix: str) -> None:
    add(site, "demo", suffix, tags=tag("cp312"))
    assert severities(venv(site)) == {"demo": "error"}


def test_a_free_threaded_python_has_no_abi3(tmp_path: Path) -> None:
    site = tmp_path / "venv" / "lib" / "python3.13t" / "site-packages"
    write(tmp_path / "venv" / "pyvenv.cfg", f"home = {tmp_path}/nowhere\nversion = 3.13.1\n")
    add(site, "stable", ".abi3", tags=tag("abi3", "cp39"))
    add(site, "good", ".cpython-313t-darwin", tags=tag("cp313t"))
    add(site, "locked", ".cpython-313-darwin", tags=tag("cp313"))
    assert severities(tmp_path / "venv") == {"stable": "error", "locked": "error"}


def test_a_package_that_works_without_its_module(site: Path) -> None:
    add(site, "demo", ".cpython-312-darwin", tags=tag("cp312"), code=GUARDED)
    (finding,) = found(venv(site))
    assert finding.severity == "warning"
    assert finding.message.endswith("its package works without")


@pytest.mark.parametrize(("code", "severity"), [(IMPORTING, "warning"), (GUARDED, "note"), ("", "note")])
def test_a_wheel_that_promised_this_python(site: Path, code: str, severity: str) -> None:
    """A py3-none wheel that was built on another Python, or holds payload for one."""
    add(site, "demo", ".cpython-312-darwin", tags=("py3-none-any",), code=code)
    assert severities(venv(site)) == {"demo": severity}


@pytest.mark.parametrize(("code", "severity"), [(IMPORTING, "error"), (GUARDED, "note"), ("", "note")])
def test_what_no_installer_compared(site: Path, code: str, severity: str) -> None:
    add(site, "demo", ".cpython-312-darwin", tags=tag("cp312"), code=code, installer=None)
    assert severities(venv(site)) == {"demo": severity}


def test_files_of_nobody_are_a_note(site: Path) -> None:
    write(site / "left/_core.cpython-312-darwin.so", bundle())
    write(site / "left/__init__.py", IMPORTING)
    assert severities(venv(site)) == {"unowned": "note"}


def test_modules_without_a_suffix_are_judged_by_the_tags(site: Path) -> None:
    """TensorFlow's are called _pywrap_tfe.so."""
    add(site, "good", "", tags=tag("cp311"))
    add(site, "old", "", tags=tag("none", "py3"))
    add(site, "demo", "", tags=tag("cp312"))
    (finding,) = found(venv(site))
    assert (finding.subject, finding.severity) == ("demo", "error")
    assert "is compiled for Python 3.12, as its wheel's tags say" in finding.message


def test_a_stable_module_of_a_newer_python_is_a_warning(site: Path) -> None:
    add(site, "good", ".abi3", tags=tag("abi3", "cp38"))
    add(site, "demo", ".abi3", tags=tag("abi3", "cp312"))
    assert severities(venv(site)) == {"demo": "warning"}


def test_modules_in_a_folder_of_tests(site: Path) -> None:
    files: dict[str, bytes | str] = {"demo/__init__.py": "", "demo/tests/data/_core.cpython-36m-darwin.so": bundle()}
    add_distribution(site, "demo", "1.0", files, tags=tag("cp312"))
    assert found(venv(site)) == []


def test_a_folder_is_judged_for_the_python_asked_for(folder: Path) -> None:
    add(folder, "demo", ".cpython-311-darwin")
    assert found(folder) == []
    assert found(folder, "3.11") == []
    (finding,) = found(folder, "3.12.4")
    assert finding.severity == "error"
    assert "Python 3.12, for which it is judged, imports none of them" in finding.message


def test_a_folder_must_agree_on_one_python(folder: Path) -> None:
    for name in ("one", "two"):
        add(folder, name, ".cpython-311-darwin")
    add(folder, "several", ".cpython-310-darwin", ".cpython-311-darwin", ".cpython-312-darwin", tags=tag("none", "py3"))
    add(folder, "stable", ".abi3", tags=tag("abi3", "cp38"))
    assert found(folder) == []
    add(folder, "tensorflow", "", tags=tag("cp310"))
    add(folder, "demo", ".cpython-312-darwin", tags=tag("cp312"))
    assert severities(folder) == {"demo": "error", "tensorflow": "error"}
    (demo,) = (finding for finding in found(folder) if finding.subject == "demo")
    assert "for Python 3.12" in demo.message
    assert "one 1.0, several 1.0, two 1.0 beside it are for Python 3.11" in demo.message


def test_an_environment_whose_python_was_replaced(tmp_path: Path) -> None:
    """``/usr/bin/python3`` is 3.12 since the release upgrade; pyvenv.cfg and the packages are of 3.11."""
    site = make_venv(tmp_path / "venv")
    write(tmp_path / "usr/bin/python3.12", bundle())
    (tmp_path / "usr/bin/python3").symlink_to("python3.12")
    write(tmp_path / "venv/pyvenv.cfg", f"home = {tmp_path}/usr/bin\nversion = 3.11.2\n")
    add(site, "demo", ".cpython-311-darwin")
    (finding,) = found(tmp_path / "venv")
    assert (finding.severity, finding.subject) == ("error", "environment::packages")
    assert (
        "demo 1.0 lies in lib/python3.11/site-packages, where this environment's Python 3.12 does not look" in finding.message
    )
    new = tmp_path / "venv/lib/python3.12/site-packages"
    add(new, "fresh", ".cpython-312-darwin", tags=tag("cp312"))
    assert severities(tmp_path / "venv") == {"environment::packages": "warning"}
    write(tmp_path / "venv/bin/python3.11", bundle())  # a prefix of two Pythons: each reads its own
    assert found(tmp_path / "venv") == []


def test_conda_links_an_older_name_to_its_folder(tmp_path: Path) -> None:
    """lib/python3.1 leads to lib/python3.13: for programs that compare versions as text."""
    site = tmp_path / "venv/lib/python3.13/site-packages"
    add(site, "demo", ".cpython-313-darwin", tags=tag("cp313"))
    (tmp_path / "venv/lib/python3.1").symlink_to("python3.13")
    assert found(tmp_path / "venv") == []


@pytest.mark.parametrize(
    ("suffix", "tags", "broken"),
    [
        ("cpython-311-darwin", "cp311-cp311-macosx_11_0_arm64", False),
        ("cpython-312-darwin", "cp311-cp311-macosx_11_0_arm64", True),
        ("cpython-313-darwin", "cp313-cp313t-macosx_11_0_arm64", True),
        ("abi3", "cp311-cp311-macosx_11_0_arm64", False),
        ("cpython-312-darwin", "py3-none-macosx_11_0_arm64", False),
    ],
)
def test_a_wheel_holds_modules_for_the_python_of_its_tags(tmp_path: Path, suffix: str, tags: str, broken: bool) -> None:  # noqa: FBT001
    wheel = write_wheel(tmp_path, "demo", {f"demo/_core.{suffix}.so": bundle()}, tag=tags)
    assert [finding.severity for finding in found(wheel)] == (["error"] if broken else [])


@pytest.mark.parametrize(("code", "severity"), [(IMPORTING, "error"), (GUARDED, "warning"), ("", "warning")])
def test_one_module_for_every_python_does_not_serve_for_the_others(site: Path, code: str, severity: str) -> None:
    files: dict[str, bytes | str] = {
        "demo/__init__.py": code,
        "demo/_core.cpython-312-darwin.so": bundle(),
        "demo/_hook.abi3.so": bundle(),
    }
    add_distribution(site, "demo", "1.0", files, tags=tag("cp312"))
    (finding,) = found(venv(site))
    assert (finding.severity, finding.subject) == (severity, "demo")
    assert "1 of its 2 extension modules is for Python 3.12 only, not for Python 3.11" in finding.message


def test_one_module_for_another_python_beside_what_the_tags_promise(site: Path) -> None:
    files: dict[str, bytes | str] = {
        "demo/__init__.py": IMPORTING,
        "demo/_core.abi3.so": bundle(),
        "demo/_new.cpython-312-darwin.so": bundle(),
    }
    add_distribution(site, "demo", "1.0", files, tags=tag("abi3", "cp39"))
    assert found(venv(site)) == []
