"""A run with pytest-xdist: what its controller hands to the workers, and what becomes of a worker that dies.

The controller inspects environments and hands the result to its workers; a wheel is opened by the worker that runs its item.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_archcheck.plugin.inspected import SETTINGS
from pytest_archcheck.plugin.items import ArchcheckItem
from pytest_archcheck.plugin.kept import PREFIX
from pytest_archcheck.plugin.session import ArchcheckSession
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from pytest_archcheck.discover.wheel_names import WheelFile

_Item = TypeVar("_Item")
#: The outcome of what will be run once more, as pytest-rerunfailures calls it.
_RERUN: Any = "rerun"
#: The entry of a sent report that holds all others, and the format: every Python reads it, and a worker may be another.
_PIECE, _MARSHAL_VERSION = "archcheck-report", 2
#: How many chunks of like cost most wheels are dealt into: no fewer than pytest-xdist makes of them.
_CHUNKS = 24
#: How large each wheel of the inspection is, as the controller saw it: workers must agree on an order.
_SIZES = pytest.StashKey["list[int]"]()


def _sizes(wheels: Iterable[WheelFile]) -> list[int]:
    return [_size(wheel.path) for wheel in wheels]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # its item will say so
        return 0


def dealt(largest: list[_Item]) -> list[_Item]:
    """Order what is sorted by its cost for pytest-xdist, which hands it out in chunks, large ones first.

    Chunks cost alike where each has some of every cost, and what is left for the end is small.
    """
    small = len(largest) // 4
    before, last = largest[: len(largest) - small], largest[len(largest) - small :]
    return [item for first in range(_CHUNKS) for item in before[first::_CHUNKS]] + last


def take_over(config: pytest.Config, handed: bytes) -> ArchcheckSession:
    """Make the session of a pytest-xdist worker from what its controller sent."""
    import pickle
    import zlib

    scope, checked, found, config.stash[_SIZES] = pickle.loads(zlib.decompress(handed))  # noqa: S301 - written by our own controller
    config.stash[SETTINGS] = checked
    return ArchcheckSession(config, checked, scope, found)


class Workers:
    """The hooks of a run that has workers, in the controller and in each of them."""

    def __init__(self, session: ArchcheckSession) -> None:
        self._session = session
        #: What each worker gets.
        self._handed: bytes | None = None
        #: Subjects of wheels whose worker died, and that were given to another.
        self._opened_again: set[str] = set()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's WorkerController
        """Hand the inspection to a worker, of wheels their names (pytest-xdist, in the controller)."""
        typed = [os.fspath(arg) for arg in self._session.config.invocation_params.args]
        foreign = [arg for arg in typed if arg.encode("utf-8", "ignore").decode("utf-8") != arg]
        if foreign:  # execnet would refuse them with a traceback
            raise pytest.UsageError(
                f"pytest-xdist hands arguments to its workers as UTF-8, which {text.joined(foreign)} is not: run without -n, "
                "or reach it through a symbolic link"
            )
        if self._handed is None:
            import pickle
            import zlib

            session = self._session
            handed = session.scope, session.settings, session.inspection, _sizes(session.inspection.wheels)
            self._handed = zlib.compress(pickle.dumps(handed), 1)
        node.workerinput["archcheck-session"] = self._handed

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Order wheels, once everybody has chosen, so that no worker waits long for another."""
        yield
        sizes = self._session.config.stash.get(_SIZES, ())
        if not sizes:
            return
        by_subject = dict(zip((one.subject for one in self._session.questions.values() if one.wheel), sizes, strict=True))
        ours = [(place, item) for place, item in enumerate(items) if isinstance(item, ArchcheckItem) and item.question.wheel]
        largest = sorted((item for _, item in ours), key=lambda item: -by_subject[item.question.subject])
        for (place, _), item in zip(ours, dealt(largest), strict=True):
            items[place] = item

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note what a worker's selection left (pytest-xdist, in the controller)."""
        ours = {nodeid[len(PREFIX) :] for nodeid in ids if nodeid.startswith(PREFIX)}
        self._session.kept.select(ours & set(self._session.questions))

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """Have the wheel of a worker that died opened once more; who kills two workers is told (pytest-xdist, controller)."""
        subject = crashitem[len(PREFIX) :]
        question = self._session.questions.get(subject) if crashitem.startswith(PREFIX) else None
        if question is None or not question.known.pending or subject in self._opened_again:
            return
        self._opened_again.add(subject)
        with contextlib.suppress(NotImplementedError):  # --dist loadscope: what was lost with a worker is a failure there
            sched.mark_test_pending(crashitem)
            report.outcome = _RERUN

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self, report: pytest.TestReport) -> Generator[None, Any, None]:
        """Send a report of ours as one piece: pytest-xdist writes each entry of its dictionary in Python, on both sides."""
        outcome = yield
        data = outcome.get_result()
        if self._session.is_worker and data and report.nodeid.startswith(PREFIX):
            with contextlib.suppress(ValueError):  # another plugin's values, which execnet may know
                outcome.force_result({_PIECE: marshal.dumps(data, _MARSHAL_VERSION)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> None:
        """Unpack it where it arrives."""
        piece = data.pop(_PIECE, None)
        if piece is not None:
            data.update(marshal.loads(piece))  # noqa: S302 - written by our own worker

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show what will be run once more."""
        return (_RERUN, "R", "RERUN") if report.outcome == _RERUN and report.nodeid.startswith(PREFIX) else None
