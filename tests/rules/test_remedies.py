"""What to type: the same version, by the tool that installed it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.machine.target import Target
from pytest_archcheck.rules.remedies import (
    build_here,
    install_other,
    reinstall,
    reinstall_for,
    reinstall_or_other,
    tag_serves,
    update,
)

ARM = Target.parse("macosx_14_0_arm64")


def dist(**facts: Any) -> Distribution:
    plain: dict[str, Any] = {
        "name": "foo",
        "version": "1.0",
        "installer": "pip",
        "tags": (),
        "location": "/site",
        "binaries": (),
    }
    return Distribution(**plain | facts)


@pytest.mark.parametrize(
    ("facts", "command"),
    [
        ({}, "pip install --force-reinstall --no-deps --no-cache-dir foo==1.0"),
        ({"installer": None}, "pip install --force-reinstall --no-deps --no-cache-dir foo==1.0"),
        ({"version": None}, "pip install --force-reinstall --no-deps --no-cache-dir foo"),
        ({"installer": "uv"}, "uv pip install --reinstall --no-deps --no-cache --link-mode=copy foo==1.0"),
        ({"installer": "conda"}, 'CONDA_PKGS_DIRS="$(mktemp -d)" conda install --force-reinstall --no-deps foo=1.0'),
        (
            {"editable": True, "root": "/my work/foo"},
            "rebuild it: pip install --force-reinstall --no-deps --editable '/my work/foo'",
        ),
        ({"name": None}, "nothing installed here has recorded this file: build or copy it again, or install what brings it"),
    ],
)
def test_reinstall(facts: dict[str, Any], command: str) -> None:
    assert reinstall(dist(**facts)) == command


@pytest.mark.parametrize(
    ("tag", "target", "serves"),
    [
        ("cp311-cp311-macosx_11_0_arm64", "macosx_14_0_arm64", True),
        ("cp311-cp311-macosx_11_0_universal2", "macosx_14_0_arm64", True),
        ("cp311-cp311-macosx_11_0_universal2", "macosx_14_0_universal2", True),
        ("cp311-cp311-macosx_11_0_arm64", "macosx_14_0_universal2", False),
        ("cp311-cp311-macosx_11_0_x86_64", "macosx_14_0_arm64", False),
        ("py3-none-any", "macosx_14_0_arm64", True),
        ("cp311-cp311-manylinux_2_17_aarch64", "manylinux_2_28_aarch64", True),
        ("cp311-cp311-manylinux_2_17_x86_64", "manylinux_2_28_aarch64", False),
        ("cp311-cp311-musllinux_1_2_x86_64", "manylinux_2_28_x86_64", False),
        ("cp311-cp311-musllinux_1_2_x86_64", "musllinux_1_2_x86_64", True),
        ("cp311-cp311-manylinux_2_17_x86_64", "musllinux_1_2_x86_64", False),
        ("cp311-cp311-linux_x86_64", "linux_x86_64", True),
        ("cp311-cp311-win_amd64", "macosx_14_0_arm64", False),
    ],
)
def test_what_a_tag_promises(tag: str, target: str, serves: bool) -> None:  # noqa: FBT001 - a parameter
    assert tag_serves(tag, Target.parse(target)) == serves


def test_a_wheel_that_promises_the_target_is_not_asked_for_again() -> None:
    remedy = reinstall_for(dist(tags=("cp311-cp311-macosx_11_0_arm64",)), ARM, "wrong-architecture")
    assert "is made like this, unless the file was replaced here" in remedy
    assert "pip install --force-reinstall --no-deps --no-cache-dir --no-binary foo foo==1.0" in remedy
    assert "allow" not in remedy
    assert "None" not in reinstall_for(dist(tags=("py3-none-any",), version=None), ARM, "wrong-architecture")


def test_what_a_wheel_for_every_machine_brings_may_be_done_without() -> None:
    remedy = reinstall_for(dist(tags=("py2-none-any", "py3-none-any")), ARM, "wrong-platform")
    assert remedy.endswith(", or if nothing uses the file, add to archcheck_allow: foo/wrong-platform: not used here")


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("uv", "uv pip install --upgrade foo bar"),
        ("conda", "conda update foo bar"),
        ("pip", "pip install --upgrade foo bar"),
        (None, "pip install --upgrade foo bar"),
    ],
)
def test_projects_are_updated_with_the_tool_that_installed_them(installer: str | None, command: str) -> None:
    assert update(dist(installer=installer), ["foo", "bar"]) == command


def test_uv_builds_too() -> None:
    assert (
        build_here(dist(installer="uv"))
        == "uv pip install --reinstall --no-deps --no-cache --link-mode=copy --no-binary foo foo==1.0"
    )


@pytest.mark.parametrize("facts", [{"name": None}, {"editable": True}, {"installer": "conda"}])
def test_other_installations_have_their_own_remedy(facts: dict[str, Any]) -> None:
    assert reinstall_for(dist(**facts), ARM, "wrong-architecture") == reinstall(dist(**facts))


@pytest.mark.parametrize(
    ("facts", "command"),
    [
        ({}, "pip install 'foo!=1.0'"),
        ({"installer": "uv"}, "uv pip install 'foo!=1.0'"),
        ({"installer": "conda"}, "conda install 'foo!=1.0'"),
    ],
)
def test_another_version_is_asked_for_with_the_tool_that_installed_it(facts: dict[str, Any], command: str) -> None:
    assert install_other(dist(**facts)) == command
    assert reinstall_or_other(dist(**facts), "it stays so") == f"{reinstall(dist(**facts))}; if it stays so: {command}"


def test_an_older_version() -> None:
    assert install_other(dist(), "<") == "pip install 'foo<1.0'"


@pytest.mark.parametrize("facts", [{"name": None}, {"version": None}, {"editable": True}, {"metadata": "/site"}])
def test_what_has_no_other_version_is_made_again(facts: dict[str, Any]) -> None:
    made_again = reinstall(dist(**facts))
    assert install_other(dist(**facts)) == reinstall_or_other(dist(**facts), "it stays so") == made_again


def test_building_from_sources() -> None:
    assert build_here(dist()) == "pip install --force-reinstall --no-deps --no-cache-dir --no-binary foo foo==1.0"
    assert build_here(dist(editable=True)) == reinstall(dist(editable=True))
