"""The arrows between the rooms of the code go down only, read out of its syntax trees."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_archcheck"
#: The rooms from the top floor down: each imports what stands below it, in annotations and inside functions too.
FLOORS = (
    "__main__",
    "plugin",
    "reports",
    "",  # the library's face, __init__.py
    "inspection",
    "judge",
    "rules",
    "loader",
    "discover",
    "locks",
    "accelerators",
    "binaries",
    "machine",
    "findings",
    "limits",
)
#: What lies at the package's root beside the rooms: the face, the way in, and the ground.
AT_THE_ROOT = {"__init__.py", "__main__.py", "inspection.py", "findings.py", "limits.py", "py.typed"}
#: What a room must not import although it stands below; ``=``: everything of it but its values and their names.
FORBIDDEN = {
    "rules": ["binaries=", "discover=", "accelerators="],
    "reports": ["binaries=", "discover=", "rules", "machine.host", "loader", "locks"],
}
VALUES = ("model", "names")
#: Installed software that is inspected, or that only tests compare with: only the child process may import it.
FOREIGN = {"jax", "lief", "mlx", "numpy", "tensorflow", "torch"}
#: Names and methods that reach a file's bytes.
OPENERS = set("open fdopen openat pread read_bytes read_text scandir listdir mmap open_file beginning_of".split())
#: Words in the names of constants that bound something.
BOUNDING = set("BOUND DEADLINE DEPTH GRACE LARGEST LIMIT LONGEST MAX MOST PATIENCE SECONDS TIMEOUT".split())
#: Constants with such a name that belong elsewhere than in ``limits``.
NO_LIMITS = {
    "plugin.settings._PROBE_TIMEOUT": "the name of an option",
    "loader.signing._LIMIT_64_AT": "codeLimit64, a field of code directories",
    "loader.signing._LIMIT_64_VERSION": "the version that brought that field",
    "loader.macho_symbols._MAX_ORDINAL": "MAX_LIBRARY_ORDINAL of <mach-o/nlist.h>",
}


@dataclass(frozen=True)
class Import:
    module: str
    imported: str
    at_module_level: bool
    only_for_types: bool


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _origin(module: str, node: ast.ImportFrom) -> str:
    """The module that names are imported from; the relative form is resolved."""
    if not node.level:
        return node.module or ""
    path = PACKAGE.joinpath(*module.split("."))
    parts = ["pytest_archcheck", *module.split(".")][: None if path.is_dir() and node.level == 1 else -1]
    assert node.level == 1, f"{module}: imports from above its own package relatively"
    return ".".join([*parts, *([node.module] if node.module else [])])


def _imports(module: str, tree: ast.AST, *, level: bool = True, types: bool = False) -> list[Import]:
    found = []
    for node in ast.iter_child_nodes(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_origin(module, node)}.{alias.name}" for alias in node.names]
        found += [Import(module, name, level, types) for name in names]
        inside = level and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        found += _imports(module, node, level=inside, types=types or _is_type_checking(node))
    return found


def _trees() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


TREES = _trees()
IMPORTS = [found for module, tree in TREES.items() for found in _imports(module, tree)]


def _own(imported: str) -> str | None:
    """The package's module that an import names: ``binaries.model`` for ``pytest_archcheck.binaries.model.Binary``."""
    package, _, rest = imported.partition(".")
    if package != "pytest_archcheck":
        return None
    while rest and rest not in TREES:
        rest = rest.rpartition(".")[0]
    return rest


