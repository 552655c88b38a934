"""Files that several distributions have recorded; `tests/test_inspection.py` has installed ones."""

from __future__ import annotations

import pytest
from support.machos import bundle
from support.sources import BytesSource

from pytest_archcheck.binaries.reader import read_binary
from pytest_archcheck.discover.model import Distribution
from pytest_archcheck.rules.ownership import judge_ownership


def owners(number: int, *, metadata: str | None = "/site/x.dist-info") -> list[tuple[Distribution, str]]:
    data = bundle()
    binary = read_binary("shared.so", "/site", BytesSource(data), data[:4096])
    assert binary is not None
    return [
        (
            Distribution(
                name=f"d{one}",
                version="1",
                installer="pip",
                tags=(),
                location="/site",
                binaries=(binary,),
                metadata=metadata,
            ),
            f"d{one}",
        )
        for one in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "others"),
    [
        (2, "d1 1"),
        (7, "d1 1 and d2 1 and d3 1 and d4 1 and d5 1 and d6 1"),
        (9, "d1 1 and d2 1 and d3 1 and d4 1 and d5 1 and d6 1 and 2 more"),
    ],
)
def test_who_else_has_recorded_it(number: int, others: str) -> None:
    found = judge_ownership(owners(number))
    assert [finding.subject for finding in found] == [f"d{one}" for one in range(number)]
    assert found[0].message == f"is also recorded by {others}: the one that was installed last wrote it"
    uninstalled = "pip uninstall --yes d1" in found[0].remedy
    assert uninstalled is (number <= 7)
    assert ("uninstall the others" in found[0].remedy) is (number > 7)


def test_one_owner_is_none_too_many() -> None:
    assert judge_ownership(owners(1)) == []


def test_the_interpreter_s_own_files_are_of_no_package() -> None:
    assert judge_ownership(owners(2, metadata=None)) == []
