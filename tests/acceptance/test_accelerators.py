"""Accelerators as a user meets them: items, markers, requirements, settings; frameworks are made up."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A framework of a third party: a distribution, a hook, and an adapter that notes each time it is loaded. It cannot multiply,
#: so it hides a numpy that may be installed beside the tests: without one no matmul is tried.
CONFTEST = """
from pathlib import Path
from pytest_archcheck.accelerators.model import Framework

def pytest_archcheck_frameworks():
    here = Path(__file__).parent
    return [
        Framework(name="fake", title="Fake", distributions=("fake-framework",), adapter=str(here / "adapter.py")),
        Framework(name="absent", title="Absent", distributions=("no-such-distribution",), adapter="/nowhere.py"),
    ]
"""

ADAPTER = """
import os
import sys
from pathlib import Path

sys.modules["numpy"] = None

def load():
    with Path(__file__).with_name("loads").open("a") as file:
        file.write("x")
    {load}
    return "7.1"

def devices():
    return [{{"name": "cpu", "kind": "cpu", "platform": "", "description": ""}}]
"""

TESTS = """
import pytest

@pytest.mark.requires_gpu("fake")
def test_fake(): pass

@pytest.mark.requires_gpu(framework="absent")
def test_absent(): pass

@pytest.mark.requires_metal(framework=None)
def test_metal(): pass

def test_plain(): pass
"""

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="says why there is no Metal elsewhere")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run pytest in a process of its own, with the framework installed."""
    site = pytester.mkdir("site")
    folder = site / "fake_framework-7.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-framework\nVersion: 7.1\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_project=TESTS)

    def run(*args: str, load: str = "", checks: bool = True) -> pytest.RunResult:
        (pytester.path / "adapter.py").write_text(ADAPTER.format(load=load))
        report = ("--archcheck-json=out.json",) if checks else ()
        return pytester.runpytest_subprocess(*report, *args, timeout=120)

    return run


def loads(path: Path) -> int:
    """How often the framework was imported."""
    file = path / "loads"
    return len(file.read_text()) if file.exists() else 0


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "out.json").read_text())
    return found


def test_an_installed_framework_has_two_items(pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]) -> None:
    result = project("archcheck", "-k", "fake and (accelerator or matmul)", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "archcheck::accelerator::fake PASSED*",
            "archcheck::matmul::fake PASSED*",
            "accelerator::fake: no-gpu: Fake 7.1 sees no GPU; Metal *(note)",
            "fake 7.1: CPU only",
        ]
    )
    assert result.outlines.count("fake 7.1: CPU only") == 1  # one line a framework, not one an item
    assert loads(pytester.path) == 2  # the probe, and the matmul item's own child
    assert report(pytester.path)["accelerators"] == [
        {
            "framework": "fake",
            "version": "7.1",
            "devices": ["cpu"],
            "verified": False,
            "seconds": report(pytester.path)["accelerators"][0]["seconds"],
        }
    ]


def test_without_a_marker_and_with_the_checks_off_nothing_is_loaded(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]
) -> None:
    project("test_project.py::test_plain").assert_outcomes(passed=1)
    assert loads(pytester.path) == 0


def test_markers_skip_with_the_reason_and_probe_once(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]
) -> None:
    pytester.makepyfile(test_more="import pytest\n@pytest.mark.requires_gpu('fake')\ndef test_fake_again(): pass")
    result = project("-rs")
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*test_project.py:*: requires_gpu: Fake 7.1 sees no GPU; Metal *",
            "SKIPPED*: requires_gpu: Absent is not installed",
            "SKIPPED*: requires_metal: there is no Metal framework on this system*; Metal *",
        ]
    )
    assert loads(pytester.path) == 1


def test_workers_of_xdist_probe_once_together(pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]) -> None:
    pytest.importorskip("xdist")
    many = "import pytest\n@pytest.mark.requires_gpu('fake')\n@pytest.mark.parametrize('n', range(8))\ndef test_it(n): pass"
    pytester.makepyfile(test_many=many)
    result = project("-n2", "test_many.py", "-rs", load="import time; time.sleep(0.5)")
    result.assert_outcomes(skipped=8)
    assert loads(pytester.path) == 1


