"""From what came of a probe or a benchmark to findings: what is an error, on which machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_archcheck.discover.model import Home
from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import quoted
from pytest_archcheck.rules.framework_commands import filled, here_is, metal_pair, pinned, plugins_of

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.model import Benchmark, Framework, Outcome
    from pytest_archcheck.findings import Severity
    from pytest_archcheck.machine.host import Host

#: Statuses that say something of the GPU rather than of the framework: on a virtual Mac they are its nature.
_OF_THE_GPU = frozenset({"no-gpu", "unchecked", "matmul-failed", "wrong-device", "wrong-result"})
_GPU_STAGES = frozenset({"devices", "compute", "read back", "compare", "measure"})

#: Where the message may not say what was raised: often nothing was.
_SILENT = frozenset({"import-crashed", "matmul-failed", "probe-timeout"})

#: (slowest - fastest) / median beyond which a speed says little.
_STEADY = 0.5
#: So many times slower than the CPU is worth a note, for matrices of so many rows: below, the launches and copies count most.
_SLOWER = 2
_WORTH_A_GPU = 1024

_VIRTUAL = "this is a virtual Mac, whose GPU is listed but seldom computes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What this machine and the user want of a framework."""

    host: Host
    #: ``archcheck_require`` names it.
    required: bool = False
    #: The framework's distribution for Metal is installed.
    has_metal: bool = False
    #: Where installers have to be told to work; this framework is probed in the running environment alone.
    home: Home = field(default_factory=Home)

    @property
    def gpu_expected(self) -> bool:
        """A GPU that computes is the only good answer."""
        return self.required or (self.has_metal and _is_physical_apple_silicon(self.host))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The least that a benchmark must reach; None: no gate."""

    gflops: float | None = None
    speedup: float | None = None


def _is_physical_apple_silicon(host: Host) -> bool:
    return host.system == "macos" and host.hardware_architecture == "arm64" and not host.virtual


def judge(outcome: Outcome, expectation: Expectation, subject: str) -> tuple[Finding, ...]:
    """Return the finding that an outcome is, or none."""
    if outcome.status == "ok":
        return ()
    rule = "no-gpu" if outcome.status == "unchecked" else outcome.status
    message = outcome.message
    if outcome.cause:
        message += f"; {outcome.cause}"
    elif outcome.status in _SILENT:
        message += _written(outcome, message)
    if rule == "no-gpu":
        message = because(outcome, expectation.host)
    elif _excused(outcome, expectation):
        message += f"; {_VIRTUAL}"
    return (
        Finding(
            rule=rule,
            severity=_severity(outcome, expectation),
            subject=subject,
            distribution=here_is(outcome).name or None,
            path=None,
            message=message,
            remedy=filled(outcome.remedy or remedy(outcome, expectation), outcome, expectation.home),
        ),
    )


def _written(outcome: Outcome, message: str) -> str:
    """What the process said last, or where in whose Python file it was; frames of the import system say neither."""
    lines = [line.strip() for line in outcome.text.splitlines()]
    frames = [line for line in lines if line.startswith('File "')]
    if frames:
        place = next((frame for frame in frames if not frame.startswith('File "<')), None)
        return f"; it was at: {place}" if place else ""
    return f"; it wrote: {lines[-1]}" if lines and lines[-1] not in message else ""


def because(outcome: Outcome, host: Host) -> str:
    """Say what is in the way of using the GPU on this machine, for an outcome that is not ``ok``."""
    if outcome.status in ("no-gpu", "unchecked"):
        return outcome.message + _why_none(outcome.framework, host)
    return f"{outcome.message}; {outcome.cause}" if outcome.cause else outcome.message


def _severity(outcome: Outcome, expectation: Expectation) -> Severity:
    if outcome.status in ("no-gpu", "unchecked"):
        return "error" if expectation.gpu_expected else "note"
    return "note" if _excused(outcome, expectation) else "error"


def _excused(outcome: Outcome, expectation: Expectation) -> bool:
    """A virtual Mac's GPU need not compute, unless that is required; its CPU must."""
    if not expectation.host.virtual or expectation.required:
        return False
    if outcome.device is not None and not outcome.device.is_gpu:
        return False
    return outcome.status in _OF_THE_GPU or (outcome.status == "probe-timeout" and outcome.stage in _GPU_STAGES)


