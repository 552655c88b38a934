"""Matrices whose product is known in float64, and how far a result may be from it."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .adapter import Array

#: The module numpy: it belongs to what is tested.
Numpy: TypeAlias = Any
#: numpy.random.Generator.
Generator: TypeAlias = Any

#: Largest error that passes, see :func:`error_of`: far above what each precision needs (TensorFloat-32 included for float32),
#: far below any wrong number.
TOLERANCE = {"float16": 2e-2, "float32": 1e-3, "float64": 1e-9}


def numpy_or_none() -> Numpy | None:
    """Return numpy, or None where it is not installed; a numpy that is broken raises."""
    if importlib.util.find_spec("numpy") is None:
        return None
    return importlib.import_module("numpy")


def generator(numpy: Numpy) -> Generator:
    """Return a random generator with a fresh seed."""
    return numpy.random.default_rng(int.from_bytes(os.urandom(16), "little"))


def random_matrix(numpy: Numpy, rows: int, columns: int, dtype: str) -> Array:
    """Return standard normal numbers, rounded to the type."""
    return generator(numpy).standard_normal((rows, columns)).astype(dtype)


def mixing_matrix(numpy: Numpy, size: int, dtype: str) -> Array:
    """Return a random dense matrix Q with Q = Q^T and Q @ Q = 1.

    It makes a chain of products ``((A @ Q) @ Q) ...`` whose numbers keep their size and whose result is known: A after
    an even number. Q is the discrete Hartley transform (entries ``cas(2 pi j k / n) / sqrt(n)`` with cas = cos + sin, symmetric
    and its own inverse for every n), with rows and columns permuted alike and given the same random signs, which keeps both.
    """
    random = generator(numpy)
    angles = numpy.arange(size) * (2 * numpy.pi / size)
    table = ((numpy.cos(angles) + numpy.sin(angles)) / numpy.sqrt(size)).astype(dtype)
    order = random.permutation(size)
    signs = random.choice(numpy.array([-1, 1], dtype=dtype), size)
    matrix = numpy.empty((size, size), dtype=dtype)
    for row in range(size):
        matrix[row] = table[order[row] * order % size] * signs * signs[row]
    return matrix


def error_of(numpy: Numpy, result: Array, left: Array, right: Array) -> float | None:
    """Return the largest error of an element, relative to the sum of the magnitudes that were added up for it.

    The reference is computed in float64. That scale (``|left| @ |right|``) bounds rounding whatever the signs are, so that a
    number near zero is no false alarm. None where a number is NaN or infinite; ValueError for another shape than the product's.
    """
    left, right = left.astype("float64"), right.astype("float64")
    expected = left @ right
    if not _finite(numpy, result, expected):
        return None
    scale = numpy.abs(left) @ numpy.abs(right)
    return float((numpy.abs(result - expected) / scale).max())


def distance(numpy: Numpy, result: Array, expected: Array) -> float | None:
    """Return the largest difference relative to the largest expected number; None and ValueError as in :func:`error_of`."""
    if not _finite(numpy, result, expected):
        return None
    return float(numpy.abs(result.astype("float64") - expected).max() / numpy.abs(expected).max())


def _finite(numpy: Numpy, result: Array, expected: Array) -> bool:
    if result.shape != expected.shape:
        raise ValueError(f"the product has the shape {result.shape}, expected {expected.shape}")
    return bool(numpy.isfinite(result).all())
