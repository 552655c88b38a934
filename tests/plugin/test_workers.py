"""How wheels are dealt to the workers of pytest-xdist, and how reports come back."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from support.machos import bundle
from support.wheels import write_wheel

from pytest_archcheck.plugin.workers import dealt

if TYPE_CHECKING:
    from collections.abc import Iterator


def chunks(count: int, workers: int = 2) -> Iterator[slice]:
    """What pytest-xdist gives a worker that asks: at first a quarter of its share, in the end two."""
    start = 0
    while start < count:
        size = max(2, (count - start) // workers // 4)
        yield slice(start, start + size)
        start += size


@pytest.mark.parametrize("count", [0, 1, 5, 97, 1110])
def test_everything_is_dealt_once(count: int) -> None:
    assert sorted(dealt(list(range(count)))) == list(range(count))


def test_chunks_cost_alike_and_the_last_cost_little() -> None:
    costs = sorted((1000 / (10 + number % 370) for number in range(1110)), reverse=True)
    of_chunks = [costs[chunk] for chunk in chunks(len(costs))]
    assert sum(of_chunks[0]) > 3 * sum(of_chunks[1])
    of_chunks = [dealt(costs)[chunk] for chunk in chunks(len(costs))]
    first, second = (sum(chunk) for chunk in of_chunks[:2])
    assert first == pytest.approx(second, rel=0.2)
    tail = list(itertools.chain(*of_chunks[-10:]))
    assert max(tail) < costs[len(costs) // 2]


def test_a_report_brings_along_what_others_gave_it(pytester: pytest.Pytester) -> None:
    for project in "abcdef":
        write_wheel(pytester.path / "house", project, {f"{project}/_a.so": bundle("arm64")})
    pytester.makeconftest(
        """
        from pathlib import Path
        import pytest

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport():
            report = (yield).get_result()
            report.theirs = {"path": [1.5, None, ("\\u20ac",)]}
            report.user_properties.append(("theirs", 1))

        def pytest_runtest_logreport(report):
            assert report.theirs == {"path": [1.5, None, ("\\u20ac",)]}
            assert report.user_properties[-1] == ("theirs", 1)
            assert report.location[0] == "archcheck"
            if hasattr(report, "node"):  # the controller's
                with open("heard.txt", "a") as stream:
                    stream.write(f"{report.nodeid} {report.when} {report.outcome}\\n")
        """
    )
    result = pytester.runpytest_subprocess("--archcheck-path=house", "-n2", timeout=120)
    result.assert_outcomes(passed=6)
    heard = (pytester.path / "heard.txt").read_text(encoding="utf-8").splitlines()
    assert len(heard) == 18
    assert sum(line.endswith(" call passed") for line in heard) == 6
