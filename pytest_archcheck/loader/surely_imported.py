"""What importing a package surely imports, and whether it is there: ``import tensorflow`` fails without absl.

Only statements count that Python reaches whatever happens: at the module's own level, outside of ``if``, loops and each ``try``
that goes on after a failure. What is not sure is left out, and so is what other packages import: those are asked themselves.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from pytest_archcheck import limits
from pytest_archcheck.binaries.source import open_file
from pytest_archcheck.loader.python_files import parse
from pytest_archcheck.loader.survival import always_raises, called

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

#: Modules of the standard library that this Python does not know: gone since 3.12 and 3.13, or added since 3.10.
_OTHER_STANDARD = frozenset(
    """
    annotationlib asynchat asyncore binhex cgi cgitb compression crypt distutils formatter imghdr imp lib2to3 mailcap msilib nis
    nntplib ossaudiodev parser pipes smtpd sndhdr spwd sunau symbol telnetlib tomllib uu xdrlib
    """.split()
)
#: What makes other modules importable than those that lie on ``sys.path``.
_REARRANGED = re.compile(rb"sys\.path\s*(?:\.(?!index|count|copy)\w|\+?=(?!=)|\[[^\]]*\]\s*=)|meta_path|path_hooks")


_SET_BY_SETUP = re.compile(r"try:\n    (\w+)\nexcept NameError:\n    \1 = False")
#: By these a module may get any name.
_MAKES_NAMES = frozenset({"globals", "vars", "locals", "exec", "setattr", "__import__"})


class Unimportable(NamedTuple):
    """A module that a package surely imports, and that is nowhere."""

    module: str
    #: The file that imports it, below the package's folder.
    path: str


class _Import(NamedTuple):
    """What is imported, and where that stands."""

    name: str
    path: str
    tree: ast.Module
    line: int


class Importable:
    """What lies in the folders that Python imports from."""

    def __init__(self, folders: Iterable[str], finders: Iterable[bytes] = ()) -> None:
        """Take the folders of ``sys.path``, and the sources of import finders: what those name is taken to be there."""
        self._folders = tuple(folders)
        self._finders = tuple(finders)
        self._stems: frozenset[str] | None = None
        #: What may still be read of packages that ask.
        self.room = limits.SURELY_IMPORTED_IN_ALL
        #: A folder cannot be read: anything may lie in it.
        self._unseen = False

    def lacks(self, module: str) -> bool:
        """Whether a top-level module is nowhere; names count whatever their case, since some file systems say so."""
        if self._stems is None:
            entries = [_names(folder) for folder in self._folders]
            self._unseen = None in entries
            # What auditwheel bundles for numpy lies in ``numpy.libs``, which is no numpy.
            names = (name for found in entries for name in found or () if not name.endswith(".libs"))
            self._stems = frozenset(name.partition(".")[0].casefold() for name in names)
        if self._unseen or module in sys.stdlib_module_names or module in _OTHER_STANDARD or module.casefold() in self._stems:
            return False
        return not any(module.encode() in source for source in self._finders)


def unimportable(site: str, package: str, importable: Importable) -> Unimportable | None:
    """The first module that importing a package of a site directory surely fails for; None where none is seen within bounds."""
    return _Walk(site, package, importable).find()


def lost_import(site: str, package: str, importable: Importable, lost: AbstractSet[str]) -> tuple[Unimportable | None, bytes]:
    """The first of its own modules that are gone that importing a package surely asks for, and the sources that were read.

    :param lost: names of modules whose files are not there: ``demo._core``.
    """
    walk = _Walk(site, package, importable, lost)
    return walk.find(), b"\n".join(walk.texts)


class _Walk:
    """The files of one package in the order in which Python would run them."""

    def __init__(self, site: str, package: str, importable: Importable, lost: AbstractSet[str] = frozenset()) -> None:
        self._site = site
        self._package = package
        self._importable = importable
        self._lost = lost
        self._texts: dict[str, bytes] = {}
        #: File of a package -> the names that it gives itself, with lines.
        self._names: dict[str, dict[str, int]] = {}
        self._room = min(limits.SURELY_IMPORTED_SIZE, max(0, importable.room))

    @property
    def texts(self) -> Iterable[bytes]:
        """The files that were read."""
        return self._texts.values()

    def find(self) -> Unimportable | None:
        #: What is still to be looked at, the next one last; a stack of its own, since packages import in long chains.
        waiting = [iter((self._package,))]
        seen: set[str] = set()
        while waiting:
            module = next(waiting[-1], None)
            if module is None:
                waiting.pop()
                continue
            if module in seen or len(seen) >= limits.SURELY_IMPORTED_FILES:
                continue
            seen.add(module)
            path = self._file_of(module)
            if path is None:
                continue
            text = self._text(path)
            if _REARRANGED.search(text):
                return None
            wanted: list[str] = []
            inside = module if path.endswith("__init__.py") else module.rpartition(".")[0]
            for where in _imports_in(path, text, inside):
                if missing := self._missing(where, wanted):
                    return Unimportable(missing, path)
            waiting.append(iter(wanted))
        return None

    def _missing(self, where: _Import, wanted: list[str]) -> str | None:
        """The module that is nowhere, of those that an import runs; what is to be looked at joins ``wanted``."""
        imported = where.name.partition(" ")[0]
        top = imported.partition(".")[0]
        if top == self._package:
            executed = list(self._executed(where))
            wanted += executed
            return next((one for one in executed if one in self._lost and self._file_of(one) is None), None)
        if self._lost and imported not in self._lost:
            return None  # what else may be missing is asked elsewhere
        # What it imports of its own package before that may not even get here: it fails either way.
        return imported if self._importable.lacks(top) and not self._is_given(top) else None

    def _executed(self, where: _Import) -> Iterator[str]:
        """The modules that an import runs: each package on the way, and the last, unless it may be a name in its package."""
        parts = where.name.partition(" ")[0].split(".")
        for size in range(2, len(parts) + 1):
            yield ".".join(parts[:size])
        _, _, attribute = where.name.partition(" ")
        above = self._file_of(".".join(parts))
        if attribute and above and above.endswith("__init__.py"):
            text = self._text(above)
            whole = f"{'.'.join(parts)}.{attribute}"
            if whole in self._lost and not re.search(rb"(?:^|\s|,)" + re.escape(attribute.encode()) + rb"\s*=", text):
                yield whole
            elif above == where.path:  # the package itself imports it: what it has by then is known
                if self._lacks(attribute, where):
                    yield whole
            elif attribute.encode() not in text and b"__getattr__" not in text:
                yield whole

    def _lacks(self, name: str, where: _Import) -> bool:
        """Whether a package surely has no such name when it comes to import it: then a module of that name is run."""
        if where.path not in self._names:
            self._names[where.path] = _names_of(where.tree)
        lines = self._names[where.path]
        return all(lines.get(one, where.line) >= where.line for one in (name, "*", "__getattr__"))

    def _is_given(self, module: str) -> bool:
        """Whether a file that was read puts such a module into ``sys.modules`` itself."""
        given = re.compile(rb"sys\.modules[^\n]{0,20}['\"]" + re.escape(module.encode()))
        return any(given.search(text) for text in self._texts.values())

    def _file_of(self, module: str) -> str | None:
        path = os.path.join(*module.split("."))
        for name in (os.path.join(path, "__init__.py"), f"{path}.py"):
            if os.path.isfile(os.path.join(self._site, name)):
                return name
        return None

    def _text(self, path: str) -> bytes:
        text = self._texts.get(path)
        if text is None:
            try:
                with open_file(os.path.join(self._site, path)) as source:
                    text = source.read(0, min(limits.PYTHON_FILE_SIZE, self._room))
                    text = text if len(text) == source.size else b""
            except OSError:
                text = b""
            self._texts[path] = text
            self._room -= len(text)
            self._importable.room -= len(text)
        return text


def _imports_in(path: str, text: bytes, package: str) -> Iterator[_Import]:
    tree = parse(text) if b"import" in text else None
    if tree is not None:
        yield from (_Import(name, path, tree, line) for name, line in sure_imports(tree, package))


def sure_imports(tree: ast.Module, package: str) -> Iterator[tuple[str, int]]:
    """What running a file imports whatever happens, in that order: ``a.b``, and ``a.b c`` for ``from a.b import c``.

    With the line where it does.

    :param package: the package that the file belongs to, which relative names count from.
    """
    yield from _in_block(tree.body, package, 0)


def _in_block(body: Sequence[ast.stmt], package: str, depth: int) -> Iterator[tuple[str, int]]:
    if depth > limits.FOLDER_DEPTH:
        return
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from ((alias.name, statement.lineno) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield from ((name, statement.lineno) for name in _from(statement, package))
        elif isinstance(statement, ast.If):
            if isinstance(statement.test, ast.Name) and statement.test.id in _set_by_setup(body):
                yield from _in_block(statement.orelse, package, depth + 1)
        elif isinstance(statement, ast.With):
            sure = all(called(item.context_expr) == "catch_warnings" for item in statement.items)
            yield from _in_block(statement.body if sure else [], package, depth + 1)
        elif isinstance(statement, ast.Try):
            sure = all(always_raises(handler.body) for handler in statement.handlers)
            yield from _in_block(statement.body if sure else [], package, depth + 1)


def _set_by_setup(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that nobody but a package's own setup.py gives to it, for which numpy looks first of all."""
    for statement in body:
        is_short = isinstance(statement, ast.Try) and isinstance(statement.body[0], ast.Expr) and len(statement.handlers) == 1
        if is_short and (match := _SET_BY_SETUP.fullmatch(ast.unparse(statement))):
            yield match[1]


def _names_of(tree: ast.Module) -> dict[str, int]:
    """The names that running a package's own file gives it, wherever in the file -> the first line that may; ``*`` is any name.

    ``from .a import *`` may bring any, and so may what is put into ``globals()``.
    """
    found: dict[str, int] = {}

    def add(name: str, node: ast.AST) -> None:
        line = getattr(node, "lineno", 0)
        found[name] = min(found.get(name, line), line)

    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if node.id in _MAKES_NAMES:
                add("*", node)
            elif isinstance(node.ctx, ast.Store):
                add(node.id, node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            add(node.name, node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for one in node.names:
                add(one.asname or one.name.partition(".")[0], node)
    return found


def _from(statement: ast.ImportFrom, package: str) -> Iterator[str]:
    base = statement.module or ""
    if statement.level:
        parts = package.split(".")
        if statement.level > len(parts):
            return
        base = ".".join([*parts[: len(parts) - statement.level + 1], *([base] if base else [])])
    yield from (f"{base} {alias.name}" if alias.name != "*" else base for alias in statement.names)


def _names(folder: str) -> list[str] | None:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return None
