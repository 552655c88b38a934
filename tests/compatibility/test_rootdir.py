"""What pytest itself runs of an environment that it mistook for the project, before a plugin can stop it.

``--archcheck-path ENV`` with a space: the ini file of ENV is read, and what its ``addopts`` name with ``-p`` is imported,
before any installed plugin is loaded. Since 8.4 that includes modules in the folders of its ``pythonpath``; before, pytest ends
where it does not find them. Nothing of ours can prevent that; conftest files, tests and the inspection it does prevent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import pythons
from support.pythons import PYTESTS, PYTHONS
from support.sites import write

if TYPE_CHECKING:
    from pathlib import Path

    from support.small_project import SmallProject

pytestmark = pytest.mark.compatibility

#: Pytest: whether it has imported the plugin of the inspected environment by the time that it asks its plugins for options.
IMPORTS = {PYTESTS["7.4"]: False, "pytest==8.3.*": False, "pytest==8.4.*": True, PYTESTS["newest"]: True}


@pytest.mark.parametrize("version", IMPORTS)
def test_what_cannot_be_prevented(version: str, wheel: Path, project: SmallProject) -> None:
    interpreter = pythons.find(PYTHONS[1])
    if interpreter is None:
        pytest.skip("Python 3.11 is not at hand: neither on PATH nor of pyenv")
    place = pythons.place(interpreter, (version, "pytest-xdist"), wheel)
    env = project.folder.parent / "environment"
    for name in ("hostile.py", "conftest.py", "test_it.py"):
        write(env / name, f"print('imported: {name}')\n")
    # pytest 7.4 is warned by pluggy of the error that it is about to show.
    arguments = ("-W", "ignore", "-m", "pytest", "--archcheck-path", str(env), *project.switches[1:])

    write(env / "pytest.ini", "[pytest]\npythonpath = .\ntestpaths = .\n")
    stopped = place.python(*arguments, cwd=project.folder)
    assert stopped.returncode == 4
    assert f"ERROR: write --archcheck-path={env}, with '='" in stopped.stderr
    assert "imported:" not in stopped.stdout

    write(env / "pytest.ini", "[pytest]\naddopts = -p hostile\npythonpath = .\ntestpaths = .\n")
    seen = place.python(*arguments, cwd=project.folder)
    assert seen.returncode == (4 if IMPORTS[version] else 1), seen.stdout + seen.stderr
    assert ("imported: hostile.py" in seen.stdout) == IMPORTS[version]
    assert "imported: conftest.py" not in seen.stdout
    assert "imported: test_it.py" not in seen.stdout
    assert "archcheck: target" not in seen.stdout

    word = place.python("-m", "pytest", f"--archcheck-path={env}", *project.switches[1:], cwd=project.folder)
    assert "imported:" not in word.stdout
    assert "1 failed, 2 passed" in word.stdout
