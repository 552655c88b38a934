"""Files of an environment that want to end the inspection, hold it up, hide something, or have something shown."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support import bad_files, machos, measured
from support.sites import add_distribution, make_venv, write
from support.wheels import write_wheel

from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.inspection import Request, run
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.machine.target import InvalidTarget

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.inspection import Inspection

posix = pytest.mark.skipif(os.name == "nt", reason="FIFOs, devices and links of POSIX")
TARGET = "macosx_14_0_arm64"
MACHO = machos.bundle()
LACKING = machos.bundle(libraries=["@loader_path/libnowhere.dylib"])
MODULE = "_x.cpython-311-darwin.so"
#: More than Python makes a number of (sys.set_int_max_str_digits).
DIGITS = "9" * 5000


def inspect(*paths: Path, target: str = TARGET) -> Inspection:
    return run(Request(paths=tuple(map(str, paths)), target=target))


def rules(inspection: Inspection, severity: str = "error") -> set[str]:
    return {finding.rule for finding in inspection.findings if finding.severity == severity}


@pytest.fixture
def quickly() -> Any:
    """Whatever it is, it takes no ten seconds."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 10


# What must not be green.


def test_an_empty_module_in_a_wheel(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "demo", {f"demo/{MODULE}": b""})
    assert rules(inspect(wheel)) == {"unreadable-binary"}
    add_distribution(tmp_path / "site", "demo", files={f"demo/{MODULE}": b""})
    assert rules(inspect(tmp_path / "site")) == {"unreadable-binary"}


@pytest.mark.parametrize("first", ["wheel", "environment"])
def test_a_wheel_with_the_name_of_a_distribution_beside_it(tmp_path: Path, first: str) -> None:
    add_distribution(tmp_path / "site", "numpy", files={f"numpy/{MODULE}": machos.bundle("x86_64")})
    wheel = write_wheel(tmp_path, "numpy", {f"numpy/{MODULE}": MACHO})
    wheel = wheel.rename(tmp_path / "numpy.whl")
    paths = [wheel, tmp_path / "site"] if first == "wheel" else [tmp_path / "site", wheel]
    inspection = inspect(*paths)
    subjects = [check.subject for check in inspection.checks]
    assert len(subjects) == len(set(subjects))
    assert "wrong-architecture" in {finding.rule for finding in inspection["numpy"].findings}
    assert "numpy-2" in subjects


def test_what_pip_leaves_of_a_file_written_twice_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-cp311-cp311-macosx_11_0_arm64.whl"
    for order in (1, -1):
        members = [(f"demo-1.0.data/platlib/demo/{MODULE}", machos.bundle("x86_64")), (f"demo/{MODULE}", MACHO)][::order]
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members:
                archive.writestr(name, content)
            archive.writestr("demo-1.0.dist-info/METADATA", "Name: demo\nVersion: 1.0\n")
            archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-macosx_11_0_arm64\n")
            archive.writestr("demo-1.0.dist-info/RECORD", "")
        inspection = inspect(path)
        assert rules(inspection) == {"wrong-architecture", "unreadable-wheel"}
        assert any("twice" in finding.message for finding in inspection.findings)


def _dropped() -> None:
    """Between fork and exec: not even root reads what nobody may read, once CAP_DAC_OVERRIDE and _READ_SEARCH are gone."""
    if os.geteuid() == 0:
        library = ctypes.CDLL(None)
        for capability in (1, 2):
            library.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities of Linux")
