"""Names and texts that want to do harm where they are shown: everything that we write stays well-formed, short and harmless."""

from __future__ import annotations

import json
import re
import shlex
import sys
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from support import measured
from support.machos import bundle, dylib
from support.sites import add_distribution, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file systems there take no such names")

TAGS = ("cp311-cp311-macosx_11_0_arm64",)
#: Clears the screen, turns text around, ends CDATA, begins a workflow command, a table cell, a tag, a shell command.
EVIL = "\x1b[2J\x1b]0;x\x07\u202e\u2066]]>\r\n::error::pwned\n| <script>`[x](y)` & \x9b31m\x00 $(reboot); rm -rf ~"
EVIL_NAME = EVIL.replace("\x00", "").replace("/", "")
LONG = "A" * (10 << 20)
#: Load commands may take a megabyte.
LONG_PATH = "@rpath/" + "B" * 300_000


def hostile_site(site: Path) -> None:
    text = EVIL.replace("\x00", "")
    wrong = bundle("x86_64")
    folder = EVIL_NAME[:60]
    add_distribution(site, "paths", "1.0", {f"{folder}/{EVIL_NAME[60:120]}.so": wrong}, tags=TAGS, record=False)
    linked = bundle(libraries=[f"@rpath/{text}.dylib", LONG_PATH], rpaths=[text, text, LONG_PATH], sdk="26.0")
    add_distribution(site, "links", "1.0", {"links/_x.so": linked}, tags=TAGS)
    undefined = bundle(libraries=["@loader_path/libx.dylib"], undefined=["_" + "C" * 9000])
    add_distribution(site, "lib", "1", {"symbols/libx.dylib": dylib(install_name=text, exports=["_a"])}, tags=TAGS)
    add_distribution(site, "symbols", "1", {"symbols/_x.so": undefined}, tags=TAGS)
    for name, metadata in {
        "long": f"Metadata-Version: 2.1\nName: {LONG}\nVersion: {LONG}\n",
        "evil": f"Metadata-Version: 2.1\nName: evil; $(reboot) {EVIL.splitlines()[0]}\nVersion: 1; rm -rf ~ \x1b[31m\n",
        "none": "Metadata-Version: 2.1\nName: \x1b\x1b\nVersion: \n",
    }.items():
        info = add_distribution(site, name, "1.0", {f"{name}/_x.so": wrong}, tags=TAGS)
        write(info / "METADATA", metadata)
        write(info / "WHEEL", f"Wheel-Version: 1.0\nTag: {EVIL}\nTag: {'x.' * 5000}-y-z\n")
        write(info / "INSTALLER", f"uv{EVIL}{LONG}")
        write(info / "direct_url.json", json.dumps({"url": f"file://[{EVIL}", "dir_info": {"editable": True}}))
    write(site / "evil.pth", f"{EVIL}\n/no/such/{LONG[:900_000]}\n")
    write(site / f"{EVIL_NAME[:40]}.pth", EVIL)


def hostile_conda(prefix: Path) -> None:
    write(prefix / "lib" / "libx.dylib", dylib("x86_64"))
    record = {"name": f"x; {EVIL}{LONG}", "version": EVIL, "subdir": EVIL, "files": ["lib/libx.dylib", f"../{EVIL}"]}
    write(prefix / "conda-meta" / "x-1-0.json", json.dumps(record))
    write(prefix / "conda-meta" / "y-1-0.json", EVIL)


def hostile_wheel(folder: Path) -> Path:
    path = folder / "evil-1.0-cp311-cp311-macosx_11_0_arm64.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"evil/{EVIL_NAME}.so", bundle("x86_64"))
        archive.writestr(f"../{EVIL_NAME}", b"")
        archive.writestr("evil-1.0.dist-info/METADATA", f"Name: {LONG[:900_000]}\nVersion: {EVIL}\n")
        archive.writestr("evil-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {EVIL}\n")
    return path


def hostile_lock(path: Path, name: str, version: str) -> Path:
    words = {"name": json.dumps(name), "version": json.dumps(version)}
    path.parent.mkdir()
    path.write_text(
        f'version = 1\n[[package]]\nname = "demo"\nversion = "1"\nsource = {{ virtual = "." }}\n'
        f"dependencies = [{{ name = {words['name']} }}]\n[[package]]\nname = {words['name']}\nversion = {words['version']}\n"
        f"source = {{ registry = {json.dumps(EVIL)} }}\nsdist = {{ url = {json.dumps(EVIL)} }}\n",
        encoding="utf-8",
    )
    return path


def check_text(shown: str) -> None:
    """Nothing but printable lines, none of them endless, and no workflow command that is not ours."""
    lines = shown.split("\n")
    assert all(line.isprintable() for line in lines), [line for line in lines if not line.isprintable()][:3]
    assert max(map(len, lines)) < 10_000
    assert len(shown) < 500_000
    assert not [line for line in lines if line.lstrip().startswith(("::error::pwned", "##["))]


def check_report(report: dict[str, Any]) -> None:
    text = json.dumps(report)
    assert text.isascii()
    assert text.isprintable()
    for distribution in report["distributions"]:
        assert len(distribution["name"] or "") <= 128
        assert re.fullmatch(r"[A-Za-z0-9._-]*", distribution["name"] or "")
        assert re.fullmatch(r"[A-Za-z0-9.!+_-]*", distribution["version"] or "")
        assert re.fullmatch(r"[A-Za-z0-9._-]*", distribution["installer"] or "")
    for finding in report["findings"]:
        assert len(finding["subject"]) < 1000


