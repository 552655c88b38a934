"""Inputs made to take long or much: each is built for a size, and what an inspection takes must grow with its bytes, no faster.

``tests/torture/test_growth.py`` holds the bounds, ``benchmarks/hostile.py`` measures and tells.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import zipfile
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.macho import read_macho
from support import machos
from support.sites import add_distribution, make_venv, write
from support.sources import BytesSource
from support.wheels import write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MACHO = machos.bundle()
WRONG = machos.bundle("x86_64")
TAGS = ("cp311-cp311-macosx_11_0_arm64",)
MODULE = "_x.cpython-311-darwin.so"


def _metadata(site: Path, name: str, **files: str) -> Path:
    """A dist-info folder, and nothing else: much faster to write than a whole distribution."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    for file, content in {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", **files}.items():
        (info / file.replace("_json", ".json")).write_text(content)
    return info


def distributions(folder: Path, size: int) -> Path:
    """Many small distributions."""
    write(folder / "d.py", "")
    for number in range(size):
        _metadata(folder, f"d{number}", RECORD="d.py,,\n", WHEEL="Wheel-Version: 1.0\nTag: py3-none-any\n")
    return folder


def broken_files(folder: Path, size: int) -> Path:
    """Distributions with one broken Mach-O file each."""
    for number in range(size):
        write(folder / f"d{number}" / MODULE, MACHO[:200])
        _metadata(folder, f"d{number}", RECORD=f"d{number}/{MODULE},,\n")
    return folder


def pth_folders(folder: Path, size: int) -> Path:
    """Folders named by .pth files, and as many editable installs."""
    site = make_venv(folder / "env")
    for number in range(size):
        (folder / "src" / f"p{number}").mkdir(parents=True)
        url = (folder / "src" / f"p{size - number - 1}").as_uri()
        _metadata(site, f"d{number}", direct_url_json=json.dumps({"url": url, "dir_info": {"editable": True}}))
    write(site / "all.pth", "".join(f"{folder}/src/p{number}\n" for number in range(size)))
    return folder / "env"


def pth_lines(folder: Path, size: int) -> Path:
    """A .pth file of many lines."""
    write(folder / "x.pth", "".join(f"/no/{number}\n" for number in range(size)))
    _metadata(folder, "one")
    return folder


def finder_folders(folder: Path, size: int) -> Path:
    """An import finder that names many folders."""
    site = make_venv(folder / "env")
    for number in range(size):
        (folder / "src" / f"p{number}").mkdir(parents=True)
    names = {f"p{number}": f"{folder}/src/p{number}" for number in range(size)}
    write(site / "__editable___d_1_0_finder.py", f"MAPPING = {names!r}\n")
    _metadata(site, "d")
    return folder / "env"


def finder_strings(folder: Path, size: int) -> Path:
    """An import finder of short strings."""
    write(folder / "__editable___d_1_0_finder.py", "x = [" + "'/a\\x62', \"b\", " * size + "]\n")
    _metadata(folder, "d")
    return folder


def finder_operators(folder: Path, size: int) -> Path:
    """An import finder with one long chain of operators: it ends the parser of Python 3.10."""
    write(folder / "__editable___d_1_0_finder.py", "x = " + "-" * size + "1\n")
    _metadata(folder, "d")
    return folder


def finder_quotes(folder: Path, size: int) -> Path:
    """An import finder of strings that do not end."""
    write(folder / "__editable___d_1_0_finder.py", '"\\"' * size + '\n"""' + "\\\"''" * size)
    _metadata(folder, "d")
    return folder


def folder_links(folder: Path, size: int) -> Path:
    """Links to folders outside."""
    site = folder / "site"
    for number in range(size):
        (folder / "out" / str(number)).mkdir(parents=True)
    site.mkdir(parents=True)
    for number in range(size):
        os.symlink(folder / "out" / str(number), site / f"l{number}")
    _metadata(site, "d")
    return site


def twins(folder: Path, size: int) -> Path:
    """Files of one distribution whose paths differ by words for machines only, none of which serves the target."""
    words = ("x64", "x86", "intel", "amd64", "i386", "pc")
    names = [f"d/{'/'.join(words[int(digit)] for digit in _digits(number))}/_x.so" for number in range(size)]
    add_distribution(folder, "d", files=dict.fromkeys(names, WRONG), tags=TAGS)
    return folder


def _digits(number: int) -> Iterator[int]:
    while True:
        yield number % 6
        number //= 6
        if not number:
            return


