"""Profiles of hypothesis: ``default`` gives the same answer each time, ``--hypothesis-profile=deep`` looks further."""

from __future__ import annotations

import pytest

hypothesis = pytest.importorskip("hypothesis")

# No deadline: one slow example on a busy machine is no bug. Time is bounded by the torture suite and the fuzzers.
_COMMON = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile("default", max_examples=120, derandomize=True, database=None, **_COMMON)
hypothesis.settings.register_profile("deep", max_examples=20_000, **_COMMON)
hypothesis.settings.load_profile("default")