@pytest.mark.parametrize(
    ("closed", "severity"), [("lib/python3.11/site-packages", "error"), ("lib/python3.11/site-packages/demo", "warning")]
)
def test_a_folder_that_may_not_be_read(tmp_path: Path, closed: str, severity: str) -> None:
    site = make_venv(tmp_path / "env")
    add_distribution(site, "demo", files={f"demo/{MODULE}": machos.bundle("x86_64")})
    add_distribution(site, "other", files={f"other/{MODULE}": MACHO})
    report = tmp_path / "report.json"
    options = [f"--archcheck-path={tmp_path / 'env'}", f"--archcheck-target={TARGET}", f"--archcheck-json={report}"]
    (tmp_path / "env" / closed).chmod(0)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=tmp_path, env=measured.environment(), preexec_fn=_dropped, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
    finally:
        (tmp_path / "env" / closed).chmod(0o755)
    written = json.loads(report.read_text())
    found = [finding for finding in written["findings"] if finding["rule"] == "unseen-folder"]
    assert [finding["severity"] for finding in found] == [severity], ended.stdout
    assert written["complete"] is False
    assert f"\nnot complete: {tmp_path / 'env' / closed} could not be looked at\n" in ended.stdout
    assert ended.returncode == (1 if severity == "error" else 0), ended.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities of Linux")
def test_a_report_for_a_pipe_is_written_all_the_same(tmp_path: Path) -> None:
    """It gets the last word only, and that it is not complete is one."""
    site = make_venv(tmp_path / "env")
    add_distribution(site, "demo", files={f"demo/{MODULE}": MACHO})
    options = [f"--archcheck-path={tmp_path / 'env'}", f"--archcheck-target={TARGET}", "--archcheck-json=/dev/stdout"]
    (site / "demo").chmod(0)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:terminal", *options],
            cwd=tmp_path, env=measured.environment(), preexec_fn=_dropped, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
    finally:
        (site / "demo").chmod(0o755)
    assert json.loads(ended.stdout)["complete"] is False


# What must not end the run.


def _metadata(site: Path, name: str = "tensorflow", **files: str) -> Path:
    info = add_distribution(site, name, "2.16.1", {f"{name}/{MODULE}": MACHO})
    for file, content in files.items():
        path = info / file.replace("_json", ".json")
        path.write_bytes(path.read_bytes() + content.encode() if file == "METADATA" else content.encode())
    return site


DEEP = "(" * 3000


@pytest.mark.parametrize(
    "files",
    [
        {"WHEEL": f"Wheel-Version: 1.0\nTag: cp{DIGITS}-cp311-macosx_{DIGITS}_0_arm64\n"},
        {"METADATA": f"Requires-Dist: numpy<{DIGITS}\n"},
        {"METADATA": f"Requires-Dist: numpy<2; {DEEP}python_version>'3'\n"},
        {"METADATA": f"Requires-Dist: numpy<2; {DEEP}python_version>'3'{')' * 3000}\n"},
        {"direct_url_json": '{"url": "file:///x\\ud800y", "dir_info": {"editable": true}}'},
        {"direct_url_json": '{"url": "file:///x%00y", "dir_info": {"editable": true}}'},
        {"direct_url_json": "[" * 60_000},
        {"direct_url_json": f'{{"url": {DIGITS}}}'},
        {"RECORD": f"../../../bin/x\0y,,\n../../../bin/x\0/../y,,\ntensorflow/{MODULE},,\n"},
        {"INSTALLER": "\0\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") * 1000},
    ],
    ids=["tag", "number", "open", "nested", "surrogate", "nul", "brackets", "digits", "record", "installer"],
)  # fmt: skip
@pytest.mark.usefixtures("quickly")
def test_metadata(tmp_path: Path, files: dict[str, str]) -> None:
    site = _metadata(make_venv(tmp_path / "env"), **files)
    add_distribution(site, "numpy", "2.1.0", {"numpy/__init__.py": ""})
    assert "tensorflow" in {check.subject for check in inspect(tmp_path / "env").checks}


@pytest.mark.parametrize("line", [f"version = 3.{DIGITS}", "home = /x\0y", "home = /x\udc80y", f"version = {DEEP}"])
def test_pyvenv(tmp_path: Path, line: str) -> None:
    site = make_venv(tmp_path / "env")
    _metadata(site)
    (tmp_path / "env" / "pyvenv.cfg").write_bytes(line.encode("utf-8", "surrogateescape"))
    assert rules(inspect(tmp_path / "env")) == set()


