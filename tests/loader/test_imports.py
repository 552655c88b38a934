"""What a Python file says of the modules that it imports, and what the handlers of a failure do."""

from __future__ import annotations

import sysconfig
import time
from pathlib import Path

import pytest

from pytest_archcheck.loader.imports import Import, imports_of, may_begin, may_compute


def guards(source: str, module: str = "pkg._core", package: str = "pkg") -> list[bool]:
    found = [one.guarded for one in imports_of(source.encode(), package) if one.names(module)]
    return list(dict.fromkeys(found))  # "from ._core import x" may import _core.x as well


def attempt(handler: str, rest: str = "") -> str:
    return f"try:\n    from . import _core\n    FOUND = True\n{handler}\n{rest}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from . import _core", [False]),
        ("import pkg._core", [False]),
        ("from ._core import x", [False]),
        ("from .other import x", []),
        (attempt("except ImportError:\n    pass"), [True]),
        (attempt("except (KeyError, ImportError):\n    _core = None"), [True]),
        (attempt("except:\n    pass"), [True]),
        (attempt("except KeyError:\n    pass"), [False]),
        # The module is there, and the loader refuses it: that is no ModuleNotFoundError.
        (attempt("except ModuleNotFoundError:\n    pass"), [False]),
        (attempt("except ModuleNotFoundError:\n    pass\nexcept ImportError:\n    raise"), [False]),
        # tblite, dftd3, dftd4.
        (attempt("except ImportError as e:\n    raise ImportError('no C extension') from e"), [False]),
        (attempt("except ImportError as e:\n    msg = 'no'\n    raise RuntimeError(msg)"), [False]),
        (attempt("except ImportError:\n    import sys\n    sys.exit(1)"), [False]),
        (
            attempt("except ImportError as e:\n    if 'DLL' in str(e):\n        raise\n    else:\n        raise OSError"),
            [False],
        ),
        (attempt("except ImportError as e:\n    if 'DLL' in str(e):\n        raise\n    _core = None"), [True]),
        (attempt("except ImportError:\n    with suppress(ImportError):\n        raise ImportError\n    _core = None"), [True]),
        (attempt("finally:\n    done = True"), [False]),
        (attempt("except ImportError:\n    pass\nfinally:\n    raise SystemError"), [False]),
        ("def f():\n    try:\n        from . import _core\n    finally:\n        return None", [True]),
        # A flag that is tested later and raises.
        (attempt("except ImportError:\n    FOUND = False", "if not FOUND:\n    raise ImportError"), [False]),
        (attempt("except ImportError:\n    FOUND = False", "if FOUND:\n    raise ImportError"), [True]),
        (attempt("except ImportError:\n    _core = None", "if _core is None:\n    raise ImportError"), [False]),
        (attempt("except ImportError:\n    _core = None", "if _core is not None:\n    raise ImportError"), [True]),
        (attempt("except ImportError as e:\n    why = e", "if why:\n    raise why"), [False]),
        (attempt("except ImportError as e:\n    why = e", "def use():\n    if why:\n        raise why"), [True]),
        ("from contextlib import suppress\nwith suppress(ImportError):\n    from . import _core", [True]),
        ("import contextlib\nwith contextlib.suppress(KeyError):\n    from . import _core", [False]),
        # Where the import stands in a function, its callers tell.
        ("def load():\n    from . import _core\ntry:\n    load()\nexcept ImportError:\n    pass", [True]),
        ("def load():\n    from . import _core\ntry:\n    load()\nexcept ImportError:\n    raise", [False]),
        ("def load():\n    from . import _core\nload()", [False]),
        ("def load():\n    from . import _core", [False]),
        ("def load():\n    load()\n    from . import _core", [False]),
        ("if TYPE_CHECKING:\n    from . import _core", []),
        ("if __name__ == '__main__':\n    from . import _core", []),
        ("match x:\n    case 1:\n        from . import _core", [False]),
        ("class A:\n    from . import _core", [False]),
        ("def f(:", []),
    ],
)
def test_an_import_and_what_happens_when_it_fails(source: str, expected: list[bool]) -> None:
    assert guards(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("importlib.import_module('pkg._core')", [False]),
        ("importlib.import_module('._core', __package__)", [False]),
        ("importlib.import_module('._core', 'pkg')", [False]),
        ("__import__('pkg._core')", [False]),
        ("name = 'pkg._core'\nimport_module(name)", [False]),
        ("try:\n    import_module('pkg._core')\nexcept ImportError:\n    pass", [True]),
        ("def f():\n    return import_module('pkg._core')", [True]),  # on demand
        ("def f():\n    return import_module('pkg._core')\nf()", [False]),
        ("import_module(f'pkg._co{x}')", [False]),
        ("import_module('pkg._co' + x)", [False]),
        ("import_module('pkg._co%s' % x)", [False]),
        ("import_module('pkg._co{}'.format(x))", [False]),
        ("import_module(f'{__package__}._co{x}')", [False]),
        ("import_module(f'pkg._xx{x}')", []),
        ("import_module(f'pkg.{x}')", [False]),
        ("import_module(f'{y}.{x}')", []),
        ("import_module(x)", []),
    ],
)
def test_names_that_are_put_together(source: str, expected: list[bool]) -> None:
    assert guards(source) == expected


def test_a_numbered_family_that_is_tried_in_a_loop() -> None:
    source = """
def find(version):
    ext = f"torio.lib._torio_ffmpeg{version}"
    load(f"libtorio_ffmpeg{version}")
    return importlib.import_module(ext)

def find_any():
    for version in ["6", "5", ""]:
        try:
            return find(version)
        except Exception:
            continue
    raise ImportError
"""
    for version in ("4", "5", ""):
        assert guards(source, f"torio.lib._torio_ffmpeg{version}") == [True]
    assert guards(source, "torio.lib._other") == []


