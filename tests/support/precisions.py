"""Devices that compute with less than float32: numpy's float32 with its numbers rounded, bit by bit as the hardware does it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

#: numpy and its arrays, which the type checker does not know.
Numpy: TypeAlias = Any
Array: TypeAlias = Any
Multiply: TypeAlias = "Callable[[Array, Array], Array]"

#: Explicit bits of a float32's mantissa.
_MANTISSA = 23


def rounded(numpy: Numpy, array: Array, bits: int, *, nearest: bool = True) -> Array:
    """float32 numbers with so many explicit bits of mantissa: rounded to nearest, ties to even, or truncated."""
    drop = _MANTISSA - bits
    raw = array.astype(numpy.float32).view(numpy.uint32).astype(numpy.uint64)
    if nearest:
        raw = raw + (1 << (drop - 1)) - 1 + ((raw >> drop) & 1)
    return ((raw >> drop) << drop).astype(numpy.uint32).view(numpy.float32)


def _of_rounded_inputs(numpy: Numpy, bits: int, *, nearest: bool = True) -> Multiply:
    return lambda left, right: rounded(numpy, left, bits, nearest=nearest) @ rounded(numpy, right, bits, nearest=nearest)


def _float16(numpy: Numpy, left: Array, right: Array) -> Array:
    with numpy.errstate(over="ignore", invalid="ignore"):
        return left.astype(numpy.float16).astype(numpy.float32) @ right.astype(numpy.float16).astype(numpy.float32)


def _bfloat16_sums(numpy: Numpy, left: Array, right: Array) -> Array:
    """Right inputs, and a sum that is kept in bfloat16 and added to sixteen products at a time."""
    total = numpy.zeros((left.shape[0], right.shape[1]), dtype=numpy.float32)
    for start in range(0, left.shape[1], 16):
        total = rounded(numpy, total + left[:, start : start + 16] @ right[start : start + 16], 7)
    return total


def _times(factor: float, multiply: Multiply, left: Array, right: Array) -> Array:
    return multiply(left, right) * factor


def _one_wrong(numpy: Numpy, multiply: Multiply, left: Array, right: Array) -> Array:
    """One element is off by a twentieth of a typical one."""
    product = multiply(left, right)
    row, column = (int(numpy.random.default_rng().integers(side)) for side in product.shape)
    typical = numpy.linalg.norm(left[row]) * numpy.linalg.norm(right[:, column]) / numpy.sqrt(left.shape[1])
    product[row, column] += typical / 20
    return product


def healthy(numpy: Numpy) -> dict[str, Multiply]:
    """What a device may do with float32."""
    return {
        "float32": lambda left, right: left @ right,
        "TensorFloat-32, to nearest": _of_rounded_inputs(numpy, 10),
        "TensorFloat-32, truncated": _of_rounded_inputs(numpy, 10, nearest=False),
    }


def wrong(numpy: Numpy) -> dict[str, Multiply]:
    """What it may not do."""
    devices: dict[str, Multiply] = {
        "bfloat16 inputs, to nearest": _of_rounded_inputs(numpy, 7),
        "bfloat16 inputs, truncated": _of_rounded_inputs(numpy, 7, nearest=False),
        "bfloat16 sums": partial(_bfloat16_sums, numpy),
        "float16 inputs": partial(_float16, numpy),
        "fp8 (e4m3) inputs": _of_rounded_inputs(numpy, 3),
    }
    for name, multiply in healthy(numpy).items():
        for factor in (1.002, 0.998):
            devices[f"{name}, times {factor}"] = partial(_times, numpy.float32(factor), multiply)
        devices[f"{name}, one element 5 % off"] = partial(_one_wrong, numpy, multiply)
    return devices
