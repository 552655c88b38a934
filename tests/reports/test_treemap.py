"""Tiles: areas are as the numbers, nothing overlaps, nothing is left over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_archcheck.reports.page.treemap import squarify

SIZES = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)


@given(SIZES)
def test_areas_are_as_the_numbers(sizes: list[int]) -> None:
    boxes = squarify([float(size) for size in sizes])
    numbers = sizes if any(sizes) else [1] * len(sizes)
    for size, box in zip(numbers, boxes, strict=True):
        assert box.width * box.height / 10_000 == pytest.approx(size / sum(numbers), abs=1e-6)


@given(SIZES)
def test_tiles_lie_in_the_picture_and_beside_each_other(sizes: list[int]) -> None:
    boxes = [box for box in squarify([float(size) for size in sizes]) if box.width * box.height > 1e-3]
    slack = 1e-6
    for box in boxes:
        assert -slack <= box.left
        assert box.left + box.width <= 100 + slack
        assert -slack <= box.top
        assert box.top + box.height <= 100 + slack
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = (
                one.left + one.width <= other.left + slack
                or other.left + other.width <= one.left + slack
                or one.top + one.height <= other.top + slack
                or other.top + other.height <= one.top + slack
            )
            assert apart


def test_tiles_are_nearly_square() -> None:
    boxes = squarify([float(size) for size in range(1, 40)])
    shapes = sorted(max(2 * box.width / box.height, box.height / (2 * box.width)) for box in boxes)
    assert shapes[len(shapes) // 2] < 1.6
    assert shapes[-1] < 4


def test_nothing_known_of_sizes_makes_all_equal() -> None:
    assert {round(box.width * box.height) for box in squarify([0.0, 0.0, 0.0, 0.0])} == {2500}
    assert squarify([]) == []
