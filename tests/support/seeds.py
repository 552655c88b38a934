"""Sound inputs of each reader of :mod:`support.readers`, made by the builders: where fuzzers and properties begin."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

from support import machos
from support.codesign import signature
from support.elfs import Elf, executable, relocatable, shared
from support.readers import METADATA_FILES, SEPARATOR
from support.tries import export_trie

if TYPE_CHECKING:
    from collections.abc import Mapping

UV_LOCK = """version = 1
revision = 3
requires-python = ">=3.10"
resolution-markers = ["python_full_version >= '3.12'", "sys_platform == 'darwin'"]
supported-markers = ["platform_machine == 'arm64'", "sys_platform == 'linux'"]

[manifest]
members = ["demo", "other"]
requirements = [{ name = "numpy", specifier = ">=2" }]

[[package]]
name = "demo"
version = "1"
source = { virtual = "." }
dependencies = [
  { name = "numpy", marker = "sys_platform == 'darwin'", extra = ["fast"] },
  { name = "numpy", version = "2.0.2" },
]
[package.optional-dependencies]
gpu = [{ name = "numpy", marker = "extra == 'extra-4-demo-gpu' or extra != 'extra-4-demo-cpu'" }]
[package.dev-dependencies]
dev = [{ name = "numpy", source = { registry = "https://example.org/simple" } }]

[[package]]
name = "other"
source = { editable = "other" }

[[package]]
name = "numpy"
version = "2.0.2"
source = { registry = "https://example.org/simple" }
resolution-markers = ["sys_platform == 'darwin'"]
sdist = { url = "https://example.org/numpy-2.0.2.tar.gz", hash = "sha256:00", size = 1 }
wheels = [
  { url = "https://example.org/numpy-2.0.2-cp312-cp312-macosx_14_0_arm64.whl", hash = "sha256:00", size = 1 },
  { filename = "numpy-2.0.2-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl" },
]
"""

PYLOCK = """lock-version = "1.0"
created-by = "tests"
requires-python = ">=3.10"
environments = ["sys_platform == 'darwin'", "sys_platform == 'linux'"]
extras = ["gpu"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]

[[packages]]
name = "numpy"
version = "2.0.2"
marker = "'dev' in dependency_groups or 'gpu' in extras or python_version >= '3.11'"
index = "https://example.org/simple"
wheels = [{ name = "numpy-2.0.2-cp312-cp312-macosx_14_0_arm64.whl", url = "https://example.org/n.whl", hashes = { a = "0" } }]

[[packages]]
name = "demo"
directory = { path = ".", editable = true }

