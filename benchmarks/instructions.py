"""Where an idle run's time goes, counted and not timed: instructions of a whole pytest run, by callgrind.

    python benchmarks/instructions.py

Needs valgrind. The same project, folders and arguments as ``startup.py``; one run of each after one that writes bytecode; no
random hashes, no garbage collector (when it runs depends on everything): two counts differ by less than one in ten thousand.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import startup
import timing

#: ``python -m pytest`` with the collector off.
_RUN = "import gc, sys; gc.disable(); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
_COLLECTED = re.compile(r"Collected : (\d+)")
_EXPLAINED = """\
Millions of instructions of a pytest run on one trivial test, pytest {pytest}, Python {python}, counted by callgrind with the
garbage collector off; the counts of two runs differ by less than one in ten thousand. `python benchmarks/instructions.py`.
"""


def main() -> int:
    """Print the table."""
    argparse.ArgumentParser(description="Count what the idle plugin adds to a pytest run.").parse_args()
    print(report(), end="")
    return 0


def report() -> str:
    """Count; return the table as Markdown, or what is missing."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return "Not counted: valgrind was not at hand.\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_one.py").write_text("def test_one():\n    assert True\n")
        installed = startup.install(folder)
        empty = shutil.copytree(installed[True], folder / "null")
        for module in ("__init__.py", "plugin/__init__.py"):
            (empty / "pytest_archcheck" / module).write_text("")
        without = _count(valgrind, folder, installed[False])
        kept_out = _count(valgrind, folder, installed[True], "-p", "no:pytest_archcheck")
        nothing = _count(valgrind, folder, empty)
        off = _count(valgrind, folder, installed[True])
        recorded = len((next(installed[True].glob("pytest_archcheck-*")) / "RECORD").read_text().splitlines())
    rows = [
        ["not installed", f"{without / 1e6:.1f}"],
        [f"pytest looks at the {recorded} files that pip recorded", f"{(kept_out - without) / 1e6:+.1f}"],
        ["our own: the package's face, two modules, hooks, ini values", f"{(off - kept_out) / 1e6:+.1f}"],
        ["of that, what a plugin costs whose two modules are empty", f"{(nothing - kept_out) / 1e6:+.1f}"],
    ]
    said = _EXPLAINED.format(pytest=startup.version("pytest"), python=platform.python_version())
    return f"{said}\n{timing.table(['', 'millions'], rows)}\n"


def _count(valgrind: str, folder: Path, packages: Path, *arguments: str) -> int:
    command = [sys.executable, "-S", "-c", _RUN, "-q", "-p", "no:cacheprovider", *arguments, "test_one.py"]
    environment = {"PYTHONPATH": str(packages), "PYTHONHASHSEED": "0", "PATH": ""}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    counter = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    counted = subprocess.run([*counter, *command], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return int(_COLLECTED.findall(counted.stderr)[0])


if __name__ == "__main__":
    sys.exit(main())
