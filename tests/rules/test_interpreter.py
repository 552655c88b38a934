"""Rules on the interpreter: emulation, its causes and what they mean for the packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import elfs
from support.hosts import APPLE_SILICON, INTEL, TRANSLATED, VIRTUAL, as_python, on_linux, on_mac
from support.machos import bundle, executable, fat
from support.sites import add_distribution, write

from pytest_archcheck import Finding, Inspection, inspect
from pytest_archcheck.binaries.reader import read_file
from pytest_archcheck.discover.interpreters import provider_of
from pytest_archcheck.discover.model import Interpreter
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.pythons import folder_for, native_python

if TYPE_CHECKING:
    from pathlib import Path

INTERPRETER = "environment::interpreter"
INTEL_ONLY, ARM_ONLY = executable("x86_64"), executable("arm64")
UNIVERSAL = fat(executable("x86_64"), executable("arm64"))


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(tmp_path, monkeypatch)


class Environment:
    """The running environment, made of files and of what the system answers."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prefix = folder / "python"
        self.site = self.prefix / "lib" / "python3.11" / "site-packages"
        self.site.mkdir(parents=True)
        self.monkeypatch = monkeypatch

    def inspect(self, python: bytes, target: str = "host", where: str = "bin/python3.11") -> Inspection:
        path = write(self.prefix / where, python)
        as_python(self.monkeypatch, self.prefix, path, self.site)
        return inspect(target=target)

    def add(self, name: str, *architectures: str) -> None:
        pieces = [bundle(architecture) for architecture in architectures]
        content = pieces[0] if len(pieces) == 1 else fat(*pieces)
        machine = "universal2" if len(pieces) > 1 else architectures[0]
        add_distribution(self.site, name, "1.0", {f"{name}/_core.so": content}, tags=(f"cp311-cp311-macosx_11_0_{machine}",))

    def add_elf(self, machine: str) -> None:
        tag = f"cp311-cp311-manylinux_2_17_{machine}"
        add_distribution(self.site, "numpy", "1.0", {"numpy/_core.so": elfs.shared(machine, needed=())}, tags=(tag,))


def of(inspection: Inspection, subject: str, rule: str) -> Finding:
    (finding,) = (finding for finding in inspection[subject].findings if finding.rule == rule)
    return finding


@pytest.mark.parametrize(("answers", "python"), [(APPLE_SILICON, ARM_ONLY), (VIRTUAL, UNIVERSAL), (INTEL, INTEL_ONLY)])
def test_a_native_python_is_healthy(running: Environment, answers: dict[str, bytes], python: bytes) -> None:
    on_mac(running.monkeypatch, answers)
    running.add("numpy", "x86_64", "arm64")
    assert running.inspect(python).findings == ()


def test_an_intel_python_under_rosetta(running: Environment) -> None:
    on_mac(running.monkeypatch, TRANSLATED)
    write(running.prefix / "lib" / "python3.11" / "lib-dynload" / "_ssl.so", bundle("x86_64"))
    for name in ("h5py", "numpy"):
        running.add(name, "x86_64")
    inspection = running.inspect(INTEL_ONLY)
    (finding,) = inspection[INTERPRETER].findings  # and not one more for each of its files
    assert (finding.rule, finding.severity, finding.path) == ("emulated-interpreter", "error", None)
    assert finding.message == (
        "this Python holds only x86_64 and runs under Rosetta on an arm64 Mac: it installs and loads x86_64 files only, "
        "and stops working with macOS 28 (macOS 27 is the last with Rosetta)"
    )
    assert "uv python install cpython-3.11-macos-aarch64" in finding.remedy
    for name in ("h5py", "numpy"):
        wrong = of(inspection, name, "wrong-architecture")
        assert wrong.severity == "error"
        assert wrong.remedy.startswith("see archcheck::environment::interpreter: ")
        assert "pip" not in wrong.remedy


