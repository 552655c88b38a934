"""Who may bring a library that a wheel lacks: cases as they stand in real wheels."""

from __future__ import annotations

import pytest

from pytest_archcheck.rules.elsewhere import Elsewhere


@pytest.mark.parametrize(
    ("library", "asker", "places", "requires", "who"),
    [
        # networkit brings it beside its package, where nobody else puts one of that name
        ("@loader_path/../libnetworkit.dylib", "networkit/base.so", ("",), ("numpy",), None),
        ("libopenbabel.so.7", "openbabel/_openbabel.so", ("lib", "openbabel/lib"), ("numpy",), None),
        ("libgsl.so.27", "openbabel/_openbabel.so", ("lib", "openbabel/lib"), ("numpy",), "one of"),
        ("@loader_path/../libother.dylib", "networkit/base.so", ("",), ("numpy",), "one of"),
        # mlx is empty without mlx-metal
        ("@rpath/libmlx.dylib", "mlx/core.so", ("mlx/lib",), ("mlx-metal",), "one of"),
        # delocate's
        ("@loader_path/.dylibs/libz.1.dylib", "pkg/_x.so", ("pkg/.dylibs",), ("numpy",), None),
        # eccodeslib: eckitlib has a folder that is looked at, too
        (
            "@rpath/libaec.0.dylib",
            "eccodeslib/lib/libeccodes.dylib",
            ("eccodeslib/lib", "eckitlib/lib"),
            ("eckitlib",),
            "one of",
        ),
        ("@rpath/libtorch.dylib", "torch_scatter/_x.so", (), (), "a distribution that is imported before it"),
    ],
)
def test_who_may_bring_it(
    library: str, asker: str, places: tuple[str, ...], requires: tuple[str, ...], who: str | None
) -> None:
    found = Elsewhere(is_wheel=True, requires=requires).who(library, asker, places)
    assert found is None if who is None else str(found).startswith(who)