def _why_none(framework: Framework, host: Host) -> str:
    """Why there is no GPU, as far as the machine explains it; begins with its own punctuation."""
    if host.system == "linux" and host.container:
        return "; Metal never exists in a Linux container, and a CUDA GPU only where the container is given one"
    if host.system != "macos":
        return "; Metal exists on macOS only, and no GPU of another kind is seen"
    if host.virtual:
        return f"; {_VIRTUAL}"
    if host.emulation == "rosetta" or host.process_architecture != host.hardware_architecture:
        return "; this Python runs under Rosetta, where Metal is of no use to it"
    if framework.name == "metal":
        return "; Metal is blocked for this process (a sandbox, say) or this Mac has no Metal GPU"
    return ""


def remedy(outcome: Outcome, expectation: Expectation) -> str:
    """What to do about it where the failure's text is not a known one, with marks for commands."""
    framework, host = outcome.framework, expectation.host
    if outcome.status in ("no-gpu", "unchecked"):
        if host.system == "macos" and not expectation.has_metal and framework.metal_remedy:
            return metal_remedy(outcome)
        if host.system == "macos" and host.virtual:
            return "run `pytest archcheck::accelerator` on a physical Apple Silicon Mac"
        if host.system != "macos":
            return "for Metal use an Apple Silicon Mac; for CUDA a build with CUDA, where there is an NVIDIA GPU and its driver"
        return f"see what it says: {_by_hand(outcome, expectation)}"
    if outcome.status == "plugin-incompatible":
        return _other_plugin(outcome)
    if outcome.status == "probe-timeout":
        code = f"import faulthandler; faulthandler.dump_traceback_later(60); import {outcome.framework.name}"
        typed = _by_python(f"python -c '{code}'", expectation)
        return f"see where it is after a minute: {typed}; if it is only slow, raise archcheck_probe_timeout"
    if outcome.status in ("import-failed", "import-crashed"):
        return (
            f"put its files there again: {{again}}; if that is no help, see all that it says: {_by_hand(outcome, expectation)}"
        )
    if host.system == "macos" and plugins_of(outcome):
        return f"{_other_plugin(outcome)}, which leaves the work to the CPU"
    return f"update the system's GPU driver; put {framework.title}'s files there again: {{again}}; or keep the work on the CPU"


def _other_plugin(outcome: Outcome) -> str:
    """What to do about a device plugin that does not fit."""
    plugins = plugins_of(outcome)
    if outcome.framework.metal_downgrade and plugins:
        return f"install a pair that fits ({metal_pair(outcome)}), or {{without_plugin}}"
    gone = "; {without_plugin} gives the CPU back" if plugins else ""
    return f"install the release of the plugin that the message names which is made for {pinned(here_is(outcome))}{gone}"


def metal_remedy(outcome: Outcome) -> str:
    """What to do for Metal, for the version that is installed, with marks for commands; empty where nothing helps."""
    framework, version = outcome.framework, outcome.version or ""
    if framework.metal_serves and not version.startswith(framework.metal_serves):
        return metal_pair(outcome)
    return framework.metal_remedy


def _by_hand(outcome: Outcome, expectation: Expectation) -> str:
    module = {"mlx": "mlx.core"}.get(outcome.framework.name, outcome.framework.name)
    return _by_python(f"python -X faulthandler -c 'import {module}'", expectation)


def _by_python(typed: str, expectation: Expectation) -> str:
    """The command with the Python that was tried: the one whose pip is named in remedies."""
    first, *rest = expectation.home.pip
    named = quoted(first) if rest[:1] == ["-m"] else None
    return typed.replace("python", named, 1) if named else typed


