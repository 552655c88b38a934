"""The hunt for false alarms and misses: wheels of distributions that nobody chose for it, for five machines.

Usage: python benchmarks/hunt.py fetch NAMES.txt FOLDER       download them with pip, one folder a machine
       python benchmarks/hunt.py judge FOLDER OUT.jsonl [MB]  judge those not judged yet; then larger ones are removed
       python benchmarks/hunt.py together GROUPS OUT.jsonl   the names of each line with all that they require, by uv
       python benchmarks/hunt.py table OUT.jsonl              what came out, as the evidence has it, and each error and warning

Each wheel is judged by its own tags and, unpacked as an installer does it, for its machine. LIEF says of each error and
warning what it sees in the file. Linux x86_64 has a further judge: what dlopen refuses of the unpacked files, and of which
nothing at all is said, may be a miss.
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
from typing import TYPE_CHECKING, Any, NamedTuple

from independent import second_opinion

from pytest_archcheck import inspect

if TYPE_CHECKING:
    from pytest_archcheck.findings import Finding
    from pytest_archcheck.inspection import Inspection

PYTHON = "3.11"
#: Seconds for one download.
_PATIENCE = 300
_CHILD = Path(__file__).parent.parent / "tests" / "support" / "dlopen_child.py"


class Machine(NamedTuple):
    """A machine to install for."""

    #: Wheel tag: the target.
    tag: str
    #: What uv calls it.
    uv: str
    #: The platforms that pip is told; it knows the older ones of macOS by itself.
    pip: tuple[str, ...]


def _manylinux(processor: str, oldest: int) -> tuple[str, ...]:
    return (*(f"manylinux_2_{minor}_{processor}" for minor in range(28, oldest - 1, -1)), f"manylinux2014_{processor}")


MACHINES = {
    "macOS arm64": Machine("macosx_14_0_arm64", "aarch64-apple-darwin", ("macosx_14_0_arm64",)),
    "macOS x86_64": Machine("macosx_12_0_x86_64", "x86_64-apple-darwin", ("macosx_12_0_x86_64",)),
    "Linux x86_64": Machine(
        "manylinux_2_28_x86_64",
        "x86_64-manylinux_2_28",
        (*_manylinux("x86_64", 5), "manylinux2010_x86_64", "manylinux1_x86_64"),
    ),
    "Linux aarch64": Machine("manylinux_2_28_aarch64", "aarch64-manylinux_2_28", _manylinux("aarch64", 17)),
    "musl x86_64": Machine(
        "musllinux_1_2_x86_64", "x86_64-unknown-linux-musl", ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64")
    ),
}


def fetch(names: list[str], folder: Path) -> None:
    """Download the wheels; what is for every machine is let go. A second run goes on where the first one stopped."""
    done = folder / "done.txt"
    seen = set(done.read_text().split()) if done.exists() else set()
    for name in names:
        if name in seen:
            continue
        for machine in MACHINES.values():
            (folder / machine.tag).mkdir(parents=True, exist_ok=True)
            wheel = download(name, machine, folder / machine.tag)
            if wheel and wheel.name.endswith("-any.whl"):
                wheel.unlink()
                break
        with done.open("a") as file:
            file.write(f"{name}\n")


def download(name: str, machine: Machine, folder: Path) -> Path | None:
    """The wheel that pip takes for a machine; None for none."""
    before = set(folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-cache-dir", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", PYTHON, "--implementation", "cp", "--dest", str(folder)]
    for platform in machine.pip:
        command += ["--platform", platform]
    subprocess.run([*command, name], capture_output=True, check=False, timeout=_PATIENCE)
    return next(iter(set(folder.glob("*.whl")) - before), None)


def unpack(wheel: Path, site: Path) -> None:
    """Put a wheel's files where an installer puts them."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for data in site.glob("*.data"):
        for kind in data.iterdir():
            goal = site if kind.name in {"purelib", "platlib"} else site / "bin" if kind.name == "scripts" else site.parent
            for parent, _, files in os.walk(kind):
                there = goal / os.path.relpath(parent, kind)
                there.mkdir(parents=True, exist_ok=True)
                for file in files:
                    os.replace(Path(parent, file), there / file)
        record = next(site.glob("*.dist-info/RECORD"))
        lines = re.sub(rf"(?m)^{re.escape(data.name)}/(?:pure|plat)lib/", "", record.read_text())
        record.write_text(re.sub(rf"(?m)^{re.escape(data.name)}/scripts/", "bin/", lines))


