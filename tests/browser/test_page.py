"""The page in a real browser: what it shows, what one can do with it, and what it never does."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.pages import HOSTILE, SIZES, TARGETS, Open, Shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PAGES = ("healthy", "mixed", "matrix", "hostile")


@pytest.fixture
def shown(request: pytest.FixtureRequest) -> Shown:
    found: Shown = request.getfixturevalue(request.param)
    return found


every_page = pytest.mark.parametrize("shown", PAGES, indirect=True)


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.locator(selector).all_inner_texts()
    return found


# What it never does.


@every_page
def test_nothing_is_asked_for_and_nothing_is_said(visit: Open, shown: Shown) -> None:
    opened = visit(shown)
    opened.page.wait_for_load_state("networkidle")
    assert opened.requests[0] == shown.url
    assert [url for url in opened.requests[1:] if not url.startswith("data:")] == []


def test_served_it_asks_for_nothing_else(browser: Browser, mixed: Shown) -> None:
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(mixed.path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/mixed.html")
        page.locator(".tile").first.click()
        page.wait_for_timeout(300)
        page.close()
        server.shutdown()
    assert asked == ["/mixed.html"]


@every_page
def test_the_policy_lets_nothing_in(visit: Open, shown: Shown) -> None:
    page = visit(shown).page
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.locator("[style]").count() == 0 or page.evaluate(
        "[...document.querySelectorAll('[style]')].every(e => e.matches('.tile'))"
    )


def test_what_is_injected_is_not_run(browser: Browser, mixed: Shown) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(mixed.url)
    done = page.evaluate("() => { const s = document.createElement('script'); s.textContent = 'window.hit = 1';"
                         " document.body.append(s); return window.hit; }")  # fmt: skip
    assert done is None
    assert any("Content Security Policy" in one for one in said)
    page.close()


def test_what_a_file_says_is_text(visit: Open, hostile: Shown) -> None:
    page = visit(hostile).page
    assert page.locator("script").count() == 2
    assert page.locator("img, iframe, object, embed, base, svg [onload], [onerror], [onload], [onclick]").count() == 0
    assert {
        href.partition("#")[0] for href in page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href'))")
    } == {""}
    titles = page.eval_on_selector_all(".subject > summary > b", "all => all.map(b => b.textContent)")
    expected = {json.dumps(evil)[1:-1].replace('\\"', '"').replace("\\u00", "\\x") for evil in HOSTILE}
    assert expected <= set(titles)
    whole = page.content()
    assert not [char for char in whole if not char.isprintable() and char != "\n"]
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    for link in page.locator(".tile").all():
        assert page.evaluate(
            "name => document.getElementById(decodeURIComponent(name.slice(1))) !== null", link.get_attribute("href")
        )


# What it shows.


def test_the_verdict(visit: Open, healthy: Shown, mixed: Shown, matrix: Shown) -> None:
    said = [visit(shown).page.locator("h1").inner_text().splitlines()[-1] for shown in (healthy, mixed, matrix)]
    assert said == [
        "Everything compiled here loads and runs natively on macOS 14.0 arm64.",
        "2 of 9 checks fail on macOS 14.0 arm64; 1 warns.",
        "4 of 4 reports fail.",
    ]


def test_areas_and_colours_are_the_numbers(visit: Open, mixed: Shown) -> None:
    page = visit(mixed).page
    sizes = {one["subject"]: sum(file["size"] for file in one["binaries"]) for one in mixed.document["distributions"]}
    counts = {one["subject"]: len(one["binaries"]) for one in mixed.document["distributions"]}
    worst: dict[str, str] = dict.fromkeys(sizes, "pass")
    for severity in ("note", "warning", "error"):
        worst |= {
            one["subject"]: severity
            for one in mixed.document["findings"]
            if one["severity"] == severity
            if one["subject"] in worst
        }
    assert set(worst.values()) >= {"pass", "warning", "error"}

    def tiles() -> dict[str, Any]:
        script = """all => Object.fromEntries(all.map(tile => {
            const { width, height } = tile.getBoundingClientRect();
            const colour = getComputedStyle(tile).backgroundColor;
            return [tile.dataset.name, { area: width * height, colour }];
        }))"""
        found: dict[str, Any] = page.eval_on_selector_all(".tile", script)
        return found

    for choice, numbers in (("bytes", sizes), ("files", counts)):
        page.check(f'.switch input[value="{choice}"]')
        drawn = tiles()
        assert set(drawn) == set(numbers)
        whole = sum(one["area"] for one in drawn.values())
        for subject, number in numbers.items():
            assert drawn[subject]["area"] / whole == pytest.approx(number / sum(numbers.values()), abs=0.002)
    colours: dict[str, set[str]] = {}
    for subject, one in tiles().items():
        colours.setdefault(worst[subject], set()).add(one["colour"])
    assert all(len(same) == 1 for same in colours.values())
    assert len(set.union(*colours.values())) == len(colours)
    labels = page.eval_on_selector_all(".tile", "all => all.map(one => [one.dataset.name, one.getAttribute('aria-label')])")
    words = {"pass": "sound", "warning": "warning", "error": "error", "note": "note"}
    assert all(f": {words[worst[subject]]};" in label for subject, label in labels)


def test_stripes_tell_architectures(visit: Open, mixed: Shown) -> None:
    page = visit(mixed).page
    script = """all => Object.fromEntries(all.map(
        one => [one.dataset.name, [...one.querySelectorAll('i')].map(i => i.className.split(' ')[0])]))"""
    stripes = page.eval_on_selector_all(".tile", script)
    assert stripes["numpy"] == ["foreign"]
    assert stripes["lxml"] == ["both"]
    assert stripes["beryl"] == ["native"]


def test_who_loads_what_is_missing(visit: Open, mixed: Shown) -> None:
    page = visit(mixed, "#h5py").page
    steps = texts(page, "#h5py .chain > li")
    assert steps[0] == "Python imports h5py/_core.cpython-311-darwin.so"
    assert steps[1] == "which links to h5py/.dylibs/libhdf5.dylib"
    assert steps[2].startswith("which asks for @rpath/libsz.2.dylib: nowhere")
    tried = page.eval_on_selector_all("#h5py .tried li", "all => all.map(one => one.textContent)")
    assert tried == ["h5py/.dylibs/libsz.2.dylib", "h5py/lib/libsz.2.dylib"]


def test_a_file_names_its_neighbours_both_ways(visit: Open, mixed: Shown) -> None:
    page = visit(mixed, "#h5py").page
    module, library = texts(page, "#h5py .files > li > p")
    assert module == "needed by _core.cpython-311-darwin.so" or "links to libhdf5.dylib" in module + library
    assert "needed by _core.cpython-311-darwin.so" in module + library
    page.locator("#h5py .files a", has_text="libhdf5.dylib").first.click()
    assert page.locator("li:target code").inner_text() == "h5py/.dylibs/libhdf5.dylib"


def test_speed_is_drawn(visit: Open, healthy: Shown) -> None:
    page = visit(healthy).page
    script = """all => all.map(li => ["span", "rect", "b"].map(name => li.querySelector(name)).map(
        one => one.tagName === "rect" ? Number(one.getAttribute("width")) : one.textContent))"""
    bars = page.eval_on_selector_all(".bars li", script)
    assert [bar[0] for bar in bars] == ["GPU:0", "GPU:0, compiled", "CPU"]
    assert bars[0][1] / bars[2][1] == pytest.approx(4, rel=0.01)
    assert bars[1][1] / bars[0][1] == pytest.approx(3.4 / 2.9, rel=0.01)
    assert bars[0][2] == "2,900 GFLOP/s ± 6 %"


def test_what_was_not_looked_at_is_shown(visit: Open, mixed: Shown) -> None:
    assert "/opt/thing.so it may not be read" in texts(visit(mixed).page, ".skipped li")


# What one can do with it.


def test_search_and_filters(visit: Open, mixed: Shown) -> None:
    page = visit(mixed).page
    shown = ".subject:visible"
    everything = page.locator(shown).count()
    assert everything == 9
    page.keyboard.press("/")
    page.keyboard.type("libhdf5")
    assert texts(page, f"{shown} > summary > b") == ["h5py 3.11.0"]
    assert page.locator("output").inner_text() == "1 of 9 shown"
    assert page.locator(".tile.off").count() == 7
    page.keyboard.press("Escape")
    assert page.locator(shown).count() == everything
    page.uncheck('.tools input[value="pass"]')
    assert sorted(texts(page, f"{shown} > summary > b")) == ["h5py 3.11.0", "numpy 1.0", "scipy 1.0"]
    page.check('.tools input[value="pass"]')
    page.select_option("[name=rule]", "wrong-architecture")
    assert texts(page, f"{shown} > summary > b") == ["numpy 1.0"]
    assert page.locator(".todo:visible").count() == 1
    page.select_option("[name=rule]", "")
    page.select_option("[name=architecture]", "x86_64")
    assert sorted(texts(page, f"{shown} > summary > b")) == ["lxml 5.3.0", "numpy 1.0"]
    page.fill("[type=search]", "no such thing anywhere")
    assert page.locator(shown).count() == 0
    assert page.locator(".none").inner_text() == "Nothing matches."


def test_a_link_can_be_shared(visit: Open, mixed: Shown) -> None:
    page = visit(mixed, "#numpy").page
    page.wait_for_function("document.activeElement === document.querySelector('#numpy > summary')")
    assert page.locator("#numpy").evaluate("one => one.open")
    assert page.locator("#numpy").evaluate("one => one.getBoundingClientRect().top < innerHeight")
    assert page.locator("#beryl").evaluate("one => !one.open")
    page.fill("[type=search]", "beryl")
    assert not page.locator("#numpy").is_visible()
    page.evaluate("location.hash = '#numpy-wrong-architecture'")
    page.wait_for_function("document.getElementById('numpy').open && !document.getElementById('numpy').hidden")
    assert page.locator("#numpy-wrong-architecture").is_visible()


def test_a_tile_opens_its_files(visit: Open, mixed: Shown) -> None:
    page = visit(mixed).page
    page.locator(".tile", has_text="diorite").click()
    assert page.locator("#diorite .files li:visible").count() == 4
    page.locator("#diorite > summary").click()
    assert page.locator("#diorite .files li:visible").count() == 0
    page.locator(".tile", has_text="diorite").click()  # the address stays as it was
    assert page.locator("#diorite .files li:visible").count() == 4


def test_copying(visit: Open, mixed: Shown) -> None:
    opened = visit(mixed, permissions=["clipboard-read", "clipboard-write"])
    button = opened.page.locator(".todo", has_text="numpy").locator("button")
    button.click()
    copied = opened.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --target ")
    assert copied.endswith(" --reinstall --no-deps --no-cache --link-mode=copy numpy==1.0")
    assert button.inner_text() == "Copied"
    assert f"Copied: {copied}" in opened.page.locator("[role=status]").inner_text()


def test_copying_without_a_clipboard(visit: Open, mixed: Shown) -> None:
    opened = visit(mixed)
    opened.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    button = opened.page.locator(".todo button").first
    button.click()
    assert button.inner_text() in ("Copied", "Not copied")
    assert opened.page.locator("textarea").count() == 0


@pytest.mark.parametrize("shown", ["mixed", "matrix"], indirect=True)
def test_the_report_can_be_saved(visit: Open, shown: Shown) -> None:
    page = visit(shown, accept_downloads=True).page
    with page.expect_download() as started:
        page.click(".save")
    assert started.value.suggested_filename == "archcheck.json"
    assert json.loads(started.value.path().read_text(encoding="utf-8")) == shown.document


def test_the_matrix_opens_what_a_cell_stands_for(visit: Open, matrix: Shown) -> None:
    page = visit(matrix).page
    heads = texts(page, "thead th")
    assert [head.splitlines()[0] for head in heads[1:]] == list(TARGETS)
    rows = page.eval_on_selector_all(
        "tbody tr", "all => all.map(row => [...row.children].map(cell => cell.innerText.split('\\n').pop()))"
    )
    cells = {row[0]: row[1:] for row in rows}
    assert cells["numpy"] == ["wrong-architecture", "sound", "wrong-platform", "wrong-platform"]
    assert cells["lxml"] == ["sound", "sound", "wrong-platform", "wrong-platform"]
    assert cells["environment::packages"][0] in ("sound", "not there")
    page.locator("tbody tr", has_text="numpy").locator("td a").first.click()
    assert page.locator(".subject:target").get_attribute("data-name") == "numpy"
    assert page.locator(".report[open]").count() == 1
    page.fill("[type=search]", "lxml/etree")
    assert texts(page, "tbody tr:visible th") == ["lxml"]


# For everybody.


@every_page
def test_without_a_script_everything_is_open(visit: Open, shown: Shown) -> None:
    page = visit(shown, java_script_enabled=False).page
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".files > li").first.is_visible()
    assert not page.locator(".tools").is_visible()
    assert page.locator("button:visible").count() == 0
    assert page.locator(".tile").first.is_visible()


@every_page
def test_printed_everything_is_open(visit: Open, shown: Shown) -> None:
    page = visit(shown).page
    script = """() => addEventListener(
        "beforeprint", () => { window.closed = document.querySelectorAll("details:not([open])").length; })"""
    page.evaluate(script)
    before = page.locator("details[open]").count()
    assert len(page.pdf()) > 10_000
    assert page.evaluate("window.closed") == 0
    assert page.locator("details[open]").count() == before
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()


def test_dark_and_light(visit: Open, mixed: Shown) -> None:
    script = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    light, dark = (visit(mixed, color_scheme=scheme).page.evaluate(script) for scheme in ("light", "dark"))
    assert min(light) > 200
    assert max(dark) < 60


@every_page
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_nothing_is_wider_than_the_window(visit: Open, shown: Shown, size: tuple[int, int]) -> None:
    page = visit(shown, viewport={"width": size[0], "height": size[1]}).page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@every_page
@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1200)])
def test_axe_finds_nothing(visit: Open, shown: Shown, axe: str, scheme: str, width: int) -> None:
    page = visit(shown, color_scheme=scheme, viewport={"width": width, "height": 900}).page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert [(one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"]) for one in found["violations"]] == []


@pytest.mark.parametrize("shown", ["mixed", "matrix"], indirect=True)
def test_the_keyboard_reaches_everything(visit: Open, shown: Shown) -> None:
    page = visit(shown).page
    script = """() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
        .filter(one => one.checkVisibility() && !one.disabled && !(one.type === "radio" && !one.checked))
        .map((one, number) => { one.dataset.number = number; return number; })"""
    wanted = set(page.evaluate(script))
    assert len(wanted) > 20
    reached = set()
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.number ?? null"))
    assert {str(number) for number in wanted} <= reached
    page.locator("main summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("main details").first.evaluate("one => one.open")