def shared_files(folder: Path, size: int) -> Path:
    """Distributions that all record the same twenty files."""
    files = [f"d/_x{number}.cpython-311-darwin.so" for number in range(20)]
    for file in files:
        write(folder / file, WRONG)
    for number in range(size):
        _metadata(folder, f"d{number}", RECORD="".join(f"{file},,\n" for file in files))
    return folder


def linked_files(folder: Path, size: int) -> Path:
    """Mach-O files of which each links the next forty."""
    for number in range(size):
        libraries = [f"@loader_path/lib{(number + step) % size}.dylib" for step in range(1, 41)]
        content = machos.dylib(install_name=f"@rpath/lib{number}.dylib", libraries=libraries, undefined=["_a"], exports=["_b"])
        write(folder / "d" / f"lib{number}.dylib", content)
    _metadata(folder, "d", RECORD="".join(f"d/lib{number}.dylib,,\n" for number in range(size)))
    return folder


def fully_linked_files(folder: Path, size: int) -> Path:
    """Mach-O files that all link each other; the size is the number of links."""
    files = math.isqrt(size)
    for number in range(files):
        libraries = [f"@loader_path/lib{other}.dylib" for other in range(files) if other != number]
        content = machos.dylib(install_name=f"@rpath/lib{number}.dylib", libraries=libraries, undefined=["_a"], exports=["_b"])
        write(folder / "d" / f"lib{number}.dylib", content)
    _metadata(folder, "d", RECORD="".join(f"d/lib{number}.dylib,,\n" for number in range(files)))
    return folder


def conda_projects(folder: Path, size: int) -> Path:
    """conda records, and as many projects that share files with them."""
    site = folder / "lib" / "python3.11" / "site-packages"
    (folder / "conda-meta").mkdir(parents=True)
    for number in range(size):
        file = f"lib/python3.11/site-packages/m{number}.py"
        record = {"name": f"c{number}", "version": "1", "files": [file], "paths_data": {"paths": []}}
        (folder / "conda-meta" / f"c{number}.json").write_text(json.dumps(record))
        _metadata(site, f"d{number}", RECORD=f"m{number}.py,sha256=AAAA,1\n")
    return folder


def conda_values(folder: Path, size: int) -> Path:
    """A conda record of many small values."""
    write(folder / "conda-meta" / "c-1-0.json", '{"name": "c", "x": [' + "[]," * size + "0]}")
    return folder


def conda_names(folder: Path, size: int) -> Path:
    """conda records of many short names."""
    for first in range(0, size, 20_000):
        names = [f"{number:x}" for number in range(first, min(first + 20_000, size))]
        write(folder / "conda-meta" / f"c{first}-1-0.json", json.dumps({"name": f"c{first}", "files": names}))
    return folder


def wheel_tag_lines(folder: Path, size: int) -> Path:
    """An installed WHEEL of many tags, and METADATA of many fields."""
    wheel = "Wheel-Version: 1.0\n" + "Tag: py3-none-any\n" * size
    _metadata(folder, "d", WHEEL=wheel, METADATA="Name: d\n" + "Requires-Dist: x\n" * size)
    return folder


def metadata_spaces(folder: Path, size: int) -> Path:
    """METADATA lines of spaces."""
    _metadata(folder, "tensorflow", METADATA=f"Name:{' ' * size}x{' ' * size}y\nRequires-Dist:{' ' * size}z{' ' * size}\n")
    return folder