_VERSION = '[[package]]\nname = "b"\nversion = "{}"\nsource = {{ registry = "x" }}\n'
LONG_NUMBERS = {
    "requires-python": f'version = 1\nrequires-python = ">={DIGITS}"\n',
    "version": f"version = {DIGITS}\n",
    "specifier": 'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { virtual = "." }\n'
    f'dependencies = [{{ name = "b", specifier = ">={DIGITS}", marker = "python_version > \'{DIGITS}\'" }}]\n'
    + _VERSION.format(1)
    + _VERSION.format(2),
}


@pytest.mark.parametrize("text", LONG_NUMBERS.values(), ids=LONG_NUMBERS)
@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
def test_long_numbers_in_locks(tmp_path: Path, text: str, name: str) -> None:
    lock = write(
        tmp_path / name, text if name == "uv.lock" else f'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n{text}'
    )
    refused = ""
    try:
        inspect(lock)
    except LockInvalid as error:
        refused = str(error)
    assert len(refused) < 1000


@pytest.mark.parametrize("target", [f"macosx_{DIGITS}_0_arm64", f"manylinux_2_{DIGITS}_x86_64", f"musllinux_{DIGITS}_1_x86_64"])
def test_long_numbers_in_a_target(target: str) -> None:
    with pytest.raises(InvalidTarget) as raised:
        run(Request(target=target))
    assert len(str(raised.value)) < 500


@posix
def test_links_that_lead_nowhere_or_in_a_circle_beside_a_package(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    project = tmp_path / "project"
    write(project / "demo" / "__init__.py", "")
    write(project / "demo" / MODULE, machos.bundle("x86_64"))
    (project / "loop").symlink_to("loop")
    (project / "long").symlink_to("x" * 300)
    (project / "device").symlink_to("/proc")
    write(site / "x.pth", f"{project}\n")
    add_distribution(site, "demo")
    assert "wrong-architecture" in rules(inspect(tmp_path / "env"))


@posix
def test_folders_nested_deeper_than_python_calls_itself(tmp_path: Path) -> None:
    add_distribution(tmp_path / "site", "demo", files={f"demo/{MODULE}": LACKING})
    here = os.getcwd()
    try:
        os.chdir(tmp_path / "site" / "demo")
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        os.chdir(here)
        assert "missing-library" in rules(inspect(tmp_path / "site"))
    finally:  # shutil, and pytest with it, calls itself for each level
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(tmp_path / "site")], check=True)  # noqa: S607 - the one on PATH


# What must not hold it up.


@posix
@pytest.mark.parametrize(
    "name", ["demo/a.py", "demo-1.0.dist-info/RECORD", "demo-1.0.dist-info/METADATA", "a.pth", "__editable___d_finder.py"]
)
@pytest.mark.parametrize("what", ["fifo", "device", "link to a fifo"])
@pytest.mark.usefixtures("quickly")
def test_what_is_no_file(tmp_path: Path, name: str, what: str) -> None:
    site = tmp_path / "site"
    add_distribution(site, "demo", files={f"demo/{MODULE}": LACKING}, record=False)
    path = site / name
    path.unlink(missing_ok=True)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    assert rules(inspect(site)) == {"missing-library"}


@posix
def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: str, *_: object) -> int:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(os, "open", never)
    with pytest.raises(OSError, match="not a regular file"):
        open_file("/dev/null")


def _lock(tmp_path: Path, comment: str) -> Path:
    text = f'version = 1\nrequires-python = ">=3.8"\n{comment}\n'
    text += '[[package]]\nname = "a"\nversion = "1"\nsource = { virtual = "." }\n'
    write(tmp_path / "pyproject.toml", comment + "\n")
    return write(tmp_path / "uv.lock", text)


