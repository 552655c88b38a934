"""What to type for a file that is no input, but leads to one."""

from __future__ import annotations

from pytest_archcheck.rules.commands import command

_INSPECT = "pytest-archcheck"
#: A lock of a name that nobody has in use, and that says what it is.
_LOCK = "pylock.check.toml"
_CONDA = "conda's packages are looked at where they are installed"


def advice_for(path: str) -> str | None:
    """One line for what people have in their hands; None for a file that nobody would give for an environment."""
    name = path.rpartition("/")[2]
    if name.endswith(".egg"):
        unpack = command("python", "-m", "zipfile", "-e", path, "there")
        return f"an egg is a zip archive of what it installs: {unpack} && {_INSPECT} ./there"
    if name.endswith((".txt", ".in")):
        lock = command("uv", "pip", "compile", "--universal", "--format", "pylock.toml", "-o", _LOCK, path)
        return f"requirements name no files; a lock made of them does: {lock} && {_INSPECT} {_LOCK}"
    if name in ("pixi.lock", "pixi.toml"):
        return f"{_CONDA}: pixi install && {_INSPECT} .pixi/envs/default"
    if name in ("environment.yml", "environment.yaml"):
        return f"{_CONDA}: {command('conda', 'env', 'create', '--prefix', 'there', '--file', path)} && {_INSPECT} ./there"
    if name == "conda-lock.yml":
        return f"{_CONDA}: {command('conda-lock', 'install', '--prefix', 'there', path)} && {_INSPECT} ./there"
    if name in ("Pipfile", "Pipfile.lock"):
        lock = f"pipenv requirements > pinned.txt && uv pip compile --universal --format pylock.toml -o {_LOCK} pinned.txt"
        return f"it names no files; a lock made of it does: {lock} && {_INSPECT} {_LOCK}"
    if name in ("pyproject.toml", "setup.py", "setup.cfg"):
        lock = f"uv lock && {_INSPECT} uv.lock"
        return f"a project says what it wants, its lock what it gets: {lock}; or give the folder of its environment"
    if name.endswith(".zip"):
        unpack = command("python", "-m", "zipfile", "-e", path, "there")
        return f"an archive is looked at where it is unpacked: {unpack} && {_INSPECT} ./there"
    if name.endswith(".tar.gz"):
        build = command("pip", "wheel", "--no-deps", path)
        return f"of an archive only what is built from it can be inspected: {build}, then the wheel"
    return None
