"""A run with pytest-xdist: what its controller hands to the workers, and what becomes of a worker that dies.

The controller inspects environments and hands the result to its workers; a wheel is opened by the worker that runs its item.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin.inspected import SETTINGS
from pytest_archcheck.plugin.kept import PREFIX
from pytest_archcheck.plugin.session import ArchcheckSession
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The outcome of what will be run once more, as pytest-rerunfailures calls it.
_RERUN: Any = "rerun"


def take_over(config: pytest.Config, handed: bytes) -> ArchcheckSession:
    """Make the session of a pytest-xdist worker from what its controller sent."""
    import pickle
    import zlib

    scope, checked, found = pickle.loads(zlib.decompress(handed))  # noqa: S301 - written by our own controller
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
            self._handed = zlib.compress(pickle.dumps((session.scope, session.settings, session.inspection)), 1)
        node.workerinput["archcheck-session"] = self._handed

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

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show what will be run once more."""
        return (_RERUN, "R", "RERUN") if report.outcome == _RERUN and report.nodeid.startswith(PREFIX) else None