@pytest.mark.parametrize(
    "comment",
    [
        "# " + "." * 40, "# " + ". " * 5_000, "#" + " .a" * 50_000, "x = '" + "." * 200 + "'", 'x = "\\"' + "." * 200 + '"',
        'x = """\n' + "." * 200 + "\n# '" + "." * 200 + '\n"""', "x = '''\n" + "." * 200 + "\n'''", "# it's " + "." * 90,
        'x = [ "a.b.c", "' + '", "'.join(["d.e"] * 50) + '"]',
    ],
)  # fmt: skip
@pytest.mark.usefixtures("quickly")
def test_dots_that_are_no_key(tmp_path: Path, comment: str) -> None:
    assert rules(inspect(_lock(tmp_path, comment))) == set()


@pytest.mark.parametrize("key", ["a" + ".a" * 40, "a" + " . 'b'" * 40, '"x"' + '."#"' * 40, "[a" + ".b" * 40 + "]"])
def test_dots_that_are_a_key(tmp_path: Path, key: str) -> None:
    line = key if key.startswith("[") else f"{key} = 1"
    with pytest.raises(ValueError, match="a key of more than"):
        inspect(_lock(tmp_path, line))


@pytest.mark.parametrize(
    "target", ["macosx_9999_0_arm64", "macosx_10_9999_x86_64", "manylinux_2_9999_x86_64", "musllinux_1_9999_x86_64"]
)
@pytest.mark.usefixtures("quickly")
def test_targets_of_the_far_future(tmp_path: Path, target: str) -> None:
    inspect(_lock(tmp_path, ""), target=target)


@pytest.mark.usefixtures("quickly")
def test_encodings_that_take_minutes(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"demo/{MODULE}": LACKING}
    files["demo/a.py"] = "# coding: punycode\nimport demo._x\n" + "a" * 900_000
    add_distribution(tmp_path, "demo", files=files)
    assert rules(inspect(tmp_path)) == {"missing-library"}


@pytest.mark.usefixtures("quickly")
def test_the_whole_machine_is_no_environment() -> None:
    with pytest.raises(ValueError, match="whole file system"):
        run(Request(paths=(os.path.abspath(os.sep),)))


# Where nothing may be looked at, and what may not be shown.


@posix
@pytest.mark.parametrize("place", ["/proc", "/proc/self", "/dev", "/sys"])
@pytest.mark.usefixtures("quickly")
def test_views_of_the_kernel_are_not_walked(tmp_path: Path, place: str) -> None:
    site = make_venv(tmp_path / "env")
    write(site / "x.pth", f"{place}\n")
    write(site / "__editable___d_1_0_finder.py", f"MAPPING = {{'d': {place!r}}}\n")
    direct = json.dumps({"url": f"file://{place}", "dir_info": {"editable": True}})
    add_distribution(site, "d", extra_metadata={"direct_url.json": direct})
    (site / "link").symlink_to(place)
    inspection = inspect(tmp_path / "env")
    assert inspection.files < 100
    assert any("no place for files" in skip.reason for skip in inspection.skipped)


@posix
def test_what_a_link_leads_to_is_not_shown(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "s3cr3t: hunter2\n")
    site = make_venv(tmp_path / "env")
    info = add_distribution(site, "demo", files={f"demo/{MODULE}": MACHO})
    (site / "demo" / "y.so").symlink_to(secret)
    (info / "INSTALLER").unlink()
    (info / "INSTALLER").symlink_to(secret)
    inspection = inspect(tmp_path / "env")
    assert rules(inspection) == {"unreadable-binary"}
    shown = repr(inspection)
    assert "hunter2" not in shown
    assert b"s3cr3t".hex(" ") not in shown


