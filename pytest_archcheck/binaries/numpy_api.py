"""Which numpy a module was compiled for, by the texts that numpy's headers and Cython leave in it.

numpy's C API is a table of pointers that a module takes from the running numpy when it is imported (``import_array()``). The
code that does it comes out of its headers and holds its messages: those of numpy 1 look in ``numpy.core`` only and refuse an
ABI other than 0x1000009; those of numpy 2 look in ``numpy._core`` first, and name the oldest numpy that they can do with
(numpy/_core/code_generators/generate_numpy_api.py, NPY_FEATURE_VERSION_STRING). Cython's modules compare the sizes of numpy's
types as well, and numpy 2's dtype is smaller than numpy 1's (Cython/Utility/ImportExport.c).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.model import Extent, NumpyApi

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_archcheck.binaries.source import Source

_ABI = b"module compiled against ABI version 0x%x but this version of numpy is 0x%x"
_CORE_1, _CORE_2 = b"numpy.core.multiarray", b"numpy._core"
_OLDEST = re.compile(rb"C-API version 0x%x \(NumPy (\d+\.\d+)\)")
_SIZES, _DTYPE = b"size changed, may indicate binary incompatibility", b"\0dtype\0"
#: pybind11 takes the table when a function first meets an array, not when its module is imported.
_LAZY = b"pybind11"
_NEEDLES = (_ABI, _CORE_1, _CORE_2, _SIZES, _DTYPE)
#: A module that imports numpy's C API holds its name.
_COMMON = b"numpy"
_PIECE = 1 << 15  # bytes: larger ones do not stay in the processor's cache, and the memory for each is mapped anew
#: The longest text that is looked for is shorter: so much of one piece is looked at again with the next.
_OVERLAP = 128


def read_numpy_api(source: Source, constants: Sequence[Extent] | None = None) -> NumpyApi | None:
    """Look for numpy's texts in a module; None where there are none, or too few to tell.

    :param constants: the parts of the file that hold its texts; None for all of it.
    """
    # Most modules hold neither, and long texts are looked for twice as fast as short ones.
    if not any(_ABI in piece or _CORE_1 in piece for piece in _pieces(source, constants)):
        return None
    found: set[bytes] = set()
    oldest = None
    for piece in _pieces(source, constants):
        if _COMMON not in piece:  # most of a file is code, and each text that is looked for takes its time
            continue
        found.update(text for text in _NEEDLES if text in piece)
        if oldest is None and (match := _OLDEST.search(piece)):
            oldest = match[1].decode()
        if oldest and {_ABI, _CORE_2} <= found:
            break
    by_array, by_size = _ABI in found, {_CORE_1, _SIZES, _DTYPE} <= found
    if _CORE_2 in found:
        return NumpyApi(2, oldest) if by_array else None
    return NumpyApi(1) if by_array or by_size else None


def may_ask_later(source: Source) -> bool:
    """Whether a module may get along without numpy's C API until it meets an array."""
    return any(_LAZY in piece for piece in _pieces(source))


def _pieces(source: Source, parts: Sequence[Extent] | None = None) -> Iterator[bytes]:
    for begin, size in (Extent(0, source.size),) if parts is None else parts:
        end = min(begin + size, source.size)
        for offset in range(begin, end, _PIECE):
            start = max(offset - _OVERLAP, begin)
            yield source.read(start, min(offset + _PIECE, end) - start)
