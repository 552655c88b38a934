"""The ini values of probes and benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_SIZE = "archcheck_matmul_size"
_GFLOPS = "archcheck_matmul_min_gflops"
_SPEEDUP = "archcheck_matmul_min_speedup"
_TIMEOUT = "archcheck_probe_timeout"


class AcceleratorSettings(NamedTuple):
    """Every setting of probes and benchmarks, checked."""

    #: Rows and columns of the benchmark's matrices.
    size: int
    #: The least GFLOP/s, and how many times as fast as the CPU; None: no gate.
    min_gflops: float | None
    min_speedup: float | None
    #: Seconds that one child may take.
    timeout: float

    @property
    def gated(self) -> bool:
        """True where a speed is asked for."""
        return self.min_gflops is not None or self.min_speedup is not None


def declare(parser: pytest.Parser) -> None:
    """Register the ini values. They are strings, which every pytest knows; numbers are accepted too, see :func:`_value`."""
    parser.addini(_SIZE, "rows of the square matrices of the matmul benchmark (default: 2048)", "string", default="2048")
    parser.addini(_GFLOPS, "the least GFLOP/s that the matmul benchmark must reach (default: no gate)", "string", default="")
    parser.addini(
        _SPEEDUP, "how many times as fast as the CPU the matmul benchmark must be (default: no gate)", "string", default=""
    )
    parser.addini(_TIMEOUT, "seconds that importing and trying a framework may take (default: 300)", "string", default="300")


def read(config: pytest.Config) -> AcceleratorSettings:
    """Check every value.

    Raises :class:`pytest.UsageError` that names the setting, what was given and what was expected.
    """
    from pytest_archcheck.accelerators import settings  # noqa: PLC0415 - not before an accelerator is asked for

    return AcceleratorSettings(
        size=_checked(config, _SIZE, lambda value: validation.matrix_size(value, validation.machine_memory())),
        min_gflops=_checked(config, _GFLOPS, validation.gate),
        min_speedup=_checked(config, _SPEEDUP, validation.gate),
        timeout=_checked(config, _TIMEOUT, validation.timeout),
    )


def _checked(config: pytest.Config, name: str, check: Callable[[object], _T]) -> _T:
    try:
        return check(_value(config, name))
    except ValueError as error:
        raise pytest.UsageError(f"{name} (ini): {error}") from error


def _value(config: pytest.Config, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a number or its text. Native TOML of pytest 9 refuses a number for a string; then it is taken as it stands."""
    try:
        return config.getini(name)
    except (TypeError, pytest.UsageError):  # the latter since pytest 9.2
        held = getattr(config, "_inicfg", {}).get(name)
        return getattr(held, "value", held)
