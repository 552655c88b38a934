"""Matrices whose product is known in float64, and how far a healthy device may be from it.

**One product** of standard normal matrices A and B. Its error is measured twice, in the unit in which it does not depend on
size:

- ``rms``: Frobenius norm of the error over that of ``A @ B``. So many elements are added up in it that it hardly varies: by 7
  % of itself at 64 rows, by less than 1 % from 512 on.
- ``largest``: the largest error of one element ``(i, j)`` over ``|a_i| |b_j| / sqrt(n)`` (norms of row and column, n
  summands), which is what a typical element of the product measures, whatever the signs are.

A device may round float32 inputs to TensorFloat-32, ten explicit bits of mantissa, as NVIDIA's Ampere and newer do by default
in TensorFlow and JAX and PyTorch allows (NVIDIA, "Accelerating AI Training with NVIDIA TF32 Tensor Cores"; PTX ISA: ``mma``
ignores the other bits, which truncates). With bits ``t`` and a mantissa m in [1, 2) the relative error of an input spreads
evenly over 2^-t / m: rounded to nearest its mean square is (2^-t)^2 / 12 * E[1/m^2], with E[1/m^2] = 0.54 (Benford: m has the
density 1 / (m ln 2)); both inputs together give sqrt(2) times its root: **2.9e-4** for TensorFloat-32, **2.3e-3** for
bfloat16 (t = 7). Truncated, each input is also too small by 2^-(t+1) E[1/m] = 2^-(t+1) * 0.72 in the mean, and both together
give **7.7e-4**. float32 itself stays below 1e-6. So 2^-10 = 9.8e-4 is above all that a healthy device gives and below
bfloat16, and below a result that is wrong by the factor 1.002, of which a truncating device takes back 0.0007: 1.3e-3.

An element's error is a sum of n independent parts and so nearly normal (Higham and Mary, "A New Approach to Probabilistic
Rounding Error Analysis", 2019): ten times the bound of the root mean square is beyond all that billions of elements do.

**A chain** ``((A @ Q) @ Q) ...`` with ``Q @ Q = 1``. The rounding of Q is the same in every step, so errors add up by the
length and not by its root; Q keeps lengths, so they do not grow beyond that (triangle inequality) as long as their sum is
small. What one step of two products gives on this device is measured, and a chain of k steps may give a few times k as much.
``benchmarks/precision.py`` tries all of this on simulated devices.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from .adapter import Array

#: The module numpy: it belongs to what is tested.
Numpy: TypeAlias = Any
#: numpy.random.Generator.
Generator: TypeAlias = Any

#: Half the distance of two neighbours among the numbers of a type: what rounding to nearest may do.
_ROUNDING = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}

#: Largest error of an element, in units of the root mean square that is allowed.
_LARGEST = 10.0
#: Two products round both inputs twice, each by 2^-10 at most: so far may a step of a chain be from its beginning.
_STEP_ROUNDINGS = 4.0
#: A chain of k steps may give so many times k what one step gives. Simulated devices came to 1.4 times k, to 2.3 with fewer
#: than 4 rows.
_CHAIN_FACTOR = 4.0
#: Most that the errors of a chain may add up to before they are multiplied so: beyond it they are no longer small.
_CHAIN_DRIFT = 0.125
#: Largest difference of one element in a chain, in units of the allowed root mean square; simulated devices came to 17.
_CHAIN_LARGEST = 32.0
#: Products of the longest chain: enough for any device.
_LONGEST_CHAIN = 4096

#: Rows of the matrices of one product: with fewer the root mean square would vary too much.
LEAST_ROWS = 64
#: Rows of A and columns of B are multiplied by powers of two up to this one, which rounds nothing and tells a device that
#: computes with the narrow range of float16 (6e-5 to 65504) from one that does not. float16 itself is left as it is.
_SCALE = {"float16": 0, "float32": 20, "float64": 20}


def numpy_or_none() -> Numpy | None:
    """Return numpy, or None where it is not installed; a numpy that is broken raises."""
    if importlib.util.find_spec("numpy") is None:
        return None
    return importlib.import_module("numpy")


def generator(numpy: Numpy) -> Generator:
    """Return a random generator with a fresh seed."""
    return numpy.random.default_rng(int.from_bytes(os.urandom(16), "little"))


class Error(NamedTuple):
    """How far a result is from what it should be."""

    #: Relative root mean square; None where a number is NaN or infinite.
    rms: float | None
    #: The largest error of an element; None as above.
    largest: float | None
    #: The most that each may be.
    allowed_rms: float
    allowed_largest: float


def allowed_rms(dtype: str, summands: int) -> float:
    """Return the relative root mean square error that a healthy product of that type may have.

    float32: see above. float16: as if every sum were rounded to float16 (Higham and Mary: the root of their number times the
    rounding). float64: far above its rounding, far below float32's.
    """
    if dtype == "float16":
        return math.sqrt(summands) * _ROUNDING["float16"]
    return {"float32": 2.0**-10, "float64": 2.0**-40}[dtype]


class Problem:
    """Two matrices to multiply, and what the product must be."""

    def __init__(self, numpy: Numpy, rows: int, summands: int, columns: int, dtype: str) -> None:
        self._numpy = numpy
        self._dtype = dtype
        self._summands = summands
        random = generator(numpy)
        most = _SCALE[dtype]
        self._row_scale = 2.0 ** random.integers(-most, most, rows, endpoint=True)
        self._column_scale = 2.0 ** random.integers(-most, most, columns, endpoint=True)
        left = random.standard_normal((rows, summands)).astype(dtype)
        right = random.standard_normal((summands, columns)).astype(dtype)
        self.left = left * self._row_scale.astype(dtype)[:, None]
        self.right = right * self._column_scale.astype(dtype)

    def error_of(self, result: Array) -> Error:
        """Return how far the result is from the product in float64.

        :raises ValueError: it has another shape.
        """
        numpy = self._numpy
        bound = allowed_rms(self._dtype, self._summands)
        expected, row_norms, column_norms = self._right
        if result.shape != expected.shape:
            raise ValueError(f"the product has the shape {result.shape}, expected {expected.shape}")
        if not numpy.isfinite(result).all():
            return Error(None, None, bound, _LARGEST * bound)
        error = result.astype("float64") / self._row_scale[:, None] / self._column_scale - expected
        rms = float(numpy.linalg.norm(error) / numpy.linalg.norm(expected))
        numpy.abs(error, out=error)
        error /= row_norms[:, None]
        error /= column_norms
        return Error(rms, float(error.max()) * math.sqrt(self._summands), bound, _LARGEST * bound)

    @cached_property
    def _right(self) -> tuple[Array, Array, Array]:
        """The product in float64, without the scales, and the norms of the rows and columns that make it."""
        left = self.left.astype("float64") / self._row_scale[:, None]
        right = self.right.astype("float64") / self._column_scale
        norm = self._numpy.linalg.norm
        return left @ right, norm(left, axis=1), norm(right, axis=0)


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


class ChainError:
    """How far the ends of chains are from their beginning, all of one device and one way to multiply."""

    def __init__(self, numpy: Numpy, value: Array, dtype: str) -> None:
        self._numpy = numpy
        self._value = value
        self._dtype = dtype
        self._norm = float(numpy.linalg.norm(value.astype("float64")))
        self._step: float | None = None
        self._ratio = 0.0
        #: What came closest to what is allowed, or went beyond it most, as JSON values.
        self.worst: dict[str, Any] = {}

    def look(self, result: Array, products: int) -> None:
        """Judge the end of a chain; the first one is the single step by which the others are measured."""
        rms, largest = self._distance(result)
        if self._step is None:
            self._step = 0.0 if rms is None else rms
            allowed = _STEP_ROUNDINGS * allowed_rms(self._dtype, len(self._value))
        else:
            allowed = _CHAIN_FACTOR * (products // 2) * self._least_step()
        ratio = math.inf
        if rms is not None and largest is not None:
            ratio = max(rms, largest / _CHAIN_LARGEST) / allowed
        if ratio >= self._ratio:
            self._ratio = ratio
            self.worst = {"products": products, "rms": rms, "largest": largest, "allowed": allowed}
            self.worst["allowed_largest"] = _CHAIN_LARGEST * allowed

    @property
    def longest(self) -> int:
        """Products of the longest chain that can be judged; even."""
        return max(2, min(_LONGEST_CHAIN, int(_CHAIN_DRIFT / self._least_step()) * 2))

    def _least_step(self) -> float:
        """Errors of one step: where it had none by luck, a few roundings."""
        return max(self._step or 0.0, 4 * _ROUNDING[self._dtype])

    def _distance(self, result: Array) -> tuple[float | None, float | None]:
        """Return root mean square and largest difference, relative to the root mean square at the beginning."""
        numpy = self._numpy
        if result.shape != self._value.shape:
            raise ValueError(f"a chain's end has the shape {result.shape}, expected {self._value.shape}")
        if not numpy.isfinite(result).all():
            return None, None
        error = result.astype("float64") - self._value
        largest = float(numpy.abs(error).max()) * math.sqrt(error.size) / self._norm
        return float(numpy.linalg.norm(error)) / self._norm, largest