def judged(wheel: Path, target: str) -> dict[str, Any]:
    """What is said of a wheel, and what LIEF and dlopen say of the same files."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "site")
        raw = Path(folder, "raw")
        begin = time.perf_counter()
        inspections = {"wheel": inspect(str(wheel), "host")}
        seconds = time.perf_counter() - begin
        unpack(wheel, site)
        inspections["folder"] = inspect(str(site), target)
        said = []
        for way, inspection in inspections.items():
            # What the wheel requires is not there on purpose.
            loud = [one for one in inspection.findings if one.severity != "note" and one.rule != "missing-dependency"]
            if loud and way == "wheel":
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(raw)
            said += [said_of(way, one, site if way == "folder" else raw, target) for one in loud]
        entry = {"wheel": wheel.name, "machine": target, "seconds": round(seconds, 3), "said": said}
        entry["binaries"] = sum(binary.format != "pe" for binary in inspections["wheel"].binaries)
        entry["notes"] = sum(one.severity == "note" for one in inspections["folder"].findings)
        if target.startswith("manylinux") and target.endswith(os.uname().machine):
            entry["loads"], entry["unsaid"] = unsaid(inspections["folder"], site)
    return entry


def unsaid(inspection: Inspection, site: Path) -> tuple[int, dict[str, str]]:
    """How many extension modules dlopen takes, and what it says of those that it does not and of which nothing is said."""
    modules = [binary.file for binary in inspection.binaries if binary.role == "extension" and binary.format == "elf"]
    command = [sys.executable, "-I", str(_CHILD)]
    child = subprocess.run(command, input=json.dumps(modules), capture_output=True, text=True, check=True)
    answers = {os.path.relpath(path, site): error for path, error in json.loads(child.stdout).items()}
    texts = [f"{one.path} {one.message}" for one in inspection.findings]
    refused = {path: error for path, error in answers.items() if error and not any(path in text for text in texts)}
    return sum(error is None for error in answers.values()), refused


def together(groups: list[list[str]], out: Path) -> None:
    """Judge environments of several distributions with all that they require."""
    done = {tuple(json.loads(line)["of"]) for line in out.read_text().splitlines()} if out.exists() else set()
    for group in groups:
        for name, machine in MACHINES.items():
            if (name, *group) in done:
                continue
            with tempfile.TemporaryDirectory() as folder:
                site = Path(folder).resolve() / "site"
                wanted = group
                if not install(wanted, machine, site):  # what does not exist for this machine, or fits no other
                    wanted = [one for one in group if install([one], machine, site, "--dry-run")]
                entry: dict[str, Any] = {"of": [name, *group], "machine": machine.tag, "wheel": f"{name}: {' '.join(wanted)}"}
                entry |= {"binaries": 0, "said": []}
                if wanted == group or (wanted and install(wanted, machine, site)):
                    inspection = inspect(str(site), machine.tag)
                    loud = [one for one in inspection.findings if one.severity != "note"]
                    entry["distributions"] = sorted({one.name for one in inspection.distributions if one.name})
                    entry["binaries"] = sum(binary.format != "pe" for binary in inspection.binaries)
                    entry["said"] = [said_of("folder", one, site, machine.tag) for one in loud]
                    if machine.tag.startswith("manylinux") and machine.tag.endswith(os.uname().machine):
                        entry["loads"], entry["unsaid"] = unsaid(inspection, site)
            with out.open("a") as file:
                file.write(json.dumps(entry) + "\n")


def install(names: list[str], machine: Machine, site: Path, *options: str) -> bool:
    """Whether uv installs distributions with all that they require."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--only-binary", ":all:", "--python", sys.executable]
    command += ["--target", str(site), "--python-version", PYTHON, "--python-platform", machine.uv, *options, *names]
    oldest = {"MACOSX_DEPLOYMENT_TARGET": ".".join(machine.tag.split("_")[1:3])} if machine.tag.startswith("macosx") else {}
    done = subprocess.run(command, capture_output=True, check=False, timeout=600, env={**os.environ, **oldest})
    return done.returncode == 0


def said_of(way: str, finding: Finding, folder: Path, target: str) -> dict[str, Any]:
    """A finding, with what LIEF says."""
    facts = {key: getattr(finding, key) for key in ("rule", "severity", "path", "message", "remedy")}
    return {"way": way, **facts, "lief": second_opinion(folder, finding.path, finding.rule, target)}


def judge(folder: Path, out: Path, keep: int) -> None:
    """Judge what has not been judged yet."""
    entries = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = {(entry["wheel"], entry["machine"]) for entry in entries}
    for machine in MACHINES.values():
        for wheel in sorted((folder / machine.tag).glob("*.whl")):
            if (wheel.name, machine.tag) not in done and zipfile.is_zipfile(wheel):
                with out.open("a") as file:
                    file.write(json.dumps(judged(wheel, machine.tag)) + "\n")
            if wheel.stat().st_size > keep:
                wheel.unlink()


def table(out: Path) -> None:
    """Print the counts by machine, and each error and warning."""
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    entries = [entry for entry in entries if entry["binaries"]]
    names = {entry["wheel"].partition("-")[0] for entry in entries}
    print(f"{len(names)} distributions, {len(entries)} wheels")
    for name, machine in MACHINES.items():
        own = [entry for entry in entries if entry["machine"] == machine.tag]
        said = Counter((one["way"], one["severity"]) for entry in own for one in entry["said"])
        counts = [said[way, severity] for way in ("wheel", "folder") for severity in ("error", "warning")]
        print("|", name, "|", len(own), "|", sum(entry["binaries"] for entry in own), "|", " | ".join(map(str, counts)), "|")
    for entry in entries:
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for one in entry["said"]:
            groups.setdefault((one["way"], one["severity"], one["rule"]), []).append(one)
        for group, ones in groups.items():
            words = [
                ones[0]["path"],
                ones[0]["message"][:260],
                f"remedy: {ones[0]['remedy'][:160]}",
                f"LIEF: {ones[0]['lief']}",
            ]
            print(entry["wheel"], *group, len(ones), *words, sep=" | ")
        for path, error in entry.get("unsaid", {}).items():
            print(entry["wheel"], "not said", path, error, sep=" | ")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fetch", names, folder]:
            fetch(Path(names).read_text().split(), Path(folder))
        case ["together", names, out]:
            together([line.split() for line in Path(names).read_text().splitlines()], Path(out))
        case ["judge", folder, out, *megabytes]:
            judge(Path(folder), Path(out), (int(megabytes[0]) if megabytes else 25) << 20)
        case ["table", out]:
            table(Path(out))
        case _:
            sys.exit(__doc__)
