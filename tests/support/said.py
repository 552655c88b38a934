"""Every text from which the product makes a remedy, read from its own source: nothing has to be listed by hand, or registered.

Followed are expressions, from what becomes the ``remedy`` of a finding back to the texts that it is made of: through variables,
through the functions of the package that are called for it, and into what is put between the words of an f-string.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_archcheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(pytest_archcheck.__file__).parent
#: Variables and fields that hold a remedy, or a part of one.
_ROOTS = frozenset({"remedy", "metal_remedy", "metal_downgrade"})
_Function = ast.FunctionDef


class _Sources:
    """The package's modules: functions by name, and what is assigned to names."""

    def __init__(self) -> None:
        self.modules = {
            path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
            for path in sorted(ROOT.rglob("*.py"))
            if path.relative_to(ROOT).parts[0] != "reports" and "child" not in path.parts  # reports only show what was said
        }
        self.functions: dict[str, list[tuple[str, _Function]]] = defaultdict(list)
        self.constants: dict[str, list[tuple[str, ast.expr]]] = defaultdict(list)
        for name, tree in self.modules.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    self.functions[node.name].append((name, node))
            for node in tree.body:
                for target, value in _assigned(node):
                    self.constants[target].append((name, value))


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and the values that one statement gives them."""
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple):
                yield from _unpacked(target, node.value)
    elif isinstance(node, (ast.For, ast.comprehension)):
        if isinstance(node.target, ast.Tuple):
            yield from _unpacked(node.target, node.iter)
        elif isinstance(node.target, ast.Name):
            yield node.target.id, node.iter


def _unpacked(target: ast.Tuple, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for place, one in enumerate(target.elts):
        if isinstance(one, ast.Name):
            if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                yield one.id, value.elts[place]
            else:  # the element at that place of what a function gives back, counted from the end: remedies stand last
                yield one.id, ast.Subscript(value, ast.Constant(place - len(target.elts)), ast.Load())


class _Slice:
    def __init__(self, sources: _Sources) -> None:
        self._sources = sources
        #: With the expressions themselves: some are made here, and another one may come to lie where one was.
        self._seen: dict[tuple[int, int | None], ast.expr] = {}
        #: Text, with ``{}`` where something is put in -> modules that have it.
        self.texts: dict[str, set[str]] = defaultdict(set)

    def of(  # noqa: C901, PLR0912 - one branch for each kind of expression
        self, module: str, expression: ast.expr, function: _Function | None, place: int | None = None
    ) -> None:
        """Follow one expression; ``place``: only that element where it comes to a tuple."""
        if (id(expression), place) in self._seen:
            return
        self._seen[id(expression), place] = expression
        match expression:
            case ast.Constant(value=str(text)):
                self._leaf(module, text)
            case ast.JoinedStr(values=values):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values]
                self._leaf(module, "".join(parts))
                self._each(module, (part.value for part in values if isinstance(part, ast.FormattedValue)), function)
            case ast.Tuple(elts=elements):
                chosen = elements if place is None or -place > len(elements) else [elements[place]]
                self._each(module, chosen, function)
            case ast.List(elts=elements) | ast.Set(elts=elements):
                self._each(module, elements, function, place)
            case ast.Starred(value=value) | ast.GeneratorExp(elt=value) | ast.ListComp(elt=value) | ast.NamedExpr(value=value):
                self.of(module, value, function, place)
            case ast.IfExp(body=body, orelse=other):
                self._each(module, [body, other], function, place)
            case ast.BoolOp(values=values):
                self._each(module, values, function, place)
            case ast.BinOp(left=left, right=right):
                self._each(module, [left, right], function, place)
            case ast.Dict(values=values):
                self._each(module, values, function, place)
            case ast.Subscript(value=value, slice=ast.Constant(value=int(number))):
                self.of(module, value, function, number)
            case ast.Subscript(value=value):
                self.of(module, value, function, place)
            case ast.Name(id=name):
                self._name(module, name, function)
            case ast.Attribute(attr=name) if "remedy" in name:
                self._called(name, place)
            case ast.Call(func=func, args=arguments):
                self._call(module, func, arguments, function, place)
            case _:
                pass

    def _each(self, module: str, expressions: Iterable[ast.expr], function: _Function | None, place: int | None = None) -> None:
        for expression in expressions:
            self.of(module, expression, function, place)

    def _leaf(self, module: str, text: str) -> None:
        if " " in text and re.search(r"[A-Za-z]{2}", text):  # one word alone is a value: a name, an option
            self.texts[" ".join(text.split())].add(module)

    def _name(self, module: str, name: str, function: _Function | None) -> None:
        found = False
        for node in ast.walk(function) if function else ():
            for target, value in _assigned(node):
                if target == name:
                    found = True
                    self.of(module, value, function)
        if not found:
            known = self._sources.constants.get(name, [])
            for where, value in [entry for entry in known if entry[0] == module] or known:
                self.of(where, value, None)

    def _call(
        self, module: str, func: ast.expr, arguments: list[ast.expr], function: _Function | None, place: int | None
    ) -> None:
        match func:
            case ast.Name(id="command"):
                self._leaf(module, "command: " + " ".join(map(_as_typed, arguments)))
            case ast.Name(id="next" | "map" | "filter" | "sorted"):
                self._each(module, arguments, function)
            case ast.Name(id="specified" | "requirement"):  # names and versions
                pass
            case ast.Attribute(value=value, attr="join" | "removeprefix" | "partition" | "replace" | "get" | "items"):
                self._each(module, [value, *arguments], function, place)
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self._sources.functions:
                self._called(name, place)
                self._each(module, arguments, function)

    def _called(self, name: str, place: int | None) -> None:
        for where, found in self._sources.functions.get(name, ()):
            for node in ast.walk(found):
                if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
                    self.of(where, node.value, found, place)


def _as_typed(word: ast.expr) -> str:
    return str(word.value) if isinstance(word, ast.Constant) else f"<{ast.unparse(word)}>"


def _functions_around(tree: ast.Module) -> Iterator[tuple[ast.AST, _Function | None]]:
    """Each node with the function that it stands in."""
    waiting: list[tuple[ast.AST, _Function | None]] = [(tree, None)]
    while waiting:
        node, function = waiting.pop()
        inner = node if isinstance(node, ast.FunctionDef) else function
        for child in ast.iter_child_nodes(node):
            waiting.append((child, inner))
            yield child, inner


def remedy_texts() -> dict[str, set[str]]:
    """Every text that a remedy may be made of -> the modules that have it."""
    sources = _Sources()
    found = _Slice(sources)
    for module, tree in sources.modules.items():
        for node, function in _functions_around(tree):
            if isinstance(node, ast.keyword) and node.arg in _ROOTS:
                found.of(module, node.value, function)
            for target, value in _assigned(node):
                if target in _ROOTS:
                    found.of(module, value, function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for _, called in sources.functions.get(node.func.id, ()):
                    names = [argument.arg for argument in called.args.args]
                    found_at = [place for place, name in enumerate(names) if name in _ROOTS and place < len(node.args)]
                    for place in found_at:
                        found.of(module, node.args[place], function)
    return dict(found.texts)


#: What a command begins with: a program, a mark for one, or a variable that is set for it.
_PROGRAM = re.compile(
    r"(?<![\w./:-])(?:(?:/\S+/)?(?:pip|uv|uvx|conda|mamba|pixi|poetry|pdm|brew|codesign|install_name_tool|apt-get|apt-file|dpkg|apk"
    r"|wheel|rm|export|unset|docker|arch|xattr|sw_vers|xcode-select|env|find|pytest-archcheck|pytest|python|grep)"
    r"(?= (?:-{1,2}\w|[a-z{'\"]))|\{(?:install|uninstall|again|upgrade|reinstall|pip|rebuild|without_plugin|conda_update)\}"
    r"|\{\}(?= install )|(?:uv|poetry|pdm|pixi) lock|[A-Z][A-Z_]+=[^\s;]+)"
)
#: Words of a sentence that follow a program's name: ``build the wheel on macOS``, ``what brings it by pip``.
_NO_COMMAND = re.compile(
    r"(?:wheel|conda|pip|find|unset|codesign) "
    r"(?:environment|again|on|packages?|was|put|that|of|is|wants|refuses|installed|it|command)\b"
)
#: It ends where the words go on, outside of quotes.
_ENDS = re.compile(
    r"; |;$|, |`| \(|\)(?!\"| \{)| and (?!\\)|: |\.$"
    r"| (?:with the|where|before|tells|says|is|if|does|on this|makes|for the|gives|that) |$"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def commands_in(text: str) -> Iterator[str]:
    """What of a text is to be typed; ``{}`` stands for what is put in."""
    if text.startswith("command: "):
        yield text.removeprefix("command: ")
        return
    masked = _QUOTED.sub(lambda quoted: quoted[0][0] + "x" * (len(quoted[0]) - 2) + quoted[0][0], text)
    place = 0
    while match := _PROGRAM.search(masked, place):
        end = _ENDS.search(masked, match.end())
        assert end is not None
        place = max(end.start(), match.end())
        found = text[match.start() : place].strip()
        if not _NO_COMMAND.match(found):
            yield found
