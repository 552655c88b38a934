"""The tools that are compared: how each is called on a tree, and what its output says."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import timing
import trees
from support import tools as programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from timing import Bench, Process
    from trees import Tree

FLOOR = "C walk and 4 KiB read"
#: delocate passes ``-m`` (the file name holds no archive member), which LLVM's otool does not know and does not need.
_OTOOL = """#!/bin/sh
for word; do shift; [ "$word" = -m ] || set -- "$@" "$word"; done
exec {otool} "$@"
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run said."""

    #: Compiled files (or, by their metadata, packages) that it looked into.
    seen: str
    #: What it called broken.
    named: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and how to use it as its users do."""

    name: str
    command: Callable[[Bench, Tree], list[str]]
    answer: Callable[[Process], Answer]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: It is ours, or the floor, and times itself: its first line is :class:`timing.Inside`'s.
    times_itself: bool = False
    #: It reads tags: what it says depends on more than the compiled files.
    reads_tags: bool = False
    #: Exit statuses of a run that did its work; 1 is how checkers say that something is wrong.
    statuses: tuple[int, ...] = (0,)
    #: Why there is no number, where it cannot run here.
    unavailable: str = ""


def all_tools(bench: Bench) -> list[Tool]:
    """Every tool, the floor first."""
    script = str(timing.HERE / "readers.py")

    def reader(library: str) -> Callable[[Bench, Tree], list[str]]:
        return lambda _, tree: [sys.executable, script, library, str(tree.site)]

    def ours(stage: str) -> Callable[[Bench, Tree], list[str]]:
        return lambda bench, tree: timing.product(stage, bench.small, tree.site)

    return [
        Tool(FLOOR, lambda bench, tree: [bench.floor, str(tree.site)], _floor_answer, times_itself=True),
        Tool("archcheck, scan only", ours("scan"), _product_answer, times_itself=True, reads_tags=True),
        Tool("archcheck, whole check", ours("check"), _product_answer, times_itself=True, reads_tags=True),
        Tool("`pytest --archcheck-path`", _pytest_command, _pytest_answer, reads_tags=True, statuses=(0, 1)),
        Tool("macholib, every file", reader("macholib"), _reader_answer),
        Tool("LIEF, quick", reader("lief-quick"), _reader_answer),
        Tool("LIEF", reader("lief"), _reader_answer),
        _file_tool(),
        _delocate_tool(bench),
        Tool("`pip check`", _pip_command, _pip_answer, reads_tags=True, statuses=(0, 1)),
        Tool(
            "`uv pip check`",
            _uv_command,
            _uv_answer,
            environment={"MACOSX_DEPLOYMENT_TARGET": "14.0"},
            reads_tags=True,
            statuses=(0, 1),
        ),
    ]


def _floor_answer(process: Process) -> Answer:
    return Answer(f"{timing.Inside.parse(process.output).files:,} read", "-")


def _product_answer(process: Process) -> Answer:
    names = process.output.splitlines()[1].split()
    return Answer(f"{timing.Inside.parse(process.output).files:,} files", ", ".join(names) or "nothing")


def _pytest_command(_: Bench, tree: Tree) -> list[str]:
    return [*timing.PYTEST, *timing.without_others(), f"--archcheck-path={tree.site}", f"--archcheck-target={timing.TARGET}"]


def _pytest_answer(process: Process) -> Answer:
    names = re.findall(r"^FAILED archcheck::(\S+)", process.output, re.MULTILINE)
    return Answer(f"{_first(r'([0-9,]+) compiled file', process)} files", ", ".join(names) or "nothing")


def _reader_answer(process: Process) -> Answer:
    unreadable = len(re.findall(r"^unreadable ", process.output, re.MULTILINE))
    seen = f"{int(_first(r'^read ([0-9]+)$', process)):,} files" + (f", {unreadable} not" if unreadable else "")
    return Answer(seen, _x86_64_only(re.findall(r"^without arm64: (.+)", process.output, re.MULTILINE)))


