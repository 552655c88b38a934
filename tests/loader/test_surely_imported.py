"""What importing a package surely imports; `tests/corpus/test_imports.py` asks Python itself about real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.sites import write

from pytest_archcheck import limits
from pytest_archcheck.loader.python_files import parse
from pytest_archcheck.loader.surely_imported import Importable, sure_imports, unimportable

if TYPE_CHECKING:
    from pathlib import Path


#: As numpy has it.
SETUP = "try:\n    __SETUP__\nexcept NameError:\n    __SETUP__ = False\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import absl", ["absl"]),
        ("import absl.flags as f, numpy", ["absl.flags", "numpy"]),
        ("from google.protobuf import message", ["google.protobuf message"]),
        ("from . import sub", ["demo sub"]),
        ("from .sub import a, b", ["demo.sub a", "demo.sub b"]),
        ("from .sub import *", ["demo.sub"]),
        ("from ... import far", []),
        ("try:\n    import numpy\nexcept ImportError as e:\n    raise ImportError('no') from e", ["numpy"]),
        ("try:\n    import numpy\nfinally:\n    pass", ["numpy"]),
        ("import warnings\nwith warnings.catch_warnings():\n    import numpy", ["warnings", "numpy"]),
        (f"{SETUP}if __SETUP__:\n    import setuptools\nelse:\n    import numpy", ["numpy"]),
        # Each of these may go on without it.
        (f"{SETUP}if __SETUP__:\n    import numpy", []),
        ("if __SETUP__:\n    pass\nelse:\n    import numpy", []),
        (SETUP.replace("False", "True") + "if __SETUP__:\n    pass\nelse:\n    import numpy", []),
        (SETUP.replace("NameError", "ImportError") + "if __SETUP__:\n    pass\nelse:\n    import numpy", []),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None", []),
        ("try:\n    import numpy\nexcept ModuleNotFoundError:\n    pass", []),
        ("try:\n    import numpy\nexcept ImportError:\n    raise\nexcept Exception:\n    pass", []),
        ("try:\n    pass\nexcept ImportError:\n    import tomli", []),
        ("if TYPE_CHECKING:\n    import numpy", []),
        ("if sys.version_info < (3, 8):\n    import importlib_metadata", []),
        ("for name in names:\n    import numpy", []),
        ("def f():\n    import numpy", []),
        ("class A:\n    import numpy", []),
        ("with suppress(ImportError):\n    import numpy", []),
        ("with optional():\n    import numpy", []),
        ('"""Text.\n\nimport numpy\n"""', []),
        ("import numpy as", []),
    ],
)
def test_sure_imports(code: str, expected: list[str]) -> None:
    tree = parse(code.encode())
    assert [name for name, _ in (sure_imports(tree, "demo") if tree is not None else ())] == expected


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def lacks(site: Path, *finders: bytes, **files: str) -> str | None:
    """Import ``demo``, after writing these modules of it."""
    for name, code in files.items():
        write(site / "demo" / f"{'__init__' if name == 'demo' else name}.py", code)
    found = unimportable(str(site), "demo", Importable([str(site)], finders))
    return f"{found.path}: {found.module}" if found else None


def test_what_a_package_imports_of_its_own(site: Path) -> None:
    init = "from demo.sub.deep import thing\n"
    write(site / "demo" / "sub" / "__init__.py", "import os\n")
    assert lacks(site, demo="", x="import numpy") is None
    write(site / "demo" / "__init__.py", init)
    write(site / "demo" / "sub" / "deep.py", "import json, absl.flags\n")
    assert lacks(site) == "demo/sub/deep.py: absl.flags"
    write(site / "absl" / "flags.py", "")
    assert lacks(site) is None


def test_a_package_imports_its_own_module(site: Path) -> None:
    assert lacks(site, demo="from demo import sub\n", sub="import numpy\n") == "demo/sub.py: numpy"
    assert lacks(site, demo="from . import sub\n") == "demo/sub.py: numpy"
    assert lacks(site, demo="sub = 1\nfrom . import sub\n") is None


@pytest.mark.parametrize(
    ("before", "after", "is_sure"),
    [
        ("", "", True),
        ('"Has a sub, and names it."\nimport os\n', "__all__ = ['sub']\nsub.thing()\n", True),
        ("from .other import sub_of_it as x\n", "", True),
        ("", "def __getattr__(name): ...\n", True),  # numpy._core
        ("", "from .other import *\nsub = 1\n", True),
        ("def __getattr__(name): ...\n", "", False),
        ("from .other import *\n", "", False),
        ("from .other import x as sub\n", "", False),
        ("if x:\n    sub = 1\n", "", False),
        ("for sub in ():\n    pass\n", "", False),
        ("def sub(): ...\n", "", False),
        ("globals()['s' + 'ub'] = 1\n", "", False),
    ],
)
def test_what_a_package_has_before_it_imports_a_module_of_its_own(
    site: Path, before: str, after: str, *, is_sure: bool
) -> None:
    found = lacks(site, demo=f"{before}from . import sub\n{after}", sub="import numpy\n", other="x = sub_of_it = 1\n")
    assert found == ("demo/sub.py: numpy" if is_sure else None)


def test_a_name_that_may_be_no_module(site: Path) -> None:
    write(site / "demo" / "__init__.py", "from demo.sub import thing\n")
    write(site / "demo" / "sub" / "thing.py", "import numpy\n")
    write(site / "demo" / "sub" / "__init__.py", "")
    assert lacks(site) == "demo/sub/thing.py: numpy"
    write(site / "demo" / "sub" / "__init__.py", "thing = 1\n")
    assert lacks(site) is None
    write(site / "demo" / "sub" / "__init__.py", "def __getattr__(name): ...\n")
    assert lacks(site) is None


@pytest.mark.parametrize("there", ["numpy.py", "numpy/x.py", "numpy.cpython-311-darwin.so", "NumPy.py"])
def test_modules_of_every_kind(site: Path, there: str) -> None:
    write(site / "demo" / "__init__.py", "import numpy\n")
    assert lacks(site) == "demo/__init__.py: numpy"
    write(site / there, "")
    assert lacks(site) is None


def test_a_sentence_that_ends_with_sys_path_changes_nothing(site: Path) -> None:
    assert lacks(site, demo="'''Looks into the folder, and sys.path.\n'''\nimport numpy\n") == "demo/__init__.py: numpy"


def test_what_makes_modules_importable_otherwise(site: Path) -> None:
    assert lacks(site, demo="import numpy\n")
    assert lacks(site, b"MAPPING = {'numpy': '/home/me/numpy'}") is None
    for before in ("import sys\nsys.path.insert(0, 'vendored')\n", "import sys\nsys.modules['numpy'] = sys\n"):
        write(site / "demo" / "__init__.py", f"{before}import numpy\n")
        assert lacks(site) is None
    for standard in ("distutils", "tomllib", "winreg", "_winapi", "asyncore"):
        write(site / "demo" / "__init__.py", f"import {standard}\n")
        assert lacks(site) is None


def test_a_folder_that_cannot_be_read_may_hold_it(site: Path) -> None:
    write(site / "demo" / "__init__.py", "import numpy\n")
    unreadable = str(site / ("x" * 300))  # longer than any file system takes
    assert unimportable(str(site), "demo", Importable([str(site), unreadable])) is None


def test_no_further_than_the_limits(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"m{number}": f"from demo import m{number + 1}\n" for number in range(20)}
    write(site / "demo" / "m20.py", "import numpy\n")
    assert lacks(site, demo="import demo.m0\n", **files) == "demo/m20.py: numpy"
    monkeypatch.setattr(limits, "SURELY_IMPORTED_FILES", 15)
    assert lacks(site) is None
    monkeypatch.undo()
    monkeypatch.setattr(limits, "SURELY_IMPORTED_IN_ALL", 100)
    assert lacks(site) is None
