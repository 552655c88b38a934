from __future__ import annotations

import pytest

from pytest_archcheck.locks.markers import holds, marker_environment
from pytest_archcheck.locks.tags import file_name, machines, supported_tags, wheel_tags
from pytest_archcheck.machine.target import Target


def fits(tag: str, target: str, python: tuple[int, int] = (3, 12)) -> bool:
    return not supported_tags(Target.parse(target), python).isdisjoint(wheel_tags(f"x-1-{tag}.whl"))


@pytest.mark.parametrize(
    ("tag", "target", "expected"),
    [
        ("cp312-cp312-macosx_11_0_arm64", "macosx_14_0_arm64", True),
        ("cp312-cp312-macosx_14_0_arm64", "macosx_14_0_arm64", True),
        ("cp312-cp312-macosx_15_0_arm64", "macosx_14_0_arm64", False),
        ("cp312-cp312-macosx_11_0_x86_64", "macosx_14_0_arm64", False),
        ("cp312-cp312-macosx_10_9_universal2", "macosx_14_0_arm64", True),
        ("cp312-cp312-macosx_10_9_intel", "macosx_14_0_x86_64", True),
        ("cp312-cp312t-macosx_11_0_arm64", "macosx_14_0_arm64", False),
        ("cp38-abi3-macosx_11_0_arm64", "macosx_14_0_arm64", True),
        ("cp313-abi3-macosx_11_0_arm64", "macosx_14_0_arm64", False),
        ("cp313-cp313-macosx_11_0_arm64", "macosx_14_0_arm64", False),
        ("py3-none-any", "macosx_14_0_arm64", True),
        ("py2.py3-none-any", "musllinux_1_2_x86_64", True),
        ("py3-none-macosx_11_0_arm64", "macosx_14_0_arm64", True),
        ("cp312-none-macosx_11_0_arm64", "macosx_14_0_arm64", True),
        ("cp312-cp312-manylinux_2_28_x86_64", "manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux_2_28_x86_64", "manylinux_2_17_x86_64", False),
        ("cp312-cp312-manylinux1_x86_64", "manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux2014_aarch64", "manylinux_2_28_aarch64", True),
        ("cp312-cp312-manylinux2010_aarch64", "manylinux_2_28_aarch64", False),
        ("cp312-cp312-musllinux_1_1_x86_64", "manylinux_2_28_x86_64", False),
        ("cp312-cp312-musllinux_1_1_x86_64", "musllinux_1_2_x86_64", True),
        ("cp312-cp312-manylinux_2_28_x86_64", "musllinux_1_2_x86_64", False),
        ("cp312-cp312-linux_x86_64", "manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux_2_34_x86_64", "linux_x86_64", True),
        ("cp312-cp312-musllinux_1_2_x86_64", "linux_x86_64", True),
        ("cp312-cp312-win_amd64", "win_amd64", True),
        ("cp312-cp312-win_arm64", "win_amd64", False),
    ],
)
def test_which_wheels_install(tag: str, target: str, *, expected: bool) -> None:
    assert fits(tag, target) is expected


def test_universal2_is_two_machines() -> None:
    assert [machine.tag for machine in machines(Target.parse("macosx_14_0_universal2"))] == [
        "macosx_14_0_arm64",
        "macosx_14_0_x86_64",
    ]


@pytest.mark.parametrize(
    "name", ["", "x.whl", "a-b.whl", "a-1-py3-none-any.tar.gz", "a-1-" + "b." * 900 + "-" + "c." * 900 + "-d.whl"]
)
def test_file_names_that_say_nothing(name: str) -> None:
    assert wheel_tags(name) == frozenset()


def test_file_name_of_a_url() -> None:
    assert file_name("https://example.invalid/a/x-1%2Blocal-py3-none-any.whl?y=/z#sha256=0") == "x-1+local-py3-none-any.whl"
    assert file_name("wheels\\x-1-py3-none-any.whl") == "x-1-py3-none-any.whl"
    assert file_name("http://[") == "["


@pytest.mark.parametrize(
    ("marker", "target", "expected"),
    [
        ("sys_platform == 'darwin' and platform_machine == 'arm64'", "macosx_14_0_arm64", True),
        ("platform_system == 'Darwin' and os_name == 'posix'", "macosx_14_0_x86_64", True),
        ("platform_release >= '20.0'", "macosx_11_0_arm64", True),
        ("platform_release >= '20.0'", "macosx_10_15_x86_64", False),
        ("platform_release >= '25'", "macosx_26_0_arm64", True),
        ("sys_platform == 'linux' and platform_machine == 'aarch64'", "manylinux_2_28_aarch64", True),
        ("platform_machine == 'AMD64' and sys_platform == 'win32' and os_name == 'nt'", "win_amd64", True),
        ("implementation_name == 'cpython' and python_full_version < '3.12.1'", "macosx_14_0_arm64", True),
        ("platform_python_implementation != 'PyPy' and python_version == '3.12'", "macosx_14_0_arm64", True),
        ("extra == 'extra-4-demo-cpu'", "macosx_14_0_arm64", True),
        ("extra != 'extra-4-demo-cpu' or extra == 'extra-4-demo-gpu'", "macosx_14_0_arm64", False),
    ],
)
def test_markers_for_the_target(marker: str, target: str, *, expected: bool) -> None:
    environment = marker_environment(Target.parse(target), "3.12")
    assert holds(marker, environment, frozenset({"extra-4-demo-cpu"})) is expected


@pytest.mark.parametrize("release", ["6.1.0-13-amd64", "5.15.167.4-microsoft-standard-WSL2", "6.1.0", "rolling"])
@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("platform_release >= '20.0' and sys_platform == 'darwin'", False),
        ("platform_release >= '20.0' or sys_platform == 'linux'", True),
        ("sys_platform == 'win32' and platform_version >= '10.0.17763'", False),
    ],
)
def test_what_a_kernel_calls_itself_need_be_no_version(release: str, marker: str, expected: bool) -> None:  # noqa: FBT001
    """Markers of pyobjc; packaging from 23.2 on, which is the oldest that is declared, has three ways to compare such words."""
    environment = marker_environment(Target.parse("manylinux_2_28_x86_64"), "3.12")
    assert holds(marker, {**environment, "platform_release": release}) is expected
