"""Every command that a remedy can hold has been typed by a test, or it is said why not.

The commands are read from the source, so that none can be forgotten; ``remedies.txt`` says of each what has typed it.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from support.said import commands_in, remedy_texts

from pytest_archcheck.rules.commands import Installer

TESTS = Path(__file__).parents[1]
_LINES = (Path(__file__).parent / "remedies.txt").read_text("utf-8").splitlines()


def _table() -> dict[str, str]:
    """Command -> what has typed it."""
    found, proof = {}, ""
    for line in _LINES:
        if line.startswith("["):
            proof = line[1:-1]
        elif line and not line.startswith("#"):
            assert line not in found, f"twice: {line}"
            found[line] = proof
    return found


TABLE = _table()
SAID = sorted({command for text in remedy_texts() for command in commands_in(text)})


def test_the_reader_finds_remedies_wherever_they_are_made() -> None:
    texts = set(remedy_texts())
    assert "nothing installed here has recorded this file: build or copy it again, or install what brings it" in texts
    assert "{install} 'protobuf<6' {pinned}" in texts  # a row of a table
    assert "remove the line from archcheck_allow" in texts  # of the plugin
    assert "uv lock" in texts  # a value of a table
    assert len(texts) > 200


def test_every_command_has_an_entry() -> None:
    assert [command for command in SAID if command not in TABLE] == [], "say in tests/rules/remedies.txt what has typed them"
    assert [command for command in TABLE if command not in SAID] == [], "the product does not say these any more"


@pytest.mark.parametrize("proof", sorted({proof for proof in TABLE.values() if "::" in proof}))
def test_what_has_typed_it_is_there(proof: str) -> None:
    file, _, name = proof.partition("::")
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_what_is_done_by_hand_stands_in_the_evidence() -> None:
    for proof in TABLE.values():
        assert "::" in proof or re.match(
            r"by hand, .*: docs/evidence/remedies\.md$|not typed: .{10}|no command of its own: .{10}", proof
        )


#: What each way to install does with each tool -> what has typed it; apt's are commands of their own.
TORN, MAC = "corpus/test_remedies.py::test_a_torn_file_in_a_virtual_environment", "corpus/test_remedies.py::"
CONDA, PAIRS = "corpus/test_conda_typed.py::test_every_way_to_install", "corpus/test_tensorflow_remedies.py::"
LEFT = "corpus/test_typed.py::test_metadata_left_by_an_interrupted_update"
INSTALLER = {
    ("again", "pip"): TORN,
    ("again", "uv"): TORN,
    ("other", "pip"): LEFT,
    ("other", "uv"): PAIRS + "test_a_numpy_that_tensorflow_does_not_take",
    ("again_with_dependencies", "pip"): LEFT,  # the same command as for "other"
    ("again_with_dependencies", "uv"): PAIRS + "test_two_distributions_of_tensorflow",
    ("fitting", "pip"): "corpus/test_typed.py::test_the_newest_version_that_fits_moves_nothing_else",
    ("fitting", "uv"): MAC + "test_files_for_a_newer_macos",
    ("update", "pip"): "corpus/test_typed.py::test_an_update",
    ("update", "uv"): "corpus/test_typed.py::test_an_update",
    ("remove", "pip"): LEFT,
    ("remove", "uv"): "corpus/test_typed.py::test_a_file_of_two_packages",
} | {(way, "conda"): CONDA for way in ("again", "other", "again_with_dependencies", "fitting", "update", "remove")}


def test_every_way_to_install_has_been_typed() -> None:
    ways = [name for name, _ in inspect.getmembers(Installer, inspect.isfunction) if not name.startswith("_")]
    tools = {*get_args(get_type_hints(Installer)["tool"])} - {"apt"}
    assert set(INSTALLER) == {(way, tool) for way in ways for tool in tools}
    for proof in INSTALLER.values():
        test_what_has_typed_it_is_there(proof)
