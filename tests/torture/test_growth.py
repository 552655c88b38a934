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
