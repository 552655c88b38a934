"""One run with the checks on: makes questions of what was inspected, collects them, and keeps what became of them.

Registered with pytest only when the checks are on, in the workers of pytest-xdist, too. ``start`` begins it, ``telling`` tells.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck import ArchcheckWarning
from pytest_archcheck.plugin import arguments, blame, inspected, questions
from pytest_archcheck.plugin.inspected import INSPECTION
from pytest_archcheck.plugin.items import ArchcheckCollector, ArchcheckItem
from pytest_archcheck.plugin.kept import PREFIX, Kept
from pytest_archcheck.reports import text
from pytest_archcheck.reports.outcome import Question, Result

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator

    from pytest_archcheck.inspection import Inspection
    from pytest_archcheck.plugin.arguments import Scope
    from pytest_archcheck.plugin.settings import Settings


class ArchcheckSession:
    """The plugin of a run that has the checks on."""

    def __init__(self, config: pytest.Config, checked: Settings, scope: Scope, inspection: Inspection) -> None:
        self.config = config
        self.settings = checked
        self.scope = scope
        config.stash[INSPECTION] = inspection
        self.questions: dict[str, Question] = {}
        self._of_wheels = questions.of_wheels(config, inspection, checked)
        self._ask()
        self.kept = Kept()

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
            if name and not any(arguments.names(name, subject) for subject in self.questions):
                from difflib import get_close_matches

                near = get_close_matches(name, list(self.questions), n=3, cutoff=0.5)
                hint = (
                    f"did you mean {' or '.join(PREFIX + one for one in near)}?" if near else "pytest archcheck --co lists all"
                )
                raise pytest.UsageError(f"not found: {PREFIX}{text.escape(name)} (no such check; {hint})")

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
            sys.stderr.write(text.encodable(f"archcheck: {hint}\n", "ascii"))

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

    # -- what is told

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
        in_doubt = self.judged_nothing(result) or any(skip.unseen for skip in result.skipped)
        return result._replace(complete=finished and not in_doubt)

    def judged_nothing(self, result: Result) -> bool:
        """Whether a path that was to be inspected holds nothing that could be judged; one check by its id is asked alone."""
        return bool(result.unjudged) and (self.scope.named is None or "" in self.scope.named)
