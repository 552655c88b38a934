"""What tests and ``--archcheck-require`` may ask of accelerators: ``metal`` and ``gpu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.accelerators import installed
from pytest_archcheck.plugin.board import Board, board, known
from pytest_archcheck.reports import text
from pytest_archcheck.reports.outcome import Answer
from pytest_archcheck.rules.accelerators import because, judge
from pytest_archcheck.rules.requirements import judge_unmet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_archcheck.accelerators.model import Framework

#: What a need asks of a GPU's platform; None: any.
PLATFORMS: dict[str, str | None] = {"metal": "METAL", "gpu": None}


def framework_argument(mark: pytest.Mark) -> object:
    """The marker's framework, given by position or name."""
    return mark.args[0] if mark.args else mark.kwargs.get("framework", "tensorflow")


def bad_marker(config: pytest.Config, mark: pytest.Mark) -> str | None:
    """Say what is wrong with a marker's arguments; None where nothing is."""
    name = framework_argument(mark)
    names = [framework.name for framework in known(config)]
    if len(mark.args) > 1 or set(mark.kwargs) - {"framework"} or (mark.args and mark.kwargs):
        return f"{mark.name}: expected at most one argument, framework"
    if name is not None and name not in names:
        return f"{mark.name}: got framework={name!r}, expected None or one of {', '.join(names)}"
    return None


def unmet(what: str, config: pytest.Config, mark: pytest.Mark) -> str | None:
    """Why a test that requires a GPU (``metal``: of that kind) cannot run here; None where it can."""
    here = board(config)
    name = framework_argument(mark)
    if name is None:
        if what == "metal":
            outcome = here.metal()
            return None if outcome.verified else because(outcome, here.host)
        return _any_unmet(here, what)
    framework = here.framework(name)
    if framework is None:
        return f"there is no framework {name!r}"
    return _unmet(here, framework, what)


def _unmet(here: Board, framework: Framework, what: str) -> str | None:
    if not installed.is_installed(framework):
        return f"{framework.title} is not installed"
    outcome = here.outcome(framework)
    if not outcome.verified or outcome.device is None:
        return because(outcome, here.host)
    platform = PLATFORMS[what]
    if platform is not None and outcome.device.platform != platform:
        return f"{outcome.title} computes on a {outcome.device.label}, not on Metal"
    return None


def alarms(what: str, config: pytest.Config, mark: pytest.Mark) -> Iterator[str]:
    """What is wrong with the frameworks that a marker asks for, and a skip would hide; each is told once a run."""
    here = board(config)
    name = framework_argument(mark)
    if name is None and what == "metal":  # Metal itself was asked
        return
    for framework in here.installed:
        if name not in (None, framework.name) or here.outcome(framework).status in ("ok", "no-gpu", "unchecked"):
            continue
        if here.memory.first(f"broken-{framework.name}"):
            subject = f"accelerator::{framework.name}"
            found = judge(here.outcome(framework), here.expectation(framework, required=True), subject)
            yield text.text(found)


def _any_unmet(here: Board, what: str) -> str | None:
    if not here.installed:
        names = ", ".join(framework.title for framework in here.frameworks)
        return f"no framework that could use a GPU is installed (known: {names})"
    reasons = []
    for framework in here.installed:
        reason = _unmet(here, framework, what)
        if reason is None:
            return None  # one is enough: the others need not be imported
        reasons.append(reason)
    return "; ".join(reasons)


def require(what: str, config: pytest.Config) -> Answer:
    """The item ``archcheck::require::metal`` (or ``gpu``): some installed framework has just computed there."""
    here = board(config)
    reason = _any_unmet(here, what)
    if reason is None:
        return Answer()
    look = "see `pytest archcheck::accelerator`" if here.installed else "install one of them"
    thing = "a Metal GPU" if what == "metal" else "a GPU"
    message = f"{thing} that computes is required: {reason}"
    remedy = f"{look}; run where there is such a GPU, or do not require it here"
    return Answer(findings=(judge_unmet(what, message, remedy),))
