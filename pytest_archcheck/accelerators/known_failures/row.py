"""What a row of the table holds, and the words that several of them share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

GITHUB = "https://github.com/"
TENSORFLOW = f"{GITHUB}tensorflow/tensorflow/issues/"
PYTORCH = f"{GITHUB}pytorch/pytorch/issues/"
JAX = f"{GITHUB}jax-ml/jax/issues/"

#: Cause and remedy of a process that ends with SIGILL, whether it is told by a text or by the signal.
ILLEGAL_INSTRUCTION = (
    "the processor does not have an instruction that this build uses: often x86_64 code under Rosetta, or emulated"
)
NATIVE = (
    "start a Python of the machine's own architecture, arm64 on Apple Silicon, and install the packages with it; how: "
    "pytest archcheck::environment::interpreter"
)
#: Remedy for code that macOS refuses because of its signature.
BAD_SIGNATURE = (
    "run `pytest archcheck --archcheck-select invalid-signature,unsigned-binary`: it names the files and the codesign command"
)

#: What a failure comes to, where its text alone tells; empty: the stage does at which the text was seen.
TextStatus = Literal["", "plugin-incompatible", "wrong-device", "import-failed"]


@dataclass(frozen=True, slots=True)
class Known:
    """A failure that is known by its text."""

    #: Searched for anywhere in the text; ``.`` matches line ends too.
    pattern: re.Pattern[str]
    cause: str
    remedy: str
    #: Where the text, and what helped, were seen: issues, pages, a release's own source; two of them where two were found.
    source: str
    status: TextStatus


def row(pattern: str, cause: str, remedy: str, source: str, status: TextStatus = "") -> Known:
    """A row, its pattern compiled."""
    return Known(re.compile(pattern, re.DOTALL), cause, remedy, source, status)
