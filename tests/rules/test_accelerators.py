"""From outcomes to findings: the same outcome on different machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_archcheck.accelerators.model import PYTORCH, TENSORFLOW, Benchmark, Device, Framework, Installed, Outcome, Status
from pytest_archcheck.discover.model import Home
from pytest_archcheck.machine.host import Host
from pytest_archcheck.rules.accelerators import Expectation, Gates, answer, judge, judge_benchmark
from pytest_archcheck.rules.catalog import RULES

MAC = Host(
    system="macos",
    process_architecture="arm64",
    hardware_architecture="arm64",
    os_version="15.6.1",
    emulation=None,
)
VIRTUAL_MAC = MAC._replace(virtual=True)
INTEL_MAC = MAC._replace(process_architecture="x86_64", hardware_architecture="x86_64")
ROSETTA = MAC._replace(process_architecture="x86_64", emulation="rosetta")
LINUX = MAC._replace(system="linux", process_architecture="x86_64", hardware_architecture="x86_64", os_version=None)
CONTAINER = LINUX._replace(container=True)

GPU = Device(name="GPU:0", is_gpu=True, platform="METAL", description="METAL")
CPU = Device(name="CPU:0", is_gpu=False, platform="", description="")


def outcome(status: Status, stage: str = "done", device: Device | None = GPU, message: str = "what happened") -> Outcome:
    return Outcome(
        framework=TENSORFLOW,
        status=status,
        stage=stage,
        version="2.19.1",
        devices=(GPU, CPU),
        device=device,
        error=1e-7,
        seconds=2.0,
        message="" if status == "ok" else message,
    )


NO_GPU = replace(outcome("no-gpu", device=CPU, message="TensorFlow 2.19.1 sees no GPU; its CPU computes"), devices=(CPU,))


def test_a_gpu_that_computes_is_no_finding() -> None:
    for host in (MAC, VIRTUAL_MAC, LINUX):
        assert judge(outcome("ok"), Expectation(host=host, required=True, has_metal=True), "accelerator::tensorflow") == ()


@pytest.mark.parametrize(
    ("expectation", "severity"),
    [
        (Expectation(host=MAC, has_metal=True), "error"),
        (Expectation(host=MAC), "note"),
        (Expectation(host=MAC, required=True), "error"),
        (Expectation(host=VIRTUAL_MAC, has_metal=True), "note"),
        (Expectation(host=VIRTUAL_MAC, has_metal=True, required=True), "error"),
        (Expectation(host=INTEL_MAC, has_metal=True), "note"),
        (Expectation(host=LINUX), "note"),
        (Expectation(host=CONTAINER, required=True), "error"),
    ],
)
def test_no_gpu(expectation: Expectation, severity: str) -> None:
    (finding,) = judge(NO_GPU, expectation, "accelerator::tensorflow")
    assert (finding.rule, finding.severity, finding.subject) == ("no-gpu", severity, "accelerator::tensorflow")
    assert finding.distribution == "tensorflow"


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (CONTAINER, "Metal never exists in a Linux container"),
        (LINUX, "Metal exists on macOS only"),
        (VIRTUAL_MAC, "a virtual Mac"),
        (ROSETTA, "under Rosetta"),
    ],
)
def test_why_there_is_no_gpu_on_this_machine(host: Host, words: str) -> None:
    (finding,) = judge(NO_GPU, Expectation(host=host), "accelerator::tensorflow")
    assert words in finding.message


def test_tensorflow_alone_on_apple_silicon_is_told_what_to_install() -> None:
    (finding,) = judge(NO_GPU, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.severity == "note"
    assert finding.remedy == "pip install tensorflow-metal==1.2.0"
    line = answer(NO_GPU, Expectation(host=MAC))
    assert line == "tensorflow 2.19.1: CPU only; for the GPU: pip install tensorflow-metal==1.2.0"
    assert answer(NO_GPU, Expectation(host=MAC, has_metal=True)) == "tensorflow 2.19.1: CPU only"
    assert answer(NO_GPU, Expectation(host=LINUX)) == "tensorflow 2.19.1: CPU only"


def test_a_tensorflow_without_a_metal_of_its_own_is_told_which_pair_to_install() -> None:
    newer = replace(NO_GPU, version="2.21.0")
    (finding,) = judge(newer, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.remedy == "with Python 3.9 to 3.12: pip install tensorflow==2.19.1 tensorflow-metal==1.2.0"


def test_one_line_for_a_gpu() -> None:
    assert answer(outcome("ok"), Expectation(host=MAC)) == "tensorflow 2.19.1: Metal GPU computes"
    speeds = {
        "2.9 TFLOP/s, 8 times the CPU, spread 0.10": replace(BENCHMARK, gflops=2912.0),
        "61 GFLOP/s, spread 0.10": replace(BENCHMARK, gflops=61.2, speedup=None),
        "1.7 TFLOP/s, 8 times the CPU, spread 0.10, float32 rounded to TensorFloat-32": replace(
            BENCHMARK, precision="tensorfloat32", tensorfloat32=True
        ),
        "1.7 TFLOP/s, 8 times the CPU, spread 0.10, TensorFloat-32 on but not used": replace(BENCHMARK, tensorfloat32=True),
    }
    for speed, benchmark in speeds.items():
        line = answer(outcome("ok"), Expectation(host=MAC), benchmark)
        assert line == f"tensorflow 2.19.1: Metal GPU computes, {speed}"


@pytest.mark.parametrize("status", ["matmul-failed", "wrong-device", "wrong-result"])
def test_a_virtual_gpu_need_not_compute_unless_required(status: Status) -> None:
    for host, required, severity in ((MAC, False, "error"), (VIRTUAL_MAC, False, "note"), (VIRTUAL_MAC, True, "error")):
        (finding,) = judge(outcome(status, "compute"), Expectation(host=host, required=required), "accelerator::tensorflow")
        assert (finding.rule, finding.severity) == (status, severity)
        assert ("virtual Mac" in finding.message) == (severity == "note")


@pytest.mark.parametrize(("stage", "severity"), [("import", "error"), ("compute", "note"), ("read back", "note")])
def test_a_hang_on_a_virtual_mac(stage: str, severity: str) -> None:
    (finding,) = judge(outcome("probe-timeout", stage), Expectation(host=VIRTUAL_MAC), "accelerator::tensorflow")
    assert finding.severity == severity


def test_a_virtual_macs_cpu_must_compute() -> None:
    (finding,) = judge(outcome("wrong-result", device=CPU), Expectation(host=VIRTUAL_MAC), "accelerator::tensorflow")
    assert finding.severity == "error"


@pytest.mark.parametrize("status", ["import-failed", "import-crashed", "plugin-incompatible"])
def test_a_framework_that_cannot_be_imported_is_an_error_everywhere(status: Status) -> None:
    for host in (MAC, VIRTUAL_MAC, LINUX, CONTAINER):
        (finding,) = judge(outcome(status, "import", None), Expectation(host=host), "accelerator::tensorflow")
        assert (finding.rule, finding.severity) == (status, "error")
        assert finding.remedy


def test_cause_and_remedy_of_a_known_failure_win() -> None:
    known = replace(outcome("import-failed", "import", None), cause="numpy is too new", remedy="pip install 'numpy<2'")
    (finding,) = judge(known, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.message == "what happened; numpy is too new"
    assert finding.remedy == "pip install 'numpy<2'"


def test_an_unknown_failure_shows_its_last_line() -> None:
    unknown = replace(outcome("import-crashed", "import", None), text="first\nterminate called")
    (finding,) = judge(unknown, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.message == "what happened; it wrote: terminate called"


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (
            ("/env/torch/__init__.py", "<frozen importlib._bootstrap>"),
            '; it was at: File "/env/torch/__init__.py", line 7 in f',
        ),
        (("<frozen x>", "/env/torch/__init__.py"), '; it was at: File "/env/torch/__init__.py", line 7 in f'),
        (("<frozen x>",), ""),
    ],
)
def test_a_crash_without_a_word_shows_whose_file_it_was_in(frames: tuple[str, ...], said: str) -> None:
    trace = "\n".join(["Current thread 0x01 (most recent call first):", *(f'  File "{file}", line 7 in f' for file in frames)])
    silent = replace(outcome("import-crashed", "import", None), text=trace)
    (finding,) = judge(silent, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.message == f"what happened{said}"


def test_what_is_typed_by_hand_names_the_python_that_was_tried() -> None:
    here = Expectation(host=LINUX, home=Home(pip=("/my env/bin/python", "-m", "pip")))
    (finding,) = judge(outcome("import-crashed", "import", None), here, "accelerator::tensorflow")
    assert finding.remedy.startswith("put its files there again: '/my env/bin/python' -m pip install ")
    assert finding.remedy.endswith("see all that it says: '/my env/bin/python' -X faulthandler -c 'import tensorflow'")


@pytest.mark.parametrize(
    ("framework", "host", "words"),
    [
        (TENSORFLOW, MAC, "pip install tensorflow==2.19.1 tensorflow-metal==1.2.0"),
        (TENSORFLOW, LINUX, "--no-deps --no-cache-dir tensorflow"),
        (PYTORCH, MAC, "--no-deps --no-cache-dir torch"),
        (PYTORCH, LINUX, "--no-deps --no-cache-dir torch"),
    ],
)
def test_a_gpu_that_does_not_compute_is_met_with_a_command(framework: Framework, host: Host, words: str) -> None:
    failed = replace(outcome("matmul-failed", "compute"), framework=framework)
    (finding,) = judge(failed, Expectation(host=host, has_metal=True), "accelerator::x")
    assert words in finding.remedy


@pytest.mark.parametrize("status", ["import-failed", "import-crashed", "matmul-failed", "plugin-incompatible", "no-gpu"])
def test_remedies_name_the_installed_distribution_and_keep_its_version(status: Status) -> None:
    here = Installed("tensorflow-cpu", "2.21.0", "uv")
    failed = replace(outcome(status, "import"), installed=here, version="2.21.0")
    for host in (MAC, LINUX):
        (finding,) = judge(failed, Expectation(host=host), "accelerator::tensorflow")
        assert finding.distribution == "tensorflow-cpu"
        # The one other version that is named is the pair for Metal, and then the installed one has to go first.
        assert "install tensorflow==" not in finding.remedy or "uv pip uninstall tensorflow-cpu" in finding.remedy
        assert "install --upgrade" not in finding.remedy


def test_what_was_raised_is_said_once() -> None:
    raised = replace(outcome("matmul-failed", "compute", message="it failed: InternalError: x"), text="InternalError: x")
    (finding,) = judge(raised, Expectation(host=MAC), "accelerator::tensorflow")
    assert finding.message == "it failed: InternalError: x"


def test_every_status_is_a_rule() -> None:
    for status in ("no-gpu", "unchecked", "import-failed", "import-crashed", "probe-timeout", "plugin-incompatible"):
        for finding in judge(outcome(status), Expectation(host=MAC), "accelerator::tensorflow"):
            assert finding.rule in RULES


BENCHMARK = Benchmark(
    framework="torch",
    device="mps:0",
    platform="METAL",
    size=2048,
    dtype="float32",
    seconds=0.01,
    spread=0.1,
    gflops=1717.98,
    speedup=8.0,
    error=1e-7,
    precision="float32",
    tensorfloat32=False,
    repeat_seconds=0.15,
    compiled_seconds=None,
    products=100,
)
ON_CPU = replace(BENCHMARK, device="cpu", platform="", speedup=None)


@pytest.mark.parametrize(
    ("benchmark", "gates", "rules"),
    [
        (BENCHMARK, Gates(), 0),
        (BENCHMARK, Gates(gflops=1700, speedup=8), 0),
        (BENCHMARK, Gates(gflops=1800), 1),
        (BENCHMARK, Gates(speedup=8.1), 1),
        (BENCHMARK, Gates(gflops=1800, speedup=8.1), 2),
        (ON_CPU, Gates(gflops=1700), 0),
        (ON_CPU, Gates(speedup=1.5), 1),  # a gate does not go green by finding no GPU
    ],
)
def test_gates(benchmark: Benchmark, gates: Gates, rules: int) -> None:
    findings = judge_benchmark(benchmark, gates, Expectation(host=MAC), "matmul::torch")
    assert [(finding.rule, finding.severity) for finding in findings] == [("slow-matmul", "error")] * rules


def test_a_virtual_gpu_never_gates_on_speed() -> None:
    assert judge_benchmark(BENCHMARK, Gates(gflops=1e9), Expectation(host=VIRTUAL_MAC), "matmul::torch") == ()


@pytest.mark.parametrize(
    ("benchmark", "rules"),
    [
        (replace(BENCHMARK, spread=0.49), []),
        (replace(BENCHMARK, spread=0.51), ["unsteady-matmul"]),
        (replace(BENCHMARK, speedup=0.6), []),
        (replace(BENCHMARK, speedup=1 / 250), ["slow-matmul"]),
        (replace(BENCHMARK, speedup=1 / 250, size=256), []),  # small matrices are the CPU's
        (replace(BENCHMARK, speedup=1 / 250, spread=3), ["unsteady-matmul", "slow-matmul"]),
    ],
)
@pytest.mark.parametrize("host", [MAC, VIRTUAL_MAC])
def test_odd_speeds_are_notes_everywhere(benchmark: Benchmark, rules: list[str], host: Host) -> None:
    findings = judge_benchmark(benchmark, Gates(), Expectation(host=host), "matmul::torch")
    assert [(finding.rule, finding.severity) for finding in findings] == [(rule, "note") for rule in rules]
    assert all("250 times as long as on the CPU" in one.message for one in findings if one.rule == "slow-matmul")


def test_a_missed_gate_names_figure_setting_and_device() -> None:
    (finding,) = judge_benchmark(BENCHMARK, Gates(gflops=1800), Expectation(host=MAC), "matmul::torch")
    assert finding.message == (
        "float32 matmul of size 2048 on mps:0 (METAL): 1.72e+03 GFLOP/s, archcheck_matmul_min_gflops is 1800"
    )
