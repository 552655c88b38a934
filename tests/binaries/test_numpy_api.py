"""The texts that numpy's and Cython's headers leave in a module; the real ones are read in ``corpus/test_imports.py``."""

from __future__ import annotations

import pytest
from support.sources import BytesSource

from pytest_archcheck.binaries import numpy_api
from pytest_archcheck.binaries.model import NumpyApi
from pytest_archcheck.binaries.numpy_api import may_ask_later, read_numpy_api

ABI = b"module compiled against ABI version 0x%x but this version of numpy is 0x%x\0"
NUMPY_1 = ABI + b"numpy.core._multiarray_umath\0numpy.core.multiarray failed to import\0"
NUMPY_2 = (
    ABI + b"numpy._core._multiarray_umath\0numpy.core._multiarray_umath\0"
    b"module was compiled against NumPy C-API version 0x%x (NumPy 1.25) but the running NumPy has C-API version 0x%x\0"
)
#: A Cython module that calls no function of numpy, and still compares the sizes of its types.
CYTHON_1 = b"numpy.core.multiarray failed to import\0dtype\0%.200s.%.200s size changed, may indicate binary incompatibility\0"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (NUMPY_1, NumpyApi(1)),
        (CYTHON_1, NumpyApi(1)),
        (NUMPY_2, NumpyApi(2, "1.25")),
        (NUMPY_2 + CYTHON_1, NumpyApi(2, "1.25")),
        (CYTHON_1 + b"numpy._core.multiarray failed to import\0", None),
        (b"numpy.core.multiarray\0", None),
        (b"import numpy\0", None),
        (b"", None),
    ],
)
def test_what_a_module_was_compiled_for(texts: bytes, expected: NumpyApi | None) -> None:
    assert read_numpy_api(BytesSource(b"\x7fELF" + bytes(500) + texts + bytes(500))) == expected


@pytest.mark.parametrize("back", [1, 30, 60, 90])
@pytest.mark.parametrize(("texts", "expected"), [(NUMPY_1, NumpyApi(1)), (NUMPY_2, NumpyApi(2, "1.25"))])
def test_texts_across_two_pieces(monkeypatch: pytest.MonkeyPatch, texts: bytes, expected: NumpyApi, back: int) -> None:
    monkeypatch.setattr(numpy_api, "_PIECE", 4096)
    assert read_numpy_api(BytesSource(bytes(4096 - back) + texts + bytes(9000))) == expected


def test_pybind11_asks_when_it_meets_an_array() -> None:
    assert may_ask_later(BytesSource(NUMPY_1 + bytes(100) + b"pybind11::array\0"))
    assert not may_ask_later(BytesSource(NUMPY_1))
