"""What to type for a file that is no input, but leads to one."""

from __future__ import annotations

import re

from pytest_archcheck.rules.commands import command

_INSPECT = "pytest-archcheck"
_REQUIREMENTS = re.compile(r"requirements.*\.(?:txt|in)|.*requirements\.(?:txt|in)|constraints.*\.txt")


def advice_for(path: str) -> str | None:
    """One line for what people have in their hands; None for a file that nobody would give for an environment."""
    name = path.rpartition("/")[2]
    if name.endswith(".egg"):
        unpack = command("python", "-m", "zipfile", "-e", path, "there")
        return f"an egg is a zip archive of what it installs: {unpack} && {_INSPECT} there"
    if _REQUIREMENTS.fullmatch(name):
        lock = command("uv", "pip", "compile", "--universal", "--format", "pylock.toml", "-o", "pylock.toml", path)
        return f"requirements name no files; a lock made of them does: {lock} && {_INSPECT} pylock.toml"
    if name == "pixi.lock":
        return f"conda's packages are looked at where they are installed: pixi install && {_INSPECT} .pixi/envs/default"
    if name in ("conda-lock.yml", "environment.yml", "environment.yaml"):
        return (
            f"conda's packages are looked at where they are installed: conda env create --prefix there, then {_INSPECT} there"
        )
    if name in ("Pipfile", "Pipfile.lock"):
        lock = "uv pip compile --universal --format pylock.toml -o pylock.toml requirements.txt"
        lock = f"pipenv requirements > requirements.txt && {lock}"
        return f"it names no files; a lock made of it does: {lock} && {_INSPECT} pylock.toml"
    if name in ("pyproject.toml", "setup.py", "setup.cfg"):
        lock = f"uv lock && {_INSPECT} uv.lock"
        return f"a project says what it wants, its lock what it gets: {lock}; or give the folder of its environment"
    if name.endswith((".tar.gz", ".zip")):
        build = command("pip", "wheel", "--no-deps", path)
        return f"of an archive only what is built from it can be inspected: {build}, then the wheel"
    return None
