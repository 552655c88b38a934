"""A headless Chromium, Debian's, and pages of small environments to show in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.corpus import npm_package
from support.pages import (
    ACCELERATOR,
    ARGUMENTS,
    BENCHMARK,
    TARGETS,
    Open,
    Shown,
    Visit,
    add,
    build_mixed,
    hostile_report,
    report,
    show,
)
from support.tools import find_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")  # its event loop is in nobody else's way
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is wanted

    program = find_tool("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Open a page: ``visit(healthy, "#numpy", color_scheme="dark")``. No page of ours may complain or ask for anything."""
    visits: list[Visit] = []

    def opened(shown: Shown, fragment: str = "", **options: Any) -> Visit:
        one = Visit(browser.new_context(**options))
        visits.append(one)
        one.page.goto(shown.url + fragment)
        return one

    yield opened
    for one in visits:
        one.context.close()
        assert one.complaints == []
        assert [url for url in one.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script."""
    return (npm_package("axe-core@4.10.3") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    site = tmp_path_factory.mktemp("healthy")
    for number, name in enumerate(("anthracite", "beryl", "copper", "diorite", "emery")):
        add(site, name, count=number + 1, weight=400 * number)
    return show(
        tmp_path_factory.mktemp("page") / "healthy.html", report(site, accelerators=(ACCELERATOR,), benchmarks=(BENCHMARK,))
    )


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    site = tmp_path_factory.mktemp("mixed")
    build_mixed(site)
    document = report(site, accelerators=(ACCELERATOR,), benchmarks=(BENCHMARK,))
    document["skipped"].append({"subject": "/opt/thing.so", "reason": "it may not be read"})
    return show(tmp_path_factory.mktemp("page") / "mixed.html", document)


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    site = tmp_path_factory.mktemp("matrix")
    build_mixed(site)
    return show(tmp_path_factory.mktemp("page") / "matrix.html", *(report(site, target) for target in TARGETS))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    document = hostile_report(tmp_path_factory.mktemp("hostile"))
    return show(tmp_path_factory.mktemp("page") / "hostile.html", document)
