"""The byte builders of ``tests/support`` make files that LLVM and LIEF accept and read as meant."""

from __future__ import annotations

import hashlib
import struct
import warnings
from pathlib import Path
from typing import Any

import lief
import pytest
from support import elfs, machos
from support.sites import add_distribution
from support.tools import find_tool, output_of

lief.logging.disable()
MAKERS = {maker.__name__: maker for maker in (machos.bundle, machos.dylib, machos.executable, machos.relocatable, machos.dsym)}
LIEF_TYPES = {"bundle": "BUNDLE", "dylib": "DYLIB", "executable": "EXECUTE", "relocatable": "OBJECT", "dsym": "DSYM"}


def save(folder: Path, data: bytes) -> str:
    path = folder / "sample"
    path.write_bytes(data)
    return str(path)


def lief_macho(path: str) -> Any:
    """LIEF's FatBinary; it must outlive the slices taken out of it."""
    return lief.MachO.parse(path)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("arch", machos.ARCHITECTURES)
def test_llvm_and_lief_accept_every_kind_and_architecture(tmp_path: Path, arch: str, maker: str) -> None:
    path = save(tmp_path, MAKERS[maker](arch))
    assert output_of(find_tool("llvm-lipo"), "-archs", path).strip() == arch
    commands = output_of(find_tool("llvm-otool"), "-l", path)
    assert "LC_BUILD_VERSION" in commands
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # LIEF has no name for arm64_32
        file = lief_macho(path)
        image = file.at(0)
        assert str(image.header.file_type).endswith(LIEF_TYPES[maker])
    signed = arch.startswith("arm64") and maker not in {"relocatable", "dsym"}
    assert image.has_code_signature == signed == ("LC_CODE_SIGNATURE" in commands)


def test_load_commands_say_what_was_asked_for(tmp_path: Path) -> None:
    libraries = [machos.LIBSYSTEM, ("@rpath/weak.dylib", "weak"), ("@rpath/other.dylib", "reexport")]
    rpaths = ["@loader_path"] * 2
    data = machos.dylib(platform="iossimulator", minos="12.3.1", sdk="15.4", libraries=libraries, rpaths=rpaths, uuid=False)
    path = save(tmp_path, data)
    commands = output_of(find_tool("llvm-otool"), "-l", path)
    assert [commands.count(f"cmd {name}\n") for name in ("LC_ID_DYLIB", "LC_LOAD_WEAK_DYLIB", "LC_REEXPORT_DYLIB")] == [1, 1, 1]
    assert commands.count("path @loader_path (offset 12)") == 2
    assert "LC_UUID" not in commands
    file = lief_macho(path)
    image = file.at(0)
    assert str(image.build_version.platform).endswith("IOS_SIMULATOR")
    assert (image.build_version.minos, image.build_version.sdk) == ([12, 3, 1], [15, 4, 0])


def test_older_version_command(tmp_path: Path) -> None:
    path = save(tmp_path, machos.bundle("x86_64", version_command="min", minos="10.9", sdk="10.15"))
    file = lief_macho(path)
    image = file.at(0)
    assert image.version_min.version == [10, 9, 0]
    assert image.version_min.sdk == [10, 15, 0]


@pytest.mark.parametrize("trie_command", ["exports-trie", "dyld-info"])
@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_symbols_and_export_trie(tmp_path: Path, arch: str, trie_command: str) -> None:
    names = ["_a", "_alpha", "_alphabet", "_beta", "_b"]
    undefined = ["_malloc", ("_maybe", 0xFE, True)]
    data = machos.dylib(arch, exports=names, reexports={"_re": (1, "_real")}, undefined=undefined, trie_command=trie_command)
    path = save(tmp_path, data)
    file = lief_macho(path)
    image = file.at(0)
    trie = image.dyld_exports_trie if trie_command == "exports-trie" else image.dyld_info
    assert {export.symbol.name for export in trie.exports} == {*names, "_re"}
    if trie_command == "dyld-info":  # llvm-objdump reads LC_DYLD_EXPORTS_TRIE since LLVM 15 only
        text = output_of(find_tool("llvm-objdump"), "--macho", "--exports-trie", path)
        assert {line.split()[-1] for line in text.splitlines() if line.startswith("0x")} == set(names)
        assert "[re-export] _re" in text
        assert "_real from libSystem" in text
    symbols = output_of(find_tool("llvm-nm"), "-m", path)
    assert "(undefined) external _malloc (from libSystem)" in symbols
    assert "(undefined) weak external _maybe (dynamically looked up)" in symbols