def test_a_universal_python_started_as_intel(running: Environment) -> None:
    on_mac(running.monkeypatch, TRANSLATED)
    running.add("numpy", "x86_64")
    running.add("h5py", "arm64")
    inspection = running.inspect(UNIVERSAL)
    finding = of(inspection, INTERPRETER, "emulated-interpreter")
    assert "holds arm64 but was started as x86_64 under Rosetta" in finding.message
    assert finding.remedy.startswith(f"start it natively: arch -arm64 {running.prefix}/bin/python3.11 -m pytest; ")
    assert of(inspection, "numpy", "wrong-architecture").remedy == (
        "see archcheck::environment::interpreter first; then, with Python started as arm64: "
        f"{running.prefix}/bin/python3.11 -m pip install --force-reinstall --no-deps --no-cache-dir numpy==1.0"
    )
    assert inspection["h5py"].findings == ()


def test_arm64_files_for_an_intel_mac_are_not_the_interpreter_s_doing(running: Environment) -> None:
    on_mac(running.monkeypatch, INTEL)
    running.add("numpy", "arm64")
    inspection = running.inspect(INTEL_ONLY)
    assert "see archcheck" not in of(inspection, "numpy", "wrong-architecture").remedy


def test_a_file_that_fits_neither_keeps_its_own_remedy(running: Environment) -> None:
    on_mac(running.monkeypatch, TRANSLATED)
    running.add("old", "i386")
    assert "see archcheck" not in of(running.inspect(INTEL_ONLY), "old", "wrong-architecture").remedy


def test_an_environment_meant_for_intel_may_run_under_rosetta(running: Environment) -> None:
    on_mac(running.monkeypatch, TRANSLATED)
    running.add("numpy", "x86_64")
    assert running.inspect(INTEL_ONLY, "macosx_12_0_x86_64").findings == ()


def test_one_slice_under_a_universal_python(running: Environment) -> None:
    on_mac(running.monkeypatch, APPLE_SILICON)
    for name in "abcdefg":
        running.add(f"package-{name}", "arm64")
    running.add("both", "arm64", "x86_64")
    inspection = running.inspect(UNIVERSAL)
    (finding,) = inspection.findings
    assert (finding.rule, finding.severity, finding.subject) == ("single-slice-packages", "note", INTERPRETER)
    assert finding.message == (
        "this Python holds arm64 and x86_64, but 7 distributions hold arm64 only and cannot be imported when it is started "
        "under Rosetta (arch -x86_64, an Intel terminal or IDE): "
        "package-a, package-b, package-c, package-d, package-e and 2 more"
    )


def test_an_intel_mac_starts_a_universal_python_one_way_only(running: Environment) -> None:
    on_mac(running.monkeypatch, APPLE_SILICON)
    running.add("package", "x86_64")
    assert running.inspect(UNIVERSAL, "macosx_12_0_x86_64").findings == ()


def test_one_slice_under_a_python_of_one_slice(running: Environment) -> None:
    on_mac(running.monkeypatch, APPLE_SILICON)
    running.add("numpy", "arm64")
    assert running.inspect(ARM_ONLY).findings == ()


@pytest.mark.parametrize(
    ("machine", "kernel", "container", "says", "remedy"),
    [
        ("aarch64", "x86_64", False, "aarch64 under QEMU user mode on x86_64: ", "start a Python for x86_64, "),
        (
            "x86_64",
            "aarch64",
            True,
            "packages that need AVX, such as TensorFlow",
            "docker run and docker build --platform linux/arm64",
        ),
    ],
)
def test_linux_emulation_is_a_warning(
    running: Environment,
    machine: str,
    kernel: str,
    container: bool,  # noqa: FBT001 - a case
    says: str,
    remedy: str,
) -> None:
    on_linux(running.monkeypatch, machine, kernel, container=container)
    running.add_elf(machine)
    inspection = running.inspect(elfs.executable(machine, needed=()))
    (finding,) = inspection.findings
    assert (finding.rule, finding.severity) == ("emulated-interpreter", "warning")
    assert says in finding.message
    assert remedy in finding.remedy
    assert inspection.target.architectures == (machine,)