def wheel_spaces(folder: Path, size: int) -> Path:
    """The same in a wheel, and tags of many dots."""
    path = folder / "d-1.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d-1.0.dist-info/METADATA", f"Name: d\nVersion: 1.0\nSummary:{' ' * size}x{' ' * size}y\n")
        dotted = "Tag: a.b.c.d.e-f.g.h.i-j.k.l\n" * (size // 30)
        archive.writestr("d-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\n{dotted}")
        archive.writestr("d-1.0.dist-info/RECORD", "")
    return path


def record_quotes(folder: Path, size: int) -> Path:
    """A RECORD of quotes, and one of a single line."""
    _metadata(folder, "d", RECORD='"a",,\n' * size)
    _metadata(folder, "e", RECORD='"' + "a\n" * size)
    _metadata(folder, "f", RECORD="a" * size)
    return folder


def record_outside(folder: Path, size: int) -> Path:
    """A RECORD of files outside."""
    site = make_venv(folder)
    _metadata(site, "d", RECORD="".join(f"../../../bin/{number},,\n" for number in range(size)))
    return folder


def parentheses(folder: Path, size: int) -> Path:
    """Requirements of nested parentheses and long numbers."""
    nested = f"Requires-Dist: numpy>=1; {'(' * size}python_version>'3'{')' * size}\nRequires-Dist: numpy<{'9' * size}\n"
    _metadata(folder, "tensorflow", METADATA=f"Name: tensorflow\nVersion: 2.16.1\n{nested}")
    _metadata(folder, "numpy")
    return folder


def missing_libraries(folder: Path, size: int) -> Path:
    """Modules that all lack a library, in a package of as many Python files that name one of them."""
    module = machos.bundle(libraries=["@loader_path/libnowhere.dylib"])
    files: dict[str, bytes | str] = {f"d/_x{number}.cpython-311-darwin.so": module for number in range(size)}
    files |= {f"d/m{number}.py": f"import d._x{number}\n" + "x = [1, 2, 3]\n" * 200 for number in range(size)}
    add_distribution(folder, "d", files=files, tags=TAGS)
    return folder


def missing_in_wheel(folder: Path, size: int) -> Path:
    """The same in a wheel."""
    module = machos.bundle(libraries=["@loader_path/libnowhere.dylib"])
    files: dict[str, bytes | str] = {f"d/_x{number}.cpython-311-darwin.so": module for number in range(size)}
    files |= {f"d/m{number}.py": f"import d._x{number}\n" + "x = [1, 2, 3]\n" * 200 for number in range(size)}
    return write_wheel(folder, "d", files, tag=TAGS[0])


def long_python(folder: Path, size: int) -> Path:
    """Python files that are hard to parse: another encoding, chains, brackets, each with the name of a module."""
    module = machos.bundle(libraries=["@loader_path/libnowhere.dylib"])
    sources = {
        "a": "# coding: punycode\n# _x\n" + "a" * size,
        "b": "import d._x\nx = " + "-" * size + "1\n",
        "c": "import d._x\nx = " + "[" * size,
        "d": "import d._x\nx = [" + "[]," * size + "]\n",
    }
    files: dict[str, bytes | str] = {f"d/{name}.py": text for name, text in sources.items()}
    add_distribution(folder, "d", files={"d/_x.cpython-311-darwin.so": module, **files})
    return folder


def _with_trie(library: bytes, nodes: Sequence[bytes]) -> bytes:
    """The library with these nodes, again and again, in place of its export trie."""
    (piece,) = read_macho(BytesSource(library), library[:4096])
    assert piece.exports is not None
    begin, size = piece.exports
    trie = b"".join(itertools.islice(itertools.cycle(nodes), size // len(nodes[0])))
    return library[:begin] + trie.ljust(size, b"\0") + library[begin + size :]


def tangled_trie(folder: Path, size: int) -> Path:
    """Distributions that link one library, whose trie has edges from everywhere to everywhere that all say the same."""
    edges, count = 60, 60
    node_size = 2 + 4 * edges

    def node(number: int) -> bytes:
        children = [node_size * ((number * 7 + edge) % count) for edge in range(edges)]
        return bytes([0, edges]) + b"".join(b"a" + bytes([0, child & 0x7F | 0x80, child >> 7]) for child in children)

    library = machos.dylib(exports=[f"_{number:04}{'x' * 20}" for number in range(600)])
    write(folder / "base" / "libbase.dylib", _with_trie(library, [node(number) for number in range(count)]))
    _metadata(folder, "base", RECORD="base/libbase.dylib,,\n")
    user = machos.bundle(libraries=["@loader_path/../base/libbase.dylib"], undefined=["a" * (30 + name) for name in range(50)])
    for number in range(size):
        write(folder / f"d{number}" / MODULE, user)
        _metadata(folder, f"d{number}", RECORD=f"d{number}/{MODULE},,\n")
    return folder


def tiny_edges(folder: Path, size: int) -> Path:
    """Small libraries whose tries have nothing but edges of one character, and modules that ask for names through them."""
    edges = 250
    node_size = 2 + 5 * edges
    node = bytes([0, edges])
    for edge in range(edges):
        child = node_size * (edge % 30)
        node += bytes([edge + 1, 0, child & 0x7F | 0x80, child >> 7 & 0x7F | 0x80, child >> 14])
    library = machos.dylib(exports=[f"_{number:05}{'x' * 30}" for number in range(1000)])
    names = [f"_{''.join(letters)}" for letters in itertools.product("abcdefgh", repeat=3)]
    for number in range(size):
        write(folder / f"b{number}" / "libb.dylib", _with_trie(library, [node]))
        _metadata(folder, f"b{number}", RECORD=f"b{number}/libb.dylib,,\n")
        user = machos.bundle(libraries=[f"@loader_path/../b{number}/libb.dylib"], undefined=names)
        write(folder / f"d{number}" / MODULE, user)
        _metadata(folder, f"d{number}", RECORD=f"d{number}/{MODULE},,\n")
    return folder


def long_names(folder: Path, size: int) -> Path:
    """A module that needs many symbols, each with a name of some kilobytes, and a library that has none of them."""
    write(folder / "base" / "libbase.dylib", machos.dylib(exports=["_a"]))
    _metadata(folder, "base", RECORD="base/libbase.dylib,,\n")
    names = [f"_{number}{'x' * 4000}" for number in range(size)]
    write(folder / "d" / MODULE, machos.bundle(libraries=["@loader_path/../base/libbase.dylib"], undefined=names))
    _metadata(folder, "d", RECORD=f"d/{MODULE},,\n")
    return folder


_DEMO = 'version = 1\n[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
_PACKAGE = '[[package]]\nname = "%s"\nversion = "%s"\nsource = { registry = "x" }\n'


def lock_chain(folder: Path, size: int) -> Path:
    """A uv.lock in which each package needs the next."""
    text = _DEMO + 'dependencies = [{ name = "p0" }]\n'
    for number in range(size):
        text += _PACKAGE % (f"p{number}", "1")
        if number + 1 < size:
            text += f'dependencies = [{{ name = "p{number + 1}", marker = "python_version > \'3.{number}\'" }}]\n'
    return write(folder / "uv.lock", text)


def lock_versions(folder: Path, size: int) -> Path:
    """A uv.lock of many versions of one package, and as many edges that name one of them."""
    edges = ",".join(f'{{ name = "x", version = "{number}", source = {{ registry = "x" }} }}' for number in range(size))
    text = _DEMO + f"dependencies = [{edges}]\n" + "".join(_PACKAGE % ("x", number) for number in range(size))
    return write(folder / "uv.lock", text)


def lock_dots(folder: Path, size: int) -> Path:
    """A uv.lock with comments of dots and spaces, and beside it a pyproject.toml of the same."""
    dots = "# " + ". " * size + "\n" + "# '" + "." * size + "\n"
    write(folder / "pyproject.toml", dots + f"x = '{'.' * size}'\n")
    return write(folder / "uv.lock", dots + _DEMO)


def lock_brackets(folder: Path, size: int) -> Path:
    """A uv.lock of brackets."""
    return write(folder / "uv.lock", _DEMO + "x = [" + "[]," * size + "]\n")


#: What is built -> how, and the smaller of the two sizes; the other is ten times as large.
GROWING: dict[str, tuple[Callable[[Path, int], Path], int]] = {
    make.__name__.replace("_", " "): (make, size)
    for make, size in (
        (distributions, 200), (broken_files, 150), (pth_folders, 60), (pth_lines, 8_000), (finder_folders, 200),
        (finder_strings, 20_000), (finder_operators, 300_000), (finder_quotes, 50_000), (folder_links, 200), (twins, 100),
        (shared_files, 40), (linked_files, 60), (fully_linked_files, 3_240),
        (conda_projects, 60), (conda_values, 30_000), (conda_names, 100_000),
        (wheel_tag_lines, 20_000), (metadata_spaces, 20_000), (wheel_spaces, 40_000), (record_quotes, 60_000),
        (record_outside, 1_000), (parentheses, 1_000), (missing_libraries, 20), (missing_in_wheel, 20),
        (long_python, 30_000), (lock_chain, 300), (lock_versions, 200), (lock_dots, 100_000), (lock_brackets, 50_000),
        (tangled_trie, 5), (tiny_edges, 5), (long_names, 200),
    )
}  # fmt: skip

TARGET = "macosx_14_0_arm64"

#: Inspects the paths one after the other for a target; prints CPU seconds and the largest resident size (KB) after each.
CHILD = """
import sys, time
from pytest_archcheck.discover.environments import NothingToInspect
from pytest_archcheck.inspection import Request, run
from pytest_archcheck.locks.model import LockInvalid

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

for path in sys.argv[2:]:
    begin = time.process_time()
    try:
        run(Request(paths=(path,), target=sys.argv[1]))
    except (NothingToInspect, LockInvalid) as error:
        print(error, file=sys.stderr)
    print(time.process_time() - begin, peak())
"""
