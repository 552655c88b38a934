"""Pages of small environments, and a browser's tab that notes what no page of ours may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_archcheck.inspection import Request, run
from pytest_archcheck.reports import json_report
from pytest_archcheck.reports.merge import Labelled, merge
from pytest_archcheck.reports.outcome import Answer, Outcome, Result
from pytest_archcheck.reports.page import render
from support.machos import LIBSYSTEM, bundle, dylib, fat
from support.sites import add_distribution

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page
    from playwright.sync_api import Request as Asked

TARGET = "macosx_14_0_arm64"
TARGETS = (TARGET, "macosx_14_0_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64")
#: Headless, and without the services of a browser that ask for things on their own.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = ((400, 900), (1200, 900), (1920, 1080))


@dataclass(frozen=True)
class Shown:
    """A page on disk, and the report in it."""

    path: Path
    document: dict[str, Any]

    @property
    def url(self) -> str:
        return self.path.as_uri()


class Visit:
    """A tab, and everything that it did which no page of ours may do."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", self._note)
        self.requests: list[str] = []

    def _note(self, request: Asked) -> None:
        self.requests.append(request.url)


Open = Callable[..., Visit]


def report(folder: Path, target: str = TARGET, **more: Any) -> dict[str, Any]:
    """The JSON of a run over everything in a folder."""
    inspection = run(Request(paths=(str(folder),), target=target))
    outcomes = []
    for place, check in enumerate(inspection.checks):
        failed = any(finding.severity == "error" for finding in check.findings)
        answer = Answer(findings=check.findings, **(more if place == 0 else {}))
        state = "failed" if failed else "passed"
        outcomes.append(Outcome(subject=check.subject, title=check.title, state=state, answer=answer, place=place))  # type: ignore[arg-type]
    return json_report.document(Result(inspection=inspection, outcomes=tuple(outcomes), notes=(), complete=True))


def show(path: Path, *documents: dict[str, Any]) -> Shown:
    document, reports = merge([Labelled(f"machine {number}", one) for number, one in enumerate(documents)])
    path.write_text(render(document, reports), encoding="utf-8")
    return Shown(path, document)


def add(site: Path, name: str, *, arch: str = "arm64", count: int = 1, weight: int = 0, **facts: Any) -> None:
    """A distribution of so many modules; ``weight`` makes them larger."""
    exports = [f"_{name}_{number}" for number in range(weight)]
    files = {f"{name}/_part{number}.cpython-311-darwin.so": bundle(arch, exports=exports, **facts) for number in range(count)}
    add_distribution(site, name, "1.0", files, tags=(f"cp311-cp311-macosx_11_0_{arch}",))


ACCELERATOR = {
    "framework": "tensorflow",
    "version": "2.18.1",
    "devices": ["GPU:0"],
    "verified": True,
    "seconds": 4.2,
}
BENCHMARK = {
    "framework": "tensorflow",
    "device": "GPU:0",
    "size": 2048,
    "dtype": "float32",
    "gflops": 2900.0,
    "seconds": 2 * 2048**3 / 2.9e12,
    "spread": 0.12,
    "compiled_seconds": 2 * 2048**3 / 3.4e12,
    "speedup": 4.0,
    "error": 1.2e-6,
}


def build_mixed(site: Path) -> None:
    """Sound ones of several sizes, one for Intel, one whose library is gone, one for a newer macOS, one for both."""
    for number, name in enumerate(("anthracite", "beryl", "copper", "diorite")):
        add(site, name, count=number + 1, weight=300 * (number + 1))
    add(site, "numpy", arch="x86_64", count=12, weight=400)
    add(site, "scipy", minos="15.0", weight=900)
    both = {"lxml/etree.cpython-311-darwin.so": fat(bundle("x86_64"), bundle())}
    add_distribution(site, "lxml", "5.3.0", both, tags=("cp311-cp311-macosx_11_0_universal2",))
    files = {
        "h5py/_core.cpython-311-darwin.so": bundle(libraries=["@loader_path/.dylibs/libhdf5.dylib", LIBSYSTEM]),
        "h5py/.dylibs/libhdf5.dylib": dylib(
            install_name="@rpath/libhdf5.dylib",
            libraries=["@rpath/libsz.2.dylib"],
            rpaths=["@loader_path", "@loader_path/../lib"],
        ),
    }
    add_distribution(site, "h5py", "3.11.0", files, tags=("cp311-cp311-macosx_11_0_arm64",))


#: What a file, a lock or another plugin may call itself.
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "';alert(1)//",
    "javascript:alert(1)",
    "\u202egnp.exe\u202c",
    "\x1b[31mred\x07",
    "a b#c?d%20e&amp;<b>",
    "<!--", "-->", "]]>", "{{7*7}}", "${alert(1)}",
    "_m0-0", "location", "__proto__",
)  # fmt: skip


def hostile_report(site: Path) -> dict[str, Any]:
    """A report every string of which is something evil, as one from anywhere could hold."""
    for number in range(len(HOSTILE)):
        add(site, f"pkg{number}", arch="x86_64" if number % 2 else "arm64")
    document: dict[str, Any] = report(site)
    for number, (distribution, evil) in enumerate(zip(document["distributions"], HOSTILE, strict=True)):
        name = distribution["name"]
        distribution.update(name=evil, subject=evil, version=evil, installer=evil, tags=[evil], location=evil)
        for binary in distribution["binaries"]:
            binary.update(path=evil, architectures=[*binary["architectures"], evil], min_os={evil: evil}, rpaths=[evil])
            binary["links"] = [
                {"name": evil, "status": "missing", "tried": [evil]},
                {"name": evil, "status": "found", "path": evil, "subject": HOSTILE[number - 1]},
            ]
        for check in document["checks"]:
            if check["subject"] == name:
                check.update(subject=evil, title=evil, reason=evil, state="not run")
        for finding in document["findings"]:
            if finding["subject"] == name:
                finding.update(subject=evil, distribution=evil, path=evil, message=evil, remedy=evil, rule=evil)
    document["aim"] = document["target"]["tag"] = HOSTILE[0]
    document["environment"]["paths"] = list(HOSTILE)
    document["skipped"] = [{"subject": evil, "reason": evil} for evil in HOSTILE]
    document["accelerators"] = [ACCELERATOR | {"framework": evil, "version": evil, "devices": [evil]} for evil in HOSTILE]
    document["benchmarks"] = [BENCHMARK | {"framework": evil, "device": evil, "dtype": evil} for evil in HOSTILE]
    return document