@pytest.fixture(params=[(), ("-n", "2")], ids=["one process", "-n 2"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run with every report on and look at all of them; with workers of pytest-xdist verdicts and exit codes are the same."""

    def run(*paths: Path, more: tuple[str, ...] = ()) -> tuple[measured.Measured, dict[str, Any]]:
        summary, xml, report = tmp_path / "summary.md", tmp_path / "junit.xml", tmp_path / "report.json"
        monkeypatch.setattr(
            measured, "environment", lambda real=measured.environment: {**real(), "GITHUB_STEP_SUMMARY": str(summary)}
        )
        options = [f"--archcheck-path={path}" for path in paths]
        options += ["--archcheck-target=macosx_26_0_arm64", "-v", "-rA", "--archcheck-annotations"]
        taken = measured.run(tmp_path, [*options, f"--junitxml={xml}", f"--archcheck-json={report}", *request.param, *more])
        check_text(taken.text)
        if taken.status == 4:
            return taken, {}
        document = json.loads(report.read_text(encoding="ascii"))
        check_report(document)
        cases = ET.parse(xml).getroot().iter("testcase")  # noqa: S314 - whether it can be parsed is the question
        assert all(len(case.get("name") or "") < 1000 for case in cases)
        assert xml.stat().st_size < 2_000_000
        written = summary.read_text(encoding="utf-8")
        check_text(written)
        assert len(written) < 1 << 20
        rows = [line for line in written.splitlines() if line.startswith("| ")][1:]
        assert rows
        for row in rows:
            bare = re.sub(r"<code>([^<`|]*)</code>", r"\1", row)  # what to type
            bare = re.sub(r"\\.", "", bare).replace("<br>", "").replace("**", "")
            assert bare.count("|") == 4, row
            assert not re.search(r"[<>`\[]", bare), row
        return taken, document

    return run


def test_an_environment(run: Any, tmp_path: Path) -> None:
    hostile_site(tmp_path / "site")
    taken, report = run(tmp_path / "site")
    assert taken.status == 1
    rules = {one["rule"] for one in report["findings"]}
    assert {"wrong-architecture", "missing-library", "missing-symbol", "duplicate-rpath"} <= rules
    assert taken.megabytes < 400


def test_names_cannot_end_the_command_of_a_remedy(run: Any, tmp_path: Path) -> None:
    hostile_site(tmp_path / "site")
    _, report = run(tmp_path / "site")
    evil = [one for one in report["findings"] if one["distribution"] and one["distribution"].startswith("evil")]
    assert evil
    for finding in evil:
        words = shlex.split(finding["remedy"])
        assert not {"rm", ";", "$(reboot)", "reboot"} & set(words), finding["remedy"]


def test_a_conda_prefix(run: Any, tmp_path: Path) -> None:
    hostile_conda(tmp_path / "prefix")
    taken, report = run(tmp_path / "prefix")
    assert taken.status == 1
    assert "wrong-conda-subdir" in {one["rule"] for one in report["findings"]}


def test_a_wheel(run: Any, tmp_path: Path) -> None:
    taken, report = run(hostile_wheel(tmp_path))
    assert taken.status == 1
    assert {"wrong-architecture", "unreadable-wheel"} <= {one["rule"] for one in report["findings"]}


@pytest.mark.parametrize(("name", "version"), [(EVIL, "1"), (LONG[: 7 << 20], "1"), ("x", LONG), ("x", EVIL)])
def test_a_lock_with_names_that_are_none_is_refused_in_a_few_words(run: Any, tmp_path: Path, name: str, version: str) -> None:
    taken, _ = run(hostile_lock(tmp_path / "app" / "uv.lock", name, version))
    assert taken.status == 4
    assert "a [[package]] has the name or version" in taken.text
    assert len(taken.text) < 2000


def test_a_lock_with_hostile_addresses(run: Any, tmp_path: Path) -> None:
    taken, report = run(hostile_lock(tmp_path / "app" / "uv.lock", "x", "1"))
    assert (taken.status, {one["rule"] for one in report["findings"]}) == (0, {"source-only"})


def test_long_markers_and_names_in_a_pylock(run: Any, tmp_path: Path) -> None:
    lock = tmp_path / "pylock.toml"
    name = "a" * 1_000_000
    lock.write_text(
        f'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "{name}"\nversion = "1"\n'
        f'marker = "{"(" * 5000}"\nwheels = []\n',
        encoding="utf-8",
    )
    taken, _ = run(lock)
    assert taken.status == 4
    assert len(taken.text) < 3000
    lock.write_text(
        f'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "{name}"\nversion = "1"\n'
        'wheels = [{ name = "x-1-cp312-cp312-win_amd64.whl", url = "https://x", hashes = { sha256 = "0" } }]\n',
        encoding="utf-8",
    )
    run(lock)


def test_the_environments_own_name(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / EVIL_NAME[:80]
    add_distribution(folder, "numpy", "1.0", {"numpy/_x.so": bundle("x86_64")}, tags=TAGS)
    other = tmp_path / "other"
    add_distribution(other, "numpy", "1.0", {"numpy/_x.so": bundle("x86_64")}, tags=TAGS)
    taken, report = run(folder, other)
    assert taken.status == 1
    assert len({one["subject"] for one in report["findings"]}) >= 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_terminals_that_know_few_characters(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    add_distribution(tmp_path / "site", "numpy", "1.0", {"numpy/\u65e5\u672c\u8a9e.so": bundle("x86_64")}, tags=TAGS)
    taken, _ = run(tmp_path / "site")
    assert taken.status == 1
    assert "INTERNALERROR" not in taken.text
