"""Reads reports back: JSON files and pages, compared with the schema, since a file may hold anything."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pytest_archcheck import limits
from pytest_archcheck.reports.json_report import SCHEMA_VERSION
from pytest_archcheck.reports.merge import Labelled, reports_in, stem
from pytest_archcheck.reports.page import carried
from pytest_archcheck.reports.text import sentence

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class NotAReport(ValueError):
    """A file that is no report of this version; the message names it and says why."""


def read(path: str) -> list[Labelled]:
    """Return the reports in a file: one, or those that were put side by side.

    :raises NotAReport: it holds none that can be merged.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(limits.MERGED_REPORT_SIZE + 1)
    except OSError as error:
        raise NotAReport(f"{path}: {error.strerror or error}") from error
    if len(content) > limits.MERGED_REPORT_SIZE:
        raise NotAReport(f"{path}: larger than {limits.MERGED_REPORT_SIZE} bytes")
    document = _document(path, content)
    if not isinstance(document, dict) or "schema_version" not in document:
        raise NotAReport(f"{path}: no report of archcheck: it has no schema_version")
    version = document["schema_version"]
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise NotAReport(f"{path}: schema_version {sentence(str(version), 40)}, expected {SCHEMA_VERSION}")
    wrong = mismatch(document, _schema()["$defs"]["several" if "reports" in document else "report"], "the report")
    if wrong is not None:
        raise NotAReport(f"{path}: {sentence(wrong)}")
    return reports_in(document, stem(path))


def _document(path: str, content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        text = content.decode("utf-8-sig")
        return carried.unpack(text) if text.lstrip()[:15].lower() == "<!doctype html>" else json.loads(text)
    except carried.NotCarriedError as error:
        raise NotAReport(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise NotAReport(f"{path}: no JSON: {sentence(str(error), 200)}") from error


@cache
def _schema() -> Any:  # noqa: ANN401 - a JSON Schema
    return json.loads((files("pytest_archcheck.reports") / "schema.json").read_text(encoding="utf-8"))


def mismatch(value: Any, schema: dict[str, Any], where: str) -> str | None:  # noqa: ANN401 - any JSON value
    """Say where a value is not what our schema says; None where it fits.

    Of JSON Schema it knows what our schema uses. Keys that the schema does not know are of a later version, and no mistake.
    """
    if "$ref" in schema:
        return mismatch(value, _schema()["$defs"][schema["$ref"].rpartition("/")[2]], where)
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            wrong = [mismatch(value, one, where) for one in schema[keyword]]
            return None if None in wrong else min((one for one in wrong if one), key=len)
    if "const" in schema and value != schema["const"]:
        return f"{where} is {value!r}, expected {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is {value!r}, expected one of {schema['enum']!r}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{where} is of type {type(value).__name__}, expected {' or '.join(kinds)}"
    if isinstance(value, list):
        return _first(mismatch(one, schema.get("items", {}), f"{where}[{number}]") for number, one in enumerate(value))
    if isinstance(value, dict):
        return _object(value, schema, where)
    return None


def _object(value: dict[str, Any], schema: dict[str, Any], where: str) -> str | None:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{where} has no {missing[0]}"
    known = schema.get("properties", {})
    other = schema.get("additionalProperties", {})
    of_others = other if isinstance(other, dict) else {}
    return _first(mismatch(one, known.get(name, of_others), f"{where}.{name}") for name, one in value.items())


def _first(found: Any) -> str | None:  # noqa: ANN401 - an iterable of sentences
    return next((one for one in found if one is not None), None)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
