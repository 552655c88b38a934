"""Where a file lies, as the services that show reports name it: by its way from the project's folder."""

from __future__ import annotations

import os


def below(path: str, root: str) -> str | None:
    """The way from a folder to what lies below it, with slashes; None where it lies elsewhere: on another drive, say."""
    try:
        way = os.path.relpath(path, root)
    except ValueError:  # Windows: no way leads from one drive to another
        return None
    return None if way.split(os.sep)[0] == os.pardir else way.replace(os.sep, "/")
