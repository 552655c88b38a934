"""What ``docs/rules.md`` shows is what a run of pytest prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support.examples.page import EXAMPLES, show

if TYPE_CHECKING:
    from pathlib import Path

    from support.examples.stage import Example

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the examples are of macOS: paths with slashes, symbolic links")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_run_prints_it(pytester: pytest.Pytester, tmp_path: Path, example: Example) -> None:
    shown = show(example, tmp_path)
    if shown.request is None:
        assert example.rule in NOT_BY_PATH
        return
    assert example.rule not in NOT_BY_PATH
    (path,) = shown.request.paths
    options = [f"--archcheck-path={path}", f"--archcheck-target={shown.request.target}"]
    if path.endswith(".lock"):
        options.append(f"--archcheck-python={shown.request.python}")
    # hypothesis is imported anew in each such run, which takes longer than the run.
    # The page shows a warning as our own section does; pytest's summary of warnings puts its own words around the same lines.
    result = pytester.runpytest(*options, "-v", "-p", "no:hypothesispytest", "--disable-warnings")
    assert shown.text in result.stdout.str().replace(f"{tmp_path.resolve()}/", "")


#: What depends on the machine, on a framework or on settings; other acceptance tests run those.
NOT_BY_PATH = {
    "library-wrong-architecture",
    "plugin-loaded-twice",
    "plugin-not-searched",
    "emulated-interpreter",
    "single-slice-packages",
    "import-failed",
    "import-crashed",
    "probe-timeout",
    "no-gpu",
    "matmul-failed",
    "wrong-device",
    "wrong-result",
    "slow-matmul",
    "unsteady-matmul",
    "stale-allow-line",
    "unmet-requirement",
}
