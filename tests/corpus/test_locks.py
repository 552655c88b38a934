"""Real projects, locked by uv at test time, judged here and by uv's own installer: the two must agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.corpus import package_index

from pytest_archcheck import inspect
from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Check

pytestmark = pytest.mark.corpus

UV = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))

PROJECTS = {
    "tensorflow": """requires-python = ">=3.11,<3.14"
dependencies = ["tensorflow>=2.17", "tensorflow-metal; sys_platform == 'darwin' and platform_machine == 'arm64'"]
[dependency-groups]
dev = ["pytest"]
""",
    "science": """requires-python = ">=3.11"
dependencies = ["scikit-learn", "xgboost", "pandas"]
""",
    "torch": """requires-python = ">=3.11"
dependencies = ["torch"]
""",
    "web": """requires-python = ">=3.11"
dependencies = ["uvicorn[standard]", "psycopg2-binary", "antlr4-python3-runtime==4.9.3"]
""",
    "old": """requires-python = ">=3.11"
dependencies = ["grpcio<1.60", "cryptography", "pyobjc-core; sys_platform == 'darwin'"]
""",
}

#: Our target -> uv's name of it; uv takes the macOS version from MACOSX_DEPLOYMENT_TARGET.
PLACES = {
    "macosx_14_0_arm64": "aarch64-apple-darwin",
    "macosx_14_0_x86_64": "x86_64-apple-darwin",
    "macosx_11_0_arm64": "aarch64-apple-darwin",
    "manylinux_2_17_x86_64": "x86_64-manylinux2014",
    "manylinux_2_28_aarch64": "aarch64-manylinux_2_28",
    "win_amd64": "x86_64-pc-windows-msvc",
}


@dataclass(frozen=True)
class Locked:
    uv: str
    pylock: str


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Locked]:
    if UV is None:
        pytest.skip("needs uv")
    found = {}
    for name, body in PROJECTS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "pyproject.toml").write_text(f'[project]\nname = "demo-{name}"\nversion = "1"\n{body}')
        run(folder, "lock")
        run(folder, "export", "--quiet", "--format", "pylock.toml", "-o", "pylock.toml")
        found[name] = Locked(str(folder / "uv.lock"), str(folder / "pylock.toml"))
    return found


def run(folder: Path, *arguments: str) -> None:
    assert UV
    done = subprocess.run([UV, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def lacking(checks: tuple[Check, ...]) -> set[str]:
    """The packages that cannot be installed; a tensorflow-metal that installs and then does not load is another matter."""
    uninstallable = {"no-wheel-for-target", "source-only", "lock-excludes-target"}
    return {check.subject.split("::")[1] for check in checks if uninstallable & {finding.rule for finding in check.findings}}


def uv_says(lock: str, target: str, python: str, folder: Path) -> tuple[set[str], str]:
    """Return name==version of what uv would install, and what it says; nothing where it refuses."""
    assert UV
    command = [UV, "pip", "install", "--dry-run", "--target", str(folder), "--only-binary", ":all:", "-r", lock]
    command += ["--python-platform", PLACES[target], "--python-version", python]
    environment = dict(os.environ)
    if target.startswith("macosx"):
        environment["MACOSX_DEPLOYMENT_TARGET"] = ".".join(target.split("_")[1:3])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    installs = set(re.findall(r"^ \+ (\S+==\S+)", done.stderr, re.MULTILINE))
    return (installs if done.returncode == 0 else set()), done.stderr


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("target", PLACES)
@pytest.mark.parametrize("project", PROJECTS)
def test_agrees_with_the_installer(project: str, target: str, python: str, locked: dict[str, Locked], tmp_path: Path) -> None:
    environment, checks = inspect_lock(locked[project].pylock, Target.parse(target), python)
    installs, said = uv_says(locked[project].pylock, target, python, tmp_path / "nowhere")
    wanted = {f"{dist.name}=={dist.version}" for dist in environment.distributions}
    missing = lacking(checks)
    assert bool(installs) is not bool(missing), (missing, said)
    if installs:
        assert installs == wanted
    else:
        assert any(name in said for name in missing), (missing, said)

    _, checks_uv = inspect_lock(locked[project].uv, Target.parse(target), python)
    assert {check.subject.split("::", 1)[1] for check in checks_uv} == {check.subject.split("::", 1)[1] for check in checks}
    assert lacking(checks_uv) == missing


def test_tensorflow_on_apple_silicon(locked: dict[str, Locked]) -> None:
    for path in (locked["tensorflow"].uv, locked["tensorflow"].pylock):
        _, checks = inspect_lock(path, Target.parse("macosx_14_0_arm64"), "3.12")
        assert lacking(checks) == set()
        assert [finding.rule for check in checks for finding in check.findings] == ["plugin-incompatible"]
        _, checks = inspect_lock(path, Target.parse("macosx_14_0_arm64"), "3.13")
        assert lacking(checks) == {"tensorflow-metal"}
        _, checks = inspect_lock(path, Target.parse("macosx_14_0_x86_64"), "3.12")
        assert "tensorflow" in lacking(checks)


OTHERS = {
    "poetry": (
        "poetry>=2.1",
        ["poetry", "lock"],
        ["poetry", "install", "--dry-run", "--no-root"],
        r"Installing ([\w-]+) \([^)]+\)$",
    ),
    # Its newer releases ask for versions of their libraries that do not go together.
    "pdm": (
        "pdm==2.22.4 unearth==0.17.3 hishel==0.0.33 httpx<0.28",
        ["pdm", "lock"],
        ["pdm", "sync", "--dry-run", "--no-self"],
        r"^ +- ([\w-]+) \S+$",
    ),
}


@pytest.mark.parametrize("tool", OTHERS)
def test_other_tools_choose_the_same_packages(tmp_path: Path, tool: str) -> None:
    """A lock that the tool writes here, and what it says that it would install here."""
    assert UV
    requirements, lock, dry, pattern = OTHERS[tool]
    environment, project = tmp_path / "tool", tmp_path / "project"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True, timeout=60)
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", str(environment), *requirements.split()], check=True, timeout=600
    )
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.10,<3.13"\n'
        'dependencies = ["regex", "tensorflow-metal; sys_platform == \'darwin\'", "colorama; sys_platform == \'win32\'"]\n'
        '[project.optional-dependencies]\nplot = ["pillow"]\n[dependency-groups]\ndev = ["msgpack"]\n'
        f'[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "simple"\nurl = "{package_index()}"\n'
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{package_index()}"\n'
    )
    full = os.environ | {"PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])}

    def run(command: list[str]) -> str:
        done = subprocess.run(command, cwd=project, env=full, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run(lock)
    would = {name.lower() for line in run(dry).splitlines() for name in re.findall(pattern, line.rstrip())}
    found = inspect(str(project / f"{tool}.lock"))
    assert {one.name for one in found.distributions} == would == {"regex", "msgpack"}
    assert found.findings == ()
    mac = inspect(str(project / f"{tool}.lock"), "macosx_14_0_arm64", python="3.12")
    assert {one.name for one in mac.distributions} >= {"regex", "msgpack", "tensorflow-metal"}
    assert mac.findings == ()
