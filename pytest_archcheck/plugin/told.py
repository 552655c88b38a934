"""What stays of a report once everybody has heard it: pytest keeps all of them until the end, three for each item.

Of thousands of wheels that passed nobody asks again but which they were and how long each took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.plugin.made import made

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What every report has and a told one works out.
_SAID = ("keywords", "location", "longrepr", "outcome", "sections", "user_properties", "when")


class Told(pytest.TestReport):
    """The report of a check that passed and of which there is nothing to show."""

    outcome = "passed"
    longrepr = None
    when = "call"
    sections = made(lambda _: [])
    user_properties = made(lambda _: [])
    keywords = made(lambda self: dict.fromkeys(self.nodeid.split("::"), 1))
    location = made(lambda self: (self.nodeid.partition("::")[0], 0, self.nodeid))


def slim(config: pytest.Config, report: pytest.TestReport) -> None:
    """Keep no more of a report than will be asked for, where all is well."""
    if report.outcome != "passed" or report.sections or report.longrepr is not None:
        return
    if report.when == "call":
        said = vars(report)
        report.__dict__ = {name: value for name, value in said.items() if name not in _SAID}
        report.__class__ = Told
    elif config.getoption("durations", None) is None and config.getini("console_output_style") != "times":
        _forget(config, report)


def _forget(config: pytest.Config, report: pytest.TestReport) -> None:
    """Take a setup or a teardown out of what the terminal keeps without counting it."""
    kept: Mapping[str, list[Any]] = getattr(config.pluginmanager.get_plugin("terminalreporter"), "stats", {})
    uncounted = kept.get("", ())
    if uncounted and uncounted[-1] is report:
        uncounted.pop()
