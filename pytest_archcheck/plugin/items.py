"""The pytest items: one per question, in no file."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from _pytest import skipping, tmpdir  # for the keys of what they leave behind; private to pytest

from pytest_archcheck import ArchcheckWarning
from pytest_archcheck.plugin.arguments import ROOT
from pytest_archcheck.plugin.faces import FACES, TestLike, item_path, module
from pytest_archcheck.plugin.made import drop, made
from pytest_archcheck.reports import text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from pytest_archcheck.reports.outcome import Answer, Question


#: What pytest gives every item.
_EMPTY = ("keywords", "own_markers", "extra_keyword_matches", "user_properties", "stash", "_store", "_report_sections")
#: What pytest leaves in the stash of an item that has run, for fixtures that it has not.
_OF_PYTEST = tuple(
    vars(module)[name] for module, name in ((skipping, "xfailed_key"), (tmpdir, "tmppath_result_key")) if name in vars(module)
)


class FindingsFailed(Exception):
    """A check has errors; the message is everything it says."""

    def __init__(self, message: str, headline: str) -> None:
        super().__init__(message)
        self.headline = headline


class ArchcheckItem(TestLike, pytest.Item):
    """One question, asked when the item runs."""

    #: pytest-run-parallel: this item needs no warning that it is not parallel.
    _parallel_custom_item = True

    # Most items have nothing of these, and all of them are empty as long as an item is only listed.
    keywords = made(lambda self: type(self.parent.keywords)(self))
    own_markers = made(lambda _: [])
    extra_keyword_matches = made(lambda self: set(self.question.keywords))
    user_properties = made(lambda self: [(name, text.sentence(value)) for name, value in self.question.properties])
    stash = made(lambda _: pytest.Stash())
    _store = made(lambda self: self.stash)
    _report_sections = made(lambda _: [])
    location = made(pytest.Item.location.func)  # type: ignore[attr-defined]

    parent: ArchcheckCollector

    def __init__(self, *, question: Question, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kwargs)
        for name in _EMPTY:
            delattr(self, name)
        self.question = question
        #: What asking gave; None until the item has run.
        self.answer: Answer | None = None
        if self.parent.reruns:
            self.add_marker(pytest.mark.flaky(reruns=0))  # asking again gives the same answer
        if question.known.unasked is not None:
            self.add_marker(pytest.mark.skip(reason=text.sentence(question.known.unasked)))

    def rest(self) -> None:
        """Let go of what running made and nobody has added to: the session keeps its items until the end."""
        drop(self, (*FACES, "location", "_report_sections"))
        if len(self.user_properties) == len(self.question.properties):
            drop(self, ("user_properties",))
        if self.extra_keyword_matches <= {*self.question.keywords}:
            drop(self, ("extra_keyword_matches",))
        if not self.own_markers and len(getattr(self.keywords, "_markers", "")) == 1:
            drop(self, ("own_markers", "keywords"))
        if len(self.stash) == sum(key in self.stash for key in _OF_PYTEST):
            drop(self, ("stash", "_store"))

    @property
    def ihook(self) -> Any:  # noqa: ANN401 - pytest's own
        """The hooks of the root folder's conftest file, and of no other: the item's path is only said to be below the tests."""
        return self.session.gethookproxy(self.config.rootpath)

    def runtest(self) -> None:
        """Ask, warn once, and fail with every error that no line allows."""
        answer = self.answer = self.question.ask()
        if answer.unasked is not None:
            raise pytest.skip.Exception(text.sentence(answer.unasked), _use_item_location=True)
        rules = dict.fromkeys(finding.rule for finding in answer.findings)
        if rules:
            self.user_properties.append(("archcheck_findings", ", ".join(rules)))
        errors, warnings = text.failing(answer.findings), text.warning(answer.findings)
        if errors:
            headline, other = text.headline(errors), f"{ROOT}::{answer.same_as}"
            told = any(item.nodeid == other for item in self.session.items) if answer.same_as else False
            raise FindingsFailed(f"{headline}\n  see {other}" if told else text.text(errors + warnings), headline)
        if warnings:
            self.warn(ArchcheckWarning(text.text(warnings)))
        accepted = [finding for finding in answer.findings if finding.severity == "error"]
        if accepted:
            pytest.xfail("; ".join(dict.fromkeys(text.sentence(finding.allowed or "") for finding in accepted)))
            # Only --runxfail comes here: it asks for what would be if nothing were expected to fail.
            raise FindingsFailed(text.text(accepted), text.headline(accepted))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401 - pytest's own
        """Show what the findings say instead of a traceback of ours."""
        error = excinfo.value
        if not isinstance(error, FindingsFailed | ArchcheckWarning):
            return super().repr_failure(excinfo, style)
        shown = super().repr_failure(excinfo, "value")
        crash = getattr(shown, "reprcrash", None)
        if crash is not None:  # what pytest's short summary shows, on every pytest and through pytest-xdist
            crash.message = error.headline if isinstance(error, FindingsFailed) else str(error).partition("\n")[0]
            if self.config.getoption("tbstyle", "auto") == "line":  # one line, which names the check and no line of ours
                crash.path, crash.lineno = self.nodeid, 1
                shown.reprtraceback.reprentries.clear()  # type: ignore[union-attr]
        return shown

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return the collector's path, an int line (None makes pytest stumble over a skip), and the heading of a failure."""
        assert self.parent is not None  # noqa: S101 - tells the type checker what pytest guarantees
        return self.parent.path, 0, f"{ROOT}: {text.sentence(self.question.title)}"