def test_thousands_of_levels_end() -> None:
    assert imports_of(b"(" * 5000 + b")" * 5000, "pkg") == ()
    deep = "".join("    " * level + "if x:\n" for level in range(90)) + "    " * 90 + "from . import _core"
    assert guards(deep) == [False]


CHAINED = "def f():\n" + "    g()\n" * 2_000 + "def g():\n" + "    h()\n" * 2_000 + "def h():\n" + "    i()\n" * 2_000
CHAINED += "def i():\n    import pkg._x\n" + "f()\n" * 2_000


@pytest.mark.parametrize(
    "text",
    [
        CHAINED,
        "a = 'pkg._x'\n" + "a = a + a\n" * 60 + "import_module(a)\n",
        "a = 'pkg._x'\n" + "a = f'{a}{a}'\n" * 60 + "import_module(a)\n",
        "import_module(f'pkg._" + "{a}x" * 100 + "')\n",
        "import_module('" + "{" * 300_000 + "'.format(1))\n",
        "import_module('" + "%(" * 300_000 + "' % x)\n",
        "try:\n    import a\nexcept ImportError:\n    pass\n" * 2_500,
    ],
    ids=["calls", "sums", "formatted", "wildcards", "braces", "percents", "tries"],
)
def test_what_could_take_for_ever(text: str) -> None:
    begin = time.process_time()
    for one in imports_of(text.encode(), "pkg"):
        one.names("pkg._" + "x" * 200)
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("name", "module", "fits"),
    [
        ("pkg._x*", "pkg._x4", True), ("pkg._x*", "pkg._x", True), ("pkg._*_*", "pkg._a_b", True), ("pkg.*", "pkg.a.b", False),
        ("pkg._a*a", "pkg._a", False), ("pkg.*b*b", "pkg.bxb", True), ("pkg.*b*b", "pkg.xb", False), ("*", "pkg", True),
    ],
)  # fmt: skip
def test_names_put_together_at_run_time(name: str, module: str, *, fits: bool) -> None:
    assert Import(name, guarded=True).names(module) is fits


@pytest.mark.parametrize(
    "source",
    [
        "import_module(f'pkg._co{x}')",
        "import_module(\n    'pkg._co' + x)",
        "importlib.import_module(f'{__package__}._co{x}')",
        "name = 'pkg._co%s' % x\nimport_module(name)",
        "if x: name = 'pkg.' + x\n__import__( name , globals())",
        "base = 'pkg.{}'\nname = base.format(x)\nimport_module(name)",
        "(importlib.import_module)(f'pkg.{x}')",
        "importlib.import_module \\\n  (f'pkg.{x}')",
    ],
)
def test_files_that_may_compute_a_name_are_parsed(source: str) -> None:
    assert may_compute(source.encode())
    assert any(one.is_computed for one in imports_of(source.encode(), "pkg"))


@pytest.mark.parametrize(
    "source",
    [
        "from importlib import import_module\nimport_module(name)",
        "from importlib import import_module, reload\nimport_module(self.name)",
        "def load(name):\n    name = name_of(x)\n    return __import__(name, globals())",
        "modname = self.modname\nimport_module(modname)",
        "if name == 'x': import_module(name)",
    ],
)
def test_files_that_only_import_what_nobody_knows_are_not(source: str) -> None:
    assert not may_compute(source.encode())


def test_no_computed_import_of_the_standard_library_is_passed_over() -> None:
    for path in Path(sysconfig.get_path("stdlib")).glob("*.py"):
        text = path.read_bytes()
        if b"import_" in text and not may_compute(text):
            assert [one for one in imports_of(text, "x.y") if one.is_computed and not one.name.endswith(".*")] == [], path


@pytest.mark.parametrize(
    "source",
    [
        "".join(f"import_module(a{number})\n" for number in range(40_000)),
        "import_module(a)\n" + "a =b.c;" * 140_000,
        "import_module(a)\n" + "a =b.c\n" * 140_000,
        "import_module" + " " * 1_000_000,
        "import_module(" * 70_000,
        "import_module(" + "a" * 1_000_000,
    ],
    ids=["names", "one line", "lines", "spaces", "calls", "one name"],
)
def test_whether_a_name_is_computed_takes_no_time(source: str) -> None:
    begin = time.process_time()
    may_compute(source.encode())
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("source", "may"),
    [
        ('import_module(f"pkg._{name}")', True),
        ('import_module("pkg" + name)', True),
        ("import_module('.%s' % name, __name__)", True),
        ('import_module(f".{name}", __name__)', True),
        ('import_module(f"..{name}", __name__)', True),
        ('x = "."\nimport_module(x + name, __name__)', True),
        ('import_module("." + name, __name__)', True),
        ("import_module(__package__ + name)", True),
        ('import_module(f"other.{name}")', False),
        ('name = "".join(x)\n__import__(name.split(".")[0])', False),
        ('name = "{}".format(x) + "."\n__import__(name)', False),
        ('names = ["__package__"]\n__import__(x.__package__)', False),
    ],
)
def test_what_a_name_may_begin_with(source: str, *, may: bool) -> None:
    """What is passed over, a syntax tree says no more of: no name that is put together leads to the module."""
    assert may_begin(source.encode(), "pkg.sub._core") is may
    found = [one for one in imports_of(source.encode(), "pkg.sub") if one.is_computed]
    assert may or not any(one.names("pkg.sub._core") or one.names("pkg._core") for one in found)
