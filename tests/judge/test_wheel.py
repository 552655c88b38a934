"""What judging a wheel costs: each member is inflated once, and only as far as the rules ask."""

from __future__ import annotations

import os
import types
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from support import machos

from pytest_archcheck import limits
from pytest_archcheck.binaries import archive
from pytest_archcheck.judge.wheel import read_and_judge
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from pathlib import Path

ARM64, X86_64 = Target.parse("macosx_11_0_arm64"), Target.parse("macosx_11_0_x86_64")
#: Bytes of code that hardly compress, beside which WHEEL and METADATA do not count.
_MUCH = 3 << 20


class Inflated:
    """Counts what zlib gives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        monkeypatch.setattr(archive, "zlib", types.SimpleNamespace(**{**vars(zlib), "decompressobj": self._counting}))

    def _counting(self, wbits: int) -> object:
        inflater, count = zlib.decompressobj(wbits), self

        class Counting:
            unconsumed_tail = property(lambda _: inflater.unconsumed_tail)
            eof = property(lambda _: inflater.eof)

            def decompress(self, data: bytes, most: int) -> bytes:
                piece = inflater.decompress(data, most)
                count.bytes += len(piece)
                return piece

        return Counting()


def write(folder: Path, platform: str, files: dict[str, bytes]) -> str:
    """Write a sound wheel for that platform."""
    path = folder / f"demo-1.0-cp311-cp311-{platform}.whl"
    info: dict[str, str | bytes] = {
        "demo-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-{platform}\n",
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/RECORD": "".join(f"{name},,\n" for name in files),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in (info | files).items():
            wheel.writestr(name, content)
    return str(path)


def much(arch: str) -> bytes:
    """A bundle with a lot behind its load commands, signed where linkers sign."""
    return machos.bundle(arch, code=os.urandom(_MUCH))


@pytest.mark.parametrize("fat", [False, True])
def test_a_member_is_inflated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fat: bool) -> None:
    monkeypatch.setattr(limits, "MEMBER_WINDOW_SIZE", 256 << 10)  # so that going back is not for nothing
    content = machos.fat(much("x86_64"), much("arm64")) if fat else much("arm64")
    path = write(tmp_path, "macosx_11_0_universal2" if fat else "macosx_11_0_arm64", {"demo/_core.so": content})
    count = Inflated(monkeypatch)
    _, judgement, promised = read_and_judge(path, "demo", ARM64, target_given=False)
    assert [target.tag for target in promised]
    assert judgement.signatures == {f"{path}/demo/_core.so": {"arm64": "ad-hoc"}}
    assert not any(one.severity == "error" for check in judgement.checks for one in check.findings)
    assert 0.99 < count.bytes / len(content) < 1.01


def test_code_that_needs_no_signature_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "macosx_11_0_x86_64", {"demo/_core.so": much("x86_64")})
    count = Inflated(monkeypatch)
    read_and_judge(path, "demo", X86_64, target_given=False)
    assert count.bytes < 16 << 10


def test_only_the_slices_that_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "macosx_11_0_universal2", {"demo/_core.so": machos.fat(much("x86_64"), much("arm64"))})
    count = Inflated(monkeypatch)
    _, judgement, promised = read_and_judge(path, "demo", X86_64, target_given=True)
    assert (promised, judgement.signatures) == ((), {})
    assert count.bytes < _MUCH * 1.1  # up to the head of the second slice


def test_a_signature_that_a_wheel_needs_is_judged(tmp_path: Path) -> None:
    broken = bytearray(machos.bundle("arm64"))
    broken[0x100] ^= 1
    files = {"demo/_plain.so": machos.bundle("arm64", signed=False), "demo/_broken.so": bytes(broken)}
    path = write(tmp_path, "macosx_11_0_arm64", files)
    _, judgement, _ = read_and_judge(path, "demo", ARM64, target_given=False)
    rules = {(one.rule, one.path) for check in judgement.checks for one in check.findings if one.severity == "error"}
    assert {("unsigned-binary", "demo/_plain.so"), ("invalid-signature", "demo/_broken.so")} <= rules


def test_every_page_of_a_member_that_is_larger_than_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes lie behind the code: to go to and fro between them took so many passes that sound code was called invalid."""
    monkeypatch.setattr(limits, "MEMBER_WINDOW_SIZE", 256 << 10)
    path = write(tmp_path, "macosx_11_0_arm64", {"demo/_core.so": machos.bundle("arm64", code=os.urandom(8 << 20))})
    _, judgement, _ = read_and_judge(path, "demo", ARM64, target_given=False, all_pages=True)
    assert [one for check in judgement.checks for one in check.findings if one.severity == "error"] == []
    assert judgement.signatures == {f"{path}/demo/_core.so": {"arm64": "ad-hoc"}}
