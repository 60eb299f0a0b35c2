"""The child process in which ezkl runs: one request, one result file, then gone.

Started as ``python -I worker.py REQUEST RESULT``. It imports the standard
library and ezkl, nothing else, so that what can go wrong in here is ezkl.

It never returns to the interpreter's own shutdown: after an async call ezkl's threads crash it in
a fraction of runs (11 of 40 measured), so the process ends with ``os._exit``.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that started it dies (Linux)."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return  # other systems: the time limit still bounds an orphan


def _call(ezkl: Any, step: dict[str, Any]) -> Any:
    kwargs = dict(step["arguments"])
    if step["run_args"] is not None:
        run_args = ezkl.PyRunArgs()
        for name, value in step["run_args"].items():
            setattr(run_args, name, value)
        kwargs["py_run_args"] = run_args
    function = getattr(ezkl, step["function"])

    async def awaited() -> Any:
        value = function(**kwargs)
        return await value if inspect.isawaitable(value) else value

    # Some functions need a running loop even to be called, others must not block one: ezkl runs
    # one call at a time here, so a loop around each is harmless.
    value = asyncio.run(awaited()) if step["asynchronous"] else function(**kwargs)
    return value if isinstance(value, (bool, int, str, float, type(None))) else None


def main(request_path: str, result_path: str) -> None:
    """Run the steps of a request in order and write ``{"values": [...]}`` or ``{"error": ...}``."""
    _die_with_parent()
    request = json.loads(Path(request_path).read_text())
    limit = request["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result: dict[str, Any] = {"values": []}
    try:
        import ezkl

        for step in request["steps"]:
            try:
                result["values"].append(_call(ezkl, step))
            except BaseException as error:
                # PanicException is a BaseException; some steps succeed although they raise.
                made = step["succeeds_if_file"]
                if not (made and Path(made).is_file() and Path(made).stat().st_size > 0):
                    raise error
                result["values"].append(None)
    except BaseException as error:
        kind = type(error).__name__
        result = {"error": {"kind": kind, "message": str(error)[:4000], "step": step_name(request)}}
    partial = Path(result_path + ".partial")
    partial.write_text(json.dumps(result))
    partial.rename(result_path)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def step_name(request: dict[str, Any]) -> str:
    """Names of the requested functions, for messages."""
    return ", ".join(step["function"] for step in request["steps"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
