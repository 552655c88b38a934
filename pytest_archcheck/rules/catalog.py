"""Every rule by name: what it says is wrong, and how bad that is unless the facts say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_archcheck.findings import Severity


class Rule(NamedTuple):
    """A rule's name, its usual severity, and one sentence that says when it is broken."""

    name: str
    severity: Severity
    summary: str


_ALL = (
    Rule("wrong-architecture", "error", "A file that gets loaded or run holds no slice for the target's architecture."),
    Rule("wrong-platform", "error", "A file is made for another operating system or C library than the target's."),
    Rule("wrong-python", "error", "A package has extension modules, and none of them is for the environment's Python."),
    Rule(
        "wrong-numpy", "error", "A package's modules were compiled for another numpy than the installed one, which they refuse."
    ),
    Rule("missing-dependency", "error", "A package that is not installed is surely imported by one that requires it."),
    Rule("missing-file", "error", "A compiled file that a package recorded is gone, or all of its files are."),
    Rule("newer-os-required", "warning", "A file says that it needs a newer OS (or glibc) than the target has."),
    Rule("unreadable-binary", "error", "A compiled file is damaged: the loader would refuse it, or nobody can read it."),
    Rule("unseen-folder", "warning", "A folder cannot be looked at: what it holds is not judged. A whole site is an error."),
    Rule("contested-file", "note", "Several distributions have recorded one file; the one that was installed last wrote it."),
    Rule("unsigned-binary", "error", "arm64 code for macOS is not signed, not even ad hoc: Apple Silicon does not run it."),
    Rule("invalid-signature", "error", "The signature of arm64 code for macOS does not fit its bytes: loading it is fatal."),
    Rule("duplicate-rpath", "error", "A file names one rpath twice and its SDK is so new that dyld refuses that."),
    Rule("duplicate-library", "error", "A file links one library twice and its SDK is so new that dyld refuses that."),
    Rule("missing-uuid", "error", "A file has no LC_UUID and its SDK is so new that dyld refuses that."),
    Rule("missing-library", "error", "A file links to a library that is nowhere."),
    Rule("library-wrong-architecture", "error", "A file links to a library that has no slice for the target's architecture."),
    Rule("library-outside-environment", "warning", "A file links to a library of the target's system that nobody can look at."),
    Rule("missing-symbol", "error", "A file needs a symbol that the library it links to does not offer."),
    Rule("plugin-incompatible", "error", "A TensorFlow plugin cannot be loaded into the TensorFlow beside it."),
    Rule("plugin-loaded-twice", "error", "TensorFlow reaches one plugin by two names, or two of one kind, and aborts."),
    Rule("plugin-not-searched", "warning", "A TensorFlow plugin lies where TensorFlow does not look: it is silently ignored."),
    Rule("plugin-replaced", "warning", "A TensorFlow plugin is not the file that its distribution installed."),
    Rule("unreadable-wheel", "error", "A wheel is damaged, or laid out so that installers refuse it."),
    Rule("mistagged-wheel", "note", "A wheel's tags promise a machine that its binaries do not serve."),
    Rule("emulated-interpreter", "error", "The running Python is emulated: by Rosetta, or by QEMU (a warning on Linux)."),
    Rule("single-slice-packages", "note", "A Python for arm64 and x86_64 has packages for one of them only."),
    Rule("wrong-conda-subdir", "warning", "conda packages, or a setting of conda, are for another platform than the target's."),
    Rule("conflicting-distributions", "warning", "Installed packages break each other although pip accepts them together."),
    Rule("mixed-installers", "note", "pip (or another installer) put a package over one of conda's."),
    Rule("duplicate-distribution", "note", "One project is installed more than once."),
    Rule("duplicate-runtime", "note", "Several packages bring an OpenMP runtime of their own."),
    Rule("no-wheel-for-target", "error", "A lock file names a package that has nothing to install on the target."),
    Rule("lock-excludes-target", "error", "A lock file says that it is not for the target or its Python."),
    Rule("source-only", "warning", "A lock file names a package that has no wheel for the target and would be built there."),
    Rule("import-failed", "error", "A framework cannot be imported: it raises an error."),
    Rule("import-crashed", "error", "Importing a framework ends the process: a signal, or an exit."),
    Rule("probe-timeout", "error", "A framework did not import or compute before the deadline."),
    Rule("no-gpu", "note", "A framework sees no GPU; an error where one is expected or required."),
    Rule("matmul-failed", "error", "A framework lists a device, but a matmul on it ends in an error or a crash."),
    Rule("wrong-device", "error", "A framework does work elsewhere than on the device that it was told."),
    Rule("wrong-result", "error", "A framework's matmul gives wrong numbers."),
    Rule("slow-matmul", "error", "A matmul is slower than a gate allows, or (a note) takes longer on the GPU than on the CPU."),
    Rule("unsteady-matmul", "note", "The repeats of a benchmark differ so much that its speed says little."),
    Rule("stale-allow-line", "error", "A line of archcheck_allow allows a finding that is not there (any more)."),
    Rule("unmet-requirement", "error", "What --archcheck-require asks for does not hold."),
)

#: In the order in which the documentation shows them.
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
