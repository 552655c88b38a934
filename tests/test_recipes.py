"""The recipes: each can be read by the program that it is for, and what can be run here is run as it is written."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import elfs, pythons
from support.machos import bundle
from support.wheels import write_wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

    Gate = Callable[["Shop"], subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
#: Title of a recipe -> (language, text) of its blocks.
RECIPES: dict[str, list[tuple[str, str]]] = {
    title: _FENCE.findall(body) for title, _, body in (part.partition("\n") for part in _PAGE.split("\n## ")[1:])
}
GITHUB = [title for title in RECIPES if title.startswith("GitHub")]
#: Those that need a program which cannot be had everywhere; the page says so of each.
NOT_RUN = {"conda", "pixi", "VS Code", "One list of accepted findings for two machines"}
REQUIREMENTS = "numpy==2.2.6\n"


def block(title: str, language: str) -> str:
    return next(text for name, text in RECIPES[title] if name == language)


def commands(text: str) -> list[str]:
    """The lines behind ``$``, continued lines joined."""
    return [line[2:] for line in text.replace("\\\n", " ").splitlines() if line.startswith("$ ")]


# -- what can be read


@pytest.mark.parametrize("title", RECIPES)
def test_each_block_is_what_it_says(title: str) -> None:
    readers: dict[str, Any] = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}
    assert RECIPES[title]
    for language, text in RECIPES[title]:
        if language in readers:
            assert readers[language](text)
        elif language == "python":
            compile(text, title, "exec")
        elif language == "console":
            assert commands(text)
        else:
            assert language == "ini"


@pytest.mark.parametrize("title", GITHUB)
def test_a_workflow_says_when_it_runs(title: str) -> None:
    workflow = yaml.safe_load(block(title, "yaml"))
    assert workflow[True] == ["push", "pull_request"]  # YAML 1.1 reads the key "on" as true
    assert all(("run" in step) != ("uses" in step) for step in workflow["jobs"]["archcheck"]["steps"])


def test_the_gate_of_the_readme_is_one_of_the_recipes() -> None:
    text = dict(_FENCE.findall((ROOT / "README.md").read_text("utf-8")))["yaml"]
    shown, recipe = yaml.safe_load(text), yaml.safe_load(block("GitHub Actions, on Ubuntu for a Mac", "yaml"))
    assert shown["jobs"]["archcheck"]["steps"] == recipe["jobs"]["archcheck"]["steps"]


def test_the_action_and_the_hook_name_commands_that_exist() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    text = "".join(step["run"] for step in action["runs"]["steps"])
    named = {name.replace("_", "-") for name in re.findall(r"ARCHCHECK_(\w+)", text)}
    assert {name.lower() for name in named} == set(action["inputs"])
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert hook["entry"] in scripts
    names = re.compile(hook["files"])
    assert all(names.search(name) for name in ("uv.lock", "sub/uv.lock", "pylock.toml", "pylock.ci.toml", "poetry.lock"))
    assert not names.search("xuv.lock")


# -- what is run as it is written


@dataclass(frozen=True)
class Shop:
    """A project, an environment with the tools of the recipes, and this project's wheel where installers find it."""

    folder: Path
    tools: Path
    wheels: Path

    def run(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        links = " ".join(filter(None, [str(self.wheels), os.environ.get("PIP_FIND_LINKS")]))
        dropped = ("PYTEST_", "PYTHON", "GITHUB_", "VIRTUAL_ENV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | {
            "PATH": f"{self.tools / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_FIND_LINKS": links,
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_PROGRESS": "1",
        }
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True, capture_output=True, timeout=600)


@pytest.fixture(scope="module")
def equipment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    wheels, tools = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("tools") / "venv"
    _uv("build", "--wheel", "--out-dir", str(wheels), str(ROOT))
    _uv("venv", "--seed", "--python", sys.executable, str(tools))
    _uv("pip", "install", "--python", str(tools / "bin" / "python"), "nox", "pre-commit", "tox", "uv")
    return tools, wheels


