"""The JSON that a page carries: packed, as the page shows all of it already, and taken out again to be merged."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import Any

from pytest_archcheck import limits
from pytest_archcheck.reports.page.markup import Html

_KIND = "application/x-archcheck-report"
_CARRIED = re.compile(rf'<script type="{re.escape(_KIND)}">([A-Za-z0-9+/=]*)</script>')


class NotCarriedError(ValueError):
    """A page without a report in it, or with a damaged one."""


def pack(document: object) -> Html:
    """Return an element that holds the document; no browser runs a script of such a type."""
    content = json.dumps(document, separators=(",", ":")).encode("ascii")
    # base64 has no character that ends an element.
    return Html(f'<script type="{_KIND}">{base64.b64encode(zlib.compress(content, 9)).decode("ascii")}</script>')


def unpack(page: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the document that a page carries.

    :raises NotCarriedError: there is none that can be read.
    """
    found = _CARRIED.findall(page)
    if len(found) != 1:
        raise NotCarriedError("no page of archcheck")
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(base64.b64decode(found[0], validate=True), limits.MERGED_REPORT_SIZE)
        if not reader.eof:
            raise NotCarriedError("the report in the page is cut short or too large")
        return json.loads(content)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        raise NotCarriedError(f"the report in the page is damaged: {error}") from error
