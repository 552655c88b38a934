"""Commands are typed by people: quoted for a shell, for the place that was inspected, and none where words are all there is."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_archcheck.discover.model import Distribution, Home
from pytest_archcheck.rules.commands import Installer, command, one_after_another, requirement, specified
from pytest_archcheck.rules.remedies import build_here, install_fitting, install_other, reinstall, update

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = ["$(touch pwned)", "`touch pwned`", "a; touch pwned", "-rpwned", "--index-url=http://x", "a\nb", "x\x1b[31m", "", "é"]
PLACES = [
    None,
    Home(pip=("/my env/bin/python", "-m", "pip"), folder_for_uv=("--python", "/my env"), for_conda=("--prefix", "/my env")),
    Home(
        folder_for_uv=("--target", "/x/$(touch pwned)", "--python-version", "3.11"),
        platform=("--python-platform", "aarch64-apple-darwin", "--only-binary", ":all:"),
        oldest_macos="14.0",
        only_uv=True,
    ),
]


def dist(name: str, version: str | None = "1.0", installer: str | None = "pip", home: Home | None = None) -> Distribution:
    facts: dict[str, Any] = {"tags": (), "location": "/site", "binaries": ()}
    return Distribution(name=name, version=version, installer=installer, home=home, **facts)


@given(words=st.lists(st.text(min_size=1), min_size=1))
def test_a_shell_reads_the_words_that_were_meant(words: list[str]) -> None:
    typed = command(*words)
    if all(word.isprintable() for word in words):
        assert shlex.split(typed) == words
        assert typed.isprintable()
    else:
        assert typed.startswith("by hand: ")


@pytest.mark.parametrize("home", PLACES)
@pytest.mark.parametrize("installer", ["pip", "uv", "conda"])
@pytest.mark.parametrize("make", [reinstall, install_other, install_fitting, build_here, lambda one: update(one, [one.name])])
@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_versions_of_files_are_never_code_or_options(
    make: Callable[[Distribution], str], text: str, installer: str, home: Home | None
) -> None:
    assert make(dist(text, installer=installer, home=home)).isprintable()
    for said in (make(dist(text, installer=installer, home=home)), make(dist("foo", text, installer, home))):
        assert "pwned" not in said.replace("'/x/$(touch pwned)'", "")
        assert "http" not in said
        assert not said.startswith("-")


def test_a_shell_runs_nothing_of_a_path(tmp_path: Any) -> None:
    """The command is run by a real shell that has an ``uv`` which shows its arguments."""
    typed = reinstall(dist("foo", home=PLACES[2]))
    script = f"uv() {{ printf '%s\\n' \"$@\"; }}\n{typed}"
    shown = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == [
        *("pip", "install", "--target", "/x/$(touch pwned)", "--python-version", "3.11"),
        *("--python-platform", "aarch64-apple-darwin", "--only-binary", ":all:"),
        *("--reinstall", "--no-deps", "--no-cache", "--link-mode=copy", "foo==1.0"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_each_tool_is_told_the_place() -> None:
    home = PLACES[1]
    assert reinstall(dist("foo", home=home)) == (
        "'/my env/bin/python' -m pip install --force-reinstall --no-deps --no-cache-dir foo==1.0"
    )
    assert reinstall(dist("foo", installer="uv", home=home)) == (
        "uv pip install --python '/my env' --reinstall --no-deps --no-cache --link-mode=copy foo==1.0"
    )
    assert reinstall(dist("foo", installer="conda", home=home)) == (
        "CONDA_PKGS_DIRS=\"$(mktemp -d)\" conda install --prefix '/my env' --force-reinstall --no-deps foo=1.0"
    )
    assert Installer.of(dist("foo", home=home)).remove(["foo", "bar"]) == "'/my env/bin/python' -m pip uninstall --yes foo bar"
    assert Installer.of(dist("foo", installer="conda", home=home)).update(["foo"]) == "conda update --prefix '/my env' foo"


def test_where_nothing_that_is_typed_here_reaches_it() -> None:
    home = Home(elsewhere="in the image")
    installer = Installer.of(dist("foo", home=home))
    assert reinstall(dist("foo", home=home)).startswith("in the image: pip install ")
    both = one_after_another(home, installer.remove(["foo"]), installer.other(["bar"]))
    assert both == "in the image: pip uninstall --yes foo && pip install bar"


def test_an_index_is_asked_for_what_fits() -> None:
    assert install_fitting(dist("foo", home=PLACES[2])).endswith("--only-binary :all: --reinstall-package foo 'foo<=1.0'")
    assert install_fitting(dist("foo", installer="uv")) == (
        "uv pip install --only-binary :all: --reinstall-package foo 'foo<=1.0'"
    )
    assert install_fitting(dist("foo")) == (
        "pip install --force-reinstall --no-deps --only-binary :all: 'foo<=1.0' && pip install 'foo<=1.0'"
    )
    assert install_fitting(dist("foo", installer="conda")) == "conda install 'foo<=1.0'"
    assert install_fitting(dist("foo", None)) == reinstall(dist("foo", None))


def test_requirements() -> None:
    assert requirement("foo", "1!2.0.post1+local") == "foo==1!2.0.post1+local"
    assert requirement("foo", "1.0; evil") == "foo"
    assert requirement("-foo", "1.0") is None
    assert specified("numpy", "<1.24,>=1.22") == "numpy<1.24,>=1.22"
    assert specified("numpy", "<2; evil") is None