[[packages]]
name = "tool"
vcs = { type = "git", url = "https://example.org/tool", commit-id = "00" }
"""

_METADATA = {
    "sample-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\nRequires-Dist: numpy>=2\n\nText.\n",
    "sample-1.0.dist-info/RECORD": 'sample/_x.so,sha256=abc,3\n"sample/a,b.so",,\n../../../bin/sample,,\n/etc/x.so,,\n',
    "sample-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp311-cp311-macosx_11_0_arm64\nTag: py3-none-any\n",
    "sample-1.0.dist-info/direct_url.json": '{"url": "file:///srv/sample", "dir_info": {"editable": true}}',
    "sample-1.0.dist-info/INSTALLER": "pip\n",
    "sample.pth": "/no/such/folder\n../beside\nimport sample\n# comment\n",
    "other-2.egg-info/installed-files.txt": "../other/_x.so\ntop_level.txt\n",
    "other-2.egg-info/top_level.txt": "other\n_other\n",
    "__editable___sample_1_0_finder.py": "MAPPING = {'sample': '/srv/sample/src/sample'}\nNAMESPACES = {}\n",
}
_CONDA = {
    "name": "libx",
    "version": "1.0",
    "subdir": "osx-arm64",
    "files": ["lib/libx.dylib"],
    "paths_data": {"paths": [{"_path": "lib/libx.dylib", "sha256_in_prefix": "00", "path_type": "hardlink"}]},
}


def _zip(files: Mapping[str, bytes | str], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _wheels() -> list[bytes]:
    info = "sample-1.0.dist-info"
    text = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\nRequires-Dist: numpy\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: cp311-cp311-macosx_11_0_arm64\n",
        f"{info}/RECORD": "",
    }
    files: dict[str, bytes | str] = {
        "sample/_x.so": machos.bundle(rpaths=["@loader_path/lib"]),
        "sample/_y.so": shared(),
        **text,
    }
    data: dict[str, bytes | str] = {
        "sample-1.0.data/platlib/_z.so": machos.bundle("x86_64"),
        "sample-1.0.data/scripts/run": "#!python\n",
        **text,
    }
    return [_zip(chosen, method) for chosen in (files, data) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]


def _machos() -> list[bytes]:
    names: dict[str, Any] = {"exports": ["_a", "_ab", "_PyInit_x"], "undefined": ["_malloc", ("_x", 0xFE, False)]}
    rich = machos.dylib(
        libraries=["/usr/lib/libSystem.B.dylib", ("@rpath/libb.dylib", "weak"), ("@rpath/libc.dylib", "reexport")],
        rpaths=["@loader_path/../lib", "/opt/homebrew/lib"],
        reexports={"_there": (3, "_here")},
        **names,
    )
    thin = [machos.bundle(), rich, machos.bundle("x86_64", version_command="min", **names), machos.relocatable(), machos.dsym()]
    thin += [
        machos.bundle("i386"),
        machos.bundle("ppc", signed=False),
        machos.executable(),
        machos.dylib(trie_command="dyld-info"),
    ]
    return [*thin, machos.fat(thin[0], thin[2]), machos.fat(thin[0], thin[5], is_64=True, align=12)]


def _signatures() -> list[bytes]:
    return [bytes([pages]) + signature(bytes(pages << 12), is_executable=False) for pages in (0, 1, 4)]


def _nlists() -> list[bytes]:
    strings = b"\0_malloc\0_PyInit_x\0"
    found = []
    for kind, layout in ((0x81, "<IBBHQ"), (0x80, "<IBBHI"), (0x82, ">IBBHI"), (0x03, ">IBBHQ")):
        symbols = struct.pack(layout, 1, 1, 0, 0x0100, 0) + struct.pack(layout, 9, 0xF, 1, 0x40, 0)
        found.append(struct.pack("<HB", len(strings), kind) + symbols + strings)
    return found


def _elfs() -> list[bytes]:
    rich = shared(
        needed=["libc.so.6", "libm.so.6"], soname="libx.so.1", runpath="$ORIGIN:/opt/x", versions={"libc.so.6": ["GLIBC_2.17"]}
    )
    others = [bytes(Elf(arch=arch, rpath="/x")) for arch in ("i686", "s390x", "armv7l", "ppc64")]
    return [rich, executable(), relocatable(), *others]


def _cache() -> bytes:
    """``struct cache_file_new`` with one entry."""
    magic = b"glibc-ld.so.cache1.1"
    texts = b"libx.so.1\0/usr/lib/libx.so.1\0"
    first = len(magic) + 28 + 24
    header = struct.pack("=II4BI12x", 1, len(texts), 2, 0, 0, 0, 0)
    return magic + header + struct.pack("=iIIIQ", 3, first, first + 10, 0, 0) + texts


_PYTHON = """# a file
try:
    from ._x import y
except (ImportError, OSError):
    y = None
def load(version):
    \'\'\'Not "at once".\'\'\'
    return import_module(f"sample.lib._x{version}")
MAPPING = {"sample": "/src/\\x73ample", 'other': '/src/other/__init__.py'}
with contextlib.suppress(ImportError):
    import sample._x
"""


def seeds() -> dict[str, list[bytes]]:
    """Name of a reader -> inputs that it takes without complaint."""
    tries = [export_trie({"_a": b"\0\0", "_ab": b"\0\0", "_PyInit_sample": b"\x08\x02\0", "__ZN3fooEv": b"\x08\x01_b\0"}), b""]
    return {
        "macho": _machos(),
        "signature": _signatures(),
        "trie": tries,
        "nlist": _nlists(),
        "elf": _elfs(),
        "elf_symbols": _elfs(),
        "ldso_cache": [_cache()],
        "wheel": _wheels(),
        "uv_lock": [UV_LOCK.encode()],
        "pylock": [PYLOCK.encode()],
        "metadata": [SEPARATOR.join(_METADATA[name].encode() for name in METADATA_FILES)],
        "conda_meta": [json.dumps(_CONDA).encode()],
        "python_imports": [_PYTHON.encode()],
    }
