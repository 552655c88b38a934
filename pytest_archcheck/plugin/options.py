"""Every option and ini value of ours, as they are declared; ``settings`` reads what is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def declare(parser: pytest.Parser) -> None:
    """Declare options and ini values."""
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
        default=False,
        help="compare every page of signed code with its hash, not only the first (default: off)",
    )
    _declare_ini(parser)


def _declare_ini(parser: pytest.Parser) -> None:
    parser.addini("archcheck", "switch the checks on, as --archcheck does (default: off)", "bool", default=False)
    parser.addini(
        "archcheck_paths", "what to inspect, as --archcheck-path (default: the active environment)", "paths", default=[]
    )
    parser.addini("archcheck_target", "where it must run, as --archcheck-target (default: host)", "string", default="")
    parser.addini(
        "archcheck_python",
        "the Python of lock files and folders, as --archcheck-python (default: the running one)",
        "string",
        default="",
    )
    parser.addini("archcheck_select", "only these rules, as --archcheck-select (default: all)", "linelist", default=[])
    parser.addini("archcheck_ignore", "not these rules, as --archcheck-ignore (default: none)", "linelist", default=[])
    parser.addini("archcheck_require", "what must hold, as --archcheck-require (default: nothing)", "linelist", default=[])
    parser.addini("archcheck_json", "where to write the result, as --archcheck-json (default: none)", "string", default="")
    parser.addini("archcheck_html", "where to write the page, as --archcheck-html (default: none)", "string", default="")
    parser.addini("archcheck_sarif", "where to write SARIF, as --archcheck-sarif (default: none)", "string", default="")
    parser.addini(
        "archcheck_annotations",
        "annotate pull requests on GitHub, as --archcheck-annotations does (default: off)",
        "bool",
        default=False,
    )
    parser.addini(
        "archcheck_allow",
        "findings that are accepted, one 'SUBJECT[/RULE][ @TARGETGLOB]: reason' a line (default: none)",
        "linelist",
        default=[],
    )
    # Numbers are declared as strings, which every pytest knows; numbers are accepted too when they are read.
    parser.addini(
        "archcheck_matmul_size", "rows of the square matrices of the matmul benchmark (default: 2048)", "string", default="2048"
    )
    parser.addini(
        "archcheck_matmul_min_gflops",
        "the least GFLOP/s that the matmul benchmark must reach (default: no gate)",
        "string",
        default="",
    )
    parser.addini(
        "archcheck_matmul_min_speedup",
        "how many times as fast as the CPU the matmul benchmark must be (default: no gate)",
        "string",
        default="",
    )
    parser.addini(
        "archcheck_probe_timeout",
        "seconds that importing and trying a framework may take (default: 300)",
        "string",
        default="300",
    )
    parser.addini(
        "verbosity_archcheck", "verbosity of archcheck's own output (default: auto, as -v and -q say)", default="auto"
    )
