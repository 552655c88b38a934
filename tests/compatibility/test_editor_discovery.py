"""What editors do with items: climb from each to the session, build a tree, show it, and run what is clicked.

VS Code's discovery plugin climbs from the path of an item's parent to the session's, and one item that never gets there costs
the whole tree; it runs an item as ``item.path::rest of the id``. PyCharm goes by ``item.location``.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import small_project
from support.sites import write
from support.small_project import CHECKS, OWN

import pytest_archcheck.inspection  # noqa: F401 - or each run in this process would import it again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.small_project import SmallProject

NESTED = """
import pytest

class TestOuter:
    class TestInner:
        @pytest.mark.parametrize("number", [1, 2])
        def test_nested(self, number): pass
"""
MORE = [f"tests/test_nested.py::TestOuter::TestInner::test_nested[{number}]" for number in (1, 2)]
IDS = [*(name for name, _ in CHECKS), *(name for name, _ in OWN), *MORE]


class Editor:
    """Collects what an editor would show."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []
        self.root = Path()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items
        self.root = session.path

    def tree(self) -> dict[str, Any]:
        """Folders, files, collectors and items: name: what is below it; an item is its own leaf."""
        top: dict[str, Any] = {}
        for item in self.items:
            branch = top
            for name in self._way(item):
                branch = branch.setdefault(name, {})
                assert isinstance(branch, dict), f"{item.nodeid} lies below another item"
            assert item.name not in branch, f"{item.nodeid} has the place of another item"
            branch[item.name] = item
        return top

    def _way(self, item: pytest.Item) -> list[str]:
        """Names from the session's folder down to the item's parent: of folders, then of collectors."""
        chain = item.listchain()
        assert isinstance(chain[0], pytest.Session)
        assert chain[-1] is item
        for upper, lower in itertools.pairwise(chain):
            assert lower.parent is upper
        collectors = [node for node in chain[1:-1] if not os.path.isdir(node.path)]
        return [*self._climbed(collectors[0].path), *(node.name for node in collectors[1:])]

    def _climbed(self, path: Path) -> list[str]:
        """Names on the way up to the session's folder, which must be another one."""
        assert path != self.root
        names = []
        while path != self.root:
            assert path != path.parent, f"the way up from {path} misses {self.root}"
            names.append(path.name)
            path = path.parent
        return names[::-1]


def leaves(tree: dict[str, Any]) -> Iterator[pytest.Item]:
    """The items of a tree, from left to right."""
    for below in tree.values():
        if isinstance(below, dict):
            yield from leaves(below)
        else:
            yield below


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallProject:
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    made = small_project.make(tmp_path)
    write(made.folder / "tests" / "test_nested.py", NESTED)
    return made


@pytest.fixture(params=["in the root", "in a folder", "through a link"])
def discover(
    request: pytest.FixtureRequest, project: SmallProject, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Editor]:
    """Collect as an editor: ``discover(*ids)``, nothing for all."""
    root = project.folder
    if request.param == "through a link":
        root = root.parent / "link"
        root.symlink_to(project.folder, target_is_directory=True)
    monkeypatch.chdir(root / "tests" if request.param == "in a folder" else root)

    def discover(*ids: str) -> Editor:
        editor = Editor()
        chosen: Sequence[str] = ids or [str(root)]
        options = ("--collect-only", "-q", "-p", "no:hypothesispytest")  # which would import all of hypothesis for each run
        pytester.inline_run(f"--rootdir={root}", *options, *project.switches, *chosen, plugins=[editor])
        return editor

    return discover


def test_a_tree_with_every_item_once(discover: Callable[..., Editor]) -> None:
    editor = discover()
    assert [item.nodeid for item in editor.items] == IDS
    found = editor.tree()
    assert sorted(item.nodeid for item in leaves(found)) == sorted(IDS)
    assert set(found) == {"archcheck", "test_own.py", "tests"}
    assert set(found["archcheck"]) == {"environment", "sound", "spoiled"}
    assert isinstance(found["archcheck"]["spoiled"], pytest.Item)
    assert set(found["archcheck"]["environment"]) == {"packages"}


def test_what_is_said_of_each_item(discover: Callable[..., Editor]) -> None:
    editor = discover()
    for item in editor.items:
        assert item.parent is not None
        assert item.nodeid == f"{item.parent.nodeid}::{item.name}"
        assert item.path.exists()
        file, line, title = item.location
        assert not os.path.isabs(file)
        assert isinstance(line, int)
        assert title
        path, same_line, same_title = item.reportinfo()
        assert (os.path.relpath(path, editor.root), same_line, same_title) == (file, line, title)


def test_checks_run_by_the_ids_that_editors_make(discover: Callable[..., Editor]) -> None:
    names = [name for name, _ in CHECKS]
    chosen = discover(*names).items
    assert [item.nodeid for item in chosen] == names
    below = [name.partition("::")[2] for name in names]
    by_path = [f"{item.path}::{rest}" for item, rest in zip(chosen, below, strict=True)]
    by_location = [f"{item.config.rootpath / item.location[0]}::{rest}" for item, rest in zip(chosen, below, strict=True)]
    for ids in (by_path, by_location):
        assert [item.nodeid for item in discover(*ids).items] == names
    assert [item.nodeid for item in discover(by_path[-1]).items] == names[-1:]
