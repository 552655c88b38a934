"""No bytes make a reader raise anything but its own documented error."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.readers import READERS, TARGET, binary, remove_folder
from support.seeds import seeds

from pytest_archcheck.discover.wheels import read_wheel
from pytest_archcheck.judge.lock import inspect_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEDS = seeds()
#: Readers of text files write them first: fewer examples, or they would take most of the time.
SLOW = {"metadata": 25, "pylock": 40, "uv_lock": 60, "wheel": 60, "conda_meta": 60}

#: Numbers that counts, sizes and offsets are most often mistaken at, in both byte orders.
NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
WORDS = [number.to_bytes(4, order) for number in NUMBERS for order in ("little", "big")]


@pytest.fixture(scope="module", autouse=True)
def _folder() -> Iterator[None]:
    yield
    remove_folder()


@st.composite
def damaged(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """A sound input with some bytes overwritten, put in or taken out; half of the edits hit the first 256 bytes."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, min(len(data), 256)) | st.integers(0, len(data)))
        piece = draw(st.sampled_from(WORDS) | st.binary(max_size=8) | st.just(bytes(data[:64])))
        data[at : at + draw(st.sampled_from([0, 1, len(piece), 64]))] = piece
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


@pytest.mark.parametrize("name", sorted(READERS))
def test_damaged_files(name: str) -> None:
    @settings(max_examples=SLOW.get(name, settings.default.max_examples))  # type: ignore[union-attr] # a profile is loaded
    @given(damaged(SEEDS[name]))
    def run(data: bytes) -> None:
        READERS[name](data)

    run()


@pytest.mark.parametrize("name", sorted(READERS))
def test_random_bytes(name: str) -> None:
    @settings(max_examples=20)
    @given(st.binary(max_size=600))
    def run(data: bytes) -> None:
        READERS[name](data)

    run()


@pytest.mark.parametrize("name", ["uv_lock", "pylock"])
def test_toml_of_another_shape(name: str) -> None:
    """Sound TOML whose values have other types than a lock's."""
    sound = SEEDS[name][0].decode()
    lines = [number for number, line in enumerate(sound.splitlines()) if " = " in line and line[0].isalpha()]
    value = st.sampled_from(
        ["1", "-1", '""', '"x"', "[]", "{}", "[[]]", "[{}]", "true", "1.5", "1979-05-27", '["x"]', "{ x = 1 }"]
    )

    @settings(max_examples=60)
    @given(st.sampled_from(lines), value)
    def run(chosen: int, other: str) -> None:
        changed = sound.splitlines()
        changed[chosen] = f"{changed[chosen].partition(' = ')[0]} = {other}"
        READERS[name]("\n".join(changed).encode())

    run()


def test_the_seeds_are_sound(tmp_path: Path) -> None:
    """Else damage to them would show little."""
    assert SEEDS.keys() == READERS.keys()
    for data in SEEDS["macho"] + SEEDS["elf"]:
        found = binary(data)
        assert found is not None
        assert found.problem is None
    for data in SEEDS["wheel"]:
        path = tmp_path / "sample-1.0-cp311-cp311-macosx_11_0_arm64.whl"
        path.write_bytes(data)
        assert read_wheel(str(path)).problems == ()
    for name in ("uv.lock", "pylock.toml") if find_spec("packaging.pylock") else ("uv.lock",):  # read since packaging 26.0
        path = tmp_path / name
        path.write_bytes(SEEDS[name.replace(".toml", "").replace(".", "_")][0])
        _, checks = inspect_lock(str(path), TARGET, "3.12")
        assert any(check.subject.endswith("::numpy") for check in checks)