# Where names are not UTF-8.


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are always Unicode")
@pytest.mark.parametrize("what", ["environment", "wheel"])
def test_a_locale_without_utf8(tmp_path: Path, what: str) -> None:
    """What LC_ALL=C is in old containers and under cron: names of files are ASCII, and bytes in disguise."""
    wrong = machos.bundle("x86_64")
    if what == "wheel":
        path = write_wheel(tmp_path, "demo", {"demo/é/_x.so": wrong, "demo/\xe9.txt": b""})
    else:
        path = tmp_path / "env"
        site = make_venv(path)
        add_distribution(site, "demo", files={"demo/é/_x.so": wrong})
        write(tmp_path / "proj-é" / "pack" / "__init__.py", "")
        write(tmp_path / "proj-é" / "pack" / "_y.so", wrong)
        write(site / "x.pth", f"{tmp_path}/proj-é\n/nowhere/é\n")
    environment = measured.environment() | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    report = tmp_path / "report.json"
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--archcheck-path={path}", f"--archcheck-target={TARGET}",
         f"--archcheck-json={report}"],
        cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    found = json.loads(report.read_text())
    files = {finding["path"].rpartition("/")[2] for finding in found["findings"] if finding["rule"] == "wrong-architecture"}
    assert files == ({"_x.so"} if what == "wheel" else {"_x.so", "_y.so"})
    assert {one["name"] for one in found["distributions"]} >= {"demo"}
    assert {finding["distribution"] for finding in found["findings"] if (finding["path"] or "").endswith("_x.so")} == {"demo"}


def test_names_in_the_code_page_of_the_ibm_pc(tmp_path: Path) -> None:
    """Old tools write them, without the flag that says UTF-8; pip installs such wheels."""
    path = write_wheel(tmp_path, "demo", {f"demo/{MODULE}": MACHO, "demo/_________.txt": b"x", "demo/z.txt": b"y"})
    content = path.read_bytes().replace(b"demo/_________.txt", b"demo/" + b"\x82\x8a\x94" * 3 + b".txt")
    path.write_bytes(content)
    assert rules(inspect(path)) == set()


def test_a_directory_that_only_its_second_record_tells(tmp_path: Path) -> None:
    """zipfile believes the zip64 record before the locator, wherever the locator points: here 100 MB of directory."""
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    entries = 260_000
    name = b"a" * 300
    entry = b"PK\1\2" + bytes(24) + len(name).to_bytes(2, "little") + bytes(16) + name
    with path.open("wb") as file:
        file.write(entry * entries)
        size = file.tell()
        record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, 0)
        file.write(record)
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, size, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    inspection = inspect(path)
    assert rules(inspection) == {"unreadable-wheel"}
    assert any("its directory claims" in finding.message for finding in inspection.findings)


#: Prints each event of the interpreter that runs or writes something, while it inspects.
AUDITED = """
import os, sys
from pytest_archcheck.inspection import Request, run
request = Request(paths=(sys.argv[1],), target="macosx_14_0_arm64")
run(request)  # what is imported late is not what this is about
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "exec", "import", "ctypes.dlopen")
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime")
def hook(event, arguments):
    if event in RUNS + CHANGES or event.startswith("socket.") or (event == "open" and arguments[2] & WRITES):
        print(event, arguments, flush=True)
sys.addaudithook(hook)
run(request)
"""


@posix
def test_nothing_is_run_and_nothing_is_written(tmp_path: Path) -> None:
    evil = f"open({str(tmp_path / 'pwned')!r}, 'w')\n"
    site = make_venv(tmp_path / "env")
    bad_files.build(site, 4)
    for name in ("sitecustomize.py", "conftest.py", "setup.py", "__editable___d_finder.py", "fifo/__init__.py"):
        write(site / name, evil + "MAPPING = {'d': '/proc/self'}\n")
    write(site / "evil.pth", f"import sys; {evil}\n/proc\n")
    write(tmp_path / "env" / "bin" / "python3", f"#!/bin/sh\ntouch {tmp_path}/pwned\n").chmod(0o755)
    ended = subprocess.run([sys.executable, "-c", AUDITED, str(tmp_path / "env")], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    assert not (tmp_path / "pwned").exists()
