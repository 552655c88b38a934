"""The environment as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.reports import text
from pytest_archcheck.reports.page.facts import bytes_of
from pytest_archcheck.reports.page.markup import Html, tag
from pytest_archcheck.reports.page.pieces import SIGNS, href, part
from pytest_archcheck.reports.page.treemap import squarify

if TYPE_CHECKING:
    from pytest_archcheck.reports.page.facts import File, Report, Subject
    from pytest_archcheck.reports.page.treemap import Box

#: Width by height for which the tiles are made square; the picture of a few is low, or it would push all else off the screen.
_RATIO, _RATIO_OF_FEW = 2.0, 4.0
_FEW = 6


class Picture:
    """Every distribution a tile: its area its compiled bytes (or files), its colour its worst finding."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._subjects = [subject for subject in report.subjects if subject.distributions]
        self._name = f"_m{report.number}"
        self._few = len(self._subjects) <= _FEW
        ratio = _RATIO_OF_FEW if self._few else _RATIO
        self._by_bytes = squarify([float(subject.size) for subject in self._subjects], ratio)
        self._by_files = squarify([float(len(subject.files)) for subject in self._subjects], ratio)

    def style(self) -> str:
        """Rules that put the tiles in their places: attributes of style are forbidden by the page's policy."""
        return "".join(
            f"#{self._name}-{number}{{left:{box.left:.3f}%;top:{box.top:.3f}%;width:{box.width:.3f}%;height:{box.height:.3f}%}}"
            for number, box in enumerate(self._by_bytes)
        )

    def html(self) -> Html | None:
        """The section; None where there is nothing to draw."""
        if not self._subjects:
            return None
        tiles = [
            self._tile(number, subject, self._by_bytes[number], self._by_files[number])
            for number, subject in enumerate(self._subjects)
        ]
        sized = any(subject.size for subject in self._subjects)
        switch = tag(
            "fieldset",
            tag("legend", "Area"),
            [
                tag(
                    "label",
                    tag("input", type="radio", name=f"{self._name}-by", value=value, checked=value == "bytes"),
                    f" {words}",
                )
                for value, words in (("bytes", "compiled bytes"), ("files", "compiled files"))
            ],
            class_="js switch",
        )
        return tag(
            "section",
            tag("div", part(self._report.level, "The environment"), switch if sized else None, class_="head"),
            tag(
                "div",
                tiles,
                class_="map few" if self._few else "map",
                role="group",
                aria_label="Distributions by their compiled bytes",
            ),
            self._legend(),
            class_="picture",
        )

    def _legend(self) -> Html:
        """What the signs and stripes of these tiles mean."""
        here = {subject.state for subject in self._subjects}
        states = [
            tag("li", tag("span", mark, class_=f"key {state}", aria_hidden="true"), f" {word}")
            for state, (mark, word) in SIGNS.items()
            if state in here
        ]
        drawn = {kind for subject in self._subjects for kind in _kinds(self._report, subject)}
        kinds = [
            tag("li", tag("span", tag("i", class_=kind), class_="key stripes", aria_hidden="true"), f" {words}")
            for kind, words in _STRIPES.items()
            if kind in drawn
        ]
        return tag("ul", states, kinds, class_="legend")

    def _tile(self, number: int, subject: Subject, by_bytes: Box, by_files: Box) -> Html:
        mark, word = SIGNS[subject.state]
        architectures = " + ".join(subject.architectures)
        label = f"{subject.title}: {word}; {text.count(len(subject.files), 'file')}, {bytes_of(subject.size)}"
        label = f"{label}; {architectures}" if architectures else label
        places = [",".join(f"{value:.3f}" for value in box) for box in (by_bytes, by_files)]
        return tag(
            "a",
            tag("b", tag("span", mark, aria_hidden="true"), " ", text.sentence(subject.title, 60)),
            tag("small", architectures),
            _stripes(self._report, subject),
            id=f"{self._name}-{number}",
            href=href(subject.anchor),
            class_=f"tile {subject.state}",
            title=label,
            aria_label=label,
            data_name=subject.name,
            data_bytes=places[0],
            data_files=places[1],
        )


def _kind(report: Report, subject: Subject, file: File) -> str:
    if not report.serves(subject, file):
        return "foreign"
    return "both" if len(file.architectures) > 1 else "native"


#: What the stripes at a tile's foot say of its files.
_STRIPES = {"native": "for the target alone", "both": "for several architectures", "foreign": "not for the target"}


def _kinds(report: Report, subject: Subject) -> list[str]:
    return [_kind(report, subject, file) for file in subject.files if file.facts["format"] != "pe"]


def _stripes(report: Report, subject: Subject) -> Html | None:
    """One stripe for each hundredth (of at most ten) of the files: made for the target, for several, or not for it."""
    kinds = _kinds(report, subject)
    if not kinds:
        return None
    counts = {kind: kinds.count(kind) for kind in ("foreign", "native", "both") if kind in kinds}
    shares = {kind: max(round(count / len(kinds) * 10), 1) for kind, count in counts.items()}
    stripes = [tag("i", class_=f"{kind} w{share if len(shares) > 1 else 1}") for kind, share in shares.items()]
    return tag("span", stripes, class_="stripes", aria_hidden="true")
