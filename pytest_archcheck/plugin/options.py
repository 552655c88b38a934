"""Every option of ours, as it is declared; ``settings`` reads what is given. Ini values: ``every_run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def declare(parser: pytest.Parser) -> None:
    """Declare options."""
    # "dest" is given because pytest compares one that it has made itself with that of every other option.
    group = parser.getgroup("archcheck", "compiled files: do they load and run natively? (also: pytest archcheck)")
    group.addoption(
        "--archcheck",
        dest="archcheck",
        action="store_true",
        default=None,
        help="inspect the active environment and collect one check per distribution before the project's tests (default: off; "
        "ini: archcheck)",
    )
    group.addoption(
        "--no-archcheck",
        dest="archcheck",
        action="store_false",
        help="switch the checks off where ini or addopts switch them on (default: as they say)",
    )
    group.addoption(
        "--archcheck-path",
        dest="archcheck_path",
        metavar="PATH",
        action="append",
        help="inspect this environment, folder, wheel, folder of wheels or lock file instead of the active environment; "
        "repeatable; implies --archcheck, and with no other argument only the checks are collected (default: the active "
        "environment; ini: archcheck_paths)",
    )
    group.addoption(
        "--archcheck-target",
        dest="archcheck_target",
        metavar="TAG",
        help="where the environment must run: 'host', or a wheel platform tag such as macosx_14_0_arm64 (default: host; "
        "ini: archcheck_target)",
    )
    group.addoption(
        "--archcheck-python",
        dest="archcheck_python",
        metavar="X.Y",
        help="the Python that a lock file (default: the running one) or a folder without an interpreter (default: the one that "
        "its modules agree on) is judged for (ini: archcheck_python)",
    )
    group.addoption(
        "--archcheck-select",
        dest="archcheck_select",
        metavar="RULES",
        action="append",
        help="only these rules, comma-separated; repeatable (default: all; ini: archcheck_select)",
    )
    group.addoption(
        "--archcheck-ignore",
        dest="archcheck_ignore",
        metavar="RULES",
        action="append",
        help="not these rules, comma-separated; repeatable (default: none; ini: archcheck_ignore)",
    )
    group.addoption(
        "--archcheck-require",
        dest="archcheck_require",
        metavar="WHAT",
        action="append",
        help="fail unless this holds of the running environment: clean, gpu, metal, native; repeatable; implies --archcheck "
        "(default: nothing; ini: archcheck_require)",
    )
    group.addoption(
        "--archcheck-json",
        dest="archcheck_json",
        metavar="FILE",
        help="write the whole result to this file as JSON (default: none; ini: archcheck_json)",
    )
    group.addoption(
        "--archcheck-html",
        dest="archcheck_html",
        metavar="FILE",
        help="write the whole result to this file as a page to look at (default: none; ini: archcheck_html)",
    )
    group.addoption(
        "--archcheck-sarif",
        dest="archcheck_sarif",
        metavar="FILE",
        help="write the findings to this file as SARIF 2.1.0, for code scanning (default: none; ini: archcheck_sarif)",
    )
    group.addoption(
        "--archcheck-explain",
        dest="archcheck_explain",
        metavar="RULE",
        action="append",
        help="print what a rule says, with an example, or what the check of an id asks, and exit; repeatable (default: run)",
    )
    group.addoption(
        "--archcheck-annotations",
        dest="archcheck_annotations",
        action="store_true",
        default=None,
        help="annotate on GitHub Actions each check that fails or warns (default: off; ini: archcheck_annotations)",
    )
    group.addoption(
        "--archcheck-all-pages",
        dest="archcheck_all_pages",
        action="store_true",
        default=None,
        help="compare every page of signed code with its hash, not only the first (default: off)",
    )
