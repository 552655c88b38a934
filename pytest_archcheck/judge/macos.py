"""What dyld and the kernel would make of an environment's Mach-O files: load commands, signatures, links, symbols, plugins."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_archcheck.binaries.model import Binary, MachOSlice
from pytest_archcheck.findings import Skipped
from pytest_archcheck.judge.homes import python_of
from pytest_archcheck.loader.macho_links import MachOLinks
from pytest_archcheck.loader.macho_search import SYSTEM_FOLDERS
from pytest_archcheck.loader.signing import Signature, read_signature
from pytest_archcheck.loader.symbol_pairs import check_pairs
from pytest_archcheck.loader.tensorflow_plugins import (
    active_plugin_folders,
    check_plugin,
    is_plugin,
    is_replaced,
    tensorflow_beside,
)
from pytest_archcheck.rules.architecture import serving_slices
from pytest_archcheck.rules.elsewhere import elsewhere
from pytest_archcheck.rules.load_commands import judge_load_commands
from pytest_archcheck.rules.macho_links import judge_macho_links
from pytest_archcheck.rules.signing import judge_signatures, needs_signature
from pytest_archcheck.rules.symbols import judge_pairs
from pytest_archcheck.rules.tensorflow_plugins import judge_lonely_plugin, judge_plugin, judge_plugin_folders, judge_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_archcheck.discover.model import Distribution, Environment
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.judge.access import Access
    from pytest_archcheck.loader.macho_search import Resolution
    from pytest_archcheck.loader.macho_symbols import Provider
    from pytest_archcheck.loader.optional import PythonSources
    from pytest_archcheck.loader.signing import SignatureKind
    from pytest_archcheck.machine.target import Target

#: A distribution with the subject of the check that speaks of it.
Owned = tuple["Distribution", str]


@lru_cache(maxsize=64)
def _one(architecture: str, kind: SignatureKind) -> dict[str, SignatureKind]:
    """Most files have one slice, and it is signed as most are: one value for all of them, which nobody changes."""
    return {architecture: kind}


class MacJudge:
    """The work on one environment for a macOS target."""

    def __init__(
        self,
        environment: Environment,
        target: Target,
        owners: Mapping[str, Owned],
        access: Access,
        sources: PythonSources,
    ) -> None:
        """Take the environment and, for each file, the distribution that owns it with its subject."""
        self._environment = environment
        self._target = target
        self._owners = owners
        self._access = access
        self._links = MachOLinks(environment, target, sources)
        self.skipped: list[Skipped] = []
        #: File -> architecture -> what the signature is worth.
        self.signatures: dict[str, dict[str, SignatureKind]] = {}

    def slices(self, distribution: Distribution, subject: str) -> Iterator[Finding]:
        """Judge load commands and signatures of the slices that the target would use."""
        signatures = []
        for binary in distribution.binaries:
            if binary.format != "mach-o" or binary.problem:
                continue
            for piece in serving_slices(binary, self._target):
                if not isinstance(piece, MachOSlice) or piece.platform != "macos":
                    continue  # wrong-platform has said it
                yield from judge_load_commands(binary, piece, subject=subject, distribution=distribution, target=self._target)
                if needs_signature(binary, piece, self._target) and (signature := self._signature(binary, piece)):
                    signatures.append((binary, piece, signature))
        yield from judge_signatures(distribution, subject, signatures)

    def _signature(self, binary: Binary, piece: MachOSlice) -> Signature | None:
        if binary.path in self._access.partial:  # said where it was read
            return None
        signature = self._access.signatures.get((binary.location, binary.path, piece.extent.offset))
        if signature is None:
            try:
                with self._access.opener(binary.file) as source:
                    signature = read_signature(source, piece, all_pages=self._access.all_pages)
            except OSError as error:
                self.skipped.append(Skipped(binary.file, f"its signature cannot be read: {error.strerror or error}"))
                return None
        known = self.signatures.get(binary.file)
        one = _one(piece.architecture, signature.kind)
        self.signatures[binary.file] = one if known is None else known | one
        return signature

    def links(self, problems: Mapping[str, str]) -> list[Finding]:
        """Judge linked libraries; ``problems``: file -> the subject under which it is an error already."""
        return judge_macho_links(self._links.broken(), self._owners, problems, elsewhere(self._environment))

    def symbols(self) -> Iterator[Finding]:
        """Compare the symbols that files need with those that the libraries of other distributions offer."""
        others = self._links.search.images_linked_to_others(self._name_of_owner)
        linked = [image for image in others if not is_plugin(image[0])]
        for architecture in self._target.architectures:
            images = [image for image in linked if image[1].architecture == architecture]
            report = check_pairs(images, self._name_of_owner, self._providers)
            self.skipped += [Skipped(binary.file, f"its symbols: {reason}") for binary, reason in report.unread]
            for pair in report.broken:
                distribution, subject = self._owners[pair.binary.file]
                yield from judge_pairs(distribution, subject, [pair], lambda other: self._owners[other.file][0])

    def _name_of_owner(self, binary: Binary) -> str | None:
        return self._owners[binary.file][0].name

    def _providers(self, binary: Binary, piece: MachOSlice) -> Sequence[Provider]:
        """Who serves each linked library; None where only an install name matches, and that is not certain."""
        resolve = self._links.search.resolve
        return [
            "system"
            if library.name.startswith(SYSTEM_FOLDERS)
            else self._provider(binary, resolve(binary, piece, library.name))
            for library in piece.libraries
        ]

    def _provider(self, binary: Binary, found: Resolution) -> Provider:
        if found.status == "system":
            return "system"
        return found.provider if found.status == "found" or self._is_meant(binary, found) else None

    def _is_meant(self, binary: Binary, found: Resolution) -> bool:
        """Whether a library that is loaded before, and only so found, is surely that one: torchvision's modules and torch's.

        Nothing else has its install name, and the module's distribution requires the one that brings it. PyQt's plugins name
        frameworks that only PySide brings, and do without them.
        """
        if not found.alone or found.provider is None or binary.role != "extension":
            return False
        user, other = self._owners[binary.file][0], self._owners[found.provider.file][0]
        return other.name is not None and other.name in user.requires

    def plugins(self) -> Iterator[Finding]:
        """Judge TensorFlow's plugins: whether each loads, and whether it is found once."""
        plugins = [binary for binary in self._environment.binaries if is_plugin(binary) and not binary.problem]
        for plugin in plugins:
            distribution, subject = self._owners[plugin.file]
            yield from self._plugin(plugin, distribution, subject)
            if distribution.metadata and is_replaced(plugin, distribution.metadata):
                yield judge_replaced(distribution, subject, plugin)
        if plugins and self._environment.kind == "active":
            distribution, subject = self._owners[plugins[0].file]
            yield from judge_plugin_folders(distribution, subject, active_plugin_folders())

    def _plugin(self, plugin: Binary, distribution: Distribution, subject: str) -> Iterator[Finding]:
        tensorflow = tensorflow_beside(plugin, self._environment.binaries)
        if not tensorflow:
            yield judge_lonely_plugin(distribution, subject, plugin, elsewhere(self._environment))
            return
        interpreter = self._environment.interpreter
        for architecture in self._target.architectures:
            verdict = check_plugin(plugin, architecture, tensorflow)
            if verdict is None:
                continue
            yield from judge_plugin(
                distribution,
                subject,
                plugin,
                verdict,
                tensorflow=self._owners[tensorflow[0].file][0],
                target=self._target,
                python=interpreter.version if interpreter else python_of(self._environment),
            )
            unchecked = sum(count for _, count in verdict.unchecked)
            if unchecked:
                reason = f"{unchecked} of its symbols come from macOS itself, which cannot be looked at from here"
                self.skipped.append(Skipped(plugin.file, reason))
            if verdict.problem:
                self.skipped.append(Skipped(plugin.file, f"its symbols: {verdict.problem}"))
