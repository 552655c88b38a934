"""One run with the checks on: inspects once, collects, keeps what the items said, and tells.

Registered with pytest only when the checks are on. Under pytest-xdist the controller inspects environments and hands the result
to its workers; a wheel is opened by the worker that runs its item.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck import ArchcheckWarning
from pytest_archcheck.plugin import arguments, blame, inspected, progress, questions, report_files, rootdir, settings
from pytest_archcheck.plugin.inspected import INSPECTION, SETTINGS
from pytest_archcheck.plugin.items import ArchcheckCollector, ArchcheckItem
from pytest_archcheck.plugin.kept import PREFIX, Kept
from pytest_archcheck.reports import terminal, text
from pytest_archcheck.reports.outcome import Question, Result

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator, Sequence

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.arguments import Scope
    from pytest_archcheck.plugin.settings import Settings


def start(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> ArchcheckSession | None:
    """Inspect, if the checks are on: before conftest files are loaded, so that nothing they do can hide the outcome.

    Raises :class:`pytest.UsageError` for a bad setting.
    """
    scope = arguments.decide(config, parser, arguments.positionals(parser, args))
    if scope is None:
        return None
    checked = config.stash[SETTINGS] = settings.read(config, config.known_args_namespace)
    if checked.require and not all(_is_running_environment(path) for path in checked.paths):
        raise pytest.UsageError(
            f"--archcheck-require: got {', '.join(checked.require)} with {', '.join(checked.paths)}, expected no path, "
            "or the running environment's: what is required is required of that"
        )
    made = report_files.check(checked)
    with progress.inspecting(config, text.joined(checked.paths, most=2) or "this environment"):
        inspection = inspected.inspect(checked)
    _refuse_idle_python(config, inspection)
    session = ArchcheckSession(config, checked, scope, inspection, made)
    if not arguments.hand_to_loop(config, scope):
        session.tell_early()
    return session


class ArchcheckSession:
    """The plugin of a run that has the checks on."""

    def __init__(
        self, config: pytest.Config, checked: Settings, scope: Scope, inspection: Inspection, made: Sequence[str] = ()
    ) -> None:
        """:param made: folders that were made for reports."""
        self._made = made
        self.config = config
        self.settings = checked
        self.scope = scope
        self._files = report_files.ReportFiles(checked, str(config.rootpath))
        config.stash[INSPECTION] = inspection
        self.questions: dict[str, Question] = {}
        self._of_wheels = questions.of_wheels(config, inspection, checked)
        self._ask()
        self.kept = Kept()
        self._told_header = False
        #: Reports that could not be written, each with the reason.
        self._unwritten: list[str] = []

    @property
    def inspection(self) -> Inspection:
        """What this run inspects."""
        return self.config.stash[INSPECTION]

    @property
    def is_worker(self) -> bool:
        """True in a pytest-xdist worker, which collects and runs items but tells nothing."""
        return hasattr(self.config, "workerinput")

    def _ask(self) -> None:
        built = questions.build(self.config, self.inspection, self.settings, self._of_wheels)
        self.questions = {question.subject: question for question in built}

    # -- before collection

    def still_wanted(self, parser: pytest.Parser) -> bool:
        """Whether the checks are on, now that conftest files have said which options have values."""
        scope = arguments.decide(self.config, parser, self.config.args)
        if scope is None:
            del self.config.stash[INSPECTION]
        else:
            self.scope = scope
        return scope is not None

    def join_findings_of_others(self) -> None:
        """Ask other plugins for findings of theirs; of wheels their items ask."""
        of_wheels_alone = self.inspection.wheels and not self.inspection.environments
        theirs = [] if of_wheels_alone else self.config.hook.pytest_archcheck_findings(inspection=self.inspection)
        findings = [finding for some in theirs for finding in some or ()]
        if findings:
            self.config.stash[INSPECTION] = inspected.joined(self.inspection, findings, self.settings)
        self._ask()  # conftest files may have added frameworks

    def join_html_report(self) -> None:
        """Bring title, findings and remedies into pytest-html's table."""
        if self.config.pluginmanager.hasplugin("html"):
            from pytest_archcheck.plugin import html_rows

            rows = html_rows.HtmlRows(lambda: self.questions, self.kept.answer)
            self.config.pluginmanager.register(rows, "archcheck-html-rows")

    def reject_unknown_ids(self) -> None:
        """Raise :class:`pytest.UsageError` for an id that names no check, with those that are near."""
        for name in self.scope.named or ():
            if name and not any(self._named(name, subject) for subject in self.questions):
                from difflib import get_close_matches

                near = get_close_matches(name, list(self.questions), n=3, cutoff=0.5)
                hint = (
                    f"did you mean {' or '.join(PREFIX + one for one in near)}?" if near else "pytest archcheck --co lists all"
                )
                raise pytest.UsageError(f"not found: {PREFIX}{text.escape(name)} (no such check; {hint})")

    @staticmethod
    def _named(name: str, subject: str) -> bool:
        return subject == name or subject.startswith(f"{name}::")

    def tell_early(self) -> None:
        """Say what is known to fail, and write the report, before the project's code gets a chance to end the process."""
        unwritten = self._files.write(self.result()) if self._files else []
        if unwritten:
            raise pytest.UsageError(unwritten[0])
        if any(text.failing(check.findings) for check in self.inspection.checks):
            self._told_header = self._print(terminal.header(self.inspection, self.result().outcomes))

    def tell_in_full(self) -> None:
        """Say everything, where conftest files failed to load and no item will run."""
        self._print(terminal.in_full(self.result().outcomes))
        self._write_step_summary()
        self.pytest_unconfigure()

    def _print(self, lines: list[str]) -> bool:
        """Print before there is a terminal reporter. With -q to stderr: the output of ``--co -q`` is read by tools."""
        options = self.config.known_args_namespace
        if "no:terminal" in options.plugins:
            return False
        stream = sys.stdout if options.verbose >= 0 else sys.stderr
        encoding = getattr(stream, "encoding", None) or "ascii"
        for line in lines:
            stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
        return True

    # -- hooks: collection

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, None, None]:
        """Take our arguments out before pytest looks for them on disk."""
        args = self.config.args
        args[:] = [] if self.scope.only else [arg for arg in args if arguments.named_subject(self.config, arg) is None]
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, None]:
        """Put our collector before everything that the session collects."""
        outcome = yield
        if isinstance(collector, pytest.Session) and outcome.excinfo is None:
            report = outcome.get_result()
            chosen = tuple(one for one in self.questions.values() if self.scope.holds(one.subject))
            if report.passed and chosen:
                report.result.insert(0, ArchcheckCollector.at_root(collector, chosen))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what the user's selection left."""
        self.kept.select(item.question.subject for item in session.items if isinstance(item, ArchcheckItem))

    # -- hooks: running

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, None, None]:
        """Note that what was collected is about to run."""
        options = session.config.option
        self.kept.running = not options.collectonly and not getattr(options, "setuponly", False)
        yield
        if self.kept.running and not self.is_worker:
            self._leave_to_last_failed()

    def _leave_to_last_failed(self) -> None:
        """Have ``--lf`` go on with the wheels that an interruption kept from being opened."""
        remembering = self.config.pluginmanager.getplugin("lfplugin")
        for subject in self.kept.lost() if remembering is not None else ():
            if self.questions[subject].known.pending:
                report = pytest.TestReport(f"{PREFIX}{subject}", ("", 0, ""), {}, "failed", None, "call")
                remembering.pytest_runtest_logreport(report)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Have an item of ours let go of what it needs no more."""
        yield
        if isinstance(item, ArchcheckItem):
            item.rest()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Let the report carry the answer, from a worker too."""
        outcome = yield
        if isinstance(item, ArchcheckItem) and item.answer is not None and call.when == "call":
            outcome.get_result().archcheck = item.answer.to_text()
            item.answer = None  # ten thousand items stay until the end
        elif isinstance(item, ArchcheckItem) and call.excinfo is not None and outcome.get_result().failed:
            hint = blame.hint(call.excinfo, self.config.rootpath)
            if hint is not None:
                outcome.get_result().sections.append(("archcheck", hint))

    @pytest.hookimpl(trylast=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Say which hook broke: conftest files may take our items for test functions."""
        hint = blame.hint(excinfo, self.config.rootpath)
        if hint is not None:
            sys.stderr.write(f"archcheck: {hint}\n".encode("ascii", "backslashreplace").decode("ascii"))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, None]:
        """Keep what became of an item of ours; pytest keeps its report, which need not hold the answer too."""
        subject = report.nodeid[len(PREFIX) :]
        ours = report.nodeid.startswith(PREFIX) and subject in self.questions
        if ours and not self.is_worker:
            self.kept.note(report, self.questions[subject])
        yield
        if ours and hasattr(report, "archcheck"):
            del report.archcheck
        if ours and not self.is_worker and self.questions[subject].wheel is not None:
            from pytest_archcheck.plugin import told

            told.slim(self.config, report)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Note whose warnings pytest will show: a filter or an option may keep them from it."""
        if issubclass(warning_message.category, ArchcheckWarning):
            self.kept.warned.add(nodeid[len(PREFIX) :])

    # -- hooks: telling

    def result(self) -> Result:
        """The run so far, narrowed to the user's selection."""
        selected = self.kept.selected
        chosen = [
            (place, question)
            for place, (subject, question) in enumerate(self.questions.items())
            if self.scope.holds(subject) and (selected is None or subject in selected)
        ]
        outcomes = tuple(self.kept.outcome(question, place) for place, question in chosen)
        finished = selected is not None and bool(outcomes) and all(outcome.ran for outcome in outcomes)
        result = Result(
            inspection=self.inspection,
            outcomes=outcomes,
            complete=False,
            notes=inspected.allow_list(self.settings, self.inspection).unmatched(self.questions),
            finished=finished,
            left_out=len(self.questions) - len(outcomes),
        )
        in_doubt = self._judged_nothing(result) or any(skip.unseen for skip in result.skipped)
        return replace(result, complete=finished and not in_doubt)

    def pytest_report_header(self) -> list[str]:
        """One line on what was inspected; more where something is known to fail."""
        lines = [] if self._told_header else terminal.header(self.inspection, self.result().outcomes)
        unread = rootdir.unread_ini(self.config)
        if unread is not None:
            lines.append(f"archcheck: pytest did not read {text.escape(unread)}: write --archcheck-path=PATH, with '='")
        return lines

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the findings that did not pass unnoticed, and the answers."""
        verbosity = _verbosity(self.config)
        while self._unwritten:
            terminalreporter.write_line(self._unwritten.pop(0), red=True)
        if verbosity >= 0:
            for folder in self._made:
                terminalreporter.write_line(f"archcheck: made the folder {text.escape(folder)} for a report")
        if self.settings.annotations and not self.config.option.collectonly:
            from pytest_archcheck.reports import github

            for annotation in github.workflow_commands(self.result()):
                terminalreporter.write_line(annotation)
        if self.config.option.collectonly or verbosity < -1 or getattr(self.config.option, "no_summary", False):
            return
        result = self.result()
        failures_shown = self.config.option.tbstyle != "no"
        warnings_shown = self.kept.warned if terminalreporter.hasopt("w") else ()
        lines = terminal.summary(result, verbosity, failures_shown=failures_shown, warnings_shown=warnings_shown)
        if lines:
            terminalreporter.section("archcheck")
        for line in lines:
            terminalreporter.write_line(line.text, **({line.colour: True} if line.colour else {}))
        for answer in terminal.answers(result):
            terminalreporter.write_line(answer)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports. A run without anything to check is a clean one; one with a check that nobody heard of is not."""
        if self.is_worker:
            return
        result = self.result()
        collected_none = not self.inspection.checks and not self.inspection.wheels and not getattr(session, "items", ())
        everything = self.scope.named is None and collected_none
        if self._judged_nothing(result) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and everything and not self._judged_nothing(result):
            session.exitstatus = pytest.ExitCode.OK
        if exitstatus == pytest.ExitCode.OK and self._is_in_doubt(result):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        unwritten = self._files.write(result)
        self._unwritten += unwritten
        if unwritten and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        self._write_step_summary()

    def _judged_nothing(self, result: Result) -> bool:
        """Whether a path that was to be inspected holds nothing that could be judged; one check by its id is asked alone."""
        return bool(result.unjudged) and (self.scope.named is None or "" in self.scope.named)

    def _is_in_doubt(self, result: Result) -> bool:
        """Whether nobody heard of a check again, or one passed with errors, or ended as nothing that pytest knows.

        A worker of pytest-xdist that dies can take reports along, and others' plugins write outcomes of their own.
        """
        return bool(self.kept.lost()) or any(
            outcome.state == "other" or (outcome.state == "passed" and outcome.broken) for outcome in result.outcomes
        )

    def pytest_unconfigure(self) -> None:
        """Say what the terminal's summary did not get to say."""
        while self._unwritten:
            sys.stderr.write(self._unwritten.pop(0).encode("ascii", "backslashreplace").decode("ascii") + "\n")

    def _write_step_summary(self) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path or getattr(self.config.known_args_namespace, "collectonly", False):
            return
        from pytest_archcheck.reports import github

        try:
            github.write_summary(path, self.result())
        except OSError as error:
            self._unwritten.append(report_files.cannot_write("GITHUB_STEP_SUMMARY", error))


def _refuse_idle_python(config: pytest.Config, inspection: Inspection) -> None:
    """Say so where another Python was asked for, and everything is judged for its own."""
    typed: str | None = config.known_args_namespace.archcheck_python
    interpreters = [environment.interpreter for environment in inspection.environments]
    versions = [interpreter.version if interpreter else None for interpreter in interpreters]
    if not typed or not all(versions):
        return
    if not versions and inspection.wheels:
        own = "each wheel is judged for the Python of its own tags"
        raise pytest.UsageError(f"--archcheck-python: got {typed!r}, but {own}: leave the option out")
    minor = typed.split(".")[:2]
    for environment, version in zip(inspection.environments, versions, strict=True):
        if version and version.split(".")[:2] == minor:
            return
        said = f"{text.escape(environment.path)} has its own Python, {version}, and is judged for that: leave the option out"
        raise pytest.UsageError(f"--archcheck-python: got {typed!r}, but {said}")


def _is_running_environment(path: str) -> bool:
    here = [sys.prefix, *sys.path]
    return any(os.path.isdir(one) and os.path.samefile(path, one) for one in here)


def _verbosity(config: pytest.Config) -> int:
    if hasattr(config, "get_verbosity"):  # pytest 8.0
        return config.get_verbosity("archcheck")
    verbosity: int = config.option.verbose
    return verbosity