@pytest.fixture
def shop(equipment: tuple[Path, Path], tmp_path: Path) -> Shop:
    """A project with requirements and a lock, and with a conftest file that ends any run of pytest which reads it."""
    tools, wheels = equipment
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "conftest.py").write_text("raise SystemExit('the conftest of the project was read')\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1.0"\nrequires-python = ">=3.10"\ndependencies = ["numpy==2.2.6"]\n'
        '[tool.pytest.ini_options]\naddopts = "--no-such-option"\n'
    )
    # Each test has a copy: what one recipe installs, no other finds.
    mine = tmp_path / "tools"
    shutil.copytree(tools, mine, symlinks=True)
    for script in (mine / "bin").iterdir():
        if script.is_file() and not script.is_symlink() and (text := script.read_bytes()).startswith(b"#!"):
            script.write_bytes(text.replace(os.fsencode(tools), os.fsencode(mine)))
    return Shop(folder, mine, wheels)


def _good(done: subprocess.CompletedProcess[str], *said: str) -> None:
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "the conftest of the project was read" not in text
    assert not [words for words in said if words not in text], text


def _steps(job: dict[str, Any]) -> str:
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.compatibility
@pytest.mark.parametrize("title", GITHUB)
def test_a_workflow_runs(shop: Shop, title: str) -> None:
    if "lock" in title:
        _good(shop.run("uv lock"))
    job = yaml.safe_load(block(title, "yaml"))["jobs"]["archcheck"]
    _good(shop.run(_steps(job), **job.get("env", {})), "passed")


