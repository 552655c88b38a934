"""The packages of Debian and Ubuntu that bring the libraries which wheels are known to take from the system."""

from __future__ import annotations

#: soname -> the package that brings that very file in Debian 13, by its own index (``benchmarks/debian.py`` asks it).
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLESv2.so.2": "libgles2",
    "libGLU.so.1": "libglu1-mesa",
    "libGLX.so.0": "libglx0",
    "libICE.so.6": "libice6",
    "libOpenGL.so.0": "libopengl0",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXcomposite.so.1": "libxcomposite1",
    "libXcursor.so.1": "libxcursor1",
    "libXdamage.so.1": "libxdamage1",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXft.so.2": "libxft2",
    "libXi.so.6": "libxi6",
    "libXinerama.so.1": "libxinerama1",
    "libXrandr.so.2": "libxrandr2",
    "libXrender.so.1": "libxrender1",
    "libXtst.so.6": "libxtst6",
    "libasound.so.2": "libasound2t64",
    "libatomic.so.1": "libatomic1",
    "libcrypto.so.3": "libssl3t64",
    "libcups.so.2": "libcups2t64",
    "libdbus-1.so.3": "libdbus-1-3",
    "libexpat.so.1": "libexpat1",
    "libffi.so.8": "libffi8",
    "libfontconfig.so.1": "libfontconfig1",
    "libgbm.so.1": "libgbm1",
    "libgcc_s.so.1": "libgcc-s1",
    "libgfortran.so.5": "libgfortran5",
    "libglib-2.0.so.0": "libglib2.0-0t64",
    "libgobject-2.0.so.0": "libglib2.0-0t64",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0t64",
    "libgtk-3.so.0": "libgtk-3-0t64",
    "libmariadb.so.3": "libmariadb3",
    "libnspr4.so": "libnspr4",
    "libnss3.so": "libnss3",
    "libodbc.so.2": "libodbc2",
    "libopenblas.so.0": "libopenblas0-pthread",  # by the link of update-alternatives
    "libportaudio.so.2": "libportaudio2",
    "libpq.so.5": "libpq5",
    "libpulse-mainloop-glib.so.0": "libpulse-mainloop-glib0",
    "libpulse.so.0": "libpulse0",
    "libquadmath.so.0": "libquadmath0",
    "libsndfile.so.1": "libsndfile1",
    "libssl.so.3": "libssl3t64",
    "libstdc++.so.6": "libstdc++6",
    "libtbb.so.12": "libtbb12",
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
}
#: What a package was renamed with, where it was built anew for 64 bits of time: before, it has the name without.
_RENAMED = "t64"
_STEMS = frozenset(name.partition(".so")[0] for name in PACKAGES)


def package_of(soname: str) -> str | None:
    """The package to install, with what to read where the system is another one; None where none is known."""
    package = PACKAGES.get(soname)
    if package is None:
        return None
    older = f"{package.removesuffix(_RENAMED)} before Debian 13 and Ubuntu 24.04, " if package.endswith(_RENAMED) else ""
    return f"{package} ({older}or what provides {soname} on your system)"


def knows(soname: str) -> bool:
    """Whether systems have a library of this name, of whatever version."""
    return soname.partition(".so")[0] in _STEMS
