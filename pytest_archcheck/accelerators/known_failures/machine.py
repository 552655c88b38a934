"""Files for another machine, and code that macOS or the kernel refuses."""

from __future__ import annotations

from pytest_archcheck.accelerators.known_failures.row import BAD_SIGNATURE, GITHUB, ILLEGAL_INSTRUCTION, NATIVE, TENSORFLOW, row

_FILES = "run `pytest archcheck`: it names every such file, its distribution and the command to reinstall it"

ROWS = (
    row(
        r"mach-o file, but is an incompatible architecture|mach-o, but wrong architecture",
        "a file holds another architecture only",
        _FILES,
        "dyld: the wording of macOS 12 and later, and of macOS 11",
    ),
    row(
        r"fat file, but missing compatible architecture",
        "a file holds other architectures only",
        _FILES,
        "dyld: the wording of macOS 12 and later",
    ),
    row(
        r"compiled to use (?:AVX|SSE|FMA)\S* instructions, but these aren't available",
        "an x86_64 build runs where its instructions do not exist: under Rosetta, emulated, or on a processor that is too old",
        f"{NATIVE}; an Intel or AMD processor without them (grep -m1 -o avx /proc/cpuinfo says nothing) wants a build that "
        "does without",
        f"{TENSORFLOW}58339 (Rosetta); tensorflow/tensorflow issue 6896 (an old processor)",
    ),
    row(
        r"[Ii]llegal hardware instruction|Illegal instruction: 4",
        ILLEGAL_INSTRUCTION,
        NATIVE,
        f"{TENSORFLOW}44999; the texts of zsh and bash for SIGILL",
    ),
    row(
        r"different Team IDs",
        "macOS refuses code that another team signed (library validation)",
        "use another Python, or sign the file that the message names again: codesign --force --sign - and its path",
        "dyld and AMFI: code signature not valid for use in process: mapping process and mapped file have different Team IDs",
    ),
    row(
        r"(?:denied|blocked|disallowed) by system policy",
        "macOS's policy blocks the file: it carries a quarantine mark (a browser or another Mac brought it), or the Mac's "
        "administrator forbids it",
        "look for the mark: xattr -p com.apple.quarantine and the file's path; where it is there, install the package again "
        "on this Mac ({reinstall} and its name), or take it off: xattr -d com.apple.quarantine and the path; else ask who "
        "administers this Mac",
        f"{GITHUB}flet-dev/flet/issues/4543; robhagemans/pcbasic issue 131",
    ),
    row(
        r"code signature in .{0,400}not valid for use in process",
        "macOS does not accept the file's signature in this process: damaged, or made by another team (library validation)",
        f"to tell: codesign --verify --verbose and its path; damaged: {BAD_SIGNATURE}; else use another Python",
        "dyld and AMFI: code signature not valid for use in process",
    ),
    row(
        r"Code Signature Invalid",
        "arm64 code has an invalid signature, and macOS kills the process",
        BAD_SIGNATURE,
        "macOS crash reports: Termination Reason: CODESIGNING",
    ),
    row(
        r"duplicate LC_RPATH",
        "macOS 15.4 and later refuse a file that names one rpath twice",
        "run `pytest archcheck --archcheck-select duplicate-rpath`: it names the file and the command",
        "dyld-1284 (macOS 15.4): duplicate LC_RPATH",
    ),
    row(
        r"qemu: uncaught target signal|rosetta error: failed to open elf",
        "an amd64 image runs on an arm64 machine",
        "use a linux/arm64 image: give docker run and docker build --platform linux/arm64",
        f"{GITHUB}docker/for-mac/issues/7644; tensorchord/envd issue 881",
    ),
)