def judge_benchmark(benchmark: Benchmark, gates: Gates, expectation: Expectation, subject: str) -> tuple[Finding, ...]:
    """Return ``slow-matmul`` where a gate is not reached, and notes on odd speeds. A virtual GPU never gates on speed."""
    odd = _odd(benchmark, subject)
    if expectation.host.virtual and benchmark.platform:
        return odd
    where = f"{benchmark.device} ({benchmark.platform})" if benchmark.platform else "the CPU: no GPU is there to be measured"
    missed = []
    if gates.gflops is not None and benchmark.gflops < gates.gflops:
        missed.append((f"{benchmark.gflops:.3g} GFLOP/s", "archcheck_matmul_min_gflops", gates.gflops))
    # Without a GPU the CPU is compared with itself.
    speedup = 1.0 if benchmark.speedup is None else benchmark.speedup
    if gates.speedup is not None and speedup < gates.speedup:
        missed.append((f"{speedup:.3g} times as fast as the CPU", "archcheck_matmul_min_speedup", gates.speedup))
    unsteady = f" (unsteady: spread {benchmark.spread:.2g})" if benchmark.spread > _STEADY else ""
    errors = (
        _on_speed(
            "slow-matmul",
            "error",
            subject,
            f"{benchmark.dtype} matmul of size {benchmark.size} on {where}: {figure}{unsteady}, {setting} is {least:g}",
            f"measure again with nothing else running and on mains power: pytest archcheck::{subject}; if this machine "
            f"gives no more, lower {setting} in the ini file",
        )
        for figure, setting, least in missed
    )
    return (*errors, *odd)


def _odd(benchmark: Benchmark, subject: str) -> tuple[Finding, ...]:
    """What nobody gates and everybody would want to know."""
    found = []
    what = f"{benchmark.dtype} matmul of size {benchmark.size} on {benchmark.device}"
    if benchmark.spread > _STEADY:
        found.append(
            _on_speed(
                "unsteady-matmul",
                "note",
                subject,
                f"{what}: the slowest and the fastest repeat differ by {benchmark.spread:.2g} of the median, "
                "so its speed says little",
                f"measure again with nothing else running: pytest archcheck::{subject}",
            )
        )
    if benchmark.speedup is not None and benchmark.speedup < 1 / _SLOWER and benchmark.size >= _WORTH_A_GPU:
        found.append(
            _on_speed(
                "slow-matmul",
                "note",
                subject,
                f"{what} takes {1 / benchmark.speedup:.3g} times as long as on the CPU",
                "leave such work to the CPU here, or see what holds the GPU back: other processes, a virtual GPU, a driver or "
                "plugin that does not fit",
            )
        )
    return tuple(found)


def _on_speed(rule: str, severity: Severity, subject: str, message: str, remedy: str) -> Finding:
    return Finding(rule=rule, severity=severity, subject=subject, distribution=None, path=None, message=message, remedy=remedy)


def answer(outcome: Outcome, expectation: Expectation, benchmark: Benchmark | None = None) -> str:
    """Return the one line that answers the question: ``tensorflow 2.19.1: Metal GPU computes``, and how fast."""
    title = f"{outcome.framework.name} {outcome.version}" if outcome.version else outcome.framework.name
    if outcome.status == "ok" and outcome.device is not None:
        speed = "" if benchmark is None else f", {_speed(benchmark)}"
        return f"{title}: {outcome.device.label} computes{speed}"
    if outcome.status == "no-gpu":
        host = expectation.host
        mac = host.system == "macos" and not host.virtual and host.hardware_architecture == "arm64"
        hint = filled(metal_remedy(outcome), outcome, expectation.home) if mac and not expectation.has_metal else ""
        return f"{title}: CPU only" + (f"; for the GPU: {hint}" if hint else "")
    return f"{title}: {outcome.status}"


def _speed(benchmark: Benchmark) -> str:
    """``2.9 TFLOP/s, 8.1 times the CPU, spread 0.03``, and what became of float32."""
    times = "" if benchmark.speedup is None else f", {benchmark.speedup:.2g} times the CPU"
    rounded = ""
    if benchmark.precision == "tensorfloat32":
        rounded = ", float32 rounded to TensorFloat-32"
    elif benchmark.tensorfloat32:
        rounded = ", TensorFloat-32 on but not used"
    return f"{flops(benchmark.gflops)}{times}, spread {benchmark.spread:.2f}{rounded}"


def flops(gflops: float) -> str:
    """``2.9 TFLOP/s``, ``61 GFLOP/s``."""
    return f"{gflops / 1000:.2g} TFLOP/s" if gflops >= 1000 else f"{gflops:.2g} GFLOP/s"
