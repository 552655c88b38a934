"""Judge modules that were compiled for another numpy than the installed one: rule ``wrong-numpy``.

numpy refuses a module that was compiled for another of its C APIs, and with it fails the import. That is an error where the
package cannot do without that module, and a warning where it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_archcheck.findings import Finding
from pytest_archcheck.rules.commands import Installer
from pytest_archcheck.rules.remedies import update
from pytest_archcheck.rules.versions import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from pytest_archcheck.binaries.model import Binary, NumpyApi
    from pytest_archcheck.discover.model import Distribution, InstalledProject

RULE = "wrong-numpy"


def numpy_version(projects: Iterable[InstalledProject]) -> Version | None:
    """The version of the numpy that is installed; of several the first counts, as it does for Python."""
    for project in projects:
        if project.name == "numpy":
            return parsed(project.version)
    return None


def refuses(api: NumpyApi, numpy: Version) -> bool:
    """Whether that numpy and a module compiled for this API refuse each other."""
    if api.major == 1:
        return numpy.major >= 2
    return api.oldest is not None and numpy.release[:2] < tuple(map(int, api.oldest.split(".")))


def judge_numpy_api(
    distribution: Distribution,
    subject: str,
    binary: Binary,
    api: NumpyApi,
    numpy: Version,
    *,
    later: bool,
    survives: bool | None,
) -> Finding:
    """Report a module that refuses the installed numpy.

    :param later: whether it may do so later than when it is imported.
    :param survives: whether every import of it in its package survives a failure; None where nothing there imports it.
    """
    needs = "is compiled for numpy 1" if api.major == 1 else f"is compiled for numpy {api.oldest} or newer"
    if later:
        then = "it fails where it first meets an array"
    elif survives is False:
        then = "importing it fails"
    else:
        then = (
            "importing it fails, which its package survives"
            if survives
            else "importing it fails; what imports it was not found"
        )
    return Finding(
        rule=RULE,
        severity="error" if survives is False and not later else "warning",
        subject=subject,
        distribution=distribution.name,
        path=binary.path,
        message=f"{needs}, and numpy {numpy} is installed: {then}",
        remedy=_remedy(distribution, api, numpy),
    )


def _remedy(distribution: Distribution, api: NumpyApi, numpy: Version) -> str:
    installer = Installer.of(distribution)
    if api.major == 2 or distribution.name is None:
        return installer.other([f"numpy>={api.oldest}"])
    newer, older = update(distribution, [distribution.name]), installer.other(["numpy<2"])
    return f"{newer}; if no {distribution.name} is compiled for numpy {numpy.major}: {older}"
