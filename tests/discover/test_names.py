"""Names of required projects, from lines of ``Requires-Dist``."""

from __future__ import annotations

from pytest_archcheck.discover.names import required_names


def test_each_project_that_is_required_without_an_extra() -> None:
    lines = (
        "numpy>=1.23",
        "Some_Thing [fast] (>=2) ; python_version < '3.12'",
        'pillow ; extra == "plot"',
        'colorama; sys_platform == "win32" and extra == "x"',
        "numpy<3; sys_platform == 'linux'",
        "extra-names",
        " ",
        "(nothing)",
    )
    assert required_names(lines) == ("numpy", "Some_Thing", "extra-names")
