"""What is typed for a framework names the environment that runs, and conda is asked for nothing that it lacks."""

from __future__ import annotations

import re

import pytest
from support.outcomes import outcome_of, typed

from pytest_archcheck.accelerators.known_failures import TABLE
from pytest_archcheck.accelerators.model import JAX, Installed
from pytest_archcheck.discover.model import Home
from pytest_archcheck.rules.framework_commands import filled

HOME = Home(pip=("/my env/bin/python", "-m", "pip"), folder_for_uv=("--python", "/my env"), for_conda=("--prefix", "/my env"))
TOOLS = ["pip", "uv", "conda"]


@pytest.mark.parametrize(
    ("installer", "again", "pinned"),
    [
        ("pip", "pip install --force-reinstall --no-deps --no-cache-dir tensorflow-cpu==2.18.1", "tensorflow-cpu==2.18.1"),
        ("", "pip install --force-reinstall --no-deps --no-cache-dir tensorflow-cpu==2.18.1", "tensorflow-cpu==2.18.1"),
        (
            "uv",
            "uv pip install --reinstall --no-deps --no-cache --link-mode=copy tensorflow-cpu==2.18.1",
            "tensorflow-cpu==2.18.1",
        ),
        (
            "conda",
            'CONDA_PKGS_DIRS="$(mktemp -d)" conda install --force-reinstall --no-deps tensorflow-cpu=2.18.1',
            "tensorflow-cpu=2.18.1",
        ),
    ],
)
def test_remedies_name_what_is_installed(installer: str, again: str, pinned: str) -> None:
    here = Installed("tensorflow-cpu", "2.18.1", installer)
    assert typed("{again} | {pinned} | {name}", here) == f"{again} | {pinned} | tensorflow-cpu"
    for known in TABLE:
        remedy = typed(known.remedy, here)
        assert "{" not in remedy
        # Another TensorFlow is named only as the one place where tensorflow-metal works, or to be removed.
        if known.status != "plugin-incompatible" and "uninstall" not in known.remedy:
            assert not re.search(r"install [^;]*\btensorflow(?!-)", remedy), remedy


@pytest.mark.parametrize("installer", TOOLS)
@pytest.mark.parametrize("known", TABLE, ids=lambda known: known.cause[:40])
def test_each_command_names_the_environment(known: object, installer: str) -> None:
    remedy = typed(known.remedy, Installed("tensorflow", "2.18.1", installer), HOME)  # type: ignore[attr-defined]
    for command in re.findall(r"(?:pip|conda) (?:install|uninstall|remove|update)\b[^;,)]*", remedy):
        begin = remedy[: remedy.index(command)]
        assert "'/my env" in command or begin.endswith("'/my env/bin/python' -m "), remedy


def test_what_conda_does_not_have_is_pip_s() -> None:
    here = Installed("tensorflow", "2.21.0", "conda")
    pip = "'/my env/bin/python' -m pip"
    for known in TABLE:
        remedy = typed(known.remedy, here, HOME)
        for name in ("tensorflow-metal", "mlx", ":all:"):
            assert not re.search(rf"conda install [^;,&]*{name}", remedy), remedy
        assert not re.search(r"conda \w+ [^;,]*--(?:upgrade|only-binary|no-cache-dir)", remedy), remedy
    assert typed("{metal_pair}", here, HOME) == (
        "with Python 3.9 to 3.12: conda remove --prefix '/my env' --force tensorflow && "
        f"{pip} install tensorflow==2.19.1 tensorflow-metal==1.2.0"
    )
    assert typed("{upgrade} numpy{keep}", here, HOME) == "conda update --prefix '/my env' numpy"


def test_a_plugin_is_removed_by_what_installed_it() -> None:
    plugin = Installed("tensorflow-metal", "1.2.0", "pip")
    here = Installed("tensorflow", "2.19.1", "conda")
    assert typed("{without_plugin}", here, HOME, plugin) == "'/my env/bin/python' -m pip uninstall --yes tensorflow-metal"
    assert typed("{without_plugin}", here, HOME) == "conda remove --prefix '/my env' --force tensorflow-metal"
    assert typed("{remove jax-metal uv}", here, HOME) == "uv pip uninstall --python '/my env' jax-metal"
    assert typed("{remove jax-metal }", here) == "pip uninstall --yes jax-metal"
    assert filled("{without_plugin}", outcome_of(Installed("jax", "0.4.1"), JAX), Home()) == "pip uninstall --yes jax-metal"


def test_braces_of_a_path_are_no_mark() -> None:
    assert typed("take /tmp/{x} {y z}/lib.so away") == "take /tmp/{x} {y z}/lib.so away"


def test_a_version_is_none_that_is_code() -> None:
    assert typed("{again}", Installed("tensorflow", "1; rm -rf x")).endswith(" tensorflow")
