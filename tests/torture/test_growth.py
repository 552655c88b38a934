"""What is made to take long or much grows with its bytes, no faster, and stays within bounds."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.hostile import CHILD, GROWING, TARGET

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory was used")

#: Ten times the input takes ten times as long; four times ten is noise of a busy machine, a square would take a hundred times.
#: Real figures: docs/evidence.md.
TIMES, SECONDS, MEGABYTES = 40, 0.5, 100


@pytest.mark.parametrize("name", GROWING)
def test_ten_times_the_input(name: str, tmp_path: Path) -> None:
    make, size = GROWING[name]
    paths = [make(tmp_path / str(scale), scale * size) for scale in (1, 10)]
    command = [sys.executable, "-c", CHILD, TARGET, *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    (small, before), (large, after) = (map(float, line.split()) for line in ended.stdout.splitlines())
    assert large < TIMES * small + SECONDS
    assert after - before < MEGABYTES << 10


#: Inspects the paths one after the other; prints how many bytes were held at most for each.
_PEAK = """
import sys, tracemalloc
from pytest_archcheck.inspection import Request, run

for path in sys.argv[2:]:
    tracemalloc.start()
    run(Request(paths=(path,), target=sys.argv[1]))
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


def test_a_distribution_takes_less_than_a_kilobyte(tmp_path: Path) -> None:
    """So that a hundred thousand of them stay below 100 MB."""
    make, _ = GROWING["distributions"]
    paths = [make(tmp_path / str(size), size) for size in (10, 3_000)]
    command = [sys.executable, "-c", _PEAK, TARGET, *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    _, many = map(int, ended.stdout.split())
    assert many / 3_000 < 1_000
