"""Fuzz one reader, guided by coverage: ``python fuzz/run.py TARGET --seconds 120``. See README.md beside this file."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
with atheris.instrument_imports(include=["pytest_archcheck", "tomllib"]):
    from support.readers import READERS, use_folder
    from support.seeds import seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DICTIONARIES = Path(__file__).parent / "dictionaries"
#: Real files above this size slow the fuzzer down more than they teach it.
LARGEST_SEED = 64 << 10
#: A single input that takes this long, or a process that grows so large, is reported like a crash.
SECONDS_AN_INPUT, MEGABYTES = 5, 1024
_REAL = {
    "macho": (".so", ".dylib"),
    "elf": (".so",),
    "elf_symbols": (".so",),
    "wheel": (".whl",),
    "uv_lock": ("uv.lock",),
    "pylock": (".toml",),
    "conda_meta": (".json",),
}


def real_files(target: str, folders: Iterable[Path]) -> Iterator[bytes]:
    """Small files below the folders that the reader is for, at most 200."""
    found = 0
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            fits = path.name.endswith(_REAL.get(target, ("\0",))) and path.is_file() and path.stat().st_size <= LARGEST_SEED
            if fits and found < 200:
                found += 1
                yield path.read_bytes()


def main() -> None:
    """Write the seeds, and hand over to libFuzzer: it never returns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(READERS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "archcheck-fuzz"), help="corpus and crashes")
    parser.add_argument("--real", type=Path, action="append", default=[], help="a folder of real files to begin with as well")
    given, rest = parser.parse_known_args()
    corpus, crashes = (given.work / given.target / name for name in ("corpus", "crashes"))
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for content in [*seeds()[given.target], *real_files(given.target, given.real)]:
        (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    dictionary = DICTIONARIES / f"{given.target}.dict"
    flags = [
        f"-max_total_time={given.seconds}",
        f"-timeout={SECONDS_AN_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={LARGEST_SEED + 4096}",
        f"-artifact_prefix={crashes}{os.sep}",
        "-print_final_stats=1",
        *([f"-dict={dictionary}"] if dictionary.exists() else []),
    ]
    use_folder(str(given.work / given.target / "files"))
    reader = READERS[given.target]

    def one_input(data: bytes) -> None:
        reader(data)

    # libFuzzer runs single files only where no folder is named beside them.
    folders = [] if any(os.path.isfile(one) for one in rest) else [str(corpus)]
    atheris.Setup([sys.argv[0], *flags, *rest, *folders], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