def test_a_malformed_report_ends_the_waiting_of_every_worker(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]
) -> None:
    pytest.importorskip("xdist")
    many = "import pytest\n@pytest.mark.requires_gpu('fake')\n@pytest.mark.parametrize('n', range(8))\ndef test_it(n): pass"
    pytester.makepyfile(test_many=many)
    pytester.makeini("[pytest]\narchcheck_probe_timeout = 100\n")
    # The child is started with its request as the last argument, which names the report.
    spoil = (
        "import json, os, sys; path = json.loads(sys.argv[-1])['report']; open(path, 'w').write('{\"stage\": []}'); os._exit(0)"
    )
    begin = time.monotonic()
    result = project("-n2", "test_many.py", "-rs", load=spoil)
    assert time.monotonic() - begin < 60
    result.assert_outcomes(skipped=8)
    assert loads(pytester.path) == 1


def test_a_required_gpu_turns_red_what_asks_for_it(project: Callable[..., pytest.RunResult]) -> None:
    result = project("--archcheck-require=gpu", "-k", "fake or absent or plain or test_metal or require")
    # test_metal asks for Metal, which is not what is required: it is skipped as before.
    result.assert_outcomes(passed=2, failed=4, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED archcheck::accelerator::fake - *no-gpu: Fake 7.1 sees no GPU*",
            "FAILED archcheck::require::gpu - *unmet-requirement: a GPU that computes is required: Fake 7.1 sees no GPU*",
            "FAILED test_project.py::test_fake - *requires_gpu: Fake 7.1 sees no GPU*",
            "FAILED test_project.py::test_absent - *requires_gpu: Absent is not installed",
        ]
    )


def test_required_without_any_framework_is_red(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess("--archcheck-require=metal", "-k", "plain or require", timeout=60)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*unmet-requirement: a Metal GPU that computes is required: no framework that could use a GPU is installed*"]
    )


def test_a_framework_that_crashes(pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]) -> None:
    result = project("archcheck", "-k", "fake and (accelerator or matmul)", load="os.abort()")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*import-crashed: importing Fake crashed with SIGABRT*", "  remedy: *"])
    result.stdout.no_fnmatch_line("fake*: import-crashed*")  # pytest has told
    assert sum(line.startswith("  remedy: ") for line in result.outlines) == 1
    result.stdout.fnmatch_lines(["  see archcheck::accelerator::fake"])
    assert loads(pytester.path) == 1  # nothing is gained from crashing again for the benchmark
    assert {finding["rule"] for finding in report(pytester.path)["findings"]} == {"import-crashed"}


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one process", "-n 2"])
@pytest.mark.parametrize(("load", "rule"), [("os.abort()", "import-crashed"), ("import no_such_module", "import-failed")])
def test_a_skip_does_not_hide_that_a_framework_is_broken(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult], processes: tuple[str, ...], load: str, rule: str
) -> None:
    many = "import pytest\n@pytest.mark.requires_gpu('fake')\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n): pass"
    pytester.makepyfile(test_many=many)
    result = project("test_many.py", *processes, load=load, checks=False)
    result.assert_outcomes(skipped=6, warnings=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*= warnings summary =*", f"*ArchcheckWarning: {rule}: *", "*  remedy: *"])
    if not processes:
        strict = project("test_many.py", "-W", "error::pytest_archcheck.ArchcheckWarning", load=load, checks=False)
        strict.assert_outcomes(errors=1, skipped=5)


def test_a_healthy_framework_without_a_gpu_is_no_alarm(project: Callable[..., pytest.RunResult]) -> None:
    project("test_project.py", checks=False).assert_outcomes(passed=1, skipped=3, warnings=0)


def test_a_framework_that_hangs(pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]) -> None:
    pytester.makeini("[pytest]\narchcheck_probe_timeout = 2\n")
    result = project("archcheck::accelerator::fake", load="import time; time.sleep(1000)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*probe-timeout: importing Fake did not end within 2 s, and was stopped*"])


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("archcheck_matmul_size", "0", "expected a whole number from 1 to 65536"),
        ("archcheck_matmul_size", "-1", "expected a whole number from 1 to 65536"),
        ("archcheck_matmul_size", "big", "expected a whole number from 1 to 65536"),
        ("archcheck_probe_timeout", "0", "expected seconds above 0"),
        ("archcheck_matmul_min_gflops", "fast", "expected a number above 0"),
        ("archcheck_matmul_min_speedup", "-2", "expected a number above 0"),
    ],
)
def test_bad_settings(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult], setting: str, value: str, words: str
) -> None:
    pytester.makeini(f"[pytest]\n{setting} = {value}\n")
    result = project("archcheck")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{setting} (ini): got '{value}', {words}*"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", "[pytest]\narchcheck_matmul_size = 77\narchcheck_matmul_min_gflops = 2.5\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\narchcheck_matmul_size = 77\narchcheck_matmul_min_gflops = 2.5\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\narchcheck_matmul_size = "77"\narchcheck_matmul_min_gflops = "2.5"\n'),
        ("pytest.toml", "[pytest]\narchcheck_matmul_size = 77\narchcheck_matmul_min_gflops = 2.5\n"),
        ("pytest.toml", '[pytest]\narchcheck_matmul_size = "77"\narchcheck_matmul_min_gflops = "2.5"\n'),
    ],
)
def test_numbers_and_their_texts_in_every_ini_file(pytester: pytest.Pytester, name: str, content: str) -> None:
    if name == "pytest.toml" and int(pytest.__version__.partition(".")[0]) < 9:
        pytest.skip("pytest.toml came with pytest 9")
    pytester.path.joinpath(name).write_text(content)
    pytester.makepyfile(
        """
        from pytest_archcheck.plugin.settings import read_accelerators

        def test_it(pytestconfig):
            read = read_accelerators(pytestconfig)
            assert (read.size, read.min_gflops, read.min_speedup, read.timeout) == (77, 2.5, None, 300)
        """
    )
    pytester.runpytest_subprocess("-W", "error", timeout=60).assert_outcomes(passed=1)


