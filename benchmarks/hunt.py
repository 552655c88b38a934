"""The hunt for false alarms: wheels of distributions that nobody chose for it, for five machines, judged by their own tags.

Usage: python benchmarks/hunt.py NAMES.txt OUT.jsonl [SECONDS]

Takes for each name and machine the wheel that uv would install, inspects it, asks LIEF about every error and warning, writes
a line, and removes the wheel. A second run goes on where the first one stopped. ``--table OUT.jsonl`` prints what came out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from independent import second_opinion

from pytest_archcheck import inspect

PYTHON = "3.11"
#: Machine -> what uv calls it.
MACHINES = {
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86_64": "x86_64-apple-darwin",
    "Linux x86_64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "musl x86_64": "x86_64-unknown-linux-musl",
}
_LARGEST = 400 << 20  # bytes installed


def wheel_of(name: str, machine: str, folder: Path) -> Path | None:
    """The wheel that uv takes for a machine; None where there is none with compiled files, or it is very large.

    uv installs it alone, and what it installed is packed again under the name that its WHEEL file gives it.
    """
    site = folder / "site"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-cache"]
    command += ["--python", sys.executable, "--target", str(site), "--python-version", PYTHON]
    command += ["--python-platform", MACHINES[machine], name]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "15.0"}
    subprocess.run(command, capture_output=True, check=False, timeout=600, env=environment)
    info = next(iter(site.glob("*.dist-info")), None)
    if info is None:
        return None
    tags = re.findall(r"^Tag: *(\S+)-(\S+)-(\S+?) *$", (info / "WHEEL").read_text(), re.MULTILINE)
    parts = [".".join(dict.fromkeys(tag[place] for tag in tags)) for place in range(3)]
    files = [Path(parent, file) for parent, _, names in os.walk(site) for file in names]
    if not tags or parts[2] == "any" or sum(file.stat().st_size for file in files) > _LARGEST:
        return None
    path = folder / f"{info.name.removesuffix('.dist-info')}-{'-'.join(parts)}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            if file.parent != info or file.name not in {"INSTALLER", "REQUESTED", "uv_cache.json", "direct_url.json"}:
                archive.write(file, str(file.relative_to(site)))
    return path


def judged(wheel: Path) -> dict[str, Any]:
    """What is said of a wheel, and what LIEF says of the same files."""
    begin = time.perf_counter()
    inspection = inspect(str(wheel))
    seconds = time.perf_counter() - begin
    loud = [one for one in inspection.findings if one.severity != "note"]
    with tempfile.TemporaryDirectory() as folder:
        if loud:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
        said = [
            {"rule": one.rule, "severity": one.severity, "path": one.path, "message": one.message, "remedy": one.remedy}
            | {"lief": second_opinion(Path(folder), one.path, one.rule, inspection.target.tag)}
            for one in loud
        ]
    binaries = sum(binary.format != "pe" for binary in inspection.binaries)
    return {"wheel": wheel.name, "binaries": binaries, "seconds": round(seconds, 3), "said": said}


def hunt(names: list[str], out: Path, seconds: float) -> None:
    """Go through all names, machine by machine for each."""
    end = time.monotonic() + seconds
    done = {tuple(json.loads(line)["of"]) for line in out.read_text().splitlines()} if out.exists() else set()
    with out.open("a") as file:
        for name in names:
            for machine in MACHINES:
                if (name, machine) in done or time.monotonic() > end:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    wheel = wheel_of(name, machine, Path(folder))
                    entry: dict[str, Any] = judged(wheel) if wheel else {}
                file.write(json.dumps({"of": [name, machine], **entry}) + "\n")
                file.flush()


def table(out: Path) -> None:
    """Print the counts by machine, and each error and warning."""
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    judged_ones = [entry for entry in entries if entry.get("binaries")]
    print(f"{len({entry['of'][0] for entry in judged_ones})} distributions, {len(judged_ones)} wheels")
    for machine in MACHINES:
        own = [entry for entry in judged_ones if entry["of"][1] == machine]
        said = Counter(one["severity"] for entry in own for one in entry["said"])
        print(f"| {machine} | {len(own)} | {sum(entry['binaries'] for entry in own)} | {said['error']} | {said['warning']} |")
    for entry in judged_ones:
        for one in entry["said"]:
            print(
                entry["wheel"],
                one["severity"],
                one["rule"],
                one["path"],
                one["message"][:200],
                "| LIEF:",
                one["lief"],
                sep=" | ",
            )


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        table(Path(sys.argv[2]))
    else:
        limit = float(sys.argv[3]) if len(sys.argv) > 3 else 1e9
        hunt(Path(sys.argv[1]).read_text().split(), Path(sys.argv[2]), limit)
