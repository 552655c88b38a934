"""What may be asked of a probe or a benchmark: the settings, each checked before a child is started."""

from __future__ import annotations

import math
import os
import sys
from typing import NamedTuple

from pytest_archcheck import limits

#: Element types of a benchmark, and their bytes.
DTYPES = {"float16": 2, "float32": 4, "float64": 8}

#: float64 copies for the reference: both inputs, their magnitudes, product, scale and difference.
_REFERENCE_COPIES = 7
#: Matrices of the tested type that live at once on the CPU: inputs, two steps of a chain, what was read back.
_COPIES = 6


class AcceleratorSettings(NamedTuple):
    """Every setting of probes and benchmarks, checked."""

    #: Rows and columns of the benchmark's matrices.
    size: int
    #: The least GFLOP/s, and how many times as fast as the CPU; None: no gate.
    min_gflops: float | None
    min_speedup: float | None
    #: Seconds that one child may take.
    timeout: float

    @property
    def gated(self) -> bool:
        """True where a speed is asked for."""
        return self.min_gflops is not None or self.min_speedup is not None


def matrix_size(value: object, memory: int | None, dtype: str = "float32") -> int:
    """Return the number of rows (and columns) of the benchmark's matrices.

    :param value: an int, or its text.
    :param memory: bytes of this machine; None where they are not known.
    :raises ValueError: it is no whole number, too small, or too large for this machine; the message says what was expected.
    """
    size = _whole_number(value)
    if size is None or not 1 <= size <= limits.MATRIX_ROWS:
        raise ValueError(f"got {value!r}, expected a whole number from 1 to {limits.MATRIX_ROWS}: rows of a square matrix")
    needed = size * size * (_COPIES * DTYPES[dtype] + _REFERENCE_COPIES * 8)
    if memory is not None and needed > memory:
        raise ValueError(
            f"got {value!r}, expected a size whose matrices fit into this machine's {memory / 1e9:.1f} GB; "
            f"they need {needed / 1e9:.1f} GB"
        )
    return size


def timeout(value: object) -> float:
    """Return a deadline in seconds.

    :raises ValueError: it is no number above 0; the message says what was expected.
    """
    seconds = _number(value)
    if seconds is None or not 0 < seconds <= limits.DEADLINE_SECONDS:
        raise ValueError(f"got {value!r}, expected seconds above 0 and at most {limits.DEADLINE_SECONDS}")
    return seconds


def gate(value: object) -> float | None:
    """Return a gate (GFLOP/s, or times faster than the CPU); None for an empty text: no gate.

    :raises ValueError: it is no number above 0; the message says what was expected.
    """
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None or number <= 0:
        raise ValueError(f"got {value!r}, expected a number above 0, or nothing for no gate")
    return number


def machine_memory() -> int | None:
    """Return the bytes of physical memory; None where the system does not say."""
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _whole_number(value: object) -> int | None:
    try:
        return int(str(value).strip())
    except ValueError:
        return None


def _number(value: object) -> float | None:
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None
