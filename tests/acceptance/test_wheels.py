"""Wheels: judged inside the zip, for what their tags promise."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from support import elfs
from support.machos import bundle, dylib, executable, fat
from support.wheels import write_wheel

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_archcheck.findings import Finding

Check = Callable[..., pytest.RunResult]

ARM = "cp311-cp311-macosx_11_0_arm64"
NAME = f"demo-1.0-{ARM}"
LINUX = "cp311-abi3-manylinux_2_17_x86_64"


@pytest.fixture
def check(pytester: pytest.Pytester) -> Check:
    """Run pytest on these paths, with a JSON report."""

    def check(*paths: Path, args: tuple[str, ...] = ()) -> pytest.RunResult:
        return pytester.runpytest(*(f"--archcheck-path={path}" for path in paths), "--archcheck-json=out.json", *args)

    return check


@pytest.fixture
def written(pytester: pytest.Pytester) -> Callable[[], dict[str, Any]]:
    """What a run wrote."""

    def written() -> dict[str, Any]:
        document: dict[str, Any] = json.loads((pytester.path / "out.json").read_text(encoding="ascii"))
        return document

    return written


def findings(path: Path, target: str = "host") -> list[tuple[str, str, str | None]]:
    return [(one.rule, one.severity, one.path) for one in inspect(str(path), target).findings]


def only(path: Path, rule: str) -> Finding:
    (finding,) = (one for one in inspect(str(path)).findings if one.rule == rule)
    return finding


def test_a_sound_wheel(check: Check, written: Callable[[], dict[str, Any]], tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle(), "demo/__init__.py": ""})
    result = check(path)
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["archcheck: target macOS 11.0 arm64, 1 wheel, *", "archcheck .*"])
    document = written()
    assert document["target"]["tag"] == "macosx_11_0_arm64"
    assert document["environment"]["paths"] == [str(path)]
    (distribution,) = document["distributions"]
    assert distribution["location"] == str(path)
    assert distribution["binaries"][0]["signature"] == {"arm64": "ad-hoc"}
    assert "target" not in distribution
    assert document["findings"] == document["skipped"] == []


def test_its_id_is_the_file_name(check: Check, tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle("x86_64")})
    result = check(path, args=(f"archcheck::{NAME}", "-rf"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "wrong-architecture: 1 file has only x86_64, the target needs arm64",
            "  demo/_a.so",
            "  remedy: build the wheel *",
            f"FAILED archcheck::{NAME} - wrong-architecture: *",
        ]
    )


def test_a_folder_of_wheels_each_for_its_own_tags(check: Check, written: Callable[[], dict[str, Any]], tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    write_wheel(dist, "demo", {"demo/_a.so": bundle()})
    write_wheel(dist, "demo", {"demo/_a.so": bundle("x86_64")}, tag="cp311-cp311-macosx_10_9_x86_64")
    write_wheel(dist, "demo", {"demo/_a.so": elfs.shared("aarch64")}, tag="cp311-cp311-manylinux_2_28_aarch64")
    write_wheel(dist, "demo", {"demo/_a.pyd": b"MZ" + bytes(200)}, tag="cp311-cp311-win_amd64")
    write_wheel(dist, "pure", {"pure.py": ""}, tag="py3-none-any")
    (dist / "demo-1.0.tar.gz").write_bytes(gzip.compress(b""))
    result = check(dist, args=("-rs",))
    result.assert_outcomes(passed=4, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "archcheck: target *; wheels: what their tags promise, 5 wheels, 1 place not looked at (-v), *",
            "SKIPPED *a wheel for Windows: *",
        ]
    )
    document = written()
    targets = {one["tags"][0]: one.get("target", {}).get("tag") for one in document["distributions"]}
    assert targets == {
        ARM: "macosx_11_0_arm64",
        "cp311-cp311-macosx_10_9_x86_64": "macosx_10_9_x86_64",
        "cp311-cp311-manylinux_2_28_aarch64": "manylinux_2_28_aarch64",
        "cp311-cp311-win_amd64": "win_amd64",
        "py3-none-any": None,
    }
    assert [one["reason"] for one in document["skipped"] if one["subject"].endswith("demo-1.0.tar.gz")]


@pytest.mark.parametrize(
    ("tag", "file", "system"),
    [
        ("cp313-cp313-ios_13_0_arm64_iphoneos", bundle(platform="ios"), "iOS"),
        ("cp313-cp313-android_21_arm64_v8a", elfs.shared("aarch64"), "Android"),
        ("cp312-cp312-pyodide_2024_0_wasm32", b"\0asm\1\0\0\0", "Pyodide"),
        ("cp312-cp312-emscripten_3_1_58_wasm32", b"\0asm\1\0\0\0", "Emscripten"),
        ("cp312-cp312-wasi_0_0_0_wasm32", b"\0asm\1\0\0\0", "WASI"),
        ("cp312-cp312-freebsd_14_0_release_amd64", elfs.shared("x86_64"), "freebsd_14_0_release_amd64"),
    ],
)
@pytest.mark.parametrize("target", [(), ("--archcheck-target=macosx_14_0_arm64",)])
def test_a_wheel_for_another_system_is_said_once_and_left_alone(
    check: Check, tmp_path: Path, tag: str, file: bytes, system: str, target: tuple[str, ...]
) -> None:
    write_wheel(tmp_path, "demo", {"demo/_a.so": file}, tag=tag)
    result = check(tmp_path, args=("-rs", *target))
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED *a wheel for {system}: its files are counted, not inspected"])


def test_a_wheel_for_another_system_too(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle("x86_64")}, tag=f"{ARM}.ios_13_0_arm64_iphoneos")
    assert ("wrong-architecture", "error", "demo/_a.so") in findings(path)


def test_the_oldest_glibc_that_the_tags_promise(tmp_path: Path) -> None:
    newer = elfs.shared("x86_64", needed=["libc.so.6"], versions={"libc.so.6": ("GLIBC_2.34",)})
    tag = "cp311-cp311-manylinux_2_17_x86_64"
    assert findings(write_wheel(tmp_path, "demo", {"demo/_a.so": newer}, tag=tag)) == [
        ("newer-os-required", "error", "demo/_a.so")
    ]
    assert findings(write_wheel(tmp_path, "demo", {"demo/_a.so": newer}, tag=f"{tag[:-9]}34_x86_64")) == []


def test_every_architecture_that_the_tags_promise(tmp_path: Path) -> None:
    both = fat(bundle("x86_64", minos="10.9"), bundle("arm64"))
    tag = "cp311-cp311-macosx_11_0_universal2"
    assert findings(write_wheel(tmp_path, "both", {"demo/_a.so": both}, tag=tag)) == []
    thin = write_wheel(tmp_path, "thin", {"demo/_a.so": bundle()}, tag=tag)
    assert only(thin, "wrong-architecture").message == "has only arm64, the target needs x86_64"
    compound = "cp311-cp311-macosx_10_9_x86_64.macosx_11_0_arm64"
    assert findings(write_wheel(tmp_path, "both", {"demo/_a.so": both}, tag=compound)) == []
    assert only(write_wheel(tmp_path, "thin", {"demo/_a.so": bundle()}, tag=compound), "wrong-architecture").path


def test_two_machines_in_the_report(check: Check, written: Callable[[], dict[str, Any]], tmp_path: Path) -> None:
    broken = {"demo/_a.so": fat(bundle("x86_64"), bundle())[:100]}
    check(write_wheel(tmp_path, "demo", broken, tag="cp311-cp311-macosx_10_9_x86_64.macosx_11_0_arm64"))
    (distribution,) = written()["distributions"]
    assert [one["tag"] for one in distribution["target"]] == ["macosx_11_0_arm64", "macosx_10_9_x86_64"]
    assert [one["rule"] for one in written()["findings"] if one["severity"] == "error"] == ["unreadable-binary"]  # said once


def test_a_target_of_ones_own_wins(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle(minos="12.0")})
    assert findings(path) == [("newer-os-required", "note", "demo/_a.so")]
    assert findings(path, "macosx_11_0_arm64") == [("newer-os-required", "warning", "demo/_a.so")]
    assert findings(path, "macosx_14_0_arm64") == []
    assert findings(path, "macosx_14_0_x86_64") == []  # it never claimed that: not judged, and so no pass


def test_an_any_wheel_is_judged_for_this_machine(tmp_path: Path) -> None:
    host = inspect(str(write_wheel(tmp_path, "pure", {"pure.py": ""}, tag="py3-none-any")))
    assert host.target.is_host
    assert host.findings == ()
    everywhere = {"demo/bin/linux/tool": elfs.shared("aarch64"), "demo/bin/macos/tool": executable("x86_64")}
    path = write_wheel(tmp_path, "demo", everywhere, tag="py3-none-any")
    assert ("wrong-architecture", "error", "demo/bin/macos/tool") in findings(path, "macosx_14_0_arm64")


def test_all_rules_of_an_installed_environment(tmp_path: Path) -> None:
    files = {
        "demo/_unsigned.so": bundle(signed=False),
        "demo/_twice.so": bundle(sdk="26.0", rpaths=["@loader_path", "@loader_path"]),
        "demo/_ios.so": bundle(platform="ios"),
        "demo/_lost.so": bundle(libraries=["@loader_path/.dylibs/libgone.dylib"]),
        "demo/_brew.so": bundle(libraries=["/opt/homebrew/opt/libomp/lib/libomp.dylib"]),
        "demo/_cut.so": bundle()[:100],
    }
    path = write_wheel(tmp_path, "demo", files, tag="cp311-cp311-macosx_26_0_arm64", requires=["numpy"])
    assert set(findings(path)) == {
        ("unsigned-binary", "error", "demo/_unsigned.so"),
        ("duplicate-rpath", "error", "demo/_twice.so"),
        ("wrong-platform", "error", "demo/_ios.so"),
        ("missing-library", "error", "demo/_lost.so"),
        ("library-outside-environment", "error", "demo/_brew.so"),
        ("unreadable-binary", "error", "demo/_cut.so"),
    }
    assert str(path) not in only(path, "unsigned-binary").remedy
    assert "wheel unpack" in only(path, "unsigned-binary").remedy


@pytest.mark.parametrize("library", ["/opt/homebrew/opt/libomp/lib/libomp.dylib", "/Users/runner/work/build/liba.dylib"])
def test_a_folder_of_the_build_machine(tmp_path: Path, library: str) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle(libraries=[library])}, requires=["numpy"])
    assert findings(path) == [("library-outside-environment", "error", "demo/_a.so")]
    assert findings(path, "macosx_14_0_arm64") == [("library-outside-environment", "warning", "demo/_a.so")]
    plugin = write_wheel(tmp_path, "demo", {"demo/plugins/liba.dylib": dylib(libraries=[library])})
    assert findings(plugin) == [("library-outside-environment", "note", "demo/plugins/liba.dylib")]


def test_libraries_resolve_inside_the_wheel(tmp_path: Path) -> None:
    files = {
        "demo/_a.so": bundle(libraries=["@rpath/libinner.dylib"], rpaths=["@loader_path/.dylibs"]),
        "demo/.dylibs/libinner.dylib": dylib(install_name="/DLC/demo/.dylibs/libinner.dylib"),
    }
    assert findings(write_wheel(tmp_path, "demo", files)) == []
    files["demo/.dylibs/libinner.dylib"] = dylib("x86_64")
    assert ("library-wrong-architecture", "note", "demo/_a.so") in findings(write_wheel(tmp_path, "demo", files))


@pytest.mark.parametrize(
    ("library", "requires", "expected"),
    [
        ("@rpath/libc10.dylib", ["torch"], "note"),
        ("@rpath/libc10.dylib", [], "note"),  # torch-scatter: built for torch, which it does not require
        ("@rpath/libtensorflow_framework.2.dylib", ["tensorflow; extra == 'tensorflow'"], "note"),
        ("@loader_path/../other/libother.dylib", ["other"], "note"),
        ("@rpath/libforgotten.dylib", ["numpy"], "note"),
        ("@loader_path/libforgotten.dylib", ["numpy"], "error"),  # nobody else puts files there
        ("@loader_path/libforgotten.dylib", ["forgotten-core"], "note"),  # but one of that name may
        ("@loader_path/libforgotten.dylib", ["demo-essentials"], "note"),
        ("@rpath/_pywrap_tensorflow_internal.so", [], "note"),
        ("@loader_path/../demo.dylibs/libgone.dylib", ["numpy"], "error"),
        ("@loader_path/libcutils.dylib", ["numpy"], "error"),  # named like one of CUDA's, but looked for here alone
        ("@loader_path/../torch/lib/libcudart.dylib", ["torch"], "note"),
        ("@rpath/libforgotten.dylib", ["numpy; extra == 'all'"], "error"),  # an extra is nothing that it requires
        ("@rpath/libforgotten.dylib", [], "error"),
        ("@loader_path/.dylibs/libgone.dylib", ["numpy"], "error"),
    ],
)
def test_what_another_distribution_may_bring_is_said(tmp_path: Path, library: str, requires: list[str], expected: str) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle(libraries=[library])}, requires=requires)
    inspection = inspect(str(path))
    (finding,) = inspection.findings
    assert (finding.severity, finding.path) == (expected, "demo/_a.so")
    said = [skip for skip in inspection.skipped if library in skip.reason]
    assert bool(said) is (expected == "note")


@pytest.mark.parametrize(
    ("library", "requires", "expected"),
    [
        ("libc10.so", ["torch"], "note"),
        ("libc10.so", [], "note"),
        ("_pywrap_tensorflow_internal.so", [], "note"),
        ("libforgotten.so.1", ["numpy"], "note"),
        ("libxcb.so.1", ["numpy"], "warning"),
        ("libxcb.so.1", [], "warning"),
    ],
)
def test_the_same_of_linux_wheels(tmp_path: Path, library: str, requires: list[str], expected: str) -> None:
    files = {"demo/_a.abi3.so": elfs.shared("x86_64", needed=[library, "libc.so.6"])}
    path = write_wheel(tmp_path, "demo", files, tag="cp311-abi3-manylinux_2_17_x86_64", requires=requires)
    assert [(one.rule, one.severity) for one in inspect(str(path)).findings] == [("library-outside-environment", expected)]


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("manylinux_2_17_x86_64", ("missing-library", "error")),
        ("musllinux_1_2_x86_64", ("missing-library", "error")),
        ("linux_x86_64", ("library-outside-environment", "warning")),
    ],
)
def test_a_manylinux_tag_promises_that_all_is_there(tmp_path: Path, platform: str, expected: tuple[str, str]) -> None:
    """PEP 600 has a list of what every system has; auditwheel calls such a wheel one for ``linux_x86_64``."""
    files = {"demo/_a.abi3.so": elfs.shared("x86_64", needed=["libforgotten.so.1"])}
    path = write_wheel(tmp_path, "demo", files, tag=f"cp311-abi3-{platform}")
    (finding,) = inspect(str(path)).findings
    assert (finding.rule, finding.severity) == expected
    repair = f"where libforgotten.so.1 is installed: auditwheel repair {path.name} puts it into the wheel"
    assert (finding.remedy == repair) is (expected[1] == "error")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"needed": ["libz-0a1b2c3d.so.1"], "runpath": "$ORIGIN/../demo.libs"}, "error"),
        ({"needed": ["libown.so.1"], "runpath": "$ORIGIN/../demo.libs"}, "error"),
        ({"needed": ["/home/me/build/libown.so.1"]}, "error"),
        ({"needed": ["libown.so.1"], "runpath": "$ORIGIN/lib64"}, "error"),
        ({"needed": ["libxcb.so.1"], "runpath": "$ORIGIN/lib64"}, "warning"),  # a system's
        ({"needed": ["libcutils.cpython-311-x86_64-linux-gnu.so"], "runpath": "$ORIGIN"}, "error"),  # a module
        ({"needed": ["libdemos.so.1"], "runpath": "$ORIGIN"}, "error"),  # by the package's own name
        (
            {"needed": ["libown.so.1"], "runpath": "$ORIGIN"},
            "error",
        ),  # or a system has it: not every one
        ({"needed": ["libown.so.1"], "runpath": "$ORIGIN/../numpy.libs:$ORIGIN/../other"}, "note"),
    ],
)
def test_what_can_only_be_the_linux_wheels_own(tmp_path: Path, facts: dict[str, Any], expected: str) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.abi3.so": elfs.shared("x86_64", **facts)}, tag=LINUX, requires=["numpy"])
    assert [one.severity for one in inspect(str(path)).findings] == [expected]


def test_a_bundled_librarys_own_neighbour_is_brought_by_nobody(tmp_path: Path) -> None:
    files = {
        "demo/.dylibs/libpng.dylib": dylib(libraries=["@loader_path/libz.1.3.dylib"]),
        "demo/_a.so": bundle(libraries=["@loader_path/.dylibs/libpng.dylib"]),
    }
    path = write_wheel(tmp_path, "demo", files, requires=["numpy"])
    assert [(one.rule, one.severity) for one in inspect(str(path)).findings] == [("missing-library", "error")]


def test_a_module_that_its_package_gets_by_without(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "demo/_a.abi3.so": elfs.shared("x86_64", needed=["libxcb.so.1", "libc.so.6"]),
        "demo/__init__.py": "try:\n    from demo import _a\nexcept ImportError:\n    _a = None\n",
    }
    path = write_wheel(tmp_path, "demo", files, tag="cp311-abi3-manylinux_2_17_x86_64")
    assert [one.severity for one in inspect(str(path)).findings] == ["note"]


def test_wheels_and_environments_together(check: Check, healthy: Path, tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle()})
    result = check(path, healthy, args=("--archcheck-target=macosx_14_0_arm64", "-v"))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["archcheck::h5py PASSED*", f"archcheck::{NAME} PASSED*"])


def test_two_wheels_of_one_name(check: Check, tmp_path: Path) -> None:
    paths = [write_wheel(tmp_path / name, "demo", {"demo/_a.so": bundle()}) for name in ("one", "two")]
    result = check(*paths, args=("-v",))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"archcheck::{NAME} PASSED*", f"archcheck::{NAME}-2 PASSED*"])


def test_allow_lines_go_by_the_wheels_own_target(check: Check, pytester: pytest.Pytester, tmp_path: Path) -> None:
    wheels = [
        write_wheel(tmp_path, "demo", {"demo/_a.so": bundle("x86_64")}),
        write_wheel(tmp_path, "pure", {"p.py": ""}, tag="py3-none-any"),
    ]
    pytester.makeini(f"[pytest]\narchcheck_allow =\n    {NAME} @macosx_*_arm64: Rosetta\n    {NAME} @manylinux_*: not here\n")
    check(*wheels).assert_outcomes(xfailed=1, passed=1)


def bad_wheels(folder: Path) -> dict[str, Path]:
    """Files that no installer takes: kind -> path."""
    sound = write_wheel(folder / "cut", "demo", {"demo/_a.so": bundle()})
    sound.write_bytes(sound.read_bytes()[:-60])
    tarball = folder / "tar" / f"{NAME}.whl"
    tarball.parent.mkdir()
    tarball.write_bytes(gzip.compress(bytes(1024)))
    up = write_wheel(folder / "up", "demo", {"../../up.so": bundle(), "/tmp/abs.so": bundle()})  # noqa: S108 - a member's name
    bare = folder / "bare" / f"{NAME}.whl"
    bare.parent.mkdir()
    with zipfile.ZipFile(bare, "w") as archive:
        archive.writestr("demo/_a.so", bundle())
    bomb = write_wheel(folder / "bomb", "demo", {"demo/_a.so": bundle() + bytes(80 << 20)})
    return {"cut": sound, "tar": tarball, "up": up, "bare": bare, "bomb": bomb}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cut", "*unreadable-wheel: the wheel is not sound: a zip archive without its end: it is cut short"),
        ("tar", "*unreadable-wheel: the wheel is not sound: no zip archive, but a gzip file"),
        ("up", "*unreadable-wheel: the wheel is not sound: its member '../../up.so' would be installed outside *"),
        ("bare", "*unreadable-wheel: the wheel is not sound: it has no WHEEL file *"),
    ],
)
def test_bad_wheels_are_findings_and_nothing_is_written(
    kind: str, said: str, check: Check, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    path = bad_wheels(tmp_path)[kind]
    before = everything_below(tmp_path)
    result = check(path)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert everything_below(tmp_path) == before
    assert {entry.name for entry in pytester.path.iterdir()} <= {".pytest_cache", "out.json"}


def everything_below(folder: Path) -> set[str]:
    return {os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names}


def test_a_bomb_is_judged_by_its_head(tmp_path: Path) -> None:
    assert [rule for rule, severity, _ in findings(bad_wheels(tmp_path)["bomb"]) if severity != "note"] in (
        [],
        ["invalid-signature"],
    )


def test_a_file_that_is_no_wheel_and_no_lock(check: Check, tmp_path: Path) -> None:
    (tmp_path / "demo-1.0.tar.gz").write_bytes(b"")
    result = check(tmp_path / "demo-1.0.tar.gz")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: --archcheck-path: *demo-1.0.tar.gz: of an archive only what is built from it can be inspected: pip wheel *"]
    )


def test_an_unreadable_wheel(check: Check, tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "demo", {"demo/_a.so": bundle()})
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    result = check(path)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["unreadable-wheel: the wheel is not sound: it cannot be read: Permission denied"])


def test_under_xdist(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    write_wheel(tmp_path, "demo", {"demo/_a.so": bundle("x86_64")})
    write_wheel(tmp_path, "good", {"good/_a.so": bundle()})
    result = pytester.runpytest_subprocess(f"--archcheck-path={tmp_path}", "-n2", timeout=60)
    result.assert_outcomes(failed=1, passed=1)
