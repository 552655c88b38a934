"""Wheels that are malformed in one way each: what pip and uv make of them, and what is said of them here.

The first two columns are what pip 23.2 and uv 0.13 did; a test tries both again, with what is installed. What either refuses
is an error, but for three that say so.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.discover.wheels import read_wheel

if TYPE_CHECKING:
    from pathlib import Path

Contents = Mapping[str, bytes]

INFO = "demo-1.0.dist-info"
WHEEL = "Wheel-Version: {}\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
WORKS = b"[console_scripts]\ndemo = demo:main\nmore = demo.cli:run [extra]\n\n[other]\nx = y\n"


def rows(contents: Contents, info: str = INFO) -> bytes:
    """A RECORD of these files."""
    lines = []
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{info}/RECORD,,\n"]).encode()


def build(
    folder: Path,
    *,
    name: str = "demo-1.0-py3-none-any.whl",
    info: str = INFO,
    metadata: str | bytes | None = METADATA.format("demo", "1.0"),
    wheel: str | bytes | None = WHEEL.format("1.0"),
    record: Callable[[Contents], bytes | None] | None = None,
    files: Contents | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    change: Callable[[Path], None] | None = None,
) -> Path:
    """A sound wheel but for what is given."""
    contents = {"demo/__init__.py": b"def main(): pass\n", **(files or {})}
    for file, text in (("METADATA", metadata), ("WHEEL", wheel)):
        if text is not None:
            contents[f"{info}/{file}"] = text.encode() if isinstance(text, str) else text
    lines = record(contents) if record else rows(contents, info)
    path = folder / name
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, content in contents.items():
            archive.writestr(member, content)
        if lines is not None:
            archive.writestr(f"{info}/RECORD", lines)
    if change:
        change(path)
    return path


def twice(path: Path) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("demo/__init__.py", b"x = 2\n")


def corrupt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"demo/__init__.py") + 16] ^= 0xFF
    path.write_bytes(content)


def encrypt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(magic) + flags] |= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def scripts(text: bytes) -> dict[str, Any]:
    return {"files": {f"{INFO}/entry_points.txt": text}}


#: Before 24.1 pip let many things pass that it refuses now.
OLD_PIP = tuple(map(int, version("pip").split(".")[:2])) < (24, 1)

#: Kind -> what is unlike a sound wheel, whether pip and uv install it, and what is said (None: nothing).
CASES: dict[str, tuple[dict[str, Any], bool, bool, str | None]] = {
    "sound": (scripts(WORKS), True, True, None),
    "no-record": ({"record": lambda _: None}, False, False, "it has no RECORD file in its dist-info folder"),
    "no-wheel": ({"wheel": None}, False, False, "it has no WHEEL file in a dist-info folder"),
    "no-metadata": ({"metadata": None}, False, False, "it has no METADATA file in a dist-info folder"),
    "wheel-2.0": ({"wheel": WHEEL.format("2.0")}, False, False, "its Wheel-Version is 2.0, and installers know version 1.0"),
    "wheel-1.9": ({"wheel": WHEEL.format("1.9")}, True, True, None),
    "wheel-one": ({"wheel": WHEEL.format("one")}, False, False, "its Wheel-Version 'one' is no version"),
    "wheel-none": ({"wheel": "Root-Is-Purelib: true\n"}, False, False, "its WHEEL file has no Wheel-Version"),
    "wheel-latin": ({"wheel": b"Wheel-Version: 1.0\nX: \xff\n"}, False, False, "its WHEEL file cannot be read: not UTF-8 text"),
    # uv asks for a point.
    "wheel-1": ({"wheel": WHEEL.format("1")}, True, False, "its Wheel-Version is 1, and installers know version 1.0"),
    "wheel-0.9": ({"wheel": WHEEL.format("0.9")}, True, False, "its Wheel-Version is 0.9, and installers know version 1.0"),
    "wheel-empty": ({"wheel": ""}, False, False, "its WHEEL file does not begin with a field"),
    "wheel-no-purelib": ({"wheel": "Wheel-Version: 1.0\nTag: py3-none-any\n"}, True, True, None),
    "no-tag": ({"wheel": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"}, True, True, None),
    "meta-latin": (
        {"metadata": METADATA.format("demo", "1.0").encode() + b"Summary: \xff\n"},
        False,
        True,
        "its METADATA file cannot be read: not UTF-8 text",
    ),
    "meta-nameless": ({"metadata": "Metadata-Version: 2.1\nVersion: 1.0\n"}, True, False, "its METADATA file has no Name"),
    "meta-empty": ({"metadata": "Metadata-Version: 2.1\nName: demo\n"}, False, False, "its METADATA file has no Version"),
    "meta-other": (
        {"metadata": METADATA.format("other", "1.0")},
        True,
        False,
        "its METADATA file says that it is other 1.0, its file name demo 1.0",
    ),
    "meta-later": (
        {"metadata": METADATA.format("demo", "2.0")},
        True,
        False,
        "its METADATA file says that it is demo 2.0, its file name demo 1.0",
    ),
    "meta-same": ({"metadata": METADATA.format("Demo", "1.0.0")}, True, True, None),
    "meta-nothing": ({"metadata": ""}, False, False, "its METADATA file does not begin with a field"),
    "meta-blank": (
        {"metadata": "\n" + METADATA.format("demo", "1.0")},
        False,
        False,
        "its METADATA file does not begin with a field",
    ),
    "meta-mark": (
        {"metadata": "\ufeff" + METADATA.format("demo", "1.0")},
        False,
        False,
        "its METADATA file does not begin with a field",
    ),
    "meta-words": (
        {"metadata": METADATA.format("demo", "x y")},
        True,
        False,
        "its METADATA file says version 'x y', which is none",
    ),
    "two-folders": (
        {"files": {"other-1.0.dist-info/METADATA": METADATA.format("other", "1.0").encode()}},
        False,
        False,
        "it has 2 dist-info folders: demo-1.0.dist-info, other-1.0.dist-info",
    ),
    "folder-of-another": (
        {"info": "other-1.0.dist-info"},
        False,
        False,
        "its folder 'other-1.0.dist-info' is not named for demo",
    ),
    "folder-without-version": ({"info": "demo.dist-info"}, True, True, None),
    "local-in-name": ({"name": "demo-1.0+cpu-py3-none-any.whl"}, True, True, None),
    "local-in-metadata": (
        {"metadata": METADATA.format("demo", "1.0+cpu")},
        True,
        False,
        "its METADATA file says that it is demo 1.0+cpu, its file name demo 1.0",
    ),
    "folder-of-another-version": ({"info": "demo-2.0.dist-info"}, True, True, None),
    "record-latin": (
        {"record": lambda c: rows(c) + b"\xff,,\n"},
        False,
        False,
        "its RECORD file cannot be read: not UTF-8 text",
    ),
    "record-no-table": (
        {"record": lambda _: b"nonsense\n"},
        True,
        False,
        "its RECORD file has a line without hash and size: 'nonsense'",
    ),
    "record-four": (
        {"record": lambda c: rows(c) + b"a,b,c,d\n"},
        True,
        False,
        "its RECORD file has a line of more than path, hash and size: 'a'",
    ),
    "record-size": (
        {"record": lambda c: rows(c).replace(b",17\n", b",many\n")},
        True,
        False,
        "its RECORD file has a line with a size that is no number: 'demo/__init__.py'",
    ),
    "record-gone": ({"record": lambda c: rows({**c, "demo/gone.py": b"x"})}, True, True, None),
    "record-outside": ({"record": lambda c: rows(c) + b"../../x,,\n"}, True, True, None),
    "record-empty": ({"record": lambda _: b""}, True, True, None),
    "record-wrong-hash": ({"record": lambda c: rows({**c, "demo/__init__.py": b""})}, True, True, None),
    "outside": (
        {"files": {"../up.py": b""}},
        False,
        True,  # into its own cache
        "its member '../up.py' would be installed outside of the environment",
    ),
    "around": ({"files": {"demo/../a.py": b""}}, True, True, None),
    "control": (
        {"files": {"demo/a\x01b.py": b""}},
        True,
        False,
        r"its member 'demo/a\x01b.py' has a control character in its name",
    ),
    "data-other": ({"files": {"other-1.0.data/purelib/a.py": b""}}, True, True, None),
    "data-capitals": (
        {"files": {"demo-1.0.data/PURELIB/a.py": b""}},
        False,
        False,
        "its member 'demo-1.0.data/PURELIB/a.py' lies in no folder that installers know the place of",
    ),
    "data-nonsense": (
        {"files": {"demo-1.0.data/nonsense/a.py": b""}},
        False,
        False,
        "its member 'demo-1.0.data/nonsense/a.py' lies in no folder that installers know the place of",
    ),
    "data-file": (
        {"files": {"demo-1.0.data/a.py": b""}},
        False,
        False,
        "its member 'demo-1.0.data/a.py' lies in no folder that installers know the place of",
    ),
    "data": ({"files": {"demo-1.0.data/purelib/a.py": b"", "demo-1.0.data/scripts/": b""}}, True, True, None),
    "script-nonsense": (scripts(b"[console_scripts]\nx = ???\n"), False, False, "its script 'x' calls no function: '???'"),
    "script-no-section": (scripts(b"nonsense\n"), True, False, "its entry_points.txt is no list of sections"),
    "script-outside": (
        scripts(b"[console_scripts]\n../x = demo:main\n"),
        OLD_PIP,
        False,
        "its script '../x' would be installed outside of the environment",
    ),
    "script-twice": (
        scripts(b"[console_scripts]\nx = demo:main\nx = demo:main\n"),
        True,
        False,
        "its entry_points.txt has 'x' twice",
    ),
    "section-twice": (
        scripts(b"[a]\nx = demo\n[a]\ny = demo\n"),
        True,
        False,
        "its entry_points.txt has 'a' twice",
    ),
    "script-extras": (
        scripts(b"[console_scripts]\nx = demo:main [a b]\n"),
        False,
        True,
        "its script 'x' calls no function: 'demo:main [a b]'",
    ),
    "encrypted": ({"change": encrypt}, False, False, "its member 'demo/__init__.py' is encrypted"),
    "bzip2": (
        {"method": zipfile.ZIP_BZIP2},
        True,
        False,
        "its WHEEL file cannot be read: compressed by method 12, which wheels do not use",
    ),
    "cut": ({"change": cut}, False, False, "a zip archive without its end: it is cut short"),
    "three-parts": (
        {"name": "demo-1.0-py3.whl"},
        False,
        False,
        "its file name is none of a wheel: Invalid wheel filename (wrong number of parts): 'demo-1.0-py3'",
    ),
    # The package index takes no such archive, since readers differ over which of the two is meant.
    "twice": ({"change": twice}, True, True, "it holds 'demo/__init__.py' twice"),
    # Not seen here: of files that are not compiled nothing is read.
    "corrupt": ({"change": corrupt}, False, False, None),
    # pip refuses these since it has a newer packaging; uv mends the last.
    "requires-marks": (
        {"metadata": METADATA.format("demo", "1.0") + "Requires-Dist: ???\n"},
        OLD_PIP,
        False,
        "its METADATA file requires '???', which is no requirement",
    ),
    "requires-marker": (
        {"metadata": METADATA.format("demo", "1.0") + "Requires-Dist: x; foo == '1'\n"},
        OLD_PIP,
        False,
        """its METADATA file requires "x; foo == '1'", which is no requirement""",
    ),
    "requires-star": (
        {"metadata": METADATA.format("demo", "1.0") + "Requires-Dist: x (>=1.0.*)\n"},
        OLD_PIP,
        True,
        "its METADATA file requires 'x (>=1.0.*)', which is no requirement",
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_is_said(kind: str, tmp_path: Path) -> None:
    facts, _, _, said = CASES[kind]
    problems = read_wheel(str(build(tmp_path, **facts))).problems
    # The name in packaging's message stands in quotes since packaging 26.
    assert [problem.replace("'", "") for problem in problems[:1]] == ([] if said is None else [said.replace("'", "")])


@pytest.mark.corpus
@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize("kind", CASES)
def test_what_installers_do(kind: str, tool: str, tmp_path: Path) -> None:
    facts, pip, uv, _ = CASES[kind]
    path = build(tmp_path, **facts)
    command = ["pip", "install", "--no-index"] if tool == "pip" else ["uv", "pip", "install", "--no-index", "--no-cache"]
    command += ["--no-deps", "--quiet", "--target", str(tmp_path / "site"), str(path)]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode == 0) is (pip if tool == "pip" else uv), done.stderr
