from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.tags import mac_platforms
from support import elfs, machos

from pytest_archcheck import limits
from pytest_archcheck.binaries.archive import Archive, ArchiveInvalid
from pytest_archcheck.binaries.model import MachOSlice
from pytest_archcheck.discover.wheels import read_wheel
from pytest_archcheck.loader.signing import read_signature
from pytest_archcheck.rules.wheels import judge_tags, judge_wheel_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_archcheck.findings import Finding

NAME = "demo-1.0-cp311-cp311-macosx_11_0_arm64.whl"
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: false\nTag: cp311-cp311-macosx_11_0_arm64\n"
METADATA = "Metadata-Version: 2.1\nName: DEMO\nVersion: 1.0\n\nText: not a header\n"
DIST_INFO = {"demo-1.0.dist-info/WHEEL": WHEEL, "demo-1.0.dist-info/METADATA": METADATA, "demo-1.0.dist-info/RECORD": ""}


def write(
    folder: Path,
    files: Mapping[str, bytes | str],
    name: str = NAME,
    method: int = zipfile.ZIP_DEFLATED,
    info: Mapping[str, bytes | str] = DIST_INFO,
) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, content in {**files, **info}.items():
            archive.writestr(member, content)
    return path


def large(content: bytes, size: int) -> bytes:
    """The same file with a tail that hardly compresses."""
    return content + os.urandom(size)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wheel_is_read_like_its_installed_files(tmp_path: Path, method: int) -> None:
    extension = machos.fat(machos.bundle("x86_64"), machos.bundle("arm64"))
    files: dict[str, bytes | str] = {
        "demo/_core.cpython-311-darwin.so": extension,
        "demo/__init__.py": "import os",
        "demo/.dylibs/libx.1.dylib": machos.dylib("arm64"),
        "demo-1.0.data/platlib/demo/_more.abi3.so": machos.bundle("arm64"),
        "demo-1.0.data/purelib/demo/tool": machos.executable("arm64"),
        "demo-1.0.data/scripts/demo-tool": machos.executable("x86_64"),
        "demo-1.0.data/data/share/libdata.dylib": machos.dylib("arm64"),
        "demo/notes": "MZ is no program",
        "demo/empty/": "",
    }
    wheel = read_wheel(str(write(tmp_path, files, method=method)))
    assert wheel.problems == ()
    assert wheel.skipped == ()
    assert wheel.files == len(files) + 3
    assert wheel.label == NAME.removesuffix(".whl")
    dist = wheel.distribution
    assert (dist.name, dist.version, dist.tags) == ("demo", "1.0", ("cp311-cp311-macosx_11_0_arm64",))
    assert dist.location == str(tmp_path / NAME)
    assert [target.tag for target in wheel.targets] == ["macosx_11_0_arm64"]
    assert {binary.path: (binary.role, binary.architectures) for binary in dist.binaries} == {
        "bin/demo-tool": ("executable", ("x86_64",)),
        "demo/.dylibs/libx.1.dylib": ("library", ("arm64",)),
        "demo/_core.cpython-311-darwin.so": ("extension", ("x86_64", "arm64")),
        "demo/_more.abi3.so": ("extension", ("arm64",)),
        "demo/tool": ("executable", ("arm64",)),
        "share/libdata.dylib": ("library", ("arm64",)),
    }
    environment = wheel.environment
    assert (environment.kind, environment.label, environment.distributions) == ("wheel", wheel.label, (dist,))
    assert os.listdir(tmp_path) == [NAME]


def test_a_binary_of_the_wheel_can_be_opened_again(tmp_path: Path) -> None:
    content = machos.bundle("arm64")
    wheel = read_wheel(str(write(tmp_path, {"demo/_a.so": content})))
    (binary,) = wheel.distribution.binaries
    with wheel.open(binary.file) as source:
        assert source.size == len(content)
        assert source.read(0, 1 << 20) == content
        assert source.read(5, 3) == content[5:8]
        assert source.read(len(content) - 2, 9) == content[-2:]
        assert source.read(len(content), 1) == source.read(-1, 1) == source.read(0, 0) == b""
        (piece,) = binary.slices
        assert isinstance(piece, MachOSlice)
        assert read_signature(source, piece).kind == "ad-hoc"
    with pytest.raises(FileNotFoundError), wheel.open(str(tmp_path / NAME / "demo/none.so")):
        pass


