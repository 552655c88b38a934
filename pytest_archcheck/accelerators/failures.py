"""What failures say: a known text with its cause and remedy, and else the line that tells most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_archcheck.accelerators.known_failures import TABLE

if TYPE_CHECKING:
    from pytest_archcheck.accelerators.known_failures.row import Known

#: Lines that a fatal end begins with, the first kind found is taken: what was said before it may be an older story.
_FATAL = (
    # absl and glog: "F0000 00:00:17 1 file.cc:1] ..."; TensorFlow: "2024-01-01 00:00:00.0: F tensorflow/file.cc:1] ..."
    re.compile(r"^F\d{4} \d|: F \S+:\d+\] |\bCheck failed: |\bRAW: "),
    # The C++ runtimes, Objective-C, dyld, ld.so, and asserts of C
    re.compile(r"^(?:libc\+\+abi: )?terminat(?:e called|ing)|^\*\*\* Terminating app|^dyld(?:\[\d+\])?: |Assertion .*failed"),
    re.compile(r"symbol lookup error|error while loading shared libraries|cannot open shared object file|Symbol not found"),
    re.compile(r"^Fatal Python error: (?!Segmentation fault|Aborted|Illegal instruction|Bus error)"),
    re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): "),
    re.compile(r"^(?:ERROR|FATAL|E\d{4})\b|: E \S+:\d+\] "),
)

#: Lines that say nothing of a cause: information and warnings, addresses, frames of a stack (our own bootstrap's among them),
#: what faulthandler puts around them.
_IDLE = re.compile(
    r"^[IW]\d{4} \d|: [IW] \S+:\d+\] |^\s*(?:@\s+)?(?:\[?0x[0-9a-f]+\]?[,\s]*)+|^\s*\d+\s+\S+\s+0x[0-9a-f]+"
    r"|^\s*File \"|^(?:Current t|T)hread 0x|^Traceback \(most recent|^\s*\^+\s*$|^Extension modules: |^\s*~*\^"
    r"|^WARNING: All log messages before absl::InitializeLog|^To enable the following instructions"
    r"|^(?:DEBUG|INFO|WARNING):\d{4}-|^\s*$|^\*\*\* (?:SIG|Begin|End)|^Timeout \("
)

#: The last line of an exception, in a text that holds a whole stack: ``module.Name: message``.
_EXCEPTION = re.compile(r"^((?:\w+\.)*\w+(?:Error|Exception|Warning|Exit|Interrupt)): (.*)")


def recognise(text: str) -> Known | None:
    """Return the first known failure whose text occurs, or None."""
    return next((known for known in TABLE if known.pattern.search(text)), None)


def fatal_line(text: str) -> str:
    """Return the line of what a process wrote that says why it ended; empty where none does."""
    lines = [line.strip() for line in text.splitlines() if not _IDLE.search(line)]
    for kind in _FATAL:
        for number, line in enumerate(lines):
            if kind.search(line):
                # "terminate called after throwing an instance of 'x'" goes on in the next line: "what():  ..."
                following = "".join(lines[number + 1 : number + 2])
                return f"{line} {following}" if following.startswith("what():") else line
    return lines[-1] if lines else ""


#: What a framework writes where it goes on with the CPU, because a GPU or its libraries cannot be had.
_GOES_ON = re.compile(
    r"Could not find cuda drivers on your machine|Cannot dlopen some GPU libraries|failed call to cuInit:|CUDA initialization:"
)
#: JAX: a plugin that raises is logged with its stack, and left out.
_PLUGIN_LEFT_OUT = "Jax plugin configuration error"


def said_of_no_gpu(text: str) -> str:
    """Return what a framework that computes on the CPU wrote of a GPU that it could not use; empty where it wrote nothing."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _PLUGIN_LEFT_OUT in line:
            raised = next((other for other in lines[number + 1 :] if _EXCEPTION.match(other)), "")
            plugin = re.search(r"jax_plugins(?:\.\w+)*?(?=\.initialize|\s|$)", line)
            return f"it left out {plugin[0] if plugin else 'a plugin'}: {raised}" if raised else "it left out a plugin"
        if _GOES_ON.search(line):
            return re.sub(r"^.*?(?:\] |Warning: )", "", line.strip())
    return ""


def stack(trace: str, ours: str) -> str:
    """Return what faulthandler wrote of where it was, the innermost call first.

    Frames and threads of ours (below the folder ``ours``) are left out, and the list of modules.
    """
    threads: list[list[str]] = [[]]
    for line in trace.splitlines():
        if line.startswith(("Thread 0x", "Current thread 0x")):
            threads.append([])
        if (
            line.strip()
            and f'"{ours}' not in line
            and 'string>", line' not in line
            and not line.startswith("Extension modules:")
        ):
            threads[-1].append(line)
    head, *rest = threads
    kept = [head, *(lines for lines in rest if not all("threading.py" in line for line in lines[1:]))]
    return "\n".join(line for lines in kept for line in lines)


def unwrapped(kind: str, message: str) -> tuple[str, str]:
    """Return the type and the message of the exception that really was; for a message that is a stack with another one inside.

    TensorFlow raises ``ImportError("Traceback (most recent call last): ... ImportError: dlopen(...) ... Failed to load the
    native TensorFlow runtime.")``.
    """
    if not message.lstrip().startswith("Traceback (most recent call last)"):
        return kind, message
    lines = message.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        found = _EXCEPTION.match(lines[number])
        if found:
            return found[1], "\n".join((found[2], *lines[number + 1 :]))
    return kind, message


def shorten(text: str, lines: int = 12, width: int = 300) -> str:
    """Return the end of a text without its empty lines; control characters are shown by their escapes."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(_escape(line if len(line) <= width else line[: width - 3] + "...") for line in kept)


def _escape(line: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)