@pytest.mark.parametrize("is_64", [False, True])
def test_fat_files(tmp_path: Path, *, is_64: bool) -> None:
    path = save(tmp_path, machos.fat(machos.bundle("x86_64"), machos.bundle("arm64"), is_64=is_64))
    assert output_of(find_tool("llvm-lipo"), "-archs", path).split() == ["x86_64", "arm64"]
    if not is_64:  # LIEF does not know FAT_MAGIC_64
        assert lief_macho(path).size == 2


@pytest.mark.parametrize("rpath_count", [0, 900])
def test_page_hashes_match(tmp_path: Path, rpath_count: int) -> None:
    data = machos.bundle(rpaths=[f"@loader_path/{number}" for number in range(rpath_count)])
    file = lief_macho(save(tmp_path, data))
    image = file.at(0)
    blob = data[image.code_signature.data_offset :]
    assert len(blob) == image.code_signature.data_size
    magic, _, count, _, directory_at = struct.unpack_from(">5I", blob)
    assert (magic, count) == (0xFADE0CC0, 1)
    directory = blob[directory_at:]
    hashes_at, _, _, slots, limit = struct.unpack_from(">5I", directory, 16)
    assert limit == image.code_signature.data_offset
    expected = [hashlib.sha256(data[start : min(start + 4096, limit)]).digest() for start in range(0, limit, 4096)]
    assert [directory[hashes_at + 32 * slot :][:32] for slot in range(slots)] == expected


@pytest.mark.parametrize("maker", [elfs.shared, elfs.executable, elfs.relocatable])
@pytest.mark.parametrize("arch", elfs.ARCHITECTURES)
def test_llvm_and_lief_accept_every_elf(tmp_path: Path, arch: str, maker: Any) -> None:
    path = save(tmp_path, maker(arch))
    header = output_of(find_tool("llvm-readelf"), "-a", "-W", path)
    machine, is_64, big_endian = elfs.ARCHITECTURES[arch]
    assert ("ELF64" in header, "big endian" in header) == (is_64, big_endian)
    binary = lief.ELF.parse(path)
    assert binary is not None
    assert struct.unpack_from(">H" if big_endian else "<H", Path(path).read_bytes(), 18) == (machine,)
    assert list(binary.libraries) == ([] if maker is elfs.relocatable else ["libc.so.6"])
    assert binary.has_interpreter == (maker is elfs.executable)


@pytest.mark.parametrize("arch", ["x86_64", "i686", "ppc64"])
def test_dynamic_section_says_what_was_asked_for(tmp_path: Path, arch: str) -> None:
    versions = {"libc.so.6": ["GLIBC_2.17", "GLIBC_2.34"], "libm.so.6": ["GLIBC_2.29"]}
    facts: dict[str, Any] = {"soname": "libx.so.1", "rpath": "$ORIGIN/a:/b", "runpath": "$ORIGIN/c", "versions": versions}
    path = save(tmp_path, elfs.shared(arch, needed=list(versions), **facts))
    text = output_of(find_tool("llvm-readelf"), "-d", "-V", "-W", path)
    for expected in ("[libc.so.6]", "[libm.so.6]", "[libx.so.1]", "[$ORIGIN/a:/b]", "[$ORIGIN/c]"):
        assert expected in text
    binary = lief.ELF.parse(path)
    assert binary is not None
    seen = {need.name: [aux.name for aux in need.get_auxiliary_symbols()] for need in binary.symbols_version_requirement}
    assert seen == versions


def test_a_distribution_is_what_the_standard_library_reads(tmp_path: Path) -> None:
    from importlib.metadata import Distribution  # noqa: PLC0415 - only this test needs it

    tags = ["cp311-cp311-macosx_11_0_arm64"]
    files: dict[str, bytes | str] = {"sample/core.so": b"\0", "sample/a,b.py": ""}
    info = add_distribution(tmp_path, "My.Sample", "2.0", files, tags=tags, installer="uv")
    found = Distribution.at(info)
    assert (found.metadata["Name"], found.version, found.read_text("INSTALLER")) == ("My.Sample", "2.0", "uv\n")
    assert "Tag: cp311-cp311-macosx_11_0_arm64" in (found.read_text("WHEEL") or "")
    assert all(Path(path.locate()).is_file() for path in found.files or ())
    assert {str(path) for path in found.files or ()} >= {"sample/core.so", "sample/a,b.py", "My_Sample-2.0.dist-info/RECORD"}
