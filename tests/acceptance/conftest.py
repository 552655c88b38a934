"""Small environments to inspect, and a way to run pytest on them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from support.machos import bundle
from support.sites import add_distribution

import pytest_archcheck.inspection  # noqa: F401 - or each run in this process would import it again
from pytest_archcheck import ArchcheckWarning

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "macosx_14_0_arm64"

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def _not_under_xdist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of pytester is no pytest-xdist worker, also where this test runs in one."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "150")  # pytest cuts the lines of its short summary


@pytest.fixture(autouse=True)
def _our_warnings_are_warnings() -> Iterator[None]:
    """Every other warning is an error in runs of pytester too, as in the run around them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("default", category=ArchcheckWarning)
        # pytest 7's own wrappers, when they pass on a usage error
        warnings.filterwarnings("ignore", message="(?s).*old-style hookwrapper teardown")
        yield


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment for macOS arm64 without a fault: h5py and pandas."""
    root = tmp_path_factory.mktemp("healthy")
    site = root / "lib" / "python3.11" / "site-packages"
    tags = ("cp311-cp311-macosx_11_0_arm64",)
    for name in ("h5py", "pandas"):
        add_distribution(site, name, "3.1", {f"{name}/_core.cpython-311-darwin.so": bundle()}, tags=tags)
    return root


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """h5py is well, numpy has 20 files for x86_64, scipy wants macOS 15."""
    root = tmp_path_factory.mktemp("broken")
    site = root / "lib" / "python3.11" / "site-packages"
    add_distribution(site, "h5py", "3.1", {"h5py/_core.so": bundle()}, tags=("cp311-cp311-macosx_11_0_arm64",))
    wrong = {f"numpy/core/_part{number:02}.so": bundle("x86_64") for number in range(20)}
    add_distribution(site, "numpy", "1.26.4", wrong, tags=("cp311-cp311-macosx_10_9_x86_64",))
    newer = {"scipy/_lib.so": bundle(minos="15.0")}
    add_distribution(site, "scipy", "1.14.1", newer, tags=("cp311-cp311-macosx_15_0_arm64",))
    return root


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in this process on an environment: ``run(broken, "-k", "numpy")``."""

    def run(environment: Path, *args: str, target: str = TARGET, **kwargs: Any) -> pytest.RunResult:
        return pytester.runpytest(f"--archcheck-path={environment}", "--archcheck-target", target, *args, **kwargs)

    return run


@pytest.fixture
def run_child(pytester: pytest.Pytester) -> Run:
    """Run pytest in a process of its own: for what ends a process, and for pytest-xdist."""

    def run(environment: Path, *args: str, target: str = TARGET) -> pytest.RunResult:
        return pytester.runpytest_subprocess(f"--archcheck-path={environment}", "--archcheck-target", target, *args, timeout=60)

    return run