def test_any_order_of_reads_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBER_WINDOW_SIZE", 70_000)
    content = os.urandom(700_000) + bytes(700_000)
    path = write(tmp_path, {"demo/data.bin": content})
    with Archive(str(path)) as archive:
        member = next(member for member in archive.members if member.filename == "demo/data.bin")
        source = archive.source(member)
        for offset, size in ((0, 4096), (1_000_000, 10), (950_000, 60_000), (100, 65_000), (65_000, 1000), (200_000, 300_000)):
            assert source.read(offset, size) == content[offset : offset + size]
        source = archive.source(member)
        there_and_back = [1_300_000, 100_000] * 10
        with pytest.raises(OSError, match="takes too long"):
            [source.read(offset, 10) for offset in there_and_back]


def test_of_what_is_too_large_only_headers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WHEEL_COMPRESSED_SIZE", 100_000)
    files = {
        "demo/small.so": machos.bundle("arm64"),
        "demo/libbig.dylib": large(machos.dylib("arm64", libraries=["@rpath/libz.dylib"]), 200_000),
        "demo/libbig.so.2": large(elfs.shared("aarch64", needed=["libc.so.6"]), 200_000),
    }
    wheel = read_wheel(str(write(tmp_path, files)))
    found = {binary.path: binary for binary in wheel.distribution.binaries}
    assert wheel.partial == {"demo/libbig.dylib", "demo/libbig.so.2"}
    assert sorted(skipped.subject for skipped in wheel.skipped) == sorted(wheel.partial)
    assert [library.name for library in found["demo/libbig.dylib"].slices[0].libraries] == ["@rpath/libz.dylib"]
    assert found["demo/libbig.so.2"].architectures == ("aarch64",)
    assert found["demo/libbig.so.2"].slices[0].libraries == ()
    assert all(binary.problem is None for binary in found.values())


# Bad wheels.


def problems(path: Path) -> tuple[str, ...]:
    wheel = read_wheel(str(path))
    findings = judge_wheel_file(wheel.problems, wheel.distribution, wheel.label)
    assert [(finding.rule, finding.severity, finding.subject) for finding in findings] == (
        [("unreadable-wheel", "error", wheel.label)] * len(wheel.problems)
    )
    return wheel.problems


def test_a_renamed_tarball(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("demo/__init__.py"))
    for content, words in ((buffer.getvalue(), "a tar archive"), (gzip.compress(buffer.getvalue()), "a gzip file")):
        (tmp_path / NAME).write_bytes(content)
        assert problems(tmp_path / NAME) == (f"no zip archive, but {words}",)


def test_truncated_and_empty_files(tmp_path: Path) -> None:
    path = write(tmp_path, {"demo/_a.so": machos.bundle("arm64")})
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert problems(path) == ("a zip archive without its end: it is cut short",)
    path.write_bytes(whole[200:])
    assert problems(path)
    path.write_bytes(b"")
    assert problems(path) == ("the file is empty",)
    for cut in range(0, len(whole), 997):  # wherever it is cut or damaged: said, never raised
        path.write_bytes(whole[:cut])
        assert problems(path)
        path.write_bytes(whole[:cut] + b"\xff" * 8 + whole[cut + 8 :])
        read_wheel(str(path))


def test_members_that_leave_the_environment(tmp_path: Path) -> None:
    names = ["../evil.so", "/abs.so", "demo/../../up.so", "C:\\x.so", "demo-1.0.data/scripts/../../../x.so", "..\\back.so"]
    path = write(tmp_path, dict.fromkeys(names, machos.bundle("arm64")))
    assert len(problems(path)) == len(names)
    assert read_wheel(str(path)).distribution.binaries == ()
    assert "'../evil.so' would be installed outside" in problems(path)[0]


def test_duplicate_members(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)
        for arch in ("x86_64", "arm64"):
            archive.writestr("demo/_a.so", machos.bundle(arch))
        for name, content in DIST_INFO.items():
            archive.writestr(name, content)
    assert problems(path) == ("it holds 'demo/_a.so' twice",)