@functools.cache
def _announce(kind: type[ArchcheckItem]) -> None:
    """Use every attribute once: the first few instances of a class settle which all of them have room for without a dict."""
    first = kind.__new__(kind)
    names = (*_EMPTY, *FACES, "location", "question", "answer")
    for name in names:
        setattr(first, name, None)


class ArchcheckCollector(pytest.Collector):
    """``archcheck``, and the groups below it: ``archcheck::environment``."""

    def __init__(self, *, questions: tuple[Question, ...], depth: int = 0, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kwargs)
        self.questions = questions
        self._item_path = item_path(self.config)
        _announce(ArchcheckItem)
        #: Whether pytest-rerunfailures is there.
        self.reruns = self.config.pluginmanager.hasplugin("rerunfailures")
        #: What modules have, and items are asked for by way of their parent.
        self.obj = module(self._item_path, self.config.rootpath)
        #: How many parts of the subject are above us.
        self.depth = depth

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Yield an item for each question whose subject ends here, and a collector for each group."""
        groups: dict[str, list[Question]] = {}
        for question in self.questions:
            # Most subjects have one part and are the item's name, not a copy of it.
            name = (
                question.subject
                if not self.depth and "::" not in question.subject
                else question.subject.split("::")[self.depth]
            )
            groups.setdefault(name, []).append(question)
        for name, questions in groups.items():
            if len(questions) == 1 and name is questions[0].subject:
                yield self._item(name, questions[0])
            else:
                yield from self._members(name, questions)

    def _item(self, name: str, question: Question) -> ArchcheckItem:
        made: ArchcheckItem = ArchcheckItem.from_parent(self, name=name, path=self._item_path, question=question)
        return made

    def _members(self, name: str, questions: list[Question]) -> Iterator[pytest.Item | pytest.Collector]:
        deeper = []
        for question in questions:
            if question.subject.count("::") > self.depth:
                deeper.append(question)
            else:
                yield self._item(name, question)
        if deeper:
            yield ArchcheckCollector.from_parent(self, name=name, path=self.path, questions=tuple(deeper), depth=self.depth + 1)

    @classmethod
    def at_root(cls, session: pytest.Session, questions: tuple[Question, ...]) -> ArchcheckCollector:
        """Make the collector that the session gets; its path is below the rootdir, so that tools that climb up arrive there."""
        collector: ArchcheckCollector = cls.from_parent(
            session, name=ROOT, nodeid=ROOT, path=session.config.rootpath / ROOT, questions=questions
        )
        collector.add_marker(pytest.mark.archcheck)  # items and groups below have it of their parent
        return collector
