"""What a rule says, and what a check asks: the sections of ``docs/rules.md``, for a terminal and for the page."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

#: The sections by the name of the rule. The page ends each with an empty line; fences stand on lines of their own.
_SECTION = re.compile(r"^## `([a-z0-9-]+)`\n\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: What the checks ask, by the first parts of their ids.
_CHECKS = {
    "environment::interpreter": "Asks of the interpreter and the compiled files of its standard library whether they run\n"
    "natively on the target, and whether this Python is emulated.",
    "environment::packages": "Asks of the installed packages together whether they fit each other and the target: installers,\n"
    "conda's platform, duplicates, conflicts.",
    "accelerator": "Imports the framework in a child process with a deadline, lists its devices, and has the first GPU\n"
    "compute a product of two matrices, which is compared with the true one.",
    "matmul": "Multiplies matrices through the framework in a child process: correct, and as fast as the gates ask where\n"
    "there are any.",
    "require": "Asks whether what --archcheck-require names holds of the running environment.",
    "unowned": "Asks of the compiled files that no installed distribution owns what is asked of every distribution's.",
}
_DISTRIBUTION = (
    "Asks of every compiled file of one distribution (or wheel, or package of a lock file) whether it loads and runs\n"
    "natively on the target: its architectures, the OS that it needs, its signature, the libraries it links to and the\n"
    "symbols that it needs of them."
)
_ID = "archcheck::"


@cache
def rules() -> dict[str, str]:
    """Every rule's section of ``docs/rules.md``: name -> Markdown."""
    return {name: body.rstrip("\n") for name, body in _SECTION.findall(_page())}


def explain(name: str) -> str | None:
    """What is known of a rule, or of the check of an id (``archcheck::numpy``); None where there is no such rule."""
    if name.startswith(_ID):
        return f"{name}\n\n{_of_check(name[len(_ID) :])}\n"
    if name not in rules():
        return None
    return f"{name}\n\n{_FENCED.sub(_indented, rules()[name])}\n"


def _of_check(subject: str) -> str:
    for start, asked in _CHECKS.items():
        # Where several environments are inspected, a label goes before: archcheck::venv::environment::packages.
        if f"::{subject}::".find(f"::{start}::") >= 0:
            return asked
    return _DISTRIBUTION


def _indented(fenced: re.Match[str]) -> str:
    return "\n".join(f"    {line}" for line in fenced[1].splitlines())


def _page() -> str:
    """The text: in an installed package beside this module, in a checkout where people read it."""
    page = files("pytest_archcheck.reports") / "rules.md"
    if page.is_file():
        return page.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
