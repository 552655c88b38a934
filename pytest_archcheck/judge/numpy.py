"""Which modules refuse the installed numpy: finds the few files that have to be read for it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_archcheck import limits
from pytest_archcheck.binaries.constants import constants_of
from pytest_archcheck.binaries.names import is_test_data
from pytest_archcheck.binaries.numpy_api import may_ask_later, read_numpy_api
from pytest_archcheck.loader.package_files import read_text
from pytest_archcheck.rules.numpy_api import judge_numpy_api, numpy_version, refuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from packaging.version import Version

    from pytest_archcheck.binaries.model import Binary, NumpyApi
    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.judge.access import Access

    #: A module, what it needs, and whether it may ask numpy later than when it is imported.
    _Refusing = tuple[Binary, NumpyApi, bool]


def judge_numpy(
    environment: Environment,
    owned: Sequence[tuple[Distribution, str]],
    access: Access,
    survives: Callable[[Iterable[Binary]], bool | None],
) -> Iterator[Finding]:
    """Say which distributions were compiled for another numpy than the installed one, by one file of each.

    :param survives: whether a package survives without these modules of its own; None where nothing in it imports them.
    """
    numpy = numpy_version(environment.projects)
    if numpy is None or environment.kind == "wheel":
        return
    for distribution, subject in owned:
        if distribution.name == "numpy" or "numpy" not in (*distribution.requires, *distribution.for_extras):
            continue  # what does not name it is not searched for its texts
        refusing = _refusing(distribution, numpy, access)
        if refusing:
            # A module that asks at once tells more than one that may ask later; few of them tell as much as all.
            refusing.sort(key=lambda entry: entry[2])
            answers = ((survives([entry[0]]), entry) for entry in refusing[: limits.NUMPY_ASKED])
            without, (binary, api, later) = _first_needed(answers)
            yield judge_numpy_api(distribution, subject, binary, api, numpy, later=later, survives=without)


def _first_needed(answers: Iterable[tuple[bool | None, _Refusing]]) -> tuple[bool | None, _Refusing]:
    """The first module that its package cannot do without, or else the last that was asked about."""
    for answer in answers:
        if answer[0] is False:
            break
    return answer


def _refusing(distribution: Distribution, numpy: Version, access: Access) -> list[_Refusing]:
    """Modules that refuse that numpy, all that were read.

    All of a distribution are compiled together: the first that fits speaks for all. One that wants a newer numpy beside it, as
    h5py's _npystrings does, is not imported with this one.
    """
    modules = [one for one in distribution.binaries if one.role == "extension" and one.format != "pe"]
    room = limits.NUMPY_MODULES_SIZE
    found: list[_Refusing] = []
    for binary in sorted(modules, key=lambda one: one.size)[: limits.NUMPY_MODULES]:
        room -= binary.size
        if room < 0:
            break
        if is_test_data(binary.path):
            continue
        try:
            with access.opener(binary.file) as source:
                api = read_numpy_api(source, constants_of(source, binary))
                if api is None:
                    continue
                if not refuses(api, numpy):
                    return []
                found.append((binary, api, may_ask_later(source)))
        except OSError:  # it is gone, or damaged: said where it was read
            continue
    return found


#: What every ``import tensorflow`` runs since 2.14 or so, the second because of the first, and what it takes from numpy there.
_IMPORTED = "tensorflow/python/framework/override_binary_operator.py"
_IMPORTING = re.compile(rb"^from tensorflow\.python\.ops\.numpy_ops import np_dtypes$", re.MULTILINE)
_DTYPES = "tensorflow/python/ops/numpy_ops/np_dtypes.py"
_REMOVED = re.compile(rb"^\w+ = np\.(complex_|float_|string_|unicode_)$", re.MULTILINE)


def removed_names(environment: Environment) -> dict[str, str]:
    """Metadata of each TensorFlow that takes a name from numpy that numpy 2 no longer has, when it is imported -> the name."""
    numpy = numpy_version(environment.projects)
    if numpy is None or numpy.major < 2 or environment.kind == "wheel":
        return {}
    found = {}
    for project in environment.projects:
        if project.requires:  # read for TensorFlow's packages, and few others
            imports, names = (read_text(os.path.join(project.location, path)) for path in (_IMPORTED, _DTYPES))
            if _IMPORTING.search(imports) and (match := _REMOVED.search(names)):
                found[project.metadata] = f"np.{match[1].decode()}"
    return found