@pytest.mark.parametrize("marker", ["requires_metal('tensroflow')", "requires_gpu(framework='tensroflow')"])
def test_a_marker_with_an_unknown_framework_is_a_collection_error(pytester: pytest.Pytester, marker: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.{marker}\ndef test_it(): pass")
    result = pytester.runpytest_subprocess(timeout=60)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*got framework='tensroflow', expected None or one of tensorflow, torch, jax, mlx*"])


def test_a_gate_fails_under_xdist_with_what_to_type(
    pytester: pytest.Pytester, project: Callable[..., pytest.RunResult]
) -> None:
    pytest.importorskip("xdist")
    pytester.makeini("[pytest]\narchcheck_matmul_min_gflops = 1\n")
    result = project("-n1", "archcheck::matmul::fake")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*remedy: run `pytest archcheck::matmul::fake` without -n"])


@pytest.mark.parametrize(
    "code", ["matmul_benchmark('nothing')", "matmul_benchmark('fake', dtype='int8')", "matmul_benchmark('fake', size=0)"]
)
def test_the_fixture_refuses_nonsense(pytester: pytest.Pytester, project: Callable[..., pytest.RunResult], code: str) -> None:
    refused = f"    with pytest.raises(ValueError, match='expected'):\n        {code}"
    pytester.makepyfile(test_fixture=f"import pytest\ndef test_it(matmul_benchmark):\n{refused}")
    project("test_fixture.py").assert_outcomes(passed=1)


def test_a_benchmark_alone_says_what_to_do(project: Callable[..., pytest.RunResult]) -> None:
    result = project("archcheck::matmul::fake", load="os.abort()")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["import-crashed: *", "  remedy: *"])


def test_what_the_fixture_cannot_measure_is_said_of_the_line_that_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(matmul_benchmark):\n    matmul_benchmark('nothing')\n")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">       matmul_benchmark('nothing')", "E       ValueError: framework: got 'nothing', expected one of *"]
    )
    result.stdout.no_fnmatch_line("*board.py*")
