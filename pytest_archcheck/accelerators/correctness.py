"""What the numbers that a child reported say: whether they are right, and how precise they are."""

from __future__ import annotations

from typing import Any

from pytest_archcheck.accelerators.failures import shorten

#: Root mean square error of a float32 product that real float32 never comes to, and TensorFloat-32 always (2.8e-4 at least).
_SURELY_ROUNDED = 1e-4


def how_wrong(facts: dict[str, Any]) -> str:
    """Say what is wrong with the numbers; empty where nothing is."""
    dtype, returned, error = facts["dtype"], facts["returned"], facts["error"]
    if returned != dtype:
        return f"came back as {shorten(str(returned), 1, 40)}"
    if error["rms"] is None:
        return "gives numbers that are not finite"
    if error["rms"] > error["allowed_rms"]:
        wrong = f"{error['rms']:.2g} in the root mean square, allowed {error['allowed_rms']:.2g}"
        return f"gives wrong numbers: relative error {wrong}{_looks_like(dtype, error['rms'])}"
    if error["largest"] > error["allowed_largest"]:
        wrong = f"{error['largest']:.2g} of a typical one, allowed {error['allowed_largest']:.2g}"
        return f"gives wrong numbers: one is off by {wrong}"
    for name, chain in facts.get("chains", {}).items():
        wrong = _wrong_chain(chain)
        if wrong:
            return wrong + {"compiled": ", compiled", "cpu": " on the CPU"}.get(name, "")
    return ""


def _wrong_chain(chain: dict[str, Any]) -> str:
    where = f"in a chain of {chain['products']} products"
    if chain["rms"] is None:
        return f"gives numbers that are not finite {where}"
    for kind in ("", "_largest"):
        error, allowed = chain[kind[1:] or "rms"], chain[f"allowed{kind}"]
        if error > allowed:
            return f"gives wrong numbers {where}: relative error {error:.2g}, allowed {allowed:.2g}"
    return ""


def _looks_like(dtype: str, rms: float) -> str:
    """Name the type that gives such errors where another one was asked for."""
    if dtype == "float64" and 1e-9 < rms < 1e-5:
        return ": as float32 gives"
    if dtype == "float32" and 2.2e-3 < rms < 7e-3:
        return ": as bfloat16 gives"
    return ""


def precision(facts: dict[str, Any]) -> str:
    """The precision that the numbers show: ``tensorfloat32`` where float32 was asked for and inputs were rounded."""
    rms = facts["error"]["rms"]
    return "tensorfloat32" if facts["dtype"] == "float32" and rms > _SURELY_ROUNDED else str(facts["dtype"])
