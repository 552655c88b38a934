"""What pytest loads, and all that imports pytest: options, markers, hooks, fixtures, items.

In comes pytest's configuration; out go items, reports and the exit code. Judges nothing itself.
This page is short on purpose. pytest rewrites the asserts of every module of an installed plugin, and reads what it has written
one field of bytecode at a time, in every run of every project. So this module is all that it gets to see: :mod:`every_run`, and
all that is imported later, is imported past it. It asserts nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import sys

__all__ = [
    "archcheck",
    "matmul_benchmark",
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_make_collect_report",
    "pytest_runtest_call",
    "pytest_runtest_setup",
]


def __dir__() -> list[str]:
    return __all__  # pytest and pluggy look at every name that a plugin shows, some ten microseconds each


_finders = sys.meta_path[:]
sys.meta_path[:] = [finder for finder in _finders if not hasattr(finder, "mark_rewrite")]
try:
    from pytest_archcheck.plugin.every_run import (
        archcheck,
        matmul_benchmark,
        pytest_addoption,
        pytest_configure,
        pytest_load_initial_conftests,
        pytest_make_collect_report,
        pytest_runtest_call,
        pytest_runtest_setup,
    )
finally:
    sys.meta_path[:] = _finders
