"""Metal by ctypes, against a C library that answers as Apple's do: real calls through real function types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support import frameworks

from pytest_archcheck.accelerators import probe
from pytest_archcheck.accelerators.child import metal

if TYPE_CHECKING:
    from pathlib import Path

_OBJECTIVE_C = """
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

/* A selector is its name; an object is a small number: 1 the list, 2 and 3 its devices, 4 and 5 their names. */
const char *sel_registerName(const char *name) { return strdup(name); }

uintptr_t objc_msgSend(uintptr_t object, const char *selector, uintptr_t argument) {
  if (strcmp(selector, "count") == 0) return object == 1 ? DEVICES : 0;
  if (strcmp(selector, "objectAtIndex:") == 0) return 2 + argument;
  if (strcmp(selector, "name") == 0) return object + 2;
  if (strcmp(selector, "UTF8String") == 0) return (uintptr_t)(object == 4 ? "Apple M2" : "Apple Paravirtual device");
  if (strcmp(selector, "hasUnifiedMemory") == 0) return object == 2 ? 0x5501 : 0x5500; /* BOOL is the lowest byte */
  if (strcmp(selector, "recommendedMaxWorkingSetSize") == 0) return (uint64_t)12 << 30;
  if (strcmp(selector, "supportsFamily:") == 0) return object == 2 && argument == 5001;
  return 0;
}

void *MTLCopyAllDevices(void) { return (void *)(uintptr_t)LIST; }
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="imitates Apple's libraries where there are none")


def fake(folder: Path, devices: int, whole: int = 1) -> str:
    code = f"#define DEVICES {devices}\n#define LIST {whole}\n{_OBJECTIVE_C}"
    return str(frameworks.build_library(code, folder / "libfake.so"))


def test_two_devices(tmp_path: Path) -> None:
    library = fake(tmp_path, 2)
    first, second = metal.list_devices(library, library)
    assert first == {
        "name": "Metal:0",
        "kind": "gpu",
        "platform": "METAL",
        "description": "Apple M2",
        "unified_memory": True,
        "working_set": 12 * 2**30,
        "metal3": True,
    }
    assert (second["description"], second["unified_memory"], second["metal3"]) == ("Apple Paravirtual device", False, False)


def test_no_device(tmp_path: Path) -> None:
    library = fake(tmp_path, 0)
    assert metal.list_devices(library, library) == []


def test_no_list(tmp_path: Path) -> None:
    library = fake(tmp_path, 0, 0)
    assert metal.list_devices(library, library) == []


def test_linux_has_no_metal() -> None:
    outcome = probe.probe_metal(60)
    assert outcome.status == "no-gpu"
    assert outcome.message == "there is no Metal framework on this system"
