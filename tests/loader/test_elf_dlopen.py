"""The static verdict on every extension module of a real environment, beside what the loader of this machine says.

Each module is loaded by ``dlopen`` in a process of its own, in the sound environment and in copies that are broken on purpose,
one file of every distribution at a time. The printed table is the confusion table (``pytest -s -m corpus``).
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import corpus, elf_breaks

from pytest_archcheck.discover.environments import environment_at
from pytest_archcheck.discover.interpreters import running_interpreter
from pytest_archcheck.loader.elf_links import link_elf
from pytest_archcheck.loader.elf_symbols import check_symbols
from pytest_archcheck.loader.optional import PythonSources
from pytest_archcheck.machine.host import this_host
from pytest_archcheck.rules.elf_links import judge_elf_links, judge_elf_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_archcheck.binaries.model import Binary
    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.loader.elf_links import BrokenLink, ElfLinks
    from pytest_archcheck.loader.elf_symbols import MissingSymbols

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(sys.platform != "linux", reason="needs the Linux loader")]

_CHILD = Path(__file__).parent.parent / "support" / "dlopen_child.py"
#: Each round breaks other files; one takes a minute and a half.
ROUNDS = int(os.environ.get("ARCHCHECK_DLOPEN_ROUNDS", "1"))


@pytest.fixture(scope="module")
def original() -> Path:
    """More than 40 compiled distributions for this machine and this Python."""
    machine = f"linux-{platform.machine()}"
    if machine not in corpus.UV_PLATFORMS:
        pytest.skip(f"no wheels are pinned for {machine}")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return corpus.installed("linux-popular", corpus.read_pins("linux-popular"), machine, python=python)


@pytest.fixture
def copied(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The environment again, by hard links: files are replaced there, never written to."""
    folder = corpus.cache_folder() / tmp_path_factory.mktemp("copy").name  # links do not cross file systems
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder, copy_function=os.link)
    yield folder
    shutil.rmtree(folder)


def _environment(folder: Path) -> Environment:
    return environment_at(str(folder))._replace(interpreter=running_interpreter(None)[0])


def _verdicts(environment: Environment) -> tuple[ElfLinks, dict[str, str]]:
    """Module -> the worst severity of what is said about it."""
    links = _links(environment)
    symbols = check_symbols(links, PythonSources(environment.distributions))
    owners = {binary.file: (dist, dist.name or "unowned") for dist in environment.distributions for binary in dist.binaries}
    said: dict[str, str] = {}
    judged: list[tuple[BrokenLink | MissingSymbols, Finding]] = [
        *zip(links.broken, judge_elf_links(links.broken, owners, {}), strict=True),
        *zip(symbols.missing, judge_elf_symbols(symbols.missing, owners), strict=True),
    ]
    for fact, finding in judged:
        for module in fact.importers:
            if said.get(module.file) != "error":
                said[module.file] = finding.severity
    return links, said


