"""Outcomes that one process finds out and others of the same run read: a framework is probed once, also under pytest-xdist."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_archcheck import limits
from pytest_archcheck.accelerators.model import Device, Framework, Installed, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL = 0.1  # seconds between two looks for another process's answer


class Memory:
    """Remembers outcomes; with a folder, together with the other processes that use it."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._known: dict[str, Outcome] = {}
        self._said: set[str] = set()

    def outcome(self, key: str, framework: Framework, ask: Callable[[], Outcome], deadline: float) -> Outcome:
        """Return what is known by ``key`` (a file name), or ask.

        Where another process is asking, wait for its answer: at most ``deadline`` seconds and a while, and not for a process
        that is gone.
        """
        if key not in self._known:
            self._known[key] = ask() if self._folder is None else self._together(self._folder, key, framework, ask, deadline)
        return self._known[key]

    def first(self, key: str) -> bool:
        """Whether nobody has asked that of this key yet: what shall be said once a run."""
        if key in self._said:
            return False
        self._said.add(key)
        if self._folder is None:
            return True
        try:
            os.makedirs(self._folder, 0o700, exist_ok=True)
            os.close(os.open(os.path.join(self._folder, f"{key}.said"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        except OSError:
            return True  # nothing can be written there: rather twice than not at all
        return True

    def _together(self, folder: str, key: str, framework: Framework, ask: Callable[[], Outcome], deadline: float) -> Outcome:
        answer, claim = os.path.join(folder, key), os.path.join(folder, f"{key}.claim")
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            descriptor = os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return self._wait(answer, claim, framework, time.monotonic() + deadline + limits.OTHER_PROBE_SECONDS) or ask()
        except OSError:
            return ask()  # nothing can be written there
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        try:
            outcome = ask()
        except BaseException:  # whoever waits for an answer must not wait for one that never comes
            os.remove(claim)
            raise
        partial = f"{answer}.part"
        with open(partial, "w", encoding="ascii") as file:
            json.dump(to_dict(outcome), file)
        os.replace(partial, answer)
        return outcome

    def _wait(self, answer: str, claim: str, framework: Framework, until: float) -> Outcome | None:
        while time.monotonic() < until:
            alive = _owner_lives(claim)
            try:
                with open(answer, encoding="ascii") as file:
                    return from_dict(json.load(file), framework)
            except FileNotFoundError:
                if not alive:
                    return None
            time.sleep(_POLL)
        return None


def _owner_lives(claim: str) -> bool:
    try:
        with open(claim, encoding="ascii") as file:
            text = file.read()
    except OSError:
        return False
    if not text.isdigit() or os.name == "nt":
        return True  # just claimed and not yet signed; and Windows' os.kill(pid, 0) ends the process
    try:
        os.kill(int(text), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return JSON values; the framework is not among them."""
    return {name: value for name, value in asdict(outcome).items() if name != "framework"}


def from_dict(data: dict[str, Any], framework: Framework) -> Outcome:
    """Read back what :func:`to_dict` gave."""
    devices = tuple(Device(**device) for device in data.pop("devices"))
    device, here, plugin = data.pop("device"), data.pop("installed"), data.pop("plugin")
    return Outcome(
        framework=framework,
        devices=devices,
        device=None if device is None else Device(**device),
        installed=None if here is None else Installed(**here),
        plugin=None if plugin is None else Installed(**plugin),
        **data,
    )
