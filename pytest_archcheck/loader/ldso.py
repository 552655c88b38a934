"""Where a Linux system's dynamic loader looks for libraries: its cache, its default folders, and what every system has.

The order of the search is in ``ld.so(8)``; the cache's layout is glibc's ``sysdeps/generic/dl-cache.h``. musl has no cache:
``/etc/ld-musl-ARCH.path`` or three fixed folders (``ldso/dynlink.c``).
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import beginning_of
from pytest_archcheck.discover.image_root import below, real_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
# struct cache_file_new after magic and version: nlibs, len_strings, flags, padding, extension_offset, 3 words unused.
_CACHE_HEADER = struct.Struct("=II4BI12x")
# struct file_entry_new: flags, key, value (offsets of two strings from the magic), osversion, hwcap.
_CACHE_ENTRY = struct.Struct("=iIIIQ")

#: Debian's multiarch folders; other systems use lib64 or lib.
_TRIPLETS = {
    "x86_64": "x86_64-linux-gnu",
    "i686": "i386-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "loongarch64": "loongarch64-linux-gnu",
}
_MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")

#: Wheels may rely on these on any system with glibc: the tables of PEP 513, 571 and 599, which PEP 600 carries on, with what
#: auditwheel's policies for manylinux_2_5 to manylinux_2_39 add (libz, libexpat, libatomic, libmvec, libanl).
MANYLINUX_LIBRARIES = frozenset(
    """
    libc.so.6 libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libutil.so.1 libresolv.so.2 libnsl.so.1 libanl.so.1 libmvec.so.1
    libgcc_s.so.1 libstdc++.so.6 libatomic.so.1 libz.so.1 libexpat.so.1
    libX11.so.6 libXext.so.6 libXrender.so.1 libICE.so.6 libSM.so.6 libGL.so.1
    libgobject-2.0.so.0 libgthread-2.0.so.0 libglib-2.0.so.0
    """.split()
)
#: PEP 656 with auditwheel's policy; musl's own name varies with the architecture (``libc.musl-x86_64.so.1``).
MUSLLINUX_LIBRARIES = frozenset({"libc.so", "libz.so.1"})

#: Installed by the driver of a graphics card, absent on machines without one. Packages load what needs them when a card is
#: asked for, or catch the error: the files are in every healthy CPU-only installation of a CUDA, ROCm or oneAPI build.
DRIVER_LIBRARIES = frozenset(
    """
    libcuda.so.1 libcuda.so libcudadebugger.so.1 libnvidia-ml.so.1 libnvcuvid.so.1 libnvidia-encode.so.1 libnvoptix.so.1
    libnvidia-ptxjitcompiler.so.1 libnvidia-opticalflow.so.1 libnvrm_gpu.so libnvrm_mem.so libnvdla_compiler.so libnvcudla.so
    libOpenCL.so.1 libvulkan.so.1 libze_loader.so.1 libhsa-runtime64.so.1 libamdhip64.so.5 libamdhip64.so.6 libamdhip64.so.7
    """.split()
)


@dataclass(frozen=True, slots=True)
class SystemLibraries:
    """How one Linux system finds libraries outside of any environment."""

    musl: bool = False
    #: soname -> paths in the order of the cache, which is the loader's.
    cache: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def candidates(self, name: str) -> Iterator[str]:
        """Yield the paths that would be tried for this name, first one first."""
        yield from self.cache.get(name, ())
        for folder in self.folders:
            yield f"{folder}/{name}"


def is_musl_loader(loader: str | None) -> bool:
    """Whether this PT_INTERP is musl's: ``/lib/ld-musl-x86_64.so.1``."""
    return loader is not None and os.path.basename(loader).startswith("ld-musl-")