def test_missing_metadata(tmp_path: Path) -> None:
    path = write(tmp_path, {"demo/_a.so": machos.bundle("arm64")}, info={})
    assert problems(path) == (
        "it has no WHEEL file in a dist-info folder",
        "it has no METADATA file in a dist-info folder",
    )
    dist = read_wheel(str(path)).distribution
    assert (dist.name, dist.version, dist.tags) == ("demo", "1.0", ("cp311-cp311-macosx_11_0_arm64",))
    assert len(dist.binaries) == 1
    odd = write(tmp_path, {}, name="demo.whl")
    assert problems(odd)[0].startswith("its file name is none of a wheel")


def test_encrypted_members(tmp_path: Path) -> None:
    path = write(tmp_path, {"demo/_a.so": machos.bundle("arm64"), "demo/data.bin": b"x"}, method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):  # general purpose bit 0 in both headers of every member
        start = content.find(magic)
        while start >= 0:
            content[start + at] |= 1
            start = content.find(magic, start + 4)
    path.write_bytes(content)
    wheel = read_wheel(str(path))
    assert "its WHEEL file cannot be read: encrypted" in wheel.problems
    (binary,) = wheel.distribution.binaries
    assert binary.problem == "it cannot be read out of the wheel: encrypted"
    assert [skipped.subject for skipped in wheel.skipped] == ["demo/data.bin"]


@pytest.mark.parametrize(("lie", "words"), [(5_000_000, "holds 16640"), (-10_000, "cut short")])
def test_lying_sizes(tmp_path: Path, lie: int, words: str) -> None:
    real = machos.bundle("arm64")
    path = write(tmp_path, {"demo/_a.so": real})
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.find(b"PK\1\2") + 24, len(real) + lie)  # the directory's uncompressed size
    path.write_bytes(content)
    (binary,) = read_wheel(str(path)).distribution.binaries
    assert words in str(binary.problem)


def test_zip_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WHEEL_INFLATED_SIZE", 16 << 20)
    front = machos.dylib("arm64")
    path = write(tmp_path, {"demo/libbomb.dylib": front + bytes(32 << 20), "demo/_a.so": front})
    assert os.path.getsize(path) < 100_000
    wheel = read_wheel(str(path))
    assert wheel.partial == {"demo/libbomb.dylib"}
    assert "32 MiB, only its load commands were read" in wheel.skipped[0].reason


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"demo/a.so": machos.bundle("arm64"), "demo/b.so": machos.bundle("arm64")})
    content = bytearray(path.read_bytes())
    first = content.find(b"PK\1\2")
    second = content.find(b"PK\1\2", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]  # the offset of the local header
    path.write_bytes(content)
    assert "verlap" in problems(path)[0]


def test_a_directory_that_claims_too_much(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.rfind(b"PK\5\6") + 12, 0x7FFFFFFF)
    path.write_bytes(content)
    with pytest.raises(ArchiveInvalid, match="a damaged zip archive"):
        Archive(str(path))


def test_no_such_file(tmp_path: Path) -> None:
    assert read_wheel(str(tmp_path / NAME)).problems == ("it cannot be read: No such file or directory",)


# mistagged-wheel


def test_the_file_name_decides_the_target(tmp_path: Path) -> None:
    info = {**DIST_INFO, "demo-1.0.dist-info/WHEEL": WHEEL.replace("arm64", "x86_64")}
    wheel = read_wheel(str(write(tmp_path, {"demo/_a.so": machos.bundle("arm64")}, info=info)))
    assert [target.tag for target in wheel.targets] == ["macosx_11_0_arm64"]
    assert wheel.distribution.tags == ("cp311-cp311-macosx_11_0_x86_64",)
    assert judge_tags(wheel.distribution, wheel.label) is not None


def tagged(folder: Path, tag: str, **files: bytes) -> str | None:
    finding = tag_finding(folder, tag, **files)
    assert finding is None or (finding.rule, finding.severity) == ("mistagged-wheel", "note")
    return finding.message if finding else None


def tag_finding(folder: Path, tag: str, **files: bytes) -> Finding | None:
    contents = {f"demo/{name}.so": content for name, content in files.items()}
    info = {**DIST_INFO, "demo-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n"}
    wheel = read_wheel(str(write(folder, contents, info=info)))
    return judge_tags(wheel.distribution, wheel.label)


