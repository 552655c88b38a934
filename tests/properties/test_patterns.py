"""Every regular expression of the package takes time by the length of its text, whatever that is."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pytest_archcheck

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a pattern may take for the beginning of its own.
BEGINNINGS = (
    "", "a", "lib", "libx.so", "libpython3", "subdir:", "subdir", "name:", "version", "extra", "extra ==", "extra=='", "/",
    "x.data/", "/cpython-3.1", "/lib/python3", "_x.cpython-3", "macosx_", "1.", "__editable__", "pylock.", "__Z", "error:",
    "tensorflow", "Could not", "dlopen(", "symbol", "Traceback", "Library not loaded: ", "a: ", "<", "-",
)  # fmt: skip
#: What follows, again and again: white space, and what separates in names, paths, versions, tags and TOML.
REPEATED = (
    " ", "\t", "\n", ".", "-", "_", "/", "a", "A", "0", "1.", ".1", "a.", "-a", "_a", "a/", "a=", '"', "'", "\\", '\\"', "{",
    "[", "(", "%(", "\r\n", " \n", ": ", "x86", "lib", ".so", ".1", "@", "a@", "::", "*", "__Z", "a b ", "import ", "TF_",
)  # fmt: skip
#: Times that it follows. Work that goes by the length takes a tenth of a millisecond; by its square, ten or more.
SIZE, SECONDS = 1_000, 0.006
#: Patterns that meet short texts only, and how long those can be.
SHORT = {
    "binaries.archive._KINDS": 512,  # the first bytes of a file
    "plugin.allowlist._LINE": 1_000,  # longer lines are refused
    "reports.sarif._NAMING": 255,  # names of files
}
SOURCES = "".join(path.read_text("utf-8") for path in Path(pytest_archcheck.__path__[0]).rglob("*.py"))


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled pattern in the package, by the module and name that hold it."""
    for found in pkgutil.walk_packages(pytest_archcheck.__path__, "pytest_archcheck."):
        if found.name.endswith("__main__") or ".child" in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            for number, pattern in enumerate(_in(value)):
                yield f"{found.name.partition('.')[2]}.{name}.{number}", pattern


def _in(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _in(list(value.values()))
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _in(one)
    elif hasattr(value, "pattern") and isinstance(value.pattern, re.Pattern):
        yield value.pattern


PATTERNS = {pattern.pattern: (name, pattern) for name, pattern in patterns()}


def _takes(pattern: re.Pattern[Any], text: str, *, anywhere: bool) -> float:
    subject: Any = text if isinstance(pattern.pattern, str) else text.encode()
    begin = time.process_time()
    if anywhere:
        deque(pattern.finditer(subject), maxlen=0)
    else:
        pattern.match(subject)
        pattern.fullmatch(subject)
    return time.process_time() - begin


@pytest.mark.parametrize(("name", "pattern"), PATTERNS.values(), ids=[name for name, _ in PATTERNS.values()])
def test_the_work_goes_by_the_length(name: str, pattern: re.Pattern[Any]) -> None:
    place, _, own = name.rpartition(".")[0].rpartition(".")
    uses = set(re.findall(rf"\b{own}\.(\w+)\(", SOURCES))
    anywhere = not uses <= {"match", "fullmatch"} or not uses  # those in tables are asked by another name
    short = SHORT.get(f"{place}.{own}")
    for begin in BEGINNINGS[: None if short is None else 2]:  # what may take a tenth of a second is not asked a thousand times
        for repeated in REPEATED:
            text = (begin + repeated * SIZE)[:short] + "!"
            if _takes(pattern, text, anywhere=anywhere) > SECONDS:  # or somebody else took the processor: asked again
                taken = min(_takes(pattern, text, anywhere=anywhere) for _ in range(3))
                assert taken < (SECONDS if short is None else 0.2), (begin, repeated)
