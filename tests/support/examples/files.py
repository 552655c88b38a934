"""Examples of rules on single files: architecture, platform, damage, signatures, load commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import elfs
from support.examples.stage import CP311_ARM64, Example, Stage
from support.machos import LIBSYSTEM, bundle
from support.sites import add_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.findings import Finding

_MULTIARRAY = "numpy/_core/_multiarray_umath.cpython-311-darwin.so"


def _one_file(
    stage: Stage, title: str, path: str, content: bytes, *, tags: Sequence[str] = CP311_ARM64, target: str = "macosx_14_0_arm64"
) -> tuple[Finding, ...]:
    """A virtual environment with one distribution, ``numpy 2.0.2``, that owns one compiled file."""
    name, version = title.split()
    add_distribution(stage.venv(), name, version, {path: content}, tags=tags)
    return stage.inspect(target=target)


def _wrong_architecture(stage: Stage) -> tuple[Finding, ...]:
    return _one_file(stage, "numpy 2.0.2", _MULTIARRAY, bundle("x86_64"), tags=["cp311-cp311-macosx_10_9_x86_64"])


def _wrong_platform(stage: Stage) -> tuple[Finding, ...]:
    path = "numpy/_core/_multiarray_umath.cpython-311-aarch64-linux-gnu.so"
    return _one_file(stage, "numpy 2.0.2", path, elfs.shared("aarch64"), tags=["cp311-cp311-manylinux_2_17_aarch64"])


def _newer_os(stage: Stage) -> tuple[Finding, ...]:
    path = "scipy/linalg/_fblas.cpython-311-darwin.so"
    return _one_file(stage, "scipy 1.14.1", path, bundle(minos="15.0"))


def _unreadable(stage: Stage) -> tuple[Finding, ...]:
    return _one_file(stage, "pillow 10.4.0", "PIL/_imaging.cpython-311-darwin.so", bundle()[:5000])


def _contested(stage: Stage) -> tuple[Finding, ...]:
    site = stage.venv()
    for name in ("opencv-python", "opencv-python-headless"):
        add_distribution(site, name, "4.10.0", {"cv2/cv2.abi3.so": bundle()}, tags=CP311_ARM64)
    return tuple(finding for finding in stage.inspect() if finding.distribution == "opencv-python")


def _unsigned(stage: Stage) -> tuple[Finding, ...]:
    return _one_file(stage, "lxml 5.3.0", "lxml/etree.cpython-311-darwin.so", bundle(signed=False))


def _invalid_signature(stage: Stage) -> tuple[Finding, ...]:
    good = bundle()
    edited = good[:0x800] + b"edit" + good[0x804:]
    return _one_file(stage, "lxml 5.3.0", "lxml/etree.cpython-311-darwin.so", edited)


def _duplicate_rpath(stage: Stage) -> tuple[Finding, ...]:
    content = bundle(sdk="15.4", rpaths=["@loader_path/.dylibs", "@loader_path/.dylibs"])
    return _one_file(stage, "shapely 2.0.6", "shapely/lib.cpython-311-darwin.so", content, target="macosx_15_4_arm64")


def _duplicate_library(stage: Stage) -> tuple[Finding, ...]:
    content = bundle(sdk="15.0", libraries=[LIBSYSTEM, "/usr/lib/libc++.1.dylib", "/usr/lib/libc++.1.dylib"])
    return _one_file(stage, "pyzmq 26.2.0", "zmq/_zmq.cpython-311-darwin.so", content, target="macosx_15_4_arm64")


def _missing_uuid(stage: Stage) -> tuple[Finding, ...]:
    content = bundle(sdk="14.0", uuid=False)
    return _one_file(stage, "orjson 3.10.7", "orjson/orjson.cpython-311-darwin.so", content, target="macosx_15_4_arm64")


EXAMPLES = (
    Example(
        "wrong-architecture",
        "numpy 2.0.2 for Python 3.11, installed from its wheel for Intel Macs; target macOS 14.0 arm64.",
        ("numpy==2.0.2", "aarch64-apple-darwin"),
        _wrong_architecture,
    ),
    Example(
        "wrong-platform",
        "numpy 2.0.2, installed from its wheel for Linux aarch64; target macOS 14.0 arm64.",
        ("numpy==2.0.2", "aarch64-apple-darwin"),
        _wrong_platform,
    ),
    Example(
        "newer-os-required",
        "scipy 1.14.1 with a module built for macOS 15.0; target macOS 14.0 arm64.",
        ("scipy<1.14.1", "update macOS to 15.0", "macOS 14.0"),
        _newer_os,
    ),
    Example(
        "unreadable-binary",
        "A module of pillow 10.4.0, cut off after 5,000 bytes.",
        ("pillow==10.4.0",),
        _unreadable,
    ),
    Example(
        "contested-file",
        "opencv-python 4.10.0 and opencv-python-headless 4.10.0 in one environment: both bring the package cv2.",
        ("opencv-python==4.10.0", "opencv-python-headless"),
        _contested,
    ),
    Example(
        "unsigned-binary",
        "The signature of an arm64 module of lxml 5.3.0 removed.",
        ("lxml==5.3.0", ".venv/lib/python3.11/site-packages/lxml/etree.cpython-311-darwin.so"),
        _unsigned,
    ),
    Example(
        "invalid-signature",
        "Four bytes in an arm64 module of lxml 5.3.0 changed after it was signed.",
        ("lxml==5.3.0", ".venv/lib/python3.11/site-packages/lxml/etree.cpython-311-darwin.so"),
        _invalid_signature,
    ),
    Example(
        "duplicate-rpath",
        "A module of shapely 2.0.6, built with SDK 15.4, that names one rpath twice; target macOS 15.4 arm64.",
        ("@loader_path/.dylibs", ".venv/lib/python3.11/site-packages/shapely/lib.cpython-311-darwin.so"),
        _duplicate_rpath,
    ),
    Example(
        "duplicate-library",
        "A module of pyzmq 26.2.0, built with SDK 15.0, that links libc++ twice; target macOS 15.4 arm64.",
        ("pyzmq!=26.2.0",),
        _duplicate_library,
    ),
    Example(
        "missing-uuid",
        "A module of orjson 3.10.7, built with SDK 14.0 and without LC_UUID; target macOS 15.4 arm64.",
        ("orjson!=3.10.7",),
        _missing_uuid,
    ),
)
