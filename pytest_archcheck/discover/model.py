"""What was found on disk: environments, their distributions and their interpreter, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from pytest_archcheck.binaries.model import Binary
from pytest_archcheck.findings import Skipped
from pytest_archcheck.machine.host import Emulation, Host

#: The subject of the check that speaks of the interpreter and its standard library.
INTERPRETER_SUBJECT = "environment::interpreter"

#: How a Python came onto the machine.
Provider = Literal["python.org", "homebrew", "conda", "uv", "pyenv", "xcode"]
EnvironmentKind = Literal["active", "venv", "conda", "site-packages", "folder", "wheel", "lock"]


class Interpreter(NamedTuple):
    """The Python that an environment belongs to."""

    #: Absolute path of the executable, symbolic links resolved.
    path: str
    #: ``3.11.7``; ``None`` where it is not recorded.
    version: str | None
    #: Architectures of the executable's own slices.
    architectures: tuple[str, ...]
    #: The build, as in :data:`sys.abiflags`: ``t`` free-threaded, ``d`` debug; None where nothing tells.
    abiflags: str | None = None
    #: As in :data:`sys.implementation`.
    implementation: str = "cpython"
    #: Only known of the running interpreter.
    emulation: Emulation | None = None
    #: The executable and the compiled files of its standard library.
    binaries: tuple[Binary, ...] = ()
    #: None where its path does not tell.
    provider: Provider | None = None
    #: What starts it, as it was called; only known of the running interpreter.
    command: str | None = None
    #: The machine and the process; only known of the running interpreter.
    host: Host | None = None


class Home(NamedTuple):
    """Where installers have to be told to work, so that they change the inspected environment; empty: where the shell is."""

    #: What starts its pip: ``(".venv/bin/python", "-m", "pip")``.
    pip: tuple[str, ...] = ("pip",)
    #: How uv is told the place: ``("--python", ".venv")``, ``("--target", "folder")``.
    folder_for_uv: tuple[str, ...] = ()
    #: How uv is told the machine, where that is another one: ``("--python-platform", "aarch64-apple-darwin", ...)``.
    platform: tuple[str, ...] = ()
    #: The macOS that uv takes wheels for, with :attr:`platform`.
    oldest_macos: str | None = None
    #: The tag of wheels for both architectures of a Mac, where it is to hold both: no installer takes two platforms.
    both: str | None = None
    #: pip would do harm there: it fills folders without looking at what lies in them, and with files for this machine.
    only_uv: bool = False
    #: How conda is told the place: ``("--prefix", "env")``.
    for_conda: tuple[str, ...] = ()
    #: The platform that conda has to be told.
    conda_subdir: str | None = None
    #: Why nothing that is typed here reaches it; what is to be typed there stands after it: ``in the image``.
    elsewhere: str | None = None


class Distribution(NamedTuple):
    """An installed project and the compiled files that it owns; ``name`` is None for the files that nobody owns."""

    #: Normalised (``scikit-learn``).
    name: str | None
    version: str | None
    #: Contents of INSTALLER (``pip``, ``uv``, ``conda``, ...), or ``conda`` for a package known from conda-meta alone.
    installer: str | None
    #: ``Tag:`` lines of the WHEEL file, expanded: ``cp311-cp311-macosx_11_0_arm64``.
    tags: tuple[str, ...]
    #: The folder that the binaries' paths are relative to.
    location: str
    binaries: tuple[Binary, ...]
    #: The dist-info, egg-info or conda-meta entry that says so.
    metadata: str | None = None
    editable: bool = False
    #: The project's folder if it was installed in editable mode and says where it lies.
    root: str | None = None
    #: Names of the projects that an installed one requires, normalised, and of those that only its extras require.
    requires: tuple[str, ...] = ()
    for_extras: tuple[str, ...] = ()
    #: None: what is installed where the shell is.
    home: Home | None = None

    def __repr__(self) -> str:
        """One line: it may own thousands of files."""
        return f"<Distribution {self.title} in {self.location}: compiled files {len(self.binaries)}>"

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel: a file that is not installed."""
        return self.metadata is not None and self.metadata == self.location

    @property
    def title(self) -> str:
        """``numpy 2.0.2``, or ``files of no distribution``."""
        if self.name is None:
            return "files of no distribution"
        return f"{self.name} {self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledProject:
    """The metadata folder of an installed project, whether or not it owns a compiled file."""

    #: Normalised.
    name: str
    version: str | None
    #: The site directory.
    location: str
    #: The dist-info or egg-info entry.
    metadata: str
    #: ``Tag:`` lines of the WHEEL file, expanded.
    tags: tuple[str, ...] = ()
    #: Contents of INSTALLER.
    installer: str | None = None
    #: ``Requires-Dist`` lines; read for TensorFlow's packages, and where they name a project that is not installed.
    requires: tuple[str, ...] = ()
    editable: bool = False
    #: False for a metapackage: nothing but metadata and scripts.
    has_modules: bool = True
    #: The metadata folder itself is in a conda record.
    by_conda: bool = False
    #: Conda packages (``numpy 1.26.4``) whose name or files it shares although no conda record knows its metadata.
    over_conda: tuple[str, ...] = ()
    #: Compiled files that it recorded and that are not there; not of what conda or a developer's checkout brings.
    lost: tuple[str, ...] = ()
    #: Nothing is there but its metadata.
    is_gone: bool = False
    #: None: what is installed where the shell is.
    home: Home | None = None

    @property
    def title(self) -> str:
        """``numpy 2.0.2``."""
        return f"{self.name} {self.version}" if self.version else self.name


class CondaPrefix(NamedTuple):
    """What conda says of a prefix."""

    path: str
    #: (name, version, subdir) of each record: ``("numpy", "1.26.4", "osx-64")``.
    packages: tuple[tuple[str, str | None, str | None], ...]
    #: (where it is said, subdir) of each setting that decides what conda installs from now on.
    settings: tuple[tuple[str, str], ...] = ()


class Environment(NamedTuple):
    """One inspected place."""

    kind: EnvironmentKind
    #: The path as given, made absolute; the prefix for the active environment.
    path: str
    #: Short name, unique in a run: the first part of ids when several environments are inspected.
    label: str
    interpreter: Interpreter | None
    #: Sorted by name, the unowned files last.
    distributions: tuple[Distribution, ...]
    skipped: tuple[Skipped, ...] = ()
    #: Directory entries seen by the walk.
    files: int = 0
    #: Every installed project, also those without a compiled file.
    projects: tuple[InstalledProject, ...] = ()
    #: None where conda did not make it.
    conda: CondaPrefix | None = None
    #: Its site directories that its interpreter does not read: they are another version's, which is not there.
    unread_sites: tuple[str, ...] = ()
    #: The folders that its Python imports from, its standard library's apart; those of a plain folder may not be all.
    search_path: tuple[str, ...] = ()
    #: Whether those are all of them.
    is_whole: bool = False
    #: The root of another machine's file system that it lies in: an extracted image.
    root: str | None = None
    #: Of a lock: the Python that it was judged for.
    python: str | None = None
    #: The folders that hold Python files, of all that was walked; sorted.
    python_folders: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line, as a distribution's."""
        return f"<Environment {self.label} ({self.kind}): {len(self.distributions)} distributions in {self.path}>"

    @property
    def binaries(self) -> tuple[Binary, ...]:
        """Every compiled file, the interpreter's first."""
        own = self.interpreter.binaries if self.interpreter else ()
        return own + tuple(binary for dist in self.distributions for binary in dist.binaries)
