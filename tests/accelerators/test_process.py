"""Children that misbehave: a clear outcome each, within the deadline, and nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck import limits
from pytest_archcheck.accelerators import process
from pytest_archcheck.accelerators.probe import probe
from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.framework_commands import filled

if TYPE_CHECKING:
    from pathlib import Path

    from support.frameworks import MakeFramework

pytestmark = [
    pytest.mark.usefixtures("no_process_left"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

#: Far more than starting Python takes on a busy machine.
LONG = 60.0
#: Too short for what sleeps, enough for Python to start.
SHORT = 3.0


def test_an_import_error_is_told_with_its_text(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def load(): raise ImportError('no such thing\\x1b[31m')"), LONG)
    assert (outcome.status, outcome.stage) == ("import-failed", "import")
    assert outcome.message == "importing Fake failed: ImportError: no such thing\\x1b[31m"


def test_a_module_that_calls_exit(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def load(): sys.exit(0)"), LONG)
    assert outcome.status == "import-failed"
    assert "SystemExit" in outcome.message


def test_a_process_that_ends_with_status_0_in_the_middle(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def load(): os._exit(0)"), LONG)
    assert outcome.status == "import-crashed"
    assert outcome.message == "importing Fake ended the process with exit status 0"


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV", "SIGILL", "SIGBUS", "SIGKILL"])
def test_a_signal_is_named(make_framework: MakeFramework, name: str) -> None:
    number = getattr(signal, name)
    outcome = probe(make_framework(f"def load(): os.kill(os.getpid(), {int(number)})"), LONG)
    assert outcome.status == "import-crashed"
    assert outcome.message == f"importing Fake crashed with {name}"


def test_a_crash_in_the_matmul_names_the_device(make_framework: MakeFramework) -> None:
    changes = """
    sys.modules["numpy"] = None
    import importlib.util
    def devices():
        os.abort()
    """
    outcome = probe(make_framework(changes), LONG)
    assert (outcome.status, outcome.version) == ("import-crashed", "1.2.3")
    assert outcome.message == "listing the devices of Fake 1.2.3 crashed with SIGABRT"


def test_a_hang_that_ignores_every_polite_signal(make_framework: MakeFramework) -> None:
    changes = """
    import signal, time
    def load():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(1000)
    """
    before = time.monotonic()
    outcome = probe(make_framework(changes), SHORT)
    assert (outcome.status, outcome.stage) == ("probe-timeout", "import")
    assert outcome.message == "importing Fake did not end within 3 s, and was stopped"
    assert "adapter.py" in outcome.text  # Python's stack says where it hung
    assert time.monotonic() - before < LONG


def test_a_hang_that_holds_the_interpreter_lock(make_framework: MakeFramework) -> None:
    # PyDLL does not release the lock, so that no Python thread of the child can do anything.
    outcome = probe(make_framework("def load():\n    import ctypes; ctypes.PyDLL(None).sleep(1000)"), SHORT)
    assert outcome.status == "probe-timeout"
    assert "adapter.py" in outcome.text


def test_megabytes_on_standard_output_are_not_the_report(make_framework: MakeFramework) -> None:
    changes = """
    def load():
        print('{"stage": "done", "placed": "gpu:0"}')
        for _ in range(400):
            os.write(1, b"x" * 65536)
            os.write(2, b"y" * 65536)
        raise OSError("the end")
    """
    outcome = probe(make_framework(changes), LONG)
    assert outcome.message == "importing Fake failed: OSError: the end"
    assert len(outcome.text) < 1000


def test_what_is_kept_of_the_output_is_bounded(make_framework: MakeFramework) -> None:
    framework = make_framework(
        "def load():\n    os.write(1, b'begin'); os.write(1, b'x' * 10_000_000); os.write(1, b'end')\n    os.abort()"
    )
    ended = process.run(LONG, task="probe", adapter=framework.adapter)
    assert ended.output.startswith("begin")
    assert ended.output.endswith("end")
    assert len(ended.output) <= 2 * 32 * 1024


def test_closed_descriptors_and_another_working_directory(make_framework: MakeFramework, tmp_path: Path) -> None:
    changes = f"""
    def load():
        os.chdir({str(tmp_path)!r})
        os.closerange(0, 100)
        return "4.5"
    def devices():
        return []
    """
    here = os.getcwd()
    outcome = probe(make_framework(changes), LONG)
    assert (outcome.status, outcome.version) == ("no-gpu", "4.5")
    assert os.getcwd() == here


def test_a_fork_that_returns_twice_reports_once(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def load():\n    os.fork()\n    return '1'\ndef devices():\n    return []"), LONG)
    assert outcome.status == "no-gpu"


@pytest.mark.parametrize("parent", ["return '1'", "os.abort()", "time.sleep(1000)"])
def test_forked_processes_die_with_the_child(make_framework: MakeFramework, parent: str) -> None:
    changes = f"""
    import signal, time
    def load():
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1000)
        {parent}
    def devices():
        return []
    """
    outcome = probe(make_framework(changes), SHORT)
    assert outcome.status in ("no-gpu", "import-crashed", "probe-timeout")


_DAEMON = "[sys.executable, '-c', 'import time; time.sleep(1000)'], start_new_session=True"


@pytest.mark.parametrize(
    "start",
    [
        f"subprocess.Popen({_DAEMON})",
        f"subprocess.Popen({_DAEMON}); os.abort()",
        f"subprocess.Popen({_DAEMON}); time.sleep(1000)",
        # Twice forked, as daemons are: nobody's child any more.
        "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(1000))",
    ],
)
def test_daemons_that_leave_the_group_die_too_and_nobody_waits_for_them(make_framework: MakeFramework, start: str) -> None:
    begin = time.monotonic()
    changes = f"""
    import subprocess, time
    def load():
        {start}
        return "1"
    def devices():
        return []
    """
    assert probe(make_framework(changes), SHORT).status in ("no-gpu", "import-crashed", "probe-timeout")
    assert time.monotonic() - begin < SHORT + 2 * limits.KILLED_CHILD_SECONDS


@pytest.mark.parametrize("missed", [1, 2])
def test_a_daemon_that_comes_after_a_listing_is_seen_in_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missed: int
) -> None:
    """It was forked meanwhile, by a process that was listed and is gone: once, or twice as daemons fork."""
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]
    daemon = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)}, start_new_session=True)
    listings = 0

    def listing(folder: str) -> list[str]:
        nonlocal listings
        listings += 1
        return [entry.name for entry in os.scandir(folder) if listings > missed or entry.name != str(daemon.pid)]

    monkeypatch.setattr(os, "listdir", listing)
    try:
        process._kill_detached(str(tmp_path))
        assert daemon.wait(limits.KILLED_CHILD_SECONDS) == -signal.SIGKILL
    finally:
        daemon.kill()
        daemon.wait()


def test_bytes_that_are_no_text_are_shown(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def load():\n    os.write(2, b'\\xff\\x80 broken \\x1b[31m \\x00\\n'); os.abort()"), LONG)
    assert outcome.text == "\ufffd\ufffd broken \\x1b[31m \\x00"
    outcome = probe(make_framework("def load(): raise ImportError('bad \\udcff name')"), LONG)
    assert outcome.message == "importing Fake failed: ImportError: bad \\udcff name"
    assert probe(make_framework("def load(): raise MemoryError"), LONG).message == "importing Fake failed: MemoryError"


def test_what_hangs_at_exit_is_not_waited_for(make_framework: MakeFramework) -> None:
    changes = """
    import atexit, threading, time
    def load():
        atexit.register(time.sleep, 1000)
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return "1"
    def devices():
        return []
    """
    assert probe(make_framework(changes), LONG).status == "no-gpu"


def test_an_interrupt_of_the_parent_ends_the_child(make_framework: MakeFramework, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        probe(make_framework("import time\ndef load(): time.sleep(1000)"), LONG)


def test_modules_beside_the_tests_are_not_seen(
    make_framework: MakeFramework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shadow.py").write_text("")
    monkeypatch.chdir(tmp_path)
    outcome = probe(make_framework("def load(): import shadow"), LONG)
    assert outcome.message == "importing Fake failed: ModuleNotFoundError: No module named 'shadow'"


def test_an_adapter_that_is_no_python(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def ("), LONG)
    assert (outcome.status, outcome.stage) == ("import-failed", "start")
    assert "SyntaxError" in outcome.message


def test_devices_that_make_no_sense(make_framework: MakeFramework) -> None:
    outcome = probe(make_framework("def devices(): return [{'name': 'gpu:0'}]"), LONG)
    assert (outcome.status, outcome.stage) == ("matmul-failed", "devices")
    assert "KeyError" in outcome.message


def test_without_numpy_a_gpu_is_listed_but_nothing_is_proven(make_framework: MakeFramework) -> None:
    changes = """
    def load():
        sys.path[:] = [entry for entry in sys.path if "-packages" not in entry]
        return "1"
    """
    outcome = probe(make_framework(changes), LONG)
    assert outcome.status == "unchecked"
    assert outcome.message == "Fake 1 lists gpu:0, whose numbers were not checked: numpy is not installed"


def test_an_interpreter_that_cannot_be_started(make_framework: MakeFramework, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    outcome = probe(make_framework(), LONG)
    assert outcome.status == "import-crashed"
    assert outcome.message == "starting Python ended the process with exit status 127"
    assert "No such file" in outcome.text


def test_what_was_raised_explains_more_than_what_was_printed(make_framework: MakeFramework) -> None:
    changes = """
    def load():
        print("numpy.dtype size changed, may indicate binary incompatibility", file=sys.stderr)
        raise ImportError("No module named 'distutils'")
    """
    outcome = probe(make_framework(changes), LONG)
    assert "distutils" in outcome.cause


def test_nothing_is_left_in_the_temporary_folder_or_the_project(
    make_framework: MakeFramework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TensorFlow's AutoGraph writes Python files there and takes them away when Python ends as usual, which it does not here.
    temporary, project = tmp_path / "tmp", tmp_path / "project"
    temporary.mkdir()
    project.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(project)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    changes = """
    import resource, tempfile
    def load():
        tempfile.mkstemp(prefix="__autograph_generated_file")
        tempfile.mkdtemp()
        sys.stderr.write(f"limit of a core: {resource.getrlimit(resource.RLIMIT_CORE)[0]}\\n")
        sys.stderr.flush()
        os.abort()
    """
    outcome = probe(make_framework(changes), LONG)
    assert (outcome.status, outcome.text) == ("import-crashed", "limit of a core: 0")
    assert list(temporary.iterdir()) == []
    assert list(project.iterdir()) == []


def test_a_crash_is_told_by_its_fatal_line(make_framework: MakeFramework) -> None:
    changes = """
    def load():
        sys.stderr.write("2026-01-01 10:00:00.0: F some/file.cc:7] Check failed: device != nullptr\\n")
        sys.stderr.write("2026-01-01 10:00:00.1: I some/file.cc:8] and some more\\n0x7f00112233\\n")
        sys.stderr.flush()
        os.abort()
    """
    assert probe(make_framework(changes), LONG).text.endswith("Check failed: device != nullptr")


def test_an_error_inside_an_error_is_told(make_framework: MakeFramework) -> None:
    changes = """
    def load():
        inside = "Traceback (most recent call last):\\n  File 'x'\\nImportError: libx.so: no such thing\\n\\nSee https://x"
        raise ImportError(inside)
    """
    outcome = probe(make_framework(changes), LONG)
    assert outcome.message == "importing Fake failed: ImportError: libx.so: no such thing"


def test_a_plugin_that_ends_the_process_is_named_with_its_distribution(
    make_framework: MakeFramework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    library = site / "tensorflow-plugins" / "libmetal_plugin.dylib"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"")
    metadata = site / "tensorflow_metal-1.2.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow-metal\nVersion: 1.2.0\n")
    (metadata / "RECORD").write_text("tensorflow-plugins/libmetal_plugin.dylib,,\n")
    monkeypatch.syspath_prepend(str(site))
    changes = f"""
    def plugins():
        return [{str(library)!r}]
    def load_pluggable_device_library():
        os.abort()
    def load():
        load_pluggable_device_library()
    """
    outcome = probe(make_framework(changes), LONG)
    assert outcome.message == "importing Fake crashed with SIGABRT while it loaded the device plugin libmetal_plugin.dylib"
    assert filled(outcome.remedy, outcome, Home()).startswith(
        "get the CPU back: pip uninstall --yes tensorflow-metal; then install a plugin that fits this Fake"
    )


#: Finds the report's path in what the child was asked, as a framework in the same process could.
_REPORT = "import json; report = json.loads(sys.orig_argv[-1])['report']; os.remove(report)"


@pytest.mark.parametrize(
    "left", ["os.mkfifo(report)", "os.symlink('/dev/zero', report)", "os.symlink('/etc/passwd', report)", "os.mkdir(report)"]
)
def test_another_thing_in_the_place_of_the_report(make_framework: MakeFramework, left: str) -> None:
    start = time.monotonic()
    outcome = probe(make_framework(f"def load():\n    {_REPORT}; {left}; os._exit(0)"), LONG)
    assert (outcome.status, outcome.stage) == ("import-crashed", "start")
    assert "root:" not in outcome.message + outcome.text
    assert time.monotonic() - start < LONG / 2


@pytest.mark.parametrize(
    "text",
    [
        '{"stage": []}',
        '{"stage": "done", "devices": 1}',
        '{"stage": "devices", "devices": [1]}',
        '{"stage": "x"}',
        "[" * 100_000,
        "[]",
        "\\0\\xff",
    ],
)
def test_a_malformed_report(make_framework: MakeFramework, text: str) -> None:
    outcome = probe(
        make_framework(f"def load():\n    {_REPORT}; print({text!r}, file=open(report, 'w'), flush=True); os._exit(0)"), LONG
    )
    assert outcome.status in ("import-crashed", "matmul-failed")
    assert outcome.message