def _truth(modules: list[str]) -> dict[str, str | None]:
    """Module -> what dlopen said, None where it loaded."""
    child = subprocess.run(
        [sys.executable, "-I", str(_CHILD)],
        input=json.dumps(modules),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    answer: dict[str, str | None] = json.loads(child.stdout)
    return answer


def _module_paths(links: ElfLinks) -> list[str]:
    return [module.image.path for module in links.modules]


def _compared(folder: Path) -> tuple[Counter[tuple[str, str]], list[str]]:
    """(what dlopen did, what we say) -> how many modules; and those that fail and get a note only, below the folder."""
    links, said = _verdicts(_environment(folder))
    truth = _truth([module.image.path for module in links.modules])
    cells: Counter[tuple[str, str]] = Counter()
    noted = []
    for path, error in truth.items():
        cell = ("fails" if error else "loads", said.get(path, "nothing"))
        cells[cell] += 1
        if cell not in {("fails", "error"), ("loads", "nothing")}:
            _show(f"{cell}: {os.path.relpath(path, folder)}: {error}")
        if cell == ("fails", "note"):
            noted.append(os.path.relpath(path, folder))
    return cells, noted


def _prove_unneeded(noted: list[str], original: Path, copied: Path) -> None:
    """Import the package of each module that got a note while nothing else is broken: it does without the module."""
    broken = {path: (copied / path).read_bytes() for path in noted}
    _restore(original, copied)
    for path, content in broken.items():
        module = copied / path
        module.unlink()
        module.write_bytes(content)
        package = os.path.dirname(path).replace("/", ".")
        result = subprocess.run(
            [sys.executable, "-c", f"import {package}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(copied)},
        )
        assert result.returncode == 0, f"{package} was said to do without {path}, but: {result.stderr}"
        _restore(original, copied)


def _own_libraries(environment: Environment, links: ElfLinks) -> dict[str, list[tuple[str, str]]]:
    """Distribution -> (library of its own, a file that links to it) for each library that its modules bring along."""
    owner = {binary.file: dist.name or "" for dist in environment.distributions for binary in dist.binaries}
    found: dict[str, dict[str, str]] = {}
    for module in links.modules:
        for link in module.closure.links:
            library = link.image.binary if link.image else None
            if library is not None and library.role == "library" and link.user.binary and library.file in owner:
                found.setdefault(owner[library.file], {})[library.file] = link.user.path
    return {name: sorted(pairs.items()) for name, pairs in found.items()}


def _modules_of(environment: Environment, links: ElfLinks) -> dict[str, list[Binary]]:
    found: dict[str, list[Binary]] = {}
    sound = {module.image.binary.file for module in links.modules if module.image.binary and not module.closure.broken}
    for dist in environment.distributions:
        modules = [binary for binary in dist.binaries if binary.file in sound]
        if modules:
            found[dist.name or ""] = modules
    return found


def _links(environment: Environment) -> ElfLinks:
    return link_elf(environment, this_host().target(), PythonSources(environment.distributions))


def _break_library(how: Callable[[Path], object], folder: Path, chance: random.Random) -> int:
    environment = _environment(folder)
    libraries = _own_libraries(environment, _links(environment))
    for pairs in libraries.values():
        how(Path(chance.choice(pairs)[0]))
    return len(libraries)


def _break_exports(folder: Path, chance: random.Random) -> int:
    environment = _environment(folder)
    libraries = _own_libraries(environment, _links(environment))
    broken = 0
    for pairs in libraries.values():
        library, user = chance.choice(pairs)
        names = elf_breaks.shared_symbols(user, library)
        chance.shuffle(names)
        broken += any(elf_breaks.rename_symbol(Path(library), name) for name in names[:20])
    return broken


def _break_module(how: Callable[[Path, random.Random], bool], folder: Path, chance: random.Random) -> int:
    environment = _environment(folder)
    modules = _modules_of(environment, _links(environment))
    return sum(how(Path(chance.choice(own).file), chance) for own in modules.values())


def _want_unknown_function(path: Path, chance: random.Random) -> bool:
    names = elf_breaks.wanted_of_python(str(path))
    chance.shuffle(names)
    return any(elf_breaks.rename_symbol(path, name) for name in names[:20])


def _need_unknown_library(path: Path, _chance: random.Random) -> bool:
    return elf_breaks.change_needed(path)


BREAKS: dict[str, Callable[[Path, random.Random], int]] = {
    "a library is removed": partial(_break_library, elf_breaks.remove),
    "a library has another architecture": partial(_break_library, elf_breaks.swap_architecture),
    "a library has another soname and file name": partial(_break_library, elf_breaks.rename),
    "a library exports one symbol less": _break_exports,
    "a module needs an unknown library": partial(_break_module, _need_unknown_library),
    "a module wants an unknown symbol": partial(_break_module, _want_unknown_function),
}


def test_every_verdict_is_what_dlopen_says(original: Path, copied: Path) -> None:
    sound, _ = _compared(original)
    rows = [("nothing is broken", 0, sound)]
    for name, do in BREAKS.items():
        cells: Counter[tuple[str, str]] = Counter()
        broken = 0
        for number in range(ROUNDS):
            broken += do(copied, random.Random(number))  # noqa: S311 - which file is broken
            found, noted = _compared(copied)
            cells += found
            _prove_unneeded(noted, original, copied)
        rows.append((name, broken, cells))
    _print_table(rows)
    assert sound["fails", "note"] <= 1  # numba's tbbpool needs Intel TBB, which is not installed
    for name, broken, cells in rows:
        assert cells["loads", "error"] == cells["loads", "warning"] == 0, f"{name}: a false alarm"
        assert cells["fails", "nothing"] == 0, f"{name}: a break was missed"
        assert bool(cells["fails", "error"]) == bool(broken), name


def _restore(original: Path, copied: Path) -> None:
    """Put back every file that is another one than the original's."""
    for folder, _, names in os.walk(copied):
        source = original / os.path.relpath(folder, copied)
        for name in names:
            here, there = Path(folder, name), source / name
            if not there.exists() or not here.samefile(there):
                here.unlink()
    for folder, _, names in os.walk(original):
        for name in names:
            here = copied / os.path.relpath(folder, original) / name
            if not here.exists() and not here.is_symlink():
                os.link(Path(folder, name), here)


def _print_table(rows: list[tuple[str, int, Counter[tuple[str, str]]]]) -> None:
    columns = [
        ("fails", "error"),
        ("fails", "note"),
        ("fails", "nothing"),
        ("loads", "nothing"),
        ("loads", "note"),
        ("loads", "error"),
    ]
    _show(f"\n{'':45}{'broken':>7}" + "".join(f"{'/'.join(column):>15}" for column in columns))
    for name, broken, cells in rows:
        _show(f"{name:45}{broken:7}" + "".join(f"{cells[column]:15}" for column in columns))


def _show(text: str) -> None:
    print(text)  # noqa: T201 - the table is what this test is for
