"""What a wheel does not hold: a library that another distribution may bring.

A wheel is read alone. torchvision's modules link to libraries of torch, PySide6-Addons' to those of PySide6-Essentials; some
say so in Requires-Dist, some do not. A loader finds such a library by an rpath into the other distribution's folder, or because
importing that one has loaded it before. Nobody can tell from here, so it is said, and held against nobody.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_archcheck.discover.model import Environment
    from pytest_archcheck.findings import Severity

#: Libraries that distributions bring for others to link to, also where the other one does not require them: torch-scatter does
#: not require torch, tensorflow-io-gcs-filesystem requires tensorflow as an extra only.
_SHARED = re.compile(
    r"lib(?:c10|torch|shm|tensorflow|arrow|parquet|python3|shiboken|pyside|Qt\dC|jax|xla|tvm|mkl|iomp5|tbb|cu[a-z]+|nv[a-z]+|nccl"
    r"|mpi|omp)[^/]*"
)
#: Where delocate and auditwheel put what they bundle; nobody else's file lies there.
_BUNDLED = ("/.dylibs/", ".libs/")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAMED = 3


def nobody(_library: str) -> None:
    """Nobody may bring a library: the environment is complete."""
    return


def who_brings(environment: Environment) -> Callable[[str], str | None]:
    """Return what names those who may bring a library to an environment, None for nobody: only a wheel is incomplete."""
    if environment.kind != "wheel":
        return nobody
    requires = [match[0] for project in environment.projects for line in project.requires if (match := _NAME.match(line))]
    names = list(dict.fromkeys(requires))

    def brings(library: str) -> str | None:
        if any(folder in library for folder in _BUNDLED):
            return None
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            return f"one of the distributions that it requires ({', '.join(names[:_NAMED])}{more})"
        if _SHARED.fullmatch(library.rpartition("/")[2]):
            return "a distribution that is imported before it"
        return None

    return brings


def judge_elsewhere(asks: str, who: str, wheel: str) -> tuple[str, Severity, str, str]:
    """Return rule, severity, message and remedy for a library that another distribution may bring to that wheel."""
    message = f"{asks}, which is not in the wheel; {who} may bring it: that was not looked at"
    name = shlex.quote(wheel.rpartition("/")[2])
    remedy = f"to look there: pip install --target=all {name}, then pytest --archcheck-path=all"
    return "library-outside-environment", "note", message, remedy
