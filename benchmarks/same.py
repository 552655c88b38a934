"""Says whether two versions of the product say the same of every tree: findings, skips, signatures and links, compared as JSON.

    python benchmarks/same.py COMMIT              that commit and this checkout, on the trees of the corpus
    python benchmarks/same.py COMMIT COMMIT       two commits; a path of a checkout will do for each
    python benchmarks/same.py COMMIT --also PATH TAG ...   on further trees

What is only made faster must come through this unchanged. Ends with 1 where anything differs, and names the first places.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
import trees
from support import corpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ARM64, _X86_64 = timing.TARGET, "macosx_14_0_x86_64"
#: Name, where it lies, the targets that it is judged for. Of the wrong architecture nearly everything is a finding.
_TREES: tuple[tuple[str, Callable[[], Path], tuple[str, ...]], ...] = (
    ("tensorflow", corpus.arm64_tensorflow, (_ARM64,)),
    ("mixed", lambda: trees.mixed().site, (_ARM64, _X86_64)),
    ("popular", lambda: trees.popular().root, (_ARM64, _X86_64, "macosx_11_0_arm64", "macosx_14_0_universal2")),
    ("dense", lambda: trees.dense().site, (_ARM64, _X86_64)),
    ("linux", lambda: trees.linux().root, ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "host")),
    ("linux-aarch64", lambda: trees.linux_aarch64().root, ("manylinux_2_28_aarch64", "manylinux_2_28_x86_64")),
    ("this environment", lambda: Path(sys.prefix), ("host",)),
)
_SHOWN = 5
#: Everything that an inspection says but times, in the order in which it says it.
_CHILD = """
import json, sys
checkout, tree, target = sys.argv[1:]
sys.path.insert(0, checkout)
from dataclasses import asdict
import pytest_archcheck
assert pytest_archcheck.__file__.startswith(checkout), pytest_archcheck.__file__
from pytest_archcheck.inspection import inspect
from pytest_archcheck.reports.json_report import document
from pytest_archcheck.reports.outcome import Result
found = inspect(tree, target)
said = document(Result(inspection=found, outcomes=(), notes=(), complete=True))
del said["scan"]["seconds"], said["archcheck_version"]
said["signatures"] = {file: dict(kinds) for file, kinds in found.signatures.items()}
said["judged"] = [[one.subject, one.title, one.unasked, [asdict(finding) for finding in one.findings]] for one in found.checks]
json.dump(said, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class _Version:
    """One of the two."""

    name: str
    folder: Path

    def says(self, tree: Path, target: str) -> Any:  # noqa: ANN401 - any JSON
        """Inspect a tree in a process of its own."""
        return json.loads(timing.output_of([sys.executable, "-c", _CHILD, str(self.folder), str(tree), target]))


def main() -> int:
    """Compare all; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare what two versions say of the trees of the corpus.")
    parser.add_argument("before", help="a commit, or the path of a checkout")
    parser.add_argument("after", nargs="?", default=str(timing.HERE.parent), help="the same (this checkout)")
    parser.add_argument("--also", nargs=2, action="append", default=[], metavar=("PATH", "TAG"), help="a further tree")
    parser.add_argument(
        "--only", action="append", default=[], choices=[name for name, *_ in _TREES], help="of these trees only"
    )
    options = parser.parse_args()
    places = [(f"{name}, {tag}", find(), tag) for name, find, tags in _wanted(options.only) for tag in tags]
    places += [(f"{path}, {tag}", Path(path), tag) for path, tag in options.also]
    with tempfile.TemporaryDirectory() as scratch:
        before, after = (_Version(name, timing.version_of(name, Path(scratch))) for name in (options.before, options.after))
        differing = [name for name, tree, tag in places if not _is_same(name, before.says(tree, tag), after.says(tree, tag))]
    print(f"{len(places) - len(differing)} of {len(places)} are the same: {before.name} and {after.name}")
    return 1 if differing else 0


def _wanted(only: list[str]) -> Iterator[tuple[str, Callable[[], Path], tuple[str, ...]]]:
    return (entry for entry in _TREES if not only or entry[0] in only)


def _is_same(name: str, before: Any, after: Any) -> bool:  # noqa: ANN401 - any JSON
    places = list(_differences("", before, after))
    findings = sum(len(check[3]) for check in before["judged"])
    files = before["scan"]["binaries"]
    print(f"{name}: {'differs' if places else 'same'}; {findings} findings, {files} compiled files", flush=True)
    for place, one, other in places[:_SHOWN]:
        print(f"  {place}\n    before {json.dumps(one)[:300]}\n    after  {json.dumps(other)[:300]}")
    if len(places) > _SHOWN:
        print(f"  and {len(places) - _SHOWN} more")
    return not places


def _differences(place: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(f"{place}/{key}", one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{place}/{number}", *pair)
    elif one != other:
        yield place, one, other


if __name__ == "__main__":
    sys.exit(main())
