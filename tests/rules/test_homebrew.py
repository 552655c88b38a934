"""What Homebrew brings, told by paths as they stand in real wheels and build logs."""

from __future__ import annotations

import pytest

from pytest_archcheck.rules.homebrew import Keg, keg_of


@pytest.mark.parametrize(
    ("path", "keg"),
    [
        ("/opt/homebrew/opt/postgresql@15/lib/libpq.5.dylib", Keg("postgresql@15", "arm64")),
        ("/usr/local/opt/libpq/lib/libpq.5.dylib", Keg("libpq", "x86_64")),
        ("/usr/local/Cellar/openssl@1.1/1.1.1w/lib/libssl.1.1.dylib", Keg("openssl@1.1", "x86_64", "1.1.1w")),
        ("/opt/homebrew/Cellar/gcc/13.2.0/lib/gcc/current/libgfortran.5.dylib", Keg("gcc", "arm64", "13.2.0")),
        ("/opt/homebrew/lib/libtbb.12.dylib", Keg("tbb", "arm64")),
        ("/opt/homebrew/lib/libomp.dylib", None),  # keg-only: it is in /opt/homebrew/opt/libomp/lib alone
        ("/usr/local/lib/libpq.5.dylib", None),
        ("/Applications/Postgres.app/Contents/Versions/15/lib/libpq.5.dylib", None),
        ("/opt/local/lib/libpq.5.dylib", None),
        ("/opt/homebrew/opt/-x/lib/libx.dylib", None),
        ("/Users/me/opt/homebrew/opt/foo/lib/libx.dylib", None),
    ],
)
def test_the_formula_is_told_by_the_path(path: str, keg: Keg | None) -> None:
    assert keg_of(path) == keg