def _file_tool() -> Tool:
    missing = [name for name in ("find", "xargs", "file") if not shutil.which(name)]
    command = 'find "$0" -type f -print0 | xargs -0 file'
    return Tool(
        "`find` and `file`",
        lambda _, tree: ["sh", "-c", command, str(tree.site)],
        _file_answer,
        unavailable=f"not installed: {', '.join(missing)}" if missing else "",
    )


def _file_answer(process: Process) -> Answer:
    # A line a file, then one for each slice of a fat file, which begin with "FILE (for architecture x86_64):".
    lines = re.findall(r"^(.+?): +(Mach-O .*)$", process.output, re.MULTILINE)
    files = {path: kind for path, kind in lines if not path.endswith(")")}
    return Answer(f"{len(files):,} files", _x86_64_only([path for path, kind in files.items() if "arm64" not in kind]))


def _first(pattern: str, process: Process) -> str:
    """The pattern's group; output without it means that the tool did not do its work."""
    match = re.search(pattern, process.output, re.MULTILINE)
    if not match:
        sys.exit(f"no {pattern!r} in the output, status {process.status}:\n{process.output[-2000:]}")
    return match[1]


def _x86_64_only(paths: list[str]) -> str:
    return f"{len(paths)} files without arm64" if paths else "nothing"


def _delocate_tool(bench: Bench) -> Tool:
    environment = delocate_environment(bench)
    return Tool(
        "`delocate-listdeps --all`",
        lambda _, tree: [sys.executable, "-m", "delocate.cmd.delocate_listdeps", "--all", str(tree.site)],
        _delocate_answer,
        environment=environment or {},
        unavailable="" if environment is not None else "needs otool: there is neither Apple's nor LLVM's",
    )


def delocate_environment(bench: Bench) -> dict[str, str] | None:
    """Make delocate's otool of LLVM's where the system has none of its own; None: there is neither."""
    if shutil.which("otool"):
        return {}
    try:
        otool = programs.find_tool("llvm-otool")
    except pytest.skip.Exception:
        return None
    shims = bench.folder / "shims"
    shims.mkdir(exist_ok=True)
    (shims / "otool").write_text(_OTOOL.format(otool=otool))
    (shims / "otool").chmod(0o755)
    return {"PATH": os.pathsep.join([str(shims), *os.get_exec_path()])}


def _delocate_answer(process: Process) -> Answer:
    libraries = re.findall(r"^[/@]?[\w.+/@-]+$", process.output, re.MULTILINE)
    missing = set(re.findall(r"^ERROR:delocate.libsana:(\S+) not found, requested by", process.output, re.MULTILINE))
    return Answer(f"lists {_many(len(libraries), 'library', 'libraries')}", _missing(len(missing)))


def _missing(count: int) -> str:
    return f"{_many(count, 'library', 'libraries')} not found" if count else "nothing"


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _pip_command(_: Bench, tree: Tree) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(tree.python), "check"]


def _pip_answer(process: Process) -> Answer:
    # Which of them it looks for depends on its version: tags since 24.2.
    unsupported = process.output.count("is not supported on this platform")
    lacking = len(re.findall(r" requires .*, which is not installed", process.output))
    if not unsupported and not lacking:
        _first("(No broken requirements found)", process)
    answers = [
        f"{_many(unsupported, 'package', 'packages')}: not for this host" if unsupported else "",
        f"{_many(lacking, 'requirement', 'requirements')} not installed" if lacking else "",
    ]
    return Answer("metadata", ", ".join(filter(None, answers)) or "nothing")


def _uv_command(_: Bench, tree: Tree) -> list[str]:
    command = [sys.executable, "-m", "uv", "pip", "check", "--python", str(tree.python)]
    return [*command, "--python-platform", "aarch64-apple-darwin", "--python-version", trees.PYTHON]


def _uv_answer(process: Process) -> Answer:
    names = sorted(re.findall(r"The package `(\S+)` was built for a different platform", process.output))
    return Answer(f"{_first(r'Checked ([0-9]+) package', process)} packages", ", ".join(names) or "nothing")
