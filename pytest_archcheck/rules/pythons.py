"""What to type to get a Python for the target, by how the present one was installed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_archcheck.rules.architecture import NATIVE_FORMATS
from pytest_archcheck.rules.commands import command

if TYPE_CHECKING:
    from pytest_archcheck.discover.model import Interpreter
    from pytest_archcheck.machine.target import Target


def native_python(interpreter: Interpreter, target: Target) -> str:
    """How to install a Python for the target and what to do with it."""
    minor = _minor(interpreter)
    if any(binary.format != NATIVE_FORMATS[target.system] for binary in interpreter.binaries if binary.slices):
        return f"this Python is not for {target.name}: judge packages for it in a folder: {folder_for(target, minor)}"
    if target.system == "macos" and target.architectures == ("arm64",):
        return _for_apple_silicon(interpreter, minor)
    return f"install a Python {minor} for {target.name} and make the environment anew with it"


def start_native(interpreter: Interpreter, target: Target) -> str:
    """How to get out of Rosetta: by another start where the Python holds the target's slice, else by another Python."""
    if not all(name in interpreter.architectures for name in target.architectures):
        return native_python(interpreter, target)
    command = interpreter.command or interpreter.path
    return (
        f"start it natively: arch -arm64 {command} -m pytest; if that helps, what starts it as Intel is a terminal or IDE with "
        "'Open using Rosetta', an Intel shell, or arch -x86_64"
    )


def conda_environment(subdir: str, python: str | None = None) -> str:
    """The commands that make a conda environment for a platform and keep it so; its name is the platform's."""
    interpreter = shlex.quote(f"python={python}" if python else "python")
    return (
        f"CONDA_SUBDIR={subdir} conda create -n {subdir} {interpreter}, conda activate {subdir}, "
        f"conda config --env --set subdir {subdir}"
    )


def _for_apple_silicon(interpreter: Interpreter, minor: str) -> str:
    anew = "then make the environment anew with it and install the packages again"
    threading = "t" if "t" in (interpreter.abiflags or "") else ""  # free-threaded: 3.13t to uv and pyenv
    name = f"cpython-{minor}{threading}-macos-aarch64"
    if interpreter.path.endswith("-intel64"):  # python.org's launcher that always takes the Intel slice
        return f"use {interpreter.path.removesuffix('-intel64')} instead of {interpreter.path}: {anew}"
    if interpreter.provider == "python.org":
        return f"install the universal2 package of Python {minor} from python.org/downloads/macos over it, {anew}"
    if interpreter.provider == "homebrew":
        return (
            "this one is of the Intel Homebrew in /usr/local: install Homebrew from brew.sh in a native terminal (it goes to "
            f"/opt/homebrew), /opt/homebrew/bin/brew install python@{minor}, {anew}"
        )
    if interpreter.provider == "conda":
        return (
            f"make a conda environment for Apple Silicon: {conda_environment('osx-arm64', minor)}, and install the packages "
            "there"
        )
    if interpreter.provider == "uv":
        return f"uv python install {name}, uv venv --clear --python {name}, and install the packages again"
    if interpreter.provider == "pyenv":
        full = f"{interpreter.version or minor}{threading}"
        return f"in a native terminal: arch -arm64 pyenv install --force {full}, {anew}"
    if interpreter.provider == "xcode":
        return f"update Apple's developer tools (xcode-select --install), {anew}"
    return (
        f"install a Python {minor} for Apple Silicon (uv python install {name}, or the universal2 "
        f"package of python.org/downloads/macos), {anew}"
    )


#: The profiles of manylinux that uv knows by name, beside its own choice for plain Linux.
_UV_MANYLINUX = frozenset(["17", "28", *map(str, range(31, 41))])


def uv_platform(target: Target) -> str | None:
    """The target as ``uv pip install --python-platform`` takes it; None for one that uv does not know."""
    if len(target.architectures) != 1:
        return None
    architecture = {"arm64": "aarch64"}.get(target.architecture, target.architecture)
    if target.system == "macos":
        return f"{architecture}-apple-darwin"
    if target.system == "windows":
        return f"{architecture}-pc-windows-msvc"
    if architecture not in ("x86_64", "aarch64"):
        return None
    if target.libc and target.libc[0] == "musl":
        return f"{architecture}-unknown-linux-musl"
    major, _, minor = target.libc[1].partition(".") if target.libc else ("", "", "")
    known = major == "2" and minor in _UV_MANYLINUX
    return f"{architecture}-manylinux_2_{minor}" if known else f"{architecture}-unknown-linux-gnu"


def folder_for(target: Target, minor: str | None) -> str:
    """How to fill a folder with packages for a target and judge it there, from any machine."""
    platform = uv_platform(target)
    judge = command("pytest-archcheck", f"--archcheck-target={target.tag}", "there")
    if platform is None:
        return f"fill a folder with wheels for {target.name}, then {judge}"
    version = ("--python-version", minor) if minor else ()
    variables = {"MACOSX_DEPLOYMENT_TARGET": target.os_version} if target.os_version else {}
    words = ("uv", "pip", "install", "--target", "there", "--python-platform", platform, *version, "--only-binary", ":all:")
    return f"{command(*words, '-r', 'requirements.txt', **variables)} && {judge}"


def _minor(interpreter: Interpreter) -> str:
    return ".".join((interpreter.version or "3").split(".")[:2])
