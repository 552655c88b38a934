"""A process of another architecture."""

from __future__ import annotations

import pytest
from support.foreign import ForeignPython, foreign_python


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> ForeignPython:
    return foreign_python(tmp_path_factory.mktemp("modules"))
