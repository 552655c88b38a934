"""What the suite builds once: the wheel; and a fresh project for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import pythons, small_project

if TYPE_CHECKING:
    from pathlib import Path

    from support.small_project import SmallProject


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's wheel, unpacked."""
    return pythons.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    """Own tests, and a sound and a spoiled distribution to check."""
    return small_project.make(tmp_path)
