"""Run in a clean interpreter: loads each file named on standard input (JSON) in a process of its own, as Python loads modules.

Prints a JSON object: path -> null, or what the loader said.
"""

import ctypes
import json
import os
import signal
import sys

_SECONDS = 60


def _load(path: str) -> str:
    try:
        ctypes.CDLL(path, mode=os.RTLD_NOW)
    except OSError as error:
        return str(error) or "an error without a text"
    return ""


def _in_a_process_of_its_own(path: str) -> "str | None":
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        os.write(writing, os.fsencode(_load(path))[:4000])
        os._exit(0)  # no destructors: only the loading is asked for
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = os.fsdecode(pipe.read())
    _, status = os.waitpid(child, 0)
    if status:
        return f"the process ended with {os.waitstatus_to_exitcode(status)}"
    return text or None


if __name__ == "__main__":
    json.dump({path: _in_a_process_of_its_own(path) for path in json.load(sys.stdin)}, sys.stdout)
