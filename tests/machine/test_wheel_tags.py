"""The machines that wheel tags promise, and the systems that are judged nowhere."""

from __future__ import annotations

import pytest

from pytest_archcheck.machine.wheel_tags import other_system, tags_in, wheel_targets


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["cp311-cp311-macosx_11_0_arm64"], ["macosx_11_0_arm64"]),
        (["cp311-cp311-macosx_10_9_universal2"], ["macosx_10_9_universal2"]),
        (["py3-none-macosx_10_9_x86_64", "py3-none-macosx_11_0_arm64"], ["macosx_11_0_arm64", "macosx_10_9_x86_64"]),
        (["py3-none-macosx_10_6_intel", "py3-none-macosx_10_9_x86_64"], ["macosx_10_6_x86_64"]),
        (["py3-none-macosx_10_6_fat64", "py3-none-macosx_10_4_universal"], ["macosx_10_4_x86_64"]),
        (["py3-none-manylinux_2_28_x86_64", "py3-none-manylinux_2_17_x86_64"], ["manylinux_2_17_x86_64"]),
        (["py3-none-manylinux1_x86_64", "py3-none-musllinux_1_2_x86_64"], ["manylinux1_x86_64", "musllinux_1_2_x86_64"]),
        (["py3-none-win_amd64"], ["win_amd64"]),
        (["py3-none-any"], []),
        (["cp313-cp313-ios_13_0_arm64_iphoneos", "nonsense"], []),
    ],
)
def test_machines_that_tags_promise(tags: list[str], expected: list[str]) -> None:
    assert [target.tag for target in wheel_targets(tags)] == expected


@pytest.mark.parametrize(
    ("tags", "system"),
    [
        (["cp313-cp313-ios_13_0_arm64_iphoneos"], "iOS"),
        (["cp313-cp313-android_21_arm64_v8a"], "Android"),
        (["cp313-cp313-pyodide_2025_0_wasm32", "cp313-cp313-emscripten_4_0_9_wasm32"], "Pyodide"),
        (["cp313-cp313-freebsd_13_amd64"], "freebsd_13_amd64"),
        # One that is judged here, and any, say that it is not for the other alone.
        (["cp313-cp313-ios_13_0_arm64_iphoneos", "cp313-cp313-macosx_11_0_arm64"], None),
        (["py3-none-any"], None),
        ([], None),
    ],
)
def test_systems_that_are_judged_nowhere(tags: list[str], system: str | None) -> None:
    assert other_system(tags) == system


def test_every_combination_of_a_compressed_tag() -> None:
    assert {str(tag) for tag in tags_in("py2.py3-none-any") or ()} == {"py2-none-any", "py3-none-any"}


@pytest.mark.parametrize("text", ["py3-none", "py3-none-any-more", ""])
def test_what_is_no_compressed_tag(text: str) -> None:
    assert tags_in(text) is None


def test_a_compressed_tag_that_stands_for_too_many() -> None:
    assert tags_in("a.b-c.d-e", 4) is not None
    assert tags_in("a.b-c.d-e.f", 4) is None