def test_a_container_of_the_machine_s_own_kind_is_healthy(running: Environment) -> None:
    on_linux(running.monkeypatch, "aarch64", "aarch64")
    running.add_elf("aarch64")
    assert running.inspect(elfs.executable("aarch64", needed=())).findings == ()


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("/Library/Frameworks/Python.framework/Versions/3.11/bin/python3.11", "python.org"),
        ("/usr/local/Cellar/python@3.11/3.11.7/Frameworks/Python.framework/Versions/3.11/bin/python3.11", "homebrew"),
        ("/opt/homebrew/Cellar/python@3.12/3.12.1/bin/python3.12", "homebrew"),
        ("/Users/ada/.local/share/uv/python/cpython-3.11.7-macos-x86_64-none/bin/python3.11", "uv"),
        ("/Users/ada/.pyenv/versions/3.11.7/bin/python3.11", "pyenv"),
        ("/Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions/3.9/bin/python3.9", "xcode"),
        ("/Applications/Xcode.app/Contents/Developer/usr/bin/python3", "xcode"),
        ("/opt/local/bin/python3.11", None),
    ],
)
def test_how_a_python_was_installed(path: str, provider: str | None) -> None:
    assert provider_of(path) == provider


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/Library/Frameworks/Python.framework/Versions/3.9/bin/python3.9", "universal2 package of Python 3.9 from python.org"),
        ("/Library/Frameworks/Python.framework/Versions/3.9/bin/python3.9-intel64", "use /Library/Frameworks/Python.framework"),
        ("/usr/local/Cellar/python@3.9/3.9.18/bin/python3.9", "/opt/homebrew/bin/brew install python@3.9"),
        (
            "/Users/ada/.local/share/uv/python/cpython-3.9.18-macos-x86_64-none/bin/python3.9",
            "uv venv --clear --python cpython-3.9-",
        ),
        ("/Users/ada/.pyenv/versions/3.9.18/bin/python3.9", "arch -arm64 pyenv install --force 3.9.18"),
        ("/Library/Developer/CommandLineTools/usr/bin/python3", "xcode-select --install"),
        ("/opt/local/bin/python3.9", "install a Python 3.9 for Apple Silicon"),
    ],
)
def test_the_remedy_is_that_of_the_installer(path: str, remedy: str) -> None:
    interpreter = Interpreter(path=path, version="3.9.18", architectures=("x86_64",), provider=provider_of(path))
    assert remedy in native_python(interpreter, Target.parse("macosx_14_0_arm64"))


@pytest.mark.parametrize(
    ("tag", "other", "platform"),
    [
        ("macosx_14_0_arm64", elfs.executable(), "aarch64-apple-darwin"),
        ("macosx_11_0_x86_64", elfs.executable(), "x86_64-apple-darwin"),
        ("manylinux_2_28_aarch64", ARM_ONLY, "aarch64-manylinux_2_28"),
        ("manylinux_2_26_aarch64", ARM_ONLY, "aarch64-unknown-linux-gnu"),
        ("musllinux_1_2_x86_64", ARM_ONLY, "x86_64-unknown-linux-musl"),
    ],
)
def test_a_python_of_another_system_is_not_to_be_replaced(tmp_path: Path, tag: str, other: bytes, platform: str) -> None:
    (tmp_path / "python3").write_bytes(other)
    binary = read_file(str(tmp_path / "python3"))
    assert binary is not None
    interpreter = Interpreter(path=binary.file, version="3.12.4", architectures=binary.architectures, binaries=(binary,))
    said = native_python(interpreter, Target.parse(tag))
    assert f"--python-platform {platform} --python-version 3.12 " in said
    assert said.endswith(f"&& pytest-archcheck --archcheck-target={tag} there")
    assert said.count("MACOSX_DEPLOYMENT_TARGET=") == (tag.startswith("macosx"))


@pytest.mark.parametrize("tag", ["macosx_11_0_universal2", "linux_armv7l"])
def test_no_installer_is_named_for_what_uv_does_not_know(tag: str) -> None:
    assert "uv" not in folder_for(Target.parse(tag), "3.12")


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/local/bin/python3.13t", "uv python install cpython-3.13t-macos-aarch64"),
        ("/Users/me/.pyenv/versions/3.13.5t/bin/python3.13t", "pyenv install --force 3.13.5t"),
    ],
)
def test_a_free_threaded_python_is_replaced_by_one(path: str, command: str) -> None:
    interpreter = Interpreter(path=path, version="3.13.5", architectures=("x86_64",), provider=provider_of(path), abiflags="t")
    assert command in native_python(interpreter, Target.parse("macosx_14_0_arm64"))