def system_libraries(architecture: str, *, musl: bool, loader: str | None, root: str | None = None) -> SystemLibraries:
    """Look at this machine, or at the other system whose files lie in a folder.

    :param loader: PT_INTERP of the interpreter; its folder is a default one on systems that keep glibc elsewhere (Nix, Guix).
    :param root: that folder.
    """
    if root is None:
        return _system(architecture, musl=musl, loader=loader, root="")
    own = _system(architecture, musl=musl, loader=loader, root=root)
    cache = {name: tuple(below(root, path) for path in paths) for name, paths in own.cache.items()}
    return replace(own, cache=cache, folders=tuple(below(root, folder) for folder in own.folders))


def _system(architecture: str, *, musl: bool, loader: str | None, root: str) -> SystemLibraries:
    if musl:
        return SystemLibraries(musl=True, folders=_musl_folders(loader, root))
    triplet = _TRIPLETS.get(architecture)
    multiarch = (f"/lib/{triplet}", f"/usr/lib/{triplet}") if triplet else ()
    own = (os.path.dirname(real_path(root + loader, root or None)),) if loader else ()
    folders = (*multiarch, "/lib64", "/usr/lib64", "/lib", "/usr/lib", *own)
    cache = parse_cache(_read(f"{root}/etc/ld.so.cache"))
    # An image that nobody has started yet may have no cache; its folders are in the order of ldconfig.
    listed = () if cache or not root else tuple(_listed_folders(root))
    return SystemLibraries(cache=cache, folders=(*listed, *folders))


def _listed_folders(root: str) -> Iterator[str]:
    """The folders in ``/etc/ld.so.conf.d``, which every distribution's ``/etc/ld.so.conf`` includes."""
    folder = os.path.join(root, "etc", "ld.so.conf.d")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for text in (_read(os.path.join(folder, name)) for name in names[: limits.SEARCHED_FOLDERS] if name.endswith(".conf")):
        for line in os.fsdecode(text).splitlines()[: limits.SEARCHED_FOLDERS]:
            if line.startswith("/"):
                yield line.partition("#")[0].strip()


def _musl_folders(loader: str | None, root: str) -> tuple[str, ...]:
    # The .path file lies in etc beside the lib folder that holds the loader, and separates folders by newlines or colons.
    if loader is None:
        return _MUSL_FOLDERS
    stem = os.path.basename(loader).removesuffix(".so.1")
    prefix = os.path.dirname(os.path.dirname(loader)).rstrip("/")
    text = os.fsdecode(_read(f"{root}{prefix}/etc/{stem}.path"))
    return tuple(part for part in text.replace("\n", ":").split(":") if part) or _MUSL_FOLDERS


def _read(path: str) -> bytes:
    return beginning_of(path, limits.LOADER_FILE_SIZE)


def parse_cache(content: bytes) -> dict[str, tuple[str, ...]]:
    """Read ``/etc/ld.so.cache``: soname -> paths. What cannot be read as one gives an empty mapping.

    Before glibc 2.32 the file begins with the table of an older format; the offsets count from the newer one's magic.
    """
    start = content.find(_CACHE_MAGIC)
    first = start + len(_CACHE_MAGIC) + _CACHE_HEADER.size
    if start < 0 or first > len(content):
        return {}
    count, _, flags, *_ = _CACHE_HEADER.unpack_from(content, start + len(_CACHE_MAGIC))
    if flags & 3 not in {0, 2 if sys.byteorder == "little" else 3}:  # cache_file_new_flags_endian_*; 0: not recorded
        return {}
    last = min(first + min(count, limits.LOADER_CACHE_ENTRIES) * _CACHE_ENTRY.size, len(content))
    last -= (last - first) % _CACHE_ENTRY.size
    found: dict[str, tuple[str, ...]] = {}
    for kind, key, value, _, _ in _CACHE_ENTRY.iter_unpack(content[first:last]):
        if kind & 0xFF == 3:  # FLAG_ELF_LIBC6
            name = _text(content, start + key)
            found[name] = (*found.get(name, ()), _text(content, start + value))
    return found


def _text(content: bytes, offset: int) -> str:
    end = content.find(b"\0", offset, offset + limits.PATH_LENGTH)
    return os.fsdecode(content[offset:end]) if end >= 0 else ""
