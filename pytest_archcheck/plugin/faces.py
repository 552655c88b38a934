"""What conftest files and plugins expect of every item, although ours are in no file and no function.

At least what pytest's own ``DoctestItem`` has; and a module, a function and a path such as those of a test, for conftest files
that take every item for one: they read ``item.module.__name__``, ``item.function.__doc__`` or
``Path(item.fspath).parent.relative_to(tests)``.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_archcheck.plugin.made import drop, made
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_archcheck.reports.outcome import Question

#: Where a project keeps its tests, unless its ini file says so.
_TEST_FOLDERS = ("tests", "test", "testing")
#: The last part of every item's path.
ITEM = "checks"
#: Two parts below the tests: ``parts[1]`` and the parent's ``parts[0]`` are there, whatever they are taken relative to.
_BELOW = ("archcheck", ITEM)


class ItemPath(type(Path())):  # type: ignore[misc]
    """A path that leads to nothing; ``--nf`` asks it for a time stamp all the same. What is derived of it is a plain path."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Answer for the folder that this one is said to be below."""
        standing_for: Path | None = self.__dict__.get("standing_for")
        answer: os.stat_result = (standing_for or Path(os.fspath(self))).stat(follow_symlinks=follow_symlinks)
        return answer

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """As :meth:`stat` answers; since Python 3.14 that is not asked here."""
        if "standing_for" in self.__dict__:
            return True
        return os.path.exists(self) if follow_symlinks else os.path.lexists(self)


def item_path(config: pytest.Config) -> Path:
    """The path that every item has: below the folder of the project's tests."""
    root = config.rootpath
    named = [root / folder for folder in config.getini("testpaths")]
    folders = [folder for folder in (*named, *(root / name for name in _TEST_FOLDERS)) if folder.is_dir() and folder != root]
    made = ItemPath((folders or [root])[0].joinpath(*_BELOW))
    made.standing_for = root
    return made


def module(path: Path, root: Path) -> ModuleType:
    """A module for ``item.module``, named as if it lay at that path."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else _BELOW
    made = ModuleType(".".join(parts), "The checks of pytest-archcheck, which are in no file.")
    made.__file__ = str(path)
    return made


def _fixture_info(_: object) -> Any:  # noqa: ANN401 - pytest's own
    from _pytest.fixtures import FuncFixtureInfo  # for those who look; private to pytest

    return FuncFixtureInfo((), (), [], {})


def _fixture_request(item: Any) -> Any:  # noqa: ANN401 - pytest's own
    from _pytest import fixtures  # for those who look; private to pytest

    kind: Any = getattr(fixtures, "TopRequest", fixtures.FixtureRequest)  # the former since pytest 8.0
    return kind(item, _ispytest=True)


class TestLike:
    """What an item has of a test function."""

    __test__ = False  # pytest collects no class for its name
    config: pytest.Config
    session: pytest.Session
    parent: Any
    name: str
    #: No class.
    cls = None
    instance = None

    question: Question

    #: The parent's: a module that stands for the checks.
    module = made(lambda self: self.parent.obj)
    #: A function that nobody calls.
    obj = made(lambda self: _function(self.name, text.sentence(self.question.title), self.module))
    #: As of a test without parameters.
    originalname = made(lambda self: self.name)
    #: Conftest files extend it; no fixture is set up for an item of ours.
    fixturenames = made(lambda _: [])
    #: Conftest files look here for what a failed test had: a browser's page.
    funcargs = made(lambda _: {})
    _fixtureinfo = made(_fixture_info)
    _request = made(_fixture_request)

    @property
    def function(self) -> Callable[[], None]:
        """As :attr:`pytest.Function.function`."""
        face: Callable[[], None] = self.obj
        return face

    def _initrequest(self) -> None:
        """Begin anew, as plugins ask before they run an item once more."""
        drop(self, ("funcargs", "_request"))


#: What is made of those, once a run is over for an item.
FACES = ("module", "obj", "originalname", "fixturenames", "funcargs", "_fixtureinfo", "_request")


def _function(name: str, title: str, module: ModuleType) -> Callable[[], None]:
    def check() -> None:
        """Stand for what the item asks: see ``ArchcheckItem.runtest``."""

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"archcheck: {title}"
    check.__module__ = module.__name__
    return check
