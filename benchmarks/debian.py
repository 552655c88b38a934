"""Whether the packages that remedies name bring the very libraries that are missing, by Debian's own index.

Usage: zcat Contents-amd64.gz | python benchmarks/debian.py > tests/rules/debian.txt

``Contents-amd64.gz`` lies in each release of a Debian mirror, ``dists/trixie/main``. Each line that is written is a library and
a package that brings it to where ld.so looks; the exit status tells whether one that is named does not.
"""

from __future__ import annotations

import re
import sys

from pytest_archcheck.rules.debian import PACKAGES

#: OpenBLAS lies in a folder of its own, to which update-alternatives links from here.
_PLACE = re.compile(r"(?:usr/)?lib/x86_64-linux-gnu/(?:openblas-pthread/)?([^/]+)")


def main() -> int:
    """Look for every library of the table."""
    found: set[tuple[str, str]] = set()
    for line in sys.stdin:
        path, _, packages = line.rstrip().rpartition(" ")
        match = _PLACE.fullmatch(path.strip())
        if match and match[1] in PACKAGES:
            found.update((match[1], package.rpartition("/")[2]) for package in packages.split(","))
    for soname, package in sorted(found):
        print(soname, package)
    wrong = {pair for pair in PACKAGES.items() if pair not in found}
    print(*(f"{soname} is not in {package}" for soname, package in sorted(wrong)), sep="\n", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
