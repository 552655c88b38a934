"""A picture of sizes: rectangles whose areas are as their numbers, each as square as can be.

"Squarified Treemaps", Bruls, Huizing and van Wijk, 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Box(NamedTuple):
    """A rectangle, in per cent of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float


def squarify(sizes: Sequence[float], ratio: float = 2.0) -> list[Box]:
    """Return a box for each size, in the order given; where all are nothing, all are equal.

    :param ratio: width by height of the picture, for which the boxes are made square.
    """
    if not any(size > 0 for size in sizes):
        sizes = [1.0] * len(sizes)
    total = sum(sizes)
    boxes = [Box(0.0, 0.0, 0.0, 0.0)] * len(sizes)
    order = sorted((index for index, size in enumerate(sizes) if size > 0), key=lambda index: -sizes[index])
    left, top, width, height = 0.0, 0.0, ratio, 1.0
    areas = {index: sizes[index] / total * ratio for index in order}
    begin = 0
    while begin < len(order):
        side = min(width, height)
        end, length = _row([areas[index] for index in order[begin:]], side)
        row = order[begin : begin + end]
        begin += end
        thick = length / side
        place = 0.0
        for index in row:
            extent = areas[index] / thick
            x, y, w, h = (left, top + place, thick, extent) if width >= height else (left + place, top, extent, thick)
            boxes[index] = Box(x / ratio * 100, y * 100, w / ratio * 100, h * 100)
            place += extent
        if width >= height:
            left, width = left + thick, max(width - thick, 0.0)
        else:
            top, height = top + thick, max(height - thick, 0.0)
    return boxes


def _row(areas: Sequence[float], side: float) -> tuple[int, float]:
    """How many of these fill a row along that side best, and their sum: the worst of them is as square as can be."""
    total = areas[0]
    worst = _worst(areas[0], areas[0], total, side)
    for count in range(1, len(areas)):
        more = total + areas[count]
        worse = _worst(areas[0], areas[count], more, side)
        if worse > worst:
            return count, total
        total, worst = more, worse
    return len(areas), total


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    square = side * side
    return max(square * largest / (total * total), total * total / (square * smallest)) if square and smallest else float("inf")
