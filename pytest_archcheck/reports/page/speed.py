"""What the accelerators did: seen, verified, and how fast they multiply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.markup import Html, tag
from pytest_archcheck.reports.page.pieces import item, part, sign

if TYPE_CHECKING:
    from pytest_archcheck.reports.page.facts import Json, Report, State


def accelerators(report: Report) -> Html | None:
    """What the frameworks saw, and how fast they multiply."""
    seen, measured = report.document["accelerators"], report.document["benchmarks"]
    if not seen and not measured:
        return None
    cards = []
    for one in seen:
        devices = ", ".join(map(str, one["devices"])) or "no device"
        state: State = "pass" if one["verified"] else "note"
        took = f", asked in {one['seconds']:.1f} s" if one["seconds"] is not None else ""
        said = "has just computed a correct product of matrices" if one["verified"] else "no GPU has computed"
        title = f"{one['framework']} {one['version'] or '(not imported)'}"
        bars = [bar for benchmark in measured if benchmark["framework"] == one["framework"] for bar in [_benchmark(benchmark)]]
        cards.append(
            tag("article", item(report.level, sign(state), title), tag("p", f"{devices}: {said}{took}."), bars, class_="gpu")
        )
    alone = [one for one in measured if one["framework"] not in {other["framework"] for other in seen}]
    cards += [tag("article", item(report.level, one["framework"]), _benchmark(one), class_="gpu") for one in alone]
    return tag("section", part(report.level, "Accelerators"), tag("div", cards, class_="gpus"))


def _benchmark(one: Json) -> Html:
    """Bars of GFLOP/s: the device against the CPU, compiled against eager, with the spread of the repeats."""
    work = 2 * one["size"] ** 3 / 1e9
    rows: list[tuple[str, float, float | None]] = [(f"{one['device']}", one["seconds"], one.get("spread"))]
    if one.get("compiled_seconds"):
        rows.append((f"{one['device']}, compiled", one["compiled_seconds"], None))
    if one["speedup"]:
        rows.append(("CPU", one["seconds"] * one["speedup"], None))
    most = max(work / seconds * (1 + (spread or 0) / 2) for _, seconds, spread in rows if seconds > 0) if rows else 1.0
    drawn = [_bar(name, work / seconds, spread, most) for name, seconds, spread in rows if seconds > 0]
    rounded = f" ({one['precision']})" if one.get("precision", one["dtype"]) != one["dtype"] else ""
    caption = f"{one['size']} x {one['size']} {one['dtype']}{rounded}: GFLOP/s, more is better"
    error = f"largest relative error {one['error']:.1e}"
    return tag("div", tag("p", f"{caption}; {error}", class_="muted"), tag("ul", drawn, class_="bars"))


def _bar(name: str, gflops: float, spread: float | None, most: float) -> Html:
    width = gflops / most * 100
    parts = [tag("rect", x=0, y=2, width=f"{width:.2f}", height=6)]
    said = f"{gflops:,.1f} GFLOP/s" if gflops < 100 else f"{gflops:,.0f} GFLOP/s"
    if spread:
        reach = width * spread / 2
        parts.append(tag("rect", x=f"{max(width - reach, 0):.2f}", y=4, width=f"{2 * reach:.2f}", height=2, class_="spread"))
        said = f"{said} ± {spread * 50:.0f} %"
    drawing = tag("svg", parts, viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true", focusable="false")
    return tag("li", tag("span", text.sentence(name, 60)), drawing, tag("b", said))