@pytest.mark.compatibility
def test_the_gate_stops_an_intel_package(shop: Shop) -> None:
    (shop.folder / "requirements.txt").write_text("numpy==2.2.6\n")
    job = yaml.safe_load(block("GitHub Actions, on Ubuntu for a Mac", "yaml"))["jobs"]["archcheck"]
    steps = _steps(job).replace("aarch64-apple-darwin", "x86_64-apple-darwin")
    summary = shop.folder / "summary.md"
    done = shop.run(steps, GITHUB_STEP_SUMMARY=str(summary), **job["env"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::numpy - wrong-architecture" in done.stdout
    assert "::error" in done.stdout
    assert "wrong-architecture" in summary.read_text("utf-8")


@pytest.mark.compatibility
def test_gitlab(shop: Shop) -> None:
    job = yaml.safe_load(block("GitLab", "yaml"))["archcheck"]
    _good(shop.run("\n".join(job["script"]), **job["variables"]), "passed")
    assert (shop.folder / job["artifacts"]["reports"]["junit"]).is_file()


@pytest.mark.compatibility
def test_pre_commit(shop: Shop) -> None:
    (shop.folder / ".pre-commit-config.yaml").write_text(block("pre-commit", "yaml"))
    home = str(shop.folder.parent / "pre-commit-home")
    _good(shop.run("uv lock; git init --quiet; git add .; pre-commit run", PRE_COMMIT_HOME=home), "Passed")


@pytest.mark.compatibility
def test_nox(shop: Shop) -> None:
    (shop.folder / "noxfile.py").write_text(block("nox", "python"))
    _good(shop.run("nox --session archcheck"), "passed", "was successful")


@pytest.mark.compatibility
def test_tox(shop: Shop) -> None:
    (shop.folder / "tox.ini").write_text(block("tox", "ini"))
    _good(shop.run("tox -e archcheck"), "passed", "OK")


@pytest.mark.compatibility
def test_uv(shop: Shop) -> None:
    run, tool = (commands(text)[0] for language, text in RECIPES["uv"] if language == "console")
    cache = {"UV_TOOL_DIR": str(shop.folder.parent / "uv-tools")}
    _good(shop.run(f"uv sync; {run}", **cache), "passed")
    _good(shop.run(tool, **cache), "passed")


#: What cibuildwheel does after each wheel, by its own code: it reads the settings, fills in the command and runs it.
_AUDIT = """
import os, sys
from pathlib import Path
from cibuildwheel.audit import run_audit
from cibuildwheel.options import CommandLineArguments, compute_options
options = compute_options("linux", CommandLineArguments.defaults(), dict(os.environ))
Path("tmp").mkdir(exist_ok=True)
run_audit(tmp_dir=Path("tmp"), build_options=options.build_options("cp312-manylinux_x86_64"), wheel=Path(sys.argv[1]))
"""


@pytest.mark.compatibility
@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the broken module is for Linux x86_64")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="cibuildwheel asks for Python 3.11")
def test_cibuildwheel_itself(shop: Shop) -> None:
    with (shop.folder / "pyproject.toml").open("a") as file:
        file.write(block("Wheels before they are published: cibuildwheel", "toml"))
    (shop.folder / "audit.py").write_text(_AUDIT)
    _good(shop.run("pip install --quiet cibuildwheel; pip download --quiet --no-deps --dest dist numpy==2.2.6"))
    by_uv = {"CIBW_BUILD_FRONTEND": "build[uv]"}  # by itself it fetches a program from the web to make the environment
    _good(shop.run("python audit.py dist/*.whl", **by_uv), "Running audit command: pytest-archcheck dist/", "passed")
    files: dict[str, bytes | str] = {"demo/_x.abi3.so": elfs.shared("aarch64", needed=())}
    broken = write_wheel(shop.folder / "broken", "demo", files, tag="cp310-abi3-linux_x86_64")
    done = shop.run(f"python audit.py {broken}", **by_uv)
    assert done.returncode != 0, done.stdout + done.stderr
    assert "wrong-architecture" in done.stdout + done.stderr
    assert "Audit command failed" in done.stdout + done.stderr


@pytest.mark.compatibility
@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the broken module is for Linux x86_64")
def test_the_gate_of_uv_run_stops_on_a_module_without_its_library(shop: Shop) -> None:
    run = next(commands(text)[0] for language, text in RECIPES["uv"] if language == "console")
    project = (shop.folder / "pyproject.toml").read_text().replace('"demo"', '"project"')
    (shop.folder / "pyproject.toml").write_text(project.replace("numpy==2.2.6", "demo==1.0"))
    links = os.pathsep.join([str(shop.wheels), str(Path(_broken_wheel(shop.folder / "broken")).parent)])
    done = shop.run(run, UV_FIND_LINKS=links.replace(os.pathsep, ","))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "missing-library: 1 file needs libnowhere.so.1" in done.stdout + done.stderr


@pytest.mark.compatibility
def test_cibuildwheel_and_docker_without_their_containers(shop: Shop) -> None:
    audit = tomllib.loads(block("Wheels before they are published: cibuildwheel", "toml"))["tool"]["cibuildwheel"]
    fetch = "pip download --quiet --no-deps --only-binary :all: --dest dist numpy==2.2.6"
    install = f"pip install --quiet {' '.join(audit['audit-requires'])}"
    _good(shop.run(f"{fetch}; {install}; {audit['audit-command'].replace('{wheel}', 'dist/*.whl')}"), "passed")
    inside = re.search(r"'(.*)'", commands(block("Docker on Apple Silicon", "console"))[0])
    assert inside
    _good(shop.run(inside[1].replace("/src/", f"{shop.folder}/")), "passed")


def _commands(title: str) -> list[str]:
    return commands(block(title, "console"))


def _written(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert document["scan"].pop("seconds") > 0
    return document


@pytest.mark.compatibility
def test_thousands_of_wheels(shop: Shop) -> None:
    """On two cores, on two machines, in two shards: the report is the same, with one wheel that is broken in one of twenty."""
    mirror = shop.folder / "mirror"
    for number in range(20):
        write_wheel(mirror / f"p{number}", f"p{number}", {f"p{number}/_a.so": bundle("x86_64" if number == 7 else "arm64")})
    install, together = _commands("Thousands of wheels")
    done = shop.run(f"{install}; pytest-archcheck mirror --archcheck-json=alone.json || echo ended with $?; {together}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ended with 1" in done.stdout
    whole = _written(shop.folder / "alone.json")
    assert (whole["verdict"], len(whole["distributions"])) == ("fail", 20)
    assert _written(shop.folder / "wheels.json") == whole

    (shop.folder / "pyproject.toml").unlink()  # a job that only looks at wheels has no project
    install, *parts, join = _commands("Thousands of wheels, in the shards of a CI job")
    _good(shop.run(install))
    assert sorted(shop.run(part).returncode for part in parts) == [0, 1]
    done = shop.run(join)
    assert (done.returncode, done.stderr) == (1, "part-1: fail, 1 check with errors\n")
    assert _written(shop.folder / "wheels.json") == whole
    text = (shop.folder / "part-2.json").read_text("utf-8")
    (shop.folder / "part-2.json").write_text(text.replace('"schema_version": 1', '"schema_version": 2'))
    done = shop.run(join)
    assert (done.returncode, "part-2.json" in done.stderr, "schema_version 2, expected 1" in done.stderr) == (4, True, True)


@pytest.mark.compatibility
def test_thousands_of_wheels_on_two_machines(shop: Shop) -> None:
    mirror = shop.folder / "mirror"
    for number in range(20):
        write_wheel(mirror, f"p{number}", {f"p{number}/_a.so": bundle("arm64")})
    other = shop.folder.parent / "other"
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    python = next(found for version in pythons.PYTHONS if version != mine and (found := pythons.find(version)))
    _good(shop.run(_commands("Thousands of wheels")[0]))
    versions = shop.run("python -m pip list --format=freeze | grep -E '^(pytest|pytest-xdist)=='").stdout.split()
    _uv("venv", "--python", python.executable, str(other))
    _uv("pip", "install", "--python", str(other), "--find-links", str(shop.wheels), "pytest-archcheck", *versions)
    ssh = shop.tools / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\n# ssh -C HOST COMMAND\nshift 2\ncd "{other}"\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    where = shop.folder.parent / "elsewhere"
    where.mkdir()
    there = Shop(where, shop.tools, shop.wheels)
    enter, command = _commands("Thousands of wheels, on two machines")
    command = command.replace("/srv/mirror", str(mirror)).replace("/opt/check/bin/python", str(other / "bin" / "python"))
    done = there.run(f"{enter}; {command} -v")
    _good(done, "20 passed")
    assert {f"[gw{number}]" for number in range(4)} >= set(re.findall(r"^\[gw[0-3]\]", done.stdout, re.MULTILINE)) >= {"[gw2]"}
    _good(there.run(f"cd empty; pytest --archcheck-path={mirror} --archcheck-json=alone.json"))
    assert _written(where / "wheels.json") == _written(where / "empty" / "alone.json")


@pytest.mark.compatibility
def test_the_action(shop: Shop) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    _good(shop.run("uv lock"))
    inputs = {f"ARCHCHECK_{name.upper()}": given["default"] for name, given in action["inputs"].items()} | {
        "ARCHCHECK_PATH": "uv.lock\n",
        "ARCHCHECK_TARGET": "macosx_14_0_arm64",
        "ARCHCHECK_ARGUMENTS": "--archcheck-python=3.12\n-v\n",
        "GITHUB_ACTION_PATH": str(ROOT),
    }
    done = shop.run("\n".join(step["run"] for step in action["runs"]["steps"]), **inputs)
    _good(done, "archcheck::uv.lock::numpy", "passed")


# -- what surely breaks must stop a gate

#: A requirement that no index has, one whose module misses its library, and how each gate is started.
NOWHERE = "numpy==0.0.1\n"


def _broken_wheel(folder: Path) -> str:
    """A wheel that installs on this machine, and whose module needs a library that is nowhere."""
    files: dict[str, bytes | str] = {
        "demo/__init__.py": "from demo import _x\n",
        "demo/_x.abi3.so": elfs.shared(needed=("libnowhere.so.1",)),
    }
    return str(write_wheel(folder, "demo", files, tag="cp310-abi3-linux_x86_64"))


def _of_github(shop: Shop) -> subprocess.CompletedProcess[str]:
    job = yaml.safe_load(block("GitHub Actions, on a Mac", "yaml"))["jobs"]["archcheck"]
    return shop.run(_steps(job), **job.get("env", {}))


def _of_nox(shop: Shop) -> subprocess.CompletedProcess[str]:
    (shop.folder / "noxfile.py").write_text(block("nox", "python"))
    return shop.run("nox --session archcheck")


def _of_tox(shop: Shop) -> subprocess.CompletedProcess[str]:
    (shop.folder / "tox.ini").write_text(block("tox", "ini"))
    return shop.run("tox -e archcheck")


def _of_docker(shop: Shop) -> subprocess.CompletedProcess[str]:
    inside = re.search(r"'(.*)'", commands(block("Docker on Apple Silicon", "console"))[0])
    assert inside
    return shop.run(inside[1].replace("/src/", f"{shop.folder}/"))


def _of_gitlab(shop: Shop) -> subprocess.CompletedProcess[str]:
    job = yaml.safe_load(block("GitLab", "yaml"))["archcheck"]
    return shop.run("\n".join(job["script"]), **job["variables"])


@pytest.mark.compatibility
@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the broken module is for Linux x86_64")
@pytest.mark.parametrize("gate", [_of_github, _of_nox, _of_tox, _of_docker])
def test_a_gate_stops_on_a_module_without_its_library(shop: Shop, gate: Gate) -> None:
    (shop.folder / "requirements.txt").write_text(_broken_wheel(shop.folder) + "\n")
    done = gate(shop)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::demo - missing-library" in done.stdout + done.stderr


@pytest.mark.compatibility
@pytest.mark.parametrize("gate", [_of_github, _of_gitlab, _of_nox, _of_tox, _of_docker])
def test_a_gate_stops_where_the_installation_fails(shop: Shop, gate: Gate) -> None:
    (shop.folder / "requirements.txt").write_text(NOWHERE)
    done = gate(shop)
    assert done.returncode != 0
    assert "passed" not in done.stdout


@pytest.mark.compatibility
def test_the_gate_of_gitlab_stops_an_intel_package(shop: Shop) -> None:
    job = yaml.safe_load(block("GitLab", "yaml"))["archcheck"]
    script = "\n".join(job["script"]).replace("aarch64-apple-darwin", "x86_64-apple-darwin")
    done = shop.run(script, **job["variables"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::numpy - wrong-architecture" in done.stdout


@pytest.mark.compatibility
def test_the_gates_on_a_lock_stop_where_a_wheel_is_missing(shop: Shop) -> None:
    project = (shop.folder / "pyproject.toml").read_text()
    (shop.folder / "pyproject.toml").write_text(project.replace("numpy==2.2.6", "tensorflow-metal==1.1.0"))
    job = yaml.safe_load(block("GitHub Actions, a lock file", "yaml"))["jobs"]["archcheck"]
    done = shop.run("uv lock\n" + _steps(job).replace("--archcheck-python=3.12", "--archcheck-python=3.13"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::tensorflow-metal - no-wheel-for-target" in done.stdout
    (shop.folder / ".pre-commit-config.yaml").write_text(block("pre-commit", "yaml").replace("=3.12", "=3.13"))
    home = str(shop.folder.parent / "pre-commit-home")
    done = shop.run("git init --quiet; git add .; pre-commit run", PRE_COMMIT_HOME=home)
    assert done.returncode == 1
    assert "no-wheel-for-target" in done.stdout


@pytest.mark.compatibility
def test_a_variable_that_is_not_set_and_a_tool_s_own_environment(shop: Shop) -> None:
    cache = {"UV_TOOL_DIR": str(shop.folder.parent / "uv-tools")}
    done = shop.run('set +u; uvx pytest-archcheck "$NO_SUCH_VARIABLE"', **cache)
    assert done.returncode == 4, done.stdout + done.stderr
    done = shop.run("uvx pytest-archcheck", **cache)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "name the environment that is meant: pytest-archcheck .venv" in done.stdout


def test_what_is_not_run_is_named() -> None:
    assert set(RECIPES) >= NOT_RUN
    assert _PAGE.count("Not run here") == len(NOT_RUN & {"conda", "pixi"})
