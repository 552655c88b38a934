"""What a run with the checks on says and leaves: header, summary, reports, exit code. Not in a worker of pytest-xdist."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_archcheck.plugin import report_files, rootdir
from pytest_archcheck.reports import terminal, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_archcheck.plugin.session import ArchcheckSession
    from pytest_archcheck.reports.outcome import Result


class Telling:
    """The hooks by which the run tells what its session knows."""

    def __init__(self, session: ArchcheckSession, made: Sequence[str]) -> None:
        """:param made: folders that were made for reports."""
        self._session = session
        self._config = session.config
        self._made = made
        self._files = report_files.ReportFiles(session.settings, str(session.config.rootpath))
        self._told_header = False
        #: Reports that could not be written, each with the reason; told as soon as there is a place for it.
        self._unwritten: list[str] = []

    def early(self) -> None:
        """Say what is known to fail, and write the reports, before the project's code gets a chance to end the process."""
        unwritten = self._files.write(self._session.result()) if self._files else []
        if unwritten:
            raise pytest.UsageError(unwritten[0])
        if any(text.failing(check.findings) for check in self._session.inspection.checks):
            self._told_header = self._print(terminal.header(self._session.inspection, self._session.result().outcomes))

    def in_full(self) -> None:
        """Say everything, where conftest files failed to load and no item will run."""
        result = self._session.result()
        self._print(terminal.in_full(result.outcomes))
        self._write_step_summary(result)
        self.pytest_unconfigure()

    def _print(self, lines: list[str]) -> bool:
        """Print before there is a terminal reporter. With -q to stderr: the output of ``--co -q`` is read by tools."""
        options = self._config.known_args_namespace
        if "no:terminal" in options.plugins:
            return False
        stream = sys.stdout if options.verbose >= 0 else sys.stderr
        for line in lines:
            stream.write(text.encodable(line, getattr(stream, "encoding", None)) + "\n")
        stream.flush()
        return True

    def pytest_report_header(self) -> list[str]:
        """One line on what was inspected; more where something is known to fail."""
        lines = [] if self._told_header else terminal.header(self._session.inspection, self._session.result().outcomes)
        unread = rootdir.unread_ini(self._config)
        if unread is not None:
            lines.append(f"archcheck: pytest did not read {text.escape(unread)}: write --archcheck-path=PATH, with '='")
        return lines

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the findings that did not pass unnoticed, and the answers."""
        options, verbosity = self._config.option, _verbosity(self._config)
        while self._unwritten:
            terminalreporter.write_line(self._unwritten.pop(0), red=True)
        for folder in self._made if verbosity >= 0 else ():
            terminalreporter.write_line(f"archcheck: made the folder {text.escape(folder)} for a report")
        if options.collectonly:
            return
        result = self._session.result()
        if self._session.settings.annotations:
            from pytest_archcheck.reports import github

            for annotation in github.workflow_commands(result):
                terminalreporter.write_line(annotation)
        if verbosity < -1 or getattr(options, "no_summary", False):
            return
        lines = terminal.summary(
            result,
            verbosity,
            failures_shown=options.tbstyle != "no",
            warnings_shown=self._session.kept.warned if terminalreporter.hasopt("w") else (),
        )
        if lines:
            terminalreporter.write_sep("=", "archcheck")
        for line in lines:
            terminalreporter.write_line(line.text, **({line.colour: True} if line.colour else {}))
        for answer in terminal.answers(result):
            terminalreporter.write_line(answer)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports, and end with another exit code where pytest's own does not say how the checks ended."""
        result = self._session.result()
        status = self._exit_status(exitstatus, result, has_items=bool(getattr(session, "items", ())))
        if status != exitstatus:
            session.exitstatus = status
        unwritten = self._files.write(result)
        self._unwritten += unwritten
        if unwritten and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        self._write_step_summary(result)

    def _exit_status(self, reached: int, result: Result, *, has_items: bool) -> int:
        """A run without anything to check is a clean one; one with a check that nobody heard of is not.

        :param reached: the exit code that pytest has come to.
        """
        if reached == pytest.ExitCode.OK:
            if self._is_in_doubt(result):
                return pytest.ExitCode.TESTS_FAILED
            if self._session.judged_nothing(result):
                return pytest.ExitCode.NO_TESTS_COLLECTED
        elif reached == pytest.ExitCode.NO_TESTS_COLLECTED:
            has_checks = bool(result.inspection.checks or result.inspection.wheels)
            everything = self._session.scope.named is None
            if everything and not (has_items or has_checks or self._session.judged_nothing(result)):
                return pytest.ExitCode.OK
        return reached

    def _is_in_doubt(self, result: Result) -> bool:
        """Whether nobody heard of a check again, or one passed with errors, or ended as nothing that pytest knows.

        A worker of pytest-xdist that dies can take reports along, and others' plugins write outcomes of their own.
        """
        return bool(self._session.kept.lost()) or any(
            outcome.state == "other" or (outcome.state == "passed" and outcome.broken) for outcome in result.outcomes
        )

    def pytest_unconfigure(self) -> None:
        """Say what the terminal's summary did not get to say."""
        while self._unwritten:
            sys.stderr.write(text.encodable(self._unwritten.pop(0), "ascii") + "\n")

    def _write_step_summary(self, result: Result) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path or getattr(self._config.known_args_namespace, "collectonly", False):
            return
        from pytest_archcheck.reports import github

        try:
            github.write_summary(path, result)
        except OSError as error:
            self._unwritten.append(report_files.cannot_write("GITHUB_STEP_SUMMARY", error))


def _verbosity(config: pytest.Config) -> int:
    if hasattr(config, "get_verbosity"):  # pytest 8.0
        return config.get_verbosity("archcheck")
    verbosity: int = config.option.verbose
    return verbosity
