"""What a Python file says of the modules that it imports: which, and whether it gets by without them.

An import survives where what catches its failure goes on. Where it stands in a function that is called inside such a ``try``
only, the same holds; ``import_module`` in a function that the file does not call itself loads on demand. Names that are put
together at run time are known by their constant parts: ``import_module(f"torio.lib._torio_ffmpeg{version}")``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.loader.python_files import parse
from pytest_archcheck.loader.survival import called, suppresses, survives

_IMPORTERS = frozenset({"import_module", "__import__"})
#: What holds no expression.
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop)
#: Where a statement holds others.
_BLOCKS = ("body", "orelse", "cases")
#: How many functions deep it is asked who calls one.
_CALLS = 4
#: What may be a call of an importer, with its argument where that is a name alone or an attribute.
_CALLS_OF_IMPORTERS = tuple(
    re.compile(name + rb"\b\s*(?:\(\s*([A-Za-z_][\w.]*)\s*[,)]|[()\\#])") for name in (b"import_module", b"__import__")
)
_FEW, _SHORT = 32, 1000
#: What follows a variable to which a text may be given: what begins with an attribute, a call or an item is none.
_BY_TEXT = rb"[ \t]*=(?!=)[ \t]*(?![ \t]|[A-Za-z_]\w*[.(\[](?!.*\bformat\b))"
#: A quote that may begin a name; patterns that begin with a quote, not with what stands before it, are searched much faster.
_QUOTE = rb"['\"](?<!\+ ['\"])"
#: A text that begins a relative name: ``".sub"``, ``f".{name}"``, ``"." + name``; ``".".join``, ``split(".")`` begin none.
_RELATIVE = rb"\.+(?:(?!\w+\()[\w{%]|['\"](?![).,\]]|\s+(?:not )?in\b))"
#: The file's own; an attribute is another's, and in quotes it is but a name in a list.
_OWN_PACKAGE = rb"(?<![.'\"])__package__"
#: Stands for what is put into a name at run time; no character of a module's name.
_ANY = "*"


class Import(NamedTuple):
    """One place where a module is imported."""

    #: Dotted, ``*`` for each part that is only known at run time.
    name: str
    #: Whether the file gets by without it.
    guarded: bool

    @property
    def is_computed(self) -> bool:
        """Whether the name is put together at run time."""
        return _ANY in self.name

    def names(self, module: str) -> bool:
        """Whether it may be this module that is imported, or something in this package."""
        if not self.is_computed:
            return self.name == module or self.name.startswith(f"{module}.")
        parts, others = self.name.split("."), module.split(".")
        return len(parts) == len(others) and all(map(_fits, parts, others))


def _fits(pattern: str, word: str) -> bool:
    """Whether a word is like that, ``*`` standing for anything: its constant parts are found one after the other, once each."""
    first, *rest = pattern.split(_ANY)
    if not rest:
        return pattern == word
    *middle, last = rest
    if len(word) < len(first) + len(last) or not (word.startswith(first) and word.endswith(last)):
        return False
    at, end = len(first), len(word) - len(last)
    for part in middle:
        at = word.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


@dataclass(slots=True)
class _Place:
    """Where a statement stands."""

    #: Whether a failure here is caught inside of the function (or module) that it is in.
    guarded: bool
    #: Name of the innermost function; None at the module's own level.
    function: str | None


def may_compute(text: bytes) -> bool:
    """Whether a file may import a module by a name that is put together at run time: only a syntax tree tells for sure.

    Most calls of ``import_module`` are given an attribute, or a variable to which nothing in the file gives a text: what they
    import is not known in any case. To parse the files that hold no others took half of the time of a question about numba.
    """
    arguments = {call[1] for pattern in _CALLS_OF_IMPORTERS for call in pattern.finditer(text)}
    # The time that this takes grows with the names, and with the lines: of such files a syntax tree is made, within its bounds.
    if len(arguments) > _FEW or max(map(len, text.split(b"\n"))) > _SHORT:
        return True
    return any(
        argument is None or argument == b"__package__" or (b"." not in argument and _may_be_given(text, argument))
        for argument in arguments
    )


def _may_be_given(text: bytes, variable: bytes) -> bool:
    """Whether a statement gives a text to a variable; an argument by that name is none."""
    for match in re.finditer(variable + _BY_TEXT, text):
        before = text[text.rfind(b"\n", 0, match.start()) + 1 : match.start()].strip()
        if not before or before.endswith((b";", b":")):
            return True
    return False


def may_begin(text: bytes, module: str) -> bool:
    """Whether a name that a file puts together may begin like that of a module: some text in it must, or it is relative.

    Most files that compute names load plugins of their own; to parse one takes as long as to search a hundred.
    """
    if b"__package__" in text and re.search(_OWN_PACKAGE, text):
        return True
    top = re.escape(module.partition(".")[0].encode())
    return re.search(_QUOTE + rb"(?:" + _RELATIVE + rb"|" + top + rb")", text) is not None


def imports_of(text: bytes, package: str) -> tuple[Import, ...]:
    """Return the imports of one file.

    :param package: the package that the file belongs to, which relative names count from.
    """
    tree = parse(text)
    if tree is None:
        return ()
    # Statements are one in ten of what a tree holds: expressions are looked through where something may be called that matters.
    reader = _Reader(package, expressions=any(name.encode() in text for name in _IMPORTERS))
    try:
        reader.read(tree.body, _Place(guarded=False, function=None))
        if reader.asks_who_calls and not reader.expressions:
            reader = _Reader(package, expressions=True)
            reader.read(tree.body, _Place(guarded=False, function=None))
    except RecursionError:
        return ()
    return reader.found()


class _Reader:
    """One walk through a file."""

    def __init__(self, package: str, *, expressions: bool) -> None:
        self._package = package
        #: Whether calls are looked for.
        self.expressions = expressions
        #: Name, place, and whether it is ``import_module`` that is called: what a function imports so is loaded on demand.
        self._imports: list[tuple[str, _Place, bool]] = []
        #: Function -> where it is called.
        self._calls: dict[str, list[_Place]] = {}
        #: (function, variable) -> the text last given to it.
        self._texts: dict[tuple[str | None, str], str] = {}
        #: (question, function, depth) -> the answer: functions call each other in more ways than can be followed one by one.
        self._known: dict[tuple[str, str, int], bool] = {}

    @property
    def asks_who_calls(self) -> bool:
        """Whether something is imported in a function that does not survive its failure by itself."""
        return any(place.function is not None and not place.guarded for _, place, _ in self._imports)

    def found(self) -> tuple[Import, ...]:
        return tuple(
            Import(name, self._is_guarded(place, _CALLS) or (by_call and not self._runs_at_once(place, _CALLS)))
            for name, place, by_call in self._imports
        )

    def _runs_at_once(self, place: _Place, depth: int) -> bool:
        """Whether the file itself, when it is imported, calls the function in which this stands."""
        if place.function is None or not depth:
            return True
        key = ("runs", place.function, depth)
        if key not in self._known:
            self._known[key] = any(self._runs_at_once(call, depth - 1) for call in self._calls.get(place.function, ()))
        return self._known[key]

    def _is_guarded(self, place: _Place, depth: int) -> bool:
        if place.guarded or place.function is None or not depth:
            return place.guarded
        key = ("guarded", place.function, depth)
        if key not in self._known:
            calls = [call for call in self._calls.get(place.function, ()) if call.function != place.function]
            self._known[key] = bool(calls) and all(self._is_guarded(call, depth - 1) for call in calls)
        return self._known[key]

    def read(self, body: list[ast.stmt], place: _Place) -> None:
        for number, statement in enumerate(body):
            tried = isinstance(statement, ast.Try) or type(statement).__name__ == "TryStar"
            self._read_statement(
                statement, place, body[number + 1 : number + 1 + limits.STATEMENTS_BEHIND_TRY] if tried else []
            )

    def _read_statement(self, node: ast.stmt, place: _Place, rest: list[ast.stmt]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._imports += [(name, place, False) for name in _names(node, self._package)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                self._read_expression(decorator, place)
            self.read(node.body, _Place(guarded=False, function=node.name))
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            self._read_try(node, place, rest)  # type: ignore[arg-type] # 3.11's TryStar has the same fields
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._read_expression(item.context_expr, place)
            inner = place.guarded or any(suppresses(item.context_expr) for item in node.items)
            self.read(node.body, _Place(guarded=inner, function=place.function))
        else:
            self._remember_text(node, place)
            if not (isinstance(node, ast.If) and _never_runs(node.test)):
                self._read_parts(node, place)

    def _read_parts(self, node: ast.AST, place: _Place) -> None:
        """Read what a statement holds: blocks of statements, expressions, the cases of a match, the arguments of a class."""
        for name in node._fields if self.expressions else _BLOCKS:
            value: Any = getattr(node, name, None)
            parts = value if isinstance(value, list) else [value]
            if parts and isinstance(parts[0], ast.stmt):
                self.read(parts, place)
                continue
            for part in parts:
                if isinstance(part, ast.expr):
                    self._read_expression(part, place)
                elif isinstance(part, ast.AST):
                    self._read_parts(part, place)

    def _read_try(self, node: ast.Try, place: _Place, rest: list[ast.stmt]) -> None:
        inner = place.guarded or survives(node, rest)
        self.read(node.body, _Place(guarded=inner, function=place.function))
        for handler in node.handlers:
            self.read(handler.body, place)
        self.read(node.orelse, place)
        self.read(node.finalbody, place)

    def _remember_text(self, node: ast.stmt, place: _Place) -> None:
        if (
            self.expressions
            and isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            text = self._text(node.value, place)
            if text:
                self._texts[place.function, node.targets[0].id] = text

    def _read_expression(self, node: ast.expr, place: _Place) -> None:
        for call in _calls_in(node) if self.expressions else ():
            name = called(call)
            if name in _IMPORTERS and call.args:
                target = self._text(call.args[0], place)
                if target and (name := self._absolute(target, call)):
                    self._imports.append((name, place, True))
            elif name:
                self._calls.setdefault(name, []).append(place)

    def _absolute(self, target: str, call: ast.Call) -> str | None:
        """The dotted name; None where too little of it is known to say anything."""
        if target.startswith("."):
            given = [argument for argument in call.args[1:2] if isinstance(argument, ast.Constant)]
            anchor = given[0].value if given and isinstance(given[0].value, str) else self._package
            level = len(target) - len(target.lstrip("."))
            parts = anchor.split(".")
            target = ".".join([*parts[: len(parts) - level + 1], target.lstrip(".")])
        known = target.partition(_ANY)[0]
        return target if _ANY not in target or "." in known else None

    def _text(self, node: ast.expr, place: _Place) -> str | None:
        """What an expression yields, ``*`` for what is not known; None where nothing is, or more than any name has."""
        text = self._text_of(node, place)
        return None if text is None or len(text) > limits.MODULE_NAME_LENGTH else text

    def _text_of(self, node: ast.expr, place: _Place) -> str | None:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self._text(value, place) or _ANY for value in node.values)
        if isinstance(node, ast.FormattedValue):
            if isinstance(node.value, ast.Name) and node.value.id == "__package__":
                return self._package
            return self._text(node.value, place)
        if isinstance(node, ast.Name):
            if node.id == "__package__":
                return self._package
            return self._texts.get((place.function, node.id)) or self._texts.get((None, node.id))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._text(node.left, place), self._text(node.right, place)
            return (left or _ANY) + (right or _ANY) if left or right else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            left = self._text(node.left, place)
            return re.sub(r"%\w|%\(\w*\)\w", _ANY, left) if left else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            left = self._text(node.func.value, place)
            return re.sub(r"\{[^}]*\}", _ANY, left) if left else None
        return None


def _calls_in(node: ast.expr) -> list[ast.Call]:
    """Every call in an expression, as :func:`ast.walk` finds them: that takes twice as long, for names and constants mostly."""
    nodes: list[ast.AST] = [node]
    for one in nodes:
        for name in one._fields:
            value = getattr(one, name, None)
            if type(value) is list:
                nodes += [part for part in value if isinstance(part, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                nodes.append(value)
    return [one for one in nodes if isinstance(one, ast.Call)]


def _names(node: ast.Import | ast.ImportFrom, package: str) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
    origin = ".".join(part for part in (base, node.module or "") if part)
    return {origin, *(f"{origin}.{alias.name}" for alias in node.names)}


def _never_runs(test: ast.expr) -> bool:
    """Whether a block is for type checkers, or for a file that is run as a program."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and test.left.id == "__name__"
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
