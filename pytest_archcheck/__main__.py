"""``python -m pytest_archcheck``: the checks alone; see :mod:`pytest_archcheck.plugin.standalone`."""

from __future__ import annotations

import os
import sys

# ``python -m`` puts the current folder first on sys.path, where a numpy.py or _pytest/ of the project would be imported by us,
# and its metadata be taken for an installed project. Only a checkout of ours is needed there.
_HERE = os.path.realpath(os.getcwd())
if (
    not getattr(sys.flags, "safe_path", False)
    and sys.path
    and os.path.realpath(sys.path[0]) == _HERE
    and os.path.dirname(os.path.dirname(os.path.realpath(__file__))) != _HERE
):
    del sys.path[0]

from pytest_archcheck.plugin.standalone import main  # noqa: E402 - not before sys.path is clean

if __name__ == "__main__":
    raise SystemExit(main())
