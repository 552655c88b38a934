"""The example of docs/adapters.md, as it stands there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support import frameworks

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")


def test_the_example_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    files = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
    assert set(files) == {"conftest.py", "npgpu_adapter.py"}
    for name, text in files.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.requires_metal("npgpu")
        def test_gpu(matmul_benchmark):
            result = matmul_benchmark("npgpu", size=100, dtype="float64")
            assert (result.device, result.precision) == ("gpu:0", "float64")
            assert result.compiled_seconds > 0
            assert result.caveat == ""
        """
    )
    pytester.makeini("[pytest]\narchcheck_matmul_size = 100\n")
    monkeypatch.setenv("PYTHONPATH", str(frameworks.tree("mlx")))
    result = pytester.runpytest_subprocess(
        "--archcheck", "--archcheck-json=out.json", "-k", "test_it or npgpu", "-v", timeout=300
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["npgpu *: Metal GPU computes, * times the CPU, spread *"])
    (measured,) = json.loads((pytester.path / "out.json").read_text())["benchmarks"]
    assert measured["precision"] == "float32"
    assert {"spread", "speedup", "tensorfloat32"} <= set(measured)


def test_under_xdist_the_fixture_says_that_other_tests_ran(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xdist")
    for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.makepyfile(
        test_it="def test_it(matmul_benchmark):\n    assert 'xdist' in matmul_benchmark('npgpu', size=64).caveat"
    )
    monkeypatch.setenv("PYTHONPATH", os.fspath(frameworks.tree("mlx")))
    pytester.runpytest_subprocess("-n1", timeout=300).assert_outcomes(passed=1)


def test_any_framework_will_do_and_the_others_are_not_imported(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
    other = ', Framework(name="other", title="Other", distributions=("numpy",), adapter="/none")]'
    second = files["conftest.py"].replace(")]", f"){other}")
    (pytester.path / "conftest.py").write_text(second, encoding="utf-8")
    (pytester.path / "npgpu_adapter.py").write_text(files["npgpu_adapter.py"], encoding="utf-8")
    pytester.makepyfile(
        """
        import pytest
        from pytest_archcheck.accelerators import probe

        asked = []
        real = probe.probe

        def noted(framework, *others):
            asked.append(framework.name)
            return real(framework, *others)

        probe.probe = noted

        @pytest.mark.requires_gpu(framework=None)
        def test_any(): pass

        def test_only_what_was_needed():
            assert asked[-1] == "npgpu"
            assert "other" not in asked
        """
    )
    monkeypatch.setenv("PYTHONPATH", os.fspath(frameworks.tree("mlx")))
    pytester.runpytest_subprocess(timeout=300).assert_outcomes(passed=2)