def _below(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def test_the_reader_sees_the_imports() -> None:
    assert len(TREES) > 15
    assert Import("binaries.elf", "pytest_archcheck.binaries.model.ElfSlice", True, False) in IMPORTS  # noqa: FBT003 - fields


def _circle(imports: list[Import]) -> list[str]:
    """The modules of a circle, if there is one: those that import each other, whether at once, later or in annotations."""
    graph: dict[str, set[str]] = {module: set() for module in TREES}
    for found in imports:
        target = _own(found.imported)
        if target is not None and target != found.module:
            graph[found.module].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _floor(module: str) -> int:
    return FLOORS.index(module.partition(".")[0])


def _upward(imports: list[Import]) -> list[str]:
    targets = [(found.module, _own(found.imported)) for found in imports]
    return [
        f"{module} imports {target}" for module, target in targets if target is not None and _floor(module) > _floor(target)
    ]


def test_no_module_imports_itself_through_others() -> None:
    assert not _circle(IMPORTS)


def test_rooms_import_downward_only() -> None:
    assert not _upward(IMPORTS)


def test_the_house_is_as_drawn() -> None:
    assert {module.partition(".")[0] for module in TREES} == set(FLOORS)
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == AT_THE_ROOT


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("machine.host", "pytest_archcheck.discover.model.Interpreter"),
        ("judge.macos", "pytest_archcheck.judge.environment.judge"),
        ("plugin.settings", "pytest_archcheck.plugin.start.start"),
    ],
)
def test_a_circle_is_seen_even_where_it_is_an_annotation(module: str, imported: str) -> None:
    annotation = Import(module, imported, at_module_level=True, only_for_types=True)
    assert _circle([*IMPORTS, annotation])
    assert bool(_upward([annotation])) == (_floor(module) > _floor(_own(imported) or ""))


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_keep_out_of(room: str) -> None:
    wrong = []
    for found in IMPORTS:
        target = _own(found.imported)
        if target is None or not _below(found.module, room):
            continue
        for other in FORBIDDEN[room]:
            plain = other.rstrip("=")
            values = {f"{plain}.{name}" for name in VALUES} if other.endswith("=") else ()
            if _below(target, plain) and target not in values:
                wrong.append(f"{found.module} imports {target}")
    assert not wrong


def test_only_the_plugin_knows_pytest() -> None:
    known = {"pytest", "_pytest", "pluggy", "xdist"}
    users = {found.module for found in IMPORTS if found.imported.partition(".")[0] in known}
    assert users
    assert [module for module in users if not _below(module, "plugin")] == []


@pytest.mark.parametrize(("library", "home"), [("importlib_metadata", "discover.metadata"), ("macholib", "binaries")])
def test_libraries_that_have_one_home(library: str, home: str) -> None:
    users = {found.module for found in IMPORTS if found.imported.partition(".")[0] == library}
    assert users
    assert [user for user in users if not _below(user, home)] == []


def test_nothing_inspected_is_imported_outside_the_child() -> None:
    wrong = [
        f"{found.module} imports {found.imported}"
        for found in IMPORTS
        if found.imported.partition(".")[0] in FOREIGN
        and (found.at_module_level or not _below(found.module, "accelerators.child"))
        and not found.only_for_types
    ]
    assert not wrong


def test_rules_open_no_file() -> None:
    wrong = []
    for module, tree in TREES.items():
        if not _below(module, "rules"):
            continue
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
            if name in OPENERS:
                wrong.append(f"{module}:{getattr(node, 'lineno', 0)} {name}")
    assert not wrong


def _constants(module: str) -> list[tuple[str, int]]:
    """Names in capitals that a module assigns at its top, with their lines."""
    found = []
    for node in TREES[module].body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        found += [(name, node.lineno) for name in names if name.isupper()]
    return found


def test_limits_stand_in_one_place() -> None:
    elsewhere = {
        f"{module}.{name}"
        for module in TREES
        if module != "limits" and not _below(module, "accelerators.child")  # the child imports nothing of the package
        for name, _ in _constants(module)
        if BOUNDING & set(name.split("_"))
    }
    assert elsewhere == set(NO_LIMITS)


def test_every_limit_is_used_and_has_its_reason() -> None:
    used = {
        node.attr
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "limits"
    }
    constants = _constants("limits")
    assert used == {name for name, _ in constants}
    lines = (PACKAGE / "limits.py").read_text(encoding="utf-8").splitlines()
    assert [name for name, line in constants if not lines[line - 2].startswith("#: ")] == []


def test_limits_import_nothing() -> None:
    assert [found.imported for found in IMPORTS if found.module == "limits"] == ["__future__.annotations"]


def test_the_page_names_files_that_exist() -> None:
    root = PACKAGE.parent
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`([\w/]+(?:\.py|/))(?::\w+)?`", page) if "NAME" not in name]
    homes = (root, PACKAGE, PACKAGE / "accelerators")
    assert len(named) > 20
    assert not [name for name in named if not any((home / name).exists() for home in homes)]