def test_tags_that_fit_are_no_finding(tmp_path: Path) -> None:
    arm, intel = machos.bundle("arm64"), machos.bundle("x86_64")
    assert tagged(tmp_path, "cp311-cp311-macosx_11_0_arm64", _a=arm, _b=machos.fat(intel, arm)) is None
    assert tagged(tmp_path, "cp311-cp311-macosx_11_0_universal2", _a=machos.fat(intel, arm)) is None
    assert tagged(tmp_path, "cp311-cp311-manylinux_2_28_aarch64", _a=elfs.shared("aarch64")) is None
    assert tagged(tmp_path, "cp311-cp311-win_amd64", _a=arm) is None
    assert (
        tagged(tmp_path, "cp311-cp311-macosx_11_0_universal2", attach_x86_64=intel, attach_arm64=machos.fat(intel, arm)) is None
    )
    assert tagged(tmp_path, "py3-none-any") is None
    assert tagged(tmp_path, "py3-none-any", attach_mac=arm, attach_linux=elfs.shared("x86_64")) is None


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("cp311-cp311-macosx_11_0_x86_64", "its tags promise macOS 11.0 x86_64, and its compiled file has only arm64"),
        (
            "cp311-cp311-macosx_11_0_universal2",
            "its tags promise macOS 11.0 universal2, and its compiled file has only arm64",
        ),
        ("cp311-cp311-manylinux_2_28_x86_64", "its tags promise Linux x86_64, and its compiled file is not for that system"),
        ("py3-none-any", "its tag promises every machine, and it holds binaries for macOS arm64"),
    ],
)
def test_tags_that_do_not_fit(tmp_path: Path, tag: str, message: str) -> None:
    assert tagged(tmp_path, tag, _a=machos.bundle("arm64")) == message


@pytest.mark.parametrize(
    ("files", "platform"),
    [
        ({"_a": machos.bundle("arm64", minos="12.0")}, "macosx_12_0_arm64"),
        # No installer takes a wheel for macOS 12.3, 15.4 or 26.1, on any Mac.
        ({"_a": machos.bundle("arm64", minos="11.3")}, "macosx_12_0_arm64"),
        ({"_a": machos.bundle("arm64", minos="12.3")}, "macosx_13_0_arm64"),
        ({"_a": machos.bundle("arm64", minos="15.4")}, "macosx_26_0_arm64"),
        ({"_a": machos.bundle("arm64", minos="26.1")}, "macosx_27_0_arm64"),
        ({"_a": machos.fat(machos.bundle("x86_64", minos="10.13"), machos.bundle())}, "macosx_10_13_universal2"),
        ({"_a": machos.fat(machos.bundle("x86_64", minos="10.13"), machos.bundle(minos="12.0"))}, "macosx_12_0_universal2"),
        (
            {"_a": machos.bundle("arm64"), "_b": machos.fat(machos.bundle("x86_64", minos="13.0"), machos.bundle())},
            "macosx_11_0_arm64",
        ),
        ({"_a": machos.bundle("arm64"), "_b": machos.fat(machos.bundle("x86_64"), machos.bundle())}, "macosx_11_0_arm64"),
        ({"_a": machos.bundle("x86_64", minos="10.13")}, "macosx_10_13_x86_64"),
        ({"_a": machos.bundle("x86_64", minos="10.6")}, "macosx_10_9_x86_64"),
        ({"_a": machos.fat(machos.bundle("x86_64"), machos.bundle())}, "macosx_11_0_universal2"),
        ({"_a": machos.bundle("arm64"), "_b": machos.bundle("x86_64")}, None),
        ({"_a": elfs.shared("x86_64")}, None),
    ],
)
def test_the_command_that_corrects_the_tags(tmp_path: Path, files: dict[str, bytes], platform: str | None) -> None:
    found = tag_finding(tmp_path, "py3-none-any", **files)
    assert found is not None
    command = f"wheel tags --remove --platform-tag {platform} "
    assert (command in found.remedy) if platform else ("wheel tags" not in found.remedy)
    if platform:
        version, _, machine = platform.removeprefix("macosx_").replace("_", ".", 1).partition("_")
        major, minor = map(int, version.split("."))
        assert platform in mac_platforms((major, minor), "arm64" if machine == "universal2" else machine)
