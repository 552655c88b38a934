"""The table of injected faults in docs/evidence/accelerators.md: what the marked tests run, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import faults

HERE = Path(__file__).parent


def test_the_page_has_the_table() -> None:
    page = (HERE.parent.parent / "docs" / "evidence" / "accelerators.md").read_text(encoding="utf-8")
    assert faults.table() in page, f"docs/evidence/accelerators.md has to show:\n{faults.table()}"


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("plugin.c", {*(fault.name for fault in faults.DEVICE + faults.HANGS), *faults.SLOW}),
        # What is asked of it last needs no switch: it refuses whatever else it is told.
        ("pjrt.c", {fault.name for fault in faults.PJRT} - {"refuse"}),
    ],
)
def test_every_switch_of_a_device_is_tried(source: str, known: set[str]) -> None:
    text = (HERE / "device" / source).read_text(encoding="utf-8")
    assert set(re.findall(r'is_fault\("([\w-]+)"\)', text)) == known
