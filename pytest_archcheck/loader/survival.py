"""Whether a Python file goes on after what stands in a ``try`` or a ``with`` has failed.

An import survives where what catches its failure goes on: a ``try`` whose handler raises again in every case is no option, nor
is one after which a flag is tested that raises; ``contextlib.suppress`` is one.
"""

from __future__ import annotations

import ast

#: What an import of a module that the loader refuses raises, and the wider ones that catch it. A ModuleNotFoundError it is not.
_CAUGHT = frozenset({"ImportError", "Exception", "BaseException"})
_EXITS = frozenset({"exit", "_exit"})


def called(call: ast.expr) -> str | None:
    """``f`` for ``f(...)`` and ``a.b.f(...)``; None for what is no such call."""
    if not isinstance(call, ast.Call):
        return None
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else None


def suppresses(node: ast.expr) -> bool:
    """Whether a context manager takes in the failure of an import."""
    return isinstance(node, ast.Call) and called(node) == "suppress" and any(_is_caught(kind) for kind in node.args)


def survives(node: ast.Try, rest: list[ast.stmt]) -> bool:
    """Whether what follows a failure goes on.

    :param rest: the statements behind it, of the same block.
    """
    if any(isinstance(one, (ast.Return, ast.Break, ast.Continue)) for one in node.finalbody):
        return True  # that drops the exception
    if always_raises(node.finalbody):
        return False
    handler = next((handler for handler in node.handlers if _catches(handler)), None)
    if handler is None or always_raises(handler.body):
        return False
    values = _given(handler)
    return not any(isinstance(later, ast.If) and _is_true(later.test, values) and always_raises(later.body) for later in rest)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_is_caught(kind) for kind in kinds)


def _is_caught(kind: ast.expr) -> bool:
    return isinstance(kind, ast.Name) and kind.id in _CAUGHT


def always_raises(body: list[ast.stmt]) -> bool:
    """Whether this ends in an exception, or the process, whatever happens."""
    for statement in body:
        if isinstance(statement, ast.Raise):
            return True
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and called(statement.value) in _EXITS:
            return True
        if (
            isinstance(statement, ast.If)
            and statement.orelse
            and always_raises(statement.body)
            and always_raises(statement.orelse)
        ):
            return True
        if isinstance(statement, (ast.With, ast.AsyncWith)) and always_raises(statement.body):
            return not any(suppresses(item.context_expr) for item in statement.items)
        if isinstance(statement, (ast.Return, ast.Break, ast.Continue)):
            return False
    return False


def _given(handler: ast.ExceptHandler) -> dict[str, bool | None]:
    """What a handler gives to variables: None, or whether it is true."""
    values: dict[str, bool | None] = {}
    for statement in handler.body:
        if not isinstance(statement, ast.Assign):
            continue
        value = statement.value
        for target in statement.targets:
            if not isinstance(target, ast.Name):
                continue
            if isinstance(value, ast.Constant):
                values[target.id] = None if value.value is None else bool(value.value)
            elif isinstance(value, ast.Name) and value.id == handler.name:
                values[target.id] = True
    return values


def _is_true(test: ast.expr, values: dict[str, bool | None]) -> bool:
    """Whether a condition surely holds after a failure."""
    if isinstance(test, ast.Name):
        return values.get(test.id) is True
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and isinstance(test.operand, ast.Name):
        return test.operand.id in values and not values[test.operand.id]
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id in values:
        (operator, other) = (test.ops[0], test.comparators[0])
        if isinstance(other, ast.Constant) and len(test.ops) == 1:
            is_same = values[test.left.id] is other.value
            return is_same if isinstance(operator, (ast.Is, ast.Eq)) else not is_same
    return False
